"""The text of rows: finds the end of a row, and checks it. No I/O."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

try:
    import orjson
except ImportError:  # no wheel for this platform; json does the same, slower
    orjson = None  # type: ignore[assignment]  # a module or None, which mypy cannot say

__all__ = ["MAX_DEPTH", "MAX_SIZE", "Limits", "are_rows", "each_is_row", "parsed", "row_end"]

MAX_SIZE = 128 * 1024 * 1024
"""The default limit of a row in bytes. A server does not accept longer queries."""

MAX_DEPTH = 100
"""The default limit for the nesting of a row."""

_ORJSON_DEPTH = 254  # how deep it writes, by its documentation
_ORJSON_DEPTH_READ = 1024  # and reads

_MARK = re.compile(rb'["{}\[\]]')
# A string contains no newline, so a missing quote affects only its own line.
_IN_STRING = re.compile(rb'["\n]|\\.', re.DOTALL)
_CLOSED_BY = {b"{": b"}", b"[": b"]"}


class Limits(NamedTuple):
    """The limits of a row.

    Attributes:
        size: the number of bytes.
        depth: the number of levels. The row itself is the first.
    """

    size: int = MAX_SIZE
    depth: int = MAX_DEPTH


def row_end(text: bytes, at: int) -> tuple[int | None, str | None]:
    """The end of the object that begins at `at`, or its error. Both are None if more is needed."""
    if text[at : at + 1] != b"{":
        return None, f"a row is an object, {{...}}; here is {text[at : at + 1]!r}"
    open_brackets: list[bytes] = []
    while (found := _MARK.search(text, at)) is not None:
        mark, at = found[0], found.end()
        if mark in _CLOSED_BY:
            open_brackets.append(_CLOSED_BY[mark])
        elif mark == b'"':
            end = _string_end(text, at)
            if end is None:
                return None, None
            if text[end - 1 : end] == b"\n":
                return None, "a string is not closed on its line"
            at = end
        elif mark != open_brackets.pop():
            return None, f"{mark.decode()} closes what was opened by another bracket"
        elif not open_brackets:
            return at, None
    return None, None


def _string_end(text: bytes, at: int) -> int | None:
    """The position after the quote or newline that ends a string. None if neither has come yet."""
    while (found := _IN_STRING.search(text, at)) is not None:
        at = found.end()
        if len(found[0]) == 1:
            return at
    return None


def parsed(row: bytes, limits: Limits) -> tuple[Any, str | None]:
    """The value of a row, and its error or None."""
    if len(row) > limits.size:
        return None, f"the row has more than {limits.size} bytes (see --max-document-size)"
    try:
        value = orjson.loads(row) if orjson is not None else _loads(row.decode())
    except RecursionError:
        return None, _too_deep(limits)
    except ValueError as error:
        place = _wrong_byte(row)
        if place is not None:
            return None, f"byte {place} of the row, 0x{row[place]:02x}, is no UTF-8"
        deep = any(word in str(error) for word in ("ecursion", "depth limit"))
        return None, _too_deep(limits) if deep else f"it is no JSON: {error}"
    if not isinstance(value, dict):
        return None, "a row is an object, {...}"
    if _depth_above(value, limits.depth):
        return None, _too_deep(limits)
    return value, None


def _wrong_byte(row: bytes) -> int | None:
    """The position of the first byte that is no UTF-8."""
    try:
        row.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _too_deep(limits: Limits) -> str:
    return f"it is nested deeper than {limits.depth} levels (see --max-nesting-depth)"


def _loads(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no number of JSON")

    value = json.loads(text, parse_constant=refuse)
    # JSON can contain half of a surrogate pair, which cannot be sent.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def are_rows(rows: bytes, count: int, limits: Limits) -> bool:
    """Whether a text holds exactly `count` objects, none of them too long or too deep."""
    if orjson is None or len(rows) > limits.size:
        return False
    if _ORJSON_DEPTH <= limits.depth < _ORJSON_DEPTH_READ:
        return False  # it cannot tell
    try:
        values = orjson.loads(b"[%b]" % rows)
        if len(values) != count or not {dict}.issuperset(map(type, values)):
            return False
        # What is deeper it refuses to write, in a tenth of the time that a look of ours would take.
        if limits.depth < _ORJSON_DEPTH:
            for _ in range(_ORJSON_DEPTH - limits.depth - 1):
                values = [values]
            orjson.dumps(values)
    except (ValueError, TypeError):
        return False
    return True


def each_is_row(lines: bytes) -> bool:
    try:
        for line in lines.split(b"\n"):
            orjson.loads(line.rstrip(b","))
    except ValueError:
        return False
    return True


def _depth_above(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for holder in level
            for inner in (holder.values() if type(holder) is dict else holder)
            if type(inner) in (dict, list)
        ]
        if not level:
            return False
    return True
