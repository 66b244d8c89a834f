"""A timer that belongs to no nursery."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

__all__ = ["call_later"]

logger = logging.getLogger("rethinkdb.pool")


def call_later(seconds: float, callback: Callable[[], object]) -> trio.CancelScope:
    """Call back in so many seconds, unless what this returns is cancelled.

    It is no task of a nursery: a pool that waits for better times must not keep one from ending.
    """
    timer = trio.CancelScope()
    trio.lowlevel.spawn_system_task(_wake, seconds, timer, callback)
    return timer


async def _wake(seconds: float, timer: trio.CancelScope, callback: Callable[[], object]) -> None:
    with timer:
        await trio.sleep(seconds)
    if timer.cancel_called:
        return
    try:
        callback()
    except Exception:  # which would end the whole of trio.run()
        logger.exception("a pool could not do its work")
