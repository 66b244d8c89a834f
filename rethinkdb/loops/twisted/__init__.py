"""The Twisted driver: methods return Deferreds, whose work has begun already.

    conn = yield r.connect("localhost")
    feed = yield r.table("heroes").changes().run(conn)
    while (yield feed.fetch_next()):
        print((yield feed.next()))

`await` does as well, and so does `async for hero in cursor`. Cancelling a Deferred stops its query
on the server and nothing else. Whatever goes wrong, wrong arguments included, comes as a Failure of
the Deferred.

`r.connect()` may be called before the reactor runs: connecting, and the time it may take, begin
when the reactor does. All of it happens in the reactor's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import Connection
from .cursor import TwistedCursor

if TYPE_CHECKING:
    from rethinkdb.chosen import Twisted  # a stub

    from .pool import ConnectionPool as ConnectionPool

    r: Twisted

__all__ = ["Connection", "ConnectionPool", "TwistedCursor"]


def __getattr__(name: str) -> Any:
    # Many programs have one connection and no pool, and need not import what pools are made of.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("twisted")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
