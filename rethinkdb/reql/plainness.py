"""Whether documents hold plain data only, where orjson would write more than that.

orjson also writes UUIDs, members of enumerations and its own fragments, and has no option to refuse
these. It writes NaN and infinities as null. The ordinary path refuses all of them, or has
converters for them. So documents that orjson has written are looked through here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from gc import get_referents
from itertools import chain
from math import isfinite
from typing import Any

try:
    import orjson
except ImportError:  # then nothing is asked here
    orjson = None  # type: ignore[assignment]  # a module or None, which mypy cannot say

__all__ = ["are_plain"]

_DICTS, _LISTS, _FLOATS = frozenset({dict}), frozenset({list, tuple}), frozenset({float})
_CONTAINERS = _DICTS | _LISTS
_ACCEPTED = _CONTAINERS | _FLOATS | {str, int, bool, type(None), datetime}


def are_plain(documents: Sequence[Any], text: str, depth: int) -> bool:
    """Whether documents hold JSON's own types and datetimes only, and finite numbers.

    Args:
        documents: the documents.
        text: what orjson has written for them.
        depth: how deep they may be nested.
    """
    # To search from the end takes 0.4 of the time. Python's search forwards skips less: characters
    # that JSON is full of look to it like those of "null".
    quick = text.rfind("null") < 0 and not _may_be_fragments()
    return (quick and _come_to_an_end(documents, text, depth)) or _have_types(documents, depth)


def _come_to_an_end(values: Sequence[Any], text: str, depth: int) -> bool:
    """Whether values surely hold nothing of a class that is written in Python: no UUID, no Enum.

    To the garbage collector such an object refers to its class, and the class to itself and much
    more. So there is none if what the values refer to comes to an end. That takes a third of the
    time of `_have_types`, and so a quarter off that of a whole insert.
    """
    most = len(text) / 2  # as each value takes two characters at least
    for _ in range(depth):  # an empty list at the end refers to nothing, but is a level
        values = get_referents(*values)
        if not values:
            return True
        if len(values) > most:
            return False
    return False


def _references_without_fragments() -> int | None:
    """How many references the class of fragments has before any is made.

    Fragments refer to their class, too, but do not tell the garbage collector.

    Returns:
        None where a new fragment is not counted: on PyPy, or if the class can never be deleted.
    """
    count = getattr(sys, "getrefcount", None)
    if orjson is None or count is None:
        return None
    references: int = count(orjson.Fragment)
    fragment = orjson.Fragment(b"null")
    counted = count(orjson.Fragment) > references
    del fragment
    return references if counted else None


_WITHOUT_FRAGMENTS = _references_without_fragments()


def _may_be_fragments() -> bool:
    """Whether any `orjson.Fragment` may be in use in this process."""
    if _WITHOUT_FRAGMENTS is None:
        return True
    return sys.getrefcount(orjson.Fragment) > _WITHOUT_FRAGMENTS


def _have_types(values: Sequence[Any], depth: int) -> bool:
    """Whether values, and what is in them, have the types of JSON or are datetimes."""
    kinds = set(map(type, values))
    if not _ACCEPTED.issuperset(kinds):
        return False
    if float in kinds and not _all_finite(_of_types(values, kinds, _FLOATS)):
        return False
    if depth == 0:
        return kinds.isdisjoint(_CONTAINERS)
    return all(_have_types(inner, depth - 1) for inner in _inner_values(values, kinds))


def _inner_values(values: Sequence[Any], kinds: set[type]) -> Iterator[Sequence[Any]]:
    """The values in those of the values that are dicts and lists, in groups.

    Dicts of the same size usually have the same fields, and values of a field the same type.
    """
    if dict in kinds:
        fields = [*map(dict.values, _of_types(values, kinds, _DICTS))]
        alike = len(fields) > 1 and len(set(map(len, fields))) == 1
        yield from zip(*fields, strict=True) if alike else [[*chain.from_iterable(fields)]]
    if not kinds.isdisjoint(_LISTS):
        yield [*chain.from_iterable(_of_types(values, kinds, _LISTS))]


def _of_types(values: Sequence[Any], kinds: set[type], wanted: frozenset[type]) -> Iterable[Any]:
    """Those of the values, of the given types, that have one of the types that are wanted."""
    if kinds <= wanted:
        return values
    return [value for value in values if type(value) in wanted]


def _all_finite(floats: Iterable[float]) -> bool:
    # A sum is quick, and finite values have an infinite one only if they are huge.
    return isfinite(sum(floats)) or all(map(isfinite, floats))
