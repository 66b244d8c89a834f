"""Scenarios: changefeeds that could resume, and end: closed, cancelled, or with an error."""

from __future__ import annotations

from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlCursorEmpty,
    ReqlDriverError,
    ReqlOpFailedError,
    ReqlQueryLogicError,
    ReqlTimeoutError,
)
from rethinkdb.pool import PoolClosedError
from rethinkdb.ql2 import QueryType

from .pooling.help import closes, quiet
from .resuming import WAYS, item_of
from .trial import PATIENCE, SOON, Scenario, Trial

__all__ = ["SCENARIOS"]


async def feed_ends_for_good(trial: Trial) -> None:
    """If the table is dropped, the feed ends with the error of its next run."""
    pool = trial.pool()
    db = r.db(trial.db_name)
    for way in WAYS:
        db.table_create("shortlived").run(trial.admin)
        feed = await trial.run(db.table("shortlived").changes(), pool, **way)
        db.table_drop("shortlived").run(trial.admin)
        text = "shortlived` does not exist"
        for _ in range(2):
            await trial.fails(ReqlOpFailedError, text, trial.do, feed.next, PATIENCE)
    await closes(trial, pool)


async def feed_closed_at_any_time(trial: Trial) -> None:
    """Closing a feed ends it and leaks nothing, while it runs as well as while it is opening."""
    pool = trial.pool()
    for way in WAYS[:2]:
        for meanwhile in ("running", "away"):
            feed = await trial.run(trial.table.changes(), pool, **way)
            if meanwhile == "away":
                trial.proxy.stop()
                await trial.fails(ReqlTimeoutError, "", trial.do, feed.next, SOON)
            await trial.do(feed.close)
            await trial.do(feed.close)
            await trial.fails(ReqlCursorEmpty, "", trial.do, feed.next)
            if meanwhile == "away":
                trial.proxy.start()
        feed = await trial.run(trial.table.changes(), pool, **way)
        del feed  # without a reference to it, the feed closes itself
        await quiet(trial, pool)
    await closes(trial, pool)


async def feed_of_a_pool_that_closes(trial: Trial) -> None:
    """Closing the pool ends a resumed feed as it ends a plain one."""
    for way in WAYS[:2]:
        pool = trial.pool()
        feed = await trial.run(trial.table.changes(), pool, **way)
        await closes(trial, pool)
        await trial.fails(ReqlDriverError, "closed", trial.do, feed.next, PATIENCE)
        query = partial(trial.run, trial.table.changes(), pool, **way)
        await trial.fails(PoolClosedError, "", query)


def asked_since(trial: Trial, before: int) -> bool:
    """Whether the proxy has seen more than `before` queries."""
    return len(trial.proxy.sent(QueryType.START)) > before


async def feed_cancelled_while_it_opens(trial: Trial) -> None:
    """Cancelling while a feed opens leaves nothing behind."""
    pool = trial.pool()
    await trial.run(r.expr(1), pool)
    for way in WAYS[:2]:
        trial.proxy.hold("reply")
        before = len(trial.proxy.sent(QueryType.START))
        await trial.driver.cancel(
            partial(trial.run, trial.table.changes(), pool, **way),
            when=partial(asked_since, trial, before),
        )
        trial.proxy.release()
        await trial.run(r.expr(1), pool)
        await quiet(trial, pool)
    await closes(trial, pool)


async def feed_cancelled_while_it_waits(trial: Trial) -> None:
    """Cancelling `next()` loses no item, even while the server is away."""
    pool = trial.pool()
    feed = await trial.run(trial.table.changes(), pool, resume="diff")
    turns: list[int] = []

    def soon() -> bool:
        turns.append(1)
        return len(turns) > 10

    trial.proxy.stop()
    await trial.driver.cancel(partial(trial.do, feed.next), when=soon)
    trial.insert({"id": 1})
    trial.proxy.start()
    assert (await item_of(trial, feed))["new_val"] == {"id": 1}
    turns.clear()
    await trial.driver.cancel(partial(trial.do, feed.next), when=soon)
    trial.insert({"id": 2})
    assert (await item_of(trial, feed))["new_val"] == {"id": 2}
    await trial.do(feed.close)
    await closes(trial, pool)


async def feed_that_opens_too_slowly(trial: Trial) -> None:
    """The deadline covers the whole opening of a feed."""
    pool = trial.pool()
    await trial.run(r.expr(1), pool)
    for way in WAYS[:2]:
        trial.proxy.hold("reply")
        query = partial(trial.run, trial.table.changes(), pool, deadline=0.1, **way)
        await trial.fails(ReqlTimeoutError, r"within 0\.1 s", query)
        trial.proxy.release()
    await trial.run(r.expr(1), pool)
    await quiet(trial, pool)
    await closes(trial, pool)


async def feed_that_cannot_go_on(trial: Trial) -> None:
    """A query that cannot be resumed is refused, and the error says why."""
    pool = trial.pool()
    table = trial.table
    conn = await trial.connect()
    refusals: tuple[tuple[Any, dict[str, Any], str], ...] = (
        (table.changes(), {"resume": "always"}, "must be"),
        (table.changes(), {"resume": "diff", "remember": "all"}, "`remember` must be"),
        (table.changes(), {"resume": "restart", "remember": "rows"}, "goes with"),
        (table.changes(), {"remember": "rows"}, "goes with"),
        (table.changes(), {"resume": "restart", "noreply": True}, "exclude each other"),
        (table.count(), {"resume": "restart"}, "is for changefeeds"),
        (table.changes().limit(2), {"resume": "diff"}, "must end in"),
        (table.pluck("n").changes(), {"resume": "diff"}, "takes the field 'id' away"),
        (table.union(table).changes(), {"resume": "diff"}, "rows of `union`"),
    )
    for query, options, text in refusals:
        await trial.fails(ReqlDriverError, text, trial.run, query, pool, **options)
    for options in ({"resume": "diff"}, {"remember": "rows"}):
        text = r"needs a pool|goes with"
        await trial.fails(ReqlDriverError, text, trial.run, table.changes(), conn, **options)
    for options in ({}, {"resume": None}):
        await trial.do((await trial.run(table.changes(), conn, **options)).close)
        await trial.do((await trial.run(table.changes(), pool, **options)).close)
    for way in WAYS[:2]:
        query = table.changes(squash=-1)
        await trial.fails(ReqlQueryLogicError, "", trial.run, query, pool, **way)
    await trial.usable(conn)
    await trial.do(conn.close)
    await quiet(trial, pool)
    await closes(trial, pool)


SCENARIOS: tuple[Scenario, ...] = (
    feed_ends_for_good,
    feed_closed_at_any_time,
    feed_of_a_pool_that_closes,
    feed_cancelled_while_it_opens,
    feed_cancelled_while_it_waits,
    feed_that_opens_too_slowly,
    feed_that_cannot_go_on,
)
