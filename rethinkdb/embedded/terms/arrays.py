"""Arrays: adding, removing and changing elements; arrays as sets.

An offset from the left means the same for all terms. An offset of -1 does not: for `insert_at` and
`splice_at`, it is the position after the last element; for the other terms, the last element.
"""

from __future__ import annotations

from collections.abc import Iterable

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, logic, non_existence
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import term
from rethinkdb.ql2 import TermType

# -- at the ends


@term(TermType.APPEND, 2)
def append(call: Call) -> list[Datum]:
    items, item = call.datum(0), call.datum(1)
    return datum.array([*datum.as_array(items), item], call.array_limit)


@term(TermType.PREPEND, 2)
def prepend(call: Call) -> list[Datum]:
    items, item = call.datum(0), call.datum(1)
    return datum.array([item, *datum.as_array(items)], call.array_limit)


# -- at a place


def _array_and_place(call: Call, places_beyond_last: int) -> tuple[list[Datum], int]:
    items = list(datum.as_array(call.datum(0)))
    return items, _place(call, 1, len(items) + places_beyond_last)


def _place(call: Call, index: int, places: int) -> int:
    place = datum.as_integer(call.datum(index))
    if place >= 0:
        return place
    if -place > places:
        raise non_existence(f"Index out of bounds: {place}")
    return places + place


def _check_place(place: int, last: int, size: int) -> None:
    if place > last:
        raise _out_of_bounds(place, size)


def _out_of_bounds(place: int, size: int) -> QueryFailure:
    return non_existence(f"Index `{place}` out of bounds for array of size: `{size}`.")


@term(TermType.INSERT_AT, 3)
def insert_at(call: Call) -> list[Datum]:
    items, place = _array_and_place(call, 1)
    item = call.datum(2)
    _check_place(place, len(items), len(items))
    return datum.array([*items[:place], item, *items[place:]], call.array_limit)


@term(TermType.SPLICE_AT, 3)
def splice_at(call: Call) -> list[Datum]:
    items, place = _array_and_place(call, 1)
    inserted = call.datum(2)
    _check_place(place, len(items), len(items))
    return datum.array(
        [*items[:place], *datum.as_array(inserted), *items[place:]], call.array_limit
    )


@term(TermType.CHANGE_AT, 3)
def change_at(call: Call) -> list[Datum]:
    items, place = _array_and_place(call, 0)
    item = call.datum(2)
    _check_place(place, len(items) - 1, len(items))
    items[place] = item
    return items


@term(TermType.DELETE_AT, 2, 3)
def delete_at(call: Call) -> list[Datum]:
    items, start = _array_and_place(call, 0)
    size = len(items)
    if call.count == 2:
        _check_place(start, size - 1, size)
        return items[:start] + items[start + 1 :]
    end = _place(call, 2, size)
    _check_place(start, size, size)
    _check_place(end, size, size)
    if start > end:
        raise logic(f"Start index `{start}` is greater than end index `{end}`.")
    return items[:start] + items[end:]


# -- as sets


def _distinct(items: Iterable[Datum], unwanted: Iterable[Datum] = ()) -> list[Datum]:
    """The items in their order, each once, without the unwanted ones."""
    seen = {datum.order_key(item) for item in unwanted}
    result = []
    for item in items:
        key = datum.order_key(item)
        if key not in seen:
            seen.add(key)
            result.append(item)
    return result


def _two_arrays(call: Call) -> tuple[list[Datum], list[Datum]]:
    left, right = call.datum(0), call.datum(1)
    return datum.as_array(left), datum.as_array(right)


@term(TermType.SET_INSERT, 2)
def set_insert(call: Call) -> list[Datum]:
    items, item = call.datum(0), call.datum(1)
    return datum.array(_distinct([*datum.as_array(items), item]), call.array_limit)


@term(TermType.SET_UNION, 2)
def set_union(call: Call) -> list[Datum]:
    left, right = _two_arrays(call)
    return datum.array(_distinct([*left, *right]), call.array_limit)


@term(TermType.SET_INTERSECTION, 2)
def set_intersection(call: Call) -> list[Datum]:
    left, right = _two_arrays(call)
    common = {datum.order_key(item) for item in left}
    return _distinct(item for item in right if datum.order_key(item) in common)


@term(TermType.SET_DIFFERENCE, 2)
def set_difference(call: Call) -> list[Datum]:
    left, right = _two_arrays(call)
    return _distinct(left, unwanted=right)
