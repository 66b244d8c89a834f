"""The pool of Twisted services: methods return Deferreds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, fail

from rethinkdb.errors import ReqlError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member
from rethinkdb.pool.allowance import Allowance

from .connection import Connection
from .reactor_pool import ReactorPool
from .results import TwistedResults

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]


class ConnectionPool(TwistedResults, ReactorPool):
    """A pool whose methods return Deferreds.

    `async with pool:` opens it, and closes it at the end.

    Example:
        pool = ConnectionPool("localhost")
        d = r.table("heroes").count().run(pool)
    """

    __module__ = "rethinkdb.loops.twisted"  # where programs find it

    connection_type = Connection

    if TYPE_CHECKING:

        def open(self) -> Deferred[Self]: ...
        def close(self, timeout: float = 10.0) -> Deferred[None]: ...
        def connection(self) -> AbstractAsyncContextManager[Connection]: ...
        def acquire(self) -> Deferred[Connection]: ...
        def release(self, connection: Connection) -> Deferred[None]: ...

    def _start(self, term: Any, **options: Any) -> Deferred[Any]:
        # Usually a connection has room. Then one Deferred is enough; a coroutine takes 10 µs more.
        try:
            member, allowance = self._at_once(options)
            if member is None:
                return self._given(self._run(term, options, (None, allowance)))
            return self._answered(member, term, options, allowance, retries=True)
        except Exception:
            return fail()

    _start.__doc__ = ReactorPool.run.__doc__

    if not TYPE_CHECKING:  # `TwistedResults` has its types
        run = _start

    async def _attempt(self, member: Member, term: Any, options: dict[str, Any]) -> Any:
        return await self._answered(member, term, options)

    def _answered(
        self,
        member: Member,
        term: Any,
        options: dict[str, Any],
        allowance: Allowance | None = None,
        retries: bool = False,
    ) -> Deferred[Any]:
        """Send a query. When it is answered, its connection goes back before the caller is told.

        It does not call the connection's `run`: a callback of that Deferred would take 2 µs more.

        Args:
            member: the connection.
            term: the query.
            options: its run options.
            allowance: the time that is left for all attempts together.
            retries: whether the query may be run again if this attempt fails.
        """
        connection: Connection = member.connection
        attempts: list[Deferred[Any]] = []
        try:
            waiter = self._sent(connection, term, options)
        except BaseException:
            self._finish(member, failed=True)
            raise

        def give_up(_: Deferred[Any]) -> None:
            if attempts:
                attempts[0].cancel()
                return
            connection._abandon(waiter)
            self._finish(member, failed=True)

        def deliver(_: Waiter[Any]) -> None:
            error = self._settled(member, waiter)
            over = not retries or deferred.called
            if over or not isinstance(error, ReqlError) or self._is_final(error):
                connection._deliver(waiter, deferred)
                return
            attempts.append(self._given(self._again(error, member, term, options, allowance)))
            attempts[0].addBoth(_pass_on, deferred)

        deferred: Deferred[Any] = Deferred(give_up)
        waiter.add_done_callback(deliver)
        return deferred


def _pass_on(result: Any, deferred: Deferred[Any]) -> None:
    if not deferred.called:  # by its caller
        deferred.callback(result)
