"""Tornado: methods give Futures, but for a cursor's `close()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tornado.concurrent import Future, chain_future
from typing_extensions import assert_type

from rethinkdb import RqlQuery, r
from rethinkdb.loops.tornado import Connection, TornadoCursor
from rethinkdb.loops.tornado import r as tornado_r
from rethinkdb.net.session import ServerInfo


@dataclass
class Hero:
    """What the rows are."""

    name: str


async def connecting() -> None:
    assert_type(Connection.make("localhost", 28015), Future[Connection])
    assert_type(r.connect("localhost", timeout=5, loop_type="tornado"), Future[Connection])
    conn = await Connection("localhost").connect()
    assert_type(conn, Connection)
    assert_type(conn.reconnect(timeout=1), Future[Connection])
    with conn as entered:
        assert_type(entered, Connection)
    async with conn as entered:
        assert_type(entered, Connection)


async def running(conn: Connection) -> None:
    assert_type(conn.run(r.expr(1)), Future[Any])
    assert_type(r.table("t").run(conn, time_format="raw"), Future[Any])
    count: int = await r.table("t").count().run(conn)
    assert_type(count, int)
    assert_type(conn.server(), Future[ServerInfo])
    assert_type(conn.noreply_wait(), Future[None])
    assert_type(conn.close(), Future[None])


async def cursors(conn: Connection, cancelled: Future[None]) -> None:
    cursor: TornadoCursor = await r.table("t").run(conn)
    assert_type(cursor.next(), Future[Any])
    assert_type(cursor.fetch_next(wait=0.5), Future[bool])
    assert_type(cursor.to_list(), Future[list[Any]])
    chain_future(cancelled, cursor.next())
    async for document in cursor:
        assert_type(document, Any)
    with cursor as entered:
        assert_type(entered, TornadoCursor)
    async with cursor as entered:
        assert_type(entered, TornadoCursor)
    close: Callable[[], None] = cursor.close
    close()


def chosen_once() -> None:
    assert_type(tornado_r.connect("localhost", 28015, timeout=3), Future[Connection])
    assert_type(tornado_r.table("heroes").get(1), RqlQuery)


def with_a_type(cursor: TornadoCursor[Hero]) -> None:
    _ = assert_type(cursor.next(), Future[Hero])
    found = assert_type(cursor.to_list(), Future[list[Hero]])
    print(found)
