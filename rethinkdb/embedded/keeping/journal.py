"""Queues writes for the data file, in the order in which they were done.

A thread takes many of them at a time, and writes them in one transaction. So the file always holds
a state that the server once had. A query that must be sure that its write is on disk waits for its
transaction. All queries that begin to wait during a transaction share the next one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any, NamedTuple

from rethinkdb.embedded import blocking
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import FailureKind, QueryFailure
from rethinkdb.embedded.keeping import files
from rethinkdb.embedded.keeping.files import DataFile

logger = logging.getLogger("rethinkdb.embedded")

SOFT_SECONDS = 1.0
"""How long writes are collected if no query waits for them: as long as in a real server."""

_AT_ONCE = 20_000
_MOST_WAITING = 200_000
"""If more writes than this are queued, queries that write must wait."""


class Put(NamedTuple):
    """A row was written. Without a document: it was deleted."""

    table: str
    key: Datum
    document: Datum


class Drop(NamedTuple):
    """A table was dropped."""

    table: str


class Described(NamedTuple):
    """Something else has changed: databases, tables, indexes, users ..."""

    description: dict[str, Any]


class Journal:
    """The queue of writes for one data file.

    Args:
        file: the open file. The journal closes it.

    Attributes:
        sequence: the number of the last write.
        described: the number of the last write that was not a row.
    """

    def __init__(self, file: DataFile) -> None:
        self._path = file.path
        self._file = file
        self._connection = file.connection
        self._waiting: deque[Put | Drop | Described] = deque()
        self._changed = threading.Condition()
        self._work = threading.Event()
        self._urgent = threading.Event()
        self._closing = False
        self._kept = 0
        self._problem = ""
        self._tries = 0
        """How often writing has failed."""
        self._last: dict[str, Any] | None = None
        self.sequence = self.described = 0
        self._thread = threading.Thread(target=self._run, name="rethinkdb-data", daemon=True)
        self._thread.start()

    # -- called under the store's lock

    def put(self, table: str, key: Datum, document: Datum) -> None:
        """A row was written."""
        self._add(Put(table, key, document))

    def drop(self, table: str) -> None:
        """A table was dropped."""
        self._add(Drop(table))

    def describe(self, description: dict[str, Any]) -> None:
        """Something other than rows may have changed."""
        if description != self._last:
            self._last = description
            self._add(Described(description))
            self.described = self.sequence

    def _add(self, write: Put | Drop | Described) -> None:
        self._waiting.append(write)
        self.sequence += 1
        if not self._work.is_set():
            self._work.set()

    # -- called by queries

    @property
    def crowded(self) -> bool:
        """Whether so many writes are queued that writers should wait."""
        return len(self._waiting) > _MOST_WAITING

    def wait(self, sequence: int) -> None:
        """Waits until a write and all earlier ones are on disk.

        Raises:
            QueryFailure: they cannot be written. They are tried again with the next write.
        """
        if self._kept >= sequence:
            return
        with blocking.elsewhere(), self._changed:
            tries = self._tries
            self._work.set()
            self._urgent.set()
            self._changed.wait_for(lambda: self._kept >= sequence or self._tries > tries)
            if self._kept < sequence:
                raise QueryFailure(FailureKind.OP_INDETERMINATE, self._problem, ())

    def close(self) -> None:
        """Writes what is left, and closes the file. Raises `DataFileError` if that fails."""
        self._closing = True
        self._urgent.set()
        self._work.set()
        self._thread.join()
        left = len(self._waiting)
        if left:
            raise files.DataFileError(self._path, f"lacks the last {left} writes: {self._problem}")

    # -- the thread

    def _run(self) -> None:
        try:
            while not self._closing:
                self._work.wait()
                self._urgent.wait(SOFT_SECONDS)
                self._work.clear()
                self._urgent.clear()
                self._write_all()
            self._write_all()
        finally:
            self._file.close()

    def _write_all(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            try:
                self._write(taken)
            except Exception as error:
                self._failed(taken, error)
                return
            with self._changed:
                self._kept += len(taken)
                self._changed.notify_all()

    def _write(self, taken: list[Put | Drop | Described]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        rows: dict[tuple[str, bytes], Datum] = {}
        description: dict[str, Any] | None = None
        for write in taken:
            if isinstance(write, Put):
                rows[write.table, files.stored_key(write.key)] = write.document
            elif isinstance(write, Drop):
                rows = {place: row for place, row in rows.items() if place[0] != write.table}
                files.drop_rows(self._connection, write.table)
            else:
                description = write.description
        files.write_rows(self._connection, rows)
        if description is not None:
            files.write_description(self._connection, description)
        self._connection.execute("COMMIT")

    def _failed(self, taken: list[Put | Drop | Described], error: Exception) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._waiting.extendleft(reversed(taken))
        text = f"The write is done, but could not be kept in the data file {self._path}: {error}."
        logger.error("%s It is tried again with the next write.", text)
        with self._changed:
            self._problem = text
            self._tries += 1
            self._changed.notify_all()
