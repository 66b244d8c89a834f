"""One table: its rows by primary key, its indexes, and the feeds that watch it."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Protocol

from sortedcontainers import SortedList

from rethinkdb.embedded import limits
from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.shards import Sharding
from rethinkdb.embedded.failures import logic, resource
from rethinkdb.embedded.storage import keys
from rethinkdb.embedded.storage.figures import Meter
from rethinkdb.embedded.storage.indexes import CHUNK_SIZE, EVERYTHING, Index, Range, chunks
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.placement import Gate, Shard
from rethinkdb.embedded.storage.watchers import Change, TableListener, Watchers, Where

DISK_ARRAY_LIMIT = 100_000
BUILT_AT_ONCE = 1_000
"""Up to this number of rows, a new index of a table is ready immediately."""


class Keeper(Protocol):
    """Keeps the data of a server on disk. Its methods are called under the store's lock."""

    @property
    def sequence(self) -> int:
        """The number of the last write."""

    @property
    def described(self) -> int:
        """The number of the last write that was not a row."""

    @property
    def crowded(self) -> bool:
        """Whether so many writes are queued that writers should wait."""

    def put(self, table: str, key: Datum, document: Datum) -> None:
        """A row was written. Without a document: it was deleted."""

    def drop(self, table: str) -> None:
        """A table was dropped."""

    def describe(self, description: dict[str, Any]) -> None:
        """Something other than rows may have changed."""

    def wait(self, sequence: int) -> None:
        """Waits until a write and all earlier ones are on disk. Raises if that fails."""


@dataclass(frozen=True, slots=True)
class WriteHook:
    """A function that sees and may change every write to a table."""

    function: Callable[[Datum, Datum, Datum], Datum]
    """(context, old row, new row) -> row to write."""
    source: Datum
    """The fields that the configuration shows: `function` (binary, to restore it) and `query`."""


class TableData(abc.ABC):
    """The base class of all tables, which either store or compute their rows.

    If a method needs the store's lock, it takes the lock itself.

    Attributes:
        lock: the store's lock.
        id, name, primary_key: as in the table's configuration.
        indexes: secondary indexes by name.
        write_hook: the function that is applied to every write. None if there is none.
        reads, writes: counters of reads and writes, even of missing or unchanged documents.
        is_system: whether it belongs to the database `rethinkdb`.
        gate: decides whether the table is available. None if it always is.
    """

    is_system = False
    gate: Gate | None = None

    def __init__(self, lock: RLock, id: str, name: str, primary_key: str) -> None:
        self.lock = lock
        self.id = id
        self.name = name
        self.primary_key = primary_key
        self.indexes: dict[str, Index] = {}
        self.write_hook: WriteHook | None = None
        self.reads = Meter()
        self.writes = Meter()
        self._watchers = Watchers()

    # -- reading

    @property
    @abc.abstractmethod
    def rows(self) -> Mapping[OrderKey, Datum]:
        """The rows by the order key of their primary key."""

    @abc.abstractmethod
    def in_order(
        self, bounds: Range = EVERYTHING, *, descending: bool = False
    ) -> Iterator[list[Datum]]:
        """The rows whose primary key is in a range, sorted by it, in chunks."""

    def get(self, key: Datum) -> Datum:
        """The row with a primary key; None if there is none. Raises for an invalid key."""
        # In a system table of a real server, what cannot be a key is just a key of no row.
        order_key = datum.order_key(key) if self.is_system else keys.primary_key(key)
        self.reads.record()
        return self.rows.get(order_key)

    def key_of(self, row: Datum) -> Datum:
        """The primary key of a row."""
        return row[self.primary_key]

    def in_index_order(
        self, index: Index, bounds: Range = EVERYTHING, *, descending: bool = False
    ) -> Iterator[list[Datum]]:
        """The rows whose value in an index is in a range, sorted by it, in chunks."""
        found = index.chunks(self.lock, bounds, descending=descending)
        return (self._rows_under(chunk) for chunk in found)

    def entries_in_order(
        self, index: Index, bounds: Range = EVERYTHING, *, descending: bool = False
    ) -> Iterator[tuple[Datum, Datum]]:
        """As `in_index_order`, but gives each entry of the index: its value and the row."""
        for chunk in index.entry_chunks(self.lock, bounds, descending=descending):
            self.reads.record(len(chunk))
            for entry in chunk:
                row = self.rows.get(entry.row)
                found = [] if row is None else index.values(row)
                if entry.tag < len(found):
                    yield found[entry.tag], row

    def under(self, index: Index, value: Datum) -> list[Datum]:
        """The rows under one value of an index."""
        key = keys.bound(value, primary=False)
        with self.lock:
            return self._rows_under(index.rows_of(key))

    def _rows_under(self, row_keys: list[OrderKey]) -> list[Datum]:
        self.reads.record(len(row_keys))
        rows = self.rows
        return [rows[key] for key in row_keys if key in rows]

    # -- writing

    @abc.abstractmethod
    def write(self, row_key: OrderKey, change: Change, *, generated: bool, user: str) -> Datum:
        """Commits one change of a document, and notifies the feeds. The caller holds the lock.

        Args:
            row_key: the order key of the primary key.
            change: the old and the new document.
            generated: whether the server generated the key.
            user: the user who writes.

        Returns:
            The document as it is now.
        """

    # -- watching

    @property
    def watched(self) -> bool:
        """Whether any feed watches the table."""
        return bool(self._watchers)

    def watch(self, listener: TableListener, where: Where | None = None) -> Callable[[], None]:
        """Calls a listener after each commit. Returns a function that ends this.

        Args:
            listener: the function to call.
            where: report only rows that have one of these values before or after the change.
        """
        with self.lock:
            self._watchers.add(listener, where)

        def unwatch() -> None:
            with self.lock:
                self._watchers.remove(listener, where)

        return unwatch

    def notify(self, change: Change) -> None:
        """Notifies the feeds of one change. The caller holds the lock."""
        self._watchers.tell(change)

    def end_feeds(self) -> None:
        """Ends all feeds on the table, because it is dropped or not available any more.

        The caller holds the lock.
        """
        self._watchers.end()


