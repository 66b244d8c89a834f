"""`Engine`: what a library that makes objects from rows must be able to do."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from rethinkdb.errors import ReqlDriverError

__all__ = ["Engine", "Misfit", "UnknownFieldType"]


class UnknownFieldType(ReqlDriverError):
    """The library cannot make rows of this type, as it does not know the type of a field."""


class Misfit(NamedTuple):
    """Why a row does not fit.

    Attributes:
        field: the path to the field; "" for the row as a whole.
        reason: why, as a sentence without the full stop.
    """

    field: str
    reason: str


class Engine(Protocol):
    """Makes objects of one type, with some library.

    Attributes:
        failure: the exception that it raises for a value that does not fit.
    """

    failure: type[Exception]

    def decode(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        """Decode a reply whose results are rows. Returns the results, the notes and the profile."""

    def decode_array(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        """Decode a reply whose results are arrays of rows. Returns the same as `decode`."""

    def rows(self, values: list[Any]) -> list[Any]:
        """Make objects from several plain values."""

    def row(self, value: Any) -> Any:
        """Make an object from one plain value."""

    def misfit(self, error: Exception) -> Misfit:
        """Field and reason from an error of the class `failure`."""
