"""Pools of the loops whose callers await: asyncio, Tornado, Twisted, trio.

All work of a pool is coroutines here, which await what this loop's connections give. The loops'
pools differ in what callers get: a coroutine, a Future, a Deferred.
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
from rethinkdb.pool.feeds import Feed, Pause, Run

from .feeding import opening_in_time
from .pooling import PATIENCE, BasePool, stream_in
from .renewing import AwaitingRenewal

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitingPool"]


class AwaitingPool(BasePool):
    """A pool whose work is coroutines."""

    _renewal_type = AwaitingRenewal

    if TYPE_CHECKING:  # for the loops' pools to supply

        async def _until(self, waiter: Waiter[Any]) -> None:
            """Wait until a waiter is settled. Whatever ends the wait otherwise comes out."""

        async def _sleep(self, seconds: float) -> None:
            """Wait for so long."""

    async def __aenter__(self) -> Self:
        return await self._open()

    async def __aexit__(self, *exc_info: object) -> None:
        await self._close(PATIENCE)

    # Queries.

    def _at_once(self, options: dict[str, Any]) -> tuple[Member | None, Allowance | None]:
        """A connection that has room, and what the deadline allows; each if there is one."""
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
            if self.options.retry is None:
                raise
            failure = error
        return await self._again(failure, member, term, options, allowance)

    async def _attempt(self, member: Member, term: Any, options: dict[str, Any]) -> Any:
        # Not the connection's `run`: what that would check is checked, and a coroutine around a
        # coroutine costs 1.5 µs, of some 22 for a whole query (CPython 3.11, asyncio).
        connection = member.connection
        failed = True
        try:
            waiter = self._sent(connection, term, options)
            await connection._settled(waiter, None)
            result = connection._outcome(waiter)
            stream = stream_in(result)
            if stream is not None:
                self._hold(member, stream)
            failed = False
        finally:
            self._finish(member, failed)
        return result

    def _sent(self, connection: Any, term: Any, options: dict[str, Any]) -> Waiter[Any]:
        """Send a query. Its options are kept for the next attempt."""
        waiter: Waiter[Any] = connection._started(term, {**options})
        connection._flush()
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
        """A query has failed. Run it again as often as that may help and does no harm."""
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
        """Call back in so many seconds. Returns what prevents it."""
        return self._spawn(self._sleep_then, seconds, callback)

    async def _sleep_then(self, seconds: float, callback: Callable[[], object]) -> None:
        await self._sleep(seconds)
        callback()

    async def _resumed(
        self, term: Any, options: dict[str, Any], allowance: Allowance | None
    ) -> Any:
        """The cursor of a feed that goes on, once it is open."""
        feed, connection = self._new_feed(term, options, allowance)
        cursor = connection.cursor_type(connection, feed)  # as garbage it ends the feed
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
        """A connection for a query. What waiting for it takes is off the query's deadline."""
        if allowance is None:
            return await self._acquired()
        member = await self._acquired(allowance.left(monotonic()))
        options["deadline"] = allowance.deadline(monotonic())
        return member

    def _settled(self, member: Member, waiter: Waiter[Any]) -> BaseException | None:
        """A query is answered, or has failed, before its caller is told. Returns its error."""
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
        """A query has its first answer, or has ended otherwise."""
        if failed:
            self._notice_loss(member)
        self._pool.give_back(member, monotonic(), failed)
        if self._pool.effects:
            self._carry_out()

    async def _acquired(self, timeout: float | None = None, exclusive: bool = False) -> Member:
        """A connection, as soon as there is one for whoever asks."""
        ask = self._pool.ask(monotonic(), exclusive=exclusive, timeout=timeout)
        await self._decided(ask)
        return ask.result()

    async def _decided(self, waiter: Waiter[Any]) -> None:
        """Wait for a decision of the pool. Whoever stops waiting tells it so."""
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
        pool = self._pool  # a greenlet goes on in a forked child, which has another one
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
