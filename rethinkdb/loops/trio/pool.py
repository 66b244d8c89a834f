"""The pool of trio programs: methods return coroutines."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import trio

from rethinkdb.net.waiter import Waiter

from .connection import Connection
from .official_pool import OfficialNames
from .results import TrioResults
from .timer import call_later
from .waiting import sleep_until_done

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]


class ConnectionPool(TrioResults, OfficialNames):
    """A pool whose methods return coroutines.

    `async with pool:` opens it, and closes it at the end.

    Its tasks run in a nursery: the one given as `nursery`, or one that `async with pool:` opens.

    Two arguments have the names of the official package: `maxsize` is another name for `max_size`;
    `maxidle` is the largest number of idle connections to keep.

    Example:
        async with r.ConnectionPool("localhost") as pool:
            print(await r.table("heroes").count().run(pool))
    """

    __module__ = "rethinkdb.loops.trio"  # where programs find it

    connection_type = Connection

    _timer: trio.CancelScope | None = None

    if TYPE_CHECKING:

        def open(self) -> Coroutine[Any, Any, Self]: ...
        def connection(self) -> AbstractAsyncContextManager[Connection]: ...
        def acquire(self) -> Coroutine[Any, Any, Connection]: ...
        def release(self, connection: Connection) -> Coroutine[Any, Any, None]: ...

    def _here(self) -> Any:
        return trio.lowlevel.current_trio_token()

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else call_later(seconds, self._tick)

    async def _sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def _until(self, waiter: Waiter[Any]) -> None:
        await sleep_until_done(waiter)
