"""Comparison and logic."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import command
from rethinkdb.reql.printing import infix, invert, logical

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery, Value

__all__ = ["LogicCommands"]


class LogicCommands:
    """Commands that compare values, and combine conditions."""

    __slots__ = ()

    # --- comparison

    @command(TermNumber.EQ, style=infix, prints_as="==", compares=True)
    def eq(self, /, *others: Value) -> RqlQuery:
        """Tells whether all values are equal. Short form: `a == b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made with `&` or `|`, which Python applies first.

        Example:
            r.table("users").filter(r.row["age"] == 30).run(conn)
        """

    @command(TermNumber.NE, style=infix, prints_as="!=", compares=True)
    def ne(self, /, *others: Value) -> RqlQuery:
        """Tells whether some values are not equal. Short form: `a != b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made with `&` or `|`, which Python applies first.

        Example:
            r.table("users").filter(r.row["age"] != 30).run(conn)
        """

    @command(TermNumber.LT, style=infix, prints_as="<", compares=True)
    def lt(self, /, *others: Value) -> RqlQuery:
        """Tells whether each value is less than the next one. Short form: `a < b`.

        Of values of different types, the one whose type comes first in the alphabet is less.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made with `&` or `|`, which Python applies first.

        Example:
            r.expr(1).lt(2, 3).run(conn)  # True
        """

    @command(TermNumber.LE, style=infix, prints_as="<=", compares=True)
    def le(self, /, *others: Value) -> RqlQuery:
        """Tells whether no value is greater than the next one. Short form: `a <= b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made with `&` or `|`, which Python applies first.

        Example:
            r.expr(1).le(2, 2).run(conn)  # True
        """

    @command(TermNumber.GT, style=infix, prints_as=">", compares=True)
    def gt(self, /, *others: Value) -> RqlQuery:
        """Tells whether each value is greater than the next one. Short form: `a > b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made with `&` or `|`, which Python applies first.

        Example:
            r.expr(3).gt(2, 1).run(conn)  # True
        """

    @command(TermNumber.GE, style=infix, prints_as=">=", compares=True)
    def ge(self, /, *others: Value) -> RqlQuery:
        """Tells whether no value is less than the next one. Short form: `a >= b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made with `&` or `|`, which Python applies first.

        Example:
            r.expr(3).ge(2, 2).run(conn)  # True
        """

    # --- logic

    @command(TermNumber.AND, style=logical, prints_as="&")
    def and_(self, /, *others: Value) -> RqlQuery:
        """Tells whether all values are true. Short form: `a & b`.

        Only null and False are false.

        Args:
            others: the other values. They are computed one by one, until one is false.

        Returns:
            The last value that was computed.

        Raises:
            ReqlRuntimeError: a value that is needed cannot be computed.

        Example:
            r.table("t").filter((r.row["a"] == 1) & (r.row["b"] == 2)).run(conn)
        """

    @command(TermNumber.OR, style=logical, prints_as="|")
    def or_(self, /, *others: Value) -> RqlQuery:
        """Tells whether some value is true. Short form: `a | b`.

        Only null and False are false.

        Args:
            others: the other values. They are computed one by one, until one is true.

        Returns:
            The last value that was computed.

        Raises:
            ReqlRuntimeError: a value that is needed cannot be computed.

        Example:
            r.table("t").filter((r.row["a"] == 1) | (r.row["b"] == 2)).run(conn)
        """

    @command(TermNumber.NOT, style=invert)
    def not_(self, /) -> RqlQuery:
        """Tells whether a value is false. Short form: `~a`. Only null and False are false.

        Returns:
            A bool.

        Raises:
            ReqlRuntimeError: the value cannot be computed.

        Example:
            r.table("t").filter(~r.row["done"]).run(conn)
        """
