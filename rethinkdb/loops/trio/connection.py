"""Connections for trio: methods return coroutines."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, Any

import trio

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.session import ServerInfo
from rethinkdb.net.waiter import Waiter

from ..transport.coroutines import CoroutineConnection
from ..transport.place import misplaced
from ..transport.tls import open_link
from .cursor import TrioCursor
from .results import TrioResults
from .waiting import deadline, dialled, sleep_until_done
from .wire import TrioWire

__all__ = ["Connection", "open"]


class Connection(TrioResults, CoroutineConnection[TrioWire]):
    """A connection whose methods return coroutines.

    `async with conn:` closes it at the end, without `noreply_wait`.

    Args:
        nursery: the nursery in which the connection's tasks run. It is required.
    """

    __module__ = "rethinkdb.loops.trio"  # where programs find it

    LOOP_API = 1
    LOOP_OPTIONS = ("nursery",)
    cursor_type = TrioCursor

    if TYPE_CHECKING:

        def noreply_wait(self) -> Coroutine[Any, Any, None]: ...
        def server(self) -> Coroutine[Any, Any, ServerInfo]: ...
        def close(self, noreply_wait: bool = True) -> Coroutine[Any, Any, None]: ...

    def _init_loop(self, nursery: trio.Nursery | None = None) -> None:
        if nursery is None:
            raise ReqlDriverError(
                "A connection on trio reads in a nursery. Give it one: connect(..., nursery=...)."
            )
        self._nursery = nursery

    def _make_home(self) -> None:
        self._home = trio.lowlevel.current_trio_token()
        self._thread = get_ident()

    async def __aexit__(self, *exc_info: object) -> None:
        # close() does not wait here, and a cancellation must not replace the block's exception.
        with trio.CancelScope(shield=True):
            await self.close(noreply_wait=False)

    async def _reach(self, timeout: float) -> None:
        self._make_home()
        late = ReqlTimeoutError(self.host, self.port)
        with self._connecting() as session, deadline(timeout, late):
            link = open_link(session, self.options)
            stream = await dialled(self.host, self.port)
            self._wire = TrioWire(stream, link, self._nursery, f"{self.host}:{self.port}")
            await self._settled(session.opened)

    async def _call(
        self, operation: Callable[..., Waiter[Any]], *args: Any, timeout: float | None = None
    ) -> Any:
        waiter = self._begin(operation, args)
        await self._settled(waiter, timeout)
        return self._outcome(waiter)

    def _future_of(self, waiter: Waiter[Any]) -> Coroutine[Any, Any, None]:
        return sleep_until_done(waiter)

    async def _settled(self, waiter: Waiter[Any], timeout: float | None = None) -> None:
        """Wait until the waiter is settled. If anything else ends the wait, abandon the waiter."""
        try:
            if waiter.done():
                await trio.lowlevel.checkpoint_if_cancelled()
            elif timeout is None:
                await sleep_until_done(waiter)
            else:
                with deadline(timeout, ReqlTimeoutError()):
                    await sleep_until_done(waiter)
        except BaseException:
            self._abandon(waiter)
            raise

    def _check_loop(self) -> None:
        # While the task that reads is running, `trio.run()` has not ended, and a thread has only
        # one. To ask trio which one it is takes two calls more, for each query.
        wire = self._wire
        if wire is not None and not wire.over and self._thread == get_ident():
            return
        try:
            is_home = trio.lowlevel.current_trio_token() is self._home
        except RuntimeError:  # not within a trio.run()
            is_home = False
        if not is_home:
            raise misplaced("another trio.run()", "Use trio.from_thread.run(), or connect here.")

    def _soon(self, callback: Callable[[], None]) -> None:
        with suppress(trio.RunFinishedError):
            self._home.run_sync_soon(callback)


#: Another name of `r.connect()`: `async with r.open(..., nursery=nursery) as conn:`.
open = Connection.make
