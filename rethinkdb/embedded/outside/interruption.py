"""Interrupts a query during its evaluation: by STOP, by a disconnect, or by the table `jobs`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rethinkdb.embedded.blocking import threads_are_greenlets
from rethinkdb.embedded.failures import Interrupted

_TURN = 0.01
"""For how many seconds a greenlet computes before others have a turn."""

_PAUSE = 1e-6
"""How long its pause is at least. With 0 gevent looks at sockets and timers only now and then."""


def interruption() -> Interruption:
    """A new interruption, of the kind that this process needs."""
    return _OfGreenlet() if threads_are_greenlets() else Interruption()


class Interruption:
    """Whether a query must end. Code that computes asks regularly. Code that waits is notified."""

    __slots__ = ("_ends", "_lock", "requested")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = []
        self.requested = False

    def request(self) -> None:
        """Ends the query as soon as possible. Safe from any thread."""
        with self._lock:  # held, so that nothing is ended that serves another query by then
            self.requested = True
            for end in self._ends:
                end()

    def check(self) -> None:
        """Raises `Interrupted` if the query must end."""
        if self.requested:
            raise Interrupted

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """A block in which an interruption calls `end`. That must end the wait in the block.

        It is called in any thread, and must not block. Whatever fails inside because of that is an
        `Interrupted`.
        """
        with self._lock:
            self._ends.append(end)
        try:
            self.check()
            yield
        except Exception as error:
            if self.requested:
                raise Interrupted from error
            raise
        finally:
            with self._lock:
                self._ends.remove(end)


class _OfGreenlet(Interruption):
    """Where threads are greenlets: the question also gives others a turn.

    Without that nobody else would run until the query ends: no STOP would be read, no timeout of
    the program would come.
    """

    __slots__ = ("_requested", "_since")

    def __init__(self) -> None:
        self._since = time.monotonic()
        super().__init__()

    @property
    def requested(self) -> bool:  # a plain attribute there, as that is quicker
        now = time.monotonic()
        if now - self._since > _TURN:
            time.sleep(_PAUSE)
            self._since = time.monotonic()
        return self._requested

    @requested.setter
    def requested(self, value: bool) -> None:
        self._requested = value
