"""`Watching`: the socket of a `Line`, and how threads wait for it."""

from __future__ import annotations

import socket
import threading

from .watch import Bell, Watch

__all__ = ["Watching"]


class Watching:
    """The part of a `Line` that has the socket, and in which threads wait.

    Args:
        sock: a connected, non-blocking socket.
        output: bytes to send that the socket has not taken yet.

    Attributes:
        socket, output: the arguments.
        over: whether receiving and sending have ended. The socket can be closed when no thread
            waits for it.
        main: the main thread.
    """

    def __init__(self, sock: socket.socket, output: bytearray) -> None:
        self.socket = sock
        self.output = output
        self.over = False
        # Handlers run in the main thread. There a bell ends the wait that a handler interrupted.
        self.main = threading.main_thread().ident
        self._bell: Bell | None = None
        self._main_watch: Watch | None = None
        self._watch: Watch | None = None

    def wait(self, me: int, timeout: float | None, again: bool) -> bool:
        """Wait until there is something to read, or until left-over bytes can be sent.

        Args:
            me: the calling thread.
            timeout: seconds; None waits without limit.
            again: whether a signal handler calls this during another wait of the thread.

        Returns:
            False if the time is up.
        """
        by_main = me == self.main
        watch = self._main_watch if by_main else self._watch
        if again or self.output or watch is None:
            watch = self._new_watch(by_main, again)
        return watch.wait(timeout)

    def _new_watch(self, by_main: bool, again: bool) -> Watch:
        """Make a `Watch`. It is kept for the next wait if it is for reading only and not in use."""
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
        """Wait until bytes can be sent, while another thread waits to read.

        Returns:
            False if the time is up.
        """
        return Watch(self.socket, read=False, write=True).wait(timeout)

    def wake(self) -> None:
        """End the wait of this thread, which a signal handler has interrupted."""
        if self._bell is not None:
            self._bell.ring()

    def close(self) -> None:
        """Close the socket. No thread may be waiting for it."""
        self.socket.close()
        if self._bell is not None:
            self._bell.close()

    def leave(self) -> None:
        """In a forked child: close its copy of the socket. The parent's connection stays open."""
        self.over = True
        self.close()

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when it is over."""
        if self.over:
            return None
        address, port = self.socket.getsockname()[:2]
        return address, port
