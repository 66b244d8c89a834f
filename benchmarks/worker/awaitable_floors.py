"""The works on the floors of the loops whose methods return something to await."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Any

from awaitable_clients import CLIENTS
from bare import CONTINUE, PARTIAL
from blocking_floor import (
    Writer,
    changing,
    changing_of,
    getting,
    insertion,
    scanning,
    warm_up,
    write_before,
)
from job import ONE_BY_ONE, Job
from starting import LOOPS

__all__ = ["measure"]


def measure(work: str, job: Job) -> None:
    loop = LOOPS[job.loop]

    async def main(**options: Any) -> None:
        connect = partial(CLIENTS[loop.type], job, **options)
        client = await connect()
        for query in warm_up():
            await client.ask(query)
        for _ in job.turns():
            await globals()[work](job, client, connect, loop.together)

    loop.start(main)


async def get(job: Job, client: Any, connect: Any, together: Any) -> None:
    with job.meter():
        for key in job.wanted_keys():
            (await client.ask(getting(key)))["r"][0]


async def get_spread(job: Job, client: Any, connect: Any, together: Any) -> None:
    keys = list(job.wanted_keys())

    async def work(number: int) -> None:
        for key in keys[number :: job.spread]:
            (await client.ask(getting(key)))["r"][0]

    with job.meter():
        await together([partial(work, number) for number in range(job.spread)])


async def scan(job: Job, client: Any, connect: Any, together: Any) -> None:
    count = 0
    with job.meter():
        async for rows in batches(job, client):
            # A row is not awaited here: an `async for` over rows is the driver's own cost.
            for _ in rows:
                count += 1
            del rows  # before the next are decoded
    job.check(count)


async def scan_list(job: Job, client: Any, connect: Any, together: Any) -> None:
    found: list[Any] = []
    with job.meter():
        async for rows in batches(job, client):
            found += rows
            del rows
    job.check(len(found))
    job.kept()


async def batches(job: Job, client: Any) -> AsyncIterator[list[Any]]:
    token = client.token()
    reply = await client.ask(scanning(job), token)
    while reply["t"] == PARTIAL:
        coming = client.ask(CONTINUE, token)
        yield reply.pop("r")
        reply = await coming
    yield reply.pop("r")


async def insert_batch(job: Job, client: Any, connect: Any, together: Any) -> None:
    inserted, given = 0, job.batches()
    with job.meter():
        for rows in given:
            inserted += (await client.ask(insertion("written", rows)))["r"][0]["inserted"]
    job.check(inserted)


async def insert_one(job: Job, client: Any, connect: Any, together: Any) -> None:
    inserted, given = 0, job.rows()
    with job.meter():
        for row in given:
            inserted += (await client.ask(insertion("written", row)))["r"][0]["inserted"]
    job.check(inserted)


async def feed(job: Job, client: Any, connect: Any, together: Any) -> None:
    changes = await opened(client, changing(**ONE_BY_ONE))
    writer = Writer(job)
    with job.meter():
        writer.start()
        for _ in range(job.items):
            await changes.next()
    writer.close()


async def feed_burst(job: Job, client: Any, connect: Any, together: Any) -> None:
    changes = await opened(client, changing())
    write_before(job)
    with job.meter():
        for _ in range(job.items):
            await changes.next()


async def feeds(job: Job, client: Any, connect: Any, together: Any) -> None:
    opens = [await opened(client, changing_of(key, **ONE_BY_ONE)) for key in range(job.spread)]

    async def work(changes: Changes) -> None:
        for _ in range(job.items // job.spread):
            await changes.next()

    writer = Writer(job, job.spread)
    with job.meter():
        writer.start()
        await together([partial(work, changes) for changes in opens])
    writer.close()


async def hold_connections(job: Job, client: Any, connect: Any, together: Any) -> None:
    job.allow_files()
    with job.meter(held=True):
        held = [await connect() for _ in range(job.items)]
    job.remembers()
    job.check(len(held))


async def hold_feeds(job: Job, client: Any, connect: Any, together: Any) -> None:
    with job.meter(held=True):
        held = [await opened(client, changing_of(key)) for key in range(job.items)]
    job.remembers()
    job.check(len(held))


async def hold_queries(job: Job, client: Any, connect: Any, together: Any) -> None:
    answered: list[Any] = []

    async def work(key: int) -> None:
        answered.append((await client.ask(getting(key)))["t"])

    await job.hold_in_flight(together, work, answered)


async def opened(client: Any, query: bytes) -> Changes:
    token = client.token()
    reply = await client.ask(query, token)
    return Changes(client, token, reply["r"])


class Changes:
    """A feed: reads one batch ahead, and gives its rows one at a time."""

    def __init__(self, client: Any, token: int, rows: list[Any]) -> None:
        self.client, self.token, self.rows = client, token, rows
        self.coming: Awaitable[Any] = client.ask(CONTINUE, token)

    async def next(self) -> Any:
        while not self.rows:
            reply = await self.coming
            self.coming = self.client.ask(CONTINUE, self.token)
            self.rows = reply["r"]
            self.rows.reverse()
        return self.rows.pop()
