"""Two live changefeeds with Tornado, each read by a callback of the IOLoop in the background.

A watcher tells of each change it has shown, and a writer goes on when its write was shown. When its
feed is closed, a watcher's `fetch_next()` gives False.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from tornado.gen import multi
from tornado.ioloop import IOLoop
from tornado.locks import Semaphore

from rethinkdb import r

TABLES = ("a", "b")

r.set_loop_type("tornado")


async def main(host: str | None = None, port: str | None = None) -> None:
    with await r.connect(host, port) as conn:
        for table in TABLES:
            await r.table_create(table).run(conn)
        await multi([watch_writes(conn, table) for table in TABLES])
        for table in TABLES:
            await r.table_drop(table).run(conn)


async def watch_writes(conn: Any, table: str) -> None:
    shown = Semaphore(0)
    with await r.table(table).changes().run(conn) as feed:
        IOLoop.current().add_callback(watch, table, feed, shown)
        for number in range(10):
            await r.table(table).insert({"id": number}).run(conn)
            await shown.acquire()


async def watch(table: str, feed: Any, shown: Semaphore) -> None:
    while await feed.fetch_next():
        change = await feed.next()
        print(f"Seen on table {table}: {change}")
        shown.release()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
