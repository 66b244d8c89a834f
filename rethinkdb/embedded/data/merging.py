"""Merges one object into another, for `merge` and `update`. `r.literal` stops the recursion."""

from __future__ import annotations

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
    if isinstance(value, dict):
        if is_literal(value):
            return value.get("value", _NOTHING)
        fields = {name: without_literals(item) for name, item in value.items()}
        return {name: item for name, item in fields.items() if item is not _NOTHING}
    if isinstance(value, list):
        return [item for item in map(without_literals, value) if item is not _NOTHING]
    return value


def _kept(value: Datum) -> Datum:
    return None if value is _NOTHING else value
