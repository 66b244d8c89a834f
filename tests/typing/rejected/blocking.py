"""Blocking: values are not awaited."""

from __future__ import annotations

from rethinkdb import r
from rethinkdb.loops.blocking import Connection, DefaultCursor


async def running(conn: Connection) -> None:
    await Connection.make("localhost")  # error: misc
    await r.connect("localhost", loop_type="blocking")  # error: misc
    await conn.close()  # error: func-returns-value misc
    await conn.server()  # error: misc
    async with conn:  # error: attr-defined attr-defined
        pass
    conn.run(r.expr(1), r.expr(2))  # error: call-overload
    conn.run()  # error: call-overload
    conn.server()["version"]  # error: typeddict-item
    conn.reconnect(False, "5")  # error: arg-type
    r.expr(1).run("localhost")  # error: call-overload


async def cursors(cursor: DefaultCursor) -> None:
    async for document in cursor:  # error: attr-defined
        print(document)
    async with cursor:  # error: attr-defined attr-defined
        pass
    await cursor.to_list()  # error: misc
    cursor.next(wait="1")  # error: arg-type
    cursor.fetch_next(timeout=1)  # error: call-arg
    cursor.aclose()  # error: attr-defined


def with_a_type(cursor: DefaultCursor[int]) -> None:
    row: str = cursor.next()  # error: assignment
    print(row)
