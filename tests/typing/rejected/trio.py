"""trio: coroutines are not values."""

from __future__ import annotations

from rethinkdb import r
from rethinkdb.loops.trio import Connection, TrioCursor


async def running(conn: Connection) -> None:
    count: int = conn.run(r.expr(1))  # error: assignment
    print(count, r.expr(1).run(conn) + 1)  # error: operator
    r.table("t").insert({}).run(conn)  # error: unused-coroutine
    conn.close()  # error: unused-coroutine
    print(conn.server()["name"])  # error: index
    with conn:  # error: attr-defined attr-defined
        pass


async def connecting() -> None:
    conn: Connection = r.connect("localhost", loop_type="trio")  # error: assignment
    print(conn)


async def cursors(cursor: TrioCursor) -> None:
    for document in cursor:  # error: attr-defined
        print(document)
    with cursor:  # error: attr-defined attr-defined
        pass
    cursor.close()  # error: unused-coroutine
    await cursor.fetch_next(wait="1")  # error: arg-type
    found: list[str] = cursor.to_list()  # error: assignment
    print(found)


def with_a_type(cursor: TrioCursor[int]) -> None:
    row: str = cursor.next()  # error: assignment
    print(row)
