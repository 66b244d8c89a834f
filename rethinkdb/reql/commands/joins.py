"""Joins: elements of two sequences side by side."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, Rows, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import Flag, Function, RqlQuery, Text, Value

__all__ = ["JoinCommands"]


class JoinCommands:
    """Commands on two sequences."""

    __slots__ = ()

    @command(TermType.INNER_JOIN)
    def inner_join(self, other: Value, predicate: Function, /) -> RqlQuery:
        """All pairs of elements that belong together.

        Args:
            other: the other sequence.
            predicate: a function of an element of either that returns whether they do.

        Returns:
            A sequence of `{"left": ..., "right": ...}`.

        Raises:
            ReqlQueryLogicError: something is no sequence.

        Example:
            a.inner_join(b, lambda x, y: x["n"] == y["n"]).zip().run(conn)
        """

    @command(TermType.OUTER_JOIN)
    def outer_join(self, other: Value, predicate: Function, /) -> RqlQuery:
        """As `inner_join`, and elements without a partner, too.

        Args:
            other: the other sequence.
            predicate: a function of an element of either that returns whether they belong together.

        Returns:
            A sequence of `{"left": ..., "right": ...}`; `right` is missing without a partner.

        Raises:
            ReqlQueryLogicError: something is no sequence.

        Example:
            a.outer_join(b, lambda x, y: x["n"] == y["n"]).zip().run(conn)
        """

    @command(TermType.EQ_JOIN, rows=Rows.ALL)
    def eq_join(
        self, key: Text | Function, table: Value, /, *, index: Text = UNSET, ordered: Flag = False
    ) -> RqlQuery:
        """Pairs of elements and the documents of a table that they refer to.

        Args:
            key: the field, or a function from the element to the value, to look up.
            table: where to look it up.
            index: in which index. Default: the primary key.
            ordered: keep the order of the subject.

        Returns:
            A sequence of `{"left": element, "right": document}`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").eq_join("author", r.table("users")).zip().run(conn)
        """

    @command(TermType.ZIP)
    def zip(self, /) -> RqlQuery:
        """Merges the right side of a join into the left one.

        Returns:
            A sequence of objects.

        Raises:
            ReqlQueryLogicError: the subject is no join.

        Example:
            r.table("posts").eq_join("author", r.table("users")).zip().run(conn)
        """
