"""Scenarios: pools of connections."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlAuthError,
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlUserError,
)
from rethinkdb.pool import PoolClosedError, PoolFullError, PoolTimeoutError
from rethinkdb.ql2 import QueryType

from .trial import PATIENCE, SMALL_BATCHES, SOON, Scenario, Trial

_NEVER = 3600.0

_CLOSED = r"^The pool is closed\.$"

# How often a program tries again before it gives up: each connection that was lost unnoticed may
# cost one query.
_TRIES = 20


# Queries.


async def pool_results(trial: Trial) -> None:
    """A query on a pool gives what it gives on a connection, and so does one that fails. The first
    query opens the pool: making it does not."""
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
    await _closes(trial, pool)


async def pool_refuses_what_is_no_query(trial: Trial) -> None:
    """Whatever goes wrong before a query is sent takes no connection away."""
    pool = trial.pool(max_size=1, per_connection=1)
    assert await trial.run(r.expr(1), pool) == 1
    for _ in range(2):
        await trial.fails(Exception, "", trial.run, r.expr(1), pool, no_such_option=object())
        await trial.fails(Exception, "", trial.do, partial(pool.run, "no term"))
    assert pool.stats().in_flight == 0
    assert await trial.run(r.expr(1), pool) == 1


async def pool_cursors(trial: Trial) -> None:
    """The pool knows which cursors are open: until they are exhausted, closed or forgotten."""
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
    await _tried_until(trial, pool, lambda: not pool.stats().cursors)
    profiled = await trial.run(r.range(), pool, profile=True, **SMALL_BATCHES)
    assert pool.stats().cursors == 1
    await trial.do(profiled["value"].close)
    array = await trial.run(r.expr([1, 2]), pool, as_cursor=True)
    assert [await trial.do(array.next) for _ in range(2)] == [1, 2]
    await trial.until(lambda: not pool.stats().cursors)


async def pool_feeds(trial: Trial) -> None:
    """Changefeeds are counted apart, and leave their connection to others as well."""
    pool = trial.pool(max_size=1, per_connection=1)
    feed = await trial.run(trial.table.changes(), pool)
    assert (pool.stats().feeds, pool.stats().cursors, pool.stats().in_flight) == (1, 0, 0)
    await trial.run(trial.table.insert({"id": 1}), pool)
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    await trial.do(feed.close)
    await trial.until(lambda: not pool.stats().feeds)


async def pool_is_no_value(trial: Trial) -> None:
    """It cannot be copied or pickled, and shows what it is."""
    pool = trial.pool(name="web", password="hunter2")
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        await trial.fails(TypeError, "cannot be copied or pickled", attempt, pool)
    assert repr(pool) == (
        f"<ConnectionPool 'web' 127.0.0.1:{trial.proxy.port} 0 open, 0 in flight>"
    ), pool
    await trial.do(pool.close)
    assert repr(pool).endswith(" closed>")
    await trial.fails(ReqlDriverError, "no event 'lsot'", pool.on, "lsot", print)


# Growing, and waiting.


async def pool_keeps_its_least_size(trial: Trial) -> None:
    """`open()` waits for `min_size` connections; those that are lost are replaced unasked."""
    events: list[str] = []
    pool = trial.pool(min_size=3)
    for name in ("opened", "lost"):
        pool.on(name, lambda event: events.append(event.name))
    assert await trial.do(pool.open) is pool
    assert trial.proxy.clients == 3
    trial.proxy.cut()
    await _tried_until(trial, pool, lambda: pool.stats().lost)
    await trial.until(lambda: trial.proxy.clients >= 3)
    await trial.until(lambda: pool.stats().idle >= 3)
    assert events[:4] == ["opened", "opened", "opened", "lost"]
    await _closes(trial, pool)


async def pool_grows(trial: Trial) -> None:
    """When each connection has `per_connection` queries a further one is opened, up to
    `max_size`; beyond that queries wait."""
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
    assert told == ["exhausted", "recovered"]
    assert (pool.stats().in_flight, pool.stats().waiting) == (0, 0)


async def pool_serves_in_order(trial: Trial) -> None:
    """Who asked first is served first."""
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
    """No more than `max_waiting` wait, and nobody for longer than `acquire_timeout`. The errors
    give the numbers."""
    pool = trial.pool(max_size=1, max_waiting=1)
    conn = await trial.do(pool.acquire)

    async def one_too_many() -> Exception:
        await trial.until(lambda: pool.stats().waiting)
        text = (
            r"^1 queries wait for a connection of the pool already \(`max_waiting`\), the first of"
            r" them for \S+ s: 1 of at most 1 connections open, 0 queries in flight, 1 waiting\. "
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
    assert str(late).startswith("No connection of the pool had room within 0."), late
    assert "1 of at most 1 connections open, 0 queries in flight" in str(late)
    await trial.do(pool.release, conn)
    assert await trial.run(r.expr(1), pool) == 1
    assert (pool.stats().timed_out, pool.stats().refused) == (1, 1)


async def pool_cancelled_waiters(trial: Trial) -> None:
    """Who stops waiting leaves the queue, and takes no connection along."""
    pool = trial.pool(max_size=1, acquire_timeout=_NEVER)
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


async def pool_deadlines(trial: Trial) -> None:
    """A deadline covers waiting for a connection and for the answer, together."""
    pool = trial.pool(max_size=1, deadline=_NEVER)
    conn = await trial.do(pool.acquire)
    text = r"^No connection of the pool had room within 0\.\d+ s: "
    await trial.fails(PoolTimeoutError, text, trial.run, r.expr(1), pool, deadline=SOON)
    limit, part = 1.0, 0.6
    begun = time.monotonic()

    async def release() -> None:
        await trial.driver.sleep(part)
        trial.proxy.hold("reply")
        await trial.do(pool.release, conn)

    query = partial(trial.run, r.expr(1), pool, deadline=limit)
    late, _ = await trial.driver.gather(query, release)
    assert limit * 0.99 <= time.monotonic() - begun < limit + part
    assert str(late) == f"No answer from 127.0.0.1:{trial.proxy.port} within 1 s to 1", late
    trial.proxy.release()
    assert await trial.run(r.expr(1), pool) == 1


# Letting go.


async def pool_retires(trial: Trial) -> None:
    """Old connections are replaced; one with an open cursor is not, until that has ended."""
    pool = trial.pool(min_size=2, max_size=3, max_lifetime=0.1)
    await trial.do(pool.open)
    cursor = await trial.run(r.range(100), pool, **SMALL_BATCHES)
    feed = await trial.run(trial.table.changes(), pool)
    await _tried_until(trial, pool, lambda: pool.stats().retired >= 3)
    assert (pool.stats().cursors, pool.stats().feeds) == (1, 1)
    assert [await trial.do(cursor.next) for _ in range(100)] == list(range(100))
    trial.insert({"id": 1})
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    await trial.do(feed.close)
    await trial.until(lambda: pool.stats().feeds == 0)
    retired = pool.stats().retired
    await _tried_until(trial, pool, lambda: pool.stats().retired >= retired + 3)
    assert pool.stats().errors == 0
    assert pool.stats().lost == 0


async def pool_shrinks(trial: Trial) -> None:
    """Connections that nobody uses are closed, down to `min_size`, and opened again when needed."""
    pool = trial.pool(min_size=0, max_idle=0.1)
    for _ in range(2):
        assert await trial.run(r.expr(1), pool) == 1
        await trial.until(lambda: pool.stats().size == 0)
        await trial.until(lambda: not trial.proxy.clients)
    assert (pool.stats().lost, pool.stats().opened) == (0, 2)


# Failures.


async def pool_survives_a_restart(trial: Trial) -> None:
    """Who asks while the server is away waits, and is served when it is back. So is who asks first
    afterwards, even if nobody has used the pool meanwhile."""
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
    await _closes(trial, pool)


async def pool_tells_why(trial: Trial) -> None:
    """Who waits in vain is told the cause."""
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
    """When a link is lost, queries and cursors on it fail with the cause, and their places are
    free; the next query gets another connection."""
    pool = trial.pool(max_size=1)
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
    """A server that takes long to let anybody in keeps nobody beyond his time; when it does, those
    who still wait are served."""
    pool = trial.pool()
    trial.proxy.hold()
    text = r"had no connection to .* within 0\.\d+ s: .* There was no answer yet\.$"
    await trial.fails(PoolTimeoutError, text, trial.run, r.expr(1), pool, deadline=SOON)

    async def release() -> None:
        await trial.until(lambda: pool.stats().waiting)
        trial.proxy.release()

    answer, _ = await trial.driver.gather(partial(trial.run, r.expr(1), pool), release)
    assert answer == 1
    assert (pool.stats().opened, pool.stats().failed) == (1, 0)


async def pool_with_a_wrong_password(trial: Trial) -> None:
    """What does not pass by waiting is told at once, to each who waits."""
    pool = trial.pool(password="wrong", acquire_timeout=_NEVER)
    text = f"Could not connect to 127.0.0.1:{trial.proxy.port}, Wrong password"
    for method in (partial(trial.run, r.expr(1), pool), pool.open, pool.acquire):
        await trial.fails(ReqlAuthError, text, method)
    await _closes(trial, pool)


async def pool_listeners(trial: Trial) -> None:
    """A listener may use the pool; what it raises harms nobody."""
    pool = trial.pool(max_size=1)
    seen: list[Any] = []

    def listen(event: Any) -> None:
        seen.append((event.name, event.host, pool.stats().opened))
        raise ZeroDivisionError

    pool.on("opened", listen).on("lost", listen)
    assert await trial.run(r.expr(1), pool) == 1
    assert seen == [("opened", f"127.0.0.1:{trial.proxy.port}", 1)]
    trial.proxy.cut()
    await _tried_until(trial, pool, lambda: len(seen) >= 3)
    assert [name for name, _, _ in seen] == ["opened", "lost", "opened"]


# Loans.


async def pool_lends(trial: Trial) -> None:
    """A connection lent is its borrower's alone, and comes back as it was."""
    pool = trial.pool(max_size=1, db="rethinkdb")
    async with _entered(pool.connection()) as conn:
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
    """A connection on which something is left is closed; so is one that its borrower has connected
    anew. One that was closed or lost is replaced."""
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
        await trial.until(partial(_is_closed, conn))
        assert await trial.run(r.expr(1), pool) == 1
        await trial.until(lambda: trial.proxy.clients == 1)
    assert pool.stats().lost == 1, pool.stats()
    await _closes(trial, pool)


