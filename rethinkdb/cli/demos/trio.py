"""Two live changefeeds with trio: a nursery for each, whose scope is cancelled at the end.

A watcher tells of each change it has shown, and a writer goes on when its write was shown.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import trio

from rethinkdb import r

TABLES = ("a", "b")

r.set_loop_type("trio")


async def main(host: str | None = None, port: str | None = None) -> None:
    async with trio.open_nursery() as reading, r.open(host, port, nursery=reading) as conn:
        for table in TABLES:
            await r.table_create(table).run(conn)
        async with trio.open_nursery() as nursery:
            for table in TABLES:
                nursery.start_soon(watch_writes, conn, table)
        for table in TABLES:
            await r.table_drop(table).run(conn)


async def watch_writes(conn: Any, table: str) -> None:
    shown = trio.Semaphore(0)
    async with await r.table(table).changes().run(conn) as feed, trio.open_nursery() as nursery:
        nursery.start_soon(watch, table, feed, shown)
        for number in range(10):
            await r.table(table).insert({"id": number}).run(conn)
            await shown.acquire()
        nursery.cancel_scope.cancel()


async def watch(table: str, feed: Any, shown: trio.Semaphore) -> None:
    async for change in feed:
        print(f"Seen on table {table}: {change}")
        shown.release()


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
