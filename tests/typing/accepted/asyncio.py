"""asyncio: methods give coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from typing_extensions import assert_type

from rethinkdb import RqlQuery, r
from rethinkdb.loops.asyncio import AsyncioCursor, Connection
from rethinkdb.loops.asyncio import r as asyncio_r
from rethinkdb.loops.transport.opening import Opening
from rethinkdb.net.session import ServerInfo


@dataclass
class Hero:
    """What the rows are."""

    name: str


async def connecting() -> None:
    assert_type(Connection.make("localhost", 28015), Opening[Connection])
    assert_type(r.connect("localhost", loop_type="asyncio", io_loop=None), Opening[Connection])
    conn = await Connection.make("localhost", 28015, db="blog")
    assert_type(conn, Connection)
    assert_type(await conn.connect(), Connection)
    async with Connection.make("localhost") as opened:
        assert_type(opened, Connection)
    async with r.connect("localhost", 28015, "blog", loop_type="asyncio", user="ada") as opened:
        assert_type(opened, Connection)
    async with conn as entered:
        assert_type(entered, Connection)
    await conn.close(noreply_wait=False)


async def awaiting(conn: Connection) -> int:
    count: int = await r.table("t").count().run(conn)
    assert_type(asyncio.create_task(conn.run(r.expr(1))), asyncio.Task[Any])
    assert_type(await asyncio.wait_for(r.expr(1).run(conn), 1), Any)
    assert_type((await conn.server())["id"], str)
    return count


def running(conn: Connection) -> None:
    assert_type(asyncio.run(awaiting(conn)), int)
    _ = assert_type(conn.run(r.expr(1)), Coroutine[Any, Any, Any])
    _ = assert_type(r.table("t").run(conn, time_format="raw"), Coroutine[Any, Any, Any])
    _ = assert_type(conn.reconnect(timeout=1), Coroutine[Any, Any, Connection])
    _ = assert_type(conn.server(), Coroutine[Any, Any, ServerInfo])
    _ = assert_type(conn.noreply_wait(), Coroutine[Any, Any, None])
    _ = assert_type(conn.close(), Coroutine[Any, Any, None])


def moving(cursor: AsyncioCursor) -> None:
    _ = assert_type(cursor.next(), Coroutine[Any, Any, Any])
    _ = assert_type(cursor.fetch_next(wait=0.5), Coroutine[Any, Any, bool])
    _ = assert_type(cursor.to_list(), Coroutine[Any, Any, list[Any]])
    _ = assert_type(cursor.close(), Coroutine[Any, Any, None])
    _ = assert_type(cursor.aclose(), Coroutine[Any, Any, None])


async def iterating(conn: Connection) -> None:
    cursor: AsyncioCursor = await r.table("t").run(conn)
    while await cursor.fetch_next():
        assert_type(await cursor.next(wait=None), Any)
    async for document in cursor:
        assert_type(document, Any)
    async with cursor as entered:
        assert_type(entered, AsyncioCursor)
    async with aclosing(cursor) as closing:
        assert_type(closing, AsyncioCursor)


def chosen_once() -> None:
    assert_type(asyncio_r.connect("localhost", 28015, timeout=3), Opening[Connection])
    assert_type(asyncio_r.table("heroes").get(1), RqlQuery)


def with_a_type(cursor: AsyncioCursor[Hero]) -> None:
    _ = assert_type(cursor.next(), Coroutine[Any, Any, Hero])
    found = assert_type(cursor.to_list(), Coroutine[Any, Any, list[Hero]])
    print(found)
