"""The text of rows: where one ends, and whether it is one. No I/O."""

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
"""Bytes that a row may have, if nothing else is said; a query of the server cannot hold more."""

MAX_DEPTH = 100
"""How deep a row may be nested, if nothing else is said."""

_ORJSON_DEPTH = 254  # how deep it writes, by its documentation
_ORJSON_DEPTH_READ = 1024  # and reads

_MARK = re.compile(rb'["{}\[\]]')
# A string has no newline in it: so a quote that is not closed spoils its line only.
_IN_STRING = re.compile(rb'["\n]|\\.', re.DOTALL)
_CLOSED_BY = {b"{": b"}", b"[": b"]"}


class Limits(NamedTuple):
    """What a row may be.

    Attributes:
        size: its bytes.
        depth: its levels, the row itself being the first.
    """

    size: int = MAX_SIZE
    depth: int = MAX_DEPTH


def row_end(text: bytes, at: int) -> tuple[int | None, str | None]:
    """Where the object ends that begins here, or what is wrong; neither if it is not all there."""
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
    """Behind the quote, or the newline, that ends a string; None if neither is there yet."""
    while (found := _IN_STRING.search(text, at)) is not None:
        at = found.end()
        if len(found[0]) == 1:
            return at
    return None


def parsed(row: bytes, limits: Limits) -> tuple[Any, str | None]:
    """A row's value, and what is wrong with it; None if nothing is."""
    if len(row) > limits.size:
        return None, f"the row has more than {limits.size} bytes (see --max-document-size)"
    try:
        text = row.decode()
    except UnicodeDecodeError as error:
        return None, f"byte {error.start} of the row, 0x{row[error.start]:02x}, is no UTF-8"
    try:
        value = orjson.loads(row) if orjson is not None else _loads(text)
    except RecursionError:
        return None, _too_deep(limits)
    except ValueError as error:
        deep = any(word in str(error) for word in ("ecursion", "depth limit"))
        return None, _too_deep(limits) if deep else f"it is no JSON: {error}"
    if not isinstance(value, dict):
        return None, "a row is an object, {...}"
    if _depth_above(value, limits.depth):
        return None, _too_deep(limits)
    return value, None


def _too_deep(limits: Limits) -> str:
    return f"it is nested deeper than {limits.depth} levels (see --max-nesting-depth)"


def _loads(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is no number of JSON")

    value = json.loads(text, parse_constant=refuse)
    # Half a character can be written as JSON, and cannot be sent.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def are_rows(rows: bytes, count: int, limits: Limits) -> bool:
    """Whether a text holds so many objects, none of them too long or too deep."""
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
