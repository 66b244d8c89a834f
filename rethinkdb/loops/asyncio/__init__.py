"""The asyncio driver: methods return coroutines.

    async with r.connect("localhost") as conn:
        async for hero in await r.table("heroes").run(conn):
            print(hero)

A connection lives in the event loop it was connected in; any number of its tasks share it, their
queries in flight together. Cancelling one stops its query on the server and leaves everything else
as it was. Only documented parts of the loop are used, so uvloop serves as well.
"""

from __future__ import annotations

from .connection import AsyncioCursor, Connection

__all__ = ["AsyncioCursor", "Connection"]
