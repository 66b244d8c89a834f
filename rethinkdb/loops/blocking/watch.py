"""`Watch`: waits for a socket, in a thread whose signal handlers may use the same connection.

A handler runs during the wait, and the wait goes on after it. If the handler has read the answer
that the thread waits for, nothing more arrives on the socket. So the handler rings a bell, which
ends the wait.
"""

from __future__ import annotations

import select
import socket
from typing import Any

from rethinkdb.net.signals import raised_by_handler

__all__ = ["Bell", "Watch"]


class Bell:
    """Wakes a thread that waits for a socket."""

    def __init__(self) -> None:
        self.ears, self._clapper = socket.socketpair()
        self.ears.setblocking(False)
        self._clapper.setblocking(False)

    def ring(self) -> None:
        """End the current wait, or the next one if there is none."""
        try:
            self._clapper.send(b"\0")
        except OSError as exc:  # the bell is full, so it rings already; or it was closed
            if raised_by_handler(exc):
                raise

    def hush(self) -> None:
        """Stop ringing."""
        try:
            self.ears.recv(4096)
        except OSError as exc:
            if raised_by_handler(exc):
                raise

    def close(self) -> None:
        """Close the bell's sockets."""
        self.ears.close()
        self._clapper.close()


class Watch:
    """Waits for a socket or a bell. It can be used many times, one call at a time.

    A socket that failed or was closed counts as ready: using it then raises the error.

    Args:
        sock: the socket.
        bell: ends a wait, too; it is then silenced.
        read, write: whether to wait until the socket can be read, or written.
    """

    def __init__(
        self,
        sock: socket.socket,
        bell: Bell | None = None,
        *,
        read: bool = True,
        write: bool = False,
    ) -> None:
        self._socket = sock
        self._bell = bell
        self._read = read
        self._write = write
        self._number = sock.fileno()
        self._poll: Any = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            if self._number >= 0:
                self._register(sock, read, write)
            if bell is not None:
                self._register(bell.ears, True, False)

    def wait(self, timeout: float | None) -> bool:
        """Wait for at most `timeout` seconds; None waits without limit.

        Returns:
            False if the time is up.
        """
        if self._number < 0:
            return True
        if self._poll is None:
            return self._select(timeout)
        ready = self._poll.poll(None if timeout is None else timeout * 1000)
        if len(ready) == 1 and ready[0][0] == self._number:
            return True
        if ready and self._bell is not None:
            self._bell.hush()
        return bool(ready)

    def _register(self, sock: socket.socket, read: bool, write: bool) -> None:
        events = (select.POLLIN if read else 0) | (select.POLLOUT if write else 0)
        self._poll.register(sock, events)

    def _select(self, timeout: float | None) -> bool:
        # select() cannot use descriptors from 1024 up. Windows has only select(), without this
        # limit. It reports a failed connection only in the third list.
        readers = [self._socket] if self._read else []
        bells = [] if self._bell is None else [self._bell.ears]
        writers = [self._socket] if self._write else []
        ready, *others = select.select(readers + bells, writers, [self._socket], timeout)
        if self._bell is not None and self._bell.ears in ready:
            self._bell.hush()
        return bool(ready) or any(others)
