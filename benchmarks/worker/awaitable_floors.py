"""The floors of the loops whose methods return something to await; see `frames`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from functools import partial
from typing import Any

from bare import CONTINUE, HEADER, PARTIAL, logging_in
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
from frames import READ_SIZE, Frames, dialled
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


# Works


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


# The clients


class AsyncioClient(Frames, asyncio.BufferedProtocol):
    """A Future a query. Tornado's loop is asyncio's, and so are its Futures."""

    #: Of all connections: nothing stays in it beyond one call.
    room = memoryview(bytearray(READ_SIZE))

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        # Not by a method that calls it: the floor makes no call that it can do without.
        self.write = transport.write  # type: ignore[method-assign]

    def ask(self, payload: bytes, token: int = 0) -> asyncio.Future[Any]:
        future = self.loop.create_future()
        self.put(payload, future.set_result, token or self.token())
        return future

    def soon(self) -> None:
        self.loop.call_soon(self.flush)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.rest or self.room

    def buffer_updated(self, count: int) -> None:
        if self.rest is not None:
            self.filled(count)
        else:
            self.received(bytes(self.room[:count]))


class EncryptedClient(AsyncioClient):
    """Logs in by itself: a socket that has done so cannot be handed to a transport for TLS."""

    def __init__(self) -> None:
        super().__init__()
        self.open = self.loop.create_future()
        self._steps, self._texts = logging_in(), b""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.write(next(self._steps))

    def received(self, data: bytes) -> None:
        *texts, self._texts = (self._texts + data).split(b"\0")
        try:
            for text in texts:
                self.write(self._steps.send(text))
        except StopIteration:
            self.received = super().received  # type: ignore[method-assign]  # logged in: now frames come
            self.open.set_result(None)


async def asyncio_client(job: Job, **options: Any) -> AsyncioClient:
    loop = asyncio.get_running_loop()
    if job.trusted is not None:
        context = ssl.create_default_context(cafile=job.trusted)
        _, secure = await loop.create_connection(EncryptedClient, job.host, job.port, ssl=context)
        await secure.open
        return secure
    _, client = await loop.create_connection(AsyncioClient, sock=dialled(job))
    return client


async def twisted_client(job: Job, **options: Any) -> Any:
    import socket
    from importlib import import_module

    from twisted.internet.defer import Deferred
    from twisted.internet.protocol import Factory, Protocol

    reactor: Any = import_module("twisted.internet.reactor")

    class TwistedClient(Frames, Protocol):
        """A Deferred a query. The transport itself joins what is written in one turn."""

        def ask(self, payload: bytes, token: int = 0) -> Deferred[Any]:
            deferred: Deferred[Any] = Deferred()
            self.put(payload, deferred.callback, token or self.token())
            return deferred

        def put(self, payload: bytes, settle: Any, token: int) -> None:
            self.waiting[token] = settle
            self.transport.write(HEADER.pack(token, len(payload)) + payload)

        def dataReceived(self, data: bytes) -> None:  # noqa: N802
            if self.rest is not None:  # a transport gives bytes, and reads into nothing else
                count = min(len(data), len(self.rest))
                self.rest[:count] = data[:count]
                self.filled(count)
                data = data[count:]
            if data:
                self.received(data)

    client = TwistedClient()
    factory = Factory.forProtocol(lambda: client)
    sock = dialled(job)
    reactor.adoptStreamConnection(sock.fileno(), socket.AF_INET, factory)
    sock.close()  # the reactor has its own copy
    return client


async def trio_client(job: Job, nursery: Any) -> Any:
    client = TrioClient(dialled(job))
    nursery.start_soon(client.reading)
    await nursery.start(client.writing)
    return client


class Asked:
    """A query on trio, and the task that waits for its reply."""

    __slots__ = ("lowlevel", "reply", "task")

    def __init__(self, lowlevel: Any) -> None:
        self.lowlevel = lowlevel
        self.reply: Any = None
        self.task: Any = None

    def settle(self, reply: Any) -> None:
        self.reply = reply
        if self.task is not None:
            self.lowlevel.reschedule(self.task)

    def __await__(self) -> Generator[Any, Any, Any]:
        if self.reply is None:
            self.task = self.lowlevel.current_task()
            yield from self.lowlevel.wait_task_rescheduled(self.abort).__await__()
        return self.reply

    def abort(self, raise_cancel: Any) -> Any:
        return self.lowlevel.Abort.SUCCEEDED


class TrioClient(Frames):
    """A suspended task a query, one task that reads, one that writes what a turn gave."""

    def __init__(self, sock: Any) -> None:
        from trio import lowlevel

        super().__init__()
        self.sock, self.lowlevel = sock, lowlevel
        self.writer: Any = None

    def ask(self, payload: bytes, token: int = 0) -> Asked:
        asked = Asked(self.lowlevel)
        self.put(payload, asked.settle, token or self.token())
        return asked

    def soon(self) -> None:
        self.lowlevel.reschedule(self.writer)

    def write(self, frame: bytes) -> None:
        sent = self.send(frame)
        if sent < len(frame):
            if not self.pending:
                self.soon()
            self.pending.append(frame[sent:])

    def send(self, data: bytes | memoryview) -> int:
        try:
            sent: int = self.sock.send(data)
        except BlockingIOError:
            return 0
        return sent

    async def reading(self) -> None:
        while True:
            await self.lowlevel.wait_readable(self.sock)
            if self.rest is not None:
                self.filled(self.sock.recv_into(self.rest))
            else:
                self.received(self.sock.recv(READ_SIZE))

    async def writing(self, task_status: Any) -> None:
        self.writer = self.lowlevel.current_task()
        task_status.started()
        while True:
            await self.lowlevel.wait_task_rescheduled(lambda _: self.lowlevel.Abort.SUCCEEDED)
            # Frames stay in `pending` until they are sent, so that nobody wakes this task twice.
            while self.pending:
                count = len(self.pending)
                data = memoryview(b"".join(self.pending))
                while data := data[self.send(data) :]:
                    await self.lowlevel.wait_writable(self.sock)
                del self.pending[:count]


CLIENTS: dict[str, Callable[..., Any]] = {
    "asyncio": asyncio_client,
    "tornado": asyncio_client,
    "twisted": twisted_client,
    "trio": trio_client,
}
