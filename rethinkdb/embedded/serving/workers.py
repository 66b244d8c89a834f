"""Threads that take turns at waiting for the network, and do the work that comes from it.

One thread at a time is the leader, and waits for the sockets. When work arrives, the leader hands
the lead to another thread, and does a piece of the work itself. So one thread reads, evaluates and
answers a query. With an I/O thread and a pool, two thread switches would double the time of a short
query. A long query does not hold up others.

`lanes` decides which piece of work comes next: each connection has its own lane, and they take
turns.

The module uses only `threading`, and looks it up late. In a process patched by gevent the threads
are then greenlets, which cooperate with those of the program. An asyncio loop here would conflict
with a loop that the program runs in the same real thread.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rethinkdb.embedded import blocking, limits
from rethinkdb.embedded.serving.lanes import Job, Lane, Lanes

logger = logging.getLogger("rethinkdb.embedded")

_stack_size = threading.Lock()


class Workers:
    """A crew of threads.

    Args:
        name: the name of the threads.
        poll: waits for the network for at most so many seconds (None: forever), and submits the
            work that arrives.
        wake: makes a waiting `poll` return. It may be called in any thread.
    """

    def __init__(
        self, name: str, poll: Callable[[float | None], None], wake: Callable[[], None]
    ) -> None:
        self._name = name
        self._poll = poll
        self._wake = wake
        self._lead = threading.Lock()
        self._lanes = Lanes()
        self._own_lane = Lane(limits.MOST_THREADS)
        self._working = threading.local()
        self._count = threading.Lock()
        self._later: list[tuple[float, int, Job]] = []
        self._later_count = itertools.count()
        self._threads: list[threading.Thread] = []
        self._leader: int | None = None
        self._stopping = False

    def start(self) -> None:
        """Starts the first thread; others follow as they are needed."""
        self._add_thread()

    def submit(self, job: Job, lane: Lane | None = None) -> None:
        """Runs a job soon, in a thread of the crew. It may be called in any thread.

        Args:
            job: the job.
            lane: the lane that the job waits in.
        """
        self._lanes.add(lane or self._own_lane, job)
        if self._leader != threading.get_ident():
            self._wake()

    def submit_later(self, seconds: float, job: Job) -> None:
        """Runs a job after some seconds. It may be called in any thread."""
        due = time.monotonic() + seconds
        with self._count:
            heapq.heappush(self._later, (due, next(self._later_count), job))
        self._wake()

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """See `blocking.Crew`."""
        lane: Lane | None = self._working.lane
        if lane is None:  # the leader: nobody else takes its place
            yield
            return
        self._lanes.leave(lane)
        self._wake()  # there may be a job that this thread's place was lacking for
        try:
            yield
        finally:
            self._lanes.come_back(lane)

    def stop(self) -> None:
        """Ends all threads after their current jobs. Call it in a thread outside the crew."""
        self._stopping = True
        self._wake()
        deadline = time.monotonic() + limits.STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning("%s is still busy; it ends with its query", thread.name)

    def _add_thread(self) -> None:
        # Daemons, so that a server that was not stopped does not keep the process alive.
        thread = threading.Thread(
            target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True
        )
        with _stack_size:
            usual = threading.stack_size(limits.THREAD_STACK)
            try:
                thread.start()
            finally:
                threading.stack_size(usual)
        self._threads.append(thread)

    def _work(self) -> None:
        blocking.join(self)
        self._working.lane = None
        while (found := self._next_job()) is not None:
            lane, job = found
            self._working.lane = lane
            try:
                job()
            except Exception:
                logger.exception("bug of the embedded server: a job failed")
            self._working.lane = None
            # A job may have been waiting for the place that has become free.
            if self._lanes.done(lane):
                self._wake()

    def _next_job(self) -> tuple[Lane, Job] | None:
        with self._lead:
            self._leader = threading.get_ident()
            try:
                while not self._stopping:
                    wait = self._submit_due()
                    # Even with jobs at hand: there may be a STOP for those that are being done.
                    self._poll(0.0 if self._lanes.any_free() else wait)
                    found = self._lanes.next()
                    if found is None:
                        continue
                    if self._can_leave():
                        return found
                    self._lanes.put_back(*found)
            finally:
                self._leader = None
        return None

    def _submit_due(self) -> float | None:
        """Submits the jobs that are due. Returns how long it is until the next one."""
        now = time.monotonic()
        with self._count:
            if not self._later:
                return None
            wait = self._later[0][0] - now
            while self._later and self._later[0][0] <= now:
                self._lanes.add(self._own_lane, heapq.heappop(self._later)[2])
        return max(0.0, wait)

    def _can_leave(self) -> bool:
        """Whether another thread can take the lead: there is one more than are taken."""
        if self._lanes.taken < len(self._threads):
            return True
        try:
            self._add_thread()
        except RuntimeError as exc:  # the system has none left; go on once a thread has come back
            logger.warning("the embedded server cannot start another thread: %s", exc)
            self._poll(0.05)
            return False
        return True
