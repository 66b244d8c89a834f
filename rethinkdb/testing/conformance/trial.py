"""The class `Trial`: what a scenario may use on a loop."""

from __future__ import annotations

import gc
import inspect
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Protocol

from rethinkdb import query as r
from rethinkdb.errors import ReqlConnectionLostError, ReqlCursorEmpty
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.cursor import CursorEmpty

from ..proxy import FaultProxy
from .driver import Driver, Operation

__all__ = [
    "PATIENCE",
    "SMALL_BATCHES",
    "SOON",
    "Scenario",
    "ServerAddress",
    "Skip",
    "Trial",
    "is_awaited",
]

PATIENCE = 20.0
"""How many seconds to wait for something that must happen."""

SOON = 0.03
"""A time limit in seconds that is meant to pass, because nothing comes."""

SMALL_BATCHES = {"max_batch_rows": 10}
"""Run options: enough items for a program are several batches."""

_POLL = 0.002


class ServerAddress(Protocol):
    """A server to run scenarios against, for instance a `rethinkdb.embedded.Server`."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


class Skip(Exception):
    """The scenario does not apply here. The text says why."""


def is_awaited(cursor: Any) -> bool:
    """Whether a caller waits for an item.

    A lone thread of a blocking connection reads the item itself, and stands in no line. A lone
    greenlet stands before the stream.
    """
    turns = getattr(getattr(cursor.conn, "_channel", None), "_turns", None)
    stream = cursor._stream
    alone = getattr(turns, "leader", None) is not None or getattr(stream, "front", None) is not None
    return bool(stream._requests) or alone


class Trial:
    """One scenario on one loop.

    Attributes:
        driver: the loop.
        connection_type: the adapter's `Connection`.
        proxy: the proxy between its connections and the server.
        admin: a blocking connection that does not use the proxy, for work that is not tested.
        table: a new, empty table.
        directory: a temporary directory for files.
    """

    def __init__(
        self,
        driver: Driver,
        connection_type: type[BaseConnection],
        proxy: FaultProxy,
        admin: Any,
    ) -> None:
        self.driver = driver
        self.connection_type = connection_type
        self.proxy = proxy
        self.admin = admin
        self.db_name = f"conformance_{uuid.uuid4().hex[:12]}"  # others may use the server, too
        self.table = r.db(self.db_name).table("heroes")
        self.directory = ""
        self._connections: list[Any] = []
        self._pools: list[Any] = []

    def __enter__(self) -> Trial:
        r.db_create(self.db_name).run(self.admin)
        r.db(self.db_name).table_create("heroes").run(self.admin)
        return self

    def __exit__(self, *exc_info: object) -> None:
        r.db_drop(self.db_name).run(self.admin)

    # Doing things on the loop.

    async def do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a method of the adapter, and wait for its result in the way of this loop."""
        try:
            result = function(*args, **kwargs)
        except CursorEmpty:  # a StopIteration, which no coroutine may raise
            raise ReqlCursorEmpty from None
        return await result if inspect.isawaitable(result) else result

    async def connect(self, **options: Any) -> Any:
        """A connection through the proxy, closed after the scenario."""
        connection = await self.do(self.open, **options)
        self._connections.append(connection)
        return connection

    def open(self, kind: type[BaseConnection] | None = None, **options: Any) -> Any:
        """The result of the adapter's `connect()`, or of another class's."""
        arguments = {"host": self.proxy.host, "port": self.proxy.port, "timeout": PATIENCE}
        kind = kind or self.connection_type
        return kind.make(**{**arguments, **self.driver.options(), **options})

    def pool_type(self) -> Any:
        """This loop's class of pools.

        Raises:
            Skip: this loop has none.
        """
        kind = getattr(import_module(self.connection_type.__module__), "ConnectionPool", None)
        if kind is None:
            raise Skip(f"{self.connection_type.__module__} offers no ConnectionPool")
        return kind

    def pool(self, **options: Any) -> Any:
        """A pool of connections through the proxy, closed after the scenario.

        Raises:
            Skip: this loop has no pools.
        """
        kind = self.pool_type()
        arguments = {"host": self.proxy.host, "port": self.proxy.port, "timeout": PATIENCE}
        pool = kind(**{**arguments, **self.driver.options(), **options})
        self._pools.append(pool)
        return pool

    async def run(self, term: Any, connection: Any, **options: Any) -> Any:
        """A query's result."""
        return await self.do(term.run, connection, **options)

    async def beside(self, scene: Operation, operation: Operation) -> Any:
        """The outcome of an operation, while something happens.

        Args:
            scene: what happens meanwhile. It returns None; its error is that of the scenario.
            operation: what is tested.

        Returns:
            The operation's result, or its exception.
        """
        (outcome,) = await self.all_beside(scene, operation)
        return outcome

    async def all_beside(self, scene: Operation, *operations: Operation) -> list[Any]:
        """The outcomes of several operations, as `beside()` gives that of one."""
        *outcomes, happened = await self.driver.gather(*operations, scene)
        if isinstance(happened, BaseException):
            raise happened
        assert happened is None, happened
        return outcomes

    async def until(self, condition: Callable[[], Any]) -> None:
        """Let other tasks run until a condition is true."""
        deadline = time.monotonic() + PATIENCE
        gc.collect()  # what was dropped is dropped now, on PyPy too
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            await self.driver.sleep(_POLL)

    async def fails(
        self,
        kind: type[Exception] | tuple[type[Exception], ...],
        text: str,
        function: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Exception:
        """Check that a method raises this class, with a message that matches `text`."""
        try:
            result = await self.do(function, *args, **kwargs)
        except kind as exc:
            if re.search(text, str(exc)):
                return exc
            raise AssertionError(f"{exc!r} does not match {text!r}") from exc
        raise AssertionError(f"it did not fail: {result!r}")

    async def usable(self, connection: Any) -> None:
        """Check that a connection still works."""
        assert await self.run(r.expr("still here"), connection) == "still here"

    async def nothing_leaked(self, connection: Any) -> None:
        """Check that a connection works, and that its core holds no other query in the end."""
        deadline = time.monotonic() + PATIENCE
        await self.usable(connection)
        while connection._session.tokens_in_use:
            assert time.monotonic() < deadline, "queries leak"
            await self.usable(connection)

    async def unusable(self, connection: Any) -> None:
        """Check that a lost connection says that it is lost, and can be closed twice."""
        lost = r"^Connection is closed\. The link to \S+:\d+ was lost: ."
        await self.fails(ReqlConnectionLostError, lost, self.run, self.table, connection)
        assert not connection.is_open()
        await self.do(connection.close)
        await self.do(connection.close)

    def insert(self, *documents: Any) -> None:
        """Insert documents into the table over `admin`."""
        assert self.table.insert(list(documents)).run(self.admin)["inserted"] == len(documents)

    async def finish(self) -> None:
        """Close what the scenario opened."""
        for connection in self._connections:
            await self.do(connection.close, noreply_wait=False)
        for pool in self._pools:
            await self.do(pool.close, timeout=0)


#: A scenario. It raises if the adapter fails, and `Skip` if it does not apply.
Scenario = Callable[[Trial], Awaitable[None]]
