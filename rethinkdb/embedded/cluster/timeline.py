"""Actions that happen later: after a time, or when a test asks for them."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, TypeAlias

Action: TypeAlias = Callable[[], None]


class _Entry(NamedTuple):
    due: float
    number: int
    action: Action


class Timeline:
    """Pending actions, ordered by time.

    Args:
        lock: a re-entrant lock that is held while an action runs.

    From `start` to `stop`, a thread runs each action when its time comes. An action at `math.inf`
    only runs by `step` or `settle`.
    """

    def __init__(self, lock: AbstractContextManager[bool]) -> None:
        self._lock = lock
        self._news = threading.Condition()
        self._entries: list[_Entry] = []
        self._numbers = itertools.count()
        self._running = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread that runs actions when their time comes."""
        with self._news:
            if self._running:
                return
            self._running = True
            self._thread = threading.Thread(target=self._run, name="rethinkdb-cluster", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stops the thread, and drops all pending actions."""
        with self._news:
            self._running = False
            self._entries.clear()
            self._news.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def after(self, seconds: float, action: Action) -> None:
        """Runs an action after some seconds, or right now for 0. The caller holds the lock."""
        if seconds <= 0:
            action()
            return
        with self._news:
            due = time.monotonic() + seconds
            heapq.heappush(self._entries, _Entry(due, next(self._numbers), action))
            self._news.notify_all()

    def step(self) -> bool:
        """Runs the next action now. Returns False if there is none."""
        with self._news:
            if not self._entries:
                return False
            entry = heapq.heappop(self._entries)
        with self._lock:
            entry.action()
        return True

    def settle(self) -> None:
        """Runs all actions now, including those that they add."""
        while self.step():
            pass

    def _run(self) -> None:
        while True:
            with self._news:
                while self._running and self._wait_seconds() > 0:
                    seconds = self._wait_seconds()
                    self._news.wait(None if seconds == math.inf else seconds)
                if not self._running:
                    return
            self.step()

    def _wait_seconds(self) -> float:
        return self._entries[0].due - time.monotonic() if self._entries else math.inf
