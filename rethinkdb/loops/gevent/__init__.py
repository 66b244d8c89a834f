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

from .connection import Connection, GeventCursor, GeventCursorEmpty

__all__ = ["Connection", "GeventCursor", "GeventCursorEmpty"]
