"""Typed tables: what their queries give, on connections and pools of every loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from tornado.concurrent import Future
from twisted.internet.defer import Deferred
from typing_extensions import assert_type

import rethinkdb
from rethinkdb import r
from rethinkdb.ast import Array, RqlQuery, Single, Stream, Table, TypedTable
from rethinkdb.loops import asyncio, blocking, gevent, tornado, trio, twisted
from rethinkdb.loops.asyncio import r as asyncio_r
from rethinkdb.typed import Change


@dataclass
class Hero:
    """What the rows are."""

    name: str


class Villain(TypedDict):
    """Rows may be dictionaries."""

    name: str


heroes = r.table("heroes", of=Hero)
assert_type(heroes, TypedTable[Hero])
assert_type(rethinkdb.table("heroes", of=Hero), TypedTable[Hero])
assert_type(r.db("tv").table("heroes", read_mode="majority", of=Hero), TypedTable[Hero])
assert_type(asyncio_r.table("heroes", of=Hero), TypedTable[Hero])
assert_type(r.table("villains", of=Villain), TypedTable[Villain])
assert_type(r.table("heroes"), Table)
assert_type(r.table("heroes", of=None), Table)

# Commands that give the documents as they are keep their class.

assert_type(heroes.get(1), Single[Hero | None])
assert_type(heroes.get_all(1, 2, index="age"), Stream[Hero])
assert_type(heroes.between(1, 2), Stream[Hero])
assert_type(heroes.filter({"name": "Ada"}), Stream[Hero])
assert_type(heroes.filter({"name": "Ada"}).nth(0), Single[Hero])
assert_type(heroes[0], Single[Hero])
assert_type(heroes[:1], Stream[Hero])
assert_type(heroes.order_by("name"), Array[Hero])
assert_type(heroes.order_by("name", index="age"), Stream[Hero])
assert_type(heroes.order_by("name").limit(2), Array[Hero])
assert_type(heroes.distinct(), Stream[Hero])
assert_type(heroes.skip(1).distinct(), Array[Hero])
assert_type(heroes.sample(3), Array[Hero])
assert_type(heroes.min("age"), Single[Hero])
assert_type(heroes.coerce_to("array"), Array[Hero])
assert_type(heroes.union(heroes, heroes.order_by("name")), Stream[Hero])
assert_type(heroes.get(1).default(None), Single[Hero | None])
assert_type(heroes.get(1).default({"name": "Bo"}), Single[Hero])
assert_type(heroes.changes(include_initial=True), Stream[Change[Hero]])
assert_type(heroes.get(1).changes(), Stream[Change[Hero]])

# Others give plain values.

assert_type(heroes["name"], RqlQuery)
assert_type(heroes.get(1)["name"], RqlQuery)
assert_type(heroes.pluck("name"), RqlQuery)
assert_type(heroes.insert(Hero("Ada")), RqlQuery)
assert_type(heroes.distinct(index="age"), RqlQuery)
assert_type(heroes.union(r.table("villains")), RqlQuery)


def grown_up(table: TypedTable[Hero]) -> Stream[Hero]:
    return table.filter(r.row["age"] >= 18)


def on_blocking(conn: blocking.Connection, pool: blocking.ConnectionPool) -> None:
    assert_type(conn.run(heroes), blocking.DefaultCursor[Hero])
    assert_type(heroes.run(conn), blocking.DefaultCursor[Hero])
    assert_type(heroes.get(1).run(pool), Hero | None)
    assert_type(pool.run(heroes.get(1), durability="soft"), Hero | None)
    assert_type(heroes.order_by("name").run(pool), list[Hero])
    assert_type(heroes.order_by("name").run(pool, as_cursor=True), blocking.DefaultCursor[Hero])
    assert_type(pool.run(heroes.sample(1), as_cursor=True), blocking.DefaultCursor[Hero])
    assert_type(heroes.changes().run(pool, resume="diff"), blocking.DefaultCursor[Change[Hero]])
    for hero in grown_up(heroes).run(conn):
        assert_type(hero, Hero)


def with_options(conn: blocking.Connection) -> None:
    # These change what the result is; what an `as_type` gives is not known.
    assert_type(heroes.run(conn, profile=True), Any)
    assert_type(heroes.get(1).run(conn, noreply=True), Any)
    assert_type(heroes.run(conn, as_type=Villain), Any)
    assert_type(conn.run(heroes, as_type=Villain), Any)


def without_a_type(conn: blocking.Connection, anything: Any) -> None:
    assert_type(r.table("heroes").run(conn), Any)
    assert_type(conn.run(r.table("heroes").get(1)), Any)
    assert_type(heroes.count().run(conn), Any)
    assert_type(heroes.run(anything), Any)
    assert_type(heroes.run(), Any)


def on_gevent(conn: gevent.Connection, pool: gevent.ConnectionPool) -> None:
    assert_type(conn.run(heroes), gevent.GeventCursor[Hero])
    assert_type(heroes.run(pool), gevent.GeventCursor[Hero])
    assert_type(heroes.get(1).run(pool), Hero | None)
    assert_type(heroes.order_by("name").run(conn), list[Hero])
    assert_type(r.table("heroes").run(pool), Any)


async def on_asyncio(conn: asyncio.Connection, pool: asyncio.ConnectionPool) -> None:
    assert_type(await conn.run(heroes), asyncio.AsyncioCursor[Hero])
    assert_type(await heroes.get(1).run(pool), Hero | None)
    assert_type(await heroes.order_by("name").run(conn), list[Hero])
    async for hero in await heroes.run(pool):
        assert_type(hero, Hero)
    async for change in await heroes.changes().run(pool):
        assert_type(change.new_val, Hero | None)
    assert_type(await r.table("heroes").run(pool), Any)


async def on_trio(conn: trio.Connection, pool: trio.ConnectionPool) -> None:
    assert_type(await conn.run(heroes), trio.TrioCursor[Hero])
    assert_type(await heroes.run(pool), trio.TrioCursor[Hero])
    assert_type(await heroes.get(1).run(pool), Hero | None)
    assert_type(await heroes.order_by("name").run(conn), list[Hero])
    assert_type(await r.table("heroes").run(pool), Any)


async def on_tornado(conn: tornado.Connection, pool: tornado.ConnectionPool) -> None:
    found = heroes.run(conn)
    assert_type(found, Future[tornado.TornadoCursor[Hero]])
    assert_type(await conn.run(heroes), tornado.TornadoCursor[Hero])
    assert_type(await heroes.get(1).run(pool), Hero | None)
    assert_type(await heroes.order_by("name").run(conn), list[Hero])
    assert_type(await r.table("heroes").run(pool), Any)


def on_twisted(conn: twisted.Connection, pool: twisted.ConnectionPool) -> None:
    assert_type(conn.run(heroes), Deferred[twisted.TwistedCursor[Hero]])
    assert_type(heroes.run(conn), Deferred[twisted.TwistedCursor[Hero]])
    assert_type(heroes.get(1).run(pool), Deferred[Hero | None])
    assert_type(heroes.order_by("name").run(pool), Deferred[list[Hero]])
    assert_type(r.table("heroes").run(pool), Deferred[Any])
