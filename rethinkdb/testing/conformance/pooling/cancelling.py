"""Scenarios: waiting for a pool, and queries on it, given up."""

from __future__ import annotations

from functools import partial

from rethinkdb import query as r
from rethinkdb.ql2 import QueryType

from ..trial import Scenario, Trial
from .help import NEVER

__all__ = ["SCENARIOS"]


async def pool_cancelled_waiters(trial: Trial) -> None:
    """Who stops waiting leaves the queue, and takes no connection along."""
    pool = trial.pool(max_size=1, acquire_timeout=NEVER)
    conn = await trial.do(pool.acquire)
    for wait in (partial(trial.run, r.expr(1), pool), partial(trial.do, pool.acquire)):
        await trial.driver.cancel(wait, when=lambda: pool.stats().waiting == 1)
        assert pool.stats().waiting == 0
    await trial.do(pool.release, conn)
    assert await trial.do(pool.acquire) is conn
    await trial.do(pool.release, conn)
    assert await trial.run(r.expr(1), pool) == 1
    stats = pool.stats()
    assert (stats.in_flight, stats.lent, stats.size) == (0, 0, 1), stats


async def pool_cancelled_queries(trial: Trial) -> None:
    """A query that is cancelled is stopped on the server, and its place is free."""
    pool = trial.pool(max_size=1, per_connection=1)
    await trial.do(pool.open)
    trial.proxy.hold("reply")
    sent = len(trial.proxy.queries)
    query = partial(trial.run, r.expr(1), pool)
    await trial.driver.cancel(query, when=lambda: len(trial.proxy.queries) > sent)
    trial.proxy.release()
    await trial.until(lambda: pool.stats().in_flight == 0)
    await trial.until(lambda: trial.proxy.sent(QueryType.STOP))
    assert await trial.run(r.expr(2), pool) == 2
    assert pool.stats().opened == 1


SCENARIOS: tuple[Scenario, ...] = (
    pool_cancelled_waiters,
    pool_cancelled_queries,
)
