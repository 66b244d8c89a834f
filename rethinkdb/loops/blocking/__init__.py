"""The blocking driver: methods return values, and wait in the caller's thread.

    conn = r.connect("localhost")
    for hero in r.table("heroes").run(conn):
        print(hero)

Any number of threads share a connection, their queries in flight together (see `channel`). What a
signal handler raises, such as KeyboardInterrupt, stops the query waited for, and no more; should it
hit the core at work, for some microseconds, the connection is replaced by a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import Connection, DefaultCursor, DefaultCursorEmpty

if TYPE_CHECKING:
    from rethinkdb.chosen import Blocking  # a stub

    from .pool import ConnectionPool as ConnectionPool

    r: Blocking

__all__ = ["Connection", "ConnectionPool", "DefaultCursor", "DefaultCursorEmpty"]


def __getattr__(name: str) -> Any:
    # Many programs have one connection and no pool, and need not import what pools are made of.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("blocking")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
