"""Listen to what the driver does: with connections, pools, queries and cursors.

    from rethinkdb import monitoring

    class Failures(monitoring.Listener):
        def query_failed(self, event):
            print(event.command, event.table, event.host, event.error)

    monitoring.register(Failures())            # of all connections of this process
    monitoring.register(Failures(), pool)      # of one pool, or of one connection

A listener is an object with a method for each kind of event that it wants; `EVENTS` has the names.
Or it is a function, which gets all events. Without listeners, monitoring costs a query nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .describing import QueryInfo
from .events import (
    EVENTS,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLost,
    ConnectionOpened,
    CursorBatch,
    CursorClosed,
    Event,
    HostDown,
    HostUp,
    PoolClosed,
    PoolExhausted,
    PoolLost,
    PoolOpened,
    PoolRecovered,
    PoolReturned,
    PoolServed,
    QueryAnswered,
    QueryCancelled,
    QueryEvent,
    QueryFailed,
    QueryFinished,
    QueryRetried,
    QueryStarted,
)
from .listener import Listener
from .registering import register, unregister

__all__ = [
    "EVENTS",
    "ConnectionClosed",
    "ConnectionFailed",
    "ConnectionLost",
    "ConnectionOpened",
    "CursorBatch",
    "CursorClosed",
    "Event",
    "HostDown",
    "HostUp",
    "Listener",
    "PoolClosed",
    "PoolExhausted",
    "PoolLost",
    "PoolOpened",
    "PoolRecovered",
    "PoolReturned",
    "PoolServed",
    "QueryAnswered",
    "QueryCancelled",
    "QueryEvent",
    "QueryFailed",
    "QueryFinished",
    "QueryInfo",
    "QueryRetried",
    "QueryStarted",
    "listening",
    "register",
    "unregister",
]


@contextmanager
def listening(listener: Any, target: Any = None) -> Iterator[Any]:
    """Register a listener for the time of a `with` block. `as` gives the listener.

    Args:
        listener, target: as in `register`.

    Example:
        with monitoring.listening(print, conn):
            r.table("heroes").count().run(conn)
    """
    register(listener, target)
    try:
        yield listener
    finally:
        unregister(listener, target)
