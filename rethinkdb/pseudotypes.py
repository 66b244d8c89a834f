"""Values that JSON lacks: times, binary data, grouped data.

On the wire each is an object with the key `$reql_type$`. Here are the Python types they become and
the conversion of one such object; `rethinkdb.codec` finds them in replies.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from reprlib import Repr
from typing import Any

from rethinkdb.errors import ReqlDriverError

__all__ = [
    "PSEUDO_TYPE_KEY",
    "PseudoTypeError",
    "RqlBinary",
    "RqlTzinfo",
    "from_wire",
    "to_binary",
]

PSEUDO_TYPE_KEY = "$reql_type$"

# A text, which `re` compiles when it is first needed: importing this module is cheaper so.
_OFFSET = r"([+-]?)(\d{1,2}):(\d{1,2})\Z"

# What conversions stumble over when a field is not as it should be.
_STUMBLES = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)

# In texts of errors: what a server sends may be long, and nested deeper than `repr` can go.
_shown = Repr()
_shown.maxstring = _shown.maxother = 100
_shown.maxdict = 10


class PseudoTypeError(ReqlDriverError, ValueError):
    """Python has no value for an object that the server sent, or it is not what it says it is.

    It is a `ValueError` too, as the year 10000 is one to the datetime module.
    """


class RqlTzinfo(tzinfo):
    """A fixed offset from UTC, as ReQL times have it. `r.make_timezone` makes one.

    Two of them are equal when their offsets are.

    Args:
        offset: `"+HH:MM"` or `"-HH:MM"`.

    Raises:
        ValueError: the offset is written in another way.
    """

    def __init__(self, offset: str) -> None:
        match = re.match(_OFFSET, offset)
        if match is None:
            raise ValueError(f"A timezone is written '+HH:MM' or '-HH:MM', not {offset!r}")
        sign, hours, minutes = match.groups()
        distance = timedelta(hours=int(hours), minutes=int(minutes))
        self._name = offset
        self._delta = -distance if sign == "-" else distance

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """The offset, at any time."""
        return self._delta

    def tzname(self, dt: datetime | None) -> str:
        """The offset as it was written."""
        return self._name

    def dst(self, dt: datetime | None) -> timedelta:
        """Zero: ReQL knows no daylight saving time."""
        return timedelta(0)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._name,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RqlTzinfo):
            return NotImplemented
        return self._delta == other._delta

    def __hash__(self) -> int:
        return hash(self._delta)

    def __repr__(self) -> str:
        return f"RqlTzinfo({self._name!r})"


class RqlBinary(bytes):
    """Binary data from the server: `bytes` that print shorter."""

    def __repr__(self) -> str:
        if not self:
            return "<binary, 0 bytes>"
        noun = "byte" if len(self) == 1 else "bytes"
        start = " ".join(f"{byte:02x}" for byte in self[:6])
        more = "..." if len(self) > 6 else ""
        return f"<binary, {len(self)} {noun}, '{start}{more}'>"


def to_binary(data: bytes | bytearray | memoryview) -> dict[str, str]:
    """The wire form of binary data."""
    text = b2a_base64(data, newline=False).decode("ascii")
    return {PSEUDO_TYPE_KEY: "BINARY", "data": text}


def _without_value(obj: Mapping[str, Any], option: str, cause: Exception) -> PseudoTypeError:
    """The error for an object that cannot be converted; raise it `from` its cause.

    Args:
        obj: the object.
        option: the run option that leaves such objects as they are.
        cause: what the conversion stumbled over.
    """
    name = f"pseudo-type {obj[PSEUDO_TYPE_KEY]} object {_shown.repr(obj)}"
    if isinstance(cause, KeyError):
        return PseudoTypeError(f'{name} does not have expected field "{cause.args[0]}".')
    return PseudoTypeError(
        f'{name} has no value in Python: {cause}. The run option {option}="raw" gives it as it is.'
    )


def convert_time(obj: Mapping[str, Any]) -> datetime:
    """A TIME object as a datetime: aware, or naive UTC when it holds no timezone.

    Raises:
        PseudoTypeError: the year is not within Python's 1 to 9999, or a field is wrong.
    """
    # As offsets are fixed, times by one clock are added up without asking the zone: 0.5 µs, where
    # the way of the datetime module takes 3.0.
    try:
        epoch, offset = obj["epoch_time"], obj.get("timezone")
        try:
            return _start_of_time(offset) + timedelta(0, epoch)
        except OverflowError as exc:
            # Not `fromtimestamp`: its error depends on the system, and may be an OSError.
            raise ValueError("its year is not within 1 to 9999") from exc
    except _STUMBLES as exc:
        raise _without_value(obj, "time_format", exc) from exc


# Replies repeat a few offsets many times.
@lru_cache(maxsize=256)
def _start_of_time(offset: str | None) -> datetime:
    """The epoch, by a clock with that offset."""
    if offset is None:
        return datetime(1970, 1, 1)
    return datetime.fromtimestamp(0, RqlTzinfo(offset))


def convert_binary(obj: Mapping[str, Any]) -> RqlBinary:
    """A BINARY object as bytes. Line breaks in the base64 text do not matter.

    Raises:
        PseudoTypeError: it is no base64.
    """
    try:
        return RqlBinary(a2b_base64(obj["data"]))
    except _STUMBLES as exc:
        raise _without_value(obj, "binary_format", exc) from exc


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    return value


def convert_grouped_data(obj: Mapping[str, Any]) -> dict[Any, Any]:
    """A GROUPED_DATA object as a dict from group to result.

    Groups become hashable: lists turn to tuples, objects to frozensets of (key, value) pairs.
    Groups that Python holds equal (`1` and `True`) fall together, the last one winning; the run
    option `group_format="raw"` keeps them apart.

    Raises:
        PseudoTypeError: it does not consist of pairs.
    """
    try:
        pairs = obj["data"]
        if not isinstance(pairs, list) or not {list}.issuperset(map(type, pairs)):
            raise TypeError("its data are no list of pairs")
        return {_hashable(group): result for group, result in pairs}
    except _STUMBLES as exc:
        raise _without_value(obj, "group_format", exc) from exc


# Pseudo-type -> the run option that selects its format, its conversion.
CONVERSIONS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {
    "TIME": ("time_format", convert_time),
    "BINARY": ("binary_format", convert_binary),
    "GROUPED_DATA": ("group_format", convert_grouped_data),
}

# They are plain objects to Python programs, too, and can be sent back as they are.
_KEPT = frozenset({"GEOMETRY"})


def from_wire(
    obj: dict[str, Any],
    options: Mapping[str, Any],
    conversions: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = CONVERSIONS,
) -> Any:
    """The Python value of one JSON object, whose members are converted already.

    Args:
        obj: the object; returned as it is when it is no pseudo-type.
        options: run options; `time_format`, `binary_format`, `group_format` count here.
        conversions: how to convert each pseudo-type.

    Raises:
        ReqlDriverError: a pseudo-type or a format option is unknown, or a field is missing or
            wrong.
    """
    kind = obj.get(PSEUDO_TYPE_KEY)
    if kind is None:
        return obj
    if not isinstance(kind, str):
        raise PseudoTypeError(f"A pseudo-type must be a name, not {_shown.repr(kind)}.")
    if kind in _KEPT:
        return obj
    if kind not in conversions:
        raise ReqlDriverError(f"Unknown pseudo-type {kind}")
    option, convert = conversions[kind]
    wanted = options.get(option)
    if wanted is None or wanted == "native":
        return convert(obj)
    if wanted == "raw":
        return obj
    raise ReqlDriverError(f'Unknown {option} run option "{wanted}".')
