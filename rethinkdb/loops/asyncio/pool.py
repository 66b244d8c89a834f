"""The pool of asyncio programs: methods return coroutines."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ..transport.event_loop_pool import LoopPool
from .connection import Connection
from .results import AsyncioResults

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from typing_extensions import Self

__all__ = ["ConnectionPool"]


class ConnectionPool(AsyncioResults, LoopPool):
    """A pool whose methods return coroutines.

    `async with pool:` opens it, and closes it at the end.

    It belongs to the event loop that uses it first.
    """

    __module__ = "rethinkdb.loops.asyncio"  # where programs find it

    connection_type = Connection

    if TYPE_CHECKING:

        def open(self) -> Coroutine[Any, Any, Self]: ...
        def close(self, timeout: float = 10.0) -> Coroutine[Any, Any, None]: ...
        def connection(self) -> AbstractAsyncContextManager[Connection]: ...
        def acquire(self) -> Coroutine[Any, Any, Connection]: ...
        def release(self, connection: Connection) -> Coroutine[Any, Any, None]: ...
