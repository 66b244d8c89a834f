"""Scenarios: pools whose server or links fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlAuthError,
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
)
from rethinkdb.pool import PoolTimeoutError
from rethinkdb.ql2 import QueryType

from ..trial import PATIENCE, SMALL_BATCHES, SOON, Scenario, Trial
from .help import NEVER, TRIES, closes

__all__ = ["SCENARIOS"]


async def pool_survives_a_restart(trial: Trial) -> None:
    """A query that starts while the server is away waits, and is served when the server is back. So
    is the first query afterwards, even if the pool was not used meanwhile."""
    pool = trial.pool(acquire_timeout=PATIENCE)
    for _ in range(2):
        assert await trial.run(r.expr(1), pool) == 1
        trial.proxy.stop()
        await trial.driver.sleep(SOON)

        async def start() -> None:
            await trial.until(lambda: pool.stats().waiting)
            await trial.until(lambda: pool.stats().failed)
            trial.proxy.start()

        answer, _ = await trial.driver.gather(partial(trial.run, r.expr("back"), pool), start)
        assert answer == "back"
    trial.proxy.stop()
    trial.proxy.start()
    await trial.driver.sleep(SOON)
    assert await trial.run(r.expr("first"), pool) == "first"
    await closes(trial, pool)


async def pool_tells_why(trial: Trial) -> None:
    """A waiter that gets no connection gets an error with the cause."""
    pool = trial.pool(acquire_timeout=0.2)
    port = trial.proxy.port
    trial.proxy.stop()
    await trial.fails(PoolTimeoutError, "", pool.open)
    await trial.until(lambda: pool.stats().failed)
    text = (
        rf"^The pool had no connection to 127\.0\.0\.1:{port} within \S+ s: .*"
        rf"The last attempt failed: Could not connect to 127\.0\.0\.1:{port}\. "
    )
    for method in (partial(trial.run, r.expr(1), pool), pool.open, pool.acquire):
        exc = await trial.fails(PoolTimeoutError, text, method)
        assert isinstance(exc.__cause__, ReqlDriverError)


async def pool_loses_queries(trial: Trial) -> None:
    """When a link is lost, its queries and cursors fail with the cause, and their places are free.
    The next query gets another connection."""
    pool = trial.pool(max_size=1, retry=None)
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    feed = await trial.run(trial.table.changes(), pool)
    trial.proxy.hold("reply")
    sent = len(trial.proxy.sent(QueryType.START))

    async def cut() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.START)) >= sent + 2)
        trial.proxy.cut()
        trial.proxy.release()

    async def ask() -> Any:
        try:
            await trial.run(r.expr(1), pool)
        except ReqlConnectionLostError:
            return await trial.run(r.expr("again"), pool)

    answers = await trial.driver.gather(ask, ask, cut)
    assert answers[:2] == ["again", "again"]
    await trial.fails(ReqlCursorLostError, "", trial.do, feed.next)
    del cursor
    await trial.until(lambda: pool.stats().feeds == pool.stats().cursors == 0)
    stats = pool.stats()
    assert (stats.in_flight, stats.lost, stats.size) == (0, 1, 1), stats


async def pool_with_slow_accepts(trial: Trial) -> None:
    """If a server is slow to accept, waiters fail at their own time limits. When it accepts, the
    remaining waiters are served."""
    pool = trial.pool()
    trial.proxy.hold()
    text = r"had no connection to .* within \S+ s: .* There was no answer yet\.$"
    await trial.fails(PoolTimeoutError, text, trial.run, r.expr(1), pool, deadline=SOON)

    async def release() -> None:
        await trial.until(lambda: pool.stats().waiting)
        trial.proxy.release()

    answer, _ = await trial.driver.gather(partial(trial.run, r.expr(1), pool), release)
    assert answer == 1
    assert (pool.stats().opened, pool.stats().failed) == (1, 0)


async def pool_with_a_wrong_password(trial: Trial) -> None:
    """A wrong password does not pass by waiting, so all waiters get the error at once."""
    pool = trial.pool(password="wrong", acquire_timeout=NEVER)
    text = f"Could not connect to 127.0.0.1:{trial.proxy.port}, Wrong password"
    for method in (partial(trial.run, r.expr(1), pool), pool.open, pool.acquire):
        await trial.fails(ReqlAuthError, text, method)
    await closes(trial, pool)


async def pool_gives_up_a_silent_server(trial: Trial) -> None:
    """Connections have the `keepalive` of the pool. All waiters on a silent link get an error, and
    the next query gets another connection."""
    pool = trial.pool(keepalive=SOON, retry=None, max_size=1)
    feed = await _in_the_end(partial(trial.run, trial.table.changes(), pool))
    opened = pool.stats().opened
    trial.proxy.hold()
    *queries, change = await trial.driver.gather(
        partial(trial.run, r.expr(1), pool),
        partial(trial.run, r.expr(2), pool),
        partial(trial.do, feed.next),
    )
    silence = rf"no sign of life from 127\.0\.0\.1:{trial.proxy.port} for [\d.]+ s"
    for error in (*queries, change):
        kind = ReqlCursorLostError if error is change else ReqlConnectionLostError
        assert type(error) is kind, error
        assert re.search(silence, str(error)), error
    trial.proxy.release()
    assert await _in_the_end(partial(trial.run, r.expr(3), pool)) == 3
    stats = pool.stats()
    assert stats.opened > opened
    assert (stats.feeds, stats.size) == (0, 1), stats


async def _in_the_end(operation: Callable[[], Any]) -> Any:
    """The result of an operation. Tries again, because a slow machine may seem silent, too."""
    for _ in range(TRIES):
        with suppress(ReqlConnectionLostError):
            return await operation()
    raise AssertionError("no link lasts")


SCENARIOS: tuple[Scenario, ...] = (
    pool_survives_a_restart,
    pool_tells_why,
    pool_loses_queries,
    pool_with_slow_accepts,
    pool_with_a_wrong_password,
    pool_gives_up_a_silent_server,
)
