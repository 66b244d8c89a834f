"""The asyncio driver: methods return coroutines.

    async with r.connect("localhost") as conn:
        async for hero in await r.table("heroes").run(conn):
            print(hero)

A connection belongs to the event loop in which it was connected. Any number of tasks can share it;
their queries are in flight at the same time. Cancelling a task stops its query on the server and
affects nothing else. The driver uses only documented parts of the loop, so uvloop works too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import AsyncioCursor, Connection

if TYPE_CHECKING:
    from rethinkdb.chosen import Asyncio  # a stub

    from .pool import ConnectionPool as ConnectionPool

    r: Asyncio

__all__ = ["AsyncioCursor", "Connection", "ConnectionPool"]


def __getattr__(name: str) -> Any:
    # Imported on first use: many programs need no pool.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("asyncio")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
