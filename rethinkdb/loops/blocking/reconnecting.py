"""`reconnect()` of many threads at once is one reconnect; see `rethinkdb.net.reconnecting`."""

from __future__ import annotations

import os
from functools import partial
from queue import Empty, SimpleQueue
from threading import get_ident
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlError, ReqlTimeoutError
from rethinkdb.net.reconnecting import Reconnect
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.waiter import Waiter

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Reconnects"]


class Reconnects:
    """Those of one connection. Each is done by one thread; the others wait for it."""

    def __init__(self) -> None:
        # The last one, by process. Several threads may begin one at the same time.
        self._last: dict[int, Reconnect] = {}

    @property
    def under_way(self) -> Reconnect | None:
        """The one that has not ended."""
        last = self._last.get(os.getpid())
        return None if last is None or last.ended else last

    def reconnect(self, conn: Connection, noreply_wait: bool, limit: float) -> None:
        """Reconnect, or wait until another thread has done so, `limit` seconds at most."""
        mine = Reconnect(partial(conn._channel.close, noreply_wait=False), get_ident())
        try:
            while not self._reconnected(mine, conn, noreply_wait, limit):
                pass
        except BaseException as exc:
            _end(mine, exc)
            raise

    def _reconnected(
        self, mine: Reconnect, conn: Connection, noreply_wait: bool, limit: float
    ) -> bool:
        process = os.getpid()
        under_way = self._last.setdefault(process, mine)
        if under_way.ended:
            if self._last[process] is under_way:
                self._last[process] = mine
            return False
        if under_way.owner == mine.owner:  # this call's own, or that which a handler interrupts
            _reconnect_for_all(under_way, conn, noreply_wait, limit)
            return True
        if not noreply_wait:
            under_way.hurry()
        try:
            return conn._channel.outside(_joined, under_way, limit)
        except Empty:
            raise ReqlTimeoutError(conn.host, conn.port) from None


def _reconnect_for_all(
    under_way: Reconnect, conn: Connection, noreply_wait: bool, limit: float
) -> None:
    try:
        conn.close(noreply_wait)
        if not under_way.ended:  # by a signal handler, just now
            conn._connect(limit)
        under_way.end(None)
    except ReqlError as exc:
        if not under_way.ended or raised_by_handler(exc):
            raise
        under_way.join().result()  # a handler closed it under this call, and did better


def _joined(under_way: Reconnect, limit: float) -> bool:
    """Wait for what another thread does; whether it came to an end."""
    told = SimpleQueue[Any]()
    waiter: Waiter[bool] = Waiter()
    waiter.add_done_callback(told.put)
    under_way.join(waiter)
    told.get(timeout=limit)
    return waiter.result()


def _end(under_way: Reconnect, error: BaseException) -> None:
    """Tell those who wait, whatever signal handlers raise meanwhile."""
    try:
        under_way.end(error)
    except BaseException:
        _end(under_way, error)
        raise
