"""How the greenlets of a hub wait for the answers on a connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import starmap
from typing import Any

import gevent
import gevent.hub

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.waiter import Waiter

from ..transport.place import PROCESS, misplaced
from ..transport.wired import WiredConnection
from .limit import Limit
from .wire import GeventWire

__all__ = ["HubConnection"]


class HubConnection(WiredConnection[GeventWire]):
    """The part of a connection in which greenlets wait. All of them belong to one hub."""

    def _make_home(self) -> None:
        self._hub = gevent.get_hub()

    def _call(
        self, operation: Callable[..., Waiter[Any]], *args: Any, timeout: float | None = None
    ) -> Any:
        begun: list[Waiter[Any]] = []
        try:
            if self._process != PROCESS.id or gevent.get_hub() is not self._hub:
                self._check_place()
            # A signal handler may raise an error after any call. So one step starts the operation
            # and keeps its waiter: an item which it has goes back to its cursor.
            begun.extend(starmap(operation, (args,)))
            if self._wire is not None:
                self._wire.flush()
            waiter = begun[0]
            self._settled(waiter, timeout)
            return self._outcome(waiter)
        except BaseException:
            for waiter in begun:
                self._abandon(waiter)
            raise

    def _settled(self, waiter: Waiter[Any], timeout: float | None = None) -> None:
        """Wait until the waiter is settled."""
        if waiter.done():
            return
        if self._wire is None or self._wire.reader is gevent.getcurrent():
            self._check_wait()
        # Not an `Event`, which would add 2 µs to the 26 µs of a get.
        settled: Any = gevent.hub.Waiter(self._hub)
        # One call of a function written in C: no signal handler can interrupt it.
        waiter.add_done_callback(partial(self._hub.loop.run_callback, settled.switch))
        limit = None if timeout is None else Limit(timeout, ReqlTimeoutError())
        try:
            if limit is not None:
                limit.start()
            settled.get()
        finally:
            if limit is not None:
                limit.over = True
                limit.close()

    def _check_wait(self) -> None:
        """Raise an error if the caller cannot wait here for what the server sends."""
        if self._process != PROCESS.id or gevent.get_hub() is not self._hub:
            self._check_place()
        if self._wire is not None and self._wire.reader is gevent.getcurrent():
            raise ReqlDriverError(
                "This greenlet reads what the server sends, so it cannot wait for an answer. A"
                " listener must not run a query on its connection: use gevent.spawn()."
            )

    def _check_loop(self) -> None:
        if gevent.get_hub() is not self._hub:
            raise misplaced("the gevent hub of another thread", "Connect in each thread.")

    def _soon(self, callback: Callable[[], None]) -> None:
        if self._hub.loop is not None and self._wire is not None:  # None: the hub was destroyed
            # Twice, as a signal handler may end the first call before it has begun.
            for _ in range(2):
                self._hub.loop.run_callback_threadsafe(self._wire.run, callback)
