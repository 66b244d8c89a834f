"""What the driver keeps of each row, to find out later whether the row has changed.

It does not keep the objects that the program got: the program may change them, and they take five
times as much memory.

============  =============================  =====================================================
`remember`    kept of each row               `old_val` of a change that happened during a loss
============  =============================  =====================================================
`"rows"`      its JSON                       the whole row, as the program knows it
`"digests"`   a hash of 64 bits              `{primary_key: key}`
============  =============================  =====================================================
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from rethinkdb.codec import loads, orjson  # type: ignore[attr-defined]  # not exported

__all__ = ["MEMORIES", "Kept", "Key", "Memory", "key_form", "key_value", "sorted_json"]

#: What is kept of a row: bytes, or the digest of a 64-bit Python.
Kept = bytes | int


def _dumps_slowly(value: Any, _: object = None, option: int = 0) -> bytes:
    """Do the work of `orjson.dumps` with `json`.

    Unlike orjson, it encodes half a surrogate pair, and values with more than 254 levels.
    """
    return json.dumps(value, separators=(",", ":"), sort_keys=option > 0).encode()


# Called for each change, so it is a name of this module and not an attribute of another one.
_dumps: Callable[..., bytes] = _dumps_slowly if orjson is None else orjson.dumps
_SORTED = 1 if orjson is None else orjson.OPT_SORT_KEYS


def _json(value: Any) -> bytes:
    """A value as JSON."""
    try:
        # A copy, since the result of orjson takes 4 KB even if it is short (measured).
        return b"%b" % _dumps(value)
    except TypeError:
        return _dumps_slowly(value)


def sorted_json(value: Any) -> bytes:
    """A value as JSON with sorted keys, so that equal values have the same text."""
    try:
        return _dumps(value, None, _SORTED)
    except TypeError:
        return _dumps_slowly(value, None, _SORTED)


class Memory(NamedTuple):
    """A way to remember rows.

    Attributes:
        packed: makes what to keep of a row.
        same: whether two results of `packed` come from equal rows.
        restored: makes the row from what was kept; or returns its second argument, if that does not
            contain the row.
        take_in: takes changes into a dict of the known rows, by the name of the primary key. A
            change that it cannot read raises a TypeError or LookupError. Taking in a change twice
            does no harm.
    """

    packed: Callable[[Any], Kept]
    same: Callable[[Any, Any], bool]
    restored: Callable[[Any, Any], Any]
    take_in: Callable[[list[Any], dict[Any, Kept], str], None]


def _same_rows(one: bytes, other: bytes) -> bool:
    # A server sends the fields of a row always in one order, so comparing the texts is mostly
    # enough.
    return one == other or sorted_json(loads(one)) == sorted_json(loads(other))


def _long_digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()


# Python's own hash, with a key that only this process knows: with others, a change would cost twice
# as much here. Only what one row was and what it is are compared, so 64 bits are enough: the chance
# that a change is overlooked is 1 in 10^19. A 32-bit Python has only 32 of them.
_hashed: Callable[[bytes], Kept] = hash if sys.hash_info.width >= 64 else _long_digest


def _digest(row: Any) -> Kept:
    return _hashed(sorted_json(row))


_NOTHING = _digest(None)


class Key:
    """A primary key in a form that works as the key of a dict.

    It is needed because a list has no hash and `True == 1`. Two times are the same key if they are
    the same instant, whatever their time zones.

    Attributes:
        value: the primary key as a JSON value.
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
    """A primary key in a form that works as the key of a dict. Strings and numbers stay as is."""
    return value if type(value) in _PLAIN else Key(value)


def key_value(form: Any) -> Any:
    """The primary key, from the result of `key_form`."""
    return form.value if type(form) is Key else form


_PLAIN = frozenset({str, int, float})


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [_comparable(part) for part in value]
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name != "timezone"}
    return value


# These two run for each change. They are `packed` in a loop, without calling a function of Python:
# that takes a third of the time away. So they are alike, and share no code.


def _take_in_rows(changes: list[Any], known: dict[Any, Kept], primary_key: str) -> None:
    dumps, plain = _dumps, _PLAIN
    for change in changes:
        new = change["new_val"]
        if new is None:
            known.pop(key_form(change["old_val"][primary_key]), None)
        else:
            key = new[primary_key]
            known[key if type(key) in plain else key_form(key)] = b"%b" % dumps(new)


def _take_in_digests(changes: list[Any], known: dict[Any, Kept], primary_key: str) -> None:
    dumps, hashed, in_order, plain = _dumps, _hashed, _SORTED, _PLAIN
    for change in changes:
        new = change["new_val"]
        if new is None:
            known.pop(key_form(change["old_val"][primary_key]), None)
        else:
            key = new[primary_key]
            digest = hashed(dumps(new, None, in_order))
            known[key if type(key) in plain else key_form(key)] = digest


#: The ways to remember rows, by the value of the run option `remember`.
MEMORIES = {
    "rows": Memory(_json, _same_rows, lambda kept, key: loads(kept), _take_in_rows),
    "digests": Memory(
        _digest,
        lambda one, other: one == other,
        lambda kept, key: None if kept == _NOTHING else key,
        _take_in_digests,
    ),
}
