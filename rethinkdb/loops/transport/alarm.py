"""`Alarm`: a connection's only timer. It tells the core the time when the core asks for it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable

from .tls import Link

__all__ = ["Alarm", "Later"]

#: A loop's timer: called with seconds and a function to call then; returns what cancels that.
Later = Callable[[float, Callable[[], None]], Callable[[], object]]


class Alarm:
    """Calls `link.tick` when that is due.

    Args:
        link: the session, or TLS around it.
        now: the loop's clock.
        later: the loop's timer.
        flush: sends what the core wants sent.
        abort: closes the socket at once. The link is lost.
        unsent: returns how many bytes could not be sent yet.
    """

    def __init__(
        self,
        link: Link,
        now: Callable[[], float],
        later: Later,
        flush: Callable[[], object],
        abort: Callable[[], object],
        unsent: Callable[[], int],
    ) -> None:
        self._link = link
        self._now = now
        self._later = later
        self._flush = flush
        self._abort = abort
        self._unsent = unsent
        self._process = os.getpid()
        self._at = math.inf
        self._cancel: Callable[[], object] | None = None

    def set(self) -> None:
        """Call `link.tick` now, and set the timer for the next call."""
        now, link = self._now(), self._link
        at = link.tick(now, self._unsent() if link.unsent_wanted else 0)
        if link.close_requested:
            self._abort()
            return
        # One that is too early stays: to set a timer for each query would cost more.
        if at is None or at >= self._at:
            return
        self.stop()
        self._at = at
        self._cancel = self._later(max(0.0, at - now), self._ring)

    def stop(self) -> None:
        """Stop the timer. `set` starts it again."""
        cancel, self._cancel, self._at = self._cancel, None, math.inf
        if cancel is not None:
            cancel()

    def _ring(self) -> None:
        if self._process != os.getpid():  # a timer of the parent, in a forked child
            return
        self._cancel, self._at = None, math.inf
        self.set()
        self._flush()
