"""The part that the pools of asyncio and Tornado share: asyncio's tasks, timers and Futures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rethinkdb.net.waiter import Waiter

from .awaiting_pool import AwaitingPool
from .event_loop import wake

__all__ = ["LoopPool"]


class LoopPool(AwaitingPool):
    """A pool that belongs to the asyncio loop that uses it first."""

    _timer: asyncio.TimerHandle | None = None

    def _begin_anew(self) -> None:
        super()._begin_anew()
        # Kept here, as a loop holds only weak references to its tasks.
        self._work: set[asyncio.Task[Any]] = set()

    def _here(self) -> Any:
        return asyncio.get_running_loop()

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        task = asyncio.get_running_loop().create_task(work(*args))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task.cancel

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _until(self, waiter: Waiter[Any]) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter.add_done_callback(lambda _: wake(future))
        await future
