"""Runs callbacks in an asyncio loop, for asyncio and Tornado.

An asynchronous generator notices that the loop ends: `asyncio.run()` closes all asynchronous
generators before it closes the loop. A task could do this too. But if a program closes its loop
itself, asyncio would report that task as destroyed while pending.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.waiter import Waiter
from rethinkdb.push.course import Cancellation
from rethinkdb.push.runner import LINGER, Runner

__all__ = ["AsyncioRunner"]

_POLL = 0.001


class AsyncioRunner(Runner):
    """The loop calls the callbacks. Asynchronous callbacks run as tasks."""

    def __init__(self, conn: Any, pool: Any = None) -> None:
        super().__init__(conn, pool)
        self._loop: asyncio.AbstractEventLoop = conn._loop
        self._tasks: set[asyncio.Future[Any]] = set()  # the loop keeps weak references only
        self._ending: AsyncGenerator[None, None] | None = None

    def check(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError as exc:
            raise ReqlDriverError("Callbacks need a running event loop.") from exc
        if running is not self._loop:
            raise ReqlDriverError("This connection belongs to another event loop.")
        if self._ending is None:
            self._ending = self._until_end()
            with suppress(StopIteration):  # the generator has run up to its `yield`
                self._ending.asend(None).__await__().send(None)

    def soon(self, callback: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon(callback)

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        task = asyncio.ensure_future(awaitable, loop=self._loop)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: then(_settled(task)))

    def report(self, error: BaseException, text: str) -> None:
        self._loop.call_exception_handler({"message": text, "exception": error})

    async def _until_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if self.is_open:
                await self.close()
            limit = self._loop.time() + LINGER
            while self.live and self._loop.time() < limit:
                await asyncio.sleep(_POLL)


def _settled(task: asyncio.Future[Any]) -> Waiter[Any]:
    if task.cancelled():
        return Waiter.failed(Cancellation())
    error = task.exception()
    return Waiter.succeeded(task.result()) if error is None else Waiter.failed(error)
