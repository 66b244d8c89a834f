"""Threads that take turns at waiting for the network, and do the work it brings.

One thread at a time is the leader: it waits for sockets. When that brings work, it hands the lead
to another thread and does a piece of the work itself. So a query is read, evaluated and answered by
one thread, without the two switches between an I/O thread and a pool that would double the time of
a short query; a long one still holds nobody up.

Only `threading`, looked up when needed: in a process patched by gevent these threads are greenlets
that cooperate with the others, where an asyncio loop would clash with one that the program runs in
the same real thread.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

Job: TypeAlias = Callable[[], None]

logger = logging.getLogger("rethinkdb.embedded")

MOST_THREADS = 64
"""Work that blocks, such as `r.http`, beyond this many waits; reading and STOP never do."""

_STOP_SECONDS = 10.0


class Workers:
    """A crew of threads.

    Args:
        name: of the threads.
        poll: waits for the network, at most so many seconds (None: for ever), and submits the work
            it brings.
        wake: makes a waiting `poll` return. May be called from any thread.
    """

    def __init__(
        self, name: str, poll: Callable[[float | None], None], wake: Callable[[], None]
    ) -> None:
        self._name = name
        self._poll = poll
        self._wake = wake
        self._lead = threading.Lock()
        self._count = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._later: list[tuple[float, int, Job]] = []
        self._later_count = itertools.count()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._leader: int | None = None
        self._stopping = False

    def start(self) -> None:
        """Starts the first thread; others follow as they are needed."""
        self._add_thread()

    def submit(self, job: Job) -> None:
        """Runs a job soon, in a thread of the crew. Safe from any thread."""
        self._jobs.append(job)
        if self._leader != threading.get_ident():
            self._wake()

    def submit_later(self, seconds: float, job: Job) -> None:
        """Runs a job after some time. Safe from any thread."""
        due = time.monotonic() + seconds
        with self._count:
            heapq.heappush(self._later, (due, next(self._later_count), job))
        self._wake()

    def stop(self) -> None:
        """Ends all threads; those at work finish it first. Called by a thread outside the crew."""
        self._stopping = True
        self._wake()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)
            if thread.is_alive():
                logger.warning("%s is still busy; it ends with its query", thread.name)

    def _add_thread(self) -> None:
        # Daemons, so that a server somebody forgot to stop does not keep the process alive.
        thread = threading.Thread(
            target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job()
            except Exception:
                logger.exception("bug of the embedded server: a job failed")
            with self._count:
                saturated = self._all_busy()
                self._busy -= 1
            if saturated:
                self._wake()

    def _next_job(self) -> Job | None:
        with self._lead:
            self._leader = threading.get_ident()
            try:
                while not self._stopping:
                    wait = self._submit_due()
                    # Even with jobs at hand: there may be a STOP for those that are being done.
                    self._poll(0.0 if self._jobs and not self._all_busy() else wait)
                    if self._jobs and self._may_leave():
                        return self._jobs.popleft()
            finally:
                self._leader = None
        return None

    def _submit_due(self) -> float | None:
        """Submits the jobs whose time has come; how long it is until that of the next."""
        now = time.monotonic()
        with self._count:
            if not self._later:
                return None
            wait = self._later[0][0] - now
            while self._later and self._later[0][0] <= now:
                self._jobs.append(heapq.heappop(self._later)[2])
        return max(0.0, wait)

    def _all_busy(self) -> bool:
        return self._busy >= MOST_THREADS - 1

    def _may_leave(self) -> bool:
        """Whether somebody else can take the lead; counts the calling thread as busy if so."""
        with self._count:
            if self._all_busy():
                return False
            self._busy += 1
            if self._busy == len(self._threads):
                self._add_thread()
        return True
