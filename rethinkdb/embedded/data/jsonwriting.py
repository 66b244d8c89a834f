"""Writes JSON exactly as a real server does: its digits of numbers, no `+` in exponents.

Keys stay in the given order. The input is what `datum.to_json` gives: None, bool, int, float, str,
list, dict.
"""

from __future__ import annotations

import re
from typing import Any

from rethinkdb.embedded.data.digits import significant_digits

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f]')

_LONGEST_PLAIN = 21
"""Numbers with more digits before the point than this are written with an exponent."""
_MOST_LEADING_ZEROS = 6
"""So are numbers below one with this many zeros or more behind the point."""


def compact(value: Any) -> str:
    """The value as text without spaces."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{string(key)}:{compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join([compact(item) for item in value]) + "]"
    return scalar(value)


class OneLine(dict[str, Any]):
    """An object that a server always writes without any space: binary data."""


def pretty(value: Any, depth: int = 0) -> str:
    """The value as several lines, indented by tabs, with a tab after each colon."""
    if not isinstance(value, (dict, list)) or not value or isinstance(value, OneLine):
        return compact(value)
    inner, outer = "\n" + "\t" * (depth + 1), "\n" + "\t" * depth
    if isinstance(value, list):
        items = [
            compact(item) if isinstance(item, OneLine) else inner + pretty(item, depth + 1)
            for item in value
        ]
        return "[" + ",".join(items) + outer + "]"
    pairs = [
        f"{inner}{string(key)}:"
        + (compact(item) if isinstance(item, OneLine) else "\t" + pretty(item, depth + 1))
        for key, item in value.items()
    ]
    return "{" + ",".join(pairs) + outer + "}"


def scalar(value: Any) -> str:
    """A value that is neither object nor array."""
    if isinstance(value, str):
        return string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else double(value)


def string(text: str) -> str:
    """A string in quotes. Only what must be escaped is escaped."""
    return '"' + _TO_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _ESCAPES.get(character) or f"\\u{ord(character):04X}"


def double(value: float) -> str:
    """A number that is not an integer to a server: with a point, or an exponent without `+` or
    leading zeros.
    """
    sign = "-" if str(value).startswith("-") else ""
    digits, point = _digits(abs(value))
    if len(digits) <= point <= _LONGEST_PLAIN:
        return f"{sign}{digits}{'0' * (point - len(digits))}.0"
    if 0 < point <= _LONGEST_PLAIN:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -_MOST_LEADING_ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1}"


def _digits(value: float) -> tuple[str, int]:
    """Digits that give this number again, and where the point stands among them."""
    if value == 0:
        return "0", 1
    digits, power = significant_digits(value)
    return digits.rstrip("0"), len(digits) + power
