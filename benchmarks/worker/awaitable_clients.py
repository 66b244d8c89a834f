"""The floors' clients on the loops whose methods return something to await; see `frames`."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Generator
from typing import Any

from bare import HEADER, logging_in
from frames import READ_SIZE, Frames, dialled
from job import Job

__all__ = ["CLIENTS"]


class AsyncioClient(Frames, asyncio.BufferedProtocol):
    """A Future a query. Tornado's loop is asyncio's, and so are its Futures."""

    #: Of all connections: nothing stays in it beyond one call.
    room = memoryview(bytearray(READ_SIZE))

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        # Not by a method that calls it: the floor makes no call that it can do without.
        self.write = transport.write  # type: ignore[method-assign]  # in place of the method

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
            # Logged in: now frames come.
            self.received = super().received  # type: ignore[method-assign]  # in place of this method
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
