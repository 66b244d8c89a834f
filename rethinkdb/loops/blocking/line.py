"""The socket under the core, used in steps that no signal handler parts; see `net.steps`."""

from __future__ import annotations

import socket
import threading

from rethinkdb.net.signals import raised_by_handler

from ..transport.sockets import unacknowledged
from ..transport.tls import Link, TLSLink
from .watch import Bell, Watch

__all__ = ["Line"]

# As much as one recv() can take without the allocator asking the system for fresh pages each time.
_READ_SIZES = (65536,)

_NOT_NOW = (BlockingIOError, InterruptedError)


class Line:
    """A connected socket, and the core on top of it. One thread at a time uses it, and one waits.

    Args:
        sock: connected and non-blocking.
        link: the session, or TLS around it.

    Attributes:
        output: what is to be sent, and the socket would not take yet.
        over: nothing is received or sent any more; it may be closed when nobody waits for it.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        self.socket = sock
        self.output = link.output
        self.over = False
        self._link = link
        self._tls = link if isinstance(link, TLSLink) else None
        self._incoming = link.incoming
        self._taken: list[int] = []  # of the output, by the socket, and not taken off yet
        # Handlers run in the main thread, where a bell ends the wait that one has interrupted.
        self._main = threading.main_thread().ident
        self._bell: Bell | None = None
        self._main_watch: Watch | None = None
        self._watch: Watch | None = None

    @property
    def closing(self) -> bool:
        """Whether the core wants to close, so that what cannot be sent need not be."""
        return self._link.close_requested

    # Moving bytes.

    def receive(self) -> None:
        """Take what has arrived, let the core handle it, and answer."""
        self._take()
        try:
            self._link.proceed()
        except Exception as exc:  # a fault of the core: it is worth no more than the link
            if raised_by_handler(exc):
                raise
            self.lose(exc)
        # Mostly there is nothing: spares a call, for each reply.
        if self.output or self._tls is not None or self._link.close_requested:
            self.flush()

    def flush(self) -> None:
        """Send what the core wants sent, as far as the socket takes it without waiting; end if the
        core wants that. Call it after each operation."""
        if self._tls is not None:
            self._tls.prepare()
        if self.output and not self.over:
            self._send()
        if self._link.close_requested and not self.output:
            self.end()

    def lose(self, exc: Exception | None = None) -> None:
        """End now; whatever is pending fails, because of `exc`."""
        try:
            self._link.receive_eof(exc)
        finally:  # settling waiters may run code of others
            self.end()

    def end(self) -> None:
        """Neither receive nor send any more, and wake who waits. The core is not told."""
        if self.over:
            return
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes, which close() does not
        except OSError as exc:  # the peer may have been first
            if raised_by_handler(exc):
                raise
        self.over = True
        self.output.clear()

    def count_unsent(self) -> int:
        """How many bytes the other side has not taken yet, as far as that is known."""
        return len(self.output) + unacknowledged(self.socket)

    def close(self) -> None:
        """Close the socket. Nobody may be waiting for it."""
        self.socket.close()
        if self._bell is not None:
            self._bell.close()

    def leave(self) -> None:
        """After fork(), in the child: close its copy of the socket, not the connection."""
        self.over = True
        self.close()

    def local_address(self) -> tuple[str, int] | None:
        """This side's address and port; None once it is over."""
        if self.over:
            return None
        address, port = self.socket.getsockname()[:2]
        return address, port

    def _take(self) -> bool:
        """Take what has arrived. False when there is nothing, or nothing more to come."""
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
        if taken:  # a handler came right after it, and raised
            del output[: taken[0]], taken[:]
        try:
            taken.extend(map(self.socket.send, (output,)))
            if taken:  # or else a handler has used the connection
                del output[: taken[0]], taken[:]
        except OSError as exc:
            if raised_by_handler(exc):
                raise
            if isinstance(exc, _NOT_NOW):
                return
            while self._take():  # the server may have said why it hung up
                self._link.proceed()
            self.lose(exc)

    # Waiting.

    def wait(self, me: int, timeout: float | None, again: bool) -> bool:
        """Wait until there is something to read, and to send if something was left over.

        Args:
            me: the thread.
            timeout: seconds; None waits without limit.
            again: this is done in the midst of another wait, by a signal handler.

        Returns:
            False when the time is up.
        """
        by_main = me == self._main
        watch = self._main_watch if by_main else self._watch
        if again or self.output or watch is None:
            watch = self._new_watch(by_main, again)
        return watch.wait(timeout)

    def _new_watch(self, by_main: bool, again: bool) -> Watch:
        """What to wait with: kept for the next time if it is for reading only, and in no use."""
        if by_main and self._bell is None:
            self._bell = Bell()
        bell = self._bell if by_main else None
        watch = Watch(self.socket, bell, write=bool(self.output))
        if by_main and not (again or self.output):
            self._main_watch = watch
        elif not (again or self.output):
            self._watch = watch
        return watch

    def wait_to_send(self, timeout: float) -> bool:
        """Wait until something can be sent, while another thread waits for what there is to read.

        Returns:
            False when the time is up.
        """
        return Watch(self.socket, read=False, write=True).wait(timeout)

    def wake(self) -> None:
        """End the wait of this thread that a signal handler has interrupted."""
        if self._bell is not None:
            self._bell.ring()
