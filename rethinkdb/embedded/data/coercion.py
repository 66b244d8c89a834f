"""Converts data from one type to another, for `coerce_to`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import logic

_NUMBER = re.compile(
    r"""[ \t\n\v\f\r]*
    (?P<number> [+-]?
        (?: (?P<hexadecimal> 0x (?:[0-9a-f]+ \.? [0-9a-f]* | \.[0-9a-f]+) (?:p[+-]?[0-9]+)? )
        | (?: [0-9]+ \.? [0-9]* | \.[0-9]+ ) (?:e[+-]?[0-9]+)?
        | inf(?:inity)? | nan ) )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
"""What C's `scanf("%lf")` reads, which is how a real server parses numbers."""


_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def upper(text: str) -> str:
    """In capital letters. Only ASCII letters change, as on a real server."""
    return text.translate(_UPPER)


def lower(text: str) -> str:
    """In small letters. Only ASCII letters change."""
    return text.translate(_LOWER)


def to_number(text: str) -> int | float:
    """The number that a string contains."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise logic(f"Could not coerce `{text}` to NUMBER.")
    digits = found["number"]
    if digits[-3:].lower() == "nan":
        raise logic(f"Non-finite number: {digits.lower().lstrip('+')}")
    value = float.fromhex(digits) if found["hexadecimal"] else float(digits)
    return datum.number(value)


def to_pairs(fields: dict[str, Datum], array_limit: int) -> list[Datum]:
    """An object as an array of names and values."""
    return datum.array(([name, fields[name]] for name in sorted(fields)), array_limit)


def to_object(pairs: Iterable[Datum]) -> dict[str, Datum]:
    """An object of pairs of names and values."""
    fields: dict[str, Datum] = {}
    for pair in pairs:
        items = datum.as_array(pair)
        if len(items) != 2:
            raise logic(f"Expected array of size 2, but got size {len(items)}.")
        name, value = datum.as_string(items[0]), items[1]
        if name in fields:
            raise logic(
                f"Duplicate key {datum.pretty(name)} in coerced object.  (got"
                f" {datum.truncated(fields[name])} and {datum.truncated(value)} as values)"
            )
        fields[name] = value
    return fields


def to_text(data: bytes) -> str:
    """Binary data that is UTF-8 as a string."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        problem, place = _utf8_problem(data, error.start)
        shown = data[: min(place, _SHOWN_BYTES)].decode(errors="ignore")
        raise logic(
            f"String `{shown}` (truncated) is not a UTF-8 string; {problem} at position {place}."
        ) from error


_SHOWN_BYTES = 20
_SEQUENCES = ((0xC0, 0xE0, 1), (0xE0, 0xF0, 2), (0xF0, 0xF8, 3))
"""From which first byte, up to which, how many bytes follow it."""


def _utf8_problem(data: bytes, start: int) -> tuple[str, int]:
    """What is wrong with the character that starts there, and the last byte that was read."""
    first = data[start]
    following = next((count for low, high, count in _SEQUENCES if low <= first < high), None)
    if following is None:
        return "Invalid initial byte seen", start
    for place in range(start + 1, start + following + 1):
        if place == len(data):
            return "Expected continuation byte, saw end of string", place - 1
        if data[place] & 0xC0 != 0x80:
            return "Expected continuation byte, saw something else", place - 1
    last = start + following
    if first > 0xF4 or (first == 0xF4 and data[start + 1] >= 0x90):
        return "Non-Unicode character encoded (beyond U+10FFFF)", last
    return "Overlong encoding seen", last


CONVERSIONS: dict[tuple[str, str], Callable[[Datum], Datum]] = {
    ("BINARY", "STRING"): to_text,
    ("STRING", "BINARY"): lambda text: text.encode(),
    ("STRING", "NUMBER"): to_number,
}
"""Which data converts how. Objects become arrays, sequences anything, and anything strings and
booleans by rules of their own."""