async def pool_blocks_that_fail(trial: Trial) -> None:
    """Leaving the block by an exception gives the connection back, too."""
    pool = trial.pool(max_size=1)
    for _ in range(2):
        try:
            async with _entered(pool.connection()) as conn:
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert conn.is_open()
    assert pool.stats().opened == 1
    try:
        async with _entered(pool) as same:
            assert same is pool
            assert await trial.run(r.expr(1), pool) == 1
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    await trial.fails(PoolClosedError, _CLOSED, trial.run, r.expr(1), pool)
    await _ended(trial, pool)


# Closing.


async def pool_closes(trial: Trial) -> None:
    """Closing waits for what is under way, and refuses all else. Twice is no error."""
    pool = trial.pool(max_size=1)
    feed = await trial.run(trial.table.changes(), pool)
    trial.proxy.hold("reply")
    sent = len(trial.proxy.queries)

    async def close() -> None:
        await trial.until(lambda: len(trial.proxy.queries) > sent)
        await trial.do(pool.close, timeout=PATIENCE)

    async def release() -> None:
        await trial.until(lambda: pool.closed)
        for method in (partial(trial.run, r.expr(1), pool), pool.open, pool.acquire):
            await trial.fails(PoolClosedError, _CLOSED, method)
        assert trial.proxy.clients == 1
        trial.proxy.release()

    query = partial(trial.run, r.expr("in time"), pool)
    outcomes = await trial.driver.gather(query, close, close, release)
    assert outcomes == ["in time", None, None, None], outcomes
    await trial.fails(ReqlCursorLostError, "", feed.next)
    await trial.do(pool.close)
    await _ended(trial, pool)


