"""The part of a Twisted pool that uses the reactor: background work, timers, waiting."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from rethinkdb.net.waiter import Waiter

from ..transport.awaiting_pool import AwaitingPool
from .connection import Connection

__all__ = ["ReactorPool"]


class ReactorPool(AwaitingPool):
    """A pool that uses the reactor of its connections."""

    _sample: Connection
    _timer: Any = None  # an IDelayedCall
    _at_stop: Any = None  # what the reactor calls before it stops
    _reactor_stops = False  # it has called that, so nothing more needs to be registered
    _log = Logger("rethinkdb.pool")

    def with_connection(
        self, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Deferred[Any]:
        """Call a function with a connection that nobody else uses meanwhile.

        Args:
            function: called with the connection, then the other arguments. It may return a Deferred
                or be a coroutine function.

        Returns:
            A Deferred of the function's result. It fires after the connection went back to the
            pool.

        Example:
            pool.with_connection(lambda conn: conn.noreply_wait())
        """
        return self._given(self._with_connection(function, args, kwargs))

    async def _with_connection(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        async with self._loan() as connection:
            return await maybeDeferred(function, connection, *args, **kwargs)

    def _here(self) -> None:
        self._sample._check_loop()

    def _given(self, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(work)

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        if self._at_stop is None and not self._reactor_stops:
            reactor = cast(Any, self._sample._reactor)
            self._at_stop = reactor.addSystemEventTrigger("before", "shutdown", self._stopping)
        return self._given(work(*args)).addErrback(self._failed).cancel

    def _stopping(self) -> Deferred[None] | None:
        """Close the pool before the reactor stops: otherwise its connections count as lost."""
        self._at_stop, self._reactor_stops = None, True
        return None if self.closed else self._given(self._close_if_nobody_does())

    async def _close_if_nobody_does(self) -> None:
        # The reactor may call this before the `stopService` of the program. A turn later that has
        # begun as well: it can end its work and close the pool in its own way.
        await self._sleep(0.0)
        if not self.closed:
            await self._close(0.0)

    async def _close(self, timeout: float) -> None:
        try:
            await super()._close(timeout)
        finally:
            if self._at_stop is not None:
                cast(Any, self._sample._reactor).removeSystemEventTrigger(self._at_stop)
                self._at_stop = None

    def _failed(self, failure: Failure) -> None:
        if not isinstance(failure.value, CancelledError):  # else the pool itself has ended it early
            self._log.failure("a pool could not do its work", failure)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if seconds is not None:
            reactor = cast(Any, self._sample._reactor)
            self._timer = reactor.callLater(seconds, self._tick)

    async def _sleep(self, seconds: float) -> None:
        await deferLater(cast(Any, self._sample._reactor), seconds)

    async def _until(self, waiter: Waiter[Any]) -> None:
        deferred: Deferred[None] = Deferred()
        waiter.add_done_callback(lambda _: None if deferred.called else deferred.callback(None))
        await deferred
