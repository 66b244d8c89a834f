"""Makes rows with pydantic: its models and dataclasses."""

from __future__ import annotations

from typing import Any

import pydantic
from typing_extensions import NotRequired, TypedDict

from .engine import Misfit

__all__ = ["Models"]


class Models:
    """Makes objects of one type with pydantic. See `Engine`."""

    failure: type[Exception] = pydantic.ValidationError

    def __init__(self, row_type: Any) -> None:
        self._row = pydantic.TypeAdapter(row_type)
        self._rows = pydantic.TypeAdapter(list[row_type])
        self._reply = _replies(list[row_type])
        self._arrays = _replies(list[list[row_type]])

    def decode(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        return _parts(self._reply.validate_json(payload))

    def decode_array(self, payload: bytes) -> tuple[list[Any], Any, Any]:
        return _parts(self._arrays.validate_json(payload))

    def rows(self, values: list[Any]) -> list[Any]:
        made: list[Any] = self._rows.validate_python(values)
        return made

    def row(self, value: Any) -> Any:
        return self._row.validate_python(value)

    def misfit(self, error: Exception) -> Misfit:
        assert isinstance(error, pydantic.ValidationError)  # for mypy: no other comes here
        first, *others = error.errors(include_url=False, include_context=False)
        more = f" (and {len(others)} more)" if others else ""
        path = ".".join(str(part) for part in first["loc"])
        return Misfit(path, first["msg"] + more)


def _replies(results: Any) -> Any:
    fields = {"r": results, "n": NotRequired[Any], "p": NotRequired[Any]}
    # mypy knows a TypedDict only by fields that stand there.
    return pydantic.TypeAdapter(TypedDict("Reply", fields))  # type: ignore[operator]


def _parts(reply: Any) -> tuple[list[Any], Any, Any]:
    return reply["r"], reply.get("n"), reply.get("p")
