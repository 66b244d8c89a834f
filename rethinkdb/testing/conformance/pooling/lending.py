"""Scenarios: connections that a pool lends."""

from __future__ import annotations

from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlDriverError,
)
from rethinkdb.pool import PoolClosedError, PoolTimeoutError

from ..trial import SMALL_BATCHES, SOON, Scenario, Trial
from .help import CLOSED, closes, ended, entered, is_closed

__all__ = ["SCENARIOS"]


async def pool_lends(trial: Trial) -> None:
    """Only the borrower uses a lent connection, and it comes back unchanged."""
    pool = trial.pool(max_size=1, db="rethinkdb")
    async with entered(pool.connection()) as conn:
        conn.use("test")
        await trial.run(trial.table.insert({"id": 1}), conn, noreply=True)
        await trial.do(conn.noreply_wait)
        assert (pool.stats().lent, pool.stats().idle) == (1, 0)
        await trial.fails(PoolTimeoutError, "", trial.run, r.expr(1), pool, deadline=SOON)
    again = await trial.do(pool.acquire)
    assert again is conn
    assert again.db == "rethinkdb"
    await trial.do(pool.release, again)
    text = "was not acquired from this pool, or is back"
    await trial.fails(ReqlDriverError, text, pool.release, again)
    await trial.fails(ReqlDriverError, text, pool.release, trial.admin)
    assert await trial.run(r.table("users").count(), pool) >= 1


async def pool_takes_back_what_is_not_clean(trial: Trial) -> None:
    """A returned connection is closed if something is still open on it, or if the borrower has
    reconnected it. If it is closed or lost, it is replaced."""
    pool = trial.pool(max_size=1)
    before: set[Any] = set()

    async def leave_a_cursor(conn: Any) -> None:
        kept.append(await trial.run(r.range(), conn, **SMALL_BATCHES))

    async def close(conn: Any) -> None:
        await trial.do(conn.close)

    async def reconnect(conn: Any) -> None:
        await trial.do(conn.reconnect)

    async def lose(conn: Any) -> None:
        trial.proxy.cut()
        await trial.fails(ReqlConnectionLostError, "", trial.run, r.expr(1), conn)

    kept: list[Any] = []
    for spoil in (leave_a_cursor, close, reconnect, lose):
        conn = await trial.do(pool.acquire)
        assert conn not in before
        before.add(conn)
        await spoil(conn)
        await trial.do(pool.release, conn)
        await trial.until(partial(is_closed, conn))
        assert await trial.run(r.expr(1), pool) == 1
        await trial.until(lambda: trial.proxy.clients == 1)
    assert pool.stats().lost == 1, pool.stats()
    await closes(trial, pool)


async def pool_blocks_that_fail(trial: Trial) -> None:
    """Leaving the block by an exception returns the connection, too."""
    pool = trial.pool(max_size=1)
    for _ in range(2):
        try:
            async with entered(pool.connection()) as conn:
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert conn.is_open()
    assert pool.stats().opened == 1
    try:
        async with entered(pool) as same:
            assert same is pool
            assert await trial.run(r.expr(1), pool) == 1
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    await trial.fails(PoolClosedError, CLOSED, trial.run, r.expr(1), pool)
    await ended(trial, pool)


SCENARIOS: tuple[Scenario, ...] = (
    pool_lends,
    pool_takes_back_what_is_not_clean,
    pool_blocks_that_fail,
)
