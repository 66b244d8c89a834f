"""What becomes of a wire if a signal handler ends one of its greenlets.

Python runs the handlers of `signal.signal` in the greenlet that happens to be running, at almost
any call, and they may raise errors. If nobody reads any more, callers would wait for ever. So
whatever ends a greenlet of the connection, the link is lost, and the callers are told.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import gevent

from ..transport.place import PROCESS
from ..transport.tls import Link
from ..transport.wire import Wire, interruption, interrupts

__all__ = ["Greenlet", "GuardedWire"]

Greenlet: TypeAlias = "gevent.Greenlet[..., None]"


class GuardedWire(Wire):
    """The part of a `GeventWire` that does not rely on its greenlets to live."""

    _readable: Any  # what tells the reader that something has arrived

    def __init__(self, sock: socket.socket, link: Link) -> None:
        super().__init__(sock, link)
        self._process = PROCESS.id

    @contextmanager
    def _losing(self) -> Iterator[None]:
        """A context manager for the work of a greenlet: whatever ends that, the link is lost."""
        try:
            yield
        except BaseException as exc:
            self._interrupted(exc)
            raise

    def _seen_to(self, greenlet: Greenlet) -> Greenlet:
        """Do what `_losing` does, also if a handler ends the greenlet before it gets there."""
        greenlet.link_exception(lambda ended: self._interrupted(ended.exception))
        return greenlet

    def _interrupted(self, error: BaseException | None) -> None:
        if not self.over and not self._is_copy():
            self.lose(interruption(error))

    def _is_copy(self) -> bool:
        """Whether this is a forked child, whose hub goes on. The bytes belong to the parent."""
        return self._process != PROCESS.id

    def run(self, callback: Callable[[], None]) -> None:
        """Call a function of the connection. If a signal handler ends it, the link is lost."""
        with self._losing():
            callback()

    def lose(self, exc: Exception | None = None) -> None:
        self._readable.stop()  # as in `GeventWire._read_usual`
        try:
            super().lose(exc)
        except BaseException as error:
            if interrupts(error):  # do what it has left undone: callers wait for their answers
                self.lose(exc)
            raise

    def shut(self) -> None:
        try:
            super().shut()
        except BaseException:  # out of a signal handler: each part can be done twice
            self.over = False
            self.shut()
            raise
