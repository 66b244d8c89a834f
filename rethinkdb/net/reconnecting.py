"""`reconnect()` of many callers at once is one reconnect, and all of them get its result.

Whoever loses the link tries to mend it: with a connection that threads or tasks share, all of them.
Were each to close what another one has just opened, none of their queries would get through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rethinkdb.errors import ReqlError

from .waiter import Waiter

__all__ = ["Reconnect"]


class Reconnect:
    """A reconnect under way. One caller does it; the others join.

    Threads may use it without a lock: each joins before it looks whether there is a result, and the
    result is there before those who have joined are told.

    Args:
        hurry: ends the session that is to be closed at once, whatever noreply queries it has.
        owner: who does it.

    Attributes:
        hurry: likewise: for callers who do not wait for noreply queries.
        owner: likewise.
        joined: those who wait for the result.
    """

    def __init__(self, hurry: Callable[[], object], owner: object = None) -> None:
        self.hurry = hurry
        self.owner = owner
        self.joined: deque[Waiter[bool]] = deque()
        self._outcome: Waiter[bool] | None = None

    @property
    def ended(self) -> bool:
        """Whether there is a result."""
        return self._outcome is not None

    def join(self, waiter: Waiter[bool] | None = None) -> Waiter[bool]:
        """Wait for its end. Abandoning the waiter harms nobody else.

        Args:
            waiter: what to settle then; a new one if not given.

        Returns:
            It: True when the connection is open again, False when whoever did this was stopped,
            and somebody else has to do it. It fails with what connecting fails with.
        """
        waiter = waiter or Waiter()
        self.joined.append(waiter)
        self._tell()
        return waiter

    def end(self, error: BaseException | None) -> None:
        """It has ended, with an error or without; only the first end counts.

        An error that is none of connecting, such as a cancellation, is for the one who did it only.
        """
        if self._outcome is None:
            if error is None:
                self._outcome = Waiter.succeeded(True)
            elif isinstance(error, ReqlError):
                self._outcome = Waiter.failed(error)
            else:
                self._outcome = Waiter.succeeded(False)
        self._tell()

    def _tell(self) -> None:
        outcome = self._outcome
        if outcome is None:
            return
        error = outcome.exception()
        for waiter in tuple(self.joined):
            if error is None:
                waiter.set_result(outcome.result())
            else:
                waiter.set_exception(error)
