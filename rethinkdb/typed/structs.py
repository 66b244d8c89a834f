"""Makes rows with msgspec: its structs, dataclasses, attrs classes, `TypedDict`, and others."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .engine import Misfit, UnknownFieldType

__all__ = ["Structs"]

_PATH = re.compile(r"(.*?)(?: - at (`key` in )?`\$\.?(.*)`)?", re.DOTALL)

_MISSING = re.compile(r"Object missing required field `(.+)`")


class Structs:
    """Makes objects of one type with msgspec. See `Engine`."""

    failure: type[Exception] = msgspec.ValidationError

    def __init__(self, row_type: Any) -> None:
        self._type = row_type
        self._types = list[row_type]
        self._decode = _decoder(list[row_type])
        self._decode_array = _decoder(list[list[row_type]])

    def decode(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        reply = self._decode(payload)
        return reply.r, reply.n, reply.p

    def decode_array(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        reply = self._decode_array(payload)
        return reply.r, reply.n, reply.p

    def rows(self, values: list[Any]) -> list[Any]:
        made: list[Any] = msgspec.convert(values, self._types, str_keys=True, dec_hook=_of_pydantic)
        return made

    def row(self, value: Any) -> Any:
        return msgspec.convert(value, self._type, str_keys=True, dec_hook=_of_pydantic)

    def misfit(self, error: Exception) -> Misfit:
        match = _PATH.fullmatch(str(error))
        reason, of_key, path = match.groups() if match else (str(error), None, "")
        path = path or ""
        if of_key is not None:
            return Misfit(path, f"one of its keys does not fit: {reason}")
        missing = _MISSING.fullmatch(reason)
        if missing is None:
            return Misfit(path, reason)
        return Misfit(f"{path}.{missing[1]}" if path else missing[1], "it is missing")


def _decoder(results: Any) -> Any:
    """A decoder for replies whose results have this type."""
    reply = msgspec.defstruct(
        "Reply",
        [("t", int), ("r", results), ("n", Any, None), ("p", Any, None)],
        gc=False,
    )
    return msgspec.json.Decoder(reply, dec_hook=_of_pydantic).decode


def _of_pydantic(field_type: type, value: Any) -> Any:
    """Make a value of a type that msgspec does not know: a pydantic model inside another class."""
    validator = getattr(field_type, "__pydantic_validator__", None)
    if validator is None:
        if isinstance(value, field_type):
            return value
        raise UnknownFieldType(
            f"Rows cannot be made with a field of type {field_type!r}: msgspec knows no such class."
            " It knows dataclasses, classes of attrs, and its own structs."
        )
    return validator.validate_python(value)
