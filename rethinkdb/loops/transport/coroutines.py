"""Connections whose methods are all coroutines, on a `Wire`: the base for trio and anyio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .opening import Opening
from .places import AwaitingReach
from .wire import Wire
from .wired import WiredConnection

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CoroutineConnection"]

W = TypeVar("W", bound=Wire)


class CoroutineConnection(AwaitingReach, WiredConnection[W]):
    """A connection whose methods return coroutines."""

    @classmethod
    def make(cls, *args: Any, **kwargs: Any) -> Opening[Self]:
        connection = cls(*args, **kwargs)
        return Opening(connection.connect(), connection)

    async def connect(self) -> Self:
        return await self._connect(self.connect_timeout)

    async def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Self:
        return await self._reconnected(noreply_wait, timeout)

    async def close(self, noreply_wait: bool = True) -> None:
        self._close_called()
        self._leave_to_parent()
        try:
            await self._call(self._session.close, noreply_wait)
        finally:
            if self._wire is not None:
                self._wire.shut()  # a server that does not read keeps nobody waiting

    async def __aenter__(self) -> Self:
        return self
