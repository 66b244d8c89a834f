"""Twisted: methods give Deferreds, but for a cursor's `close()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from typing_extensions import assert_type

from rethinkdb import RqlQuery, r
from rethinkdb.loops.twisted import Connection, TwistedCursor
from rethinkdb.loops.twisted import r as twisted_r
from rethinkdb.net.session import ServerInfo


@dataclass
class Hero:
    """What the rows are."""

    name: str


async def connecting() -> None:
    assert_type(Connection.make("localhost", 28015), Deferred[Connection])
    assert_type(r.connect(reactor=None, loop_type="twisted"), Deferred[Connection])
    conn = await Connection("localhost").connect()
    assert_type(conn, Connection)
    assert_type(conn.reconnect(timeout=1), Deferred[Connection])
    with conn as entered:
        assert_type(entered, Connection)
    async with conn as entered:
        assert_type(entered, Connection)


async def running(conn: Connection) -> None:
    assert_type(conn.run(r.expr(1)), Deferred[Any])
    assert_type(r.table("t").run(conn, time_format="raw"), Deferred[Any])
    count: int = await r.table("t").count().run(conn)
    assert_type(count, int)
    assert_type(conn.server(), Deferred[ServerInfo])
    assert_type(conn.noreply_wait(), Deferred[None])
    assert_type(conn.close(), Deferred[None])


async def cursors(conn: Connection) -> None:
    cursor: TwistedCursor = await r.table("t").run(conn)
    assert_type(cursor.next(), Deferred[Any])
    assert_type(cursor.fetch_next(wait=0.5), Deferred[bool])
    assert_type(cursor.to_list(), Deferred[list[Any]])
    assert_type(cursor.to_list().addCallback(len), Deferred[int])
    async for document in cursor:
        assert_type(document, Any)
    with cursor as entered:
        assert_type(entered, TwistedCursor)
    async with cursor as entered:
        assert_type(entered, TwistedCursor)
    close: Callable[[], None] = cursor.close
    close()


def chosen_once() -> None:
    assert_type(twisted_r.connect("localhost", 28015, timeout=3), Deferred[Connection])
    assert_type(twisted_r.table("heroes").get(1), RqlQuery)


def with_a_type(cursor: TwistedCursor[Hero]) -> None:
    _ = assert_type(cursor.next(), Deferred[Hero])
    found = assert_type(cursor.to_list(), Deferred[list[Hero]])
    print(found)
