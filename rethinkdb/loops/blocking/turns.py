"""`Turns`: decides which of the threads that wait for answers reads from the socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rethinkdb.net.waiter import Waiter

from ..transport.beds import Bed

__all__ = ["Turns"]


class Turns:
    """One thread is the leader: it waits for the socket. The others sleep until they are woken.

    Args:
        lock: the lock that callers of the methods hold, except those of `sleep`.
        released: called when `sleep` has released the lock, before it waits.

    Attributes:
        leader: the thread that leads; None if no thread does.
        sleepers: the other threads in the order in which they came, each with its bed.
    """

    def __init__(self, lock: Any, released: Callable[[], object]) -> None:
        self.leader: int | None = None
        self.sleepers: dict[int, Bed] = {}
        self._lock = lock
        self._released = released

    def lead(self, me: int) -> bool:
        """Become the leader, unless another thread is. Returns whether this thread leads."""
        if self.leader is None:
            self.leader = me
        return self.leader == me

    def resign(self) -> None:
        """Stop leading, and wake the thread that has slept longest: it leads next."""
        self.leader = None
        if self.sleepers:  # a lone thread need not look for the next one
            self.wake_next()

    def wake_next(self) -> None:
        """If no thread leads, wake the one that has slept longest."""
        if self.leader is None:
            for bed in [*self.sleepers.values()][:1]:
                bed.wake(None)

    def wake(self, me: int) -> None:
        """Wake a thread, if it sleeps."""
        if (bed := self.sleepers.get(me)) is not None:
            bed.wake(None)

    def sleep(self, me: int, waiter: Waiter[Any], timeout: float | None) -> bool:
        """Sleep until the waiter is settled or no thread leads. It may return earlier.

        Returns:
            False if the time is up.
        """
        interrupted = self.sleepers.get(me)  # set if this is a signal handler in a sleep
        bed = Bed() if interrupted is None else interrupted
        with self._lock:
            if self.leader is None:
                return True
            self.sleepers[me] = bed
            waiter.add_done_callback(bed.wake)
        self._released()
        if not bed.sleep(timeout):
            return False
        if interrupted is None:
            with self._lock:
                self.leave(me)
        return True

    def leave(self, me: int) -> None:
        """Stop sleeping. If this thread was to lead next, wake the next one."""
        self.sleepers.pop(me, None)
        self.wake_next()
