"""Connects a socket with the core. A greenlet reads from the socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

import gevent
from gevent.socket import wait_write

from ..transport.place import PROCESS
from ..transport.tls import Link, deliver
from ..transport.wire import READ_SIZE
from .guarding import Greenlet, GuardedWire

__all__ = ["GeventWire"]

_READ = 1  # as gevent's own sockets write it


class GeventWire(GuardedWire):
    """Reads from `start()` until it is shut.

    Args:
        sock: a gevent socket, connected and non-blocking.
        link: the session, or TLS around it.

    Attributes:
        reader: the greenlet that reads.
    """

    def __init__(self, sock: socket.socket, link: Link) -> None:
        super().__init__(sock, link)
        self._hub = gevent.get_hub()
        # A gevent socket is written in Python. The one inside it has these methods in C.
        inner: Any = getattr(sock, "_sock", sock)
        self._receive, self._send_part = inner.recv, inner.send
        self._readable = self._hub.loop.io(sock.fileno(), _READ)
        self.reader: Greenlet | None = None
        self._writing: Greenlet | None = None

    def start(self) -> None:
        """Begin to read. Not done when it is made: until it has an owner, nobody could end it."""
        self.reader = self._seen_to(gevent.spawn(self._read_on))
        self.flush()

    def _read_on(self) -> None:
        with self._losing():
            self._await_readable()
            while not self.over:
                self._hub.switch()
                if self._process != PROCESS.id:  # a forked child: the bytes are for the parent
                    self._readable.stop()
                    return
                if not self._read_usual() and not self.over:
                    self._await_readable()

    def _await_readable(self) -> None:
        """From now on, the hub switches to the reader when something has arrived.

        The reader waits for nothing else until this is stopped. So usual replies need no watcher
        that is started and stopped for each.
        """
        assert self.reader is not None  # for mypy: the reader calls this
        self._readable.start(self.reader.switch)

    def _read_usual(self) -> bool:
        """Read once. Returns False if no longer waiting for more, as it was nothing usual."""
        error: OSError | None = None
        data = b""
        try:
            data = self._receive(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError as exc:
            error = exc
        if data and self._link.receive_usual(data):
            if self._link.output:
                self.flush_now()
            return True
        if not data:
            self.lose(error)
            return False
        # Listeners and decoders of the program come next. They may wait for something else.
        self._readable.stop()
        deliver(self._link, b"")
        if self._link.output_pending:
            self.flush_now()
        return False

    def _broken(self, exc: OSError) -> None:
        self._readable.stop()  # as in `_read_usual`
        super()._broken(exc)

    def _flush_soon(self) -> object:
        # Its result is true until it has run, even if a signal handler has ended that.
        return self._hub.loop.run_callback(self._flush_in_turn)

    def _flush_in_turn(self) -> None:
        if self._process == PROCESS.id:  # a forked child's hub goes on; the parent sends the bytes
            self.flush_now()

    def _await_writable(self) -> None:
        self._writing = self._seen_to(gevent.spawn(self._write_on))

    def _write_on(self) -> None:
        with self._losing():
            while not self.over:
                wait_write(self.socket.fileno())
                if self._is_copy() or self.writable():
                    return

    def _now(self) -> float:
        return monotonic()

    def _later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], object]:
        greenlet = self._seen_to(gevent.spawn_later(seconds, self.run, callback))
        return partial(greenlet.kill, block=False)

    def _stop_waiting(self) -> None:
        # The current greenlet may be the reading one. It ends by itself.
        current = gevent.getcurrent()
        both = self.reader, self._writing
        others = [greenlet for greenlet in both if greenlet and greenlet is not current]
        gevent.killall(others, block=False)
        self._readable.close()
