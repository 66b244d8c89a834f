"""Gives unsorted rows of a table in the order of a real server.

A real server divides a table into eight parts by a hash of the primary key. It applies terms that
work row by row (`filter`, `map` ...) in each part. Then it builds a batch from one row of each part
in turn. This order is not guaranteed, but programs and tests rely on it without knowing.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum, Extremum

SHARDS = 8

_MASK = 2**64 - 1
_SEED = 0x47A59E381FB2DC06
_CACHED = 1_000_000
"""How many keys of a table have their part cached. Computing it takes some microseconds."""

# What each byte adds to the hash.
_ADDED = tuple(
    (((byte * 0x80200802 & 0x0884422110) * 0x0101010101 & _MASK) << 23) & _MASK
    for byte in range(256)
)


def shard_of_bytes(stored: bytes) -> int:
    """The number of the part for a primary key that is stored as these bytes."""
    value = _SEED
    for byte in stored:
        value = (value + _ADDED[byte]) & _MASK
        value ^= (value >> 11) ^ (value << 21 & _MASK)
    return (value & _MASK >> 1) * SHARDS >> 63


def stored_key(key: Datum) -> bytes:
    """The bytes under which a server stores a primary key."""
    if isinstance(key, str):
        return b"S" + key.encode("utf-8", "surrogatepass")
    if isinstance(key, bool):
        return b"Bt" if key else b"Bf"
    if isinstance(key, (int, float)):
        return b"N" + _stored_number(key)
    if isinstance(key, list):
        return b"A" + b"".join([stored_key(item) + b"\0" for item in key])
    if isinstance(key, Extremum):  # refused when it is written
        return b""
    if isinstance(key, bytes):
        return b"PBINARY:" + key.replace(b"\1", b"\1\2").replace(b"\0", b"\1\1")
    return b"PTIME:N" + _stored_number(key["epoch_time"])


def _stored_number(number: float) -> bytes:
    (bits,) = struct.unpack(">Q", struct.pack(">d", number))
    bits = ~bits & _MASK if bits >> 63 else bits | 1 << 63
    return b"%016x#%s" % (bits, f"{float(number):.20g}".encode())


class Sharding:
    """Finds the part of a table that holds a row, by the primary key."""

    def __init__(self) -> None:
        self._known: dict[Any, int] = {}

    def shard(self, key: Datum) -> int:
        """The number of the part, from 0."""
        kind = type(key)
        if kind is not str and kind is not int:  # the others may equal one of these
            return shard_of_bytes(stored_key(key))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _CACHED:
                self._known.clear()
            found = self._known[key] = shard_of_bytes(stored_key(key))
        return found


class Portion(NamedTuple):
    """The limits of what one part gives to a batch."""

    rows: float
    size: float


class Portions:
    """The limits of what each part gives, batch after batch.

    Args:
        rows: the largest number of rows in a batch.
        size: the largest number of bytes in a batch.
        factor: the factor by which the first batch is smaller.
    """

    def __init__(self, rows: float, size: float, factor: int) -> None:
        self._rows = rows
        self._size = size
        self._factor = factor

    def next(self, parts: int) -> Portion:
        """The limits for the next batch, if so many parts may have more rows."""
        factor, self._factor = self._factor, 1
        rows = min(self._rows, self._rows * SHARDS / (7 * parts) + 32)
        size = self._size * SHARDS / (7 * parts)
        return Portion(_divided(rows, factor), _divided(size, factor))

    def at_most(self, rows: float) -> Portions:
        """The limits for a reader that needs at most so many rows."""
        return Portions(min(self._rows, rows), self._size, self._factor)

    def whole(self) -> int:
        """The number of rows in the next batch of a sequence that has no parts."""
        factor, self._factor = self._factor, 1
        return int(_divided(min(self._rows, _BATCHED * factor), factor))


def _divided(limit: float, factor: int) -> float:
    return limit if limit == math.inf else max(1, int(limit) // factor)


_BATCHED = 1024
"""The most rows that are handled together unless they come from a table."""

_SAMPLED = 8
"""How many rows of a batch are measured. The others are assumed to be as large."""


class ShardedRows:
    """Rows in parts. Each part is pulled once, as far as it is needed.

    Args:
        parts: the rows of each.
        portions: asked for when the rows are first pulled.
    """

    def __init__(self, parts: Sequence[Iterable[Any]], portions: Callable[[], Portions]) -> None:
        self.parts = parts
        self._portions = portions

    @classmethod
    def of(
        cls, chunks: Iterator[list[tuple[int, Any]]], portions: Callable[[], Portions]
    ) -> ShardedRows:
        """The same for rows in another order, each with the number of its part."""
        source = _Source(chunks)
        return cls([source.part(number) for number in range(SHARDS)], portions)

    def through(self, transform: Callable[[Iterator[Any]], Iterator[Any]]) -> ShardedRows:
        """The rows with a row-wise transformation applied in each part."""
        return ShardedRows([transform(iter(part)) for part in self.parts], self._portions)

    def limited(self, rows: int) -> ShardedRows:
        """The same rows for a reader that needs at most so many, so that fewer are read."""
        return ShardedRows(self.parts, lambda: self._portions().at_most(max(1, rows)))

    def __iter__(self) -> Iterator[Any]:
        """All rows, batch after batch."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Any]]:
        """The batches of the rows."""
        portions = self._portions()
        live = [iter(part) for part in self.parts]
        while live:
            portion = portions.next(len(live))
            taken = [_take(part, portion) for part in live]
            live = [part for part, (_, more) in zip(live, taken, strict=True) if more]
            yield _in_turn([rows for rows, _ in taken])


