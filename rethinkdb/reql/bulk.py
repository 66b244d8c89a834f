"""Many documents as JSON text: what `insert` does with long lists of plain ones.

The server can be sent an array term by term, or as one string for its term JSON to parse. The
result is the same, and so is the server's work, but the string costs the client far less. Measured
per document of 100 bytes, in batches of 1,000, with sending and receiving in it: 1.3 µs of CPU, not
2.6, and with a datetime in each 3.3, not 9.3.

Documents that hold anything but JSON's own types and aware datetimes are left to the ordinary path,
one by one, and so is whatever orjson would write differently from it or not at all. Short inserts
stay as they are: there is little to win, and the server points at the very value it complains of.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from math import ceil, floor, isfinite
from typing import Any, NamedTuple

from rethinkdb.codec import foreign_values_allowed, loads
from rethinkdb.pseudotypes import PSEUDO_TYPE_KEY

try:
    import orjson
except ImportError:  # then nothing is plain enough
    orjson = None  # type: ignore[assignment]  # a module or None, which mypy cannot say

__all__ = ["Text", "encoded", "encoded_singly", "written"]

# From this length on a list is sent as text, up to what the limit of a query leaves room for, as
# quotes and backslashes in it take up to twice their space once more.
_LEAST_TEXT = 32 * 1024
_MOST_TEXT = 32 * 1024 * 1024

_HOLDERS = frozenset({dict, list, tuple})
_ACCEPTED = _HOLDERS | {str, int, float, bool, type(None), datetime}

if orjson is not None:
    _LEFT_TO_US = (
        orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

# How deep orjson goes, by its documentation. It does not take a lower limit.
_ORJSON_DEPTH = 254

_PSEUDO_TYPE = f'"{PSEUDO_TYPE_KEY}"'.encode()

# Between these years a double holds microseconds since 1970 exactly; the server computes with one.
_YEARS = range(1700, 2200)

_QUARTER = timedelta(minutes=15)


class Text(NamedTuple):
    """Documents, or a single one, as JSON text."""

    json: str
    dates: tuple[datetime, ...]  # in place of which the text has pseudo-types, in their order


def encoded(documents: list[Any], depth: int) -> Text | None:
    """All of a list as one text; None if it is too short, or not plain enough.

    Args:
        documents: what to insert.
        depth: how deep it may be nested, the list included.
    """
    text = _encoded(documents, documents, depth)
    return text if text is not None and len(text.json) >= _LEAST_TEXT else None


def encoded_singly(documents: list[Any], depth: int) -> list[Any] | None:
    """The list with texts in place of its plain documents; None if they are few or short."""
    mixed = [_encoded(document, [document], depth) or document for document in documents]
    length = sum(len(item.json) for item in mixed if type(item) is Text)
    return mixed if length >= _LEAST_TEXT else None


def written(text: Text) -> Any:
    """What the text was made of, for printing."""
    return _with_dates(loads(text.json.encode()), iter(text.dates))


def _with_dates(value: Any, dates: Iterator[datetime]) -> Any:
    if type(value) is list:
        return [_with_dates(item, dates) for item in value]
    if type(value) is not dict:
        return value
    if value.get(PSEUDO_TYPE_KEY) == "TIME":
        return next(dates, value)
    return {name: _with_dates(item, dates) for name, item in value.items()}


# --- writing -------------------------------------------------------------------------------------


def _encoded(value: Any, documents: list[Any], depth: int) -> Text | None:
    # An encoder of the program's own decides for itself what becomes of each value.
    if orjson is None or foreign_values_allowed():
        return None
    dates: list[datetime] = []

    def pseudo_type(foreign: Any) -> dict[str, Any]:
        if type(foreign) is not datetime:
            raise TypeError
        dates.append(foreign)
        return _time(foreign)

    try:
        json = _dumps(value, pseudo_type, _ORJSON_DEPTH - depth + (value is not documents))
    except TypeError:  # also keys, surrogates, long integers: the ordinary path knows, or tells
        return None
    if len(json) > _MOST_TEXT or not _is_plain(documents, dates):
        return None
    # orjson writes NaN and infinities as null, so without one there are none.
    if b"null" in json and not _all_finite(documents):
        return None
    # All times in the text must be dates of ours, or printing could not tell them apart.
    if dates and json.count(_PSEUDO_TYPE) != len(dates):
        return None
    return Text(json.decode(), tuple(dates))


def _dumps(value: Any, default: Callable[[Any], Any], spent: int) -> bytes:
    """The value as orjson writes it, which may go so many levels less deep than orjson would.

    Raises:
        TypeError: it goes deeper, or orjson cannot write it.
    """
    for _ in range(spent):  # in lists, which takes a thousandth of the time of a check of our own
        value = [value]
    json = orjson.dumps(value, default, _LEFT_TO_US)
    return json[spent : len(json) - spent]


def _is_plain(documents: list[Any], dates: list[datetime]) -> bool:
    """Whether what orjson wrote holds nothing that the ordinary path would not take.

    A UUID or an Enum, for instance: orjson has no option to leave these to us.
    """
    if dates:
        return _has_plain_types(documents)
    # marshal knows exact types only. What it takes beyond JSON's, such as bytes, orjson does not.
    # Measured for a document of 270 bytes: 0.4 µs in place of 2.9.
    try:
        marshal.dumps(documents)
    except ValueError:
        return False
    return True


def _has_plain_types(documents: list[Any]) -> bool:
    """The same with dates among them."""
    if not _HOLDERS.issuperset(map(type, documents)):
        return False
    return all(_ACCEPTED.issuperset(map(type, values)) for values in _levels(documents))


def _all_finite(documents: list[Any]) -> bool:
    return all(
        isfinite(value) for values in _levels(documents) for value in values if type(value) is float
    )


def _levels(holders: list[Any]) -> Iterator[list[Any]]:
    """What dicts, lists and tuples hold; then what those among that hold; and so on."""
    while holders:
        groups = (holder.values() if type(holder) is dict else holder for holder in holders)
        values = list(chain.from_iterable(groups))
        yield values
        holders = [value for value in values if type(value) in _HOLDERS]


def _time(date: datetime) -> dict[str, Any]:
    """The pseudo-type that the server makes of the date's ISO 8601 text, to the same millisecond.

    Raises:
        TypeError: that is not certain: of the offset or the year.
    """
    offset = date.utcoffset()
    if offset is None or date.year not in _YEARS:
        raise TypeError
    epoch = date.timestamp()
    if date.microsecond:
        # As C's round(), which Python's is not: halves go away from zero.
        epoch = (floor(epoch * 1000 + 0.5) if epoch >= 0 else ceil(epoch * 1000 - 0.5)) / 1000
    return {PSEUDO_TYPE_KEY: "TIME", "epoch_time": epoch, "timezone": _timezone(offset)}


@lru_cache(maxsize=256)
def _timezone(offset: timedelta) -> str:
    """An offset as the server writes it."""
    minutes = offset // timedelta(minutes=1)
    # The server's own limits; and it fails to read some offsets with odd minutes.
    if offset % _QUARTER or not -12 * 60 <= minutes <= 14 * 60:
        raise TypeError
    hours, minutes = divmod(abs(minutes), 60)
    return f"{'-' if offset < timedelta(0) else '+'}{hours:02}:{minutes:02}"
