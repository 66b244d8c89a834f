"""How `insert` sends long lists of plain documents: as one JSON text.

An array can be sent as a term that holds terms, or as a string that the term JSON parses on the
server. The result is the same, but the client has far less to do. Measured for documents of 100
bytes in batches of 1,000, with sending and receiving: 1.3 µs of CPU a document instead of 2.6, and
3.3 instead of 9.3 if each holds a datetime.

A document is plain if it holds JSON's own types and datetimes with a timezone only, and if orjson
writes it just as the ordinary path would. Other documents are sent as terms, one by one. So are
short lists: little would be gained, and the server's error messages can point at a single value.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import chain
from math import ceil, floor, isfinite
from typing import Any, NamedTuple

from rethinkdb.codec import loads
from rethinkdb.converters import Values, state
from rethinkdb.errors import ReqlDriverCompileError
from rethinkdb.pseudotypes import PSEUDO_TYPE_KEY
from rethinkdb.reql import late
from rethinkdb.reql.literals import Foreign
from rethinkdb.reql.replacing import MARK, Replacement
from rethinkdb.reql.term import RqlQuery, make

try:
    import orjson
except ImportError:  # then all documents are sent as terms
    orjson = None  # type: ignore[assignment]  # a module or None, which mypy cannot say

__all__ = ["Text", "encoded", "encoded_singly", "written"]

# The length of a text, in bytes. The upper limit is half of what a query may hold, as the text is
# itself a JSON string in the query, in which quotes and backslashes take two bytes.
_LEAST_TEXT = 32 * 1024
_MOST_TEXT = 32 * 1024 * 1024

_DICTS, _LISTS, _FLOATS = frozenset({dict}), frozenset({list, tuple}), frozenset({float})
_ACCEPTED = _DICTS | _LISTS | _FLOATS | {str, int, bool, type(None), datetime}

if orjson is not None:
    _LEFT_TO_US = (
        orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

# How deep orjson lets values be nested, by its documentation; no lower limit can be given.
_ORJSON_DEPTH = 254

_PSEUDO_TYPE = f'"{PSEUDO_TYPE_KEY}"'.encode()

# The server computes with doubles. In these years they hold microseconds since 1970 exactly.
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=timezone.utc).timestamp() for year in (1700, 2200))

# So many documents are looked at together.
_PART = 500

_QUARTER = timedelta(minutes=15)


class Text(NamedTuple):
    """Documents, or a single one, as JSON text.

    Attributes:
        json: the text.
        dates: the datetimes in it, in the order in which they come.
        kept: values for the connection to know, likewise, each with the depth that it may be
            nested to.
        mark: what stands for these in the text.
    """

    json: str
    dates: tuple[datetime, ...]
    kept: tuple[tuple[Any, int], ...] = ()
    mark: str = MARK


def encoded(documents: list[Any], depth: int) -> Text | None:
    """A list as one text, or None if the text would be too short, or something is not plain.

    Args:
        documents: the documents.
        depth: how deep they may be nested, counting the list.
    """
    text = _encoded(documents, documents, depth)
    return text if text is not None and len(text.json) >= _LEAST_TEXT else None


def encoded_singly(documents: list[Any], depth: int) -> list[Any] | None:
    """The list with each plain document as a text, or None if these are too short together."""
    mixed = [_encoded(document, [document], depth) or document for document in documents]
    length = sum(len(item.json) for item in mixed if type(item) is Text)
    return mixed if length >= _LEAST_TEXT else None


def written(text: Text) -> Any:
    """The documents that a text was made of, to print them."""
    dates, kept = iter(text.dates), iter(text.kept)

    def restored(value: Any) -> Any:
        if type(value) is list:
            return [restored(item) for item in value]
        if type(value) is str and value == text.mark:
            return make(Foreign, next(kept), {})
        if type(value) is not dict:
            return value
        if value.get(PSEUDO_TYPE_KEY) == "TIME":
            return next(dates, value)
        return {name: restored(item) for name, item in value.items()}

    return restored(loads(text.json.encode()))


def completed(text: Text, values: Values | None) -> str | None:
    """The text with what the connection makes of the values kept for it, or None if that is not all
    plain data.

    Args:
        text: the text.
        values: what the connection does with such values.
    """
    if not text.kept:
        return text.json
    first, *others = text.json.split(f'"{text.mark}"')
    pieces = [first]
    for (value, depth), piece in zip(text.kept, others, strict=True):
        # It fails for a term, and for what orjson would write otherwise than the ordinary path.
        # That path also tells where the value is, if nothing can be made of it.
        try:
            node = late.resolved(value, depth, values)
            pieces += [orjson.dumps(_unwired(node)).decode(), piece]
        except (TypeError, ReqlDriverCompileError):
            return None
    return "".join(pieces)


def _unwired(node: Any) -> Any:
    """The value of plain data in the form in which it is sent."""
    if isinstance(node, RqlQuery):
        raise TypeError
    if type(node) is list:
        return [_unwired(item) for item in node[1]]
    if type(node) is dict:
        return {name: _unwired(item) for name, item in node.items()}
    return node


# --- writing -------------------------------------------------------------------------------------


def _encoded(value: Any, documents: list[Any], depth: int) -> Text | None:
    if orjson is None:
        return None  # type: ignore[unreachable]  # as mypy sees the module only
    limit = depth - (value is not documents)
    text = _written(value, limit, converters=state.active)
    if text is not None and _are_plain(documents, text):
        return text
    return _converted(value, limit) if state.active else None


def _written(value: Any, depth: int, converters: bool = False) -> Text | None:
    """A value as orjson writes it; None if it cannot, or the text is too long or not to be read.

    Args:
        value: the value.
        depth: how deep it may be nested.
        converters: whether to look if datetimes have converters, and to refuse these.
    """
    dates: list[datetime] = []
    try:
        json = _dumps(value, _writer_of_dates(dates, converters), _ORJSON_DEPTH - depth)
    except TypeError:  # the ordinary path can write it, or has the right error message
        return None
    # Printing counts the times in the text: each must stem from a datetime, none from a dict.
    if len(json) > _MOST_TEXT or (dates and json.count(_PSEUDO_TYPE) != len(dates)):
        return None
    return Text(json.decode(), tuple(dates))


def _has_converter(value: object) -> bool:
    return state.is_kept(value) or state.process.find(value) is not None


def _converted(value: Any, depth: int) -> Text | None:
    """The same for a value that may hold some that have converters."""
    replacement = Replacement()
    try:
        text = _written(replacement.plain(value, depth), depth)
    except TypeError:
        return None
    return text and text._replace(kept=tuple(replacement.kept))


def _dumps(value: Any, default: Callable[[Any], Any], spent: int) -> bytes:
    """The value as orjson writes it, with a limit on nesting that is `spent` levels lower.

    Raises:
        TypeError: the value is nested deeper, or orjson cannot write it.
    """
    # Lists around the value use up levels, in a thousandth of the time that a check of ours takes.
    for _ in range(spent):
        value = [value]
    json = orjson.dumps(value, default, _LEFT_TO_US)
    return json[spent : len(json) - spent]


def _are_plain(documents: list[Any], text: Text) -> bool:
    """Whether the ordinary path would take all that orjson wrote.

    orjson also writes a UUID or an Enum, for instance, and has no option to refuse these. And it
    writes NaN and infinities as null: if there is no null, there are none of these.
    """
    # To search from the end takes 0.4 of the time. Python's search forwards skips less: characters
    # that JSON is full of look to it like those of "null".
    any_null = text.json.rfind("null") >= 0
    if not text.dates and not any_null:
        return _is_plain(documents, any_null)
    # By the part, which the processor's cache can hold: it takes a third of the time.
    parts = (documents[start : start + _PART] for start in range(0, len(documents), _PART))
    return all(_has_plain_types(part, any_null) for part in parts)


def _is_plain(values: Any, any_null: bool) -> bool:
    """The same for the documents, or for values at the same place of each."""
    # marshal refuses all types but a few. The ones among these that JSON lacks, such as bytes, were
    # refused by orjson. Measured for a document of 270 bytes: 0.4 µs, `_has_plain_types` takes 1.0.
    if not any_null:
        try:
            marshal.dumps(values)
        except ValueError:  # it found a datetime, perhaps
            pass
        else:
            return True
    return _has_plain_types(values, any_null)


def _has_plain_types(values: Sequence[Any], any_null: bool) -> bool:
    """The same for values among which there are datetimes, which marshal would refuse."""
    kinds = set(map(type, values))
    if not _ACCEPTED.issuperset(kinds):
        return False
    if float in kinds and not _all_finite(_of_types(values, kinds, _FLOATS)):
        return False
    return all(_is_plain(inner, any_null) for inner in _inner_values(values, kinds))


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


def _writer_of_dates(dates: list[datetime], converters: bool) -> Callable[[Any], dict[str, Any]]:
    """A function that says how a datetime is sent: just what the server makes of its text.

    It raises a TypeError if with this offset or year the server's result may differ, and for any
    value that is no datetime.

    Args:
        dates: the function appends each datetime to it.
        converters: whether to look if datetimes have converters, and to refuse these.
    """

    def pseudo_type(date: Any) -> dict[str, Any]:
        if type(date) is not datetime or (converters and _has_converter(date)):
            raise TypeError
        dates.append(date)
        # A zone that never changes is asked itself: 0.1 µs, where `utcoffset` takes 0.35.
        zone = date.tzinfo
        offset = zone if type(zone) is timezone else date.utcoffset()
        if offset is None:
            raise TypeError
        epoch = date.timestamp()
        if not _FIRST <= epoch < _LAST:
            raise TypeError
        if date.microsecond:
            # Rounded as the server does in C: halves away from zero. Python rounds them to even.
            epoch = (floor(epoch * 1000 + 0.5) if epoch >= 0 else ceil(epoch * 1000 - 0.5)) / 1000
        return {PSEUDO_TYPE_KEY: "TIME", "epoch_time": epoch, "timezone": _timezone(offset)}

    return pseudo_type


@lru_cache(maxsize=256)
def _timezone(offset: timedelta | timezone) -> str:
    """An offset as the server writes it."""
    if isinstance(offset, timezone):
        offset = offset.utcoffset(None)
    minutes = offset // timedelta(minutes=1)
    # The server refuses offsets beyond these. It cannot read some that are no quarters of an hour.
    if offset % _QUARTER or not -12 * 60 <= minutes <= 14 * 60:
        raise TypeError
    hours, minutes = divmod(abs(minutes), 60)
    return f"{'-' if offset < timedelta(0) else '+'}{hours:02}:{minutes:02}"
