"""Python's operators on terms: short forms of commands."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rethinkdb.errors import ReqlDriverCompileError, ReqlDriverError
from rethinkdb.ql2 import TermNumber
from rethinkdb.reql import printing
from rethinkdb.reql.commands.arithmetic import ArithmeticCommands
from rethinkdb.reql.commands.logic import LogicCommands
from rethinkdb.reql.declare import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from rethinkdb.reql.types import RqlQuery, Value

__all__ = ["Operators"]

Slice = slice  # in the class below `slice` is the command


class Operators(ArithmeticCommands, LogicCommands):
    """`+ - * / %`, comparisons, `& | ~` for logic, `[...]` for fields, positions and slices.

    There are no reflected comparisons, as Python evaluates `1 < q` as `q > 1`.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        slice: Callable[..., RqlQuery]

    # --- brackets

    def __getitem__(self, key: Value) -> RqlQuery:
        """Takes a field or an element.

        `q["name"]` is a field of an object, `q[0]` an element of a sequence, `q[1:3]` a part of a
        sequence, as with `slice`. `q[{"address": "city"}]` keeps fields, as with `pluck`.
        """
        if isinstance(key, Slice):
            return self._part(key)
        return self._bracket(list(key) if isinstance(key, tuple) else key)

    def _part(self, key: Slice) -> RqlQuery:
        if key.step is not None:
            raise ReqlDriverCompileError(f"A slice of a query has no step: {key.step!r}")
        start = 0 if key.start is None else key.start
        if key.stop is None:
            return _by_operator(self.slice(start, -1, right_bound="closed"))
        return _by_operator(self.slice(start, key.stop))

    @command(TermNumber.BRACKET, style=printing.bracket)
    def _bracket(self, key: Value, /) -> RqlQuery:
        """`q[key]`"""

    def __iter__(self) -> Any:
        """Raises, as otherwise Python would call `__getitem__` with 0, 1, 2 and never end.

        Raises:
            ReqlDriverError: always.
        """
        raise ReqlDriverError(
            "__iter__ called on an RqlQuery object.\n"
            "To iterate over the results of a query, call run first.\n"
            "To iterate inside a query, use map or for_each."
        )

    # --- logic

    def __and__(self, other: Value, /) -> RqlQuery:
        """`a & b` is `a.and_(b)`."""
        return _by_operator(self.and_(other))

    def __or__(self, other: Value, /) -> RqlQuery:
        """`a | b` is `a.or_(b)`."""
        return _by_operator(self.or_(other))

    def __rand__(self, other: Value) -> RqlQuery:
        return _by_operator(LogicCommands.and_(other, self))

    def __ror__(self, other: Value) -> RqlQuery:
        return _by_operator(LogicCommands.or_(other, self))

    def __invert__(self) -> RqlQuery:
        return self.not_()

    # --- comparison; as == gives a query and not a bool, terms cannot be keys of a dict

    # The types of `object` ask for a hash, and for a bool of `==` and `!=`.
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: Value) -> RqlQuery:  # type: ignore[override]
        return self.eq(other)

    def __ne__(self, other: Value) -> RqlQuery:  # type: ignore[override]
        return self.ne(other)

    def __lt__(self, other: Value) -> RqlQuery:
        return self.lt(other)

    def __le__(self, other: Value) -> RqlQuery:
        return self.le(other)

    def __gt__(self, other: Value) -> RqlQuery:
        return self.gt(other)

    def __ge__(self, other: Value) -> RqlQuery:
        return self.ge(other)

    # --- arithmetic

    def __add__(self, other: Value) -> RqlQuery:
        return self.add(other)

    def __radd__(self, other: Value) -> RqlQuery:
        return ArithmeticCommands.add(other, self)

    def __sub__(self, other: Value) -> RqlQuery:
        return self.sub(other)

    def __rsub__(self, other: Value) -> RqlQuery:
        return ArithmeticCommands.sub(other, self)

    def __mul__(self, other: Value) -> RqlQuery:
        return self.mul(other)

    def __rmul__(self, other: Value) -> RqlQuery:
        return ArithmeticCommands.mul(other, self)

    def __truediv__(self, other: Value) -> RqlQuery:
        return self.div(other)

    def __rtruediv__(self, other: Value) -> RqlQuery:
        return ArithmeticCommands.div(other, cast("RqlQuery", self))

    def __mod__(self, other: Value) -> RqlQuery:
        return self.mod(other)

    def __rmod__(self, other: Value) -> RqlQuery:
        return ArithmeticCommands.mod(other, cast("RqlQuery", self))


def _by_operator(term: RqlQuery) -> RqlQuery:
    """The term, which prints with its operator then."""
    term._operator = True
    return term
