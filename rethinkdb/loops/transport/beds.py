"""`Bed`: where a thread sleeps until another one wakes it, or its time is up.

It does what `SimpleQueue.get(timeout=...)` would do, but that may wait for ever up to Python 3.12:
if a signal handler runs during the wait and lasts beyond its time, the rest of the time is negative
afterwards, and a negative time means no limit. A lock has no such fault.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any

__all__ = ["Bed"]

_call: Callable[[Any], object] = methodcaller("__call__")


class Bed:
    """A thread sleeps in it; any thread, and a signal handler, may wake it at any time.

    Attributes:
        wake: ends the present sleep, or the next one if there is none. It takes one argument and
            ignores it, so it can be the callback of a waiter. It is one step: a signal handler
            comes before or after it, see `rethinkdb.net.steps`.
    """

    __slots__ = ("_acquire", "wake")

    def __init__(self) -> None:
        lock = allocate_lock()
        lock.acquire()
        self._acquire = lock.acquire
        # Releases the lock if it is locked. Otherwise the thread is awake, or will not fall asleep.
        released_if_locked = map((bool, lock.release).__getitem__, iter(lock.locked, None))
        self.wake: Callable[[Any], object] = partial(next, map(_call, released_if_locked))

    def sleep(self, seconds: float | None) -> bool:
        """Sleep until `wake` was called, for at most `seconds`; None: no limit.

        Returns:
            False if the time is up.
        """
        return self._acquire(True, -1 if seconds is None else seconds)
