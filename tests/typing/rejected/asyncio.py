"""asyncio: coroutines are not values."""

from __future__ import annotations

from rethinkdb import r
from rethinkdb.loops.asyncio import AsyncioCursor, Connection

opened: Connection = Connection.make("localhost")  # error: assignment
chosen: Connection = r.connect("localhost", loop_type="asyncio")  # error: assignment


async def running(conn: Connection) -> None:
    count: int = conn.run(r.expr(1))  # error: assignment
    rows: list[str] = r.table("t").run(conn)  # error: arg-type
    print(count, rows, r.expr(1).run(conn) + 1)  # error: operator
    conn.run(r.expr(1))  # error: unused-coroutine
    r.table("t").insert({}).run(conn)  # error: unused-coroutine
    conn.noreply_wait()  # error: unused-coroutine
    conn.close()  # error: unused-coroutine
    print(conn.server()["name"])  # error: index
    await conn.use("blog")  # error: func-returns-value misc
    await conn.close(wait=True)  # error: call-arg
    await conn.reconnect(timeout="1")  # error: arg-type


async def entering(conn: Connection) -> None:
    with conn:  # error: attr-defined attr-defined
        pass
    with Connection.make("localhost"):  # error: attr-defined attr-defined
        pass


async def cursors(cursor: AsyncioCursor) -> None:
    for document in cursor:  # error: attr-defined
        print(document)
    with cursor:  # error: attr-defined attr-defined
        pass
    next(cursor)  # error: call-overload
    list(cursor)  # error: call-overload
    cursor.close()  # error: unused-coroutine
    cursor.next()  # error: unused-coroutine
    more: bool = cursor.fetch_next()  # error: assignment
    await cursor.next(wait="1")  # error: arg-type
    found: list[str] = cursor.to_list()  # error: assignment
    print(more, found)


def with_a_type(cursor: AsyncioCursor[int]) -> None:
    row: str = cursor.next()  # error: assignment
    print(row)
