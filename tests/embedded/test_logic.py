"""Truth and comparisons."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb import r

from .cases import Cases, parametrize, wrong
from .support import outcome

LOGIC: Cases = {
    "and of nothing": (r.and_(), True),
    "or of nothing": (r.or_(), False),
    "and gives the first false": (r.and_(1, None, False), None),
    "and gives the last": (r.and_(1, 2), 2),
    "and stops": (r.and_(False, r.error("no")), False),
    "or gives the first true": (r.or_(None, 0, 1), 0),
    "or gives the last": (r.or_(None, False), False),
    "or stops": (r.or_(1, r.error("no")), 1),
    "zero is true": (r.not_(0), False),
    "null is false": (r.not_(None), True),
    "a failure in what is handed on is located where it stands": (
        r.or_(None, "a").floor(),
        wrong("Expected type NUMBER but found STRING.", 0, 1),
    ),
}


@parametrize(LOGIC)
def test_logic(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


COMPARISONS: Cases = {
    "1 == 1.0": (r.eq(1, 1.0), True),
    "a chain is equal": (r.eq(1, 1, 2), False),
    "a chain has differences": (r.ne(1, 1, 2), True),
    "a chain has no differences": (r.ne(1, 1), False),
    "ascending": (r.lt(1, 2, 3), True),
    "not ascending": (r.lt(1, 3, 2), False),
    "not descending": (r.ge(3, 2, 2, 1), True),
    "stops at the first that does not hold": (r.gt(1, 2, r.error("no")), False),
    "strings by code point": (r.expr("z") < "é", True),
    "shorter array first": (r.expr([1, 2]) < [1, 2, 0], True),
    "objects by first key": (r.expr({"a": 2}) < {"b": 1}, True),
    "types by name": (r.expr([]) < False, True),
    "objects before times": (r.expr({}) < r.epoch_time(0), True),
    "points among objects": (r.point(1, 2) < {"a": 1}, True),
}


@parametrize(COMPARISONS)
def test_comparisons(conn: Any, term: Any, expected: bool) -> None:
    assert outcome(conn, term) is expected


@pytest.mark.parametrize("value", [None, True, 1, "a", [1], {"a": [None]}])
def test_a_value_equals_itself(conn: Any, value: Any) -> None:
    term = r.expr(value)
    assert r.expr([term == value, term <= value, term != value, term < value]).run(conn) == [
        True,
        True,
        False,
        False,
    ]
