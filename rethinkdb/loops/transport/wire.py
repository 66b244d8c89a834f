"""A non-blocking socket under the core, for loops that tell when a socket is ready.

What is to be sent is sent at once, by whoever has something to send, and without waiting. So no
cancelled task leaves half a frame behind. What the socket will not take waits here until it can be
written: a subclass waits for that, and for what arrives.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from .alarm import Alarm
from .sockets import unacknowledged
from .tls import Link, deliver

__all__ = ["Wire"]

# As much as one recv() can take without the allocator asking the system for fresh pages each time.
_READ_SIZE = 65536


class Wire:
    """A connected socket, and the core on top of it. One thread at a time uses it.

    Args:
        sock: connected and non-blocking; closed by `shut`.
        link: the session, or TLS around it.

    Attributes:
        over: the socket is closed.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        self.socket = sock
        self.over = False
        self._link = link
        self._unsent: bytes | memoryview = b""
        self._full = False
        self._alarm: Alarm | None = None

    if TYPE_CHECKING:  # for subclasses to supply

        def _await_writable(self) -> None:
            """See to it that `writable` is called whenever the socket is, until it says True."""

        def _stop_waiting(self) -> None:
            """Nobody must wait for the socket any longer: it closes next."""

        def _now(self) -> float:
            """The time, by the clock of `_later`."""
            ...

        def _later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], object]:
            """Call back after so many seconds. The result cancels that."""
            ...

    def receive(self) -> None:
        """Take what has arrived, and answer it."""
        if self._read():
            self.flush()

    def flush(self) -> None:
        """Send what the core wants sent; close if it wants that. Call it after each operation."""
        if self._link.clock_wanted:
            self._set_alarm()
        if not self._unsent and (data := self._link.data_to_send()):
            self._send(data)
        if self._unsent and not self._full:
            self._full = True
            self._await_writable()
        if self._link.close_requested and not self._unsent:
            self.shut()

    def _set_alarm(self) -> None:
        if self._alarm is None:
            self._alarm = Alarm(
                self._link, self._now, self._later, self.flush, self.shut, self._count_unsent
            )
        self._alarm.set()

    def _count_unsent(self) -> int:
        return len(self._unsent) + unacknowledged(self.socket)

    def writable(self) -> bool:
        """Send what was left over. True once nothing is."""
        self._send(self._unsent)
        self.flush()
        self._full = bool(self._unsent)
        return not self._full

    def lose(self, exc: Exception | None = None) -> None:
        """Close the socket now; whatever is pending fails, because of `exc`."""
        try:
            self._link.receive_eof(exc)
        finally:  # settling waiters may run code of others
            self.shut()

    def shut(self) -> None:
        """Close the socket, even if there is something left to send. The core is not told."""
        if self.over:
            return
        self.over = True
        self._unsent = b""
        if self._alarm is not None:
            self._alarm.stop()
        self._stop_waiting()
        self.socket.close()

    def leave(self) -> None:
        """After fork(), in the child: close its copy of the socket, not the connection."""
        self.over = True
        self.socket.close()

    def local_address(self) -> tuple[str, int] | None:
        """This side's address and port; None once closed."""
        if self.over:
            return None
        address, port = self.socket.getsockname()[:2]
        return address, port

    def _read(self) -> bool:
        """Take what has arrived. False when there is nothing, or nothing more to come."""
        if self.over:
            return False
        try:
            data = self.socket.recv(_READ_SIZE)
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
        """Send what the socket takes without waiting; the rest is `_unsent`."""
        if self.over:
            return
        self._unsent = data
        try:
            sent = self.socket.send(data)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            while self._read():  # the server may have said why it hung up
                pass
            self.lose(exc)
        else:
            self._unsent = memoryview(data)[sent:] if sent < len(data) else b""
