"""Changing and deleting documents, and following their changes."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import (
        Durability,
        Fields,
        Flag,
        Function,
        Integer,
        Number,
        ReturnChanges,
        RqlQuery,
    )

__all__ = ["WritingCommands"]


class WritingCommands:
    """Commands on tables, selections and single documents that write, and `changes`."""

    __slots__ = ()

    @command(TermNumber.UPDATE, rows=Rows.ALL)
    def update(
        self,
        changes: Fields | Function,
        /,
        *,
        durability: Durability = UNSET,
        return_changes: ReturnChanges = False,
        non_atomic: Flag = False,
        ignore_write_hook: Flag = False,
    ) -> RqlQuery:
        """Changes some fields of documents. Other fields stay as they are.

        Args:
            changes: an object with the new fields, which is merged into the document, or a
                function that takes the document and returns the object. A function that returns
                None changes nothing.
            durability: `soft` does not wait until the data is on disk, `hard` does. Default: the
                table's setting.
            return_changes: add a list `changes` of old and new documents to the result;
                `"always"` also lists documents that did not change.
            non_atomic: allow changes that are not deterministic, such as reading another table.
                Another write to the document may then come in between.
            ignore_write_hook: do not call the table's write hook. The user needs the permission
                `config`.

        Returns:
            An object of counts, as for `insert`.

        Raises:
            ReqlQueryLogicError: it is not called on a table, selection or document, or the change
                is not deterministic.

        Example:
            r.table("posts").get(1).update({"views": r.row["views"] + 1}).run(conn)
        """

    @command(TermNumber.REPLACE, rows=Rows.ALL)
    def replace(
        self,
        document: Fields | Function | None,
        /,
        *,
        durability: Durability = UNSET,
        return_changes: ReturnChanges = False,
        non_atomic: Flag = False,
        ignore_write_hook: Flag = False,
    ) -> RqlQuery:
        """Replaces documents by others with the same primary key.

        Called on a `get` whose key does not exist, it inserts the document.

        Args:
            document: the new document, or a function that takes the old one and returns the new
                one. None deletes the document.
            durability, return_changes, non_atomic, ignore_write_hook: as for `update`.

        Returns:
            An object of counts, as for `insert`.

        Raises:
            ReqlQueryLogicError: it is not called on a table, selection or document, or the change
                is not deterministic.

        Example:
            r.table("posts").replace(r.row.without("draft")).run(conn)
        """

    @command(TermNumber.DELETE)
    def delete(
        self,
        /,
        *,
        durability: Durability = UNSET,
        return_changes: ReturnChanges = False,
        ignore_write_hook: Flag = False,
    ) -> RqlQuery:
        """Deletes documents.

        Args:
            durability, return_changes, ignore_write_hook: as for `update`.

        Returns:
            An object of counts, as for `insert`.

        Raises:
            ReqlQueryLogicError: it is not called on a table, selection or document.

        Example:
            r.table("posts").get_all("spam", index="label").delete().run(conn)
        """

    @command(TermNumber.FOR_EACH, rows=Rows.ALL)
    def for_each(self, function: Function, /) -> RqlQuery:
        """Runs writes for each element of a sequence.

        Args:
            function: takes an element, and returns a write or a list of writes.

        Returns:
            An object of counts, as for `insert`: the sums over all writes.

        Raises:
            ReqlQueryLogicError: the function returns something else than a write.

        Example:
            r.range(10).for_each(lambda i: r.table("t").insert({"id": i})).run(conn)
        """

    @command(TermNumber.CHANGES)
    def changes(
        self,
        /,
        *,
        squash: Flag | Number = False,
        changefeed_queue_size: Integer = 100_000,
        include_initial: Flag = False,
        include_states: Flag = False,
        include_offsets: Flag = False,
        include_types: Flag = False,
    ) -> RqlQuery:
        """Opens a changefeed: tells each change to a table, a document or a selection.

        Args:
            squash: send one change for several to the same document that follow each other
                closely. A number says for how many seconds to wait for more. False sends each.
            changefeed_queue_size: how many changes the server keeps for a reader that is too
                slow. If there are more, it skips some and sends an item `{"error": ...}`.
            include_initial: first send the documents that are there, as items with `new_val` only.
            include_states: also send the items `{"state": "initializing"}` and `{"state":
                "ready"}`, the latter when all initial documents were sent.
            include_offsets: add `old_offset` and `new_offset` to items. This is for
                `order_by(...).limit(n)` only.
            include_types: add `type` to items: add, remove, change, initial, uninitial or state.

        Returns:
            A cursor of items `{"old_val": ..., "new_val": ...}` that does not end. `old_val` is
            None if a document was inserted, `new_val` is None if it was deleted.

        Raises:
            ReqlQueryLogicError: the server cannot follow changes of this query.
            ReqlOpFailedError: while reading: the table was deleted, or is no longer available.

        Example:
            for change in r.table("users").changes(include_initial=True).run(conn): ...
        """
