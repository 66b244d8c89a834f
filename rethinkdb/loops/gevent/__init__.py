"""The gevent driver: methods return values, and waiting lets other greenlets run.

    conn = r.connect("localhost")
    for hero in r.table("heroes").run(conn):
        print(hero)

It needs no monkey patching, and does not mind it. A connection belongs to the hub (the thread) that
it was connected in, and the greenlets there share it: their queries are in flight together, and a
greenlet of the connection's own reads the answers. A `gevent.Timeout` or `kill()` that hits a
waiting greenlet stops its query on the server and nothing else.
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
    # Many programs have one connection and no pool, and need not import what pools are made of.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("gevent")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
