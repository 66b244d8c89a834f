"""`r.ConnectionPool`."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
import trio
import trio.testing

from rethinkdb.errors import ReqlDriverError
from rethinkdb.loops.trio import Connection, ConnectionPool

from .scripted_server import PATIENCE, Command, Peer, ScriptedServer
from .test_trio import SOON, in_trio, until, usable


@in_trio
async def test_connections_are_reused(server: ScriptedServer) -> None:
    async with (
        trio.open_nursery() as nursery,
        ConnectionPool("localhost", server.port, nursery=nursery) as pool,
    ):
        async with pool.connection() as first:
            assert await usable(first)
            async with pool.connection() as second:
                assert second is not first
        async with pool.connection() as again:
            assert again is first
        assert server.connections == 2


@in_trio
async def test_a_connection_that_was_lost_is_replaced(server: ScriptedServer) -> None:
    async with (
        trio.open_nursery() as nursery,
        ConnectionPool("localhost", server.port, nursery=nursery) as pool,
    ):
        lost = await pool.acquire()
        await pool.release(lost)
        with pytest.raises(ReqlDriverError):
            await Command("hang_up").run(lost)
        closed = await pool.acquire()
        assert closed is not lost
        await closed.close()
        await pool.release(closed)
        async with pool.connection() as conn:
            assert await usable(conn)


@in_trio
async def test_no_more_than_maxidle_are_kept(server: ScriptedServer) -> None:
    async with (
        trio.open_nursery() as nursery,
        ConnectionPool("localhost", server.port, nursery=nursery, maxidle=1) as pool,
    ):
        connections = [await pool.acquire() for _ in range(3)]
        for conn in connections:
            await pool.release(conn)
        assert [conn.is_open() for conn in connections] == [True, False, False]


@in_trio
async def test_no_more_than_maxsize_are_lent(server: ScriptedServer) -> None:
    async with (
        trio.open_nursery() as nursery,
        ConnectionPool("localhost", server.port, nursery=nursery, maxsize=2) as pool,
    ):
        lent = [await pool.acquire() for _ in range(2)]
        with trio.move_on_after(SOON) as scope:
            await pool.acquire()
        assert scope.cancelled_caught
        got: list[Connection] = []

        async def wait() -> None:
            got.append(await pool.acquire())

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert not got
        await pool.release(lent[0])
        await until(lambda: got)
        assert got == [lent[0]]
        assert server.connections == 2


@in_trio
async def test_closing(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        pool = ConnectionPool("localhost", server.port, nursery=nursery, maxsize=2)
        lent = await pool.acquire()
        idle = await pool.acquire()
        await pool.release(idle)
        again = await pool.acquire()
        failures: list[Any] = []

        async def wait() -> None:
            with pytest.raises(ReqlDriverError, match="pool is closed") as caught:
                await pool.acquire()
            failures.append(caught)

        nursery.start_soon(wait)
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await pool.close()
        await pool.close()
        await until(lambda: len(failures) == 2)
        assert not lent.is_open()
        assert not again.is_open()
        with pytest.raises(ReqlDriverError, match="pool is closed"):
            await pool.acquire()
        await pool.release(lent)
    server.wait_for_silence()


@in_trio
async def test_closing_while_one_is_being_opened() -> None:
    going_on = threading.Event()

    def hesitate(sock: socket.socket) -> None:
        assert going_on.wait(PATIENCE)
        Peer(server, sock).serve()

    with ScriptedServer(on_connect=hesitate) as server:
        async with trio.open_nursery() as nursery:
            pool = ConnectionPool("localhost", server.port, nursery=nursery)

            async def acquire() -> None:
                with pytest.raises(ReqlDriverError, match="pool is closed"):
                    await pool.acquire()

            nursery.start_soon(acquire)
            await until(lambda: server.connections)
            await pool.close()
            going_on.set()
        server.wait_for_silence()


@in_trio
async def test_failing_to_connect_takes_no_slot(server: ScriptedServer) -> None:
    async with trio.open_nursery() as nursery:
        pool = ConnectionPool(
            "localhost", server.port, password="wrong", nursery=nursery, maxsize=1
        )
        for _ in range(3):
            with pytest.raises(ReqlDriverError, match="Wrong password"):
                await pool.acquire()


@in_trio
async def test_giving_back_what_is_not_the_pools(server: ScriptedServer) -> None:
    async with (
        trio.open_nursery() as nursery,
        ConnectionPool("localhost", server.port, nursery=nursery) as pool,
    ):
        conn = await pool.acquire()
        await pool.release(conn)
        with pytest.raises(ReqlDriverError, match="was not acquired from this pool"):
            await pool.release(conn)


@in_trio
async def test_a_block_that_fails_gives_its_connection_back(server: ScriptedServer) -> None:
    async with (
        trio.open_nursery() as nursery,
        ConnectionPool("localhost", server.port, nursery=nursery, maxsize=1) as pool,
    ):
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                async with pool.connection():
                    raise ZeroDivisionError


@pytest.mark.parametrize("counts", [{"maxidle": -1}, {"maxsize": 0}, {"maxidle": "10"}])
def test_bad_counts(counts: dict[str, Any]) -> None:
    with pytest.raises(ReqlDriverError, match=next(iter(counts))):
        ConnectionPool(**counts)


class _Stopped(BaseException):
    """As KeyboardInterrupt: no Exception."""


@pytest.mark.parametrize("kind", [KeyError, ReqlDriverError, _Stopped])
def test_an_error_in_the_block_comes_out_as_it_is(
    kind: type[BaseException], server: ScriptedServer
) -> None:
    """Not in a group: that the pool has a nursery is its own affair, and no other loop has one."""
    error = kind("in the block")

    async def main() -> None:
        async with ConnectionPool("localhost", server.port) as pool:
            assert await Command("atom", 1).run(pool) == 1
            raise error

    with pytest.raises(kind) as caught:
        trio.run(main)
    assert caught.value is error


@in_trio
async def test_a_group_from_the_block_stays_the_same_group(server: ScriptedServer) -> None:
    async def fail() -> None:
        raise KeyError("in a task")

    groups: list[BaseException] = []
    try:
        async with ConnectionPool("localhost", server.port):
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(fail)
            except BaseException as group:
                groups.append(group)
                raise
    except BaseException as caught:
        groups.append(caught)
    assert len(groups) == 2
    assert groups[0] is groups[1]


@in_trio
async def test_the_block_of_a_pool_can_be_cancelled(server: ScriptedServer) -> None:
    with trio.CancelScope() as scope:
        async with ConnectionPool("localhost", server.port) as pool:
            assert await Command("atom", 1).run(pool) == 1
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert pool.closed
