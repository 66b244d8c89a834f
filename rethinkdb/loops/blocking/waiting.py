"""`Waiting`: how the threads of a connection wait for their answers.

There is no reader thread. One of the threads that wait for an answer is the leader. It waits for
the socket and gives what arrives to the core, which settles the waiters that are answered. The
other threads are followers: each sleeps until its own waiter is settled, or until the leader has
its own answer and makes it the next leader. So a single thread never waits for another one, and the
queries of many threads are in flight at the same time.
"""

from __future__ import annotations

from typing import Any

from rethinkdb.net.waiter import Waiter

from ..transport.beds import Bed
from .line import Line
from .timing import Timed

__all__ = ["Waiting"]

# Seconds for which a thread relies on another thread to read. It then sees for itself. One with
# unsent bytes must read if the other one has stopped, and the server reads nothing before its
# answers are read. One that waits for an answer must read if the other one is in a signal handler.
_TRUST = 0.05
_MOST_TRUST = 1.0  # the time doubles up to this


class Waiting(Timed):
    """The part of a `Channel` in which threads wait. They do not hold the lock.

    Arguments of the methods:

    - `me`: the calling thread.
    - `led`: whether this is an inner call, and the outer one leads.
    - `deadline`: a time of `time.monotonic`; None: no limit.
    """

    #: For threads that wait for something else; `rethinkdb.push` uses it.
    new_bed = Bed

    def _wait(
        self, me: int, led: bool, line: Line, deadline: float | None, waiter: Waiter[Any]
    ) -> None:
        """Wait until the waiter is settled."""
        turns, trust = self._turns, _TRUST
        while not waiter.done():
            if self._discarded:
                self._close_discarded()
            if turns.leader == me:
                self._wait_and_read(me, led, line, deadline, waiter)
            elif self._lead(me):
                continue  # the last leader may have read the answer meanwhile
            elif not turns.sleep(me, waiter, self._left(deadline, trust)):
                self._time_passed(deadline)
                self._read_for_leader(line)
                trust = min(2 * trust, _MOST_TRUST)

    def _read_for_leader(self, line: Line) -> None:
        """Read what has arrived, if the main thread leads: it may be in a signal handler.

        The handler may wait for this thread.
        """
        if self._turns.leader != line.main:
            return
        with self._lock:
            if line.receive():
                self._tidy_up(line)
                line.wake()  # the leader's own answer may have been read
        if self._discarded:
            self._close_discarded()

    def _push(
        self, me: int, led: bool, line: Line, deadline: float | None, waiter: Waiter[Any] | None
    ) -> None:
        """The socket is full: wait until all is sent, and read meanwhile if no other thread does.

        Args:
            me, led, line, deadline: as in the other methods.
            waiter: a query's waiter. When it is settled, the query's time is up; other threads send
                the rest.
        """
        while line.output and not line.closing and not (waiter is not None and waiter.done()):
            if self._turns.leader == me or self._lead(me):
                if line.output:  # the last leader may have sent it meanwhile
                    self._wait_and_read(me, led, line, deadline, None)
                continue
            left = self._left(deadline)
            if left == 0:
                self._time_passed(deadline)
                continue
            line.wait_to_send(_TRUST if left is None else min(_TRUST, left))
            with self._lock:
                self._flush()

    def _wait_and_read(
        self, me: int, led: bool, line: Line, deadline: float | None, waiter: Waiter[Any] | None
    ) -> None:
        """As the leader: wait for the socket, read, and resign if the waiter is settled.

        Both happen under one lock. So a single thread acquires it twice for a query, not four
        times.
        """
        timed = deadline is not None or self._tick_at is not None
        if not line.wait(me, self._left(deadline) if timed else None, led):
            self._time_passed(deadline)
            return
        with self._lock:
            line.receive()
            if waiter is not None and waiter.done() and not led:
                self._turns.resign()
                if line.over:
                    self._tidy_up(line)

    def _lead(self, me: int) -> bool:
        """Become the leader if no thread leads. Returns whether this thread leads."""
        with self._lock:
            leads = self._turns.lead(me)
            if leads and self._interrupted:
                self._go_on()
            return leads

    def _resign(self, line: Line) -> None:
        with self._lock:
            self._turns.resign()
            self._tidy_up(line)
