"""Decides which job comes next. Each connection has its own lane, and the lanes take turns.

If one client sends a thousand queries, only that client waits for them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from rethinkdb.embedded import limits

Job: TypeAlias = Callable[[], None]


class Lane:
    """The jobs of one connection.

    Args:
        most: how many of its jobs may run at a time.
    """

    __slots__ = ("busy", "jobs", "listed", "most")

    def __init__(self, most: int = limits.MOST_THREADS_OF_CONNECTION) -> None:
        self.most = most
        self.jobs: deque[Job] = deque()
        self.busy = 0
        """How many of its jobs compute now. Jobs that wait for something outside do not count."""
        self.listed = False
        """Whether the lane is in the list of lanes that take turns."""


class Lanes:
    """The lanes that have jobs. It is safe to use from several threads.

    Attributes:
        taken: how many threads have a job, including those that wait for something outside.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: deque[Lane] = deque()
        self._busy = 0
        self.taken = 0

    def add(self, lane: Lane, job: Job) -> None:
        """Adds a job to a lane."""
        with self._lock:
            lane.jobs.append(job)
            self._list(lane)

    def any_free(self) -> bool:
        """Whether `next` would return a job."""
        if not self._turns:
            return False
        with self._lock:
            return self._find() is not None

    def next(self) -> tuple[Lane, Job] | None:
        """Takes the next job. None if there is none, or if no further thread may work now."""
        if not self._turns:
            return None
        with self._lock:
            place = self._find()
            if place is None:
                return None
            self._turns.rotate(-place)
            lane = self._turns.popleft()
            lane.listed = False
            job = lane.jobs.popleft()
            lane.busy += 1
            self._busy += 1
            self.taken += 1
            self._list(lane)
            return lane, job

    def put_back(self, lane: Lane, job: Job) -> None:
        """Undoes `next`."""
        with self._lock:
            lane.jobs.appendleft(job)
            self._end(lane)

    def done(self, lane: Lane) -> bool:
        """Ends a job of the lane. Returns whether other jobs may have been waiting for that."""
        with self._lock:
            waited = lane.busy >= lane.most or self._full
            self._end(lane)
            return waited

    def leave(self, lane: Lane) -> None:
        """A job of the lane begins to wait for something outside."""
        with self._lock:
            lane.busy -= 1
            self._busy -= 1
            self._list(lane)

    def come_back(self, lane: Lane) -> None:
        """A job of the lane has ended such a wait."""
        with self._lock:
            lane.busy += 1
            self._busy += 1

    @property
    def _full(self) -> bool:
        return self._busy >= limits.MOST_THREADS - 1

    def _end(self, lane: Lane) -> None:
        lane.busy -= 1
        self._busy -= 1
        self.taken -= 1
        self._list(lane)

    def _list(self, lane: Lane) -> None:
        if lane.jobs and not lane.listed and lane.busy < lane.most:
            lane.listed = True
            self._turns.append(lane)

    def _find(self) -> int | None:
        """The position of the next lane that may get a thread; None if there is none."""
        if self.taken >= limits.MOST_THREADS_EVER - 1:
            return None
        if not self._full:
            return 0
        return next((place for place, lane in enumerate(self._turns) if not lane.busy), None)
