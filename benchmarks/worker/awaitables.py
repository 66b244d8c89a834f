"""Loops whose methods return something to await, of this driver or the official package.

Coroutines, Futures and Deferreds can all be awaited, so one source serves all of these loops. Only
how a program starts, and how it runs several things at once, differs: see `LOOPS`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

import queries
from job import Job, Unsupported
from limit import trigger
from queries import r

__all__ = ["measure"]

Main = Callable[..., Coroutine[Any, Any, None]]
Jobs = list[Callable[[], Coroutine[Any, Any, None]]]


def measure(work: str, job: Job) -> None:
    loop = LOOPS[job.loop]
    r.set_loop_type(loop.type)

    async def main(**options: Any) -> None:
        conn = await queries.connect(job, **options)
        for query in queries.warm_up():
            await query.run(conn)
        await globals()[work](job, conn, partial(queries.connect, job, **options), loop.together)
        # The process ends here. Closing is measured by `connect`.
        # On trio the official package fails at it.

    loop.start(main)


async def done(result: Any) -> None:
    """Some of the official package's methods return None where others return an awaitable."""
    if result is not None:
        await result


async def connect(job: Job, conn: Any, connect: Any, together: Any) -> None:
    with job.meter():
        for _ in range(job.items):
            another = await connect()
            await done(another.close())


async def scan_for(job: Job, conn: Any, connect: Any, together: Any) -> None:
    count = 0
    with job.meter():
        async for _ in iterable(await queries.scan(job).run(conn)):
            count += 1
    job.check(count)


def iterable(cursor: Any) -> Any:
    if not hasattr(cursor, "__aiter__"):
        raise Unsupported("its cursors have no `async for`")
    return cursor


async def scan_next(job: Job, conn: Any, connect: Any, together: Any) -> None:
    count = 0
    with job.meter():
        cursor = await queries.scan(job).run(conn)
        while await more(cursor):
            await cursor.next()
            count += 1
    job.check(count)


async def more(cursor: Any) -> bool:
    try:
        return bool(await cursor.fetch_next())
    except r.ReqlCursorEmpty:  # how the official package's trio cursors end
        return False


async def scan_list(job: Job, conn: Any, connect: Any, together: Any) -> None:
    with job.meter():
        found = await listed(await queries.scan(job).run(conn))
    job.check(len(found))
    job.kept()


