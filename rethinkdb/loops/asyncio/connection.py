"""Connections for asyncio: methods return coroutines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.net.session import ServerInfo
from rethinkdb.net.waiter import Waiter

from ..transport.event_loop import LoopConnection
from ..transport.opening import Opening
from .cursor import AsyncioCursor
from .results import AsyncioResults

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncioCursor", "Connection"]

T = TypeVar("T")


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
        return self._closed_by_call(noreply_wait)

    async def _closed_by_call(self, noreply_wait: bool) -> None:
        self._close_called()
        await self._closed(noreply_wait)

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
            # The core itself settles the Future. A callback, as in `_settled`, would be 4 % more.
            future = waiter.future = self._loop.create_future()
            try:
                await future
            except BaseException:
                self._abandon(waiter)
                raise
        return self._outcome(waiter)
