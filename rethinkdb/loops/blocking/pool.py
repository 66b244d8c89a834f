"""The pool of threaded programs and scripts: methods return values."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from rethinkdb.pool import Member
from rethinkdb.pool.feeds import Feed

from ..transport.waiting_pool import WaitingPool
from .connection import Connection
from .feeding import FeedConnection

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["ConnectionPool"]

# Seconds after which a connection is looked at before it is used. Nobody reads while nobody waits,
# so a server that went away meanwhile has not been noticed.
_UNWATCHED = 0.02


class ConnectionPool(WaitingPool):
    """A pool whose methods return values, for any number of threads. `with pool:` closes it."""

    __module__ = "rethinkdb.loops.blocking"  # where programs find it

    connection_type = Connection

    _timer: threading.Timer | None = None

    if TYPE_CHECKING:

        def connection(self) -> AbstractContextManager[Connection]: ...
        def acquire(self) -> Connection: ...

    def _lives(self, member: Member) -> bool:
        if member.load > 1 or monotonic() - member.idle_since < _UNWATCHED:
            return True
        member.connection._look()
        self._notice_loss(member)
        return bool(member.connection.is_open())

    def _notice_loss(self, member: Member) -> None:
        if member.connection.is_open():
            return
        super()._notice_loss(member)
        # What has ended this one has ended the others too, as a rule, and nobody reads those.
        with self._lock:
            others = self._pool.resting()
        for other in others:
            other.connection._look()
            super()._notice_loss(other)

    def _feed_guard(self) -> Any:
        return threading.RLock()

    def _feed_stand_in(self) -> FeedConnection:
        args, kwargs = self._arguments
        return FeedConnection(*args, **kwargs)

    def _settle_in(self, connection: Any, feed: Feed) -> None:
        vars(connection)["_pool"] = self
        connection.follow(feed, self)

    def _use_connection(self, connection: Connection, operation: Any) -> None:
        connection._call(operation)

    def _sleep(self, seconds: float) -> None:
        sleep(seconds)

    def _new_lock(self) -> Any:
        return threading.RLock()

    def _new_event(self) -> Any:
        return threading.Event()

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        thread = threading.Thread(target=work, args=args, name="rethinkdb pool", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the process ends, and there are no new threads: connections close
            work(*args)
        return bool  # nothing ends a thread but itself; it has the time limit of connecting

    def _set_timer(self, seconds: float | None) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if seconds is not None:
            timer = self._timer = threading.Timer(seconds, self._tick)
            timer.daemon = True
            timer.start()
