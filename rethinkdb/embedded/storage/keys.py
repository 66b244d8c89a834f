"""Checks values that are used as primary keys of rows or as keys in secondary indexes.

A real server stores keys as byte strings, in the order of `datum.order_key`. So only the limits
matter here: the types that a key may have, and the limit of 127 bytes for a primary key.
"""

from __future__ import annotations

import os
from typing import Any, TypeAlias

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum, Extremum
from rethinkdb.embedded.failures import QueryFailure, logic, typed

OrderKey: TypeAlias = tuple[Any, ...]
"""The result of `datum.order_key` for a key. It is hashable, and compares as the key does."""

MAX_PRIMARY_KEY_SIZE = 128
MAX_KEY_SIZE = 250
_EVERY_STRING_FITS = (MAX_PRIMARY_KEY_SIZE - 1) // 4
_SHOWN_BYTES = 20


def primary_key(value: Datum) -> OrderKey:
    """The order key of a primary key. Raises if the value cannot be one."""
    if type(value) is str:  # by far the most common; kept quick for bulk inserts
        if len(value) > _EVERY_STRING_FITS or "\0" in value:
            _check_size(value)
        return datum.order_key(value)
    _check_primary(value)
    _check_size(value)
    return datum.order_key(value)


def _is_no_key(value: Datum) -> bool:
    """Whether it is null or a plain object."""
    return value is None or (isinstance(value, dict) and datum.reql_type(value) is None)


def _check_primary(value: Datum) -> None:
    if _is_no_key(value):
        raise typed(
            value,
            "Primary keys must be either a number, string, bool, pseudotype or array"
            f" (got type {datum.type_name(value)}):\n{datum.truncated(value)}",
        )


def secondary_key(value: Datum) -> OrderKey:
    """The order key of an index value. Raises if the value cannot be indexed."""
    if _is_no_key(value):
        raise typed(
            value,
            "Secondary keys must be a number, string, bool, pseudotype, or array"
            f" (got type {datum.type_name(value)}):\n{datum.truncated(value)}",
        )
    _encoded_size(value, extrema_ok=False, nul_ok=True)
    return datum.order_key(value)


def new_uuid(given: bytes | None = None) -> str:
    """A random UUID (version 4) as text. This is several times faster than `uuid.uuid4`.

    Args:
        given: 16 bytes to use as the random part. None: new random bytes.
    """
    bits = bytearray(os.urandom(16) if given is None else given)
    bits[6] = bits[6] & 0x0F | 0x40
    bits[8] = bits[8] & 0x3F | 0x80
    text = bits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def lookup(value: Datum, *, primary: bool) -> OrderKey:
    """The order key of a key that is looked up."""
    return primary_key(value) if primary else bound(value, primary=False)


def bound(value: Datum, *, primary: bool) -> OrderKey:
    """The order key of a bound of a range. A bound may be longer than a key may be."""
    if primary:
        _check_primary(value)
        _encoded_size(value, extrema_ok=True, nul_ok=False)
        return datum.order_key(value)
    try:
        _check_secondary_bound(value)
    except QueryFailure as failure:  # a real server finds it where the rows are stored
        failure.backtrace = ()
        raise
    return datum.order_key(value)


def _check_secondary_bound(value: Datum) -> None:
    if _is_no_key(value):
        raise typed(
            value,
            "Secondary keys must be a number, string, bool, pseudotype, or array"
            f" (got {datum.pretty(value)} of type {datum.type_name(value)}).",
        )
    _encoded_size(value, extrema_ok=True, nul_ok=True)


def _check_size(value: Datum) -> None:
    if _encoded_size(value, extrema_ok=True, nul_ok=False) > MAX_PRIMARY_KEY_SIZE:
        raise logic(
            f"Primary key too long (max {MAX_PRIMARY_KEY_SIZE - 1} characters):"
            f" {datum.pretty(value)}"
        )


def _encoded_size(value: Datum, *, extrema_ok: bool, nul_ok: bool) -> int:
    """The length of the key as a real server stores it. Raises for values that it refuses."""
    if isinstance(value, str):
        return 1 + _string_size(value, nul_ok)
    if isinstance(value, bool):
        return 2
    if isinstance(value, (int, float)):
        return _number_size(value)
    if isinstance(value, bytes):
        return len("PBINARY:") + len(value) + value.count(0) + value.count(1)
    if isinstance(value, list):
        return _array_size(value, extrema_ok=extrema_ok, nul_ok=nul_ok)
    if isinstance(value, Extremum):
        if not extrema_ok:
            raise logic("Cannot use `r.minval` or `r.maxval` in an index key.")
        return 1
    return _object_size(value)


def _number_size(value: float) -> int:
    return len("N#") + 16 + len(f"{value:.20g}")


def _string_size(value: str, nul_ok: bool) -> int:
    encoded = value.encode("utf-8", "surrogatepass")
    if nul_ok:
        return len(encoded) + encoded.count(0) + encoded.count(1)
    if "\0" in value:
        raise logic(
            f"String {_quoted(encoded[:_SHOWN_BYTES])} (truncated) contains NULL byte"
            f" at offset {encoded.index(0)} in index key."
        )
    return len(encoded)


_ESCAPES = {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\n"): "\\n",
    ord("\t"): "\\t",
    ord("\r"): "\\r",
}


def _quoted(encoded: bytes) -> str:
    shown = (
        _ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02x}")
        for byte in encoded
    )
    return f'"{"".join(shown)}"'


def _array_size(value: list[Datum], *, extrema_ok: bool, nul_ok: bool) -> int:
    size = 1
    for item in value:
        if size >= MAX_KEY_SIZE:  # a real server stops writing here, so it never checks the rest
            break
        if item is None or (isinstance(item, dict) and datum.reql_type(item) is None):
            raise typed(
                item,
                "Array keys can only contain numbers, strings, bools,  pseudotypes, or arrays"
                f" (got {datum.pretty(item)} of type {datum.type_name(item)}).",
            )
        size += _encoded_size(item, extrema_ok=extrema_ok, nul_ok=nul_ok) + 1
    return size


def _object_size(value: dict[str, Datum]) -> int:
    if datum.is_time(value):
        return len("PTIME:") + _number_size(value["epoch_time"])
    if datum.is_geometry(value):
        raise logic(
            "Cannot use a geometry value as a key value in a primary or"
            " non-geospatial secondary index."
        )
    raise logic(
        f"Cannot use pseudotype {datum.type_name(value)} as a primary or secondary key value ."
    )
