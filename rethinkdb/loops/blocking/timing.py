"""`Timed`: how long a thread may wait, by its deadline and by the core's clock."""

from __future__ import annotations

from time import monotonic

from rethinkdb.errors import ReqlTimeoutError

from ..transport.sockets import remaining
from .interrupts import Interruptible

__all__ = ["Timed"]


class Timed(Interruptible):
    """The part of a `Channel` that looks at the time.

    A deadline is a time of `time.monotonic`; None: no limit.
    """

    def _left(self, deadline: float | None, most: float | None = None) -> float | None:
        """The longest wait now, in seconds, and at most `most`; None: no limit."""
        tick_at = self._tick_at
        if tick_at is None or (deadline is not None and deadline < tick_at):
            tick_at = deadline
        if tick_at is None:
            return most
        # The same as `remaining`, without two calls: each query gets here once.
        left = tick_at - monotonic()
        if left < 0.0:
            return 0.0
        return left if most is None or left < most else most

    def _time_passed(self, deadline: float | None) -> None:
        """Nothing has arrived in time: tell the core, which may end this wait or another.

        Raises:
            ReqlTimeoutError: the deadline passed.
        """
        if self._tick_at is not None and self._tick_at <= monotonic():
            with self._lock:
                self._tick()
                self._flush()
        elif remaining(deadline) == 0:
            raise ReqlTimeoutError
