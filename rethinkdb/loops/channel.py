"""One socket shared by threads: whoever waits, reads.

There is no reader thread. Among the threads that wait for an answer one is the leader: it waits
for the socket and hands what arrives to the core, which settles whichever waiters it answers. The
others are followers: each sleeps until its own waiter is settled, or until the leader, having its
answer, makes it the next leader. So a lone thread pays for no hand-over at all, and queries of many
threads are in flight together.

One lock guards the core, the TLS layer and the bytes to send. It is never held while waiting: the
socket does not block, and what it will not take at once stays in `_unsent`. A thread waits (for the
socket or to be woken) holding nothing and in the midst of nothing, so an exception out of a signal
handler (KeyboardInterrupt) there costs no byte of the connection.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .sockets import Reader, remaining, wait_ready
from .tls import Link

__all__ = ["Channel"]

T = TypeVar("T")
R = TypeVar("R")

# As much as one recv() can take without the allocator asking the system for fresh pages each time.
_READ_SIZE = 65536

# How long a thread with unsent bytes trusts that another one is reading. If that one leaves, and
# the server will not read before its answers are read, somebody must notice.
_TRUST = 0.05


class Channel:
    """A connected socket and the core on top of it, for any number of threads.

    Args:
        sock: connected and non-blocking; the channel closes it.
        link: the session, or TLS around it.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        self._socket = sock
        self._reader = Reader(sock)
        self._link = link
        self._lock = threading.Lock()
        self._unsent: bytes | memoryview = b""
        self._leader: int | None = None
        self._over = False
        self._followers: deque[threading.Event] = deque()
        self._discarded: deque[Stream] = deque()
        #: An interrupt hit the core at work: what state it is in, nobody knows.
        self.torn = False

    def call(
        self, operation: Callable[..., Waiter[T]], args: tuple[object, ...], deadline: float | None
    ) -> Waiter[T]:
        """Run an operation of the core, send what it wants sent, wait until it is settled.

        Raises:
            ReqlTimeoutError: the deadline passed. The operation is abandoned, as it is when a
                signal handler raises; nothing else is affected.
        """
        waiter: Waiter[T] | None = None
        try:
            waiter = self._begin(operation, args)
            while self._unsent and not self._link.close_requested:
                self._push(deadline)
            while not waiter.done():
                if not self._lead():
                    self._follow(waiter, deadline)
                elif not waiter.done():  # the last leader may have taken the answer in meanwhile
                    self._read(deadline, waiter)
        except BaseException as exc:
            self._give_up(waiter, exc)
            raise
        finally:
            if self._leader == threading.get_ident():
                self._resign()
        return waiter

    def discard(self, stream: Stream) -> None:
        """Close a stream whose cursor is garbage: now, or with the next operation.

        The garbage collector strikes anywhere, even in a thread that holds the lock.
        """
        self._discarded.append(stream)
        if not self._lock.locked():
            self._run(self._flush)

    def drop(self, exc: Exception | None = None) -> None:
        """Close the socket now; whatever is pending fails, because of `exc`."""
        with self._lock:
            self._lose(exc)

    def leave(self) -> None:
        """After fork(), in the child: close its copy of the socket, not the connection."""
        self._socket.close()

    def local_address(self) -> tuple[str, int] | None:
        """This side's address and port; None once closed."""
        if self._over:
            return None
        address, port = self._socket.getsockname()[:2]
        return address, port

    # The core, under the lock.

    def _run(self, step: Callable[..., R], *args: object) -> R:
        with self._lock:
            try:
                result = step(*args)
                self._flush()
            except BaseException:
                self.torn = True
                raise
            return result

    def _begin(self, operation: Callable[..., Waiter[T]], args: tuple[object, ...]) -> Waiter[T]:
        """Run an operation. Whoever has to wait and finds no leader leads, under the same lock."""
        with self._lock:
            try:
                waiter = operation(*args)
                self._flush()
            except BaseException:
                self.torn = True
                raise
            if self._leader is None and not waiter.done():
                self._leader = threading.get_ident()
            return waiter

    def _receive(self) -> bool:
        """Take what has arrived. False when there is nothing, or nothing more to come."""
        try:
            data = self._socket.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as exc:
            self._lose(exc)
            return False
        if not data:
            self._lose(None)
            return False
        self._link.receive_data(data)
        return True

    def _flush(self) -> None:
        while self._discarded:
            self._discarded.popleft().close()
        if self._unsent:
            self._send(self._unsent)
        if not self._unsent and (data := self._link.data_to_send()):
            self._send(data)
        if not self._unsent and self._link.close_requested:
            self._shut()

    def _send(self, data: bytes | memoryview) -> None:
        """Send what the socket takes without waiting; the rest is `_unsent`."""
        if self._over:
            return
        self._unsent = data
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            # The server may have said why it hung up.
            while self._receive():
                pass
            self._lose(exc)
        else:
            self._unsent = memoryview(data)[sent:] if sent < len(data) else b""

    def _lose(self, exc: Exception | None) -> None:
        try:
            self._link.receive_eof(exc)
        finally:  # settling waiters may run code of others
            self._shut()

    def _shut(self) -> None:
        if self._over:
            return
        self._over = True
        self._unsent = b""
        with suppress(OSError):  # the peer may have been first
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes a leader, which close() would not
        if self._leader is None:
            self._socket.close()

    # Waiting, without the lock.

    def _lead(self) -> bool:
        """Whether this thread leads from now on: no other one does."""
        me = threading.get_ident()
        if self._leader == me:
            return True
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
        if self._over:
            # Only now: a descriptor closed under a waiting leader may already be another's.
            self._socket.close()
        self._promote()

    def _promote(self) -> None:
        if self._followers and self._leader is None:
            self._followers[0].set()

    def _read(self, deadline: float | None, waiter: Waiter[T] | None) -> None:
        """The leader's turn: wait for the socket, take what came. Done with its waiter, it resigns.

        A lone thread thus takes the lock twice for a query, not four times, which with all that
        goes along saves 4 of its 70 µs.
        """
        left = None if deadline is None else remaining(deadline)
        if self._unsent:
            ready = wait_ready(self._socket, read=True, write=True, timeout=left)
        else:
            ready = self._reader.wait(left)
        if not ready:
            raise ReqlTimeoutError
        with self._lock:
            try:
                self._receive()
                self._flush()
            except BaseException:
                self.torn = True
                raise
            if waiter is not None and waiter.done():
                self._hand_over()

    def _follow(self, waiter: Waiter[T], deadline: float | None) -> None:
        """Sleep until the waiter is settled or this thread is to lead."""
        turn = threading.Event()
        with self._lock:
            if waiter.done() or self._leader is None:
                return
            self._followers.append(turn)
            waiter.add_done_callback(lambda _: turn.set())
        try:
            if not turn.wait(remaining(deadline)):
                raise ReqlTimeoutError
        finally:
            with self._lock:
                self._followers.remove(turn)
                self._promote()  # the turn may have come to a thread that leaves

    def _push(self, deadline: float | None) -> None:
        """The socket is full: wait until it takes more, and read meanwhile if nobody else does."""
        if self._lead():
            if self._unsent:  # the last leader may have sent it meanwhile
                self._read(deadline, None)
            return
        left = remaining(deadline)
        if left == 0:
            raise ReqlTimeoutError
        limit = _TRUST if left is None else min(_TRUST, left)
        wait_ready(self._socket, read=False, write=True, timeout=limit)
        with self._lock:
            self._flush()

    def _give_up(self, waiter: Waiter[T] | None, exc: BaseException) -> None:
        if self.torn:
            error = ReqlDriverError(f"{type(exc).__name__} interrupted the driver at work.")
            error.__cause__ = exc
            self.drop(error)
        elif waiter is not None:
            self._run(waiter.abandon)
