"""Compares two data exactly as a real server does.

The comparison of a real server is not a total order. Binary data is less than geometry, by the
names of their types. Geometry compares with a plain object as two objects do. Any object is less
than binary data. For sorting, `datum.order_key` gives a total order: there, geometry is among the
objects.
"""

from __future__ import annotations

from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum

_NESTED = (list, dict, bytes)


def compare(left: Datum, right: Datum) -> int:
    """Below 0 if the first is below the second, above 0 if it is above, 0 if they are equal."""
    if not (isinstance(left, _NESTED) and isinstance(right, _NESTED)):
        return _compared(datum.order_key(left), datum.order_key(right))
    if left is right:
        return 0
    if isinstance(left, list) and isinstance(right, list):
        return _compare_items(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return _compare_objects(left, right)
    if isinstance(left, bytes) and datum.is_geometry(right):
        return -1
    if datum.is_geometry(left) and isinstance(right, bytes):
        return 1
    return _compared(datum.order_key(left), datum.order_key(right))


def _compared(left: Any, right: Any) -> int:
    return int(left > right) - int(left < right)


def _compare_items(left: list[Datum], right: list[Datum]) -> int:
    for mine, theirs in zip(left, right, strict=False):
        if found := compare(mine, theirs):
            return found
    return _compared(len(left), len(right))


def _compare_objects(left: dict[str, Datum], right: dict[str, Datum]) -> int:
    if datum.is_time(left) or datum.is_time(right):
        return _compared(datum.order_key(left), datum.order_key(right))
    for mine, theirs in zip(sorted(left), sorted(right), strict=False):
        if found := _compared(mine, theirs) or compare(left[mine], right[theirs]):
            return found
    return _compared(len(left), len(right))
