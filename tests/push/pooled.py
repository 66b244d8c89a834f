"""Handlers and listeners on a pool: the traces they have on a connection, and what only pools do.

Scenarios for every loop.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlTimeoutError,
)
from rethinkdb.loops.transport.pooling import pool_type
from rethinkdb.pool import PoolClosedError, PoolFullError, PoolTimeoutError, RetryPolicy
from rethinkdb.push import Handler, noreply_wait_with
from rethinkdb.ql2 import QueryType
from rethinkdb.testing.conformance import Scenario, Skip, Trial
from rethinkdb.testing.conformance.trial import PATIENCE, SMALL_BATCHES, SOON
from rethinkdb.testing.proxy import Fault

from . import traces
from .recording import CLOSE, OPEN, Recorder, feed_of_rows, finished, insert_rows, values

# How often what depends on the machine's speed may be tried.
_ATTEMPTS = 20

#: Traces that a pool in place of a connection does not change.
SAME: tuple[Scenario, ...] = (
    traces.t1_single_values,
    traces.t2_sequences,
    traces.t3_arrays,
    traces.t4_feed_rows,
    traces.t5_feed_rows_without_methods,
    traces.t6_feed_rows_of_other_types,
    traces.t7_errors,
    traces.t8_parameter_counts,
    traces.t8_methods_that_cannot_be_called,
    traces.t9_handlers_that_raise,
    traces.t9_no_on_error,
    traces.t10_stop,
    traces.t10_close,
    traces.t12_one_handler_for_two_queries,
    traces.t16_on_state_on_a_non_feed,
    traces.states,
    traces.callables,
    traces.callables_and_errors,
    traces.refusals,
    traces.profiles,
    traces.asynchronous_methods,
    traces.a_slow_handler_holds_back_the_server,
    traces.cancelling_the_wait,
)


@asynccontextmanager
async def pool_of(trial: Trial, **options: Any) -> AsyncIterator[Any]:
    """A pool of the trial's loop, through its proxy."""
    address = {"host": trial.proxy.host, "port": trial.proxy.port, "timeout": PATIENCE}
    loop = trial.connection_type.__module__.rpartition(".")[2]
    pool = pool_type(loop)(**{**address, **trial.driver.options(), **options})
    try:
        yield pool
    finally:
        await trial.do(pool.close, 0.0)
    await trial.until(lambda: pool._runner is None or not pool._runner.live)


class PoolTrial(Trial):
    """A trial whose connections are a pool."""

    pool: Any

    async def connect(self, **options: Any) -> Any:
        return self.pool

    async def nothing_leaked(self, connection: Any) -> None:
        await self.usable(connection)
        await self.until(functools.partial(at_rest, connection))


def at_rest(pool: Any) -> bool:
    """Whether nothing is under way on a pool."""
    stats = pool.stats()
    return not (stats.in_flight or stats.cursors or stats.feeds or stats.waiting)


def on_a_pool(scenario: Scenario) -> Scenario:
    """The scenario, on a pool."""

    @functools.wraps(scenario)
    async def tried(trial: Trial) -> None:
        async with pool_of(trial) as pool:
            of_pool = PoolTrial.__new__(PoolTrial)
            vars(of_pool).update(vars(trial), pool=pool)
            await scenario(of_pool)
            await trial.until(lambda: at_rest(pool))

    tried.__name__ = f"{scenario.__name__}_on_a_pool"  # type: ignore[attr-defined]
    return tried


async def the_handle_is_the_one_that_methods_get(trial: Trial) -> None:
    """It is there at once, before there is a connection, and is the same object all the time."""
    seen: list[Any] = []

    class Handles(Recorder):
        def on_open(self, handle: Any) -> None:
            seen.append(handle)

        def on_val(self, value: Any, handle: Any) -> None:
            super().on_val(value)
            seen.append(handle)

        def on_close(self, handle: Any) -> None:
            seen.append(handle)

    async with pool_of(trial) as pool:
        handler = Handles()
        handle = r.expr(7).run_with(pool, handler)
        names = {handle: "mine"}
        await finished(trial, handle)
        assert [names[each] for each in seen] == ["mine"] * 3
        assert handler.calls == values(7)
        stats = pool.stats()
        assert (stats.opened, stats.queries, stats.errors) == (1, 1, 0)


