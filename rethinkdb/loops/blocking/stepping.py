"""`Stepping`: the core of a connection, its lock, and its socket. One thread at a time uses them.

The lock guards the core, the TLS layer and the bytes to send. No thread holds it while waiting: the
socket does not block, and bytes that it does not take at once are kept.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Any

from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream

from ..transport.place import PROCESS
from ..transport.tls import Link
from .line import Line
from .turns import Turns

__all__ = ["Stepping"]


class Stepping:
    """The part of a `Channel` that uses the core.

    The callers of the methods hold the lock, except those of the first three.

    Args:
        session, before: see `Channel`.
    """

    def __init__(self, session: Session, before: Stepping | None = None) -> None:
        self.session = session
        self.process = PROCESS.id
        self._link: Link = session
        self._line: Line | None = None
        # No thread acquires it twice. It is an RLock because only an RLock knows its owner.
        self._lock: Any = threading.RLock()
        if before is not None and before.process == self.process:
            self._lock = before._lock
        self._turns = Turns(self._lock, self._close_discarded)
        self._discarded: deque[Stream] = deque()
        # When to call the session's `tick`, by `time.monotonic`; the waiting threads do that.
        self._tick_at: float | None = None
        # Whether a step may have been interrupted and must be continued.
        self._interrupted = False

    def look(self) -> None:
        """Read what has arrived, without waiting. If a thread leads, it reads anyway."""
        with self._lock:
            if self._interrupted:
                self._go_on()
            line = self._line
            if line is not None and not line.over and self._turns.leader is None:
                line.receive()
                self._tidy_up(line)
        self._close_discarded()

    def discard(self, stream: Stream) -> None:
        """Close a stream whose cursor was garbage-collected: now, or with the next operation.

        The garbage collector may call this at any point, even in a thread that holds the lock.
        """
        self._discarded.append(stream)
        if not self._lock._is_owned():
            self._close_discarded()

    def _close_discarded(self) -> None:
        """Close discarded streams, unless another thread holds the lock: it calls this afterwards.

        So whoever releases the lock calls this, before it waits for anything or returns.
        """
        while self._discarded and self._lock.acquire(blocking=False):
            try:
                self._flush()
            finally:
                self._lock.release()

    def _flush(self) -> None:
        """Send the core's bytes. If an interrupt leaves some, the next call sends them."""
        while self._discarded:
            stream = self._discarded[0]
            stream.close()
            if self._discarded and self._discarded[0] is stream:
                self._discarded.popleft()
        if self.session.clock_wanted:
            self._tick()
        line = self._line
        if line is not None:
            line.flush()
            if line.over:
                self._tidy_up(line)

    def _tick(self) -> None:
        line, session = self._line, self.session
        unsent = 0
        if session.unsent_wanted and line is not None:  # only then, as that is a system call
            unsent = line.count_unsent()
        self._tick_at = session.tick(monotonic(), unsent)
        if line is not None and session.close_requested:
            line.end()  # without sending the rest

    def _go_on(self) -> None:
        """Continue what was interrupted."""
        self._interrupted = False
        self._link.proceed()

    def _tidy_up(self, line: Line) -> None:
        # Only when no thread leads: if the socket were closed while a leader waits for it, its
        # descriptor could soon belong to another file.
        if line.over and self._turns.leader is None:
            line.close()
