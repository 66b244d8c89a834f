"""JSON text in and out: orjson where it is installed, the standard library elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


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
    """The parsed text.

    Raises:
        NotJSON: it cannot be parsed. Infinities and NaN, which Python's parser knows, are refused.
    """
    try:
        return _load(text)
    except (ValueError, RecursionError) as exc:
        raise NotJSON(str(exc)) from exc


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """The value as compact text, keys sorted as a real server sorts them.

    Args:
        value: the value.
        default: converts what JSON has no form for.
    """
    return _dump(value, default)
