"""The pool of Tornado programs: methods return Futures."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from tornado.concurrent import Future

from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member

from ..transport.event_loop_pool import LoopPool
from ..transport.pooling import stream_in
from .connection import Connection

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
        answered: list[Waiter[Any]] = []
        try:
            future = member.connection._call(self._sent, member, term, options, answered)
        except BaseException:
            self._finish(member, failed=True)
            raise
        future.add_done_callback(lambda _: self._finish(member, failed=not answered))
        return cast("Future[Any]", future)

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
