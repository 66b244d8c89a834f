"""Secondary indexes: rows sorted by index values, read in chunks."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any, NamedTuple

from sortedcontainers import SortedList

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL, Datum
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.storage import keys
from rethinkdb.embedded.storage.keys import OrderKey

CHUNK_SIZE = 256
"""How many keys are read at a time while the store is locked."""

_LAST: OrderKey = datum.order_key(MAXVAL)
"""An order key greater than every primary key."""


class Range(NamedTuple):
    """The bounds of a read, and whether each bound is included."""

    left: Datum = MINVAL
    left_closed: bool = True
    right: Datum = MAXVAL
    right_closed: bool = True


EVERYTHING = Range()


class Entry(NamedTuple):
    """A row under one of its index values. Entries compare in index order."""

    value: OrderKey
    row: OrderKey
    tag: int
    """Which element of the value of a multi index."""


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """The arguments with which an index was created. Renaming the index keeps them."""

    function: Callable[[Datum], Datum]
    """The function from a row to its index value."""
    multi: bool = False
    geo: bool = False
    source: Any = None
    """The function in wire form, to show it and to create it again."""


class Index:
    """A secondary index of one table. It has no lock, because the table's operations have one.

    Attributes:
        progress: the share of the table that it holds, 0 to 1. At 1 it is ready.
    """

    def __init__(self, name: str, definition: IndexDefinition) -> None:
        self.name = name
        self.definition = definition
        self.progress = 0.0
        self._entries: SortedList[Entry] = SortedList()
        self._written: set[OrderKey] = set()
        """Rows that were written while the index was built, and are therefore up to date."""
        self._built = threading.Event()

    @property
    def ready(self) -> bool:
        """Whether it can be used."""
        return self._built.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits at most so many seconds until it is ready. Returns whether it is."""
        return self._built.wait(seconds)

    @property
    def multi(self) -> bool:
        """Whether the elements of array values are indexed one by one."""
        return self.definition.multi

    @property
    def geo(self) -> bool:
        """Whether it is for `get_intersecting` and `get_nearest`."""
        return self.definition.geo

    def values(self, row: Datum) -> list[Datum]:
        """The index values of a row. Only those that can be indexed; none if the function fails."""
        return [value for value, _ in self._keyed_values(row)]

    def keys(self, row: Datum) -> list[OrderKey]:
        """The index values of a row as order keys, which compare as the index sorts."""
        return [key for _, key in self._keyed_values(row)]

    def _keyed_values(self, row: Datum) -> list[tuple[Datum, OrderKey]]:
        try:
            value = self.definition.function(row)
        except QueryFailure:
            return []
        values = value if self.multi and isinstance(value, list) else [value]
        keyed = ((item, self._key(item)) for item in values)
        return [(item, key) for item, key in keyed if key is not None]

    def _key(self, value: Datum) -> OrderKey | None:
        if self.geo:
            return datum.order_key(value) if datum.is_geometry(value) else None
        try:
            return keys.secondary_key(value)
        except QueryFailure:
            return None

    def _row_entries(self, row_key: OrderKey, row: Datum) -> list[Entry]:
        return [Entry(key, row_key, tag) for tag, key in enumerate(self.keys(row))]

    def replace(self, row_key: OrderKey, old: Datum, new: Datum) -> None:
        """Updates the index for a change of a row. None means: no row."""
        if not self.ready:
            self._written.add(row_key)
        if old is not None:
            for entry in self._row_entries(row_key, old):
                self._entries.discard(entry)
        if new is not None:
            self._entries.update(self._row_entries(row_key, new))

    # -- building

    def build(self, rows: Mapping[OrderKey, Datum], row_keys: Iterable[OrderKey]) -> None:
        """Adds rows that are older than the index, if they still exist."""
        self._entries.update(
            entry
            for key in row_keys
            if key in rows and key not in self._written
            for entry in self._row_entries(key, rows[key])
        )

    def finish(self) -> None:
        """Marks the index as ready."""
        self.progress = 1.0
        self._written.clear()
        self._built.set()

    # -- reading

    def rows_of(self, value: OrderKey) -> list[OrderKey]:
        """The keys of the rows under one value, in order."""
        return [entry.row for entry in self._entries.irange((value,), (value, _LAST))]

    def chunks(
        self, lock: RLock, bounds: Range, *, descending: bool = False
    ) -> Iterator[list[OrderKey]]:
        """The keys of the rows in a range, in index order."""
        for chunk in self.entry_chunks(lock, bounds, descending=descending):
            yield [entry.row for entry in chunk]

    def entry_chunks(
        self, lock: RLock, bounds: Range, *, descending: bool = False
    ) -> Iterator[list[Entry]]:
        """The entries in a range, in index order."""
        low = _entry_bound(bounds.left, after=not bounds.left_closed)
        high = _entry_bound(bounds.right, after=bounds.right_closed)
        return chunks(lock, lambda: self._entries, low, high, descending=descending)


def _entry_bound(value: Datum, *, after: bool) -> tuple[OrderKey, ...]:
    key = keys.bound(value, primary=False)
    return (key, _LAST) if after else (key,)


def chunks(
    lock: RLock,
    sorted_keys: Callable[[], SortedList[Any]],
    low: Any,
    high: Any,
    *,
    inclusive: tuple[bool, bool] = (True, True),
    descending: bool = False,
) -> Iterator[list[Any]]:
    """Keys in order, in chunks. Each chunk is read under the lock, and follows the one before it.

    Keys that are written meanwhile appear if they come later in the order.
    """
    while True:
        with lock:
            found = sorted_keys().irange(low, high, inclusive=inclusive, reverse=descending)
            chunk = list(itertools.islice(found, CHUNK_SIZE))
        if not chunk:
            return
        yield chunk
        if len(chunk) < CHUNK_SIZE:
            return
        if descending:
            high, inclusive = chunk[-1], (inclusive[0], False)
        else:
            low, inclusive = chunk[-1], (False, inclusive[1])
