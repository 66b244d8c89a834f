"""The gevent driver: methods return values, and waiting lets other greenlets run.

    conn = r.connect("localhost")
    for hero in r.table("heroes").run(conn):
        print(hero)

It works with and without monkey patching. A connection belongs to the hub (the thread) in which it
was connected. The greenlets of that hub can share it; their queries are in flight at the same time.
The connection has a greenlet of its own, which reads the answers. If a `gevent.Timeout` or `kill()`
ends a waiting greenlet, its query is stopped on the server; nothing else is affected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import Connection, GeventCursor, GeventCursorEmpty

if TYPE_CHECKING:
    from rethinkdb.chosen import Gevent  # a stub

    from .pool import ConnectionPool as ConnectionPool

    r: Gevent

__all__ = ["Connection", "ConnectionPool", "GeventCursor", "GeventCursorEmpty"]


def __getattr__(name: str) -> Any:
    # Imported on first use: many programs need no pool.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("gevent")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
