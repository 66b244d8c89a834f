"""`Channel`: one socket, shared by threads. A thread that waits for an answer reads.

There is no reader thread. One of the threads that wait for an answer is the leader. It waits for
the socket and gives what arrives to the core, which settles the waiters that are answered. The
other threads are followers: each sleeps until its own waiter is settled, or until the leader has
its own answer and makes it the next leader. So a single thread never waits for another one, and the
queries of many threads are in flight at the same time.

One lock guards the core, the TLS layer and the bytes to send. No thread holds it while waiting: the
socket does not block, and bytes that it does not take at once are kept.

Python runs signal handlers in the main thread, at almost any point of this code:

- A handler may raise an error. Then the call that it interrupted ends with that error. The core's
  steps can be repeated or continued. The next leader does that, or the same thread in its next
  call.
- A handler may use the connection while its thread is in a call, perhaps while it holds the lock.
  As a step may be interrupted anywhere, other threads may run in between. So the handler's call
  releases its thread's lock as long as it lasts; otherwise it works like any call. At the end it
  wakes the call that it interrupted, whose answer may have arrived.

Finalizers also run at any point, and in all threads. The same is true for them.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from itertools import starmap
from threading import get_ident
from time import monotonic
from typing import Any, TypeVar

from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.net.options import ConnectOptions
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from ..transport.sockets import dial, remaining
from ..transport.tls import Link, open_link
from .line import Line
from .turns import Turns

__all__ = ["Channel"]

# Seconds for which a thread with unsent bytes relies on another thread to read. If that one stops,
# and the server reads nothing before its answers are read, this thread must read.
_TRUST = 0.05


T = TypeVar("T")

# For a call inside another call of the same thread: whether the outer call leads, and whether it
# sleeps. The inner call leaves that unchanged.
_Within = tuple[bool, bool]


class Channel:
    """A session, its socket when it is connected, and the threads that wait for answers.

    Args:
        session: a new session.
        before: the channel of the same connection that this one replaces. Both use the same lock,
            as a handler may wait for other threads while its thread is in a step of either.

    Attributes:
        session: the argument. A channel has one session.
        process: the id of the process that made the channel.
    """

    def __init__(self, session: Session, before: Channel | None = None) -> None:
        self.session = session
        self.process = os.getpid()
        self._link: Link = session
        self._line: Line | None = None
        # No thread acquires it twice. It is an RLock because only an RLock knows its owner.
        self._lock: Any = threading.RLock()
        if before is not None and before.process == self.process:
            self._lock = before._lock
        self._turns = Turns(self._lock, self._close_discarded)
        self._discarded: deque[Stream] = deque()
        # When to call the session's `tick`, by `time.monotonic`; the waiting threads do that.
        self._tick_at: float | None = None
        # Whether a step may have been interrupted and must be continued.
        self._interrupted = False

    def open(self, options: ConnectOptions, deadline: float) -> None:
        """Connect, and wait until the session is open. If that fails, nothing stays open.

        Raises:
            OSError: the server cannot be reached; TimeoutError if the deadline passed.
            ReqlDriverError: the server refuses the client, or the options for TLS are invalid.
        """
        try:
            self._link = open_link(self.session, options)
            sock = self.outside(dial, options.host, options.port, deadline)
            self._line = Line(sock, self._link)
            self.call(lambda: self.session.opened, (), deadline).result()
        except BaseException:
            self.drop()
            raise

    def call(
        self,
        operation: Callable[..., Waiter[Any]],
        args: tuple[object, ...] = (),
        deadline: float | None = None,
        outcome: Callable[[Waiter[Any]], Any] | None = None,
        within: _Within | None = None,
    ) -> Any:
        """Run an operation of the core, send its bytes, wait until its waiter is settled.

        Args:
            operation: returns a waiter.
            args: its arguments.
            deadline: a time of `time.monotonic`; None: no limit.
            outcome: makes the result from the settled waiter. Without it, the waiter is returned.
            within: what the outer call of this thread does, if this is known to be an inner call.

        Raises:
            ReqlTimeoutError: the deadline passed. The operation is abandoned, and nothing else is
                affected. The same happens if a signal handler raises an error.
        """
        me = get_ident()
        turns = self._turns
        led = slept = False
        if within is not None:
            led, slept = within
        elif turns.leader == me or me in turns.sleepers or self._lock._is_owned():
            # A signal handler or a finalizer calls this inside another call of this thread.
            within = turns.leader == me, me in turns.sleepers
            return self.outside(self.call, operation, args, deadline, outcome, within)
        begun: list[Waiter[Any]] = []
        try:
            with self._lock:
                if self._interrupted:
                    self._go_on()
                begun.extend(starmap(operation, (args,)))  # one step starts it and keeps its waiter
                self._flush()
                waiter = begun[0]
                pending = not waiter.done()
                if pending:
                    self._turns.lead(me)
            line = self._line
            if line is not None:
                if line.output:
                    self._push(me, led, line, deadline, waiter if pending else None)
                if pending:
                    self._wait(me, led, line, deadline, waiter)
                if self._turns.leader == me and not led:
                    self._resign(line)
            if self._discarded:
                self._close_discarded()
            return waiter if outcome is None else outcome(waiter)
        except BaseException:
            self._recover(me, led, slept, begun)
            raise

    def outside(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that waits for other threads. Meanwhile this thread releases the lock."""
        held = self._lock._is_owned()
        try:
            if held:
                self._lock.release()
            return function(*args)
        finally:
            self._return_to(get_ident(), held)

    def close(self, noreply_wait: bool) -> None:
        """Close the session and the socket, even if the wait for noreply queries is interrupted."""
        try:
            self.call(self.session.close, (noreply_wait,))
        finally:
            self.drop()

    def drop(self) -> None:
        """Close the socket now. Everything pending fails."""
        try:
            with self._lock:
                if self._line is None:
                    self.session.close(noreply_wait=False)
                else:
                    self._line.lose()
                    self._tidy_up(self._line)
        except BaseException:  # out of a signal handler
            self.drop()
            raise

    def look(self) -> None:
        """Read what has arrived, without waiting. If a thread leads, it reads anyway."""
        with self._lock:
            if self._interrupted:
                self._go_on()
            line = self._line
            if line is not None and not line.over and self._turns.leader is None:
                line.receive()
                self._tidy_up(line)
        self._close_discarded()

    def discard(self, stream: Stream) -> None:
        """Close a stream whose cursor was garbage-collected: now, or with the next operation.

        The garbage collector may call this at any point, even in a thread that holds the lock.
        """
        self._discarded.append(stream)
        if not self._lock._is_owned():
            self._close_discarded()

    def _close_discarded(self) -> None:
        """Close discarded streams, unless another thread holds the lock: it calls this afterwards.

        So whoever releases the lock calls this, before it waits for anything or returns.
        """
        while self._discarded and self._lock.acquire(blocking=False):
            try:
                self._flush()
            finally:
                self._lock.release()

    def leave(self) -> None:
        """In a forked child: close its copy of the socket. The parent's connection stays open."""
        if self._line is not None:
            self._line.leave()

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when closed."""
        return None if self._line is None else self._line.local_address()

    # Calls inside another call of the same thread.

    def _return_to(self, me: int, held: bool) -> None:
        """Let the interrupted call go on: take the lock again, and wake the call."""
        try:
            if held and not self._lock._is_owned():
                self._lock.acquire()
            if self._line is not None and self._turns.leader == me:
                self._line.wake()
            self._turns.wake(me)
        except BaseException:  # out of one more handler
            self._return_to(me, held)
            raise

    def _recover(self, me: int, led: bool, slept: bool, begun: list[Waiter[Any]]) -> None:
        """Abandon what was started, and let others go on. If that is interrupted, do it again."""
        self._interrupted = True
        try:
            with self._lock:
                for waiter in begun:
                    waiter.abandon()
                self._flush()
                if self._turns.leader == me and not led:
                    self._turns.resign()
                if not slept:
                    self._turns.leave(me)
                if self._line is not None:
                    self._tidy_up(self._line)
            self._close_discarded()
        except BaseException:
            self._recover(me, led, slept, begun)
            raise

    # The core, under the lock.

    def _flush(self) -> None:
        """Send the core's bytes. If an interrupt leaves some, the next call sends them."""
        while self._discarded:
            stream = self._discarded[0]
            stream.close()
            if self._discarded and self._discarded[0] is stream:
                self._discarded.popleft()
        if self.session.clock_wanted:
            self._tick()
        line = self._line
        if line is not None:
            line.flush()
            if line.over:
                self._tidy_up(line)

    def _tick(self) -> None:
        line = self._line
        unsent = 0 if line is None else line.count_unsent()
        self._tick_at = self.session.tick(monotonic(), unsent)
        if line is not None and self.session.close_requested:
            line.end()  # without sending the rest

    def _go_on(self) -> None:
        """Continue what was interrupted."""
        self._interrupted = False
        self._link.proceed()

    def _tidy_up(self, line: Line) -> None:
        # Only when no thread leads: if the socket were closed while a leader waits for it, its
        # descriptor could soon belong to another file.
        if line.over and self._turns.leader is None:
            line.close()

    # Waiting, without the lock.

    def _wait(
        self, me: int, led: bool, line: Line, deadline: float | None, waiter: Waiter[Any]
    ) -> None:
        """Wait until the waiter is settled."""
        turns = self._turns
        while not waiter.done():
            if self._discarded:
                self._close_discarded()
            if turns.leader == me:
                self._wait_and_read(me, led, line, deadline, waiter)
            elif self._lead(me):
                continue  # the last leader may have read the answer meanwhile
            elif not turns.sleep(me, waiter, self._left(deadline)):
                self._time_passed(deadline)

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

    def _wait_and_read(
        self, me: int, led: bool, line: Line, deadline: float | None, waiter: Waiter[Any] | None
    ) -> None:
        """As the leader: wait for the socket, read, and resign if the waiter is settled.

        Both happen under one lock. So a single thread acquires it twice for a query, not four
        times.
        """
        if not line.wait(me, self._left(deadline), led):
            self._time_passed(deadline)
            return
        with self._lock:
            line.receive()
            if waiter is not None and waiter.done() and not led:
                self._turns.resign()
                self._tidy_up(line)

    def _left(self, deadline: float | None) -> float | None:
        """The longest wait now, in seconds; None: no limit."""
        tick_at = self._tick_at
        if tick_at is None or (deadline is not None and deadline < tick_at):
            tick_at = deadline
        return None if tick_at is None else remaining(tick_at)

    def _time_passed(self, deadline: float | None) -> None:
        """Nothing has arrived in time: tell the core, which may end this wait or another.

        Raises:
            ReqlTimeoutError: the deadline passed.
        """
        if self._tick_at is not None and self._tick_at <= monotonic():
            with self._lock:
                self._tick()
                self._flush()
        elif remaining(deadline) == 0:
            raise ReqlTimeoutError

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
