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

from .connection import Connection
from .cursor import TwistedCursor

__all__ = ["Connection", "TwistedCursor"]
