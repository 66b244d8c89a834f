"""What `connect()` returns where callers await: a coroutine that also works in `async with`."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from inspect import CORO_CLOSED, CORO_CREATED, getcoroutinestate
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.showing import offered
from rethinkdb.net.uncopyable import Uncopyable

__all__ = ["Opening"]

C = TypeVar("C", bound=BaseConnection)

_STATES = {CORO_CREATED: "not awaited yet", CORO_CLOSED: "done"}


class Opening(Uncopyable, Coroutine[Any, Any, C]):
    """A connection that is being opened.

    It is a coroutine: use it with `await`, `asyncio.run()` or `create_task()`. It also works in
    `async with`::

        async with r.connect("localhost") as conn:
            ...

    At the end of the block the connection is closed without `noreply_wait`, as with
    `async with conn:`.
    """

    __slots__ = ("_about", "_connection", "_coroutine")

    WHY_NO_COPIES = "it is a connection being opened. Await it, and use the connection."

    def _instead_of_value(self) -> str:
        return "Await it, and give the connection to run(): query.run(await r.connect(...))."

    def __init__(self, coroutine: Coroutine[Any, Any, C], about: C | None = None) -> None:
        self._coroutine = coroutine
        self._about = about

    def __repr__(self) -> str:
        state = _STATES.get(getcoroutinestate(self._coroutine), "under way")
        return f"<Opening{'' if self._about is None else ' of ' + self._about._shown()}, {state}>"

    if not TYPE_CHECKING:  # type checkers know which attributes there are

        def __getattr__(self, name):
            raise AttributeError(
                f"This connection is not open yet, and has no attribute {name!r}. "
                "Write `conn = await r.connect(...)`."
            )

    def __dir__(self) -> list[str]:
        return offered(super().__dir__())

    def __await__(self) -> Generator[Any, Any, C]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *exc_info: Any) -> Any:
        return self._coroutine.throw(*exc_info)

    def close(self) -> None:
        self._coroutine.close()

    async def __aenter__(self) -> C:
        self._connection: C = await self._coroutine
        return self._connection

    async def __aexit__(self, *exc_info: object) -> None:
        await self._connection.close(noreply_wait=False)
