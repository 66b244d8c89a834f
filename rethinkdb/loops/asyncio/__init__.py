"""The asyncio driver: methods return coroutines.

    async with r.connect("localhost") as conn:
        async for hero in await r.table("heroes").run(conn):
            print(hero)

A connection lives in the event loop it was connected in; any number of its tasks share it, their
queries in flight together. Cancelling one stops its query on the server and leaves everything else
as it was. Only documented parts of the loop are used, so uvloop serves as well.
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
    # Many programs have one connection and no pool, and need not import what pools are made of.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("asyncio")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
