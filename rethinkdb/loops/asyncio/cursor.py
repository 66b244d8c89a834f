"""Cursors for asyncio: methods return coroutines."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Coroutine
from threading import get_ident
from typing import TYPE_CHECKING, Any

from rethinkdb.net.cursor import AsyncIterableCursor, Row

from ..transport.place import PROCESS

__all__ = ["AsyncioCursor"]


class AsyncioCursor(AsyncIterableCursor[Row]):
    """A cursor whose methods return coroutines. `async with cursor:` closes it at the end."""

    KNOWN_AS = "rethinkdb.asyncio_net.net_asyncio.AsyncioCursor"

    __module__ = "rethinkdb.loops.asyncio"  # where programs find it

    # Where items at hand were taken last. To look at the thread takes a seventh of such a `next()`
    # less than to look at the loop, for which Python up to 3.11 asks the system.
    _thread: int | None = None

    if TYPE_CHECKING:

        def next(self, wait: bool | float | None = True) -> Coroutine[Any, Any, Row]: ...
        def fetch_next(self, wait: bool | float | None = True) -> Coroutine[Any, Any, bool]: ...
        def to_list(self) -> Coroutine[Any, Any, list[Row]]: ...
        def close(self) -> Coroutine[Any, Any, None]: ...

    # For an item that has arrived, this is the whole of it; see `AsyncIterableCursor`. Each check
    # in a call of its own would be a twentieth of what a waiting change takes. An item that is yet
    # to come is waited for as in `Connection._call`, but there is nothing to send: `low_water` is 0
    # while the next batch is asked for. That takes a tenth of what a lone change takes.

    if not TYPE_CHECKING:

        async def next(self, wait=True):
            items, stream = self._items, self._stream
            if wait is True and len(items) > stream.low_water:
                if self._thread != get_ident():
                    self.conn._check_loop()
                    self._thread = get_ident()
                return items.popleft()
            if wait is not True:
                return await self._next_item(self._limit(wait))
            conn = self.conn
            if stream.renewal is not None:
                return await stream.renewal.asked(self, self._next)
            here = conn._process == PROCESS.id and get_running_loop() is conn._loop
            if stream.low_water or stream.finished or not here:
                return await conn._call(self._next)
            waiter = stream.next(self)
            if not waiter.done():
                future = waiter.future = conn._loop.create_future()
                try:
                    await future
                except BaseException:
                    conn._abandon(waiter)
                    raise
            return waiter.result()

        next.__doc__ = AsyncIterableCursor.next.__doc__

    def aclose(self) -> Coroutine[Any, Any, None]:
        """The same as `close()`. `contextlib.aclosing` calls it by this name."""
        return self.close()