class StoredTable(TableData):
    """A table made by a user, with its rows.

    Attributes:
        durability, write_acks: as in the table's configuration. In memory they have no effect.
        shards: the servers of its parts. All rows are nevertheless stored together.
        sharding: tells in which of its parts a row is.
        kept: keeps its rows on disk. None if there is no data file.
    """

    def __init__(
        self,
        lock: RLock,
        id: str,
        name: str,
        primary_key: str = "id",
        durability: str = "hard",
        shards: Sequence[Shard] = (),
    ) -> None:
        super().__init__(lock, id, name, primary_key)
        self.durability = durability
        self.write_acks = "majority"
        self.shards = list(shards)
        self._rows: dict[OrderKey, Datum] = {}
        self._sorted_keys: SortedList[OrderKey] = SortedList()
        self._unsorted: set[OrderKey] = set()
        self.sharding = Sharding()
        self.kept: Keeper | None = None

    @property
    def rows(self) -> dict[OrderKey, Datum]:
        """The rows by the order key of their primary key."""
        return self._rows

    def in_order(
        self, bounds: Range = EVERYTHING, *, descending: bool = False
    ) -> Iterator[list[Datum]]:
        """The rows whose primary key is in a range, sorted by it, in chunks."""
        low, high = (keys.bound(value, primary=True) for value in (bounds.left, bounds.right))
        inclusive = (bounds.left_closed, bounds.right_closed)
        found = chunks(
            self.lock, self._in_order, low, high, inclusive=inclusive, descending=descending
        )
        return (self._rows_under(chunk) for chunk in found)

    def _in_order(self) -> SortedList[OrderKey]:
        # Keys are sorted when they are read, all together. One by one would be far slower.
        if self._unsorted:
            self._sorted_keys.update(self._unsorted)
            self._unsorted.clear()
        return self._sorted_keys

    def write(self, row_key: OrderKey, change: Change, *, generated: bool, user: str) -> Datum:
        """Commits one change of a document. The user does not matter here."""
        self.put(row_key, change.old, change.new)
        return change.new

    def put(self, key: OrderKey, old: Datum, new: Datum) -> None:
        """Commits one change of a document. None means: no document. The caller holds the lock."""
        if new is None:
            self._remove(key)
        else:
            self._rows[key] = new
            if old is None:
                self._unsorted.add(key)
        if self.indexes:
            for index in self.indexes.values():
                index.replace(key, old, new)
        if self.kept is not None:
            self.kept.put(self.id, self.key_of(old if new is None else new), new)
        if self._watchers:
            self.notify(Change(self.key_of(old if new is None else new), old, new))

    def fill(self, rows: Iterable[tuple[OrderKey, Datum]]) -> None:
        """Fills an empty table that no feed watches. The caller holds the lock."""
        self._rows.update(rows)
        self._unsorted.update(self._rows)

    def reshape(self, shards: list[Shard]) -> None:
        """Gives the table other parts. The caller holds the lock.

        As on a real server, its feeds end if the rows are divided anew.
        """
        divided = len(shards) != len(self.shards)
        self.shards = shards
        if self.gate is not None:
            self.gate.reshape()
        elif divided:
            self.end_feeds()

    def _remove(self, key: OrderKey) -> None:
        del self._rows[key]
        if key in self._unsorted:
            self._unsorted.remove(key)
        else:
            self._sorted_keys.remove(key)