class JoinedRows:
    """Rows of several sources, as `union` gives them: a portion of each in turn.

    Args:
        sources: their rows, and whether they are read from a table.
        portions: asked for when the rows are first pulled, for each.
    """

    def __init__(
        self, sources: Sequence[tuple[Iterable[Any], bool]], portions: Callable[[], Portions]
    ) -> None:
        self._sources = sources
        self._portions = portions

    @property
    def parts(self) -> list[Iterable[Any]]:
        """The parts of all sources, one after the other: each is aggregated for itself."""
        return [part for source, _ in self._sources for part in parts_of(source)]

    def through(self, transform: Callable[[Iterator[Any]], Iterator[Any]]) -> JoinedRows:
        """The rows with a row-wise transformation applied in each source."""
        return JoinedRows(
            [(transformed(source, transform), stored) for source, stored in self._sources],
            self._portions,
        )

    def __iter__(self) -> Iterator[Any]:
        """All rows, batch after batch."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Any]]:
        """A batch of each source in turn; those that need not read a table are quicker."""
        quicker_first = sorted(self._sources, key=lambda source: source[1])
        live = [batches_of(source, self._portions()) for source, _ in quicker_first]
        while live:
            found = [(batches, next(batches, None)) for batches in live]
            live = [batches for batches, batch in found if batch is not None]
            yield from (batch for _, batch in found if batch is not None)


class WantedRows:
    """Rows that are made in another way if only some of them are needed.

    Args:
        made: makes them, for a reader that needs at most so many.
        wanted: how many are needed.
    """

    def __init__(self, made: Callable[[float], Iterator[Any]], wanted: float = math.inf) -> None:
        self._made = made
        self._wanted = wanted

    def through(self, transform: Callable[[Iterator[Any]], Iterator[Any]]) -> WantedRows:
        """The rows with a row-wise transformation applied."""
        return WantedRows(lambda wanted: transform(self._made(wanted)), self._wanted)

    def limited(self, rows: int) -> WantedRows:
        """The same rows for a reader that needs at most so many."""
        return WantedRows(self._made, min(self._wanted, max(1, rows)))

    def __iter__(self) -> Iterator[Any]:
        """All rows that are needed, and perhaps more."""
        return self._made(self._wanted)


def parts_of(rows: Iterable[Any]) -> Sequence[Iterable[Any]]:
    """The parts of a table's rows. Other rows are one part."""
    return rows.parts if isinstance(rows, (ShardedRows, JoinedRows)) else (rows,)


def transformed(
    rows: Iterable[Any], transform: Callable[[Iterator[Any]], Iterator[Any]]
) -> Iterable[Any]:
    """The rows with a row-wise transformation applied, in each part if there are parts."""
    if isinstance(rows, (ShardedRows, JoinedRows, WantedRows)):
        return rows.through(transform)
    return transform(iter(rows))


def wanted_of(rows: Iterable[Any], wanted: float) -> Iterable[Any]:
    """The same rows for a reader that needs at most so many, so that fewer are read."""
    if wanted < math.inf and isinstance(rows, (ShardedRows, WantedRows)):
        return rows.limited(int(wanted))
    return rows


def batches_of(rows: Iterable[Any], portions: Portions) -> Iterator[list[Any]]:
    """The rows in portions, as a real server handles them."""
    if isinstance(rows, (ShardedRows, JoinedRows)):
        yield from rows.batches()
        return
    pulled = iter(rows)
    while batch := list(islice(pulled, portions.whole())):
        yield batch


def _take(part: Iterator[Any], portion: Portion) -> tuple[list[Any], bool]:
    """The rows of a part for one batch, and whether there may be more."""
    most = portion.rows
    taken: list[Any] = []
    size = 0
    for row in part:
        taken.append(row)
        count = len(taken)
        if count <= _SAMPLED:
            size += stored_size(row)
            if size >= portion.size:
                return taken, True
            if count == _SAMPLED:
                most = min(most, -(-portion.size * _SAMPLED // size))
        if count >= most:
            return taken, True
    return taken, False


def stored_size(value: Datum) -> int:
    """The approximate number of bytes that a real server needs to send a stored datum."""
    if isinstance(value, str):
        return 2 + len(value)
    if isinstance(value, dict):
        return 4 + sum([2 + len(name) + stored_size(item) for name, item in value.items()])
    if isinstance(value, list):
        return 3 + sum([1 + stored_size(item) for item in value])
    if isinstance(value, bytes):
        return 2 + len(value)
    if isinstance(value, tuple):  # an index's value with the row
        return stored_size(value[-1])
    if datum.is_number(value) and (not isinstance(value, int) or abs(value) >= 128):
        return 3 if isinstance(value, int) and abs(value) < 2**14 else 9
    return 2


def _in_turn(parts: list[list[Any]]) -> list[Any]:
    """A row from each part in turn. The last part takes the place of a part that has ended.

    It then has to wait for its turn in the next round.
    """
    left = [iter(rows) for rows in parts if rows]
    merged: list[Any] = []
    while left:
        place = 0
        while place < len(left):
            for row in left[place]:
                merged.append(row)
                break
            else:
                left[place] = left[-1]
                left.pop()
            place += 1
    return merged


class _Source:
    """Divides rows among the parts as they arrive. One part may be read far ahead of the others."""

    def __init__(self, chunks: Iterator[list[tuple[int, Any]]]) -> None:
        self._chunks = chunks
        self._waiting: list[deque[Any]] = [deque() for _ in range(SHARDS)]

    def part(self, number: int) -> Iterator[Any]:
        """The rows of one part."""
        waiting = self._waiting[number]
        while True:
            while waiting:
                yield waiting.popleft()
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            for shard, row in chunk:
                self._waiting[shard].append(row)
