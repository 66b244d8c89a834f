"""The pool of threaded programs and scripts: methods return values."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member

from ..transport.waiting_pool import WaitingPool
from .connection import Connection

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
        connection = member.connection
        with suppress(ReqlDriverError):  # it is a time-out, if nothing has arrived
            connection._call(Waiter, timeout=0.0)  # waits for nothing, and reads meanwhile
        if connection.is_open():
            return True
        self._notice_loss(member)
        self._told(self._pool.give_back, member)
        return False

    def _new_lock(self) -> Any:
        return threading.RLock()

    def _new_event(self) -> Any:
        return threading.Event()

    def _spawn(self, work: Callable[..., Any], *args: Any) -> None:
        threading.Thread(target=work, args=args, name="rethinkdb pool", daemon=True).start()

    def _set_timer(self, seconds: float | None) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if seconds is not None:
            timer = self._timer = threading.Timer(seconds, self._tick)
            timer.daemon = True
            timer.start()
