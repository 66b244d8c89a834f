"""The pool of Twisted services: methods return Deferreds."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from rethinkdb.errors import ReqlError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member

from ..transport.awaiting_pool import AwaitingPool
from ..transport.pooling import stream_in
from .connection import Connection

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]


class ConnectionPool(AwaitingPool):
    """A pool whose methods return Deferreds. `async with pool:` opens and closes it.

    Example:
        pool = ConnectionPool("localhost")
        d = r.table("heroes").count().run(pool)
    """

    __module__ = "rethinkdb.loops.twisted"  # where programs find it

    connection_type = Connection
    _sample: Connection

    _timer: Any = None  # an IDelayedCall
    _log = Logger("rethinkdb.pool")

    if TYPE_CHECKING:

        def open(self) -> Deferred[Self]: ...
        def close(self, timeout: float = 10.0) -> Deferred[None]: ...
        def connection(self) -> AbstractAsyncContextManager[Connection]: ...
        def acquire(self) -> Deferred[Connection]: ...
        def release(self, connection: Connection) -> Deferred[None]: ...

    def run(self, term: Any, **options: Any) -> Deferred[Any]:
        # Mostly a connection has room, and its own Deferred will do: a coroutine costs 10 µs more.
        try:
            member = self._at_once(options)
        except Exception:
            return fail()
        if member is None:
            return self._given(self._run(term, options))
        deferred: Deferred[Any] = member.connection.run(term, **options)
        return deferred.addBoth(self._answered, member, term, options)

    run.__doc__ = AwaitingPool.run.__doc__

    _start = run

    def with_connection(
        self, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Deferred[Any]:
        """Call a function with a connection that it has alone.

        Args:
            function: gets the connection, then the other arguments. It may return a Deferred, or be
                a coroutine function.

        Returns:
            A Deferred of what comes of it. The connection goes back to the pool before.

        Example:
            pool.with_connection(lambda conn: conn.noreply_wait())
        """
        return self._given(self._with_connection(function, args, kwargs))

    async def _with_connection(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        async with self._loan() as connection:
            return await maybeDeferred(function, connection, *args, **kwargs)

    def _answered(self, result: Any, member: Member, term: Any, options: dict[str, Any]) -> Any:
        if not isinstance(result, Failure):
            self._hold(member, stream_in(result))
            self._finish(member, failed=False)
            return result
        self._finish(member, failed=True)
        if self.options.retry is None or not isinstance(result.value, ReqlError):
            return result
        return self._given(self._again(result.value, member, term, options))

    def _here(self) -> None:
        self._sample._check_loop()

    def _given(self, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        return Deferred.fromCoroutine(work)

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        return self._given(work(*args)).addErrback(self._failed).cancel

    def _failed(self, failure: Failure) -> None:
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
