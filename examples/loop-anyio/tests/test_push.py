"""Results that come to callbacks: what the `push_runner` of the adapter is for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest
from rethinkdb_anyio import Connection

from rethinkdb import r
from rethinkdb.embedded import Server

Program = Callable[[Any], Awaitable[None]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest, server: Server) -> Callable[[Program], None]:
    """Runs a program with a connection, on one backend."""

    async def main(program: Program) -> None:
        async with anyio.create_task_group() as tasks:
            connecting = Connection.make(server.host, server.port, task_group=tasks)
            async with connecting as conn:
                with anyio.fail_after(20):
                    await program(conn)

    return lambda program: anyio.run(main, program, backend=request.param)


def test_a_handler_is_called_with_each_row(run: Callable[[Program], None]) -> None:
    seen: list[int] = []

    async def program(conn: Any) -> None:
        await r.range(5).run_with(seen.append, conn, max_batch_rows=2)

    run(program)
    assert seen == [0, 1, 2, 3, 4]


def test_an_asynchronous_one_is_awaited_before_the_next_row(run: Callable[[Program], None]) -> None:
    seen: list[str] = []

    async def slowly(row: int) -> None:
        seen.append(f"begin {row}")
        await anyio.sleep(0)
        seen.append(f"end {row}")

    async def program(conn: Any) -> None:
        await r.range(2).run_with(slowly, conn)

    run(program)
    assert seen == ["begin 0", "end 0", "begin 1", "end 1"]


def test_an_error_in_one_is_logged_and_cancels_nothing(
    run: Callable[[Program], None], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(value: int) -> None:
        raise ValueError(value)

    async def program(conn: Any) -> None:
        r.expr(1).run_with(fail, conn)
        while not caplog.records:
            await anyio.sleep(0.001)
        assert await r.expr(2).run(conn) == 2

    with caplog.at_level(logging.ERROR, "rethinkdb.push"):
        run(program)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
    caplog.clear()


def test_a_cursor_tells_its_listeners(run: Callable[[Program], None]) -> None:
    seen: list[int] = []

    async def program(conn: Any) -> None:
        cursor = await r.range(3).run(conn)
        ended = anyio.Event()
        cursor.on("data", seen.append)
        cursor.on("end", ended.set)
        await ended.wait()

    run(program)
    assert seen == [0, 1, 2]
