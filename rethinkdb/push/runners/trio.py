"""Runs callbacks in the nursery of the connection.

One task calls the callbacks of one turn, in order. If the nursery is cancelled, the connection
closes, and the handlers' methods for that are called. If such a method waits, it is cancelled too.

Errors that nobody waits for are logged: if a task raised one, Trio would cancel the nursery, and
the connection would be lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import trio

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.waiter import Waiter
from rethinkdb.push.runner import Runner, await_in_task

__all__ = ["TrioRunner"]


class TrioRunner(Runner):
    """Tasks of the connection's nursery call the callbacks, asynchronous ones too."""

    def __init__(self, conn: Any, pool: Any = None) -> None:
        super().__init__(conn, pool)
        self._nursery: trio.Nursery = conn._nursery
        self._due: deque[Callable[[], object]] = deque()

    def check(self) -> None:
        self.conn._check_loop()

    def soon(self, callback: Callable[[], object]) -> None:
        self._due.append(callback)
        if len(self._due) == 1:
            self._start_turn()

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        self._nursery.start_soon(await_in_task, awaitable, then)

    def stay(self) -> Callable[[], object]:
        over = trio.Event()
        try:
            self._nursery.start_soon(self._close_early, over)
        except RuntimeError as exc:
            raise ReqlDriverError("The nursery that this pool works in has ended.") from exc
        return over.set

    async def _close_early(self, over: trio.Event) -> None:
        """Close the pool if the nursery is cancelled before `over` is set."""
        try:
            await over.wait()
        except trio.Cancelled:
            await self.close()
            raise

    def _start_turn(self) -> None:
        with suppress(RuntimeError):  # the nursery has ended
            self._nursery.start_soon(self._call_due)

    async def _call_due(self) -> None:
        try:
            for _ in range(len(self._due)):
                self._due[0]()
                self._due.popleft()
        except BaseException:
            self._due.popleft()
            raise
        finally:
            if self._due:
                self._start_turn()
