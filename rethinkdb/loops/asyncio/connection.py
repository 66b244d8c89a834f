"""Connections and cursors for asyncio: methods return coroutines."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.net.cursor import AsyncIterableCursor, Row
from rethinkdb.net.session import ServerInfo
from rethinkdb.net.waiter import Waiter

from ..transport.event_loop import LoopConnection
from ..transport.opening import Opening
from ..transport.place import PROCESS
from .results import AsyncioResults

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncioCursor", "Connection"]

T = TypeVar("T")


class AsyncioCursor(AsyncIterableCursor[Row]):
    """A cursor whose methods return coroutines. `async with cursor:` closes it at the end."""

    KNOWN_AS = "rethinkdb.asyncio_net.net_asyncio.AsyncioCursor"

    __module__ = "rethinkdb.loops.asyncio"  # where programs find it

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
            if wait is not True:
                return await self._next_item(self._limit(wait))
            conn, stream = self.conn, self._stream
            if len(self._items) > stream.low_water:
                if get_running_loop() is not conn._loop:
                    conn._check_loop()
                return self._items.popleft()
            if stream.renewal is not None:
                return await stream.renewal.asked(self, self._next)
            here = conn._process == PROCESS.id and get_running_loop() is conn._loop
            if stream.low_water or stream.finished or not here:
                return await conn._call(self._next)
            waiter = stream.next(self)
            if not waiter.done():
                try:
                    await conn._future_of(waiter)
                except BaseException:
                    conn._abandon(waiter)
                    raise
            return waiter.result()

        next.__doc__ = AsyncIterableCursor.next.__doc__

    def aclose(self) -> Coroutine[Any, Any, None]:
        """The same as `close()`. `contextlib.aclosing` calls it by this name."""
        return self.close()


class Connection(AsyncioResults, LoopConnection):
    """A connection whose methods return coroutines.

    `async with conn:` closes it at the end, without `noreply_wait`.
    """

    __module__ = "rethinkdb.loops.asyncio"  # where programs find it

    LOOP_API = 1
    cursor_type = AsyncioCursor

    if TYPE_CHECKING:

        @classmethod
        def make(cls, *args: Any, **kwargs: Any) -> Opening[Self]: ...
        def noreply_wait(self) -> Coroutine[Any, Any, None]: ...
        def server(self) -> Coroutine[Any, Any, ServerInfo]: ...

    def connect(self) -> Opening[Self]:
        return Opening(self._connect(self.connect_timeout), self)

    def reconnect(
        self, noreply_wait: bool = True, timeout: float | None = None
    ) -> Coroutine[Any, Any, Self]:
        return self._reconnected(noreply_wait, timeout)

    def close(self, noreply_wait: bool = True) -> Coroutine[Any, Any, None]:
        return self._closed(noreply_wait)

    def _start(self, term: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        if options and (place := self._place_for(options)) is not self:
            elsewhere: Coroutine[Any, Any, Any] = place.run(term, **options)
            return elsewhere
        if (opening := self._ask_own_check()) is not None:
            after: Coroutine[Any, Any, Any] = self._run_after(opening, term, options)
            return after
        if not self._session.is_open:
            self._started(term, options).result()  # raises, and says why
        return self._call(self._started, term, options)

    _start.__doc__ = LoopConnection.run.__doc__

    if not TYPE_CHECKING:  # `AsyncioResults` has its types
        run = _start

    async def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Any:
        waiter = self._begin(operation, args)
        if timeout is not None:
            await self._settled(waiter, timeout)
        elif not waiter.done():
            try:
                await self._future_of(waiter)  # not `_settled`, which would be one more coroutine
            except BaseException:
                self._abandon(waiter)
                raise
        return self._outcome(waiter)
