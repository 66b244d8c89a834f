"""One socket shared by threads: whoever waits, reads.

There is no reader thread. Among the threads that wait for an answer one is the leader: it waits
for the socket and hands what arrives to the core, which settles whichever waiters it answers. The
others are followers: each sleeps until its own waiter is settled, or until the leader, having its
answer, makes it the next leader. So a lone thread pays for no hand-over at all, and queries of many
threads are in flight together.

One lock guards the core, the TLS layer and the bytes to send. It is never held while waiting: the
socket does not block, and what it will not take at once stays unsent. A thread waits (for the
socket or to be woken) holding nothing and in the midst of nothing, so an exception out of a signal
handler (KeyboardInterrupt) there costs no byte of the connection.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import get_ident
from time import monotonic
from typing import Any, TypeVar

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.options import ConnectOptions
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from ..transport.sockets import Reader, dial, remaining, wait_ready
from ..transport.tls import Link, open_link
from ..transport.wire import Wire

__all__ = ["Channel"]

T = TypeVar("T")
R = TypeVar("R")

# Seconds for which a thread with unsent bytes trusts that another one is reading. If that one
# leaves, and the server will not read before its answers are read, somebody must notice.
_TRUST = 0.05


class Channel(Wire):
    """A connected socket and the core on top of it, for any number of threads.

    Args:
        sock: connected and non-blocking; the channel closes it.
        link: the session, or TLS around it.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        super().__init__(sock, link)
        self._reader = Reader(sock)
        self._lock = threading.Lock()
        self._leader: int | None = None
        # Each sleeps until something is put into its queue, whatever it is.
        self._followers: deque[SimpleQueue[Any]] = deque()
        self._discarded: deque[Stream] = deque()
        # When the core wants to know the time, by `time.monotonic`; who waits sees to it.
        self._tick_at: float | None = None
        #: An interrupt hit the core at work: what state it is in, nobody knows.
        self.torn = False

    @classmethod
    def dialled(cls, session: Session, options: ConnectOptions, deadline: float) -> Channel:
        """Connect; `log_in` comes next.

        Raises:
            OSError: nobody can be reached there. TimeoutError, which is one: the deadline passed.
            ReqlDriverError: the options for TLS will not do.
        """
        link = open_link(session, options)
        return cls(dial(options.host, options.port, deadline), link)

    def log_in(self, session: Session, deadline: float) -> None:
        """Wait until the session is open. If that fails, the socket is closed.

        Raises:
            ReqlDriverError: whoever is there does not let us in.
            ReqlTimeoutError: the deadline passed.
        """
        try:
            self.call(lambda: session.opened, (), deadline).result()
        except BaseException:
            self.drop()
            raise

    def call(
        self, operation: Callable[..., Waiter[T]], args: tuple[object, ...], deadline: float | None
    ) -> Waiter[T]:
        """Run an operation of the core, send what it wants sent, wait until it is settled.

        Raises:
            ReqlTimeoutError: the deadline passed. The operation is abandoned, as it is when a
                signal handler raises; nothing else is affected.
        """
        me = get_ident()
        waiter: Waiter[T] | None = None
        try:
            waiter = self._begin(operation, args, me)
            pending = not waiter.done()
            while self._unsent and not self._link.close_requested:
                if pending and waiter.done():  # its time is up
                    break
                self._push(me, deadline)
            while not waiter.done():
                if self._leader != me and not self._lead(me):
                    self._follow(waiter, deadline)
                elif not waiter.done():  # the last leader may have taken the answer in meanwhile
                    self._wait_and_read(deadline, waiter)
        except BaseException as exc:
            self._give_up(waiter, exc)
            raise
        finally:
            if self._leader == me:
                self._resign()
        return waiter

    def look(self) -> None:
        """Take in what has arrived, without waiting. If a thread waits, it has done so already."""
        try:
            with self._lock:
                if self._leader is None:
                    self._step(self._read)
        except BaseException as exc:
            self._give_up(None, exc)
            raise

    def discard(self, stream: Stream) -> None:
        """Close a stream whose cursor is garbage: now, or with the next operation.

        The garbage collector strikes anywhere, even in a thread that holds the lock.
        """
        self._discarded.append(stream)
        if not self._lock.locked():
            self._run(self.flush)

    def drop(self, exc: Exception | None = None) -> None:
        """Close the socket now; whatever is pending fails, because of `exc`."""
        with self._lock:
            self.lose(exc)

    # The core, under the lock.

    def flush(self) -> None:
        """As `Wire` has it. Should something be left over, any thread may go on with it."""
        while self._discarded:
            self._discarded.popleft().close()
        if self._link.clock_wanted:
            self._tick()
        if self._unsent:
            self._send(self._unsent)
        super().flush()

    def _tick(self) -> None:
        self._tick_at = self._link.tick(monotonic(), self._count_unsent())
        if self._link.close_requested:
            self.shut()

    def _await_writable(self) -> None:
        """Whoever has something left over waits for that itself, see `_push`."""

    def shut(self) -> None:
        """As `Wire` has it. The socket closes when nobody waits for it any longer."""
        if self.over:
            return
        self.over = True
        self._unsent = b""
        with suppress(OSError):  # the peer may have been first
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes a leader, which close() would not
        if self._leader is None:
            self.socket.close()

    def _run(self, step: Callable[[], R]) -> R:
        with self._lock:
            return self._step(step)

    def _step(self, step: Callable[..., R], args: tuple[object, ...] = ()) -> R:
        """Let the core make a step, and send what it wants sent."""
        try:
            result = step(*args)
            self.flush()
        except BaseException:
            self.torn = True
            raise
        return result

    def _begin(
        self, operation: Callable[..., Waiter[T]], args: tuple[object, ...], me: int
    ) -> Waiter[T]:
        """Run an operation. Whoever has to wait and finds no leader leads, under the same lock."""
        with self._lock:
            waiter = self._step(operation, args)
            if self._leader is None and not waiter.done():
                self._leader = me
            return waiter

    # Waiting, without the lock.

    def _lead(self, me: int) -> bool:
        """Whether this thread leads from now on: no other one does."""
        with self._lock:
            if self._leader is None:
                self._leader = me
            return self._leader == me

    def _resign(self) -> None:
        """Stop leading; the first of the followers is next."""
        with self._lock:
            self._hand_over()

    def _hand_over(self) -> None:
        self._leader = None
        if self.over:
            # Only now: a descriptor closed under a waiting leader may already be another's.
            self.socket.close()
        self._promote()

    def _promote(self) -> None:
        if self._followers and self._leader is None:
            self._followers[0].put(None)

    def _wait_and_read(self, deadline: float | None, waiter: Waiter[T] | None) -> None:
        """The leader's turn: wait for the socket, take what came. Done with its waiter, it resigns.

        It does so under the same lock: a lone thread takes it twice for a query, not four times.
        """
        left = self._left(deadline)
        if self._unsent:
            ready = wait_ready(self.socket, read=True, write=True, timeout=left)
        else:
            ready = self._reader.wait(left)
        if not ready:
            self._time_passed(deadline)
            return
        with self._lock:
            self._step(self._read)
            if waiter is not None and waiter.done():
                self._hand_over()

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
            self._run(self._tick)
        elif remaining(deadline) == 0:
            raise ReqlTimeoutError

    def _follow(self, waiter: Waiter[T], deadline: float | None) -> None:
        """Sleep until the waiter is settled or this thread is to lead."""
        turn: SimpleQueue[Any] = SimpleQueue()
        with self._lock:
            if waiter.done() or self._leader is None:
                return
            self._followers.append(turn)
            waiter.add_done_callback(turn.put)
        try:
            turn.get(timeout=self._left(deadline))
        except Empty:
            self._time_passed(deadline)
        finally:
            with self._lock:
                self._followers.remove(turn)
                self._promote()  # the turn may have come to a thread that leaves

    def _push(self, me: int, deadline: float | None) -> None:
        """The socket is full: wait until it takes more, and read meanwhile if nobody else does."""
        if self._leader == me or self._lead(me):
            if self._unsent:  # the last leader may have sent it meanwhile
                self._wait_and_read(deadline, None)
            return
        left = self._left(deadline)
        if left == 0:
            self._time_passed(deadline)
            return
        limit = _TRUST if left is None else min(_TRUST, left)
        wait_ready(self.socket, read=False, write=True, timeout=limit)
        self._run(self.flush)

    def _give_up(self, waiter: Waiter[T] | None, exc: BaseException) -> None:
        if self.torn:
            error = ReqlDriverError(f"{type(exc).__name__} interrupted the driver at work.")
            error.__cause__ = exc
            self.drop(error)
        elif waiter is not None:
            self._run(waiter.abandon)
