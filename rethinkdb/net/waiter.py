"""`Waiter`: what each operation of the core returns. It has no lock, no clock and no loop.

The core makes a `Waiter` and settles it once, with a value or an error. A loop adapter turns it
into what users of the loop get: a value, an awaitable, a Future or a Deferred. Its states are

    pending -> settled      (by the core: `set_result`, `set_exception`)
    pending -> abandoned    (by the adapter: its caller was cancelled or ran out of time)

The first of the two counts, so neither side needs to check. Abandoning a settled waiter does one
thing: a value that nobody has read goes back to the core. That is needed because most loops resume
a caller some time after the waiter was settled, and the caller may be cancelled in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from rethinkdb.errors import ReqlRowError

from .signals import raised_by_handler
from .violations import LocalProtocolError

__all__ = ["PENDING", "RESULT", "Waiter"]

T = TypeVar("T")
Callback = Callable[["Waiter[T]"], object]

logger = logging.getLogger("rethinkdb.net")

PENDING, RESULT, _EXCEPTION, _ABANDONED = range(4)


class Waiter(Generic[T]):
    """The future outcome of one operation.

    It is not thread-safe: an adapter for threads holds its lock while it uses the core. Only
    `done()` needs no lock.

    Args:
        on_abandon: called once, with this waiter, if it is abandoned while it is pending.
        on_unclaimed: called once, with the value, if it is abandoned after it was settled and
            before `result()` was called. A `ReqlRowError`, the error of one row, counts as a value.

    Attributes:
        future: an adapter may put an object here that has `done()` and `set_result()`, as asyncio's
            Futures do. It gets None when the waiter is settled. If it is done before that, nobody
            waits any more: then the waiter is abandoned. So would a callback do, with more calls.

    Example::

        waiter = session.start(query)
        transport.write(session.data_to_send())
        waiter.add_done_callback(lambda waiter: print(waiter.result()))
    """

    __slots__ = ("_callbacks", "_on_abandon", "_outcome", "_state", "future", "on_unclaimed")

    def __init__(
        self,
        on_abandon: Callable[[Waiter[T]], object] | None = None,
        on_unclaimed: Callable[[T], object] | None = None,
    ) -> None:
        self._state = PENDING
        self._outcome: Any = None
        self._callbacks: tuple[Callback[T], ...] = ()  # those that are still to be called
        self._on_abandon = on_abandon
        self.on_unclaimed = on_unclaimed
        self.future: Any = None

    # For adapters.

    def done(self) -> bool:
        """Whether nothing more will happen here: settled or abandoned."""
        return self._state != PENDING

    def result(self) -> T:
        """The value; raises the error if the operation failed.

        Call it when the caller receives the value. After that, `abandon()` does nothing.

        Raises:
            LocalProtocolError: it is still pending, or was abandoned.
        """
        value: T = self._outcome if self._state == RESULT else self.peek()
        self.on_unclaimed = None
        return value

    def peek(self) -> T:
        """The value, as `result()` returns it, but `abandon()` can still send it back.

        It is for callers that may be cancelled or interrupted before they have the value. When they
        have it, they call `result()` or set `on_unclaimed` to None.

        Raises:
            LocalProtocolError: it is still pending, or was abandoned.
        """
        if self._state == RESULT:
            value: T = self._outcome
            return value
        if self._state == _EXCEPTION:
            self.on_unclaimed = None
            raise self._outcome
        raise self._no_outcome()

    def exception(self) -> BaseException | None:
        """The error, or None if the operation succeeded.

        Raises:
            LocalProtocolError: it is still pending, or was abandoned.
        """
        if self._state == RESULT:
            return None
        if self._state == _EXCEPTION:
            self.on_unclaimed = None
            return cast(BaseException, self._outcome)
        raise self._no_outcome()

    def add_done_callback(self, callback: Callback[T]) -> None:
        """Call `callback(self)` when settled; at once if it is settled; never after `abandon()`.

        The core's state is consistent when callbacks run, so they may start queries, take items or
        close. They must not raise errors. An `Exception` is logged on "rethinkdb.net" and dropped,
        as the bytes being read concern other callers too. Other exceptions (KeyboardInterrupt), and
        those that a signal handler raises, are raised after the waiter's other callbacks have run.
        """
        if self._state != _ABANDONED:
            self._callbacks = (*self._callbacks, callback) if self._callbacks else (callback,)
        if self._state != PENDING:
            self._run()

    def abandon(self) -> None:
        """Say that the caller no longer waits. It does nothing after `result()` was called.

        The core may send a STOP, so flush `data_to_send()` afterwards. Other operations on the
        connection are not affected.
        """
        if self._state == PENDING:
            self._callbacks = ()
            if self._on_abandon is not None:
                self._on_abandon(self)
            if self._state == PENDING:  # the call has not settled it
                self._state = _ABANDONED
                self._on_abandon = None
        elif self.on_unclaimed is not None and self._is_item():
            self._state = _ABANDONED
            self.on_unclaimed(self._outcome)

    def _is_item(self) -> bool:
        """Whether the outcome must not get lost: a value, or the error of one row."""
        if self._state == RESULT:
            return True
        return self._state == _EXCEPTION and type(self._outcome) is ReqlRowError

    # For the core.

    def set_result(self, value: T) -> None:
        """Settle with a value, and run the callbacks.

        If it is done already, only callbacks that an interrupt has skipped are run.
        """
        self._settle(RESULT, value)

    def set_exception(self, error: BaseException) -> None:
        """Settle with an error, and run the callbacks. See `set_result`."""
        self._settle(_EXCEPTION, error)

    @classmethod
    def succeeded(cls, value: T) -> Waiter[T]:
        """A waiter that is settled already."""
        waiter = cls()
        waiter._state = RESULT
        waiter._outcome = value
        return waiter

    @classmethod
    def failed(cls, error: BaseException) -> Waiter[T]:
        """A waiter that has failed already."""
        waiter = cls()
        waiter._state = _EXCEPTION
        waiter._outcome = error
        return waiter

    def _settle(self, state: int, outcome: Any) -> None:
        # `quick` does the same, in one step with what else a query's value changes.
        if self._state == PENDING:
            self._outcome = outcome
            self._state = state
            self._on_abandon = None
        if self.future is not None:
            self._callbacks = (Waiter._wake, *self._callbacks)
        if self._callbacks:
            self._run()

    def _wake(self) -> None:
        future = self.future
        if future is None:  # a signal handler has just done it
            return
        done = future.done()
        if self.future is not future:  # likewise
            return
        if done:
            self.abandon()
            return
        self.future = None  # in one step with the next call (see `steps`): so it is told once
        future.set_result(None)

    def _run(self) -> None:
        # The step that calls a callback also removes it (see `steps`). So each is called once, even
        # if an interrupt comes, or a callback runs this again.
        try:
            while True:
                callbacks = self._callbacks
                if not callbacks:
                    break
                callback, rest = callbacks[0], callbacks[1:]
                try:
                    if self._callbacks is callbacks:
                        self._callbacks = rest
                        callback(self)
                except Exception as exc:
                    if raised_by_handler(exc):
                        raise
                    logger.exception("a waiter's callback failed: %r", callback)
        except BaseException:
            self._run()
            raise

    def _no_outcome(self) -> LocalProtocolError:
        state = "abandoned" if self._state == _ABANDONED else "pending"
        return LocalProtocolError(f"no outcome: the waiter is {state}")
