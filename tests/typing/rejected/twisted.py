"""Twisted: Deferreds are not values, and have no context."""

from __future__ import annotations

from rethinkdb import r
from rethinkdb.loops.twisted import Connection, TwistedCursor

opened: Connection = Connection.make("localhost")  # error: assignment
chosen: Connection = r.connect("localhost", loop_type="twisted")  # error: assignment


async def running(conn: Connection) -> None:
    count: int = conn.run(r.expr(1))  # error: assignment
    print(count, r.expr(1).run(conn) + 1)  # error: operator
    print(conn.server()["name"])  # error: index
    with Connection.make("localhost"):  # error: attr-defined attr-defined
        pass


async def cursors(cursor: TwistedCursor) -> None:
    for document in cursor:  # error: attr-defined
        print(document)
    await cursor.close()  # error: func-returns-value misc
    await cursor.next(wait="1")  # error: arg-type
    cursor.next().cancel(1)  # error: call-arg
    found: list[str] = cursor.to_list()  # error: assignment
    print(found)


def with_a_type(cursor: TwistedCursor[int]) -> None:
    row: str = cursor.next()  # error: assignment
    print(row)
