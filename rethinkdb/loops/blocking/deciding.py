"""`ThreadedPool`: a pool whose decisions no signal handler can interrupt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property, partial
from time import sleep
from typing import Any, TypeVar

from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member, PoolStats

from ..transport.waiting_pool import WaitingPool
from .clerk import Clerk, nothing
from .flag import Flag
from .guards import Guards, without_guards

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
            result: T = self._outside(self._clerk.call, job)
            return result
        return job()

    def _outside(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that waits for other threads.

        If this is a signal handler's call, its thread may have locks of the pool or of connections,
        which the other threads may need. It releases them meanwhile.
        """
        for member in list(self._pool._members):
            channel = getattr(member.connection, "_channel", None)
            if channel is not None and channel._lock._is_owned():
                function = partial(channel.outside, function)
        return without_guards(self._guards, function, *args)

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
        # The clerk counts, after it has emptied the inbox: so the numbers are up to date.
        return self._safely(super().stats)

    stats.__doc__ = WaitingPool.stats.__doc__

    def _await(self, event: Any) -> None:
        self._outside(self._clerk.wait_for, event)

    def _sleep(self, seconds: float) -> None:
        self._outside(sleep, seconds)

    @cached_property
    def _guards(self) -> Guards:
        return Guards()

    def _new_lock(self) -> Any:
        self._guards = Guards()
        return self._guards.decisions

    def _new_event(self) -> Any:
        return Flag()

    def _close_member(self, member: Member, graceful: bool) -> None:
        try:
            super()._close_member(member, graceful)
        finally:
            if self.closed:
                self._clerk.wake(None)

    def _set_timer(self, seconds: float | None) -> None:
        self._clerk.wake(seconds)
