"""What is peculiar to asyncio. The rest is in the conformance suite."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

from rethinkdb import RethinkDB, r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlDriverError,
    ReqlRuntimeError,
    ReqlTimeoutError,
)
from rethinkdb.loops import blocking
from rethinkdb.loops.asyncio import AsyncioCursor, Connection
from rethinkdb.loops.transport.event_loop import AsyncioWire
from rethinkdb.net.session import Session
from rethinkdb.ql2 import QueryType

from .scripted_server import PATIENCE, Command, ScriptedServer

SOON = 0.05


def in_asyncio(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), PATIENCE))

    return run


async def until(condition: Callable[[], Any]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def usable(conn: Connection) -> bool:
    return bool(await Command("atom", "still here").run(conn) == "still here")


# Ways to connect.


@in_asyncio
async def test_connect_is_a_coroutine(server: ScriptedServer) -> None:
    conn = await Connection.make("localhost", server.port)
    assert await usable(conn)
    await conn.close()
    conn = await asyncio.create_task(Connection.make("localhost", server.port))
    async with conn as same:
        assert same is conn
        assert await usable(conn)
    assert not conn.is_open()


@in_asyncio
async def test_connect_is_a_context_manager(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        assert await usable(conn)
    assert not conn.is_open()
    async with await Connection.make("localhost", server.port) as conn:
        assert await usable(conn)
    assert not server.sent(QueryType.NOREPLY_WAIT)


def test_connect_runs_by_itself(server: ScriptedServer) -> None:
    loop = asyncio.new_event_loop()
    try:
        conn = loop.run_until_complete(Connection.make("localhost", server.port))
        assert loop.run_until_complete(usable(conn))
        loop.run_until_complete(conn.close())
    finally:
        loop.close()  # a socket left open would be a ResourceWarning


def test_set_loop_type(server: ScriptedServer) -> None:
    one, other = RethinkDB(), RethinkDB()
    one.set_loop_type("asyncio")

    async def main() -> None:
        async with one.connect("localhost", server.port) as conn:
            assert type(conn) is Connection
            assert type(await Command("batches", [1], [2]).run(conn)) is AsyncioCursor
        async with other.connect("localhost", server.port, loop_type="asyncio") as conn:
            assert type(conn) is Connection

    asyncio.run(main())
    with other.connect("localhost", server.port) as blocked:
        assert type(blocked) is blocking.Connection
    assert r.connection_type is blocking.Connection


@in_asyncio
async def test_io_loop(server: ScriptedServer) -> None:
    loop = asyncio.get_running_loop()
    async with Connection.make("localhost", server.port, io_loop=loop) as conn:
        assert await usable(conn)
    other = asyncio.new_event_loop()
    other.close()
    with pytest.raises(ReqlDriverError, match="belongs to another event loop"):
        await Connection.make("localhost", server.port, io_loop=other)


@in_asyncio
async def test_literal_ipv6() -> None:
    with ScriptedServer(host="::1") as server:
        async with Connection.make("::1", server.port) as conn:
            assert await usable(conn)
            assert conn.client_address() == "::1"


@in_asyncio
async def test_a_host_that_is_none(server: ScriptedServer) -> None:
    with pytest.raises(ReqlDriverError, match=r"Could not connect to a\.\.b:1\."):
        await Connection.make("a..b", 1)


@in_asyncio
async def test_socket_options(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        assert conn._wire is not None
        assert conn._wire.transport is not None
        sock = conn._wire.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


# When errors come.


@in_asyncio
async def test_a_closed_connection_refuses_at_the_call(server: ScriptedServer) -> None:
    conn = await Connection.make("localhost", server.port)
    server.hang_up()
    await until(lambda: not conn.is_open())
    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w") as caught:
        conn.run(Command("atom", 1))
    assert isinstance(caught.value.__cause__, (EOFError, OSError))
    await conn.close()


@in_asyncio
async def test_a_connection_never_opened_is_closed() -> None:
    conn = Connection("localhost", 1)
    with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
        conn.run(Command("atom", 1))
    with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
        await conn.server()
    assert conn.client_port() is None
    await conn.close()


@in_asyncio
async def test_what_cannot_be_encoded_fails_when_awaited(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        running = conn.run(Command("atom", {1, 2}))
        with pytest.raises(TypeError):
            await running


# Cancelling.


@in_asyncio
async def test_cancelled_when_the_item_is_there_already(server: ScriptedServer) -> None:
    """The loop resumes a task some time after the item came for it: it must not be lost."""
    async with Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        waiting = asyncio.create_task(feed.next())
        await until(lambda: feed._stream._requests)
        stream = feed._stream
        stream._requests[0].waiter.add_done_callback(lambda _: waiting.cancel())
        await Command("push", "f", [1]).run(conn)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await feed.next() == 1


@in_asyncio
async def test_items_come_in_order_after_a_cancelled_one(server: ScriptedServer) -> None:
    """Items that arrive after a task was cancelled, and before it hears of that."""
    async with Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        first, second = (asyncio.create_task(feed.next()) for _ in range(2))
        stream = feed._stream
        await until(lambda: len(stream._requests) == 2)
        first.cancel()
        stream.buffer.extend(["a", "b"])
        stream.serve()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert [await second, await feed.next()] == ["a", "b"]


@in_asyncio
async def test_cancelled_when_the_cursor_is_there_already(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        running = asyncio.create_task(Command("feed", "f").run(conn))
        await asyncio.sleep(0)  # it has been sent
        (exchange,) = conn._session._exchanges.values()
        exchange.receiver.add_done_callback(lambda _: running.cancel())  # type: ignore[union-attr]
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)
        assert await usable(conn)


@in_asyncio
async def test_wait_for(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(Command("hold", "x").run(conn), SOON)
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)
        assert await usable(conn)


@in_asyncio
async def test_cancelled_close_closes(server: ScriptedServer) -> None:
    conn = await Connection.make("localhost", server.port)
    await Command("stall", "s").run(conn, noreply=True)
    closing = asyncio.create_task(conn.close())
    await until(lambda: "s" in server.held)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert not conn.is_open()
    server.held.pop("s")()


# Cursors.


@in_asyncio
async def test_cursor_context_managers(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        async with await Command("feed", "f").run(conn) as feed:
            with pytest.raises(ReqlTimeoutError):
                await feed.next(wait=SOON)
        async with contextlib.aclosing(await Command("feed", "g").run(conn)):
            pass
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP, 2)


@in_asyncio
async def test_a_cursor_dropped_in_another_thread(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        feeds = [await Command("feed", "f").run(conn)]
        await asyncio.to_thread(feeds.clear)
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)
        assert await usable(conn)


def test_a_cursor_that_outlives_its_loop(server: ScriptedServer) -> None:
    async def main() -> Any:
        async with Connection.make("localhost", server.port) as conn:
            return await Command("feed", "f").run(conn)

    feed = asyncio.run(main())
    with pytest.raises(ReqlRuntimeError, match="Connection is closed in"):
        feed._stream.next().result()
    del feed


# Where it may be used.


def test_its_loop_has_gone(server: ScriptedServer) -> None:
    """A connection whose loop was closed under it can be closed, and connected in another loop."""
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    conn = first.run_until_complete(Connection.make("localhost", server.port))
    feed = first.run_until_complete(Command("feed", "f").run(conn))
    assert conn._wire is not None
    assert conn._wire.transport is not None
    conn._wire.transport.close()  # or the socket would be a ResourceWarning
    first.run_until_complete(conn._wire.closed())
    first.close()
    del feed

    async def in_second() -> None:
        with pytest.raises(ReqlDriverError, match="belongs to another event loop"):
            await conn.server()
        assert await conn.reconnect() is conn
        assert await usable(conn)
        await conn.close()

    second.run_until_complete(in_second())
    second.close()


@in_asyncio
async def test_run_coroutine_threadsafe(server: ScriptedServer) -> None:
    loop = asyncio.get_running_loop()
    async with Connection.make("localhost", server.port) as conn:

        def elsewhere() -> Any:
            future = asyncio.run_coroutine_threadsafe(Command("atom", 5).run(conn), loop)
            return future.result(PATIENCE)

        assert await asyncio.to_thread(elsewhere) == 5


@in_asyncio
async def test_an_item_at_hand_in_another_loop(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        cursor = await Command("batches", [1, 2, 3], []).run(conn)

        async def elsewhere() -> None:
            with pytest.raises(ReqlDriverError, match="belongs to another event loop"):
                await cursor.next()

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert [item async for item in cursor] == [1, 2, 3]


@in_asyncio
async def test_replies_of_any_size(server: ScriptedServer) -> None:
    """Smaller and larger than what is read at once."""
    async with Connection.make("localhost", server.port) as conn:
        texts = ["x" * size for size in (1, 65_000, 65_536, 300_000)]
        running = [Command("atom", text).run(conn) for text in texts * 3]
        assert await asyncio.gather(*running) == texts * 3


@in_asyncio
async def test_two_loops_in_one_program(server: ScriptedServer) -> None:
    """A blocking script in a thread beside an asyncio service."""
    answers: list[Any] = []

    def script() -> None:
        with r.connect("localhost", server.port) as conn:
            answers.extend(Command("atom", n).run(conn) for n in range(50))

    thread = threading.Thread(target=script)
    async with Connection.make("localhost", server.port) as conn:
        thread.start()
        served = [await Command("atom", n).run(conn) for n in range(50)]
    await asyncio.to_thread(thread.join)
    assert answers == served == [*range(50)]


# Writing.


@in_asyncio
async def test_one_turn_of_the_loop_is_one_write(server: ScriptedServer) -> None:
    async with Connection.make("localhost", server.port) as conn:
        wire = conn._wire
        assert wire is not None
        assert wire.transport is not None
        transport, writes = wire.transport, []

        class Recording:
            def write(self, data: bytes) -> None:
                writes.append(data)
                transport.write(data)

            def __getattr__(self, name: str) -> Any:
                return getattr(transport, name)

        wire.transport = Recording()  # type: ignore[assignment]
        queries = [Command("atom", n).run(conn) for n in range(100)]
        assert await asyncio.gather(*queries) == [*range(100)]
        assert len(writes) == 1
        wire.transport = transport


@in_asyncio
async def test_closing_does_not_wait_for_a_server_that_does_not_read(
    server: ScriptedServer,
) -> None:
    conn = await Connection.make("localhost", server.port)
    await Command("stall", "s").run(conn, noreply=True)
    await until(lambda: "s" in server.held)
    query = asyncio.create_task(Command("atom", "x" * 30_000_000).run(conn, noreply=True))
    await until(lambda: conn._session.outflow.held)
    await conn.close(noreply_wait=False)
    assert not conn.is_open()
    with pytest.raises(ReqlConnectionLostError):
        await query
    server.held.pop("s")()


# Memory.


def buffer_on(loop: asyncio.AbstractEventLoop) -> memoryview:
    """What a connection of that loop reads into."""
    return AsyncioWire(loop, Session()).get_buffer(-1)


def test_connections_of_a_loop_share_what_they_read_into() -> None:
    loop, another = asyncio.new_event_loop(), asyncio.new_event_loop()
    with contextlib.closing(loop), contextlib.closing(another):
        first, second, other = map(buffer_on, (loop, loop, another))
        first[:4] = b"read"
        assert second[:4] == b"read"
        assert other[:4] != b"read"


class FillsLater(asyncio.SelectorEventLoop):
    """In place of a loop whose reads are under way while others read, as libuv's are on Windows."""


def test_connections_share_nothing_where_a_read_may_take_its_time() -> None:
    with contextlib.closing(FillsLater()) as loop:
        first, second = buffer_on(loop), buffer_on(loop)
        first[:4] = b"read"
        assert second[:4] != b"read"


@in_asyncio
async def test_connections_that_share_a_buffer_get_what_is_theirs(server: ScriptedServer) -> None:
    connections = [await Connection.make("localhost", server.port) for _ in range(4)]
    texts = [letter * 200_000 for letter in "abcd"]
    answers = await asyncio.gather(
        *(
            Command("atom", text).run(conn)
            for _ in range(3)
            for conn, text in zip(connections, texts, strict=True)
        )
    )
    assert answers == texts * 3
    for conn in connections:
        await conn.close()
