"""The trio driver: methods return coroutines.

    async with trio.open_nursery() as nursery:
        async with r.connect("localhost", nursery=nursery) as conn:
            async for hero in await r.table("heroes").run(conn):
                print(hero)

A connection reads in a task of its own in the nursery given, until it is closed. Cancelling the
nursery closes it; losing the server does not cancel the nursery. The tasks of one `trio.run` share
it; cancelling one of them stops its query on the server and nothing else. What is settled at once,
as `cursor.next()` is with an item at hand, is a checkpoint for cancellation, not for scheduling.
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
