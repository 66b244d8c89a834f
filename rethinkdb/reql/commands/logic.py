"""Comparison and logic."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import command
from rethinkdb.reql.printing import infix, invert, logical

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery, Value

__all__ = ["LogicCommands"]


class LogicCommands:
    """Commands that compare values, and combine truth values."""

    __slots__ = ()

    # --- comparison

    @command(TermType.EQ, style=infix, prints_as="==", compares=True)
    def eq(self, /, *others: Value) -> RqlQuery:
        """Whether values are equal: `a == b`.

        Args:
            others: what to compare with.

        Returns:
            A bool: True when all are equal.

        Raises:
            ReqlDriverCompileError: an operand is made by `&` or `|` without parentheses in mind.

        Example:
            r.table("users").filter(r.row["age"] == 30).run(conn)
        """

    @command(TermType.NE, style=infix, prints_as="!=", compares=True)
    def ne(self, /, *others: Value) -> RqlQuery:
        """Whether values are not all equal: `a != b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made by `&` or `|`.

        Example:
            r.table("users").filter(r.row["age"] != 30).run(conn)
        """

    @command(TermType.LT, style=infix, prints_as="<", compares=True)
    def lt(self, /, *others: Value) -> RqlQuery:
        """Whether each value is less than the next: `a < b`.

        Values of different types compare by the names of their types.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made by `&` or `|`.

        Example:
            r.expr(1).lt(2, 3).run(conn)  # True
        """

    @command(TermType.LE, style=infix, prints_as="<=", compares=True)
    def le(self, /, *others: Value) -> RqlQuery:
        """Whether no value is greater than the next: `a <= b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made by `&` or `|`.

        Example:
            r.expr(1).le(2, 2).run(conn)  # True
        """

    @command(TermType.GT, style=infix, prints_as=">", compares=True)
    def gt(self, /, *others: Value) -> RqlQuery:
        """Whether each value is greater than the next: `a > b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made by `&` or `|`.

        Example:
            r.expr(3).gt(2, 1).run(conn)  # True
        """

    @command(TermType.GE, style=infix, prints_as=">=", compares=True)
    def ge(self, /, *others: Value) -> RqlQuery:
        """Whether no value is less than the next: `a >= b`.

        Args:
            others: what to compare with.

        Returns:
            A bool.

        Raises:
            ReqlDriverCompileError: an operand is made by `&` or `|`.

        Example:
            r.expr(3).ge(2, 2).run(conn)  # True
        """

    # --- logic

    @command(TermType.AND, style=logical)
    def and_(self, /, *others: Value) -> RqlQuery:
        """Whether all values are true: `a & b`. Only null and False are false.

        Args:
            others: the other values, looked at only while all so far are true.

        Returns:
            The value that decided it.

        Raises:
            ReqlRuntimeError: a value that is looked at fails.

        Example:
            r.table("t").filter((r.row["a"] == 1) & (r.row["b"] == 2)).run(conn)
        """

    @command(TermType.OR, style=logical)
    def or_(self, /, *others: Value) -> RqlQuery:
        """Whether any value is true: `a | b`. Only null and False are false.

        Args:
            others: the other values, looked at only while all so far are false.

        Returns:
            The value that decided it.

        Raises:
            ReqlRuntimeError: a value that is looked at fails.

        Example:
            r.table("t").filter((r.row["a"] == 1) | (r.row["b"] == 2)).run(conn)
        """

    @command(TermType.NOT, style=invert)
    def not_(self, /) -> RqlQuery:
        """Whether a value is false: `~a`. Only null and False are false.

        Returns:
            A bool.

        Raises:
            ReqlRuntimeError: the value fails.

        Example:
            r.table("t").filter(~r.row["done"]).run(conn)
        """
