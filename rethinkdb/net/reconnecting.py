"""If many callers call `reconnect()` at once, one of them reconnects, and all get its result.

If the link of a shared connection is lost, all its threads or tasks may call `reconnect()`. If each
closed what another one has just opened, none of their queries would get through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rethinkdb.errors import ReqlError

from .waiter import Waiter

__all__ = ["Reconnect"]


class Reconnect:
    """A reconnect that is running. One caller does it; the others wait for its result.

    Threads can use it without a lock: a waiter is added before the result is looked at, and the
    result is set before the waiters are told.

    Args:
        hurry: closes the old session at once, without waiting for its noreply queries.
        owner: the caller that reconnects.

    Attributes:
        hurry: the argument. Callers that do not wait for noreply queries call it.
        owner: the argument.
        joined: the waiters of the callers that wait for the result.
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
        """Wait for the result. Abandoning the waiter affects no other caller.

        Args:
            waiter: the waiter to settle; a new one if not given.

        Returns:
            The waiter. Its value is True if the connection is open again. It is False if the owner
            was stopped, so that another caller must reconnect. If connecting fails, the waiter
            fails with the same error.
        """
        waiter = waiter or Waiter()
        self.joined.append(waiter)
        self._tell()
        return waiter

    def end(self, error: BaseException | None) -> None:
        """Set the result: None, or the error. Only the first call counts.

        An error that is not about connecting, such as a cancellation, concerns the owner only.
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
