"""Merges one object into another, for `merge` and `update`. `r.literal` stops the recursion."""

from __future__ import annotations

import operator
from typing import Any

from rethinkdb.embedded.data import pseudotypes
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum

_NOTHING: Any = object()
"""What a literal without a value stands for: the field goes away."""


def merge(left: Datum, right: Datum) -> Datum:
    """The left object, updated by the right one. Objects inside are merged in turn; any other value
    is replaced.
    """
    if not isinstance(left, dict) or not isinstance(right, dict):
        return _kept(without_literals(right))
    result = dict(left)
    for name, value in right.items():
        merged = _merged_field(result.get(name, _NOTHING), value)
        if merged is _NOTHING:
            result.pop(name, None)
        else:
            result[name] = merged
    return pseudotypes.checked_object(result)


def _merged_field(mine: Datum, value: Datum) -> Datum:
    if isinstance(value, dict) and mine is not _NOTHING and not is_literal(value):
        return merge(mine, value)
    return without_literals(value)


def is_literal(value: Datum) -> bool:
    """Whether it is a result of `r.literal`."""
    return isinstance(value, dict) and value.get(REQL_TYPE) == "LITERAL"


def without_literals(value: Datum) -> Datum:
    """The value, with each literal replaced by its content, or removed if it has none."""
    return _without_literals(value, {}) if isinstance(value, (dict, list)) else value


def _without_literals(value: Datum, done: dict[int, Datum]) -> Datum:
    # A part that is used twice stays one part: such values may be very large as text.
    if not isinstance(value, (dict, list)):
        return value
    if id(value) not in done:
        done[id(value)] = _converted(value, done)
    return done[id(value)]


def _converted(value: Datum, done: dict[int, Datum]) -> Datum:
    if isinstance(value, list):
        items = [_without_literals(item, done) for item in value]
        if all(map(operator.is_, items, value)):
            return value
        return [item for item in items if item is not _NOTHING]
    if is_literal(value):
        return value.get("value", _NOTHING)
    fields = {name: _without_literals(item, done) for name, item in value.items()}
    if all(map(operator.is_, fields.values(), value.values())):
        return value
    return {name: item for name, item in fields.items() if item is not _NOTHING}


def _kept(value: Datum) -> Datum:
    return None if value is _NOTHING else value
