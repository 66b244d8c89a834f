"""What a library has to do that makes objects of rows."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

__all__ = ["Engine", "Misfit"]


class Misfit(NamedTuple):
    """Why a row does not fit.

    Attributes:
        field: the path to the field; "" for the row as a whole.
        reason: why, as a sentence without its full stop.
    """

    field: str
    reason: str


class Engine(Protocol):
    """A library that makes objects of one type.

    Attributes:
        failure: what it raises for values that do not fit.
    """

    failure: type[Exception]

    def decode(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        """The results, the notes and the profile of a reply, each result a row."""

    def decode_array(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        """The same of a reply whose results are arrays of rows."""

    def rows(self, values: list[Any]) -> list[Any]:
        """The objects of many values."""

    def row(self, value: Any) -> Any:
        """The object of one value."""

    def misfit(self, error: Exception) -> Misfit:
        """What an error of its kind says."""
