"""One table: its rows by primary key, its indexes, and the feeds that watch it."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Protocol

from sortedcontainers import SortedList

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.shards import Sharding
from rethinkdb.embedded.storage import keys
from rethinkdb.embedded.storage.figures import Meter
from rethinkdb.embedded.storage.indexes import CHUNK_SIZE, EVERYTHING, Index, Range, chunks
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.placement import Gate, Shard
from rethinkdb.embedded.storage.watchers import Change, TableListener, Watchers, Where

DISK_ARRAY_LIMIT = 100_000
BUILT_AT_ONCE = 1_000
"""How many rows a table may have for a new index to be ready at once."""


class Keeper(Protocol):
    """Keeps what a server holds on disk. Its methods are called under the store's lock."""

    @property
    def sequence(self) -> int:
        """The number of the last write."""

    @property
    def described(self) -> int:
        """That of the last write that was no row."""

    @property
    def crowded(self) -> bool:
        """Whether whoever writes had better wait."""

    def put(self, table: str, key: Datum, document: Datum) -> None:
        """A row was written; without a document it was deleted."""

    def drop(self, table: str) -> None:
        """A table was dropped."""

    def describe(self, description: dict[str, Any]) -> None:
        """Something else may have changed."""

    def wait(self, sequence: int) -> None:
        """Returns once a write and all before it are on disk. Raises if they cannot be written."""


@dataclass(frozen=True, slots=True)
class WriteHook:
    """A function that sees and may change every write to a table."""

    function: Callable[[Datum, Datum, Datum], Datum]
    """(context, old row, new row) -> row to write."""
    source: Datum
    """As the table's configuration shows it: `function` (binary, to set it again) and `query`."""


class TableData(abc.ABC):
    """What every table offers, whether it stores its rows or computes them.

    Its methods take the store's lock themselves where they need it.

    Attributes:
        lock: the store's.
        id, name, primary_key: as in the table's configuration.
        indexes: secondary indexes by name.
        write_hook: applied to every write, None if there is none.
        reads, writes: of documents, whether or not there is one, or it changes.
        is_system: it belongs to the database `rethinkdb`.
        gate: what those who use it have to pass, None where it is always available.
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
        """The row under a primary key, None if there is none; raises for what cannot be a key."""
        order_key = keys.primary_key(key)
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
        """The same rows, each with its value, as often as it stands in the index."""
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
        """Commits one change of a document and tells those who watch. The caller holds the lock.

        Args:
            row_key: the order key of its primary key.
            change: the document as it is and as it is to be.
            generated: the key was made up for it.
            user: who writes.

        Returns:
            The document as it is now.
        """

    # -- watching

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watchers)

    def watch(self, listener: TableListener, where: Where | None = None) -> Callable[[], None]:
        """Has a listener called after each commit; the function returned ends that.

        Args:
            listener: whom to call.
            where: only of rows that have one of these values, before or after the change.
        """
        with self.lock:
            self._watchers.add(listener, where)

        def unwatch() -> None:
            with self.lock:
                self._watchers.remove(listener, where)

        return unwatch

    def notify(self, change: Change) -> None:
        """Tells those who watch of one change. The caller holds the lock."""
        self._watchers.tell(change)

    def end_feeds(self) -> None:
        """Tells those who watch that the table is gone, for good or not: nobody can tell.

        The caller holds the lock.
        """
        self._watchers.end()


class StoredTable(TableData):
    """A table made by a user, with its rows.

    Attributes:
        durability, write_acks: as in the table's configuration; in memory they change nothing.
        shards: where its parts are; rows are kept together all the same.
        sharding: in which of its parts a row is.
        kept: what its rows are kept by on disk, None if they are not.
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
        # Keys are put in order when somebody reads, all at once: far cheaper than one by one.
        if self._unsorted:
            self._sorted_keys.update(self._unsorted)
            self._unsorted.clear()
        return self._sorted_keys

    def write(self, row_key: OrderKey, change: Change, *, generated: bool, user: str) -> Datum:
        """Commits one change of a document; who writes does not matter here."""
        self.put(row_key, change.old, change.new)
        return change.new

    def put(self, key: OrderKey, old: Datum, new: Datum) -> None:
        """Commits one change of a document (None is absent). The caller holds the lock."""
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
        """Puts rows into the empty table, which nobody watches. The caller holds the lock."""
        self._rows.update(rows)
        self._unsorted.update(self._rows)

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
    """Adds an index to a table; with many rows it becomes ready later, in a thread of its own.

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


def storable_failure(row: Datum) -> str | None:
    """Why a document cannot be stored: `r.minval` in it, or an array beyond the limit on disk."""
    for value in row.values() if isinstance(row, dict) else row:
        kind = type(value)
        if kind is str or kind is int:
            continue
        if kind is dict or kind is list:
            if kind is list and len(value) > DISK_ARRAY_LIMIT:
                return "Array too large for disk writes (limit 100,000 elements)."
            problem = storable_failure(value)
            if problem is not None:
                return problem
        elif kind is datum.Extremum:
            return "`r.minval` and `r.maxval` cannot be written to disk."
    return None


def sort_rows(rows: Mapping[OrderKey, Any], bounds: Range, *, descending: bool) -> list[Datum]:
    """The rows in a range of their keys, sorted: for tables that compute all of theirs at once."""
    low, high = (keys.bound(value, primary=True) for value in (bounds.left, bounds.right))
    found = [
        key
        for key in rows
        if (low <= key if bounds.left_closed else low < key)
        and (key <= high if bounds.right_closed else key < high)
    ]
    return [rows[key] for key in sorted(found, reverse=descending)]
