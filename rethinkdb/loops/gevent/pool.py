"""The pool for gevent: methods return values; waiting lets other greenlets run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
import gevent.event

from ..transport.waiting_pool import WaitingPool
from .connection import Connection
from .results import GeventResults

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["ConnectionPool"]


class ConnectionPool(GeventResults, WaitingPool):
    """A pool whose methods return values, for the greenlets of one hub.

    `with pool:` opens it, and closes it at the end.
    """

    __module__ = "rethinkdb.loops.gevent"  # where programs find it

    connection_type = Connection

    _timer: Any = None

    if TYPE_CHECKING:

        def connection(self) -> AbstractContextManager[Connection]: ...
        def acquire(self) -> Connection: ...

    def _here(self) -> Any:
        return gevent.get_hub()

    def _sleep(self, seconds: float) -> None:
        gevent.sleep(seconds)

    def _new_lock(self) -> Any:
        return nullcontext()  # greenlets do not switch during a decision

    def _caller(self) -> Any:
        return gevent.getcurrent()

    def _new_event(self) -> Any:
        return gevent.event.Event()

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        return partial(gevent.spawn(work, *args).kill, block=False)

    def _set_timer(self, seconds: float | None) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer is not gevent.getcurrent():
            timer.kill(block=False)
        if seconds is not None:
            self._timer = gevent.spawn_later(seconds, self._tick)
