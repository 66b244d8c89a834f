"""How far a tool has come: it counts here, and whoever shows it looks. No I/O.

A tool tells a `Tally` what it does, from any of its threads. `snapshot` gives what is to be shown.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Snapshot", "TableProgress", "Tally", "rate"]


class TableProgress(NamedTuple):
    """How far a table in work is.

    Attributes:
        name: the table.
        rows: how many rows are done.
        expected: how many there are by the server's estimate; None if nobody knows.
    """

    name: str
    rows: int
    expected: int | None

    @property
    def share(self) -> float | None:
        """How much of it is done, from 0 to 1; None if nobody knows."""
        if self.expected is None:
            return None
        # The estimate may be too low, and then the table is not done all the same.
        return min(0.99, self.rows / self.expected) if self.expected else 0.0


class Snapshot(NamedTuple):
    """How far a tool is.

    Attributes:
        phase: what it does at the moment, in a word or two.
        tables: the tables in work.
        rows, bytes: how much is done, over all tables.
        expected: how many rows there are, by estimates; None if nobody knows.
        tables_done, tables_known: how many tables.
        bad: how many rows were left out.
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
    """Counts what a tool does. Every method may be called by any thread."""

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
        """What the tool does from now on."""
        with self._lock:
            self._phase = words

    def expect(self, tables: Iterable[tuple[str, int | None]]) -> None:
        """These tables, all there are, will be worked on; each with its rows by estimate."""
        with self._lock:
            self._estimates = dict(tables)
            self._known = len(self._estimates)
            known = [rows for rows in self._estimates.values() if rows is not None]
            self._expected = sum(known) if len(known) == self._known else None

    def begin(self, table: str) -> None:
        """A table is being worked on."""
        with self._lock:
            self._working[table] = TableProgress(table, 0, self._estimates.get(table))
            self._begun += 1
            self._known = max(self._known, self._begun)

    def add(self, table: str, rows: int, size: int = 0) -> None:
        """Rows of a table were done, `size` bytes of text."""
        with self._lock:
            at = self._working[table]
            self._working[table] = at._replace(rows=at.rows + rows)
            self._rows += rows
            self._bytes += size

    def skip(self) -> None:
        """A bad row was left out."""
        with self._lock:
            self._bad += 1

    def end(self, table: str) -> None:
        """A table is done."""
        with self._lock:
            at = self._working.pop(table)
            if self._expected is not None:  # now it is known better
                self._expected += at.rows - (at.expected or 0)
            self._done += 1

    def snapshot(self) -> Snapshot:
        """How far the tool is now."""
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
    """Rows a second."""
    return rows / seconds if seconds > 0 else 0.0
