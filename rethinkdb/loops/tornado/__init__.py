"""The Tornado driver: methods return Futures, whose work has begun already.

    conn = yield r.connect("localhost")
    feed = yield r.table("heroes").changes().run(conn)
    while (yield feed.fetch_next()):
        print((yield feed.next()))

`await` does as well, and so does `async for hero in cursor`. The Futures are Tornado's own, which
are asyncio's: cancelling one, or the task that awaits it, stops its query on the server and loses
no item; one that the caller settles himself, as `chain_future(cancelled, feed.next())` does, leaves
its item to the next caller. `gen.with_timeout` does neither, so it loses the next item: use
`feed.next(wait=seconds)`.

A connection lives in the loop it was connected in, `IOLoop.current()`. That may be before the loop
runs: `r.connect()` at the top of a module is fine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import Connection
from .cursor import TornadoCursor

if TYPE_CHECKING:
    from rethinkdb.chosen import Tornado  # a stub

    from .pool import ConnectionPool as ConnectionPool

    r: Tornado

__all__ = ["Connection", "ConnectionPool", "TornadoCursor"]


def __getattr__(name: str) -> Any:
    # Many programs have one connection and no pool, and need not import what pools are made of.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("tornado")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
