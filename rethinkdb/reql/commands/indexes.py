"""Secondary indexes and write hooks."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Flag, Function, RqlQuery, Text, Value

__all__ = ["IndexCommands"]


class IndexCommands:
    """Commands of tables: secondary indexes, and the hook that is called at each write."""

    __slots__ = ()

    # --- secondary indexes

    @command(TermNumber.INDEX_CREATE, rows=Rows.ALL)
    def index_create(
        self,
        name: Text,
        function: Function | list[Value] | bytes = UNSET,
        /,
        *,
        multi: Flag = False,
        geo: Flag = False,
    ) -> RqlQuery:
        """Creates a secondary index.

        Args:
            name: the index's name. Without `function` it is also the name of the field to index.
            function: what to index a document by: a function, an `r.row` expression, or for a
                compound index a list of these. `function` in the result of `index_status`, which
                is bytes, creates the same index again.
            multi: index each element of an array by itself.
            geo: make a geospatial index, which holds geometries.

        Returns:
            `{"created": 1}`. The server then builds the index in the background: see `index_wait`.

        Raises:
            ReqlOpFailedError: the index exists.
            ReqlQueryLogicError: the function is not deterministic.

        Example:
            r.table("posts").index_create("by_day", [r.row["author"], r.row["day"]]).run(conn)
        """

    @command(TermNumber.INDEX_DROP)
    def index_drop(self, name: Text, /) -> RqlQuery:
        """Deletes a secondary index.

        Args:
            name: the index's name.

        Returns:
            `{"dropped": 1}`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_drop("by_day").run(conn)
        """

    @command(TermNumber.INDEX_RENAME)
    def index_rename(self, old: Text, new: Text, /, *, overwrite: Flag = False) -> RqlQuery:
        """Renames a secondary index.

        Args:
            old: the index's name.
            new: its new name.
            overwrite: replace the index that has the new name, if there is one.

        Returns:
            `{"renamed": 1}`, or `{"renamed": 0}` if both names are the same.

        Raises:
            ReqlOpFailedError: there is no such index, or another index has the new name.

        Example:
            r.table("posts").index_rename("new", "by_day", overwrite=True).run(conn)
        """

    @command(TermNumber.INDEX_LIST)
    def index_list(self, /) -> RqlQuery:
        """Lists the names of the table's secondary indexes.

        Returns:
            A list of str.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("posts").index_list().run(conn)
        """

    @command(TermNumber.INDEX_STATUS)
    def index_status(self, /, *names: Text) -> RqlQuery:
        """Describes secondary indexes, and tells whether they are built.

        Args:
            names: the names of indexes. Default: all indexes.

        Returns:
            A list of objects with the fields `index ready outdated multi geo query function`, and
            `progress` while the index is being built. `function` is bytes for `index_create`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_status("by_day").run(conn)
        """

    @command(TermNumber.INDEX_WAIT)
    def index_wait(self, /, *names: Text) -> RqlQuery:
        """Waits until secondary indexes are built.

        Args:
            names: the names of indexes. Default: all indexes.

        Returns:
            The same as `index_status`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_wait().run(conn)
        """

    # --- write hooks

    @command(TermNumber.SET_WRITE_HOOK)
    def set_write_hook(self, function: Function | bytes | None, /, **options: Value) -> RqlQuery:
        """Sets the write hook: a function that the server calls at each write to the table.

        Args:
            function: a deterministic function of (context, old document, new document). It
                returns the document to store, or None to delete it. The context is
                `{"primary_key": ..., "timestamp": ...}`. None in place of a function removes the
                hook. `function` in the result of `get_write_hook`, which is bytes, sets it again.

        Returns:
            `{"created": 1}`, `{"replaced": 1}` or `{"deleted": 1}`.

        Raises:
            ReqlQueryLogicError: the function is not deterministic, or does not take three
                arguments.

        Example:
            r.table("t").set_write_hook(lambda c, old, new: new.merge({"n": 1})).run(conn)
        """

    @command(TermNumber.GET_WRITE_HOOK)
    def get_write_hook(self, /, **options: Value) -> RqlQuery:
        """Gets the table's write hook.

        Returns:
            `{"function": bytes, "query": str}`, or None if there is no hook.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("t").get_write_hook().run(conn)
        """
