"""The Twisted driver: methods return Deferreds. The work begins at once.

    conn = yield r.connect("localhost")
    feed = yield r.table("heroes").changes().run(conn)
    while (yield feed.fetch_next()):
        print((yield feed.next()))

`await` works too, and so does `async for hero in cursor`. Cancelling a Deferred stops its query on
the server and affects nothing else. All errors, also those about wrong arguments, arrive as a
Failure of the Deferred.

`r.connect()` may be called before the reactor runs. Connecting then begins when the reactor starts,
and `timeout` counts from then. Everything runs in the reactor's thread.
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
    # Imported on first use: many programs need no pool.
    if name == "ConnectionPool":
        from .pool import ConnectionPool

        return ConnectionPool
    if name == "r":
        from .. import chosen

        return chosen("twisted")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
