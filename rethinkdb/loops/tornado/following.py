"""Futures that get the outcome of a waiter, or of a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tornado.concurrent import Future

from rethinkdb.net.waiter import Waiter

from ..transport.event_loop import LoopConnection, expire
from .futures import ReturnableFuture, loop_to_run, waiter_of

__all__ = ["FutureConnection"]

T = TypeVar("T")


class FutureConnection(LoopConnection):
    """A connection whose operations return Futures.

    Callers may cancel such a Future, or settle it themselves. Then the operation is abandoned.
    """

    def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Future[Any]:
        waiter = self._begin(operation, args)
        return self._follow(waiter, Future(loop=self._checked_loop()), timeout)

    def _take(
        self, operation: Callable[..., Waiter[T]], timeout: float | None = None
    ) -> Future[Any]:
        """As `_call`; but if the caller is cancelled, the value goes back and is not lost."""
        waiter = self._begin(operation, ())
        return self._follow(waiter, ReturnableFuture(loop=self._checked_loop()), timeout)

    def _spawn(
        self, coroutine: Coroutine[Any, Any, T], unread: Callable[[T], object] | None = None
    ) -> Future[T]:
        """Run a coroutine in a task; returns a Future of its result.

        The task itself cannot be returned, as callers may settle the Future that they get.

        Args:
            coroutine: what to run.
            unread: called with the result if the caller was cancelled before it could read it.
        """
        loop = self._loop_here()
        return self._follow(
            waiter_of(loop.create_task(coroutine), unread), ReturnableFuture(loop=loop)
        )

    _result_of = _spawn

    def _follow(
        self, waiter: Waiter[Any], future: Future[Any], timeout: float | None = None
    ) -> Future[Any]:
        """Settle a Future with a waiter's outcome. A timeout or the caller may settle it first."""
        if waiter.done():
            self._deliver(waiter, future)
            return future

        def deliver(_: Waiter[T]) -> None:
            if future.done():  # `give_up` runs later, when the next caller already has its item
                self._abandon(waiter)
                return
            future.remove_done_callback(give_up)
            self._deliver(waiter, future)

        def give_up(_: Future[Any]) -> None:
            self._abandon(waiter)

        waiter.add_done_callback(deliver)
        future.add_done_callback(give_up)
        if isinstance(future, ReturnableFuture):
            future.on_cancel = give_up
        if timeout is not None:
            timer = self._loop.call_later(timeout, expire, future)
            future.add_done_callback(lambda _: timer.cancel())
        return future

    def _deliver(self, waiter: Waiter[Any], future: Future[Any]) -> None:
        error = waiter.exception()
        if error is None:
            if isinstance(future, ReturnableFuture):
                future.lend(waiter, self._abandon)
            else:
                future.set_result(self._outcome(waiter))
        elif isinstance(error, asyncio.CancelledError):
            future.cancel()
        else:
            future.set_exception(error)

    def _finished(self, value: T) -> Future[T]:
        future: Future[T] = Future(loop=self._loop)
        future.set_result(value)
        return future

    def _checked_loop(self) -> asyncio.AbstractEventLoop:
        """The loop in which `_begin` has just run."""
        return self._loop_here() if self._wire is None else self._loop

    def _loop_here(self) -> asyncio.AbstractEventLoop:
        """The running loop, or the one that is about to run."""
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            return loop_to_run()
