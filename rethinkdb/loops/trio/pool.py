"""The pool of trio programs: methods return coroutines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import trio

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.waiter import Waiter

from .connection import Connection
from .official_pool import OfficialNames
from .timer import call_later
from .wire import settled

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]

# In place of one, for a connection that is never opened.
_NO_NURSERY: Any = object()


class ConnectionPool(OfficialNames):
    """A pool whose methods return coroutines. `async with pool:` opens and closes it.

    Its connections read in tasks of a nursery: the one given as `nursery`, or else one of its own,
    which `async with pool:` opens.

    `maxsize` is another name for `max_size`, and `maxidle` says how many connections are kept while
    nobody uses them: so the official package calls them.

    Example:
        async with r.ConnectionPool("localhost") as pool:
            print(await r.table("heroes").count().run(pool))
    """

    __module__ = "rethinkdb.loops.trio"  # where programs find it

    connection_type = Connection

    _timer: trio.CancelScope | None = None
    _block: Any = None

    def __init__(self, *args: Any, nursery: trio.Nursery | None = None, **kwargs: Any) -> None:
        self._nursery: Any = nursery
        super().__init__(*args, **kwargs)

    if TYPE_CHECKING:

        def run(self, term: Any, **options: Any) -> Coroutine[Any, Any, Any]: ...
        def open(self) -> Coroutine[Any, Any, Self]: ...
        def connection(self) -> AbstractAsyncContextManager[Connection]: ...
        def acquire(self) -> Coroutine[Any, Any, Connection]: ...
        def release(self, connection: Connection) -> Coroutine[Any, Any, None]: ...

    async def __aenter__(self) -> Self:
        if self._nursery is None:
            self._block = trio.open_nursery()
            self._nursery = await self._block.__aenter__()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        try:
            await self.close()
        finally:
            if self._block is not None:
                block, self._block = self._block, None
                nursery, self._nursery = self._nursery, None
                nursery.cancel_scope.cancel()
                await block.__aexit__(*exc_info)

    def _new_connection(self) -> BaseConnection:
        args, kwargs = self._arguments
        # The sample, which is never opened, needs none; `_spawn` asks for one in time.
        nursery = self._nursery or _NO_NURSERY
        return self.connection_type(*args, nursery=nursery, **kwargs)

    def _here(self) -> Any:
        return trio.lowlevel.current_trio_token()

    def _check_nursery(self) -> None:
        if self._nursery is None:
            raise ReqlDriverError(
                "A pool on trio works in a nursery: write `async with pool:`, or give it one,"
                " ConnectionPool(..., nursery=nursery)."
            )

    def _stand_in(self) -> BaseConnection:
        self._check_nursery()
        return super()._stand_in()

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        self._check_nursery()
        scope = trio.CancelScope()
        with suppress(RuntimeError):  # the nursery has ended, and so has all work in it
            self._nursery.start_soon(self._within, scope, work, *args)
        return scope.cancel

    async def _within(self, scope: trio.CancelScope, work: Callable[..., Any], *args: Any) -> None:
        with scope:
            await work(*args)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else call_later(seconds, self._tick)

    async def _sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def _until(self, waiter: Waiter[Any]) -> None:
        await settled(waiter, None)