@dataclass(slots=True)
class DatabaseData:
    """A database made by a user: its tables by name."""

    id: str
    name: str
    tables: dict[str, StoredTable] = field(default_factory=dict)


# -- building indexes


def build_index(table: StoredTable, index: Index) -> None:
    """Adds an index to a table. If there are many rows, a thread builds it, and it is ready later.

    The caller holds the lock.
    """
    table.indexes[index.name] = index
    if len(table.rows) <= BUILT_AT_ONCE:
        index.build(table.rows, tuple(table.rows))
        index.finish()
        return
    work = (table, index, tuple(table.rows))
    threading.Thread(
        target=_build, args=work, name=f"rethinkdb-index-{index.name}", daemon=True
    ).start()


def _build(table: StoredTable, index: Index, row_keys: Sequence[OrderKey]) -> None:
    for start in range(0, len(row_keys), CHUNK_SIZE):
        with table.lock:
            if table.indexes.get(index.name) is not index:  # dropped meanwhile
                return
            index.build(table.rows, row_keys[start : start + CHUNK_SIZE])
            index.progress = start / len(row_keys)
    with table.lock:
        index.finish()


def check_storable(row: Datum) -> None:
    """Raises an error if a document contains `r.minval`, or is too large to be stored."""
    most = limits.LARGEST_DOCUMENT
    if _storable_size(row, _SMALL_DOCUMENT) <= _SMALL_DOCUMENT:
        return
    if _storable_size(row, most, known={}) > most:
        raise resource(
            f"The document would have more than {most} characters."
            "  The embedded server stores no larger one."
        )


_SMALL_DOCUMENT = 64 * 1024
"""Of a document with fewer characters, each part is counted as often as it occurs."""


def _storable_size(whole: Datum, most: int, known: dict[int, int] | None = None) -> int:
    """About how many characters a document, or a part of one, has as JSON. Stops above `most`.

    What is used twice counts twice. A document may be made of its own parts again and again, so
    the sizes of its arrays and objects can be remembered, by their identity.
    """
    size, values = 2 * len(whole), whole
    if isinstance(whole, dict):
        size += len("".join(whole))  # in half the time of a sum of lengths
        values = whole.values()
    elif len(whole) > DISK_ARRAY_LIMIT:
        raise logic("Array too large for disk writes (limit 100,000 elements).")
    for value in values:
        kind = type(value)
        if kind is str or kind is bytes:
            size += len(value)
        elif kind is dict or kind is list:
            part = None if known is None else known.get(id(value))
            size += _storable_size(value, most, known) if part is None else part
            if size > most:
                return size
        elif kind is datum.Extremum:
            raise logic("`r.minval` and `r.maxval` cannot be written to disk.")
    if known is not None:
        known[id(whole)] = size
    return size


def sort_rows(rows: Mapping[OrderKey, Any], bounds: Range, *, descending: bool) -> list[Datum]:
    """The rows in a range of keys, sorted. For tables that compute all rows at once."""
    low, high = (keys.bound(value, primary=True) for value in (bounds.left, bounds.right))
    found = [
        key
        for key in rows
        if (low <= key if bounds.left_closed else low < key)
        and (key <= high if bounds.right_closed else key < high)
    ]
    return [rows[key] for key in sorted(found, reverse=descending)]
