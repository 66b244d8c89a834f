"""If many callers call `reconnect()` at once, one of them reconnects, and all get its result.

If the link of a shared connection is lost, all its threads or tasks may call `reconnect()`. If each
closed what another one has just opened, none of their queries would get through.

A `close()` of the program ends the reconnect that is running, whatever it is doing: the connection
stays closed, and all who called `reconnect()` before get an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rethinkdb.errors import ReqlDriverError, ReqlError

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
        self._late: deque[Waiter[bool]] = deque()  # of those who joined after a `close()`
        self._closes: deque[None] = deque()
        self._own_closes = 0
        self._outcome: Waiter[bool] | None = None

    def closes_itself(self) -> None:
        """The reconnect calls `close()` next. Each call is counted, but not as one from outside."""
        self._own_closes += 1

    def close_called(self) -> None:
        """`close()` begins. Call this before it looks what there is to close.

        After connecting, the owner asks `closed`. So either he sees this close, or it finds the
        link that he has opened.
        """
        self._closes.append(None)

    @property
    def closed(self) -> bool:
        """Whether the program has called `close()`. The owner closes what he opened, and raises."""
        return len(self._closes) > self._own_closes

    def closed_error(self) -> ReqlDriverError:
        """The error to raise then."""
        return ReqlDriverError("Connection is closed: close() was called during reconnect().")

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
            was stopped, or `close()` was called before, so that another caller must reconnect. If
            connecting fails, or `close()` is called later, the waiter fails with the same error.
        """
        waiter = waiter or Waiter()
        if self.closed:
            self._late.append(waiter)
        self.joined.append(waiter)
        self._tell()
        return waiter

    def end(self, error: BaseException | None) -> None:
        """Set the result: None, or the error. Only the first call counts.

        An error that is not about connecting, such as a cancellation, concerns the owner only.
        """
        if self._outcome is None:
            if self.closed and not isinstance(error, ReqlError):
                self._outcome = Waiter.failed(self.closed_error())
            elif error is None:
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
            if waiter in self._late:
                waiter.set_result(False)
            elif error is None:
                waiter.set_result(outcome.result())
            else:
                waiter.set_exception(error)
