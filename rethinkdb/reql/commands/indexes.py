"""Secondary indexes and write hooks."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Flag, Function, RqlQuery, Text, Value

__all__ = ["IndexCommands"]


class IndexCommands:
    """Commands of tables on what the server does at each write: indexes, and a hook."""

    __slots__ = ()

    # --- secondary indexes

    @command(TermType.INDEX_CREATE, rows=Rows.ALL)
    def index_create(
        self,
        name: Text,
        function: Function | list[Value] | bytes = UNSET,
        /,
        *,
        multi: Flag = False,
        geo: Flag = False,
    ) -> RqlQuery:
        """Makes a secondary index.

        Args:
            name: the index's name; alone, it is also the field indexed.
            function: what to index of a document: a function, an `r.row` expression, a list of
                these for a compound index, or the bytes `function` of `index_status` to make the
                same index again.
            multi: index each element of an array on its own.
            geo: index geometries.

        Returns:
            `{"created": 1}`. The index is filled in the background: see `index_wait`.

        Raises:
            ReqlOpFailedError: the index exists.
            ReqlQueryLogicError: the function is not deterministic.

        Example:
            r.table("posts").index_create("by_day", [r.row["author"], r.row["day"]]).run(conn)
        """

    @command(TermType.INDEX_DROP)
    def index_drop(self, name: Text, /) -> RqlQuery:
        """Removes a secondary index.

        Args:
            name: the index's name.

        Returns:
            `{"dropped": 1}`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_drop("by_day").run(conn)
        """

    @command(TermType.INDEX_RENAME)
    def index_rename(self, old: Text, new: Text, /, *, overwrite: Flag = False) -> RqlQuery:
        """Renames a secondary index.

        Args:
            old: its name.
            new: its name to be.
            overwrite: replace an index of that name.

        Returns:
            `{"renamed": 1}`, or 0 when both names are the same.

        Raises:
            ReqlOpFailedError: there is no such index, or the new name is taken.

        Example:
            r.table("posts").index_rename("new", "by_day", overwrite=True).run(conn)
        """

    @command(TermType.INDEX_LIST)
    def index_list(self, /) -> RqlQuery:
        """The names of the secondary indexes.

        Returns:
            A list of str.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("posts").index_list().run(conn)
        """

    @command(TermType.INDEX_STATUS)
    def index_status(self, /, *names: Text) -> RqlQuery:
        """How far secondary indexes are built, and what they are.

        Args:
            names: which. Default: all.

        Returns:
            A list of objects `index ready outdated multi geo query function`, and `progress`
            while building; `function` is bytes that `index_create` takes.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_status("by_day").run(conn)
        """

    @command(TermType.INDEX_WAIT)
    def index_wait(self, /, *names: Text) -> RqlQuery:
        """Waits until secondary indexes are built.

        Args:
            names: which. Default: all.

        Returns:
            As `index_status`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_wait().run(conn)
        """

    # --- write hooks

    @command(TermType.SET_WRITE_HOOK)
    def set_write_hook(self, function: Function | bytes | None, /, **options: Value) -> RqlQuery:
        """Sets a function that every write to the table passes through.

        Args:
            function: a deterministic function of (context, old document, new document) that
                returns the document to store, or None to delete it; the context is
                `{"primary_key": ..., "timestamp": ...}`. None removes the hook; bytes are the
                `function` of `get_write_hook`.

        Returns:
            `{"created": 1}`, `{"replaced": 1}` or `{"deleted": 1}`.

        Raises:
            ReqlQueryLogicError: the function is not deterministic, or takes no three arguments.

        Example:
            r.table("t").set_write_hook(lambda c, old, new: new.merge({"n": 1})).run(conn)
        """

    @command(TermType.GET_WRITE_HOOK)
    def get_write_hook(self, /, **options: Value) -> RqlQuery:
        """The table's write hook.

        Returns:
            `{"function": bytes, "query": str}`, or None.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("t").get_write_hook().run(conn)
        """
