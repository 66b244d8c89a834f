"""Scenarios: cursors and changefeeds on a link that is not lost."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlCursorEmpty,
    ReqlUserError,
)
from rethinkdb.ql2 import QueryType

from .trial import SMALL_BATCHES, Scenario, Trial, is_awaited


async def batches(trial: Trial) -> None:
    """A cursor asks for each batch in turn, and for none after the last."""
    conn = await trial.connect()
    cursor = await trial.run(r.range(1000), conn, **SMALL_BATCHES)
    assert await trial.do(cursor.to_list) == [*range(1000)]
    assert len(trial.proxy.sent(QueryType.CONTINUE)) > 10
    assert not trial.proxy.sent(QueryType.STOP)
    await trial.nothing_leaked(conn)


async def ways_to_iterate(trial: Trial) -> None:
    """Iteration, `fetch_next` with `next`, `next` to the end: all give the same items."""
    conn = await trial.connect()
    items = [*range(50)]
    for way in (_iterate, _fetch, _take):
        cursor = await trial.run(r.range(50), conn, **SMALL_BATCHES)
        assert await way(trial, cursor) == items, way
        assert await way(trial, cursor) == [], "a cursor is passed once"


async def _iterate(trial: Trial, cursor: Any) -> list[Any]:
    if hasattr(cursor, "__aiter__"):
        return [item async for item in cursor]
    return list(cursor)


async def _fetch(trial: Trial, cursor: Any) -> list[Any]:
    items = []
    while await trial.do(cursor.fetch_next):
        items.append(await trial.do(cursor.next))
    return items


async def _take(trial: Trial, cursor: Any) -> list[Any]:
    items = []
    try:
        while True:
            items.append(await trial.do(cursor.next))
    except ReqlCursorEmpty:
        return items


async def the_end_of_a_cursor(trial: Trial) -> None:
    """At the end, each call of `next` raises."""
    conn = await trial.connect()
    cursor = await trial.run(r.range(1), conn)
    assert await trial.do(cursor.next) == 0
    for _ in range(2):
        await trial.fails(ReqlCursorEmpty, "Cursor is empty", cursor.next)
        assert not await trial.do(cursor.fetch_next)
    assert isinstance(cursor.error, ReqlCursorEmpty)


async def items_before_an_error(trial: Trial) -> None:
    """The items come first. Then each call raises the error."""
    conn = await trial.connect()
    query = r.range(100).map(lambda n: r.branch(n == 50, r.error("boom"), n))
    cursor = await trial.run(query, conn, **SMALL_BATCHES)
    items = []
    caught = 0
    for expected in count():
        assert await trial.do(cursor.fetch_next)
        try:
            items.append(await trial.do(cursor.next))
        except ReqlUserError:
            caught += 1
            if caught == 2:
                break
        else:
            assert items[-1] == expected
    assert isinstance(cursor.error, ReqlUserError)
    await trial.usable(conn)


async def a_feed_beside_queries(trial: Trial) -> None:
    """A waiting changefeed does not block other queries, and gives the changes they make."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)

    async def follow() -> list[Any]:
        return [(await trial.do(feed.next))["new_val"]["id"] for _ in range(20)]

    async def write() -> None:
        for n in range(20):
            assert (await trial.run(trial.table.insert({"id": n}), conn))["inserted"] == 1

    assert await trial.driver.gather(follow, write) == [[*range(20)], None]
    await trial.do(feed.close)
    await trial.usable(conn)


async def two_feeds(trial: Trial) -> None:
    """Two changefeeds on one connection do not affect each other."""
    conn = await trial.connect()
    feeds = [
        await trial.run(trial.table.filter(r.row["id"] % 2 == n).changes(), conn) for n in (0, 1)
    ]
    trial.insert(*({"id": n} for n in range(10)))
    for n, feed in enumerate(feeds):
        ids = [(await trial.do(feed.next))["new_val"]["id"] for _ in range(5)]
        assert sorted(ids) == [*range(n, 10, 2)]


