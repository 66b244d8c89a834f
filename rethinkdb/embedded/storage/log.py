"""The log of a server, which the table `logs` shows."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal, NamedTuple, TypeAlias

MOST_ENTRIES = 1000
"""How many entries of a server are shown."""

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
    """The last entries. May be used by several threads, of which one writes at a time."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self._started = self._last = time.time_ns()

    def add(self, level: Level, message: str) -> None:
        """Another entry; no two have the same time, which is their key."""
        self._last = now = max(time.time_ns(), self._last + 1)
        uptime = round((now - self._started) / 1e9, 6)
        self._entries.append(Entry(now, uptime, level, message))

    def entries(self) -> list[Entry]:
        """The entries there are now."""
        return list(self._entries)
