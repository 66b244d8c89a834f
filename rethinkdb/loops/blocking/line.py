"""`Line`: a socket below the core. Signal handlers may interrupt it; see `rethinkdb.net.steps`."""

from __future__ import annotations

import socket

from rethinkdb.net.signals import raised_by_handler

from ..transport.sockets import unacknowledged
from ..transport.tls import Link, TLSLink
from .watching import Watching

__all__ = ["Line"]

# With larger reads, the allocator would ask the system for new pages each time.
_READ_SIZES = (65536,)

_NOT_NOW = (BlockingIOError, InterruptedError)


class Line(Watching):
    """Connects a socket with the core. One thread at a time may use it, and another one may wait.

    Args:
        sock: a connected, non-blocking socket.
        link: the session, or TLS around it.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        super().__init__(sock, link.output)
        self._link = link
        self._outflow = link.outflow
        # A thread that waits harms no other one: so each noreply query waits until it is sent.
        self._outflow.limit = 0
        self._outflow.held_back(0)
        self._tls = link if isinstance(link, TLSLink) else None
        self._incoming = link.incoming
        self._taken: list[int] = []  # how many bytes of the output were sent and not removed yet

    @property
    def closing(self) -> bool:
        """Whether the core asks to close. Bytes that cannot be sent are then dropped."""
        return self._link.close_requested

    # Moving bytes.

    def receive(self) -> bool:
        """Read what has arrived, give it to the core, and send the core's bytes.

        Returns:
            False if nothing has arrived, or the connection has ended.
        """
        taken = self._take()
        try:
            self._link.proceed()
        except Exception as exc:  # an error in the core: give up the link
            if raised_by_handler(exc):
                raise
            self.lose(exc)
        # Usually there is nothing to send, or a feed's CONTINUE. These checks save a call for each.
        if self._tls is not None or self._link.close_requested or self._outflow.waiting:
            self.flush()
        elif self.output and not self.over:
            self._send()
        return taken

    def flush(self) -> None:
        """Send the core's bytes, as far as the socket takes them without waiting.

        If the core asks to close, end when all is sent. Call it after each operation.
        """
        if self._tls is not None:
            self._tls.prepare()
        if self.output and not self.over:
            self._send()
        if self._outflow.waiting and not self.output and not self.over:
            self._outflow.held_back(0)
        if self._link.close_requested and not self.output:
            self.end()

    def lose(self, exc: Exception | None = None) -> None:
        """End now. Everything pending fails, with `exc` as the cause."""
        try:
            self._link.receive_eof(exc)
        finally:  # waiters run callbacks, which may raise errors
            self.end()

    def end(self) -> None:
        """End receiving and sending, and wake the thread that waits. The core is not told."""
        if self.over:
            return
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # unlike close(), it wakes a waiting thread
        except OSError as exc:  # the peer may have closed it first
            if raised_by_handler(exc):
                raise
        self.over = True
        self.output.clear()

    def count_unsent(self) -> int:
        """How many bytes the other side has not taken yet, as far as this is known."""
        return len(self.output) + unacknowledged(self.socket)

    def _take(self) -> bool:
        """Read once. Returns False if nothing has arrived, or the connection has ended."""
        if self.over:
            return False
        incoming = self._incoming
        try:
            incoming.extend(map(self.socket.recv, _READ_SIZES))
        except OSError as exc:
            if raised_by_handler(exc):
                raise
            if not isinstance(exc, _NOT_NOW):
                self.lose(exc)
            return False
        if incoming and not incoming[-1]:
            self.lose()
            return False
        return True

    def _send(self) -> None:
        output, taken = self.output, self._taken
        if taken:  # a handler raised an error right after sending, before this was removed
            del output[: taken[0]], taken[:]
        try:
            taken.extend(map(self.socket.send, (output,)))
            if taken:  # empty if a handler has used the connection and removed it
                del output[: taken[0]], taken[:]
        except OSError as exc:
            if raised_by_handler(exc):
                raise
            if isinstance(exc, _NOT_NOW):
                return
            while self._take():  # the server may have sent a reason before it closed
                self._link.proceed()
            self.lose(exc)
