"""Handlers and listeners: results that come to you."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from rethinkdb import Handler, r
from rethinkdb.loops.asyncio import AsyncioCursor, Connection
from rethinkdb.loops.blocking import DefaultCursor
from rethinkdb.loops.gevent import GeventCursor
from rethinkdb.loops.tornado import TornadoCursor
from rethinkdb.loops.trio import TrioCursor
from rethinkdb.loops.twisted import TwistedCursor
from rethinkdb.push import QueryHandle, noreply_wait_with


class Printer(Handler):
    """Methods may take the handle too, or nothing, and be asynchronous."""

    def on_open(self, handle: QueryHandle) -> None: ...

    def on_close(self) -> None: ...

    async def on_val(self, value: dict[str, int], handle: QueryHandle) -> None: ...

    def on_atom(self) -> None:
        super().on_atom(1)

    def on_change(self, old: Any, new: Any, *, row: Any) -> None: ...


async def handling(conn: Connection) -> None:
    handle = r.table("t").changes().run_with(Printer, conn, include_states=True)
    assert_type(handle, QueryHandle)
    assert_type(r.table("t").em_run(Printer(), conn), QueryHandle)
    assert_type(r.table("t").run_with(print), QueryHandle)
    assert_type(noreply_wait_with(Printer, conn), QueryHandle)
    assert_type(handle.close(), bool)
    assert_type((handle.closed, handle.token), tuple[bool, int])
    assert_type(handle.error, Exception | None)
    await handle


def listening(
    blocking: DefaultCursor,
    asyncio: AsyncioCursor,
    tornado: TornadoCursor,
    twisted: TwistedCursor,
    trio: TrioCursor,
    gevent: GeventCursor,
) -> None:
    assert_type(blocking.on("data", print).once("end", print), DefaultCursor)
    assert_type(asyncio.on("data", print).off("data", print), AsyncioCursor)
    assert_type(tornado.add_listener("change", print).pause(), TornadoCursor)
    assert_type(twisted.remove_all_listeners("state").resume(), TwistedCursor)
    assert_type(trio.remove_listener("end", print).set_max_listeners(5), TrioCursor)
    assert_type(gevent.on("data", print).emit("mine", 1), bool)
    asyncio.each(lambda error, row: print(error, row), lambda: print("done"))


def watching(conn: Connection) -> None:
    assert_type(conn.on("close", print).on("connect", print), Connection)
