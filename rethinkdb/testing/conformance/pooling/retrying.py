"""Scenarios: which failed queries a pool runs again, and which not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlConnectionLostError, ReqlCursorLostError, ReqlNonExistenceError
from rethinkdb.pool import PoolClosedError, RetryPolicy
from rethinkdb.ql2 import QueryType

from ...proxy import Fault
from ..trial import PATIENCE, SMALL_BATCHES, Scenario, Trial
from .help import NEVER

__all__ = ["SCENARIOS"]

CUT_EACH_ANSWER = Fault("cut", "reply")


async def cut_once(trial: Trial, query: Any) -> Any:
    """Run a query. At its first try, the link is lost before the answer."""
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
    """If the link of a write is lost, the write may have been done. It is not sent again, and the
    error says so."""
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
    """A write marked as idempotent is run again. The mark is not sent to the server."""
    pool = trial.pool()
    write = trial.table.insert({"id": 1}, conflict="replace")
    done = await cut_once(trial, partial(trial.run, write, pool, idempotent=True))
    assert done["errors"] == 0, done
    assert pool.stats().retried == 1
    conn = await trial.connect()
    assert (await trial.run(write, conn, idempotent=True))["errors"] == 0


async def pool_without_retries(trial: Trial) -> None:
    """If retrying is off, each loss raises."""
    pool = trial.pool(retry=None)

    async def run() -> None:
        exc = await trial.fails(ReqlConnectionLostError, "", trial.run, r.expr(1), pool)
        assert "ried" not in str(exc), exc

    await cut_once(trial, run)
    assert pool.stats().retried == 0


async def pool_gives_up(trial: Trial) -> None:
    """After the last attempt, the error says how many there were and where, and has the cause."""
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
    """An error that would be the same again is raised at once, unchanged."""
    pool = trial.pool()
    started = len(trial.proxy.sent(QueryType.START))
    exc = await trial.fails(ReqlNonExistenceError, "No attribute", trial.run, r.expr({})["a"], pool)
    assert "ried" not in str(exc)
    assert len(trial.proxy.sent(QueryType.START)) == started + 1


async def pool_cancelled_between_attempts(trial: Trial) -> None:
    """Cancelling a query that waits for its next attempt ends it, and leaves nothing behind."""
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


async def lost_before_a_row(trial: Trial, take: Callable[[Any], Any], **options: Any) -> Any:
    """Take from a cursor whose link is lost before anything was taken."""
    pool = trial.pool(**options)
    cursor = await trial.run(r.range(35), pool, **SMALL_BATCHES)
    trial.proxy.cut()
    await trial.until(lambda: pool.stats().lost or loops_that_look_late(trial))
    try:
        return await take(cursor)
    finally:
        assert pool.stats().in_flight == 0


def loops_that_look_late(trial: Trial) -> bool:
    """Whether a loop notices a loss only when it waits. Until then, it gives the rows it has."""
    return trial.connection_type.__module__ == "rethinkdb.loops.blocking"


async def pool_begins_cursors_anew(trial: Trial) -> None:
    """If the link is lost before a cursor has given a row, the cursor restarts."""

    async def rows(cursor: Any) -> list[Any]:
        return list(await trial.do(cursor.to_list))

    async def first(cursor: Any) -> Any:
        assert await trial.do(cursor.fetch_next)
        return await trial.do(cursor.next)

    assert await lost_before_a_row(trial, rows) == list(range(35))
    assert await lost_before_a_row(trial, first) == 0
    cursor = await trial.run(r.range(35), trial.pool(), **SMALL_BATCHES)
    assert await rows(cursor) == list(range(35))


async def pool_cursor_with_a_limit_gives_what_it_has(trial: Trial) -> None:
    """With a limit there is no time to restart: the rows that have arrived, and then the loss."""

    async def rows(cursor: Any) -> list[Any]:
        taken = [await trial.do(cursor.next, PATIENCE)]
        assert await trial.do(cursor.fetch_next, PATIENCE)
        with suppress(ReqlCursorLostError):
            while True:
                taken.append(await trial.do(cursor.next, PATIENCE))
        return taken

    taken = await lost_before_a_row(trial, rows)
    assert taken == list(range(len(taken)))
    assert 0 < len(taken) < 35


async def pool_begins_lists_anew(trial: Trial) -> None:
    """`to_list()` restarts after a loss, because no row has been given out yet."""
    pool = trial.pool()
    cursor = await trial.run(r.range(95), pool, **SMALL_BATCHES)
    trial.proxy.hold("reply")

    async def cut() -> None:
        await trial.until(lambda: trial.proxy.held)
        trial.proxy.cut()
        trial.proxy.release()

    rows, _ = await trial.driver.gather(partial(trial.do, cursor.to_list), cut)
    assert rows == list(range(95)), rows
    assert pool.stats().retried == 1
    assert pool.stats().cursors == 0


async def pool_goes_on_with_no_cursor(trial: Trial) -> None:
    """After a cursor has given a row, a loss raises, after the rows that have arrived."""
    pool = trial.pool()
    cursor = await trial.run(r.range(35), pool, **SMALL_BATCHES)
    assert await trial.do(cursor.next) == 0
    trial.proxy.hold("reply")
    trial.proxy.cut()
    trial.proxy.release()
    seen = [0]

    async def take_all() -> None:
        while True:
            seen.append(await trial.do(cursor.next))

    await trial.fails(ReqlCursorLostError, "", take_all)
    assert seen == list(range(len(seen)))
    assert pool.stats().retried == 0


async def pool_begins_no_feed_anew(trial: Trial) -> None:
    """A restarted changefeed would miss changes, so a loss raises; also for a closed cursor."""
    pool = trial.pool()
    feed = await trial.run(trial.table.changes(), pool)
    cursor = await trial.run(r.range(35), pool, **SMALL_BATCHES)
    await trial.do(cursor.close)
    trial.proxy.cut()
    await trial.fails(ReqlCursorLostError, "", trial.do, feed.next)
    rows = await trial.do(cursor.to_list)
    assert rows == list(range(len(rows)))
    assert pool.stats().retried == 0


async def pool_gives_cursors_up(trial: Trial) -> None:
    """If a cursor cannot be restarted, it gives the rows that have arrived, and then raises."""
    pool = trial.pool(retry=RetryPolicy(attempts=2, first_pause=0.001))
    cursor = await trial.run(r.range(35), pool, **SMALL_BATCHES)
    trial.proxy.fault = CUT_EACH_ANSWER
    trial.proxy.cut()
    await trial.until(lambda: pool.stats().lost or loops_that_look_late(trial))
    seen = []

    async def take_all() -> None:
        while True:
            seen.append(await trial.do(cursor.next))

    exc: Any = await trial.fails(ReqlConnectionLostError, "", take_all)
    trial.proxy.fault = None
    assert seen == list(range(len(seen))), seen
    if not loops_that_look_late(trial):
        assert exc.tries == 2, exc


SCENARIOS: tuple[Scenario, ...] = (
    pool_runs_reads_again,
    pool_never_repeats_a_write,
    pool_runs_idempotent_writes_again,
    pool_without_retries,
    pool_gives_up,
    pool_leaves_other_errors_alone,
    pool_cancelled_between_attempts,
    pool_closed_between_attempts,
    pool_begins_cursors_anew,
    pool_cursor_with_a_limit_gives_what_it_has,
    pool_begins_lists_anew,
    pool_goes_on_with_no_cursor,
    pool_begins_no_feed_anew,
    pool_gives_cursors_up,
)
