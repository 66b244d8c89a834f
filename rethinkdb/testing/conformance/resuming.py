"""Scenarios: changefeeds that resume after lost links and server restarts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlDriverError,
    ReqlTimeoutError,
)

from .clusters import PERSISTENT, new_cluster, with_hosts
from .pooling.help import closes, quiet
from .trial import PATIENCE, SMALL_BATCHES, SOON, Scenario, Trial

__all__ = ["SCENARIOS"]

WAYS: tuple[dict[str, str], ...] = (
    {"resume": "restart"},
    {"resume": "diff"},
    {"resume": "diff", "remember": "digests"},
)


async def item_of(trial: Trial, feed: Any) -> Any:
    """The next item of a feed. Fails if it takes too long."""
    return await trial.do(feed.next, PATIENCE)


async def feed_is_plain_without_a_loss(trial: Trial) -> None:
    """Without a loss, a resumed feed gives the same items as a plain one."""
    pool = trial.pool()
    trial.insert({"id": 1, "n": 1}, {"id": 2, "n": 1})
    everything = {"include_initial": True, "include_states": True, "include_types": True}
    for chosen, count in (({"include_states": True}, 4), (everything, 7)):
        query = trial.table.changes(**chosen)
        plain = await trial.run(query, pool)
        feeds = [await trial.run(query, pool, **way) for way in WAYS]
        trial.table.get(1).update({"n": r.row["n"] + 1}).run(trial.admin)
        trial.table.insert({"id": 3}).run(trial.admin)
        trial.table.get(3).delete().run(trial.admin)
        expected = [await item_of(trial, plain) for _ in range(count)]
        for feed in feeds:
            assert [await item_of(trial, feed) for _ in range(count)] == expected
            await trial.do(feed.close)
        await trial.do(plain.close)
    await closes(trial, pool)


async def feed_tells_of_a_gap(trial: Trial) -> None:
    """After a loss the feed is run again, and an item about the gap comes first."""
    pool = trial.pool()
    feed = await trial.run(trial.table.changes(), pool, resume="restart")
    for number in range(3):
        trial.insert({"id": number})
        assert (await item_of(trial, feed))["new_val"] == {"id": number}
        trial.proxy.cut()
        gap = await item_of(trial, feed)
        assert gap["state"] == "gap"
        assert isinstance(gap["since"], datetime)
        assert gap["since"] <= gap["until"]
        assert gap["cause"].startswith("Connection is closed")
    await trial.do(feed.close)
    await closes(trial, pool)


async def feed_gives_what_differs(trial: Trial) -> None:
    """After a restart of the server, the feed gives exactly the changes that happened meanwhile."""
    for way in WAYS[1:]:
        pool = trial.pool()
        trial.table.delete().run(trial.admin)
        trial.insert(*({"id": number, "n": 1} for number in range(30)))
        feed = await trial.run(trial.table.changes(), pool, **way)
        trial.proxy.stop()
        trial.table.get(1).update({"n": 2}).run(trial.admin)
        trial.table.get(2).delete().run(trial.admin)
        trial.insert({"id": 99})
        trial.proxy.start()
        told = [await item_of(trial, feed) for _ in range(3)]
        news = {(item["new_val"] or item["old_val"])["id"]: item["new_val"] for item in told}
        assert news == {1: {"id": 1, "n": 2}, 2: None, 99: {"id": 99}}, told
        trial.insert({"id": 100})
        assert await item_of(trial, feed) == {"old_val": None, "new_val": {"id": 100}}
        await trial.do(feed.close)
        await closes(trial, pool)


async def feed_in_step_through_many_cuts(trial: Trial) -> None:
    """A consumer that applies all items has the rows of the table, however often links are cut."""
    pool = trial.pool()
    table = trial.table
    query = table.filter(lambda row: row["n"] < 50).changes(include_initial=True)
    feed = await trial.run(query, pool, resume="diff", **SMALL_BATCHES)
    held: dict[Any, Any] = {}
    for number in range(12):
        documents = [{"id": key, "n": (key * 7 + number * 13) % 60} for key in range(40)]
        table.insert(documents, conflict="replace").run(trial.admin)
        table.get(number).delete().run(trial.admin)
        if number % 2:
            trial.proxy.cut()
        for _ in range(number):
            apply(held, await item_of(trial, feed))
    rows = {row["id"]: row for row in table.filter(r.row["n"] < 50).run(trial.admin)}
    while held != rows:
        apply(held, await item_of(trial, feed))
    await trial.do(feed.close)
    await closes(trial, pool)


def apply(held: dict[Any, Any], item: Any, exact: bool = True) -> None:
    old, new = item.get("old_val"), item["new_val"]
    if old is not None:
        known = held.pop(old["id"])
        assert known == old or not exact
    if new is not None:
        held[new["id"]] = new


async def feed_in_step_on_a_cluster(trial: Trial) -> None:
    """The same on a cluster whose servers die and come back, and whose primaries move."""
    with new_cluster() as cluster:
        hosts = with_hosts(trial, cluster.addresses, retry=PERSISTENT)
        pool = trial.pool(**hosts)
        await trial.run(r.table_create("heroes", replicas=3), pool)
        table = r.table("heroes")
        feeds = [
            await trial.run(query.changes(include_initial=True), pool, **way)
            for query in (table, table.order_by(index=r.desc("id")).limit(3))
            for way in WAYS[1:]
        ]
        held: list[dict[Any, Any]] = [{} for _ in feeds]
        for number in range(6):
            documents = [{"id": key, "n": number} for key in range(number, 20, 3)]
            write = table.insert(documents, conflict="replace")
            await trial.run(write, pool, idempotent=True)
            leader = cluster.primary("test", "heroes") or 0
            if number % 3 == 0:
                cluster.move_primary("test", "heroes", (leader + 1) % 3)
            elif number % 3 == 1:
                cluster.kill(leader)
            else:
                for place in range(3):
                    cluster.start(place)
            await trial.run(table.get(number).delete(), pool, idempotent=True)
        rows = {row["id"]: row for row in await listed(trial, table, pool)}
        top = {key: rows[key] for key in sorted(rows)[-3:]}
        for place, feed in enumerate(feeds):
            while held[place] != (rows if place < 2 else top):
                apply(held[place], await item_of(trial, feed), exact=False)
            await trial.do(feed.close)
        await trial.do(pool.close)


async def feed_of_a_connection_to_several_hosts(trial: Trial) -> None:
    """A feed of a connection resumes at the connection's other hosts, even if the connection itself
    is lost. Closing the connection ends the feed."""
    trial.pool_type()  # the connection makes its own pool to resume the feed
    with new_cluster() as cluster:
        conn = await trial.connect(**with_hosts(trial, cluster.addresses))
        await trial.run(r.table_create("heroes", replicas=3), conn)
        table = r.table("heroes")
        feed = await trial.run(table.changes(), conn, resume="diff")
        ended = await trial.run(table.changes(), conn, resume="restart")
        await trial.do(ended.close)
        items: list[Any] = []
        query = table.changes(include_initial=True)
        handle = query.run_with(items.append, conn, resume="diff")
        for number in range(4):
            await trial.run(table.insert({"id": number}), conn)
            assert (await item_of(trial, feed))["new_val"] == {"id": number}
            cluster.kill(cluster.addresses.index(f"{conn.host}:{conn.port}"))
            await trial.do(conn.reconnect)
            for place in range(3):
                cluster.start(place)
        await trial.until(lambda: len(items) == 4)
        handle.close()
        await trial.do(conn.close)
        await trial.fails(ReqlDriverError, "closed", trial.do, feed.next, PATIENCE)
        run = partial(trial.run, query, conn, resume="diff")
        await trial.fails(ReqlDriverError, "closed", run)


async def listed(trial: Trial, query: Any, pool: Any) -> Any:
    return await trial.run(query.coerce_to("array"), pool)


async def feed_that_waits_hears_of_it(trial: Trial) -> None:
    """If the link is cut during `next()`, this call returns the next item when there is one."""
    pool = trial.pool()
    for way in WAYS[:2]:
        feed = await trial.run(trial.table.changes(), pool, **way)
        heard_of: list[Any] = []

        async def listen(feed: Any = feed, heard_of: list[Any] = heard_of) -> None:
            heard_of.append(await item_of(trial, feed))

        async def cut(heard_of: list[Any] = heard_of, key: str = way["resume"]) -> None:
            await trial.driver.sleep(SOON)
            trial.proxy.cut()
            await heard(trial, heard_of, key, enough=lambda: heard_of)

        assert await trial.beside(cut, listen) is None
        (item,) = heard_of
        if way["resume"] == "restart":
            assert item["state"] == "gap"
        else:
            assert item["new_val"]["id"] == way["resume"], item
        await trial.do(feed.close)
        feed = await trial.run(trial.table.changes(), pool, **way)
        await trial.fails(ReqlTimeoutError, "", trial.do, feed.next, SOON)
        await trial.do(feed.close)
    await closes(trial, pool)


async def feed_as_emitter(trial: Trial) -> None:
    """The listeners of an emitter get gaps, and the items after them."""
    pool = trial.pool()
    feed = await trial.run(trial.table.changes(), pool, resume="restart")
    gaps: list[Any] = []
    items: list[Any] = []
    feed.on("gap", lambda since, until, cause: gaps.append(cause))
    feed.on("data", items.append)
    await heard(trial, items, 1)
    trial.proxy.cut()
    await trial.until(lambda: gaps)
    await heard(trial, items, 2)
    await trial.do(feed.close)
    await closes(trial, pool)


async def heard(
    trial: Trial, items: list[Any], key: Any, enough: Callable[[], Any] = lambda: False
) -> None:
    """Write until an item with this key arrives, or `enough` is true. One write may be in a gap."""
    trial.table.insert({"id": key, "n": 0}).run(trial.admin)

    def is_heard() -> bool:
        trial.table.get(key).update({"n": r.row["n"] + 1}).run(trial.admin)
        return enough() or any((item.get("new_val") or {}).get("id") == key for item in items)

    await trial.until(is_heard)


async def feed_with_a_handler(trial: Trial) -> None:
    """A feed with a handler resumes, too."""
    pool = trial.pool()
    await trial.run(r.expr(1), pool)
    for way in WAYS[:2]:
        items: list[Any] = []
        trial.table.delete().run(trial.admin)
        handle = trial.table.changes().run_with(items.append, pool, **way)
        await trial.until(lambda: pool.stats().feeds)
        await heard(trial, items, 1)
        trial.proxy.cut()
        await heard(trial, items, 2)
        gaps = [item for item in items if item.get("state") == "gap"]
        assert bool(gaps) == (way["resume"] == "restart"), items
        handle.close()
        await trial.do(handle.wait, PATIENCE)
        await quiet(trial, pool)
    await closes(trial, pool)


async def feed_whose_handle_waits_for_the_server(trial: Trial) -> None:
    """`handle.aclose()` waits until the server has confirmed the stop, as for a plain feed."""
    pool = trial.pool()
    handle = trial.table.changes().run_with([].append, pool, resume="restart")
    await trial.until(lambda: pool.stats().feeds)
    trial.proxy.hold("reply")
    closed: list[bool] = []

    async def close() -> bool:
        closed.append(await trial.do(handle.aclose))
        return closed[0]

    async def release() -> bool:
        await trial.until(lambda: trial.proxy.held)
        too_early = bool(closed)
        trial.proxy.release()
        return too_early

    assert await trial.driver.gather(close, release) == [True, False]
    await closes(trial, pool)


SCENARIOS: tuple[Scenario, ...] = (
    feed_is_plain_without_a_loss,
    feed_tells_of_a_gap,
    feed_gives_what_differs,
    feed_in_step_through_many_cuts,
    feed_in_step_on_a_cluster,
    feed_of_a_connection_to_several_hosts,
    feed_that_waits_hears_of_it,
    feed_as_emitter,
    feed_with_a_handler,
    feed_whose_handle_waits_for_the_server,
)