async def a_feed_keeps_its_connection(trial: Trial) -> None:
    """Its connection goes back with the first answer, and is kept until the feed is closed."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        handler = Recorder()
        handle = feed_of_rows(trial).run_with(handler, pool)
        await trial.until(lambda: handler.calls == [OPEN])
        stats = pool.stats()
        assert (stats.in_flight, stats.feeds, stats.cursors) == (0, 1, 0)
        await trial.usable(pool)
        insert_rows(trial, 1, 2)
        await trial.until(lambda: handler.calls == [OPEN, *values(1, 2)])
        assert await trial.do(handle.aclose) is True
        assert handler.calls == [OPEN, *values(1, 2), CLOSE]
        assert at_rest(pool)
        assert len(trial.proxy.sent(QueryType.STOP)) == 1


async def busy(trial: Trial, pool: Any) -> Any:
    """Keep the pool's only place busy: a query whose answer the proxy holds back."""
    with suppress(PoolTimeoutError):  # of pools that wait for a moment only
        await trial.do(pool.open)
    await trial.until(lambda: pool.stats().size > pool.stats().dialling)
    trial.proxy.hold()
    return r.expr("first").run_with(Recorder(), pool)


async def waiting_in_the_queue(trial: Trial) -> None:
    """Queries are started in their order, each as soon as there is room."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        first = await busy(trial, pool)
        handlers = [Recorder() for _ in range(3)]
        handles = [r.expr(n).run_with(handler, pool) for n, handler in enumerate(handlers)]
        assert pool.stats().waiting == 3
        trial.proxy.release()
        for handle in (first, *handles):
            await finished(trial, handle)
        assert [h.calls for h in handlers] == [[OPEN, *values(n), CLOSE] for n in range(3)]
        assert [handle.token for handle in handles] == sorted(handle.token for handle in handles)


async def closed_before_it_has_a_connection(trial: Trial) -> None:
    """It leaves the queue; no method is called, and nothing is sent."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        first = await busy(trial, pool)
        handler = Recorder()
        by_close, by_aclose, by_stop = (r.expr(n).run_with(handler, pool) for n in range(3))
        assert pool.stats().waiting == 3
        assert (by_close.close(), by_close.close()) == (True, False)
        assert pool.stats().waiting == 2
        assert await trial.do(by_aclose.aclose) is True
        assert pool.stats().waiting == 1
        handler.stop()
        assert pool.stats().waiting == 0
        for handle in (by_close, by_aclose, by_stop):
            await finished(trial, handle)
            assert (handle.closed, handle.error) == (True, None)
        trial.proxy.release()
        await finished(trial, first)
        assert handler.calls == []
        assert at_rest(pool)
        await trial.usable(pool)


async def closed_before_its_first_answer(trial: Trial) -> None:
    """The query is stopped, and its place in the pool is free at once."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        first = await busy(trial, pool)
        handler = Recorder()
        second = r.expr(2).run_with(handler, pool)
        assert first.close() is True
        await trial.until(lambda: second.token)
        trial.proxy.release()
        await finished(trial, first)
        await finished(trial, second)
        assert first.handler.calls == []
        assert handler.calls == [OPEN, *values(2), CLOSE]
        assert at_rest(pool)


async def cancelled_while_it_waits_for_a_connection(trial: Trial) -> None:
    """Whoever waits for the handle is cancelled: it leaves the queue. A time limit does nothing."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        first = await busy(trial, pool)
        handle = r.expr(2).run_with(Recorder(), pool)
        await trial.fails(TimeoutError, "", handle.wait, SOON)
        assert (handle.closed, pool.stats().waiting) == (False, 1)
        waiting: list[int] = []

        async def wait() -> None:
            waiting.append(1)
            await trial.do(handle.wait)

        await trial.driver.cancel(wait, lambda: bool(waiting))
        await trial.until(lambda: handle.closed)
        assert pool.stats().waiting == 0
        trial.proxy.release()
        await finished(trial, first)


async def no_connection_in_time(trial: Trial) -> None:
    """By `acquire_timeout`, or by a shorter `deadline`: `on_error`, then `on_close`, no `on_open`.

    Where there is no `on_error`, the error is raised where the handle is awaited.
    """
    for options, run in (({"acquire_timeout": SOON}, {}), ({}, {"deadline": SOON})):
        async with pool_of(trial, max_size=1, per_connection=1, **options) as pool:
            first = await busy(trial, pool)
            handler = Recorder()
            handle = r.expr(2).run_with(handler, pool, **run)
            await finished(trial, handle)
            (_, error), closed = handler.calls
            assert (type(error), closed) == (PoolTimeoutError, CLOSE)
            assert handle.error is error
            plain = r.expr(2).run_with(Handler, pool, **run)
            await trial.fails(PoolTimeoutError, "had room", plain.wait)
            trial.proxy.release()
            await finished(trial, first)


