"""The one-shot cell every operation returns: no lock, no clock, no loop.

The core makes a `Waiter` and settles it once, with a value or an error. A loop adapter turns it
into what its callers hold: a value, an awaitable, a Future, a Deferred. Its life is

    pending -> settled      (by the core: `set_result`, `set_exception`)
    pending -> abandoned    (by the adapter: its caller was cancelled or ran out of time)

and whichever comes first wins, so neither side needs to ask first. Abandoning what is settled has
no effect, except that a value which nobody has read yet goes back where it came from: most loops
resume a caller some time after they were told to, and it may be cancelled in between.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from rethinkdb.errors import ReqlRowError

from .signals import raised_by_handler
from .violations import LocalProtocolError

__all__ = ["RESULT", "Waiter"]

T = TypeVar("T")
Callback = Callable[["Waiter[T]"], object]

logger = logging.getLogger("rethinkdb.net")

_PENDING, RESULT, _EXCEPTION, _ABANDONED = range(4)


class Waiter(Generic[T]):
    """The future outcome of one operation.

    Not thread-safe: an adapter that serves threads holds its lock around the core. Reading `done()`
    needs no lock.

    Args:
        on_abandon: called once, with this waiter, when the caller gives up while it is pending.
        on_unclaimed: called once, with the value, when the caller gives up after it was settled but
            before it called `result()`; with the error, if that is of one row (`ReqlRowError`).

    Example::

        waiter = session.start(query)
        transport.write(session.data_to_send())
        waiter.add_done_callback(lambda waiter: print(waiter.result()))
    """

    __slots__ = ("_callbacks", "_on_abandon", "_outcome", "_state", "on_unclaimed")

    def __init__(
        self,
        on_abandon: Callable[[Waiter[T]], object] | None = None,
        on_unclaimed: Callable[[T], object] | None = None,
    ) -> None:
        self._state = _PENDING
        self._outcome: Any = None
        self._callbacks: tuple[Callback[T], ...] = ()  # those that are still to be called
        self._on_abandon = on_abandon
        self.on_unclaimed = on_unclaimed

    # The adapter's half.

    def done(self) -> bool:
        """Whether nothing more will happen here: settled or abandoned."""
        return self._state != _PENDING

    def result(self) -> T:
        """The value; raises the error if it failed.

        Call it when the caller is there to receive the value: from then on it is the caller's.

        Raises:
            LocalProtocolError: it is still pending, or was abandoned.
        """
        value = self.peek()
        self.on_unclaimed = None
        return value

    def peek(self) -> T:
        """The value, as `result()` gives it; but it is not the caller's yet.

        Until then `abandon()` sends it back: for callers who may be cancelled or interrupted before
        they have it. It is the caller's once `result()` was called or `on_unclaimed` set to None.

        Raises:
            LocalProtocolError: it is still pending, or was abandoned.
        """
        if self._state == RESULT:
            return cast(T, self._outcome)
        if self._state == _EXCEPTION:
            self.on_unclaimed = None
            raise self._outcome
        raise self._no_outcome()

    def exception(self) -> BaseException | None:
        """The error, or None if it succeeded.

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
        """Call `callback(self)` once settled; at once if it is already. Never after `abandon()`.

        The core's state is consistent when callbacks run, so they may start queries, take items or
        close. They must not raise: an `Exception` is logged on "rethinkdb.net" and dropped, as the
        bytes being read belong to other callers too. Anything stronger (KeyboardInterrupt), and
        what a signal handler raises, is raised after the waiter's other callbacks have run.
        """
        if self._state != _ABANDONED:
            self._callbacks = (*self._callbacks, callback)
        if self._state != _PENDING:
            self._run()

    def abandon(self) -> None:
        """The caller stopped waiting; no effect once `result()` was called.

        What the core does depends on the operation: it may send a STOP, so flush `data_to_send()`
        afterwards. The other operations of the connection go on.
        """
        if self._state == _PENDING:
            self._callbacks = ()
            if self._on_abandon is not None:
                self._on_abandon(self)
            if self._state == _PENDING:  # it was not settled by that
                self._state = _ABANDONED
                self._on_abandon = None
        elif self.on_unclaimed is not None and self._is_item():
            self._state = _ABANDONED
            self.on_unclaimed(self._outcome)

    def _is_item(self) -> bool:
        """Whether the outcome is there once, for one caller: a value, or the error of one row."""
        if self._state == RESULT:
            return True
        return self._state == _EXCEPTION and type(self._outcome) is ReqlRowError

    # The core's half.

    def set_result(self, value: T) -> None:
        """Settle with a value, and run the callbacks.

        No effect once done, except that it runs the callbacks which an interrupt left out.
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
        if self._state == _PENDING:
            self._outcome = outcome
            self._state = state
            self._on_abandon = None
        if self._callbacks:
            self._run()

    def _run(self) -> None:
        # Each is called once, whoever comes first: it is taken off in the step that calls it.
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