async def scan_structs(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await _scan_as(queries.struct(), job, conn)


async def scan_dataclasses(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await _scan_as(queries.Hero, job, conn)


async def _scan_as(row_type: Any, job: Job, conn: Any) -> None:
    with job.meter():
        found = await listed(await queries.scan(job).run(conn, as_type=row_type))
    job.check(len(found))
    job.kept()


async def listed(cursor: Any) -> list[Any]:
    """All rows, in the shortest way that the driver offers."""
    if hasattr(cursor, "to_list"):
        rows: list[Any] = await cursor.to_list()
        return rows
    if hasattr(cursor, "__aiter__"):
        return [row async for row in cursor]
    found = []
    while await cursor.fetch_next():
        found.append(await cursor.next())
    return found


async def get(job: Job, conn: Any, connect: Any, together: Any) -> None:
    with job.meter():
        for key in job.wanted_keys():
            await queries.get(key).run(conn)


async def get_on_pool(job: Job, conn: Any, connect: Any, together: Any) -> None:
    async with queries.pool(job) as pool:
        await get(job, pool, connect, together)


async def get_spread_on_pool(job: Job, conn: Any, connect: Any, together: Any) -> None:
    async with queries.pool(job) as pool:
        await get_spread(job, pool, connect, together)


async def get_spread_by_deadline(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await get_spread(job, await connect(deadline=60.0), connect, together)


async def get_spread_kept_alive(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await get_spread(job, await connect(keepalive=20.0), connect, together)


async def get_spread_counted(job: Job, conn: Any, connect: Any, together: Any) -> None:
    with queries.counted(conn):
        await get_spread(job, conn, connect, together)


async def get_spread(job: Job, conn: Any, connect: Any, together: Any) -> None:
    keys = list(job.wanted_keys())

    async def work(number: int) -> None:
        for key in keys[number :: job.spread]:
            await queries.get(key).run(conn)

    with job.meter():
        await together([partial(work, number) for number in range(job.spread)])


async def insert_batch(job: Job, conn: Any, connect: Any, together: Any) -> None:
    inserted, given = 0, job.batches()
    with job.meter():
        for rows in given:
            inserted += (await queries.insert(rows).run(conn))["inserted"]
    job.check(inserted)


async def insert_one(job: Job, conn: Any, connect: Any, together: Any) -> None:
    inserted, rows = 0, job.rows()
    with job.meter():
        for row in rows:
            inserted += (await queries.insert(row).run(conn))["inserted"]
    job.check(inserted)


async def feed(job: Job, conn: Any, connect: Any, together: Any) -> None:
    cursor = await queries.changes().run(conn, **queries.ONE_BY_ONE)
    with job.meter():
        writer = trigger(job)
        for _ in range(job.items):
            await cursor.next()
    writer.close()


async def feed_burst(job: Job, conn: Any, connect: Any, together: Any) -> None:
    cursor = await queries.changes().run(conn)
    writer = trigger(job, wait=True)
    with job.meter():
        for _ in range(job.items):
            await cursor.next()
    writer.close()


async def resumed(job: Job, options: dict[str, Any], wait: bool = False) -> None:
    async with queries.pool(job) as pool:
        cursor = await queries.own_changes().run(pool, **options)
        if wait:
            writer = trigger(job, wait=True)
        with job.meter():
            if not wait:
                writer = trigger(job)
            for _ in range(job.items):
                await cursor.next()
        writer.close()
        await cursor.close()


async def feed_restart(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await resumed(job, {**queries.ONE_BY_ONE, **queries.WAYS["restart"]})


async def feed_diff(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await resumed(job, {**queries.ONE_BY_ONE, **queries.WAYS["diff"]})


async def feed_digests(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await resumed(job, {**queries.ONE_BY_ONE, **queries.WAYS["digests"]})


async def feed_burst_restart(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await resumed(job, queries.WAYS["restart"], wait=True)


async def feed_burst_diff(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await resumed(job, queries.WAYS["diff"], wait=True)


async def feed_burst_digests(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await resumed(job, queries.WAYS["digests"], wait=True)


async def remembered(job: Job, options: dict[str, Any]) -> None:
    async with queries.pool(job) as pool:
        with job.meter():
            cursor = await queries.r.table(job.table).changes().run(pool, **options)
        job.remembers()
        await cursor.close()


async def remember_rows(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await remembered(job, queries.WAYS["diff"])


async def remember_digests(job: Job, conn: Any, connect: Any, together: Any) -> None:
    await remembered(job, queries.WAYS["digests"])


async def feeds(job: Job, conn: Any, connect: Any, together: Any) -> None:
    cursors = [
        await queries.changes_of(key).run(conn, **queries.ONE_BY_ONE) for key in range(job.spread)
    ]

    async def work(cursor: Any) -> None:
        for _ in range(job.items // job.spread):
            await cursor.next()

    with job.meter():
        writer = trigger(job, job.spread)
        await together([partial(work, cursor) for cursor in cursors])
    writer.close()


# The loops


def start_asyncio(main: Main) -> None:
    import asyncio

    asyncio.run(main())


async def together_asyncio(works: Jobs) -> None:
    import asyncio

    await asyncio.gather(*[work() for work in works])


def start_uvloop(main: Main) -> None:
    import uvloop

    uvloop.run(main())


def start_tornado(main: Main) -> None:
    from tornado.ioloop import IOLoop

    IOLoop().run_sync(main)


def start_trio(main: Main) -> None:
    import trio

    async def within() -> None:
        async with trio.open_nursery() as nursery:
            await main(nursery=nursery)
            nursery.cancel_scope.cancel()  # the connection's reader

    trio.run(within)


async def together_trio(works: Jobs) -> None:
    import trio

    async with trio.open_nursery() as nursery:
        for work in works:
            nursery.start_soon(work)


def start_twisted(main: Main) -> None:
    from importlib import import_module

    from twisted.internet.defer import ensureDeferred
    from twisted.python.failure import Failure

    reactor: Any = import_module("twisted.internet.reactor")
    ends: list[Any] = []

    def end(result: Any) -> None:
        ends.append(result)
        reactor.callLater(0, reactor.stop)  # it may not run yet

    ensureDeferred(main()).addBoth(end)
    reactor.run()
    if isinstance(ends[0], Failure):
        ends[0].raiseException()


async def together_twisted(works: Jobs) -> None:
    from twisted.internet.defer import ensureDeferred, gatherResults

    await gatherResults([ensureDeferred(work()) for work in works])


class Loop(NamedTuple):
    """How programs of one kind start, and run several things at once."""

    type: str  # for r.set_loop_type
    start: Callable[[Main], None]
    together: Callable[[Jobs], Awaitable[None]]


LOOPS = {
    "asyncio": Loop("asyncio", start_asyncio, together_asyncio),
    "uvloop": Loop("asyncio", start_uvloop, together_asyncio),
    "tornado": Loop("tornado", start_tornado, together_asyncio),
    "trio": Loop("trio", start_trio, together_trio),
    "twisted": Loop("twisted", start_twisted, together_twisted),
}