async def the_deadline_is_for_the_answer_too(trial: Trial) -> None:
    """A query that has its connection is given up when there is no answer in time."""
    async with pool_of(trial) as pool:
        await busy(trial, pool)
        handler = Recorder()
        handle = r.expr(2).run_with(handler, pool, deadline=SOON)
        await finished(trial, handle)
        opened, (_, error), closed = handler.calls
        assert (opened, closed) == (OPEN, CLOSE)
        assert type(error) is ReqlTimeoutError
        assert f"within {SOON} s" in str(error)
        trial.proxy.release()


async def too_many_wait(trial: Trial) -> None:
    """Beyond `max_waiting` it is refused, through `on_error`."""
    async with pool_of(trial, max_size=1, per_connection=1, max_waiting=1) as pool:
        first = await busy(trial, pool)
        waits = r.expr(2).run_with(Recorder(), pool)
        handler = Recorder()
        await finished(trial, r.expr(3).run_with(handler, pool))
        (_, error), closed = handler.calls
        assert (type(error), closed) == (PoolFullError, CLOSE)
        trial.proxy.release()
        await finished(trial, first)
        await finished(trial, waits)
        assert waits.handler.calls == [OPEN, *values(2), CLOSE]


async def the_pool_is_closed(trial: Trial) -> None:
    """Those who wait hear of it, feeds too, and whoever comes later."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        feed, waiting, late = Recorder(), Recorder(), Recorder()
        of_feed = feed_of_rows(trial).run_with(feed, pool)
        await trial.until(lambda: feed.calls == [OPEN])
        first = await busy(trial, pool)
        of_waiting = r.expr(2).run_with(waiting, pool)
        await trial.do(pool.close, 0.0)
        of_late = r.expr(3).run_with(late, pool)
        for handle in (of_feed, first, of_waiting, of_late):
            await finished(trial, handle)
        for calls in (waiting.calls, late.calls):
            (_, error), closed = calls
            assert (type(error), closed) == (PoolClosedError, CLOSE)
        opened, (_, error), closed = feed.calls
        assert (opened, type(error), closed) == (OPEN, ReqlCursorLostError, CLOSE)
        assert error.message == "Connection is closed."
        (_, error), closed = first.handler.calls
        assert (type(error), closed) == (ReqlCursorLostError, CLOSE)


async def the_server_restarts(trial: Trial) -> None:
    """What runs hears of the loss, without retries; what comes meanwhile waits, and is done when it
    is back."""
    async with pool_of(trial, retry=None) as pool:
        feed, meanwhile, after = Recorder(), Recorder(), Recorder()
        of_feed = feed_of_rows(trial).run_with(feed, pool)
        await trial.until(lambda: feed.calls == [OPEN])
        trial.proxy.hold()
        running = r.expr(1).run_with(Recorder(), pool)
        trial.proxy.stop()
        for handle in (of_feed, running):
            await finished(trial, handle)
        opened, (_, error), closed = feed.calls
        assert (opened, type(error), closed) == (OPEN, ReqlCursorLostError, CLOSE)
        assert error.__cause__ is not None
        (_, error), closed = running.handler.calls
        assert (type(error), closed) == (ReqlConnectionLostError, CLOSE)
        waits = r.expr(2).run_with(meanwhile, pool)
        await trial.until(lambda: pool.stats().failed)
        assert (pool.stats().waiting, meanwhile.calls) == (1, [])
        trial.proxy.release()
        trial.proxy.start()
        await finished(trial, waits)
        assert meanwhile.calls == [OPEN, *values(2), CLOSE]
        await finished(trial, feed_of_rows(trial).limit(0).run_with(after, pool))
        assert after.calls == [OPEN, CLOSE]
        assert at_rest(pool)


async def a_feed_is_run_again_by_its_handler(trial: Trial) -> None:
    """When the server goes, the handler runs its query again, and gets rows when it is back."""
    async with pool_of(trial) as pool:
        handles: list[Any] = []

        class Follows(Recorder):
            def on_close(self) -> None:
                super().on_close()
                if not pool.closed:
                    self.follow()

            def follow(self) -> None:
                handles.append(feed_of_rows(trial).run_with(self, pool))

        handler = Follows()
        handler.follow()
        await trial.until(lambda: handler.calls == [OPEN])
        trial.proxy.stop()
        await trial.until(lambda: len(handles) == 2)
        trial.proxy.start()
        await trial.until(lambda: handler.calls[-1] == OPEN)
        insert_rows(trial, 1)
        await trial.until(lambda: handler.calls[-1] != OPEN)
        assert [call[0] for call in handler.calls] == ["open", "error", "close", "open", "val"]
        assert handles[0].closed
        assert not handles[1].closed


async def the_server_restarts_unnoticed(trial: Trial) -> None:
    """A connection that was lost while nobody used it costs no query."""
    async with pool_of(trial) as pool:
        await trial.do(pool.open)
        trial.proxy.stop()
        trial.proxy.start()
        await trial.driver.sleep(2 * SOON)
        handler = Recorder()
        await finished(trial, r.expr(1).run_with(handler, pool))
        assert handler.calls == [OPEN, *values(1), CLOSE]
        assert pool.stats().lost == 1


async def listeners_to_a_cursor_of_a_pool(trial: Trial) -> None:
    """Cursors that came from a pool are emitters too, and their callbacks are the pool's."""
    async with pool_of(trial) as pool:
        trial.insert(*({"id": number} for number in range(25)))
        table = trial.table.order_by(index="id")["id"]
        rows: list[Any] = []
        cursor = await trial.run(table, pool, **SMALL_BATCHES)
        cursor.on("data", rows.append).on("end", lambda: rows.append("end"))
        cursor.on("close", lambda: rows.append("close"))
        await trial.until(lambda: rows and rows[-1] == "close")
        assert rows == [*range(25), "end", "close"]
        rows.clear()
        cursor = await trial.run(table, pool, **SMALL_BATCHES)
        cursor.each(lambda error, row: rows.append(row), lambda: rows.append("done"))
        await trial.until(lambda: rows and rows[-1] == "done")
        assert rows == [*range(25), "done"]
        rows.clear()
        cursor = await trial.run(table, pool, **SMALL_BATCHES)
        await trial.do(cursor.each_async, rows.append)
        assert rows == [*range(25)]
        feed = await trial.run(feed_of_rows(trial), pool)
        lost: list[Any] = []
        feed.on("error", lost.append).on("data", rows.append)
        feed.on("close", lambda: lost.append("close"))
        insert_rows(trial, "new")
        await trial.until(lambda: rows[-1] == "new")
        assert pool.stats().feeds == 1
        trial.proxy.cut()
        await trial.until(lambda: lost and lost[-1] == "close")
        assert type(lost[0]) is ReqlCursorLostError
        await trial.until(lambda: at_rest(pool))


