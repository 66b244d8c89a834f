"""Reads objects that clients write to system tables. Errors say what was expected."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, op_failed

NAME_CHARACTERS = "Use A-Z, a-z, 0-9, _ and - only"
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def is_name(text: str) -> bool:
    """Whether it is a valid name of a database, table, server or server tag."""
    return _NAME.fullmatch(text) is not None


@contextmanager
def within(prefix: str) -> Iterator[None]:
    """Adds a text before the message of a failure."""
    try:
        yield
    except QueryFailure as failure:
        failure.message = f"{prefix}{failure.message}"
        raise


class Fields:
    """The fields of an object. Each is taken once. Fields that are left over are an error."""

    def __init__(self, given: Datum) -> None:
        if not isinstance(given, dict):
            raise op_failed(f"Expected an object; got {datum.pretty(given)}")
        self._fields = given
        self._left = set(given)

    def has(self, name: str) -> bool:
        """Whether the object has this field."""
        return name in self._fields

    def take(self, name: str, convert: Callable[[Datum], Any] = lambda value: value) -> Any:
        """The converted value of a field. If the conversion fails, the error names the field."""
        if name not in self._fields:
            raise op_failed(f"Expected a field named `{name}`.")
        self._left.discard(name)
        with within(f"In `{name}`: "):
            return convert(self._fields[name])

    def check_nothing_left(self) -> None:
        """Raises if there are fields that were not taken."""
        if self._left:
            raise op_failed(f"Unexpected key(s): {' '.join(sorted(self._left))}")


def name(kind: str) -> Callable[[Datum], str]:
    """Converts to a valid name of something."""

    def convert(value: Datum) -> str:
        if not isinstance(value, str):
            raise op_failed(f"Expected a {kind}; got {datum.pretty(value)}")
        if not is_name(value):
            raise op_failed(f"{datum.pretty(value)} is not a valid {kind}; {NAME_CHARACTERS}")
        return value

    return convert


def text(value: Datum) -> str:
    """Converts to a string."""
    if not isinstance(value, str):
        raise op_failed(f"Expected a string; got {datum.pretty(value)}")
    return value


def identifier(value: Datum) -> str:
    """Converts to a UUID."""
    try:
        return str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise op_failed(f"Expected a UUID; got {datum.pretty(value)}") from None


def one_of(*choices: str) -> Callable[[Datum], str]:
    """Converts to one of two allowed words."""
    expected = " or ".join(f'"{choice}"' for choice in choices)

    def convert(value: Datum) -> str:
        if value not in choices:
            raise op_failed(f"Expected {expected}, got: {datum.pretty(value)}")
        return str(value)

    return convert


def items(convert: Callable[[Datum], Any]) -> Callable[[Datum], list[Any]]:
    """Converts each item of an array."""

    def convert_all(value: Datum) -> list[Any]:
        if not isinstance(value, list):
            raise op_failed(f"Expected an array, got {datum.pretty(value)}")
        return [convert(item) for item in value]

    return convert_all


def distinct(convert: Callable[[Datum], Any]) -> Callable[[Datum], list[Any]]:
    """Converts each item of an array. Raises if an item occurs twice."""

    def convert_all(value: Datum) -> list[Any]:
        found: list[Any] = []
        for item in items(convert)(value):
            if item in found:
                raise op_failed(f"{datum.pretty(item)} was specified more than once.")
            found.append(item)
        return found

    return convert_all
