"""Futures for Tornado: they can be made before the loop runs, and callers may settle them."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from tornado.concurrent import Future
from tornado.ioloop import IOLoop

from rethinkdb.net.waiter import Waiter

__all__ = ["ReturnableFuture", "go_on", "loop_to_run", "waiter_of"]

T = TypeVar("T")

_result = Future.result


class ReturnableFuture(Future[T]):
    """A Future whose value goes back to the core if its reader is cancelled before reading it.

    A loop settles a Future in one turn, and resumes the task that awaits it in a later turn. The
    task may be cancelled in between. Then it cancels the settled Future, and never sees the value.
    So `cancel()` gives the value back until `result()` was called for the first time.
    """

    _waiter: Waiter[Any] | None = None  # has the value, until somebody reads it
    _returned = False

    #: Called when it is cancelled: at once, not in the next turn as callbacks are. By then the next
    #: one in line may have got the item that comes after the one on its way to this.
    on_cancel: Callable[[Any], object] | None = None

    def lend(self, waiter: Waiter[T], give_back: Callable[[Waiter[Any]], None]) -> None:
        """Settle with the value of a waiter.

        Args:
            waiter: the waiter, which has a value.
            give_back: called with the waiter if the value is not read.
        """
        self._waiter = waiter
        self._give_back = give_back
        self.set_result(waiter.peek())

    def result(self) -> T:
        if self._returned:
            raise asyncio.CancelledError
        value: T = _result(self)
        if self._waiter is not None:
            self._waiter.result()  # claims it
            self._waiter = None
        return value

    def exception(self) -> BaseException | None:
        if self._returned:
            raise asyncio.CancelledError
        return super().exception()

    def cancel(self, msg: Any | None = None) -> bool:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            cancelled = super().cancel(msg)
            if cancelled and self.on_cancel is not None:
                self.on_cancel(self)
            return cancelled
        self._returned = True
        self._give_back(waiter)
        return True

    def cancelled(self) -> bool:
        return self._returned or super().cancelled()

    def __await__(self) -> Generator[Any, None, T]:
        # As in asyncio, except that asyncio's reads the value without calling `result()`.
        if not self.done():
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    __iter__ = __await__


def go_on(future: Future[T], attempt: Future[T]) -> None:
    """Settle a Future with the outcome of another attempt. If it is settled before, end that."""

    def take_over(_: Future[T]) -> None:
        if future.done():
            return
        if attempt.cancelled():
            future.cancel()
        elif (error := attempt.exception()) is not None:
            future.set_exception(error)
        else:
            future.set_result(attempt.result())

    future.add_done_callback(lambda _: attempt.cancel())  # does nothing if the attempt is done
    attempt.add_done_callback(take_over)


def loop_to_run() -> asyncio.AbstractEventLoop:
    """The asyncio loop of `IOLoop.current()`, where no loop runs yet."""
    with warnings.catch_warnings():
        # Tornado has deprecated this call before the loop runs, but programs connect there.
        warnings.simplefilter("ignore", DeprecationWarning)
        current: Any = IOLoop.current()
    loop: asyncio.AbstractEventLoop = current.asyncio_loop
    return loop


def waiter_of(task: asyncio.Task[T], unread: Callable[[T], object] | None) -> Waiter[T]:
    """A waiter of a task's result. Abandoning the waiter cancels the task.

    Args:
        task: the task.
        unread: called with the result if the waiter is abandoned before it was read.
    """

    def abandoned(_: Waiter[T]) -> None:
        # The task may have ended in this turn; `settle` is only called in the next one.
        if not task.cancel() and not task.cancelled() and task.exception() is None and unread:
            unread(task.result())

    def settle(_: asyncio.Future[T]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            waiter.set_result(task.result())
        else:
            waiter.set_exception(error)

    waiter: Waiter[T] = Waiter(abandoned, unread)
    task.add_done_callback(settle)
    return waiter
