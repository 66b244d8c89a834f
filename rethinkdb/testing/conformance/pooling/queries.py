"""Scenarios: queries on a pool, and their cursors and changefeeds."""

from __future__ import annotations

from functools import partial

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlDriverError,
    ReqlUserError,
)

from ..trial import SMALL_BATCHES, SOON, Scenario, Trial
from .help import closes, tried_until

__all__ = ["SCENARIOS"]


async def pool_results(trial: Trial) -> None:
    """A query on a pool gives the same result or error as on a connection. The first query opens
    the pool. Creating it does not."""
    pool = trial.pool()
    await trial.driver.sleep(SOON)
    assert not trial.proxy.clients
    assert not pool.stats().size
    assert await trial.run(r.expr({"a": [1, None]}), pool) == {"a": [1, None]}
    assert pool.stats().opened == 1
    profiled = await trial.run(r.expr(1), pool, profile=True)
    assert profiled["value"] == 1
    assert "profile" in profiled
    assert await trial.run(trial.table.insert({"id": 1}), pool, noreply=True) is None
    await trial.until(lambda: trial.table.count().run(trial.admin) == 1)
    await trial.fails(ReqlUserError, r"^no in:", trial.run, r.error("no"), pool)
    await trial.fails(ReqlDriverError, "deadline", trial.run, r.expr(1), pool, deadline="soon")
    stats = pool.stats()
    assert (stats.queries, stats.errors, stats.in_flight, stats.size) == (4, 1, 0, 1), stats
    await closes(trial, pool)


async def pool_refuses_what_is_no_query(trial: Trial) -> None:
    """An error before a query is sent takes no connection from the pool."""
    pool = trial.pool(max_size=1, per_connection=1)
    assert await trial.run(r.expr(1), pool) == 1
    for _ in range(2):
        await trial.fails(Exception, "", trial.run, r.expr(1), pool, no_such_option=object())
        await trial.fails(Exception, "", trial.do, partial(pool.run, "no term"))
    assert pool.stats().in_flight == 0
    assert await trial.run(r.expr(1), pool) == 1


async def pool_cursors(trial: Trial) -> None:
    """The pool counts open cursors until they are exhausted, closed or garbage-collected."""
    pool = trial.pool()
    cursor = await trial.run(r.range(25), pool, **SMALL_BATCHES)
    assert pool.stats().cursors == 1
    assert [await trial.do(cursor.next) for _ in range(25)] == list(range(25))
    await trial.until(lambda: not pool.stats().cursors)
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    assert pool.stats().cursors == 1
    await trial.do(cursor.close)
    await trial.until(lambda: not pool.stats().cursors)
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    assert pool.stats().cursors == 1
    del cursor
    await tried_until(trial, pool, lambda: not pool.stats().cursors)
    profiled = await trial.run(r.range(), pool, profile=True, **SMALL_BATCHES)
    assert pool.stats().cursors == 1
    await trial.do(profiled["value"].close)
    array = await trial.run(r.expr([1, 2]), pool, as_cursor=True)
    assert [await trial.do(array.next) for _ in range(2)] == [1, 2]
    await trial.until(lambda: not pool.stats().cursors)


async def pool_feeds(trial: Trial) -> None:
    """Changefeeds are counted separately, and other queries may use their connection."""
    pool = trial.pool(max_size=1, per_connection=1)
    feed = await trial.run(trial.table.changes(), pool)
    assert (pool.stats().feeds, pool.stats().cursors, pool.stats().in_flight) == (1, 0, 0)
    await trial.run(trial.table.insert({"id": 1}), pool)
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    await trial.do(feed.close)
    await trial.until(lambda: not pool.stats().feeds)


SCENARIOS: tuple[Scenario, ...] = (
    pool_results,
    pool_refuses_what_is_no_query,
    pool_cursors,
    pool_feeds,
)
