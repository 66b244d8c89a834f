"""Two live changefeeds with gevent: a greenlet reads each, until it is killed.

A watcher tells of each change it has shown, and a writer goes on when its write was shown.
"""

from __future__ import annotations

import sys
from typing import Any

import gevent
from gevent.lock import Semaphore

from rethinkdb import r

TABLES = ("a", "b")

r.set_loop_type("gevent")


def main(host: str | None = None, port: str | None = None) -> None:
    with r.connect(host, port) as conn:
        for table in TABLES:
            r.table_create(table).run(conn)
        jobs = [gevent.spawn(watch_writes, conn, table) for table in TABLES]
        gevent.joinall(jobs, raise_error=True)
        for table in TABLES:
            r.table_drop(table).run(conn)


def watch_writes(conn: Any, table: str) -> None:
    shown = Semaphore(0)
    with r.table(table).changes().run(conn) as feed:
        watcher = gevent.spawn(watch, table, feed, shown)
        for number in range(10):
            r.table(table).insert({"id": number}).run(conn)
            shown.acquire()
        watcher.kill()


def watch(table: str, feed: Any, shown: Semaphore) -> None:
    for change in feed:
        print(f"Seen on table {table}: {change}")
        shown.release()


if __name__ == "__main__":
    main(*sys.argv[1:])
