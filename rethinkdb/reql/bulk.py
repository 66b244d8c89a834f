"""How `insert` sends long lists of plain documents: as one JSON text.

An array can be sent as a term that holds terms, or as a string that the term JSON parses on the
server. The result is the same, but the client has far less to do. Measured for documents of 100
bytes in batches of 1,000, with sending and receiving: 0.5 µs of CPU a document instead of 1.2, and
1.1 instead of 4.3 if each holds a datetime.

A document is plain if it holds JSON's own types and datetimes with a timezone only, and if orjson
writes it just as the ordinary path would. Other documents are sent as terms, one by one. So are
short lists: little would be gained, and the server's error messages can point at a single value.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from math import ceil, floor
from typing import Any, NamedTuple

from rethinkdb.codec import loads
from rethinkdb.converters import Values, state
from rethinkdb.errors import ReqlDriverCompileError
from rethinkdb.pseudotypes import PSEUDO_TYPE_KEY
from rethinkdb.reql import late
from rethinkdb.reql.literals import Foreign
from rethinkdb.reql.plainness import are_plain
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

if orjson is not None:
    _LEFT_TO_US = (
        orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )

_TIME = f'"{PSEUDO_TYPE_KEY}":"TIME"'

# So many documents are written and looked at together: the processor's cache can hold what is in
# them. This takes a fifth off the time of writing 1,000 documents of 270 bytes.
_PART = 200

# The server computes with doubles. In these years they hold microseconds since 1970 exactly.
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=timezone.utc).timestamp() for year in (1700, 2200))

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
    text = _encoded(documents, depth)
    return text if text is not None and len(text.json) >= _LEAST_TEXT else None


def encoded_singly(documents: list[Any], depth: int) -> list[Any] | None:
    """The list with each plain document as a text, or None if these are too short together."""
    mixed = [_encoded_alone(document, depth) or document for document in documents]
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


def _encoded(documents: list[Any], depth: int) -> Text | None:
    if orjson is None:
        return None  # type: ignore[unreachable]  # as mypy sees the module only
    text = _written(documents, depth, converters=state.active)
    return _converted(documents, depth) if text is None and state.active else text


def _encoded_alone(document: Any, depth: int) -> Text | None:
    text = _encoded([document], depth)
    return text and text._replace(json=text.json[1:-1])


def _written(documents: list[Any], depth: int | None, converters: bool = False) -> Text | None:
    """Documents as orjson writes them, or None if the ordinary path is to have them.

    Args:
        documents: the documents, at least one.
        depth: how deep they may be nested, counting the list. None: they are known to be plain.
        converters: whether to look if datetimes have converters, and to refuse these.
    """
    dates: list[datetime] = []
    texts: list[str] = []
    length, writer = 0, _writer_of_dates(dates, converters)
    for start in range(0, len(documents), _PART):
        part = documents[start : start + _PART]
        try:
            written = orjson.dumps(part, writer, _LEFT_TO_US)
        except TypeError:  # the ordinary path can write it, or has the right error message
            return None
        length += len(written)
        text = written.decode()[1:-1]
        if length > _MOST_TEXT or not (depth is None or are_plain(part, text, depth - 1)):
            return None
        texts.append(text)
    texts[0] = "[" + texts[0]
    texts[-1] += "]"
    json = ",".join(texts)
    # Printing counts the times in the text: each must stem from a datetime, none from a dict.
    if dates and json.count(_TIME) != len(dates):
        return None
    return Text(json, tuple(dates))


def _has_converter(value: object) -> bool:
    return state.is_kept(value) or state.process.find(value) is not None


def _converted(documents: list[Any], depth: int) -> Text | None:
    """The same for documents that may hold values that have converters."""
    replacement = Replacement()
    try:
        text = _written(replacement.plain(documents, depth), None)
    except TypeError:
        return None
    return text and text._replace(kept=tuple(replacement.kept))


def _writer_of_dates(dates: list[datetime], converters: bool) -> Callable[[Any], dict[str, Any]]:
    """A function that says how a datetime is sent: just what the server makes of its text.

    It raises a TypeError if with this offset or year the server's result may differ, and for any
    value that is no datetime.

    Args:
        dates: the function appends each datetime to it.
        converters: whether to look if datetimes have converters, and to refuse these.
    """
    # One object serves all dates, as orjson writes it before it asks for the next.
    form = {PSEUDO_TYPE_KEY: "TIME", "epoch_time": 0.0, "timezone": ""}
    known: object = form  # the zone whose name is in it: one that never changes

    def pseudo_type(date: Any) -> dict[str, Any]:
        nonlocal known
        if type(date) is not datetime or (converters and _has_converter(date)):
            raise TypeError
        dates.append(date)
        zone = date.tzinfo
        if zone is not known:
            form["timezone"] = _timezone(date.utcoffset())
            known = zone if type(zone) is timezone else form
        epoch = date.timestamp()
        if not _FIRST <= epoch < _LAST:
            raise TypeError
        if date.microsecond:
            # Rounded as the server does in C: halves away from zero. Python rounds them to even.
            epoch = (floor(epoch * 1000 + 0.5) if epoch >= 0 else ceil(epoch * 1000 - 0.5)) / 1000
        form["epoch_time"] = epoch
        return form

    return pseudo_type


@lru_cache(maxsize=256)
def _timezone(offset: timedelta | None) -> str:
    """An offset as the server writes it."""
    if offset is None:
        raise TypeError
    minutes = offset // timedelta(minutes=1)
    # The server refuses offsets beyond these. It cannot read some that are no quarters of an hour.
    if offset % _QUARTER or not -12 * 60 <= minutes <= 14 * 60:
        raise TypeError
    hours, minutes = divmod(abs(minutes), 60)
    return f"{'-' if offset < timedelta(0) else '+'}{hours:02}:{minutes:02}"
