"""Scenarios: how pools grow, and make queries wait."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.pool import PoolFullError, PoolTimeoutError

from ..trial import SOON, Scenario, Trial
from .help import NEVER, TRIES

__all__ = ["SCENARIOS"]


async def pool_grows(trial: Trial) -> None:
    """If each connection has `per_connection` queries, another one is opened, up to `max_size`.
    After that, queries wait."""
    pool = trial.pool(max_size=2, per_connection=2)
    await trial.do(pool.open)
    assert trial.proxy.clients == 1
    told: list[str] = []
    pool.on("exhausted", lambda event: told.append(event.name))
    pool.on("recovered", lambda event: told.append(event.name))

    async def watch() -> Any:
        await trial.until(lambda: pool.stats().in_flight == 4 and pool.stats().waiting == 3)
        stats = pool.stats()
        trial.proxy.release()
        return stats

    trial.proxy.hold("reply")
    asks = [partial(trial.run, r.expr(number), pool) for number in range(7)]
    *answers, stats = await trial.driver.gather(*asks, watch)
    assert answers == list(range(7))
    assert (stats.size, trial.proxy.clients) == (2, 2)
    await trial.until(lambda: len(told) >= 2)
    assert told == ["exhausted", "recovered"]
    assert (pool.stats().in_flight, pool.stats().waiting) == (0, 0)


async def pool_serves_in_order(trial: Trial) -> None:
    """Waiters are served in the order in which they came."""
    trial.insert({"id": "log", "order": []})
    pool = trial.pool(max_size=1, per_connection=1)
    await trial.do(pool.open)

    async def ask(number: int) -> Any:
        await trial.until(lambda: pool.stats().in_flight + pool.stats().waiting == number)
        change = {"order": r.row["order"].append(number)}
        return await trial.run(trial.table.get("log").update(change), pool)

    async def release() -> None:
        await trial.until(lambda: pool.stats().waiting == 9)
        trial.proxy.release()

    trial.proxy.hold("reply")
    await trial.driver.gather(*(partial(ask, number) for number in range(10)), release)
    assert trial.table.get("log").run(trial.admin)["order"] == list(range(10))


async def pool_limits_waiting(trial: Trial) -> None:
    """At most `max_waiting` queries wait, for at most `acquire_timeout` seconds. The errors name
    these numbers."""
    pool = trial.pool(max_size=1, max_waiting=1)
    conn = await trial.do(pool.acquire)

    async def one_too_many() -> Exception:
        await trial.until(lambda: pool.stats().waiting)
        text = (
            r"^1 queries wait for a connection of the pool already \(`max_waiting`\), the first of"
            r" them for \S+ s: 1 of at most 1 connections open, 1 of them borrowed, 0 queries in"
            r" flight, 1 waiting\. "
        )
        error = await trial.fails(PoolFullError, text, trial.run, r.expr(1), pool)
        await trial.do(pool.release, conn)
        return error

    waited, full = await trial.driver.gather(partial(trial.run, r.expr(1), pool), one_too_many)
    assert type(full) is PoolFullError, full
    assert waited == 1, waited
    conn = await trial.do(pool.acquire)
    late = await trial.fails(PoolTimeoutError, "", trial.run, r.expr(1), pool, deadline=SOON)
    assert type(late) is PoolTimeoutError, late
    assert str(late).startswith("No connection of the pool had room within "), late
    numbers = "1 of at most 1 connections open, 1 of them borrowed, 0 queries in flight"
    assert numbers in str(late)
    await trial.do(pool.release, conn)
    assert await trial.run(r.expr(1), pool) == 1
    assert (pool.stats().timed_out, pool.stats().refused) == (1, 1)


async def pool_deadlines(trial: Trial) -> None:
    """A deadline covers waiting for a connection and for the answer, together."""
    pool = trial.pool(max_size=1, deadline=NEVER)
    conn = await trial.do(pool.acquire)
    text = r"^No connection of the pool had room within \S+ s: "
    await trial.fails(PoolTimeoutError, text, trial.run, r.expr(1), pool, deadline=SOON)
    await trial.do(pool.release, conn)
    # If waiting did not count, the time would never be less. A slow machine may need another try.
    for _ in range(TRIES):
        if await _seconds_with_a_connection(trial, pool, limit=0.3, part=0.2) < 0.3:
            break
    else:
        raise AssertionError("waiting is not counted")
    assert await trial.run(r.expr(1), pool) == 1


async def _seconds_with_a_connection(trial: Trial, pool: Any, limit: float, part: float) -> float:
    """Let a query wait for a part of its deadline. Returns how long it then awaits the answer."""
    begun: list[float] = []
    conn = await trial.do(pool.acquire)

    async def release() -> None:
        await trial.driver.sleep(part)
        trial.proxy.hold("reply")
        begun.append(time.monotonic())
        await trial.do(pool.release, conn)

    query = partial(trial.run, r.expr(1), pool, deadline=limit)
    late, _ = await trial.driver.gather(query, release)
    trial.proxy.release()
    if isinstance(late, PoolTimeoutError):  # a slow machine: its time was over before
        return limit
    assert type(late) is ReqlTimeoutError, late
    assert str(late) == f"No answer from 127.0.0.1:{trial.proxy.port} within {limit} s to 1", late
    return time.monotonic() - begun[0]


SCENARIOS: tuple[Scenario, ...] = (
    pool_grows,
    pool_serves_in_order,
    pool_limits_waiting,
    pool_deadlines,
)
