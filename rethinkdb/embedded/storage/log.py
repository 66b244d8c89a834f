"""The log of a server, which the table `logs` shows."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal, NamedTuple, TypeAlias

MOST_ENTRIES = 1000
"""How many log entries of a server are kept."""

Level: TypeAlias = Literal["info", "notice"]


class Entry(NamedTuple):
    """One line.

    Attributes:
        time: nanoseconds since the epoch.
        uptime: seconds since the start.
    """

    time: int
    uptime: float
    level: Level
    message: str


class Log:
    """The latest entries. Several threads may read it. Only one at a time may write."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self._started = self._last = time.time_ns()

    def add(self, level: Level, message: str) -> None:
        """Adds an entry. Each gets a different time, because the time is its key."""
        self._last = now = max(time.time_ns(), self._last + 1)
        uptime = round((now - self._started) / 1e9, 6)
        self._entries.append(Entry(now, uptime, level, message))

    def entries(self) -> list[Entry]:
        """The entries that the log has now."""
        return list(self._entries)
