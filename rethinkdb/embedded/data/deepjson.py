"""Reads and writes JSON of any depth. It does not recurse, and is slower than the usual libraries.

Each term of a chain nests a query by two levels. The usual libraries stop at a thousand levels,
but a real server accepts chains of some thousand terms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # known to no stubs
from math import isfinite
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile("|".join(_WORDS))
_CLOSING: dict[Any, str] = {dict: "}", list: "]"}


class TooDeep(ValueError):
    """The text is nested too deeply."""


def loads(text: str, most: int) -> tuple[Any, int]:
    """The parsed text, and the depth of its nesting.

    Args:
        text: JSON.
        most: how deeply it may be nested.

    Raises:
        ValueError: it cannot be parsed.
        TooDeep: it is nested more deeply.
    """
    parser = _Parser(text, most)
    return parser.parse(), parser.deepest


class _Parser:
    def __init__(self, text: str, most: int) -> None:
        self._text = text
        self._most = most
        self._at = 0
        self._around: list[Any] = []
        """The arrays and objects that are open, outermost first."""
        self._names: list[str] = []
        """For each of the objects the name whose value comes next."""
        self.deepest = 0

    def parse(self) -> Any:
        while True:
            opened, value = self._value()
            if opened:
                continue
            if self._put(value):
                return self._result

    def _value(self) -> tuple[bool, Any]:
        """The next value. (True, None) for an array or object, as its parts must be read first."""
        first = self._next()
        if first == "[":
            return self._open([])
        if first == "{":
            return self._open({})
        if first == '"':
            return False, self._string()
        return False, self._scalar()

    def _open(self, value: Any) -> tuple[bool, Any]:
        self._at += 1
        if self._next() == _CLOSING[type(value)]:
            self._at += 1
            return False, value
        self._around.append(value)
        self.deepest = max(self.deepest, len(self._around))
        if self.deepest > self._most:
            raise TooDeep(f"it is nested more than {self._most} levels deep")
        if type(value) is dict:
            self._name()
        return True, None

    def _put(self, value: Any) -> bool:
        """Adds a value to its array or object. Closes those that end after it. True at the end."""
        while self._around:
            container = self._around[-1]
            if type(container) is list:
                container.append(value)
            else:
                container[self._names.pop()] = value
            following = self._next()
            self._at += 1
            if following == ",":
                if type(container) is dict:
                    self._name()
                return False
            if following != _CLOSING[type(container)]:
                raise self._wrong()
            value = self._around.pop()
        if self._next():
            raise self._wrong()
        self._result = value
        return True

    def _name(self) -> None:
        if self._next() != '"':
            raise self._wrong()
        self._names.append(self._string())
        if self._next() != ":":
            raise self._wrong()
        self._at += 1

    def _string(self) -> str:
        text: str
        text, self._at = scanstring(self._text, self._at + 1, True)
        text.encode()  # refuses halves of surrogate pairs
        return text

    def _scalar(self) -> Any:
        word = _WORD.match(self._text, self._at)
        if word is not None:
            self._at = word.end()
            return _WORDS[word.group()]
        number = _NUMBER.match(self._text, self._at)
        if number is None:
            raise self._wrong()
        self._at = number.end()
        whole, fraction, exponent = number.groups()
        if fraction is None and exponent is None and len(whole) < 20:
            return int(whole)
        value = float(number.group())
        if not isfinite(value):
            raise self._wrong()
        return value

    def _next(self) -> str:
        """The next character that is not a space, without taking it. Empty at the end."""
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._text[self._at : self._at + 1]

    def _wrong(self) -> ValueError:
        return ValueError(f"unexpected character at {self._at}")


def dumps(value: Any, scalar: Callable[[Any], bytes], convert: Callable[[Any], Any]) -> bytes:
    """The value as compact text, with sorted keys.

    Args:
        value: the value.
        scalar: writes what is neither array nor object.
        convert: makes one of them, or a scalar, of what JSON has no form for.
    """
    pieces: list[bytes] = []
    open_: list[Iterator[tuple[bytes, Any]]] = [iter([(b"", value)])]
    closing = [b""]
    while open_:
        for before, part in open_[-1]:
            pieces.append(before)
            part = convert(part)
            if isinstance(part, (dict, list)) and part:
                opening, closed = (b"{", b"}") if isinstance(part, dict) else (b"[", b"]")
                pieces.append(opening)
                closing.append(closed)
                open_.append(_parts(part, scalar))
                break
            pieces.append(scalar(part))
        else:
            open_.pop()
            pieces.append(closing.pop())
    return b"".join(pieces)


def _parts(value: Any, scalar: Callable[[Any], bytes]) -> Iterator[tuple[bytes, Any]]:
    """What stands in front of each part, and the part."""
    comma = b""
    if isinstance(value, list):
        for item in value:
            yield comma, item
            comma = b","
        return
    for name in sorted(value):
        yield comma + scalar(name) + b":", value[name]
        comma = b","
