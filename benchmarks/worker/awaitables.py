"""Loops whose methods return something to await, of this driver or the official package.

Coroutines, Futures and Deferreds can all be awaited, so one source serves all of these loops. Only
how a program starts, and how it runs several things at once, differs: see `starting`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import queries
from blocking_floor import Writer, write_before
from job import Job, Unsupported
from queries import r
from starting import LOOPS

__all__ = ["measure"]


def measure(work: str, job: Job) -> None:
    loop = LOOPS[job.loop]
    r.set_loop_type(loop.type)

    async def main(**options: Any) -> None:
        conn = await queries.connect(job, **options)
        for query in queries.warm_up():
            await query.run(conn)
        connect = partial(queries.connect, job, **options)
        for _ in job.turns():
            await globals()[work](job, conn, connect, loop.together)
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
        for part in (job.warm_up(), job):
            await get(part, pool, connect, together)


async def get_spread_on_pool(job: Job, conn: Any, connect: Any, together: Any) -> None:
    async with queries.pool(job) as pool:
        for part in (job.warm_up(), job):
            await get_spread(part, pool, connect, together)


async def get_spread_by_deadline(job: Job, conn: Any, connect: Any, together: Any) -> None:
    another = await connect(deadline=60.0)
    await get_spread(job, another, connect, together)
    await another.close()


async def get_spread_kept_alive(job: Job, conn: Any, connect: Any, together: Any) -> None:
    another = await connect(keepalive=20.0)
    await get_spread(job, another, connect, together)
    await another.close()


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
    writer = Writer(job)
    with job.meter():
        writer.start()
        for _ in range(job.items):
            await cursor.next()
    writer.close()


async def feed_burst(job: Job, conn: Any, connect: Any, together: Any) -> None:
    cursor = await queries.changes().run(conn)
    write_before(job)
    with job.meter():
        for _ in range(job.items):
            await cursor.next()


async def resumed(job: Job, options: dict[str, Any], wait: bool = False) -> None:
    async with queries.pool(job) as pool:
        cursor = await queries.own_changes().run(pool, **options)
        writer = Writer(job)
        if wait:
            write_before(job)
        with job.meter():
            if not wait:
                writer.start()
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
        with job.meter(held=True):
            cursor = await queries.changes_of_items(job).run(pool, **options)
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

    writer = Writer(job, job.spread)
    with job.meter():
        writer.start()
        await together([partial(work, cursor) for cursor in cursors])
    writer.close()


async def hold_connections(job: Job, conn: Any, connect: Any, together: Any) -> None:
    job.allow_files()
    with job.meter(held=True):
        held = [await connect() for _ in range(job.items)]
    job.remembers()
    job.check(len(held))


async def hold_feeds(job: Job, conn: Any, connect: Any, together: Any) -> None:
    with job.meter(held=True):
        held = [await queries.changes_of(key).run(conn) for key in range(job.items)]
    job.remembers()
    job.check(len(held))


async def hold_queries(job: Job, conn: Any, connect: Any, together: Any) -> None:
    answered: list[Any] = []

    async def work(key: int) -> None:
        answered.append(await queries.get(key).run(conn))

    await job.hold_in_flight(together, work, answered)
