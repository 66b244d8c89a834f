"""Two live changefeeds with threads, which share one connection.

A watcher tells of each change it has shown, and a writer goes on when its write was shown. Closing
a feed ends the loop over it, in whatever thread that runs.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore, Thread
from typing import Any

from rethinkdb import r

TABLES = ("a", "b")


def main(host: str | None = None, port: str | None = None) -> None:
    with r.connect(host, port) as conn:
        for table in TABLES:
            r.table_create(table).run(conn)
        with ThreadPoolExecutor() as pool:
            for job in [pool.submit(watch_writes, conn, table) for table in TABLES]:
                job.result()
        for table in TABLES:
            r.table_drop(table).run(conn)


def watch_writes(conn: Any, table: str) -> None:
    shown = Semaphore(0)
    with r.table(table).changes().run(conn) as feed:
        watcher = Thread(target=watch, args=(table, feed, shown))
        watcher.start()
        for number in range(10):
            r.table(table).insert({"id": number}).run(conn)
            shown.acquire()
    watcher.join()


def watch(table: str, feed: Any, shown: Semaphore) -> None:
    for change in feed:
        # The end of the line is in the text, as the other thread prints too.
        print(f"Seen on table {table}: {change}\n", end="")
        shown.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
