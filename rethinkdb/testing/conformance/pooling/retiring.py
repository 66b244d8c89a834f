"""Scenarios: which connections a pool keeps open, and which it closes."""

from __future__ import annotations

from rethinkdb import query as r

from ..trial import SMALL_BATCHES, Scenario, Trial
from .help import closes, tried_until

__all__ = ["SCENARIOS"]


async def pool_keeps_its_least_size(trial: Trial) -> None:
    """`open()` waits for `min_size` connections. Lost ones are replaced without a query."""
    events: list[str] = []
    pool = trial.pool(min_size=3)
    for name in ("opened", "lost"):
        pool.on(name, lambda event: events.append(event.name))
    assert await trial.do(pool.open) is pool
    assert trial.proxy.clients == 3
    trial.proxy.cut()
    await tried_until(trial, pool, lambda: pool.stats().lost)
    await trial.until(lambda: trial.proxy.clients >= 3)
    await trial.until(lambda: pool.stats().idle >= 3)
    await trial.until(lambda: "lost" in events and events.count("opened") > 3)
    assert events.index("lost") > 0
    await closes(trial, pool)


async def pool_retires(trial: Trial) -> None:
    """Old connections are replaced. One with an open cursor is replaced after the cursor ended."""
    pool = trial.pool(min_size=2, max_size=3, max_lifetime=0.1)
    await trial.do(pool.open)
    cursor = await trial.run(r.range(100), pool, **SMALL_BATCHES)
    feed = await trial.run(trial.table.changes(), pool)
    await tried_until(trial, pool, lambda: pool.stats().retired >= 3)
    assert (pool.stats().cursors, pool.stats().feeds) == (1, 1)
    assert [await trial.do(cursor.next) for _ in range(100)] == list(range(100))
    trial.insert({"id": 1})
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    await trial.do(feed.close)
    await trial.until(lambda: pool.stats().feeds == 0)
    retired = pool.stats().retired
    await tried_until(trial, pool, lambda: pool.stats().retired >= retired + 3)
    assert pool.stats().errors == 0
    assert pool.stats().lost == 0


async def pool_shrinks(trial: Trial) -> None:
    """Unused connections are closed, down to `min_size`, and opened again when needed."""
    pool = trial.pool(min_size=0, max_idle=0.1)
    for _ in range(2):
        assert await trial.run(r.expr(1), pool) == 1
        await trial.until(lambda: pool.stats().size == 0)
        await trial.until(lambda: not trial.proxy.clients)
    assert (pool.stats().lost, pool.stats().opened) == (0, 2)


SCENARIOS: tuple[Scenario, ...] = (
    pool_keeps_its_least_size,
    pool_retires,
    pool_shrinks,
)
