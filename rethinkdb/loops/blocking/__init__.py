"""The blocking driver: methods return values, and wait in the caller's thread.

    conn = r.connect("localhost")
    for hero in r.table("heroes").run(conn):
        print(hero)

Any number of threads share a connection, their queries in flight together (see `channel`). What a
signal handler raises, such as KeyboardInterrupt, stops the query waited for, and no more; should it
hit the core at work, for some microseconds, the connection is replaced by a new one.
"""

from __future__ import annotations

from .connection import Connection, DefaultCursor, DefaultCursorEmpty

__all__ = ["Connection", "DefaultCursor", "DefaultCursorEmpty"]
