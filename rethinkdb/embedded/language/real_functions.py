"""Reads the binary form of functions that a real server gives in `index_status` and in dumps.

The data contains the number of parameters (one byte), their ids (eight bytes each), the length of
the body (four bytes), and the body with a zero byte. For indexes, two bytes follow at the end:
multi and geo. The body is JSON. Each term in it ends with a number for backtraces, and a datum is
`[1, value, place]`.
"""

from __future__ import annotations

import json
from struct import Struct, unpack_from
from typing import Any

from rethinkdb.ql2 import TermType

_LENGTH = Struct("<I")
_MOST_PARAMETERS = 8


class NotRealFunction(ValueError):
    """The bytes are not a function of a real server."""


def wire_form(data: bytes) -> tuple[Any, bool, bool]:
    """The function in wire form. Also whether its index is multi, and whether it is geo.

    Args:
        data: what follows the prefix.

    Raises:
        NotRealFunction: it is none.
    """
    for place in range(len(data) - _LENGTH.size):
        start = place + _LENGTH.size
        (length,) = _LENGTH.unpack_from(data, place)
        if data[start : start + 1] != b"[" or start + length > len(data):
            continue
        parameters = _parameters(data, place)
        if parameters is not None:
            body = _term(_parsed(data[start : start + length]))
            multi, geo = data[-2:] if len(data) - start - length >= 2 else (0, 0)
            names = [TermType.MAKE_ARRAY.value, parameters]
            return [TermType.FUNC.value, [names, body]], bool(multi), bool(geo)
    raise NotRealFunction("it has no body")


def _parameters(data: bytes, end: int) -> list[int] | None:
    """The ids that end here, if their number precedes them."""
    # The largest number is tried first: the last byte of an id is zero, like the number 0.
    for count in reversed(range(_MOST_PARAMETERS)):
        start = end - 8 * count
        if start >= 1 and data[start - 1] == count:
            return list(unpack_from(f"<{count}q", data, start))
    return None


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text.rstrip(b"\0"))
    except ValueError as error:
        raise NotRealFunction(str(error)) from error


def _term(real: Any) -> Any:
    if not isinstance(real, list) or len(real) not in (3, 4) or not isinstance(real[0], int):
        raise NotRealFunction(f"{json.dumps(real)[:40]} is no term")
    type_, arguments, *rest = real
    if type_ == TermType.DATUM:
        return [type_, [arguments]] if isinstance(arguments, (list, dict)) else arguments
    if not isinstance(arguments, list):
        raise NotRealFunction(f"{json.dumps(arguments)[:40]} are no arguments")
    made: list[Any] = [type_, [_term(argument) for argument in arguments]]
    if len(rest) == 2:
        made.append({name: _term(option) for name, option in rest[0].items()})
    return made
