"""`Wire`: moves bytes between a non-blocking socket and the core.

It is for loops that tell when a socket is ready. Bytes are sent at once and without waiting, by the
caller that has something to send. So a cancelled task never leaves half a frame behind. Bytes that
the socket does not take are kept here. A subclass waits until the socket can be written or read.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from rethinkdb.net.signals import raised_by_handler

from .alarm import Alarm
from .sockets import unacknowledged
from .tls import Link, deliver

__all__ = ["READ_SIZE", "Wire", "interruption", "interrupts"]

#: With larger reads, the allocator would ask the system for new pages each time.
READ_SIZE = 65536


def interrupts(error: BaseException) -> bool:
    """Whether an error comes from outside: from a signal handler, or from what ends a greenlet."""
    return not isinstance(error, Exception) or raised_by_handler(error)


def interruption(error: BaseException | None) -> Exception:
    """The cause of a lost link, if `error` has ended what moves its bytes."""
    cause = ConnectionAbortedError(f"What moves its bytes was interrupted: {error!r}")
    cause.__cause__ = error
    return cause


class Wire:
    """Connects a socket with the core. Only one thread may use it at a time.

    Args:
        sock: a connected, non-blocking socket; `shut` closes it.
        link: the session, or TLS around it.

    Attributes:
        over: whether the socket is closed.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        self.socket = sock
        self._send_part: Callable[[bytes | memoryview], int] = sock.send
        self.over = False
        self._link = link
        self._outflow = link.outflow
        self._outflow.held_back(0)
        self._unsent: bytes | memoryview = b""
        self._full = False
        self._due: object = False  # true as long as the loop is to call `flush_now`
        self._alarm: Alarm | None = None

    if TYPE_CHECKING:  # for subclasses to supply

        def _await_writable(self) -> None:
            """Arrange that `writable` is called when the socket can be written.

            Call it again until it returns True.
            """

        def _stop_waiting(self) -> None:
            """End all waits for the socket: it is closed next."""

        def _now(self) -> float:
            """The time, by the same clock as `_later`."""
            ...

        def _later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], object]:
            """Call `callback` after `seconds`. Returns a function that cancels that."""
            ...

    def receive(self) -> None:
        """Read what has arrived, give it to the core, and send the core's bytes."""
        if self._read() and self._link.output_pending:
            self.flush_now()

    def flush(self) -> None:
        """Send the core's bytes; close the socket if the core asks for that.

        Call it after each operation. If other queries are in flight, the loop may send at the end
        of its turn, so that the queries of all its tasks go in one write: for each of 64 that are
        in flight this takes a quarter less.
        """
        link = self._link
        if not (link.output or link.output_pending or link.clock_wanted):
            return
        if link.close_requested or link.in_flight < 2:
            self.flush_now()
        elif not self._due:
            self._due = self._flush_soon()
            if not self._due:
                self.flush_now()

    def _flush_soon(self) -> object:
        """Arrange that `flush_now` is called when this turn of the loop ends.

        Returns:
            What is true until it was called. False if the loop does not do that; the bytes are then
            sent at once.
        """
        return False

    def flush_now(self) -> None:
        """Send the core's bytes; close the socket if the core asks for that."""
        self._due = False
        if self._link.clock_wanted:
            self._set_alarm()
        try:
            if not self._unsent and (data := self._link.data_to_send()):
                self._send(data)
        except BaseException as exc:  # a signal handler's: the bytes may be gone
            if not self.over:
                self.lose(interruption(exc))
            raise
        if (self._unsent or self._outflow.waiting) and not self._full:
            self._outflow.held = len(self._unsent)
            self._full = True
            self._await_writable()
        if self._link.close_requested and not self._unsent:
            self.shut()

    def _set_alarm(self) -> None:
        if self._alarm is None:
            self._alarm = Alarm(
                self._link, self._now, self._later, self.flush_now, self.shut, self._count_unsent
            )
        self._alarm.set()

    def _count_unsent(self) -> int:
        return len(self._unsent) + unacknowledged(self.socket)

    def writable(self) -> bool:
        """Send the bytes that were left over. Returns True if all are sent."""
        self._send(self._unsent)
        self.flush_now()
        self._outflow.held_back(len(self._unsent))
        self._full = bool(self._unsent or self._outflow.waiting)
        return not self._full

    def lose(self, exc: Exception | None = None) -> None:
        """Close the socket now. Everything pending fails, with `exc` as the cause."""
        try:
            self._link.receive_eof(exc)
        finally:  # waiters run callbacks, which may raise errors
            self.shut()

    def shut(self) -> None:
        """Close the socket, even if bytes are left to send. The core is not told."""
        if self.over:
            return
        self.over = True
        self._unsent = b""
        if self._alarm is not None:
            self._alarm.stop()
        self._stop_waiting()
        self.socket.close()

    def leave(self) -> None:
        """In a forked child: close its copy of the socket. The parent's connection stays open."""
        self.over = True
        self.socket.close()

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when closed."""
        if self.over:
            return None
        address, port = self.socket.getsockname()[:2]
        return address, port

    def _read(self) -> bool:
        """Read once. Returns False if nothing has arrived, or the connection has ended."""
        if self.over:
            return False
        try:
            data = self.socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as exc:
            self.lose(exc)
            return False
        if not data:
            self.lose()
            return False
        deliver(self._link, data)
        return True

    def _send(self, data: bytes | memoryview) -> None:
        """Send what the socket takes without waiting. The rest is kept in `_unsent`."""
        if self.over:
            return
        self._unsent = data
        try:
            sent = self._send_part(data)
            self._unsent = memoryview(data)[sent:] if sent < len(data) else b""
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._broken(exc)
        except BaseException as exc:  # a signal handler's: nobody knows how much was sent
            self.lose(interruption(exc))
            raise

    def _broken(self, exc: OSError) -> None:
        """Sending has failed with this error."""
        while self._read():  # the server may have sent a reason before it closed
            pass
        self.lose(exc)
