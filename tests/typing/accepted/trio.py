"""trio: methods give coroutines."""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import trio
from typing_extensions import assert_type

from rethinkdb import RqlQuery, r
from rethinkdb.loops.transport.opening import Opening
from rethinkdb.loops.trio import Connection, ConnectionPool, TrioCursor
from rethinkdb.loops.trio import open as open_connection
from rethinkdb.loops.trio import r as trio_r
from rethinkdb.net.session import ServerInfo


@dataclass
class Hero:
    """What the rows are."""

    name: str


async def connecting(nursery: trio.Nursery) -> None:
    assert_type(Connection.make("localhost", nursery=nursery), Opening[Connection])
    assert_type(r.connect(port=28016, loop_type="trio", nursery=nursery), Opening[Connection])
    conn = await Connection.make("localhost", nursery=nursery)
    assert_type(conn, Connection)
    assert_type(await conn.reconnect(timeout=1), Connection)
    async with Connection.make("localhost", nursery=nursery) as opened:
        assert_type(opened, Connection)
    async with conn as entered:
        assert_type(entered, Connection)
    async with open_connection("localhost", nursery=nursery) as opened:
        assert_type(opened, Connection)
    async with ConnectionPool("localhost", nursery=nursery) as pool, pool.connection() as lent:
        assert_type(lent, Connection)


async def awaiting(conn: Connection) -> int:
    count: int = await r.table("t").count().run(conn)
    assert_type((await conn.server())["id"], str)
    return count


def running(conn: Connection) -> None:
    assert_type(trio.run(awaiting, conn), int)
    _ = assert_type(conn.run(r.expr(1)), Coroutine[Any, Any, Any])
    _ = assert_type(r.table("t").run(conn, time_format="raw"), Coroutine[Any, Any, Any])
    _ = assert_type(conn.server(), Coroutine[Any, Any, ServerInfo])
    _ = assert_type(conn.noreply_wait(), Coroutine[Any, Any, None])
    _ = assert_type(conn.close(), Coroutine[Any, Any, None])


def moving(cursor: TrioCursor) -> None:
    _ = assert_type(cursor.next(), Coroutine[Any, Any, Any])
    _ = assert_type(cursor.fetch_next(wait=0.5), Coroutine[Any, Any, bool])
    _ = assert_type(cursor.to_list(), Coroutine[Any, Any, list[Any]])
    _ = assert_type(cursor.close(), Coroutine[Any, Any, None])


async def iterating(conn: Connection) -> None:
    cursor: TrioCursor = await r.table("t").run(conn)
    async for document in cursor:
        assert_type(document, Any)
    async with cursor as entered:
        assert_type(entered, TrioCursor)
    async with aclosing(cursor) as closing:
        assert_type(closing, TrioCursor)


def chosen_once() -> None:
    assert_type(trio_r.connect("localhost", 28015, timeout=3), Opening[Connection])
    assert_type(trio_r.table("heroes").get(1), RqlQuery)


def with_a_type(cursor: TrioCursor[Hero]) -> None:
    _ = assert_type(cursor.next(), Coroutine[Any, Any, Hero])
    found = assert_type(cursor.to_list(), Coroutine[Any, Any, list[Hero]])
    print(found)
