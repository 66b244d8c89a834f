"""Counters of a server's work for the table `stats`: totals and rates per second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Meter:
    """Counts events. It is safe to use from several threads.

    Args:
        clock: a function that gives the time in seconds.

    Attributes:
        total: the number of all events.
    """

    __slots__ = ("_clock", "_current", "_lock", "_previous", "_second", "total")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._second = int(clock())
        self._current = self._previous = 0
        self.total = 0

    def record(self, count: int = 1) -> None:
        """Counts events."""
        with self._lock:
            self._roll(self._clock())
            self._current += count
            self.total += count

    @property
    def per_second(self) -> float:
        """The rate now: the count of this second, plus a part of the last second's for the rest."""
        with self._lock:
            now = self._clock()
            self._roll(now)
            return self._current + self._previous * (1 - now % 1)

    def _roll(self, now: float) -> None:
        second = int(now)
        if second != self._second:
            self._previous = self._current if second == self._second + 1 else 0
            self._current = 0
            self._second = second


class Gauge:
    """A number that goes up and down. It is safe to use from several threads."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = 0

    def add(self, count: int) -> None:
        """Adds to the number, or subtracts if `count` is negative."""
        with self._lock:
            self.value += count


class Figures:
    """The counters of a server.

    Attributes:
        connections: clients that have logged in.
        active: requests that are not answered yet.
        queries: requests that are answered.
    """

    def __init__(self) -> None:
        self.connections = Gauge()
        self.active = Gauge()
        self.queries = Meter()
