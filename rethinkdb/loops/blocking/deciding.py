"""`ThreadedPool`: a pool whose decisions no signal handler can interrupt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member, PoolStats

from ..transport.waiting_pool import WaitingPool
from .bell import Bell
from .clerk import Clerk, nothing

__all__ = ["ThreadedPool"]

T = TypeVar("T")


class ThreadedPool(WaitingPool):
    """A pool for threads. For the main thread, where signal handlers run, a `Clerk` decides.

    All other threads make the decisions themselves, one at a time.
    """

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._clerk = Clerk(self)
        self._inbox = self._clerk.inbox
        self._awaited: dict[Waiter[Any], Callable[[], object]] = {}

    def _safely(self, job: Callable[[], T]) -> T:
        if threading.current_thread() is threading.main_thread():
            return self._clerk.call(job)
        return job()

    def _is_over(self) -> bool:
        """Whether the pool is closed and has no connections left."""
        return self.closed and not len(self._pool._members)

    def _see_to(self, job: Callable[[], object]) -> None:
        # The caller holds the lock of a connection, so it must not wait for another thread.
        if threading.current_thread() is threading.main_thread():
            self._clerk.do(job)
        else:
            job()

    def _when(self, waiter: Waiter[Any], then: Callable[[], object]) -> None:
        # The thread that settles the waiter holds the lock of a connection, and a signal handler
        # may interrupt it. So `then` is called later, out of the inbox.
        self._awaited[waiter] = then
        waiter.add_done_callback(self._inbox.put)

    def _serve(self, job: Any) -> None:
        if isinstance(job, Waiter):
            job = self._awaited.pop(job, nothing)
        super()._serve(job)

    def stats(self) -> PoolStats:
        self._check_process()  # a forked child has no such thread: it would wait for ever
        if self._clerk.works:  # first empty the inbox, so that the numbers are up to date
            self._safely(nothing)
        return super().stats()

    stats.__doc__ = WaitingPool.stats.__doc__

    def _await(self, event: Any) -> None:
        self._clerk.wait_for(event)

    def _new_lock(self) -> Any:
        return threading.RLock()

    def _new_event(self) -> Any:
        return Bell()

    def _close_member(self, member: Member, graceful: bool) -> None:
        try:
            super()._close_member(member, graceful)
        finally:
            if self.closed:
                self._clerk.wake(None)

    def _set_timer(self, seconds: float | None) -> None:
        self._clerk.wake(seconds)
