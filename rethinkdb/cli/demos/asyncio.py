"""Two live changefeeds with asyncio: a task reads each, until it is cancelled.

A watcher tells of each change it has shown, and a writer goes on when its write was shown.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from rethinkdb import r

TABLES = ("a", "b")

r.set_loop_type("asyncio")


async def main(host: str | None = None, port: str | None = None) -> None:
    async with r.connect(host, port) as conn:
        for table in TABLES:
            await r.table_create(table).run(conn)
        await asyncio.gather(*(watch_writes(conn, table) for table in TABLES))
        for table in TABLES:
            await r.table_drop(table).run(conn)


async def watch_writes(conn: Any, table: str) -> None:
    shown = asyncio.Semaphore(0)
    async with await r.table(table).changes().run(conn) as feed:
        watcher = asyncio.create_task(watch(table, feed, shown))
        for number in range(10):
            await r.table(table).insert({"id": number}).run(conn)
            await shown.acquire()
        watcher.cancel()
        await asyncio.wait([watcher])


async def watch(table: str, feed: Any, shown: asyncio.Semaphore) -> None:
    async for change in feed:
        print(f"Seen on table {table}: {change}")
        shown.release()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
