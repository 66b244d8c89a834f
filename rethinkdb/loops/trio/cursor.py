"""Cursors for trio: methods return coroutines."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import trio

from rethinkdb.net.cursor import AsyncIterableCursor, Row

if TYPE_CHECKING:
    pass

__all__ = ["TrioCursor"]


class TrioCursor(AsyncIterableCursor[Row]):
    """A cursor whose methods return coroutines. `async with cursor:` closes it at the end."""

    KNOWN_AS = "rethinkdb.trio_net.net_trio.TrioCursor"

    __module__ = "rethinkdb.loops.trio"  # where programs find it

    if TYPE_CHECKING:

        def next(self, wait: bool | float | None = True) -> Coroutine[Any, Any, Row]: ...
        def fetch_next(self, wait: bool | float | None = True) -> Coroutine[Any, Any, bool]: ...
        def to_list(self) -> Coroutine[Any, Any, list[Row]]: ...
        def close(self) -> Coroutine[Any, Any, None]: ...

    async def _next_item(self, timeout: float | None) -> Any:
        await trio.lowlevel.checkpoint_if_cancelled()
        return await super()._next_item(timeout)

    async def _has_item(self, timeout: float | None) -> Any:
        await trio.lowlevel.checkpoint_if_cancelled()
        return await super()._has_item(timeout)

    async def aclose(self) -> None:
        """The same as `close()`. Trio's own resources have this name for it."""
        await self.close()
