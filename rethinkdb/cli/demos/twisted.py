"""Two live changefeeds with Twisted: a Deferred stands for the reading of each, and is cancelled.

A watcher tells of each change it has shown, and a writer goes on when its write was shown.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

from twisted.internet.defer import CancelledError, DeferredQueue, gatherResults, inlineCallbacks
from twisted.internet.task import react

from rethinkdb import r

TABLES = ("a", "b")

Steps = Generator[Any, Any, None]

r.set_loop_type("twisted")


@inlineCallbacks
def main(reactor: object, host: str | None = None, port: str | None = None) -> Steps:
    conn = yield r.connect(host, port)
    yield gatherResults([r.table_create(table).run(conn) for table in TABLES])
    yield gatherResults([watch_writes(conn, table) for table in TABLES])
    yield gatherResults([r.table_drop(table).run(conn) for table in TABLES])
    yield conn.close()


@inlineCallbacks
def watch_writes(conn: Any, table: str) -> Steps:
    feed = yield r.table(table).changes().run(conn)
    shown: DeferredQueue[Any] = DeferredQueue()
    watching = watch(table, feed, shown)
    for number in range(10):
        yield r.table(table).insert({"id": number}).run(conn)
        yield shown.get()
    watching.cancel()
    yield watching


@inlineCallbacks
def watch(table: str, feed: Any, shown: DeferredQueue[Any]) -> Steps:
    try:
        while (yield feed.fetch_next()):
            change = yield feed.next()
            print(f"Seen on table {table}: {change}")
            shown.put(change)
    except CancelledError:
        feed.close()


if __name__ == "__main__":
    react(main, sys.argv[1:])
