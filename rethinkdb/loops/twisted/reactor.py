"""The reactor that a connection uses, and the thread that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from twisted.python import threadable
from twisted.python.failure import Failure

from rethinkdb.net.connection import BaseConnection

from ..transport.place import misplaced

__all__ = ["OnReactor"]


class OnReactor(BaseConnection):
    """A connection whose callbacks run in a reactor.

    Args:
        reactor: the reactor to use; default: the installed one.
        start_reactor: whether `connect()` runs the reactor if it is not running.
    """

    def _init_loop(self, reactor: Any = None, start_reactor: bool = False) -> None:
        if reactor is None:
            from twisted.internet import reactor  # here, as importing it installs a reactor
        self._reactor: Any = reactor
        self._start_reactor = start_reactor

    def _stop_reactor(self, failure: Failure) -> Failure:
        self._reactor.stop()
        return failure

    def _check_loop(self) -> None:
        if threadable.ioThread != get_ident() and threadable.ioThread is not None:
            raise misplaced("the reactor's thread", "Use reactor.callFromThread() to go there.")

    def _soon(self, callback: Callable[[], None]) -> None:
        self._reactor.callFromThread(callback)