async def a_connection_that_was_lent(trial: Trial) -> None:
    """Handlers work on it as on any other; it is closed if it comes back with a query of theirs."""
    async with pool_of(trial) as pool:
        conn = await trial.do(pool.acquire)
        handler = Recorder()
        await finished(trial, r.expr(1).run_with(handler, conn))
        await finished(trial, noreply_wait_with(Handler, conn))
        assert handler.calls == [OPEN, *values(1), CLOSE]
        feed = Recorder()
        handle = feed_of_rows(trial).run_with(feed, conn)
        await trial.until(lambda: feed.calls == [OPEN])
        await trial.do(pool.release, conn)
        await finished(trial, handle)
        assert [call[0] for call in feed.calls] == ["open", "error", "close"]
        await trial.usable(pool)
        with pytest.raises(ReqlDriverError, match=r"pool\.connection\(\)"):
            noreply_wait_with(Handler, pool)


async def callbacks_start_queries(trial: Trial) -> None:
    """A method may start the next query on the same pool."""
    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        handles: list[Any] = []
        handler = Recorder()

        class Chain(Recorder):
            def on_val(self, value: Any) -> None:
                handles.append(r.expr(value + 1).run_with(handler if value == 3 else self, pool))

        await finished(trial, r.expr(1).run_with(Chain(), pool))
        await trial.until(lambda: handler.calls and handler.calls[-1] == CLOSE)
        assert handler.calls == [OPEN, *values(4), CLOSE]
        for handle in handles:
            await finished(trial, handle)


async def many_at_once(trial: Trial) -> None:
    """Each handler gets what is its own, whichever connection that came from."""
    async with pool_of(trial, max_size=4, per_connection=2) as pool:
        handlers = [Recorder() for _ in range(200)]
        handles = [r.expr(n).run_with(handler, pool) for n, handler in enumerate(handlers)]
        for handle in handles:
            await finished(trial, handle)
        assert [h.calls for h in handlers] == [[OPEN, *values(n), CLOSE] for n in range(200)]
        assert pool.stats().opened <= 4
        assert at_rest(pool)