async def pool_closes_in_time(trial: Trial) -> None:
    """Then it ends what is under way: queries, cursors and loans."""
    pool = trial.pool(max_size=3, per_connection=1, min_size=3)
    await trial.do(pool.open)
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    conn = await trial.do(pool.acquire)
    trial.proxy.hold("reply")
    sent = len(trial.proxy.sent(QueryType.START))

    async def close() -> None:
        await trial.until(lambda: len(trial.proxy.sent(QueryType.START)) > sent)
        await trial.do(pool.close, timeout=SOON)

    query = partial(trial.run, r.expr(1), pool)
    outcome, closed = await trial.driver.gather(query, close)
    assert type(outcome) is ReqlConnectionLostError, outcome
    assert closed is None
    assert not conn.is_open()
    assert not cursor.conn.is_open()
    await trial.do(pool.release, conn)
    await _ended(trial, pool)


async def pool_closes_while_dialling(trial: Trial) -> None:
    """Who waits is told; what is being opened is given up."""
    pool = trial.pool(acquire_timeout=_NEVER)
    trial.proxy.hold()

    async def close() -> None:
        await trial.until(lambda: pool.stats().dialling and trial.proxy.held)
        await trial.do(pool.close, timeout=_NEVER)

    outcome, closed = await trial.driver.gather(partial(trial.run, r.expr(1), pool), close)
    assert type(outcome) is PoolClosedError
    assert closed is None
    trial.proxy.release()
    await _ended(trial, pool)


