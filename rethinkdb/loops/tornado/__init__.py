"""The Tornado driver: methods return Futures. The work begins at once, before anybody awaits them.

    conn = yield r.connect("localhost")
    feed = yield r.table("heroes").changes().run(conn)
    while (yield feed.fetch_next()):
        print((yield feed.next()))

`await` works too, and so does `async for hero in cursor`. The Futures are Tornado's, which are
asyncio's.

- Cancelling a Future, or the task that awaits it, stops its query on the server. No item is lost.
- A program can also settle the Future of `next()` itself, as `chain_future(cancelled, feed.next())`
  does. The next caller then gets the item.
- `gen.with_timeout` does neither when its time is up, so the next item is lost. Write
  `feed.next(wait=seconds)` instead.

A connection belongs to the loop in which it was connected, `IOLoop.current()`. `r.connect()` may be
called before that loop runs, for example at the top of a module.
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
    # Imported on first use: many programs need no pool.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("tornado")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
