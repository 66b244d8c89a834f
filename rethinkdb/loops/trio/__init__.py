"""The trio driver: methods return coroutines.

    async with trio.open_nursery() as nursery:
        async with r.connect("localhost", nursery=nursery) as conn:
            async for hero in await r.table("heroes").run(conn):
                print(hero)

A connection reads in a task of its own in the given nursery, until the connection is closed.
Cancelling the nursery closes the connection. Losing the server does not cancel the nursery.

The tasks of one `trio.run` can share a connection. Cancelling a task stops its query on the server
and affects nothing else. A call that need not wait, such as `cursor.next()` when an item has
arrived, checks for cancellation, but does not let other tasks run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .connection import Connection, open  # noqa: A004  # as trio names such functions
from .cursor import TrioCursor
from .pool import ConnectionPool

if TYPE_CHECKING:
    from rethinkdb.chosen import Trio  # a stub

    r: Trio

__all__ = ["Connection", "ConnectionPool", "TrioCursor", "open"]


def __getattr__(name: str) -> Any:
    if name == "r":
        from .. import chosen

        return chosen("trio")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