async def run_again_when_its_link_is_lost(trial: Trial) -> None:
    """What only reads is run again before anything has come of it; a write is not."""
    async with pool_of(trial) as pool:
        for query, calls, retried in (
            (r.expr(2), [OPEN, *values(2), CLOSE], 1),
            (trial.table.insert({"n": 1}), None, 1),
        ):
            await trial.run(r.expr(1), pool)
            trial.proxy.hold("reply")
            started = len(trial.proxy.sent(QueryType.START))
            handler = Recorder()
            handle = query.run_with(handler, pool)

            def sent(started: int = started) -> bool:
                return len(trial.proxy.sent(QueryType.START)) > started

            await trial.until(sent)
            trial.proxy.cut()
            trial.proxy.release()
            await finished(trial, handle)
            assert pool.stats().retried == retried
            if calls is None:
                assert isinstance(handle.error, ReqlConnectionLostError)
                assert handler.calls[-1] == CLOSE
            else:
                assert handler.calls == calls
            assert at_rest(pool)


async def closed_between_attempts(trial: Trial) -> None:
    """A handle that is closed meanwhile calls nothing any more, and runs nothing."""
    policy = RetryPolicy(first_pause=3600, longest_pause=3600)
    async with pool_of(trial, retry=policy) as pool:
        await trial.run(r.expr(1), pool)
        trial.proxy.fault = Fault("cut", "reply")
        handler = Recorder()
        handle = r.expr(1).run_with(handler, pool)
        await trial.until(lambda: pool.stats().retried == 1)
        trial.proxy.fault = None
        started = len(trial.proxy.sent(QueryType.START))
        handle.close()
        await finished(trial, handle)
        assert await trial.run(r.expr(2), pool) == 2
        assert len(trial.proxy.sent(QueryType.START)) == started + 1
        assert handler.calls == []


async def a_slow_handler_keeps_no_query_waiting(trial: Trial) -> None:
    """Where callbacks have a thread of their own, the queue goes on while one takes its time."""
    if not trial.driver.shared:
        raise Skip("callbacks run in the loop, as all else does")
    entered, leave = threading.Event(), threading.Event()

    def slow(value: Any) -> None:
        entered.set()
        assert leave.wait(PATIENCE)

    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        slow_one = r.expr("slow").run_with(slow, pool)
        try:
            assert entered.wait(PATIENCE)
            first = await busy(trial, pool)
            handler = Recorder()
            second = r.expr(2).run_with(handler, pool)
            assert pool.stats().waiting == 1
            started = len(trial.proxy.sent(QueryType.START))
            trial.proxy.release()
            await trial.until(lambda: len(trial.proxy.sent(QueryType.START)) > started)
            await trial.until(lambda: pool.stats().queries == 3)
            assert handler.calls == []
        finally:
            leave.set()
        for handle in (slow_one, first, second):
            await finished(trial, handle)
        assert handler.calls == [OPEN, *values(2), CLOSE]


async def waiting_is_off_the_deadline(trial: Trial) -> None:
    """A deadline covers waiting for a connection and for the answer, together."""
    limit, part = 0.3, 0.2

    async def seconds_with_a_connection(pool: Any) -> float:
        conn = await trial.do(pool.acquire)
        handle = r.expr(2).run_with(Recorder(), pool, deadline=limit)
        await trial.driver.sleep(part)
        trial.proxy.hold("reply")
        begun = time.monotonic()
        await trial.do(pool.release, conn)
        await finished(trial, handle)
        trial.proxy.release()
        if isinstance(handle.error, PoolTimeoutError):  # a slow machine: its time was over before
            return limit
        assert type(handle.error) is ReqlTimeoutError
        assert f"within {limit} s" in str(handle.error)
        return time.monotonic() - begun

    async with pool_of(trial, max_size=1, per_connection=1) as pool:
        # If waiting were not counted it were never less. A slow machine needs another attempt.
        for _ in range(_ATTEMPTS):
            if await seconds_with_a_connection(pool) < limit:
                break
        else:
            raise AssertionError("waiting is not counted")


OWN: tuple[Callable[[Trial], Any], ...] = (
    the_handle_is_the_one_that_methods_get,
    a_feed_keeps_its_connection,
    waiting_in_the_queue,
    closed_before_it_has_a_connection,
    closed_before_its_first_answer,
    cancelled_while_it_waits_for_a_connection,
    no_connection_in_time,
    the_deadline_is_for_the_answer_too,
    too_many_wait,
    the_pool_is_closed,
    the_server_restarts,
    a_feed_is_run_again_by_its_handler,
    the_server_restarts_unnoticed,
    listeners_to_a_cursor_of_a_pool,
    a_connection_that_was_lent,
    callbacks_start_queries,
    many_at_once,
    run_again_when_its_link_is_lost,
    closed_between_attempts,
    a_slow_handler_keeps_no_query_waiting,
    waiting_is_off_the_deadline,
)

SCENARIOS: tuple[Scenario, ...] = (*map(on_a_pool, SAME), *OWN)
