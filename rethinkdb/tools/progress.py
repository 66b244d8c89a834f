"""The progress of a tool. No I/O.

The threads of a tool report what they do to a `Tally`. A display reads it with `snapshot`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Snapshot", "TableProgress", "Tally", "rate"]


class TableProgress(NamedTuple):
    """The progress of one table.

    Attributes:
        name: the table.
        rows: how many rows are done.
        expected: how many rows the table has, by the server's estimate. None if unknown.
    """

    name: str
    rows: int
    expected: int | None

    @property
    def share(self) -> float | None:
        """The share that is done, from 0 to 1. None if unknown."""
        if self.expected is None:
            return None
        # The estimate may be too low, so the table may not be done even above it.
        return min(0.99, self.rows / self.expected) if self.expected else 0.0


class Snapshot(NamedTuple):
    """The progress of a tool at one moment.

    Attributes:
        phase: what the tool does now, in a word or two.
        tables: the tables that are being worked on.
        rows, bytes: how much is done, over all tables.
        expected: how many rows all tables have, by the server's estimates. None if unknown.
        tables_done, tables_known: how many tables are done, and how many there are.
        bad: how many rows were skipped.
    """

    phase: str
    tables: list[TableProgress]
    rows: int
    bytes: int
    expected: int | None
    tables_done: int
    tables_known: int
    bad: int


class Tally:
    """Counts the progress of a tool. All methods are safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._phase = ""
        self._working: dict[str, TableProgress] = {}
        self._estimates: dict[str, int | None] = {}
        self._expected: int | None = None
        self._done = 0
        self._begun = 0
        self._known = 0
        self._rows = 0
        self._bytes = 0
        self._bad = 0

    def phase(self, words: str) -> None:
        """Sets what the tool does from now on."""
        with self._lock:
            self._phase = words

    def expect(self, tables: Iterable[tuple[str, int | None]]) -> None:
        """Sets the tables to work on, each with the estimated number of its rows."""
        with self._lock:
            self._estimates = dict(tables)
            self._known = len(self._estimates)
            known = [rows for rows in self._estimates.values() if rows is not None]
            self._expected = sum(known) if len(known) == self._known else None

    def begin(self, table: str) -> None:
        """The work on a table has begun."""
        with self._lock:
            self._working[table] = TableProgress(table, 0, self._estimates.get(table))
            self._begun += 1
            self._known = max(self._known, self._begun)

    def add(self, table: str, rows: int, size: int = 0) -> None:
        """Counts rows of a table that are done, and `size` bytes of their text."""
        with self._lock:
            at = self._working[table]
            self._working[table] = at._replace(rows=at.rows + rows)
            self._rows += rows
            self._bytes += size

    def skip(self) -> None:
        """Counts a bad row that was skipped."""
        with self._lock:
            self._bad += 1

    def end(self, table: str) -> None:
        """A table is done."""
        with self._lock:
            at = self._working.pop(table)
            if self._expected is not None:  # replace the estimate by the real number
                self._expected += at.rows - (at.expected or 0)
            self._done += 1

    def snapshot(self) -> Snapshot:
        """The progress now."""
        with self._lock:
            expected = None if self._expected is None else max(self._expected, self._rows)
            return Snapshot(
                self._phase,
                list(self._working.values()),
                self._rows,
                self._bytes,
                expected,
                self._done,
                self._known,
                self._bad,
            )


def rate(rows: int, seconds: float) -> float:
    """Rows per second."""
    return rows / seconds if seconds > 0 else 0.0
