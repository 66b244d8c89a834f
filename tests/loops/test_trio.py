"""What is peculiar to trio: nurseries, cancel scopes, `r.open`."""

from __future__ import annotations

import gc
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest
import trio

from rethinkdb import RethinkDB
from rethinkdb.errors import (
    ReqlCursorEmpty,
    ReqlDriverError,
    ReqlRuntimeError,
    ReqlTimeoutError,
)
from rethinkdb.loops.trio import Connection, ConnectionPool, TrioCursor
from rethinkdb.loops.trio import open as trio_open
from rethinkdb.ql2 import QueryType

from .conftest import Certificates
from .scripted_server import PATIENCE, Command, ScriptedServer

SOON = 0.05
"""A time limit that is meant to pass. How long it is does not matter: nothing comes."""


def in_trio(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test that is a coroutine, ended when it takes too long."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        async def main() -> None:
            with trio.fail_after(PATIENCE):
                await test(**fixtures)

        trio.run(main)

    return run


@asynccontextmanager
async def connected(
    server: ScriptedServer, host: str = "localhost", **options: Any
) -> AsyncIterator[Connection]:
    """A connection in a nursery of its own."""
    async with (
        trio.open_nursery() as nursery,
        trio_open(host, server.port, nursery=nursery, **options) as conn,
    ):
        yield conn


async def usable(conn: Connection) -> bool:
    return bool(await Command("atom", "still here").run(conn) == "still here")


async def until(condition: Callable[[], Any]) -> None:
    """Let others run until something is the case; `in_trio` limits it."""
    while not condition():
        await trio.sleep(0.002)


# Nurseries.


@in_trio
async def test_the_nursery_ends_when_the_connection_is_closed(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        conn = await Connection.make("localhost", server.port, nursery=nursery)
        assert await usable(conn)
        await conn.close()
    server.wait_for_silence()


def test_a_nursery_is_required() -> None:
    with pytest.raises(ReqlDriverError, match="nursery"):
        Connection.make("localhost", 1)


@in_trio
async def test_a_nursery_that_has_ended(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        pass
    with pytest.raises(ReqlDriverError, match="nursery given to connect\\(\\) has ended"):
        await Connection.make("localhost", server.port, nursery=nursery)
    server.wait_for_silence()


@in_trio
async def test_losing_the_server_does_not_cancel_the_nursery(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        conn = await Connection.make("localhost", server.port, nursery=nursery)
        with pytest.raises(ReqlDriverError, match="Connection is closed"):
            await Command("hang_up").run(conn)
        await trio.lowlevel.checkpoint()
        assert not conn.is_open()
        assert await usable(await conn.reconnect())
        await conn.close()


@in_trio
async def test_cancelling_the_nursery_closes_the_connection(server: ScriptedServer) -> None:
    async with trio.open_nursery() as outer:
        failures: list[ReqlDriverError] = []
        async with trio.open_nursery() as nursery:
            conn = await Connection.make("localhost", server.port, nursery=nursery)

            async def wait() -> None:
                with pytest.raises(ReqlDriverError) as caught:
                    await Command("hold", "x").run(conn)
                failures.append(caught.value)

            outer.start_soon(wait)
            await until(lambda: "x" in server.held)
            nursery.cancel_scope.cancel()
        assert not conn.is_open()
        await conn.close()
    assert "was lost: The nursery given to connect() was cancelled." in str(failures[0])
    assert "nursery given to connect() was cancelled" in str(failures[0].__cause__)
    server.wait_for_silence()


# Opening.


@in_trio
async def test_open_and_connect(server: ScriptedServer) -> None:
    r = RethinkDB()
    r.set_loop_type("trio")
    assert r.open == trio_open
    assert r.ConnectionPool is ConnectionPool
    async with trio.open_nursery() as nursery:
        async with r.open("localhost", server.port, nursery=nursery) as conn:
            assert await usable(conn)
        assert not conn.is_open()
        async with await r.connect(port=server.port, nursery=nursery) as conn:
            assert await usable(conn)
        assert not conn.is_open()
    assert not server.sent(QueryType.NOREPLY_WAIT)


@in_trio
async def test_leaving_keeps_the_blocks_own_exception(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        conn = await Connection.make("localhost", server.port, nursery=nursery)

        async def fail() -> None:
            async with conn:
                scope.cancel()
                raise ZeroDivisionError

        with trio.CancelScope() as scope, pytest.raises(ZeroDivisionError):
            await fail()
        assert not conn.is_open()


@in_trio
async def test_a_time_limit_of_the_users_around_connect() -> None:
    with ScriptedServer(on_connect=lambda sock: sock.recv(1000) and sock.recv(1000)) as server:
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(SOON) as scope:
                await Connection.make("localhost", server.port, nursery=nursery)
            assert scope.cancelled_caught
        server.wait_for_silence()


@in_trio
async def test_a_host_that_is_no_name() -> None:
    async with trio.open_nursery() as nursery:
        with pytest.raises(ReqlDriverError, match=r"Could not connect to a\.\.b:28015"):
            await Connection.make("a..b", nursery=nursery)


@in_trio
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_refused_connection_says_so(host: str) -> None:
    with ScriptedServer() as server:
        port = server.port
    async with trio.open_nursery() as nursery:
        with pytest.raises(ReqlDriverError, match="refused") as caught:
            await Connection.make(host, port, nursery=nursery)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@in_trio
async def test_literal_ipv6() -> None:
    with ScriptedServer(host="::1") as server:
        async with connected(server, host="::1") as conn:
            assert await usable(conn)
            assert conn.client_address() == "::1"


@in_trio
async def test_tls_with_a_context_of_the_users(certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.ca_certs)
    with ScriptedServer(tls=certificates.server) as server:
        async with connected(server, ssl=context) as conn:
            text = "x" * 1_000_000
            assert await Command("atom", text).run(conn) == text


# Cancelling.


@in_trio
async def test_moving_on_stops_the_query(server: ScriptedServer) -> None:
    async with connected(server) as conn:
        with trio.move_on_after(SOON) as scope:
            await Command("hold", "x").run(conn)
        assert scope.cancelled_caught
        await until(lambda: server.sent(QueryType.STOP))
        assert await usable(conn)


@in_trio
async def test_a_cancelled_task_takes_no_item(server: ScriptedServer) -> None:
    async with connected(server) as conn:
        cursor = await Command("batches", [1, 2, 3]).run(conn)
        with trio.CancelScope() as scope:
            scope.cancel()
            await cursor.next()
        assert scope.cancelled_caught
        assert await cursor.to_list() == [1, 2, 3]


@in_trio
async def test_a_cancelled_iteration_takes_no_item(server: ScriptedServer) -> None:
    """Also where the next batch is to be asked for, which is a checkpoint."""
    async with connected(server) as conn:
        cursor = await Command("batches", [1, 2, 3], [4, 5], []).run(conn)
        await until(lambda: len(cursor.items) == 5)
        taken = []
        for _ in range(4):
            with trio.CancelScope() as scope:
                scope.cancel()
                taken.append(await anext(cursor))
        assert taken + [item async for item in cursor] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("documented_only", [False, True])
@in_trio
async def test_an_item_at_hand_is_a_checkpoint(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, documented_only: bool
) -> None:
    """Also with a trio whose tasks have only the attributes that are documented."""
    if documented_only:
        monkeypatch.setattr("rethinkdb.loops.trio.cursor.current_task", object)
    async with connected(server) as conn:
        cursor = await Command("batches", [1, 2, 3], []).run(conn)
        for method in (cursor.next, cursor.fetch_next):
            with trio.CancelScope() as scope:
                scope.cancel()
                await method()
            assert scope.cancelled_caught
        with trio.CancelScope(shield=True):
            assert await cursor.next() == 1
        assert [item async for item in cursor] == [2, 3]


@in_trio
async def test_an_item_at_hand_in_another_thread(server: ScriptedServer) -> None:
    async with connected(server) as conn:
        cursor = await Command("batches", [1, 2], []).run(conn)
        with pytest.raises(ReqlDriverError, match=r"belongs to another trio.run\(\)"):
            await trio.to_thread.run_sync(trio.run, cursor.next)
        assert await cursor.next() == 1


@in_trio
async def test_cancelling_a_write_leaves_no_half_a_frame(server: ScriptedServer) -> None:
    async with connected(server) as conn:
        await Command("stall", "s").run(conn, noreply=True)
        await until(lambda: "s" in server.held)
        payload = "x" * 10_000_000
        for _ in range(2):
            with trio.move_on_after(SOON) as scope:
                await Command("atom", payload).run(conn)
            assert scope.cancelled_caught
        server.held["s"]()
        assert await usable(conn)
        assert await Command("atom", payload).run(conn) == payload


@in_trio
async def test_closing_does_not_wait_for_a_server_that_does_not_read(
    server: ScriptedServer,
) -> None:
    async with connected(server) as conn:
        await Command("stall", "s").run(conn, noreply=True)
        await until(lambda: "s" in server.held)
        with trio.move_on_after(SOON) as scope:
            await Command("atom", "x" * 30_000_000).run(conn, noreply=True)
        assert scope.cancelled_caught
        assert conn._session.outflow.held
    server.held["s"]()


@in_trio
async def test_cancelling_close_closes(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        conn = await Connection.make("localhost", server.port, nursery=nursery)
        await Command("stall", "s").run(conn, noreply=True)
        with trio.move_on_after(SOON) as scope:
            await conn.close()
        assert scope.cancelled_caught
        assert not conn.is_open()
        server.held["s"]()


# Cursors.


@in_trio
async def test_cursors(server: ScriptedServer) -> None:
    async with connected(server) as conn:
        cursor = await Command("batches", [1], [2]).run(conn)
        assert type(cursor) is TrioCursor
        seen = []
        while await cursor.fetch_next():
            seen.append(await cursor.next())
        assert seen == [1, 2]
        assert await cursor.fetch_next() is False
        with pytest.raises(ReqlCursorEmpty):
            await cursor.next()


@in_trio
async def test_closing_cursors(server: ScriptedServer) -> None:
    async with connected(server) as conn:
        async with await Command("feed", "f").run(conn) as feed:
            with pytest.raises(ReqlTimeoutError, match=r"^Operation timed out\.$"):
                await feed.next(wait=SOON)
        await feed.aclose()
        other = await Command("feed", "g").run(conn)
        await other.aclose()
        assert await usable(conn)
        assert len(server.sent(QueryType.STOP)) == 2


@in_trio
async def test_a_cursor_that_outlives_its_connection(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        async with trio_open("localhost", server.port, nursery=nursery) as conn:
            feed = await Command("feed", "f").run(conn)
        with pytest.raises(ReqlRuntimeError, match="Connection is closed"):
            await feed.next()
        await feed.close()


def test_a_cursor_that_outlives_its_loop(server: ScriptedServer) -> None:
    kept: list[Any] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            conn = await Connection.make("localhost", server.port, nursery=nursery)
            kept.append(await Command("feed", "f").run(conn))
            nursery.cancel_scope.cancel()

    trio.run(main)
    kept.clear()
    gc.collect()  # its cursor is garbage now, which must not matter


# Where it does not belong.


def test_outside_of_its_run(server: ScriptedServer) -> None:
    connections: list[Connection] = []

    async def use() -> None:
        await connections[0].server()

    def elsewhere() -> None:
        with pytest.raises(ReqlDriverError, match=r"belongs to another trio\.run\(\)"):
            trio.run(use)
        with pytest.raises(ReqlDriverError, match="cannot be used here"):
            use().send(None)

    async def main() -> None:
        async with connected(server) as conn:
            connections.append(conn)
            await trio.to_thread.run_sync(elsewhere)
            assert await usable(conn)

    trio.run(main)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
