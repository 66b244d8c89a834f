"""The base of pools whose results are awaited: asyncio, Tornado, Twisted, trio.

All work of such a pool is done in coroutines, which await the loop's connections. The subclasses
differ in what callers get: a coroutine, a Future or a Deferred.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member, Retrying
from rethinkdb.pool.allowance import Allowance
from rethinkdb.pool.checks import check_closing_time
from rethinkdb.pool.feeds import Feed, Pause, Run

from .feeding import opening_in_time
from .pooling import PATIENCE, BasePool, stream_in
from .renewing import AwaitingRenewal

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitingPool"]


class AwaitingPool(BasePool):
    """A pool whose work is done in coroutines."""

    _renewal_type = AwaitingRenewal

    if TYPE_CHECKING:  # for the loops' pools to supply

        async def _until(self, waiter: Waiter[Any]) -> None:
            """Wait until a waiter is settled. A cancellation is raised."""

        async def _sleep(self, seconds: float) -> None:
            """Sleep for `seconds`."""

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(self, *exc_info: object) -> None:
        await self._close(PATIENCE)

    # Queries.

    def _start(self, term: Any, **options: Any) -> Any:
        return self._run(term, options)  # as `run`, with one call less

    def _at_once(self, options: dict[str, Any]) -> tuple[Member | None, Allowance | None]:
        """A connection that has room now, or None; and the query's deadline, or None."""
        self._check_place()
        allowance = None
        if "deadline" in options or self.options.deadline is not None:
            allowance = self._allowance(options)
        member = None if "resume" in options else self._pool.take()
        if allowance is not None:
            options["deadline"] = allowance.deadline(monotonic())
        return member, allowance

    async def _run(
        self,
        term: Any,
        options: dict[str, Any],
        begun: tuple[Member | None, Allowance | None] | None = None,
    ) -> Any:
        member, allowance = begun or self._at_once(options)
        if member is None:
            if options.get("resume") is not None:
                return await self._resumed(term, options, allowance)
            member = await self._in_time(options, allowance)
        try:
            return await self._attempt(member, term, options)
        except ReqlError as error:
            if self._is_final(error):
                raise
            failure = error
        return await self._again(failure, member, term, options, allowance)

    async def _attempt(self, member: Member, term: Any, options: dict[str, Any]) -> Any:
        # This does not call the connection's `run`: its checks are done already, and another
        # coroutine would take 1.5 µs of some 22 for a query (CPython 3.11, asyncio).
        connection = member.connection
        failed = True
        try:
            waiter = self._sent(connection, term, options)
            if not waiter.done():
                try:
                    await connection._future_of(waiter)
                except BaseException:
                    connection._abandon(waiter)
                    raise
            result = connection._outcome(waiter)
            stream = stream_in(result)
            if stream is not None:
                self._hold(member, stream)
            failed = False
        finally:
            self._finish(member, failed)
        return result

    def _sent(self, connection: Any, term: Any, options: dict[str, Any]) -> Waiter[Any]:
        """Send a query. It leaves `options` unchanged for the next attempt."""
        waiter: Waiter[Any] = connection._session.start(connection._query(term, {**options}))
        if connection._wire is not None:
            connection._wire.flush()
        return waiter

    async def _again(
        self,
        error: ReqlError,
        member: Member,
        term: Any,
        options: dict[str, Any],
        allowance: Allowance | None = None,
        course: Retrying | None = None,
    ) -> Any:
        """After a query has failed: run it again, as long as that is safe and may help."""
        course = course or self._course(term, options, allowance)
        while True:
            await self._sleep(self._pause(course, error, member))
            try:
                member = await self._in_time(options, allowance)
            except ReqlError as refusal:
                course.ended(refusal)
                raise
            try:
                return await self._attempt(member, term, options)
            except ReqlError as failure:
                error = failure

    def _later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """Call `callback` after `seconds`. Returns what cancels that."""
        return self._spawn(self._sleep_then, seconds, callback)

    async def _sleep_then(self, seconds: float, callback: Callable[[], object]) -> None:
        await self._sleep(seconds)
        callback()

    async def _resumed(
        self, term: Any, options: dict[str, Any], allowance: Allowance | None
    ) -> Any:
        """Run a feed with `resume`; returns its cursor when the feed is open."""
        feed, connection = self._new_feed(term, options, allowance)
        # Made first: if the wait ends otherwise, the cursor is collected, and that ends the feed.
        cursor = connection.cursor_type(connection, feed)
        with opening_in_time(feed, allowance):
            await connection._call(feed.open, timeout=allowance and allowance.left(monotonic()))
        return cursor

    async def _keep_going(self, feed: Feed) -> None:
        try:
            while (step := feed.step()) is not None:
                if isinstance(step, Pause):
                    await self._sleep(step.seconds)
                else:
                    await self._take_step(feed, step)
        except BaseException as error:  # the loop ends
            self._feed_failed(feed, error)
            raise
        finally:
            self._courses.pop(feed, None)

    async def _take_step(self, feed: Feed, step: Run) -> None:
        try:
            member = await self._in_time(step.options, self._allowance(step.options))
            result = await self._attempt(member, step.term, step.options)
        except Exception as error:
            self._feed_failed(feed, error)
        else:
            self._feed_answered(feed, result)

    async def _in_time(self, options: dict[str, Any], allowance: Allowance | None) -> Member:
        """Get a connection for a query. The time spent waiting counts towards its deadline."""
        if allowance is None:
            return await self._acquired()
        member = await self._acquired(allowance.left(monotonic()))
        options["deadline"] = allowance.deadline(monotonic())
        return member

    def _settled(self, member: Member, waiter: Waiter[Any]) -> BaseException | None:
        """Give back a query's connection when it is answered, before its caller is told.

        Returns:
            The query's error; None if it succeeded.
        """
        error = waiter.exception()
        if error is not None:
            self._finish(member, failed=True)
            return error
        stream = stream_in(waiter.peek())
        if stream is not None:
            self._hold(member, stream)
        self._pool.give_back(member, monotonic())
        if self._pool.effects:
            self._carry_out()
        return None

    def _finish(self, member: Member, failed: bool) -> None:
        """Give back a query's connection: it has its first answer, or will get none."""
        if failed:
            self._notice_loss(member)
        self._pool.give_back(member, monotonic(), failed)
        if self._pool.effects:
            self._carry_out()

    async def _acquired(self, timeout: float | None = None, exclusive: bool = False) -> Member:
        """Wait for a connection."""
        since = monotonic()
        ask = self._pool.ask(since, exclusive=exclusive, timeout=timeout)
        await self._decided(ask)
        member = ask.result()
        self._report_served(member, since, exclusive)
        return member

    async def _decided(self, waiter: Waiter[Any]) -> None:
        """Wait for a decision of the pool. If the wait is cancelled, tell the pool."""
        self._carry_out()
        try:
            if not waiter.done():
                await self._until(waiter)
        except BaseException:
            self._told(self._pool.cancel, waiter)
            raise

    # One connection, alone.

    async def _borrow(self) -> Any:
        self._check_place()
        return self._lend(await self._acquired(exclusive=True))

    async def _take_back(self, connection: Any) -> None:
        if self._returned(connection):
            await connection.close(noreply_wait=False)

    @asynccontextmanager
    async def _loan(self) -> AsyncIterator[Any]:
        connection = await self._borrow()
        try:
            yield connection
        finally:
            await self._take_back(connection)

    # Its life.

    async def _open(self) -> Self:
        self._check_place()
        opening = self._pool.open(monotonic())
        await self._decided(opening)
        opening.result()
        return self

    async def _close(self, timeout: float) -> None:
        self._check_place()
        check_closing_time(timeout)
        self.closed = True
        try:
            await self._decided(self._pool.close(monotonic(), timeout))
        finally:
            self._set_timer(None)
            self._report_closed()

    # Carrying out.

    def _carry_out(self) -> None:
        effects = self._pool.effects
        while effects:
            self._do(effects.popleft())

    async def _dial(self, member: Member) -> None:
        pool = self._pool  # kept: in a forked child, `self._pool` is replaced
        try:
            try:
                await member.connection.connect()
            finally:
                self._dialling.pop(member, None)
        except GeneratorExit:  # the loop is gone
            raise
        except BaseException as error:
            self._told(pool.failed, member, error)
            if not isinstance(error, Exception):  # the loop ends
                raise
        else:
            self._told(pool.opened, member)
            self._watch(member)

    async def _close_member(self, member: Member, graceful: bool) -> None:
        try:
            await member.connection.close(noreply_wait=graceful)
        finally:
            self._told(self._pool.closed, member)
