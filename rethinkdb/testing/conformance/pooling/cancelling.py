"""Scenarios: cancelling a wait for a pool, and cancelling queries on it."""

from __future__ import annotations

from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.ql2 import QueryType

from ..trial import Scenario, Trial
from .help import NEVER, entered

__all__ = ["SCENARIOS"]

# Turns of the loop after which one is cancelled: all has happened before the last of them.
_TURNS = 25


async def pool_cancelled_waiters(trial: Trial) -> None:
    """A cancelled waiter leaves the queue, and takes no connection with it."""
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
    """A cancelled query is stopped on the server, and its place in the pool is free again."""
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


async def pool_cancelled_as_a_connection_comes(trial: Trial) -> None:
    """A waiter is cancelled in the turn in which it gets a connection, or soon after. The
    connection is not lost: the next waiter gets it."""
    pool = trial.pool(max_size=1, per_connection=1, acquire_timeout=NEVER)
    await trial.do(pool.open)
    for operation in (_query_and_stay, _borrow_and_stay):
        for turns in range(_TURNS):
            next_one = _Next(pool, await trial.do(pool.acquire), turns)
            await trial.driver.cancel(partial(operation, trial, pool), next_one.has_come)
            await trial.until(partial(len, next_one.served))
            pool._put_back(next_one.served.pop())
    await trial.until(lambda: pool.stats().idle == 1)
    stats = pool.stats()
    left = stats.in_flight, stats.waiting, stats.lent, stats.cursors
    assert (left, stats.size, stats.lost) == ((0, 0, 0, 0), 1, 0), stats
    assert await trial.run(r.expr(1), pool) == 1


class _Next:
    """A second waiter behind the tested one, and the return of the pool's only connection."""

    def __init__(self, pool: Any, conn: Any, turns: int) -> None:
        self.served: list[Any] = []
        self._pool = pool
        self._conn = conn
        self._turns = turns

    def has_come(self) -> bool:
        """Whether so many turns have passed since the connection came back."""
        if self._conn is not None:
            if self._pool.stats().waiting != 1:
                return False
            self._pool._wish(None, lambda wish: self.served.append(wish.result()))
            conn, self._conn = self._conn, None
            self._pool._returned(conn)
        self._turns -= 1
        return self._turns < 0


async def _query_and_stay(trial: Trial, pool: Any) -> None:
    await trial.run(r.expr(1), pool)
    await trial.driver.sleep(NEVER)


async def _borrow_and_stay(trial: Trial, pool: Any) -> None:
    async with entered(pool.connection()):
        await trial.driver.sleep(NEVER)


SCENARIOS: tuple[Scenario, ...] = (
    pool_cancelled_waiters,
    pool_cancelled_queries,
    pool_cancelled_as_a_connection_comes,
)
