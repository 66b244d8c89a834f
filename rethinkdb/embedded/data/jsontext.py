"""Reads and writes JSON text, with orjson where it is installed, the standard library elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rethinkdb.embedded import limits
from rethinkdb.embedded.data import deepjson
from rethinkdb.embedded.data.deepjson import TooDeep

__all__ = ["NotJSON", "TooDeep", "dumps", "loads", "loads_measured"]

_SHALLOW = 900
"""Text with fewer brackets is not refused for its depth by any library."""


class NotJSON(ValueError):
    """The text is not JSON."""


def _load_plainly(text: bytes) -> Any:
    return json.loads(text.decode(), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _dump_plainly(value: Any, default: Callable[[Any], Any] | None) -> bytes:
    text = json.dumps(
        value, default=default, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return text.encode()


_load: Callable[[bytes], Any]
_dump: Callable[[Any, Callable[[Any], Any] | None], bytes]
try:
    import orjson
except ModuleNotFoundError:  # no wheel for this platform (PyPy)
    _load, _dump = _load_plainly, _dump_plainly
else:
    _load = orjson.loads

    def _dump(value: Any, default: Callable[[Any], Any] | None) -> bytes:
        return orjson.dumps(value, default, orjson.OPT_SORT_KEYS)


def loads(text: bytes) -> Any:
    """The parsed text, nested up to `limits.MOST_NESTING` levels deep.

    Raises:
        NotJSON: it cannot be parsed. Infinities and NaN, which Python's parser knows, are refused.
        TooDeep: it is nested more deeply.
    """
    return loads_measured(text)[0]


def loads_measured(text: bytes) -> tuple[Any, int]:
    """The same, and how deeply the text is nested; 0 if the libraries take it as any other."""
    try:
        return _load(text), 0
    except (ValueError, RecursionError) as exc:
        if text.count(b"[") + text.count(b"{") < _SHALLOW:
            raise NotJSON(str(exc)) from exc
    if len(text) > limits.LONGEST_DEEP_QUERY:
        raise TooDeep(f"it has more than {limits.LONGEST_DEEP_QUERY} bytes")
    try:
        return deepjson.loads(text.decode(), limits.MOST_NESTING)
    except TooDeep:
        raise
    except ValueError as exc:
        raise NotJSON(str(exc)) from exc


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """The value as compact text, of any depth. Keys are sorted as a real server sorts them.

    Args:
        value: the value.
        default: converts what JSON has no form for.
    """
    try:
        return _dump(value, default)
    except (TypeError, RecursionError) as exc:
        if isinstance(exc, TypeError) and "ecursion" not in str(exc):
            raise
    return deepjson.dumps(value, lambda scalar: _dump(scalar, None), _converter(default))


def _converter(default: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        plain = value is None or isinstance(value, (str, int, float, list, dict))
        return value if plain or default is None else default(value)

    return convert
