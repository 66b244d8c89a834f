"""Rows as the text that the server sends: a dump does not need to parse most of them. No I/O.

The driver lets a query bring its own decoder. `TextDecoder` turns each batch into one item: the
text of its rows. `lined` then puts each row on its own line. For rows of 270 bytes this costs
0.5 µs a row, including receiving it. Parsing and writing it again would cost 2.5 µs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rethinkdb.codec import loads
from rethinkdb.ql2 import ResponseType

try:
    import orjson
except ImportError:  # no wheel for this platform; json does the same, slower
    orjson = None  # type: ignore[assignment]  # a module or None, which mypy cannot say

__all__ = ["TextDecoder", "lined", "split_values"]

_BEGINS = tuple(
    b'{"t":%d,"r":[' % kind
    for kind in (ResponseType.SUCCESS_SEQUENCE, ResponseType.SUCCESS_PARTIAL)
)
_HEAD = len(_BEGINS[0])
_END = re.compile(rb'\](?:,"n":\[[\d,]*\])?\}$')
_LONGEST_END = 64


class TextDecoder:
    """A decoder for `run(json_decoder=TextDecoder)`. Each batch becomes one item: its rows as text.

    The text is UTF-8, in bytes. The rows are separated by commas. A batch without rows becomes no
    item. Errors and single values are decoded as usual.

    Args:
        options: the run options of the query.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self.options = options

    def decode(self, text: str) -> Any:
        """The reply, with one text as its results."""
        return self.decode_bytes(text.encode())

    def decode_bytes(self, payload: bytes) -> Any:
        """The reply, with one text as its results. The driver calls this instead of `decode`."""
        if not payload.isascii():
            payload.decode()  # raises if it is not UTF-8
        if payload.startswith(_BEGINS):
            # It ends with the payload, so nothing in the rows can look like it.
            end = _END.search(payload, max(_HEAD - 1, len(payload) - _LONGEST_END))
            if end is not None:
                rows = payload[_HEAD : end.start()]
                return {"t": int(payload[5:6]), "r": [rows] if rows else []}
        reply = loads(payload)
        if isinstance(reply, dict) and reply.get("t") in (2, 3) and isinstance(reply["r"], list):
            return {**reply, "r": [b",".join(map(_dumps, reply["r"]))] if reply["r"] else []}
        return reply


def lined(rows: bytes, separator: bytes) -> tuple[bytes, int]:
    """Puts each row on its own line. Returns the text and the number of rows.

    Args:
        rows: the text of at least one row, all objects, separated by commas without spaces.
        separator: the text between rows, such as a comma and a newline.
    """
    count = _rows_in_plain(rows)
    if count:
        return rows.replace(b'},{"', b'}%b{"' % separator), count
    values = split_values(rows)
    return separator.join(values), len(values)


def _rows_in_plain(rows: bytes) -> int:
    """How many rows there are if each `},{"` lies between two of them; 0 if that is not sure.

    Within an array of objects the first of these follows a bracket, or a comma behind something
    that is no object: there is none of either. Within a string the quote must be the string's last
    character, as others are escaped; then a comma, a colon or a bracket would follow.
    """
    between = rows.count(b'},{"')
    if rows.count(b",{") != between or b"[{" in rows:
        return 0
    if any(b'},{"' + mark in rows for mark in (b",", b":", b"]", b"}")):
        return 0
    return between + 1


def split_values(rows: bytes) -> list[bytes]:
    """The texts of values that are separated by commas."""
    if orjson is not None:
        try:
            return [orjson.dumps(row) for row in orjson.loads(b"[%b]" % rows)]
        except (ValueError, TypeError):
            pass  # nested deeper than it goes, or a number that it cannot write
    return _split_by_brackets(rows)


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


def _split_by_brackets(rows: bytes) -> list[bytes]:
    values, depth, begin = [], 0, 0
    for token in _TOKEN.finditer(rows):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        elif mark == b"," and not depth:
            values.append(rows[begin : token.start()])
            begin = token.end()
    return [*values, rows[begin:]]


def _dumps(value: Any) -> bytes:
    if orjson is not None:
        try:
            return bytes(orjson.dumps(value))
        except TypeError:
            pass
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
