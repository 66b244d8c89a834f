"""Parses the JSON text of `r.json` and `r.http`, with the error messages of a real server.

Well-formed text is parsed once, by the standard library. If the library refuses the text, or
accepts what a server refuses, a second parser goes over it. That one knows where and why a server
stops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from rethinkdb.embedded.data import datum, pseudotypes
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, logic

_SHOWN = 40
"""Longer texts are cut in messages."""

_SPACE = " \t\n\r"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")
_EXPONENT = re.compile(r"[eE][+-]?([0-9]*)")
_DIGITS = re.compile(r"[0-9]*")
_ESCAPED = '"\\/bfnrt'
_LARGEST_EXPONENT = 308
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Of these the standard parser takes some that a server does not."""
_SAFE_DIGITS = 15
"""Integers of so many digits are doubles; longer ones must be rounded."""


class JSONProblem(ValueError):
    """The reason why a text is not JSON."""


def parse(text: str) -> Datum:
    """The datum in a text. Pseudo-types are converted, and LITERAL is allowed."""
    if "\0" in text:
        raise logic("Encountered unescaped null byte in JSON string.")
    try:
        return parse_or_explain(text)
    except JSONProblem as problem:
        shown = text if len(text.encode()) <= _SHOWN else text[: _SHOWN - 3] + "..."
        raise logic(f'Failed to parse "{shown}" as JSON: {problem}') from problem


def parse_or_explain(text: str) -> Datum:
    """The same, but a text that is not JSON raises `JSONProblem`."""
    if "\\u" in text and _SURROGATE.search(text) is not None:
        explain(text)
    try:
        return _DECODER.decode(text)
    except QueryFailure:  # what it means will not do; that it is no JSON at all comes first
        explain(text)
        raise
    except ValueError:
        explain(text)
        raise JSONProblem("Invalid value.") from None


def _object(pairs: list[tuple[str, Datum]]) -> Datum:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise logic(f"Duplicate key {datum.pretty(_first_repeated(pairs))} in JSON.")
    return pseudotypes.checked_object(fields, literal_ok=True)


def _first_repeated(pairs: list[tuple[str, Datum]]) -> str:
    names = [name for name, _ in pairs]
    return next(name for place, name in enumerate(names) if name in names[:place])


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _integer(digits: str) -> Datum:
    return int(digits) if len(digits) <= _SAFE_DIGITS else _checked(digits, int)


def _float(digits: str) -> Datum:
    if "e" in digits or "E" in digits:
        return _checked(digits, float)
    return datum.number(float(digits))


def _checked(digits: str, convert: Callable[[str], float]) -> Datum:
    _number(digits, 0)  # raises if it is too large
    return datum.number(convert(digits))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_refuse
)


def explain(text: str) -> None:
    """Raises `JSONProblem` at the place where a real server's parser would stop."""
    at = _skip(text, 0)
    if at == len(text):
        raise JSONProblem("The document is empty.")
    if _skip(text, _value(text, at)) < len(text):
        raise JSONProblem("The document root must not follow by other values.")


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _value(text: str, at: int) -> int:
    """The position after the value that starts here."""
    first = text[at : at + 1]
    if first == "{":
        return _members(text, at + 1)
    if first == "[":
        return _elements(text, at + 1)
    if first == '"':
        return _string(text, at + 1)
    for word in ("null", "true", "false"):
        if text.startswith(word, at):
            return at + len(word)
    return _number(text, at)


def _members(text: str, at: int) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        if text[at : at + 1] != '"':
            raise JSONProblem("Missing a name for object member.")
        at = _skip(text, _string(text, at + 1))
        if text[at : at + 1] != ":":
            raise JSONProblem("Missing a colon after a name of object member.")
        at = _skip(text, _value(text, _skip(text, at + 1)))
        if text[at : at + 1] == "}":
            return at + 1
        if text[at : at + 1] != ",":
            raise JSONProblem("Missing a comma or '}' after an object member.")
        at = _skip(text, at + 1)


def _elements(text: str, at: int) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        at = _skip(text, _value(text, at))
        if text[at : at + 1] == "]":
            return at + 1
        if text[at : at + 1] != ",":
            raise JSONProblem("Missing a comma or ']' after an array element.")
        at = _skip(text, at + 1)


def _string(text: str, at: int) -> int:
    while at < len(text):
        character = text[at]
        if character == '"':
            return at + 1
        if character == "\\":
            at = _escape(text, at + 1)
            continue
        if character < " ":
            raise JSONProblem("Invalid escape character in string.")
        at += 1
    raise JSONProblem("Missing a closing quotation mark in string.")


def _escape(text: str, at: int) -> int:
    kind = text[at : at + 1]
    if kind and kind in _ESCAPED:
        return at + 1
    if kind != "u":
        raise JSONProblem("Invalid escape character in string.")
    code, at = _hexadecimal(text, at + 1)
    if not 0xD800 <= code <= 0xDFFF:
        return at
    if code >= 0xDC00 or text[at : at + 2] != "\\u":
        raise JSONProblem("The surrogate pair in string is invalid.")
    low, at = _hexadecimal(text, at + 2)
    if not 0xDC00 <= low <= 0xDFFF:
        raise JSONProblem("The surrogate pair in string is invalid.")
    return at


def _hexadecimal(text: str, at: int) -> tuple[int, int]:
    digits = text[at : at + 4]
    if len(digits) < 4 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        raise JSONProblem("Incorrect hex digit after \\u escape in string.")
    return int(digits, 16), at + 4


def _number(text: str, at: int) -> int:
    match = _NUMBER.match(text, at)
    if match is None:
        raise JSONProblem("Invalid value.")
    if len(match.group(1)) > _LARGEST_EXPONENT + 1:
        raise JSONProblem("Number too big to be stored in double.")
    at = match.end()
    if text[at : at + 1] == ".":
        end = _end_of_digits(text, at + 1)
        if end == at + 1:
            raise JSONProblem("Miss fraction part in number.")
        at = end
    exponent = _EXPONENT.match(text, at)
    if exponent is None:
        return at
    if not exponent.group(1):
        raise JSONProblem("Miss exponent in number.")
    if "-" not in exponent.group() and int(exponent.group(1)) > _LARGEST_EXPONENT:
        raise JSONProblem("Number too big to be stored in double.")
    return exponent.end()


def _end_of_digits(text: str, at: int) -> int:
    match = _DIGITS.match(text, at)
    return at if match is None else match.end()
