"""Scenarios: queries that fail, and are run again or not."""

from __future__ import annotations

from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlConnectionLostError, ReqlNonExistenceError
from rethinkdb.pool import PoolClosedError, RetryPolicy
from rethinkdb.ql2 import QueryType

from ...proxy import Fault
from ..trial import PATIENCE, Scenario, Trial
from .help import NEVER

__all__ = ["SCENARIOS"]

CUT_EACH_ANSWER = Fault("cut", "reply")


async def cut_once(trial: Trial, query: Any) -> Any:
    """Run a query whose link is lost before the answer, the first time."""
    trial.proxy.hold("reply")
    started = len(trial.proxy.sent(QueryType.START))

    async def cut() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.START)) > started)
        trial.proxy.cut()
        trial.proxy.release()

    answer, _ = await trial.driver.gather(query, cut)
    return answer


async def pool_runs_reads_again(trial: Trial) -> None:
    """A query that only reads is run again when its link is lost, with a deadline or without."""
    pool = trial.pool()
    trial.insert({"id": 1, "name": "Ada"})
    get = trial.table.get(1)["name"]
    for number, options in enumerate(({}, {"deadline": PATIENCE}), start=1):
        assert await cut_once(trial, partial(trial.run, get, pool, **options)) == "Ada"
        assert pool.stats().retried == number
    assert len(trial.proxy.sent(QueryType.START)) == 4
    stats = pool.stats()
    assert (stats.in_flight, stats.errors, stats.queries) == (0, 2, 4), stats


async def pool_never_repeats_a_write(trial: Trial) -> None:
    """A write whose link is lost may have been done. Its user is told so, and nothing is sent."""
    pool = trial.pool()
    await trial.run(r.expr(1), pool)
    for write in (
        trial.table.insert({"name": "Ada"}),
        trial.table.insert({"id": 5}),
        trial.table.get(5).update({"n": r.row["n"].default(0) + 1}),
        r.do(1, lambda one: trial.table.insert({"n": one})),
    ):
        started = len(trial.proxy.sent(QueryType.START))

        async def run(write: Any = write) -> None:
            text = r"(?s)^Connection is closed.*Not tried again, as it may have been done"
            await trial.fails(ReqlConnectionLostError, text, trial.run, write, pool)

        await cut_once(trial, run)
        assert len(trial.proxy.sent(QueryType.START)) == started + 1
    assert pool.stats().retried == 0


async def pool_runs_idempotent_writes_again(trial: Trial) -> None:
    """What its user calls idempotent is run again. The server is not told of that."""
    pool = trial.pool()
    write = trial.table.insert({"id": 1}, conflict="replace")
    done = await cut_once(trial, partial(trial.run, write, pool, idempotent=True))
    assert done["errors"] == 0, done
    assert pool.stats().retried == 1
    conn = await trial.connect()
    assert (await trial.run(write, conn, idempotent=True))["errors"] == 0


async def pool_without_retries(trial: Trial) -> None:
    """Where retrying is off, each loss comes out."""
    pool = trial.pool(retry=None)

    async def run() -> None:
        exc = await trial.fails(ReqlConnectionLostError, "", trial.run, r.expr(1), pool)
        assert "ried" not in str(exc), exc

    await cut_once(trial, run)
    assert pool.stats().retried == 0


async def pool_gives_up(trial: Trial) -> None:
    """Attempts end, and the error tells how many there were and where, with its cause."""
    pool = trial.pool(retry=RetryPolicy(attempts=3, first_pause=0.001))
    await trial.run(r.expr(1), pool)
    trial.proxy.fault = CUT_EACH_ANSWER
    place = f"127.0.0.1:{trial.proxy.port}"
    text = rf"(?s)^Connection is closed.*Tried 3 times, on {place}\.$"
    exc: Any = await trial.fails(
        ReqlConnectionLostError, text, trial.run, r.expr(1), pool, deadline=PATIENCE
    )
    trial.proxy.fault = None
    assert (exc.tries, exc.hosts) == (3, (place,))
    assert exc.__cause__ is not None
    assert await trial.run(r.expr(2), pool) == 2


async def pool_leaves_other_errors_alone(trial: Trial) -> None:
    """An answer that would be the same again comes out at once, as it is."""
    pool = trial.pool()
    started = len(trial.proxy.sent(QueryType.START))
    exc = await trial.fails(ReqlNonExistenceError, "No attribute", trial.run, r.expr({})["a"], pool)
    assert "ried" not in str(exc)
    assert len(trial.proxy.sent(QueryType.START)) == started + 1


async def pool_cancelled_between_attempts(trial: Trial) -> None:
    """Cancelling ends it while it waits for the next attempt, and leaves nothing behind."""
    pool = trial.pool(retry=RetryPolicy(first_pause=NEVER, longest_pause=NEVER))
    await trial.run(r.expr(1), pool)
    trial.proxy.fault = CUT_EACH_ANSWER
    query = partial(trial.run, r.expr(1), pool)
    await trial.driver.cancel(query, when=lambda: pool.stats().retried == 1)
    trial.proxy.fault = None
    started = len(trial.proxy.sent(QueryType.START))
    assert await trial.run(r.expr(2), pool) == 2
    stats = pool.stats()
    assert (stats.in_flight, stats.waiting) == (0, 0), stats
    assert len(trial.proxy.sent(QueryType.START)) == started + 1


async def pool_closed_between_attempts(trial: Trial) -> None:
    """Once a pool is closed, nothing is run again on it."""
    pool = trial.pool(retry=RetryPolicy(first_pause=0.2, longest_pause=0.2))
    await trial.run(r.expr(1), pool)
    trial.proxy.fault = CUT_EACH_ANSWER

    async def run() -> None:
        errors = ReqlConnectionLostError, PoolClosedError
        await trial.fails(errors, "", trial.run, r.expr(1), pool)

    async def close() -> None:
        await trial.until(lambda: pool.stats().retried)
        await trial.do(pool.close)

    await trial.driver.gather(run, close)
    trial.proxy.fault = None


SCENARIOS: tuple[Scenario, ...] = (
    pool_runs_reads_again,
    pool_never_repeats_a_write,
    pool_runs_idempotent_writes_again,
    pool_without_retries,
    pool_gives_up,
    pool_leaves_other_errors_alone,
    pool_cancelled_between_attempts,
    pool_closed_between_attempts,
)
