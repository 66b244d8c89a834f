"""Whose turn it is to wait for the socket, among the threads that wait for answers."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import Any

from rethinkdb.net.waiter import Waiter

__all__ = ["Turns"]


class Turns:
    """One thread leads: it waits for the socket. The others sleep until they are woken.

    Args:
        lock: is held by those who call a method, except for `sleep`.

    Attributes:
        leader: the thread that leads; None if none does.
        sleepers: what wakes each of the others, by thread, whoever came first first.
    """

    def __init__(self, lock: Any) -> None:
        self.leader: int | None = None
        self.sleepers: dict[int, SimpleQueue[Any]] = {}
        self._lock = lock

    def lead(self, me: int) -> bool:
        """Lead from now on, unless another thread does; whether this one does."""
        if self.leader is None:
            self.leader = me
        return self.leader == me

    def resign(self) -> None:
        """Lead no longer; who has slept longest is next."""
        self.leader = None
        self.wake_next()

    def wake_next(self) -> None:
        """If nobody leads, wake who has slept longest."""
        if self.leader is None:
            for bed in [*self.sleepers.values()][:1]:
                bed.put(None)

    def wake(self, me: int) -> None:
        """Wake a thread, if it sleeps."""
        if (bed := self.sleepers.get(me)) is not None:
            bed.put(None)

    def sleep(self, me: int, waiter: Waiter[Any], timeout: float | None) -> bool:
        """Sleep until the waiter is settled, or nobody leads; perhaps less long.

        Returns:
            False when the time is up.
        """
        interrupted = self.sleepers.get(me)  # by a signal handler, which sleeps in the same bed
        bed = SimpleQueue[Any]() if interrupted is None else interrupted
        with self._lock:
            if self.leader is None:
                return True
            self.sleepers[me] = bed
            waiter.add_done_callback(bed.put)
        try:
            bed.get(timeout=timeout)
        except Empty:
            return False
        if interrupted is None:
            with self._lock:
                self.leave(me)
        return True

    def leave(self, me: int) -> None:
        """Sleep no longer. The turn may have come to this thread, which passes it on."""
        self.sleepers.pop(me, None)
        self.wake_next()
