"""Which job comes next: each connection has a lane of its own, and the lanes take turns.

A client that sends a thousand queries waits for its own, not the others for them.
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
        most: how many of its jobs may be done at a time.
    """

    __slots__ = ("busy", "jobs", "listed", "most")

    def __init__(self, most: int = limits.MOST_THREADS_OF_CONNECTION) -> None:
        self.most = most
        self.jobs: deque[Job] = deque()
        self.busy = 0
        """How many of its jobs are being done, without those that wait for something outside."""
        self.listed = False
        """Whether it is among those that take turns."""


class Lanes:
    """Those lanes that have jobs. May be used by several threads.

    Attributes:
        taken: how many threads have a job, those that wait for something outside included.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: deque[Lane] = deque()
        self._busy = 0
        self.taken = 0

    def add(self, lane: Lane, job: Job) -> None:
        """Another job."""
        with self._lock:
            lane.jobs.append(job)
            self._list(lane)

    def any_free(self) -> bool:
        """Whether `next` has something to give."""
        if not self._turns:
            return False
        with self._lock:
            return self._find() is not None

    def next(self) -> tuple[Lane, Job] | None:
        """Takes the job whose turn it is; None if there is none, or no thread may do it now."""
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
        """A job of the lane is done; whether others may have been waiting for that."""
        with self._lock:
            waited = lane.busy >= lane.most or self._full
            self._end(lane)
            return waited

    def leave(self, lane: Lane) -> None:
        """A job of the lane waits for something outside from now on."""
        with self._lock:
            lane.busy -= 1
            self._busy -= 1
            self._list(lane)

    def come_back(self, lane: Lane) -> None:
        """And goes on."""
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
        """The place of the next lane that may have a thread."""
        if self.taken >= limits.MOST_THREADS_EVER - 1:
            return None
        if not self._full:
            return 0
        return next((place for place, lane in enumerate(self._turns) if not lane.busy), None)
