"""The pool for gevent: methods return values; waiting lets other greenlets run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent
import gevent.event
import gevent.monkey

from rethinkdb.pool import Member
from rethinkdb.pool.feeds import Feed
from rethinkdb.pool.members import State

from .connection import Connection
from .results import GeventResults
from .starting_over import StartingOver, lost

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["ConnectionPool"]

_RLock = gevent.monkey.get_original("_thread", "RLock")  # also in a patched program

# The states of a member for which something is being done in the background.
_UNDER_WAY = (State.DIALLING, State.CLOSING)


class ConnectionPool(GeventResults, StartingOver):
    """A pool whose methods return values, for the greenlets of one hub.

    `with pool:` opens it, and closes it at the end.
    """

    __module__ = "rethinkdb.loops.gevent"  # where programs find it

    connection_type = Connection

    _timer: Any = None

    if TYPE_CHECKING:

        def connection(self) -> AbstractContextManager[Connection]: ...
        def acquire(self) -> Connection: ...

    _here = staticmethod(gevent.get_hub)

    def _sleep(self, seconds: float) -> None:
        gevent.sleep(seconds)

    def _new_lock(self) -> Any:
        # Greenlets do not switch during a decision, and share one thread: so nobody ever waits for
        # it. Its methods are written in C; those of a `nullcontext` took 2 % of a get.
        return _RLock()

    def _caller(self) -> Any:
        return gevent.getcurrent()

    def _new_event(self) -> Any:
        return gevent.event.Event()

    def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]:
        greenlet = gevent.spawn(work, *args)
        greenlet.link_exception(partial(self._see_to_rest, args))
        return partial(greenlet.kill, block=False)

    def _see_to_rest(self, args: tuple[Any, ...], greenlet: gevent.Greenlet[..., Any]) -> None:
        """Work in the background has ended with an error. Perhaps it has not told the pool."""
        error = greenlet.exception
        subject = args[0] if args else None
        if isinstance(subject, Member) and subject.state in _UNDER_WAY:
            self._start_over(error)
        elif isinstance(subject, Feed):
            subject.cut_off(lost(error))
            self._serve_feed(subject)

    def _set_timer(self, seconds: float | None) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer is not gevent.getcurrent():
            timer.kill(block=False)
        if seconds is not None:
            self._timer = gevent.spawn_later(seconds, self._tick)
            self._timer.link_exception(lambda _: self._tick())
