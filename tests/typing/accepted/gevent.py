"""gevent: methods give values, as those of the blocking driver do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from typing_extensions import assert_type

from rethinkdb import RqlQuery, r
from rethinkdb.loops.gevent import Connection, GeventCursor
from rethinkdb.loops.gevent import r as gevent_r
from rethinkdb.net.session import ServerInfo


@dataclass
class Hero:
    """What the rows are."""

    name: str


def connecting() -> None:
    assert_type(Connection.make("localhost", 28015, db="blog"), Connection)
    assert_type(r.connect("localhost", 28015, db="blog", loop_type="gevent"), Connection)
    conn = Connection("localhost", timeout=5)
    assert_type(conn.connect(), Connection)
    assert_type(conn.reconnect(noreply_wait=False, timeout=1.5), Connection)
    assert_type(conn.repl(), Connection)
    conn.use("blog")
    assert_type(conn.is_open(), bool)
    assert_type(conn.client_port(), int | None)
    with conn as entered:
        assert_type(entered, Connection)


def running(conn: Connection) -> None:
    run: Callable[..., Any] = conn.run
    assert_type(run(r.expr(1)), Any)
    assert_type(conn.run(r.table("t"), time_format="raw"), Any)
    assert_type(r.table("t").run(conn, durability="soft"), Any)
    count: int = r.table("t").count().run(conn)
    assert_type(count, int)
    assert_type(conn.server(), ServerInfo)
    assert_type(conn.server()["id"], str)
    assert_type(conn.server().get("name"), str | None)
    close: Callable[[], None] = conn.close
    noreply_wait: Callable[[], None] = conn.noreply_wait
    close()
    noreply_wait()


def cursors(conn: Connection) -> None:
    cursor: GeventCursor = r.table("t").run(conn)
    assert_type(cursor.next(), Any)
    assert_type(cursor.next(wait=False), Any)
    assert_type(next(cursor), Any)
    assert_type(cursor.fetch_next(wait=0.5), bool)
    assert_type(cursor.to_list(), list[Any])
    assert_type(cursor.error, Exception | None)
    for document in cursor:
        assert_type(document, Any)
    with cursor as entered:
        assert_type(entered, GeventCursor)
    close: Callable[[], None] = cursor.close
    close()


def chosen_once() -> None:
    assert_type(gevent_r.connect("localhost", 28015, timeout=3), Connection)
    assert_type(gevent_r.table("heroes").get(1), RqlQuery)


def with_a_type(cursor: GeventCursor[Hero]) -> None:
    _ = assert_type(cursor.next(), Hero)
    found = assert_type(cursor.to_list(), list[Hero])
    print(found)
