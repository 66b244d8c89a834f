"""Typed tables: the rows are what their class says, and may be missing."""

from __future__ import annotations

from dataclasses import dataclass

from rethinkdb import r
from rethinkdb.ast import Stream
from rethinkdb.loops import asyncio, blocking, gevent, tornado, trio, twisted


@dataclass
class Hero:
    """What the rows are."""

    name: str


heroes = r.table("heroes", of=Hero)


def on_blocking(conn: blocking.Connection) -> None:
    print(heroes.get(1).run(conn).name)  # error: union-attr
    for hero in heroes.run(conn):
        print(hero.nmae)  # error: attr-defined
    number: int = heroes.nth(0).run(conn)  # error: assignment
    names: list[str] = heroes.order_by("name").run(conn)  # error: arg-type
    print(number, names, heroes.run(conn).name)  # error: attr-defined


def where_another_result_is_expected(conn: blocking.Connection) -> None:
    listed: list[str] = conn.run(heroes.order_by("name"))  # error: arg-type
    cursor: blocking.DefaultCursor[str] = heroes.run(conn)  # error: arg-type
    array: list[str] = heroes.run(conn)  # error: arg-type
    fields: dict[str, str] = conn.run(heroes.nth(0))  # error: arg-type
    print(listed, cursor, array, fields)


def on_gevent(pool: gevent.ConnectionPool) -> None:
    for change in heroes.changes().run(pool):
        print(change.new_val.name)  # error: union-attr
        print(change.name)  # error: attr-defined


async def on_asyncio(conn: asyncio.Connection, pool: asyncio.ConnectionPool) -> None:
    heroes.get(1).run(conn)  # error: unused-coroutine
    for hero in await heroes.run(conn):  # error: attr-defined
        print(hero)
    async for hero in await pool.run(heroes):
        print(hero.nmae)  # error: attr-defined


async def on_trio(conn: trio.Connection) -> None:
    print((await heroes.get(1).run(conn)).name)  # error: union-attr


async def on_tornado(conn: tornado.Connection) -> None:
    print((await heroes.nth(1).run(conn)).nmae)  # error: attr-defined


async def on_twisted(conn: twisted.Connection) -> None:
    print(heroes.get(1).run(conn).name)  # error: attr-defined
    print((await heroes.nth(1).run(conn)).nmae)  # error: attr-defined


# Its commands take the same arguments as those of any table.

heroes.filter({}, defualt=True)  # error: call-arg
heroes.get()  # error: call-arg
heroes.limit("3")  # error: arg-type
heroes.table("other")  # error: attr-defined
heroes.filter({}).insert({})  # error: attr-defined
names: Stream[str] = heroes.filter({})  # error: assignment
