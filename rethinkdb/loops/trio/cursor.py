"""Cursors for trio: methods return coroutines."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import trio
from trio.lowlevel import checkpoint_if_cancelled, current_task

from rethinkdb.net.cursor import AsyncIterableCursor, Row

from ..transport.place import PROCESS
from .waiting import sleep_until_done

__all__ = ["TrioCursor"]


class TrioCursor(AsyncIterableCursor[Row]):
    """A cursor whose methods return coroutines. `async with cursor:` closes it at the end."""

    KNOWN_AS = "rethinkdb.trio_net.net_trio.TrioCursor"

    __module__ = "rethinkdb.loops.trio"  # where programs find it

    #: The task that has taken items last, and so belongs to the connection's `trio.run()`.
    _taker: trio.lowlevel.Task | None = None

    if TYPE_CHECKING:

        def next(self, wait: bool | float | None = True) -> Coroutine[Any, Any, Row]: ...
        def fetch_next(self, wait: bool | float | None = True) -> Coroutine[Any, Any, bool]: ...
        def to_list(self) -> Coroutine[Any, Any, list[Row]]: ...
        def close(self) -> Coroutine[Any, Any, None]: ...

    # For an item that has arrived, this is the whole of it; see `AsyncIterableCursor`. Each check
    # in a call of its own would be a twentieth of what a waiting change takes. Trio's rules ask for
    # the check of a cancellation. Other tasks run when the items at hand are used up. An item that
    # is yet to come is waited for as in `Connection._call`, but there is nothing to send:
    # `low_water` is 0 while the next batch is asked for. That saves a tenth of what a change takes.

    if not TYPE_CHECKING:

        async def next(self, wait=True):
            task = current_task()
            try:
                cancelled = task._cancel_status.effectively_cancelled
            except AttributeError:  # trio documents only the function that is called next
                cancelled = True
            if cancelled:
                await checkpoint_if_cancelled()
            if wait is not True:
                return await self._next_item(self._limit(wait))
            conn, stream = self.conn, self._stream
            if len(self._items) > stream.low_water:
                if task is not self._taker:
                    conn._check_loop()
                    self._taker = task
                return self._items.popleft()
            if stream.renewal is not None:
                return await stream.renewal.asked(self, self._next)
            if stream.low_water or stream.finished or conn._process != PROCESS.id:
                return await conn._call(self._next)
            if task is not self._taker:
                conn._check_place()
                self._taker = task
            waiter = stream.next(self)
            if not waiter.done():
                try:
                    await sleep_until_done(waiter)
                except BaseException:
                    conn._abandon(waiter)
                    raise
            return waiter.result()

        async def fetch_next(self, wait=True):
            await checkpoint_if_cancelled()
            if wait is True and self._items:
                return True
            return await self._has_item(None if wait is True else self._limit(wait))

        next.__doc__ = AsyncIterableCursor.next.__doc__
        fetch_next.__doc__ = AsyncIterableCursor.fetch_next.__doc__

    async def aclose(self) -> None:
        """The same as `close()`. Trio's own resources have this name for it."""
        await self.close()
