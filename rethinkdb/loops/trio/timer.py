"""Timers that belong to no nursery."""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

__all__ = ["call_later"]

logger = logging.getLogger("rethinkdb.pool")


def call_later(seconds: float, callback: Callable[[], object]) -> trio.CancelScope:
    """Call `callback` after `seconds`. Cancelling the returned scope prevents that.

    The timer is not a task of the pool's nursery: a pool with a timer must not keep the nursery
    from ending.
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
    except Exception:  # otherwise it would end trio.run()
        logger.exception("a pool could not do its work")
