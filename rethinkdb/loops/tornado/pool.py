"""The pool of Tornado programs: methods return Futures."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from tornado.concurrent import Future

from rethinkdb.errors import ReqlError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member
from rethinkdb.pool.allowance import Allowance

from ..transport.event_loop_pool import LoopPool
from .connection import Connection
from .futures import go_on
from .results import TornadoResults

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]


class ConnectionPool(TornadoResults, LoopPool):
    """A pool whose methods return Futures.

    `async with pool:` opens it, and closes it at the end.

    It belongs to the loop that uses it first. That loop need not run yet.
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

    def _start(self, term: Any, **options: Any) -> Future[Any]:
        # Usually a connection has room. Then one Future is enough; a task would take 20 µs more.
        member, allowance = self._at_once(options)
        if member is None:
            return self._given(self._run(term, options, (None, allowance)))
        return self._attempted(member, term, options, allowance)

    _start.__doc__ = LoopPool.run.__doc__

    if not TYPE_CHECKING:  # `TornadoResults` has its types
        run = _start

    def _attempted(
        self, member: Member, term: Any, options: dict[str, Any], allowance: Allowance | None
    ) -> Future[Any]:
        """Send a query. When it is answered, its connection goes back before the caller is told.

        It does not call the connection's `run`: that would take a second pair of callbacks. Nor is
        the Future of a class of its own, which asyncio handles in Python code when it is awaited.
        Together that saves a sixth of a get with 64 in flight (counted in instructions).
        """
        connection: Connection = member.connection
        try:
            waiter = self._sent(connection, term, options)
        except BaseException:
            self._finish(member, failed=True)
            raise
        future: Future[Any] = Future(loop=connection._loop)

        def given_up(_: Future[Any]) -> None:
            self._finish(member, failed=True)
            connection._abandon(waiter)

        def settled(_: Waiter[Any]) -> None:
            if future.done():  # its caller has settled it, and `given_up` runs soon
                connection._abandon(waiter)
                return
            future.remove_done_callback(given_up)
            error = self._settled(member, waiter)
            if not isinstance(error, ReqlError) or self._is_final(error):
                connection._deliver(waiter, future)
                return
            go_on(future, self._given(self._again(error, member, term, options, allowance)))

        future.add_done_callback(given_up)
        waiter.add_done_callback(settled)
        return future

    def _here(self) -> Any:
        return self._sample._loop_here()

    def _given(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return self._sample._spawn(work)