async def pool_closing_cancelled(trial: Trial) -> None:
    """Who gives up waiting for the end ends what is under way."""
    pool = trial.pool()
    cursor = await trial.run(r.range(), pool, **SMALL_BATCHES)
    conn = cursor.conn
    close = partial(trial.do, pool.close, timeout=_NEVER)
    await trial.driver.cancel(close, when=lambda: pool.closed)
    await trial.until(lambda: not conn.is_open())
    await _ended(trial, pool)


async def pools_side_by_side(trial: Trial) -> None:
    """Two pools do not know of each other."""
    first, second = trial.pool(max_size=1), trial.pool(max_size=1)
    conn = await trial.do(first.acquire)
    assert await trial.run(r.expr(1), second) == 1
    await trial.fails(ReqlDriverError, "not acquired from this pool", second.release, conn)
    await trial.do(second.close)
    await trial.do(first.release, conn)
    assert await trial.run(r.expr(1), first) == 1


async def pool_in_another_thread(trial: Trial) -> None:
    """A pool that threads may not share says so."""
    pool = trial.pool()
    assert await trial.run(r.expr(1), pool) == 1
    outcomes: list[Any] = []

    def use() -> None:
        for method in (partial(trial.run, r.expr(1), pool), partial(trial.do, pool.acquire)):
            try:
                outcomes.append(trial.driver.run(method))
            except Exception as exc:
                outcomes.append(exc)

    thread = threading.Thread(target=use)
    thread.start()
    await trial.until(lambda: len(outcomes) == 2)
    thread.join()
    if trial.driver.shared:
        assert outcomes[0] == 1
        await trial.do(pool.release, outcomes[1])
    else:
        assert {type(outcome) for outcome in outcomes} == {ReqlDriverError}, outcomes
        assert all("cannot be used here" in str(outcome) for outcome in outcomes), outcomes
    assert await trial.run(r.expr(1), pool) == 1
    await _closes(trial, pool)


# Help.


@asynccontextmanager
async def _entered(thing: Any) -> AsyncIterator[Any]:
    """`async with`, or `with` where that is the loop's way."""
    if hasattr(thing, "__aenter__"):
        async with thing as same:
            yield same
    else:
        with thing as same:
            yield same


def _is_closed(conn: Any) -> bool:
    return not conn.is_open()


async def _tried_until(trial: Trial, pool: Any, condition: Callable[[], Any]) -> None:
    """Run queries until something is the case. Those that a loss ends are tried again, and what is
    noticed only while somebody waits for the server is noticed."""
    deadline = time.monotonic() + PATIENCE
    in_a_row = 0
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        try:
            assert await trial.run(r.expr("try"), pool) == "try"
            in_a_row = 0
        except ReqlConnectionLostError:
            in_a_row += 1
            assert in_a_row < _TRIES, "no query succeeds any more"
        await trial.driver.sleep(SOON)


async def _closes(trial: Trial, pool: Any) -> None:
    """Check that closing leaves nothing behind."""
    await trial.do(pool.close)
    await _ended(trial, pool)


async def _ended(trial: Trial, pool: Any) -> None:
    await trial.until(lambda: not (trial.proxy.clients or pool.stats().size))
    stats = pool.stats()
    left = stats.size, stats.in_flight, stats.waiting, stats.cursors, stats.feeds, stats.lent
    assert not any(left), stats


SCENARIOS: tuple[Scenario, ...] = (
    pool_results,
    pool_refuses_what_is_no_query,
    pool_cursors,
    pool_feeds,
    pool_is_no_value,
    pool_keeps_its_least_size,
    pool_grows,
    pool_serves_in_order,
    pool_limits_waiting,
    pool_cancelled_waiters,
    pool_cancelled_queries,
    pool_deadlines,
    pool_retires,
    pool_shrinks,
    pool_survives_a_restart,
    pool_tells_why,
    pool_loses_queries,
    pool_with_slow_accepts,
    pool_with_a_wrong_password,
    pool_listeners,
    pool_lends,
    pool_takes_back_what_is_not_clean,
    pool_blocks_that_fail,
    pool_closes,
    pool_closes_in_time,
    pool_closes_while_dialling,
    pool_closing_cancelled,
    pools_side_by_side,
    pool_in_another_thread,
)
