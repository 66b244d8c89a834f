"""The blocking driver: methods return values. They block the calling thread while they wait.

    conn = r.connect("localhost")
    for hero in r.table("heroes").run(conn):
        print(hero)

Any number of threads can share a connection; their queries are in flight at the same time (see
`channel`). If a signal handler raises an error, such as KeyboardInterrupt, the query that the
thread waits for is stopped; nothing else is affected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import Connection
from .cursor import DefaultCursor, DefaultCursorEmpty

if TYPE_CHECKING:
    from rethinkdb.chosen import Blocking  # a stub

    from .pool import ConnectionPool as ConnectionPool

    r: Blocking

__all__ = ["Connection", "ConnectionPool", "DefaultCursor", "DefaultCursorEmpty"]


def __getattr__(name: str) -> Any:
    # Imported on first use: many programs need no pool.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("blocking")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
