"""The pool of Tornado programs: methods return Futures."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from tornado.concurrent import Future

from rethinkdb.errors import ReqlError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member

from ..transport.event_loop_pool import LoopPool
from ..transport.pooling import stream_in
from .connection import Connection
from .futures import RetriedFuture

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]


class ConnectionPool(LoopPool):
    """A pool whose methods return Futures. `async with pool:` opens and closes it.

    It lives in the loop that uses it first, running or not yet.
    """

    __module__ = "rethinkdb.loops.tornado"  # where programs find it

    connection_type = Connection
    _sample: Connection

    if TYPE_CHECKING:

        def open(self) -> Future[Self]: ...
        def close(self, timeout: float = 10.0) -> Future[None]: ...
        def connection(self) -> AbstractAsyncContextManager[Connection]: ...
        def acquire(self) -> Future[Connection]: ...
        def release(self, connection: Connection) -> Future[None]: ...

    def run(self, term: Any, **options: Any) -> Future[Any]:
        # Mostly a connection has room, and its own Future will do: a task costs 20 µs more.
        member = self._at_once(options)
        if member is None:
            return self._given(self._run(term, options))
        connection: Connection = member.connection
        answered: list[Waiter[Any]] = []
        try:
            waiter = connection._begin(self._sent, (member, term, options, answered))
        except BaseException:
            self._finish(member, failed=True)
            raise
        future: RetriedFuture[Any] = RetriedFuture(loop=connection._loop_here())
        taken: list[Member] = [member]

        def finish(_: object) -> None:
            if taken:
                self._finish(taken.pop(), failed=not answered)

        def again(error: BaseException) -> Future[Any] | None:
            if self.options.retry is None or not isinstance(error, ReqlError):
                return None
            finish(None)
            return self._given(self._again(error, member, term, options))

        future.again = again
        future.add_done_callback(finish)
        return connection._follow(waiter, future)

    run.__doc__ = LoopPool.run.__doc__

    _start = run

    def _sent(
        self, member: Member, term: Any, options: dict[str, Any], answered: list[Waiter[Any]]
    ) -> Waiter[Any]:
        """Start a query: an operation of its connection. Adds the waiter when it has succeeded."""

        def settled(waiter: Waiter[Any]) -> None:
            # Not from the Future: to look at its error would keep asyncio from telling of it.
            if waiter.exception() is None:
                self._hold(member, stream_in(waiter.peek()))
                answered.append(waiter)

        waiter: Waiter[Any] = member.connection._started(term, options)
        waiter.add_done_callback(settled)
        return waiter

    def _here(self) -> Any:
        return self._sample._loop_here()

    def _given(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return self._sample._spawn(work)
