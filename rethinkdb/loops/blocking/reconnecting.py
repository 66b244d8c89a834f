"""If many threads call `reconnect()` at once, one reconnects; see `rethinkdb.net.reconnecting`."""

from __future__ import annotations

import os
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING

from rethinkdb.errors import ReqlError, ReqlTimeoutError
from rethinkdb.net.reconnecting import Reconnect
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.waiter import Waiter

from ..transport.beds import Bed

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Reconnects"]


class Reconnects:
    """The reconnects of one connection. One thread does each; the others wait for its result."""

    def __init__(self) -> None:
        # The last reconnect of each process. Several threads may begin one at the same time.
        self._last: dict[int, Reconnect] = {}

    @property
    def under_way(self) -> Reconnect | None:
        """The reconnect that has not ended; None if there is none."""
        last = self._last.get(os.getpid())
        return None if last is None or last.ended else last

    def close_called(self) -> None:
        """`close()` begins, and ends the reconnect that is running."""
        under_way = self.under_way
        if under_way is not None:
            under_way.close_called()

    def reconnect(self, conn: Connection, noreply_wait: bool, limit: float) -> None:
        """Reconnect, or wait until another thread has done so, for at most `limit` seconds."""
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
        if under_way.owner == mine.owner:  # this call's, or one that this handler interrupts
            _reconnect_for_all(under_way, conn, noreply_wait, limit)
            return True
        if not noreply_wait:
            under_way.hurry()
        waiter: Waiter[bool] = Waiter()
        if conn._channel.outside(_joined, under_way, waiter, limit):
            return waiter.result()
        raise ReqlTimeoutError(conn.host, conn.port)


def _reconnect_for_all(
    under_way: Reconnect, conn: Connection, noreply_wait: bool, limit: float
) -> None:
    try:
        under_way.closes_itself()
        conn.close(noreply_wait)
        if not (under_way.closed or under_way.ended):  # ended by a signal handler, just now
            conn._connect(limit)
        if under_way.closed:
            conn.close(noreply_wait=False)
            raise under_way.closed_error()
        under_way.end(None)
    except ReqlError as exc:
        if not under_way.ended or raised_by_handler(exc):
            raise
        if not under_way.join().result():
            raise
        # A handler has interrupted this call, and has reconnected.


def _joined(under_way: Reconnect, waiter: Waiter[bool], limit: float) -> bool:
    """Wait for another thread's reconnect. Returns False if the time is up."""
    bed = Bed()
    waiter.add_done_callback(bed.wake)
    under_way.join(waiter)
    return bed.sleep(limit)


def _end(under_way: Reconnect, error: BaseException) -> None:
    """Tell the waiting threads, even if signal handlers raise errors meanwhile."""
    try:
        under_way.end(error)
    except BaseException:
        _end(under_way, error)
        raise
