"""Joins: pairs of elements of two sequences."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Flag, Function, RqlQuery, Text, Value

__all__ = ["JoinCommands"]


class JoinCommands:
    """Commands that pair the elements of two sequences."""

    __slots__ = ()

    @command(TermNumber.INNER_JOIN)
    def inner_join(self, other: Value, predicate: Function, /) -> RqlQuery:
        """Pairs each element of one sequence with all elements of another that match it.

        It compares each element with each other one. Where one looks up the other by a key,
        `eq_join` is much faster.

        Args:
            other: the other sequence.
            predicate: a function that takes an element of each sequence, and returns whether
                they match.

        Returns:
            A sequence of `{"left": ..., "right": ...}`.

        Raises:
            ReqlQueryLogicError: a value is not a sequence.

        Example:
            a.inner_join(b, lambda x, y: x["n"] == y["n"]).zip().run(conn)
        """

    @command(TermNumber.OUTER_JOIN)
    def outer_join(self, other: Value, predicate: Function, /) -> RqlQuery:
        """Does the same as `inner_join`, and keeps elements that match no other one, too.

        Args:
            other: the other sequence.
            predicate: a function that takes an element of each sequence, and returns whether
                they match.

        Returns:
            A sequence of `{"left": ..., "right": ...}`. An element of the first sequence that
            matches no other one comes without `right`.

        Raises:
            ReqlQueryLogicError: a value is not a sequence.

        Example:
            a.outer_join(b, lambda x, y: x["n"] == y["n"]).zip().run(conn)
        """

    @command(TermNumber.EQ_JOIN, rows=Rows.ALL)
    def eq_join(
        self, key: Text | Function, table: Value, /, *, index: Text = UNSET, ordered: Flag = False
    ) -> RqlQuery:
        """Pairs each element with the documents of a table that it refers to.

        Args:
            key: the name of the field with the key to look up, or a function that returns the key.
            table: the table to look it up in.
            index: the name of a secondary index of that table. Default: the primary key.
            ordered: whether the result keeps the order of the elements.

        Returns:
            A sequence of `{"left": element, "right": document}`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").eq_join("author", r.table("users")).zip().run(conn)
        """

    @command(TermNumber.ZIP)
    def zip(self, /) -> RqlQuery:
        """Makes one object of each pair of a join. Where both have a field, the right one counts.

        Returns:
            A sequence of objects.

        Raises:
            ReqlQueryLogicError: it is not called on a join.

        Example:
            r.table("posts").eq_join("author", r.table("users")).zip().run(conn)
        """
