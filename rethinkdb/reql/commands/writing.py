"""Writes that apply to any selection, and changefeeds."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
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
    """Commands that write, on tables, selections and single documents; and `changes`."""

    __slots__ = ()

    @command(TermType.UPDATE, rows=Rows.ALL)
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
        """Merges fields into documents.

        Args:
            changes: an object, or a function from the document to one; None leaves it unchanged.
            durability: `soft` does not wait for the disk. Default: as the table says.
            return_changes: put old and new documents in the result's `changes`; `"always"` also
                those that did not change.
            non_atomic: allow what is not deterministic.
            ignore_write_hook: bypass the table's write hook.

        Returns:
            Counts as of `insert`.

        Raises:
            ReqlQueryLogicError: the subject is no selection, or the change not deterministic.

        Example:
            r.table("posts").get(1).update({"views": r.row["views"] + 1}).run(conn)
        """

    @command(TermType.REPLACE, rows=Rows.ALL)
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
        """Puts another document in the place of each.

        Args:
            document: the new one, or a function from the old one to it; None deletes. The primary
                key must stay. On `get` of a missing key it inserts.
            durability, return_changes, non_atomic, ignore_write_hook: as of `update`.

        Returns:
            Counts as of `insert`.

        Raises:
            ReqlQueryLogicError: the subject is no selection, or the change not deterministic.

        Example:
            r.table("posts").replace(r.row.without("draft")).run(conn)
        """

    @command(TermType.DELETE)
    def delete(
        self,
        /,
        *,
        durability: Durability = UNSET,
        return_changes: ReturnChanges = False,
        ignore_write_hook: Flag = False,
    ) -> RqlQuery:
        """Removes documents.

        Args:
            durability, return_changes, ignore_write_hook: as of `update`.

        Returns:
            Counts as of `insert`.

        Raises:
            ReqlQueryLogicError: the subject is no selection.

        Example:
            r.table("posts").get_all("spam", index="label").delete().run(conn)
        """

    @command(TermType.FOR_EACH, rows=Rows.ALL)
    def for_each(self, function: Function, /) -> RqlQuery:
        """Runs writes for each element.

        Args:
            function: from an element to a write, or a list of writes.

        Returns:
            The counts of all writes, summed.

        Raises:
            ReqlQueryLogicError: the function returns no write.

        Example:
            r.range(10).for_each(lambda i: r.table("t").insert({"id": i})).run(conn)
        """

    @command(TermType.CHANGES)
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
        """Follows the changes to a table, document, or streamable query.

        Args:
            squash: join changes to one document that come close together; a number is how many
                seconds to wait for more.
            changefeed_queue_size: how many changes the server keeps for a slow reader before it
                skips some and says so in an item `{"error": ...}`.
            include_initial: begin with what is there, as items that hold `new_val` only.
            include_states: add items `{"state": "initializing"}` and `{"state": "ready"}`.
            include_offsets: add `old_offset` and `new_offset` (`order_by(...).limit(n)` only).
            include_types: add `type`: add, remove, change, initial, uninitial, state.

        Returns:
            A cursor without an end, of `{"old_val": ..., "new_val": ...}`; an inserted document
            has no (None) `old_val`, a deleted one no `new_val`.

        Raises:
            ReqlQueryLogicError: the query cannot be followed.
            ReqlOpFailedError: raised by the cursor when the table is dropped or unavailable.

        Example:
            for change in r.table("users").changes(include_initial=True).run(conn): ...
        """
