"""Truth and comparisons."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from rethinkdb.embedded.data import comparing
from rethinkdb.embedded.data.values import Value
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, term
from rethinkdb.ql2 import TermType


@term(TermType.AND, 0, MANY)
def and_(call: Call) -> Value:
    """The first false argument. If there is none, the last argument."""
    return _deciding(call, deciding=False)


@term(TermType.OR, 0, MANY)
def or_(call: Call) -> Value:
    """The first true argument. If there is none, the last argument."""
    return _deciding(call, deciding=True)


def _deciding(call: Call, *, deciding: bool) -> Value:
    for index in range(call.count):
        if call.boolean(index) is deciding:
            return call.value(index)
    return call.value(call.count - 1) if call.count else not deciding


@term(TermType.NOT, 1)
def not_(call: Call) -> bool:
    return not call.boolean(0)


def _each_to_the_next(call: Call, holds: Callable[[Any, Any], bool]) -> bool:
    left = call.datum(0)
    for index in range(1, call.count):
        right = call.datum(index)
        if not holds(comparing.compare(left, right), 0):
            return False
        left = right
    return True


@term(TermType.NE, 2, MANY)
def ne(call: Call) -> bool:
    """Whether any argument differs from the one before it."""
    return not _each_to_the_next(call, operator.eq)


def _comparison(type: TermType, holds: Callable[[Any, Any], bool]) -> None:
    term(type, 2, MANY)(lambda call: _each_to_the_next(call, holds))


_comparison(TermType.EQ, operator.eq)
_comparison(TermType.LT, operator.lt)
_comparison(TermType.LE, operator.le)
_comparison(TermType.GT, operator.gt)
_comparison(TermType.GE, operator.ge)