async def several_wait_for_one_feed(trial: Trial) -> None:
    """Each waiter gets one item, and no item is lost."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)

    async def wait() -> Any:
        return (await trial.do(feed.next))["new_val"]["id"]

    async def write() -> None:
        trial.insert(*({"id": n} for n in range(5)))

    ids = await trial.driver.gather(wait, wait, wait, wait, wait, write)
    assert sorted(ids[:5]) == [*range(5)]


async def cancelling_a_wait_for_an_item(trial: Trial) -> None:
    """If a wait for an item is cancelled, the item goes to the next caller."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)
    await trial.until(lambda: trial.proxy.sent(QueryType.CONTINUE))
    for method in (feed.fetch_next, feed.next):
        await trial.driver.cancel(partial(trial.do, method), when=lambda: is_awaited(feed))
    trial.insert({"id": 1})
    assert (await trial.do(feed.next))["new_val"] == {"id": 1}
    assert not trial.proxy.sent(QueryType.STOP)
    await trial.usable(conn)


async def break_closes(trial: Trial) -> None:
    """`break` out of a loop over a query's result stops the query on the server."""
    conn = await trial.connect()
    assert await _first(await trial.run(r.range(), conn, **SMALL_BATCHES)) == 0
    await trial.until(lambda: trial.proxy.sent(QueryType.STOP))
    await trial.nothing_leaked(conn)


async def _first(cursor: Any) -> Any:
    if not hasattr(cursor, "__aiter__"):
        for item in cursor:
            return item
    async for item in cursor:
        return item
    raise AssertionError("it is empty")


async def break_with_a_cursor_kept(trial: Trial) -> None:
    """After a `break`, a cursor in a variable can still be used."""
    conn = await trial.connect()
    cursor = await trial.run(r.range(), conn, **SMALL_BATCHES)
    assert await _first(cursor) == 0
    assert await trial.do(cursor.next) == 1
    await trial.do(cursor.close)


async def waiting_holds_the_cursor(trial: Trial) -> None:
    """A wait continues even if nothing else refers to its cursor."""
    conn = await trial.connect()

    async def wait() -> Any:
        return await trial.do((await trial.run(trial.table.changes(), conn)).next)

    async def write() -> None:
        await trial.until(lambda: trial.proxy.sent(QueryType.CONTINUE))
        trial.insert({"id": 1})

    change = await trial.beside(write, wait)
    assert change["new_val"] == {"id": 1}


async def closing_a_cursor(trial: Trial) -> None:
    """The server is told to stop. Items that have arrived can still be taken, then nothing."""
    conn = await trial.connect()
    cursor = await trial.run(r.range(), conn, **SMALL_BATCHES)
    assert await trial.do(cursor.next) == 0
    await trial.do(cursor.close)
    await trial.do(cursor.close)
    arrived = len(cursor.items)
    assert len(await _take(trial, cursor)) == arrived
    await trial.until(lambda: trial.proxy.sent(QueryType.STOP))
    await trial.usable(conn)
    assert len(trial.proxy.sent(QueryType.STOP)) == 1
    await trial.nothing_leaked(conn)


async def closing_a_cursor_ends_waits(trial: Trial) -> None:
    """If a cursor is closed, waits for its items raise."""
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)

    async def close() -> None:
        await trial.until(lambda: is_awaited(feed))
        await trial.do(feed.close)

    outcome = await trial.beside(close, partial(trial.do, feed.next))
    assert isinstance(outcome, ReqlCursorEmpty)
    await trial.usable(conn)


SCENARIOS: tuple[Scenario, ...] = (
    batches,
    ways_to_iterate,
    the_end_of_a_cursor,
    items_before_an_error,
    a_feed_beside_queries,
    two_feeds,
    several_wait_for_one_feed,
    cancelling_a_wait_for_an_item,
    break_closes,
    break_with_a_cursor_kept,
    waiting_holds_the_cursor,
    closing_a_cursor,
    closing_a_cursor_ends_waits,
)
