"""Arithmetic, rounding and bits."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import command
from rethinkdb.reql.printing import infix, logical

if TYPE_CHECKING:
    from rethinkdb.reql.types import Integer, Number, RqlQuery, Value

__all__ = ["ArithmeticCommands"]


class ArithmeticCommands:
    """Commands on numbers. `add`, `sub` and `mul` also work with some other types."""

    __slots__ = ()

    # --- arithmetic

    @command(TermNumber.ADD, style=infix, prints_as="+")
    def add(self, /, *others: Value) -> RqlQuery:
        """Adds numbers, or seconds to a time. It also joins strings or arrays. Short form: `a + b`.

        Args:
            others: what to add, from left to right.

        Returns:
            The sum.

        Raises:
            ReqlNonExistenceError: a value is null.
            ReqlQueryLogicError: the command is not defined for these types.

        Example:
            (r.expr(1) + 2).run(conn)  # 3
        """

    @command(TermNumber.SUB, style=infix, prints_as="-")
    def sub(self, /, *others: Value) -> RqlQuery:
        """Subtracts numbers, seconds from a time, or a time from a time. Short form: `a - b`.

        Args:
            others: what to subtract, from left to right.

        Returns:
            A number or a time. The difference of two times is a number of seconds.

        Raises:
            ReqlNonExistenceError: a value is null.
            ReqlQueryLogicError: the command is not defined for these types.

        Example:
            (r.now() - 3600).run(conn)
        """

    @command(TermNumber.MUL, style=infix, prints_as="*")
    def mul(self, /, *others: Value) -> RqlQuery:
        """Multiplies numbers, or repeats an array. Short form: `a * b`.

        Args:
            others: the other factors.

        Returns:
            The product.

        Raises:
            ReqlNonExistenceError: a value is null.
            ReqlQueryLogicError: the command is not defined for these types.

        Example:
            (r.expr([1, 2]) * 2).run(conn)  # [1, 2, 1, 2]
        """

    @command(TermNumber.DIV, style=infix, prints_as="/")
    def div(self, /, *others: Number) -> RqlQuery:
        """Divides numbers. Short form: `a / b`. There is no division of integers.

        Args:
            others: the divisors, from left to right.

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: a divisor is 0, or a value is not a number.

        Example:
            (r.expr(3) / 2).run(conn)  # 1.5
        """

    @command(TermNumber.MOD, style=infix, prints_as="%")
    def mod(self, other: Integer, /) -> RqlQuery:
        """Computes the remainder of a division of integers. Short form: `a % b`.

        The remainder has the sign of `a`, other than in Python.

        Args:
            other: the divisor.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: the divisor is 0, or a value is not an integer.

        Example:
            (r.expr(7) % 4).run(conn)  # 3
        """

    @command(TermNumber.FLOOR)
    def floor(self, /) -> RqlQuery:
        """Rounds down.

        Returns:
            An integer.

        Raises:
            ReqlQueryLogicError: it is not called on a number.

        Example:
            r.floor(1.7).run(conn)  # 1
        """

    @command(TermNumber.CEIL)
    def ceil(self, /) -> RqlQuery:
        """Rounds up.

        Returns:
            An integer.

        Raises:
            ReqlQueryLogicError: it is not called on a number.

        Example:
            r.ceil(1.2).run(conn)  # 2
        """

    @command(TermNumber.ROUND)
    def round(self, /) -> RqlQuery:
        """Rounds to the nearest integer. Halves are rounded away from zero.

        Returns:
            An integer.

        Raises:
            ReqlQueryLogicError: it is not called on a number.

        Example:
            r.round(-1.5).run(conn)  # -2
        """

    # --- bits

    @command(TermNumber.BIT_AND, style=logical)
    def bit_and(self, /, *others: Integer) -> RqlQuery:
        """Computes the bitwise "and" of integers.

        Args:
            others: the other integers.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: a value is not an integer.

        Example:
            r.expr(6).bit_and(3).run(conn)  # 2
        """

    @command(TermNumber.BIT_OR, style=logical)
    def bit_or(self, /, *others: Integer) -> RqlQuery:
        """Computes the bitwise "or" of integers.

        Args:
            others: the other integers.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: a value is not an integer.

        Example:
            r.expr(6).bit_or(3).run(conn)  # 7
        """

    @command(TermNumber.BIT_XOR, style=logical)
    def bit_xor(self, /, *others: Integer) -> RqlQuery:
        """Computes the bitwise "exclusive or" of integers.

        Args:
            others: the other integers.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: a value is not an integer.

        Example:
            r.expr(6).bit_xor(3).run(conn)  # 5
        """

    @command(TermNumber.BIT_NOT)
    def bit_not(self, /) -> RqlQuery:
        """Inverts all bits of an integer.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: it is not called on an integer.

        Example:
            r.bit_not(7).run(conn)  # -8
        """

    @command(TermNumber.BIT_SAL, style=logical)
    def bit_sal(self, bits: Integer, /) -> RqlQuery:
        """Shifts the bits of an integer to the left.

        Args:
            bits: by how many bits to shift.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: a value is not an integer.

        Example:
            r.expr(5).bit_sal(2).run(conn)  # 20
        """

    @command(TermNumber.BIT_SAR, style=logical)
    def bit_sar(self, bits: Integer, /) -> RqlQuery:
        """Shifts the bits of an integer to the right. The sign stays.

        Args:
            bits: by how many bits to shift.

        Returns:
            An int.

        Raises:
            ReqlQueryLogicError: a value is not an integer.

        Example:
            r.expr(-20).bit_sar(2).run(conn)  # -5
        """
