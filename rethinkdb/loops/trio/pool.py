"""`r.ConnectionPool`, while the loop type is trio: connections to be lent and given back."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio

from rethinkdb.errors import ReqlDriverError

from .connection import Connection

if TYPE_CHECKING:
    from typing_extensions import Self


__all__ = ["ConnectionPool"]


class ConnectionPool:
    """Connections to one server, reused.

    A connection serves any number of tasks at once, so few programs need this: it is for those that
    give each of their tasks a connection of its own.

    Args:
        *args, **kwargs: the arguments of `r.connect()`, `nursery` among them.
        maxidle: how many connections are kept while nobody uses them.
        maxsize: how many may be lent at once; who wants one more waits. None: no limit.

    Example::

        async with r.ConnectionPool("localhost", nursery=nursery, maxsize=20) as pool:
            async with pool.connection() as conn:
                await r.table("heroes").insert(hero).run(conn)
    """

    __module__ = "rethinkdb.loops.trio"  # where programs find it

    def __init__(
        self, *args: Any, maxidle: int = 10, maxsize: int | None = None, **kwargs: Any
    ) -> None:
        _check_count("maxidle", maxidle, least=0)
        _check_count("maxsize", 1 if maxsize is None else maxsize, least=1)
        self._args = args
        self._kwargs = kwargs
        self._maxidle = maxidle
        self._slots = trio.CapacityLimiter(math.inf if maxsize is None else maxsize)
        self._idle: list[Connection] = []
        self._lent: dict[Connection, object] = {}
        self._closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """`async with pool.connection() as conn`: acquires, and in the end releases.

        Raises:
            ReqlDriverError: as `acquire` does.
        """
        conn = await self.acquire()
        try:
            yield conn
        finally:
            await self.release(conn)

    async def acquire(self) -> Connection:
        """An open connection: an idle one, else a new one. Give it to `release` in the end.

        With `maxsize` connections lent it waits until one is released; who waited longest is first.
        Cancelling it takes none.

        Raises:
            ReqlDriverError: the pool is closed, or connecting failed.
        """
        self._check_open()
        slot = object()
        await self._slots.acquire_on_behalf_of(slot)
        try:
            conn = await self._connection()
        except BaseException:
            self._slots.release_on_behalf_of(slot)
            raise
        self._lent[conn] = slot
        return conn

    async def release(self, conn: Connection) -> None:
        """Take a connection back, to be lent again, or closed if `maxidle` are idle already.

        Raises:
            ReqlDriverError: it is not one that this pool has lent.
        """
        slot = self._lent.pop(conn, None)
        if slot is None:
            raise ReqlDriverError("This connection was not acquired from this pool, or is back.")
        self._slots.release_on_behalf_of(slot)
        if self._closed or len(self._idle) >= self._maxidle:
            await conn.close()
        elif conn.is_open():
            self._idle.append(conn)

    async def close(self) -> None:
        """Close all connections, those that are lent too, without waiting for `noreply` queries.

        From then on `acquire` fails, for those too who wait in it. A second call has no effect.
        """
        self._closed = True
        connections = [*self._idle, *self._lent]
        self._idle.clear()
        # Whoever waits for a slot gets one now, to learn that there are no connections any more.
        self._slots.total_tokens = math.inf
        for conn in connections:
            await conn.__aexit__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _connection(self) -> Connection:
        self._check_open()
        while self._idle:
            conn = self._idle.pop()
            if conn.is_open():
                return conn
        conn = await Connection.make(*self._args, **self._kwargs)
        if self._closed:
            await conn.close(noreply_wait=False)
            self._check_open()
        return conn

    def _check_open(self) -> None:
        if self._closed:
            raise ReqlDriverError("The connection pool is closed.")


def _check_count(name: str, count: int, least: int) -> None:
    if not isinstance(count, int) or count < least:
        raise ReqlDriverError(f"`{name}` must be a whole number from {least} up, not {count!r}.")
