"""Waiting for a socket, in a thread in which a signal handler may use the same connection.

A handler runs in the midst of waiting, and the wait goes on after it. Should the handler have taken
in what the thread waits for, the socket has nothing more to say: so it rings a bell.
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
        """Wake whoever waits, or else the next one who does."""
        try:
            self._clapper.send(b"\0")
        except OSError as exc:  # it rings loud enough, or was closed meanwhile
            if raised_by_handler(exc):
                raise

    def hush(self) -> None:
        """Ring no longer."""
        try:
            self.ears.recv(4096)
        except OSError as exc:
            if raised_by_handler(exc):
                raise

    def close(self) -> None:
        """Ring never again."""
        self.ears.close()
        self._clapper.close()


class Watch:
    """Waits, again and again, for one socket, or for a bell. One call at a time.

    A socket that failed or was closed counts as ready: using it will tell.

    Args:
        sock: what to wait for.
        bell: ends waiting, too; it is hushed then.
        read, write: what it is to be ready for.
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
        """Wait so many seconds at most; None waits without limit.

        Returns:
            False when the time is up.
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
        # select() cannot take descriptors from 1024 up, but Windows has nothing else (and no such
        # limit). There it reports a failed connection among the exceptional ones only.
        readers = [self._socket] if self._read else []
        bells = [] if self._bell is None else [self._bell.ears]
        writers = [self._socket] if self._write else []
        ready, *others = select.select(readers + bells, writers, [self._socket], timeout)
        if self._bell is not None and self._bell.ears in ready:
            self._bell.hush()
        return bool(ready) or any(others)
