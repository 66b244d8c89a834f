"""One socket shared by threads: whoever waits, reads.

There is no reader thread. Among the threads that wait for an answer one is the leader: it waits
for the socket and hands what arrives to the core, which settles whichever waiters it answers. The
others are followers: each sleeps until its own waiter is settled, or until the leader, having its
answer, makes it the next leader. So a lone thread pays for no hand-over at all, and queries of many
threads are in flight together.

One lock guards the core, the TLS layer and the bytes to send. It is never held while waiting: the
socket does not block, and what it will not take at once stays unsent.

Python runs signal handlers in the main thread, in the midst of anything that is done here:

- A handler may raise. Then the call it interrupted ends with that. The core's steps can be done
  again or gone on with, and somebody does that: the next leader, or the thread itself, with its
  next call.
- A handler may use the connection, while its thread is in the midst of a call, perhaps of a step
  under the lock. As a step may be interrupted anywhere, others may come in between: so the call of
  the handler takes its thread's lock away for as long as it lasts, and otherwise does what calls
  do. In the end it wakes the call that it interrupted, which may have got what it waits for.

Finalizers run in the midst of anything, too, and in all threads. What is true of handlers is true
of them.
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

# Seconds for which a thread with unsent bytes trusts that another one is reading. If that one
# leaves, and the server will not read before its answers are read, somebody must notice.
_TRUST = 0.05


T = TypeVar("T")

# What a thread does in whose call another one begins: whether it leads, whether it sleeps. The call
# within lets it go on with that.
_Within = tuple[bool, bool]


class Channel:
    """A session, its socket once there is one, and the threads that wait for them.

    Args:
        session: a new one.
        before: the channel that this one replaces, of the same connection. They share the lock: a
            handler waits for others while its thread is in a step of either.

    Attributes:
        session: likewise. A channel serves it from beginning to end.
        process: where it lives.
    """

    def __init__(self, session: Session, before: Channel | None = None) -> None:
        self.session = session
        self.process = os.getpid()
        self._link: Link = session
        self._line: Line | None = None
        # No thread locks it twice. It is an RLock as such a one knows its owner.
        self._lock: Any = threading.RLock()
        if before is not None and before.process == self.process:
            self._lock = before._lock
        self._turns = Turns(self._lock)
        self._discarded: deque[Stream] = deque()
        # When the core wants to know the time, by `time.monotonic`; who waits sees to it.
        self._tick_at: float | None = None
        # Perhaps somebody was interrupted in the midst of a step, which is to be gone on with.
        self._interrupted = False

    def open(self, options: ConnectOptions, deadline: float) -> None:
        """Connect, and wait until the session is open. If that fails, nothing stays open.

        Raises:
            OSError: nobody can be reached there. TimeoutError, which is one: the deadline passed.
            ReqlDriverError: whoever is there does not let us in, or the options for TLS will not
                do.
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
        """Run an operation of the core, send what it wants sent, wait until it is settled.

        Args:
            operation: gives a waiter.
            args: for it.
            deadline: of `time.monotonic`.
            outcome: makes the result of the settled waiter. Without, that is the waiter.
            within: what this thread is in the midst of, if that is known already.

        Raises:
            ReqlTimeoutError: the deadline passed. The operation is abandoned, as it is when a
                signal handler raises; nothing else is affected.
        """
        me = get_ident()
        turns = self._turns
        led = slept = False
        if within is not None:
            led, slept = within
        elif turns.leader == me or me in turns.sleepers or self._lock._is_owned():
            # In the midst of another call of this thread: by a signal handler or a finalizer.
            within = turns.leader == me, me in turns.sleepers
            return self.outside(self.call, operation, args, deadline, outcome, within)
        begun: list[Waiter[Any]] = []
        try:
            with self._lock:
                if self._interrupted:
                    self._go_on()
                begun.extend(starmap(operation, (args,)))  # begun and known, in one step
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
            return waiter if outcome is None else outcome(waiter)
        except BaseException:
            self._recover(me, led, slept, begun)
            raise

    def outside(self, function: Callable[..., T], *args: Any) -> T:
        """Call what waits for other threads: without the lock, should this thread be in a step."""
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
        """Close the socket now; whatever is pending fails."""
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
        """Take in what has arrived, without waiting. If a thread waits, it has done so already."""
        with self._lock:
            if self._interrupted:
                self._go_on()
            line = self._line
            if line is not None and not line.over and self._turns.leader is None:
                line.receive()
                self._tidy_up(line)

    def discard(self, stream: Stream) -> None:
        """Close a stream whose cursor is garbage: now, or with the next operation.

        The garbage collector strikes anywhere, even in a thread that holds the lock.
        """
        self._discarded.append(stream)
        if not self._lock._is_owned() and self._lock.acquire(blocking=False):
            try:
                self._flush()
            finally:
                self._lock.release()

    def leave(self) -> None:
        """After fork(), in the child: close its copy of the socket, not the connection."""
        if self._line is not None:
            self._line.leave()

    def local_address(self) -> tuple[str, int] | None:
        """This side's address and port; None when closed."""
        return None if self._line is None else self._line.local_address()

    # Calling in the midst of a call.

    def _return_to(self, me: int, held: bool) -> None:
        """Let the call go on that was interrupted. It may be waiting for what it has got."""
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
        """Give up what was begun, and let others go on. Should that be interrupted, once more."""
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
        except BaseException:
            self._recover(me, led, slept, begun)
            raise

    # The core, under the lock.

    def _flush(self) -> None:
        """Send what the core wants sent. Should something be left over, whoever comes goes on."""
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
        """Go on with what was interrupted."""
        self._interrupted = False
        self._link.proceed()

    def _tidy_up(self, line: Line) -> None:
        # Only when nobody leads: a descriptor closed under a waiting leader may be another's soon.
        if line.over and self._turns.leader is None:
            line.close()

    # Waiting, without the lock.

    def _wait(
        self, me: int, led: bool, line: Line, deadline: float | None, waiter: Waiter[Any]
    ) -> None:
        """Wait until the waiter is settled."""
        turns = self._turns
        while not waiter.done():
            if turns.leader == me:
                self._wait_and_read(me, led, line, deadline, waiter)
            elif self._lead(me):
                continue  # the last leader may have taken the answer in meanwhile
            elif not turns.sleep(me, waiter, self._left(deadline)):
                self._time_passed(deadline)

    def _lead(self, me: int) -> bool:
        """Whether this thread leads from now on: no other one does."""
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
        """The leader's turn: wait for the socket, take what came. Done with its waiter, it resigns.

        It does so under the same lock: a lone thread takes it twice for a query, not four times.
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
        """Seconds that may be spent waiting now."""
        tick_at = self._tick_at
        if tick_at is None or (deadline is not None and deadline < tick_at):
            tick_at = deadline
        return None if tick_at is None else remaining(tick_at)

    def _time_passed(self, deadline: float | None) -> None:
        """Nothing came: tell the core, which may have an end to put to this wait, or to another.

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
        """The socket is full: wait until it takes all, and read meanwhile if nobody else does.

        Args:
            me, led, line, deadline: as elsewhere.
            waiter: of a query; once it is settled its time is up, and others may go on sending.
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
