"""Scenarios: closing pools."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
)
from rethinkdb.pool import PoolClosedError
from rethinkdb.ql2 import QueryType

from ..trial import PATIENCE, SMALL_BATCHES, SOON, Scenario, Trial
from .help import CLOSED, NEVER, ended

__all__ = ["SCENARIOS"]


async def pool_closes(trial: Trial) -> None:
    """Closing waits for running queries, and refuses new ones. Closing twice is no error."""
    pool = trial.pool(max_size=1)
    feed = await trial.run(trial.table.changes(), pool)
    trial.proxy.hold("reply")
    sent = len(trial.proxy.sent(QueryType.START))

    async def close() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.START)) > sent)
        await trial.do(pool.close, timeout=PATIENCE)

    async def release() -> None:
        await trial.until(lambda: pool.closed)
        for method in (partial(trial.run, r.expr(1), pool), pool.open, pool.acquire):
            await trial.fails(PoolClosedError, CLOSED, method)
        assert trial.proxy.clients == 1
        trial.proxy.release()

    query = partial(trial.run, r.expr("in time"), pool)
    outcomes = await trial.driver.gather(query, close, close, release)
    assert outcomes == ["in time", None, None, None], outcomes
    await trial.fails(ReqlCursorLostError, "", feed.next)
    await trial.do(pool.close)
    await ended(trial, pool)


async def pool_closes_in_time(trial: Trial) -> None:
    """After its time limit, closing ends running queries, cursors and lent connections."""
    pool = trial.pool(max_size=3, per_connection=1, min_size=3)
    await trial.do(pool.open)
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    conn = await trial.do(pool.acquire)
    trial.proxy.hold("reply")
    sent = len(trial.proxy.sent(QueryType.START))

    async def close() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.START)) > sent)
        await trial.do(pool.close, timeout=SOON)

    query = partial(trial.run, r.expr(1), pool)
    outcome, closed = await trial.driver.gather(query, close)
    assert type(outcome) is ReqlConnectionLostError, outcome
    assert closed is None
    assert not conn.is_open()
    assert not cursor.conn.is_open()
    await trial.do(pool.release, conn)
    await ended(trial, pool)


async def pool_closes_while_dialling(trial: Trial) -> None:
    """Waiters get an error, and connections that are being opened are given up."""
    pool = trial.pool(acquire_timeout=NEVER)
    trial.proxy.hold()

    async def close() -> None:
        await trial.until(lambda: pool.stats().dialling and trial.proxy.held)
        await trial.do(pool.close, timeout=NEVER)

    outcome, closed = await trial.driver.gather(partial(trial.run, r.expr(1), pool), close)
    assert type(outcome) is PoolClosedError
    assert closed is None
    trial.proxy.release()
    await ended(trial, pool)


async def pool_closes_before_a_query_is_sent(trial: Trial) -> None:
    """A query that gets a connection just as the pool closes was not done, and says why."""
    for retry in (None, True):
        for ask in (_ask, _ask_with_handler):
            pool = trial.pool(max_size=1, acquire_timeout=NEVER, retry=retry)
            conn = await trial.do(pool.acquire)
            close = partial(_hand_back_and_close, trial, pool, conn)
            outcome, closed = await trial.driver.gather(partial(ask, trial, pool), close)
            assert closed is None, closed
            # On some loops the query may be faster: then it was sent.
            sent = outcome == "sent" or isinstance(outcome, ReqlConnectionLostError)
            assert sent or type(outcome) is PoolClosedError, repr(outcome)
            await ended(trial, pool)


async def _ask(trial: Trial, pool: Any) -> Any:
    return await trial.run(r.expr("sent"), pool)


async def _ask_with_handler(trial: Trial, pool: Any) -> Any:
    values: list[Any] = []

    def keep(error: Exception | None, value: Any) -> None:
        values.append(error or value)

    await trial.do(r.expr("sent").run_with(keep, pool).wait)
    return values[0]


async def _hand_back_and_close(trial: Trial, pool: Any, conn: Any) -> None:
    await trial.until(lambda: pool.stats().waiting)
    given_back = pool.release(conn)
    await trial.do(pool.close, timeout=0)
    if inspect.isawaitable(given_back):
        await given_back


async def pool_closing_cancelled(trial: Trial) -> None:
    """Cancelling `close()` ends everything that is still running."""
    pool = trial.pool()
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    conn = cursor.conn
    close = partial(trial.do, pool.close, timeout=NEVER)
    await trial.driver.cancel(close, when=lambda: pool.closed)
    await trial.until(lambda: not conn.is_open())
    await ended(trial, pool)


SCENARIOS: tuple[Scenario, ...] = (
    pool_closes,
    pool_closes_in_time,
    pool_closes_while_dialling,
    pool_closes_before_a_query_is_sent,
    pool_closing_cancelled,
)
