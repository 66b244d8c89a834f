"""The part of a trio pool that uses a nursery: the given one, or one that the pool opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import trio

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.pool import Member

from ..transport.awaiting_pool import AwaitingPool
from .wire import NurseryCancelled

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["NurseryPool"]

# Stands for a nursery in a connection that is never opened.
_NO_NURSERY: Any = object()


class NurseryPool(AwaitingPool):
    """A pool whose tasks run in a nursery.

    Args:
        nursery: the nursery. Without it, `async with pool:` opens one.
    """

    _block: Any = None

    def __init__(self, *args: Any, nursery: trio.Nursery | None = None, **kwargs: Any) -> None:
        self._nursery: Any = nursery
        super().__init__(*args, **kwargs)

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
                await self._leave_nursery(*exc_info)

    async def _leave_nursery(self, *exc_info: Any) -> None:
        block, self._block = self._block, None
        nursery, self._nursery = self._nursery, None
        nursery.cancel_scope.cancel()
        try:
            await block.__aexit__(*exc_info)
        except BaseException as group:
            # A nursery puts also a lone error of its block into a group. Programs do not know of
            # this one, and `except` would not find the error: so it goes on as it is.
            if not _holds_only(group, exc_info[1]):
                raise

    def _new_connection(self) -> BaseConnection:
        args, kwargs = self._arguments
        # The sample connection is never opened and needs no nursery. `_spawn` checks for one.
        nursery = self._nursery or _NO_NURSERY
        return self.connection_type(*args, nursery=nursery, **kwargs)

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
        try:
            self._nursery.start_soon(self._within, scope, work, *args)
        except RuntimeError:  # the nursery has ended, and so has all work in it
            if work == self._close_member:
                self._told(self._pool.closed, args[0])
        return scope.cancel

    async def _within(self, scope: trio.CancelScope, work: Callable[..., Any], *args: Any) -> None:
        with scope:
            await work(*args)

    def _lost(self, member: Member, cause: BaseException | None) -> None:
        if isinstance(cause, NurseryCancelled) and not self.closed:
            self.closed = True  # nothing can be opened any more
            self._told(self._pool.close, timeout=0.0)
        super()._lost(member, cause)


def _holds_only(group: BaseException, error: BaseException | None) -> bool:
    """Whether a nursery has put this one error into a group, and nothing else."""
    held: tuple[BaseException, ...] = getattr(group, "exceptions", ())
    if len(held) != 1:
        return False
    # trio may make an equal group of one that the block has raised.
    return held[0] is error or all(hasattr(each, "exceptions") for each in (held[0], error))
