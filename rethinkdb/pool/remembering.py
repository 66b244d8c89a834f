"""What is remembered of a row: as little as tells whether it has changed.

Rows are remembered as JSON, not as the objects that were given to the program: those are the
program's to change, and take five times the memory.

============  =============================  =====================================================
`remember`    kept of each row, by its key   `old_val` of what changed while the feed was away
============  =============================  =====================================================
`"rows"`      its JSON                       the whole row, as the program knows it
`"digests"`   16 bytes                       `{primary_key: key}`
============  =============================  =====================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from rethinkdb.codec import loads, orjson  # type: ignore[attr-defined]  # or None, without one

__all__ = ["MEMORIES", "Key", "Memory", "key_form", "key_value", "sorted_json"]

_DIGEST_SIZE = 16


def _json(value: Any) -> bytes:
    """A value as JSON."""
    if orjson is not None:
        try:
            # A copy, of its own size: what orjson gives takes 4 KB, however short it is (measured).
            return b"%b" % orjson.dumps(value)
        except TypeError:
            pass  # half a character, or beyond 254 levels, both of which json can do
    return json.dumps(value, separators=(",", ":")).encode()


def sorted_json(value: Any) -> bytes:
    """A value as JSON that is the same for equal values."""
    if orjson is not None:
        try:
            text: bytes = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
            return text
        except TypeError:
            pass
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Memory(NamedTuple):
    """A way to remember rows.

    Attributes:
        packed: what to keep of a row.
        same: whether two kept ones are of equal rows.
        restored: the row, of what was kept of it and what stands in if nothing tells.
    """

    packed: Callable[[Any], bytes]
    same: Callable[[bytes, bytes], bool]
    restored: Callable[[bytes, Any], Any]


def _same_rows(one: bytes, other: bytes) -> bool:
    # Servers send the fields of a row in one order, so texts mostly tell.
    return one == other or sorted_json(loads(one)) == sorted_json(loads(other))


# Copied for each digest: 0.3 µs less than making one with that size.
_FRESH = blake2b(digest_size=_DIGEST_SIZE)


def _digest(row: Any) -> bytes:
    digest = _FRESH.copy()
    digest.update(sorted_json(row))
    return digest.digest()


_NOTHING = _digest(None)

#: By the value of the run option `remember`.
MEMORIES = {
    "rows": Memory(_json, _same_rows, lambda kept, key: loads(kept)),
    "digests": Memory(
        _digest,
        lambda one, other: one == other,
        lambda kept, key: None if kept == _NOTHING else key,
    ),
}


class Key:
    """A primary key that Python would not find, or would take for another one.

    A list has no hash, and `True == 1`. Times are one key if they are one instant, in any zone.

    Attributes:
        value: the key, as JSON has it.
    """

    __slots__ = ("_form", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self._form = sorted_json(_comparable(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._form == other._form

    def __hash__(self) -> int:
        return hash(self._form)


def key_form(value: Any) -> Any:
    """A primary key to find things by in a dict: strings and numbers as they are."""
    return value if type(value) in _PLAIN else Key(value)


def key_value(form: Any) -> Any:
    """The primary key, of its form."""
    return form.value if type(form) is Key else form


_PLAIN = frozenset({str, int, float})


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [_comparable(part) for part in value]
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name != "timezone"}
    return value
