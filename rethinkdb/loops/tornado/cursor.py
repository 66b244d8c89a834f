"""Cursors for Tornado: methods return Futures."""

from __future__ import annotations

from asyncio import _get_running_loop
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any

from tornado.concurrent import Future

from rethinkdb.net.cursor import AsyncIterableCursor, Row
from rethinkdb.net.waiter import Waiter

from ..transport.place import PROCESS
from .futures import ReturnableFuture

if TYPE_CHECKING:
    from typing_extensions import Self

    from .connection import Connection

__all__ = ["TornadoCursor"]


class TornadoCursor(AsyncIterableCursor[Row]):
    """A cursor whose methods return Futures. `close()` returns None.

    `async with cursor:` and `with cursor:` close it at the end.
    """

    KNOWN_AS = "rethinkdb.tornado_net.net_tornado.TornadoCursor"

    __module__ = "rethinkdb.loops.tornado"  # where programs find it

    conn: Connection

    # Where items were taken last.
    _thread: int | None = None
    _loop: Any = None

    # For an item that has arrived, the Future is made here, without a call into the core; see
    # `AsyncIterableCursor`. Measured, `fetch_next()` and `next()`: 1.0 µs an item instead of 5.9.
    # It is written out, as each call more would be a tenth of what a waiting change takes. An item
    # that is yet to come is waited for as in `_take`, but there is nothing to send: `low_water` is
    # 0 while the next batch is asked for. That takes a tenth of what a lone change takes.

    def next(self, wait: bool | float | None = True) -> Future[Row]:
        if wait is not True:
            return self.conn._take(self._next, self._limit(wait))
        conn, stream = self.conn, self._stream
        if len(self._items) > stream.low_water:
            if self._thread != get_ident():
                conn._check_loop()
                self._thread, self._loop = get_ident(), conn._loop
            future: Future[Row] = Future(loop=self._loop)
            future.set_result(self._items.popleft())
            return future
        if stream.renewal is not None:
            return conn._spawn(stream.renewal.asked(self, self._next), self._unread)
        here = conn._process == PROCESS.id and _get_running_loop() is conn._loop
        if stream.low_water or stream.finished or not here:
            return conn._take(self._next)
        return conn._follow(stream.next(self), ReturnableFuture(loop=conn._loop))

    next.__doc__ = AsyncIterableCursor.next.__doc__

    def fetch_next(self, wait: bool | float | None = True) -> Future[bool]:
        if wait is not True:
            return self.conn._call(self._has_next, timeout=self._limit(wait))
        conn, stream = self.conn, self._stream
        if self._items:
            return conn._finished(True)
        if stream.renewal is not None:
            return conn._spawn(stream.renewal.asked(self, self._has_next))
        return conn._call(self._has_next)

    fetch_next.__doc__ = AsyncIterableCursor.fetch_next.__doc__

    def to_list(self) -> Future[list[Row]]:  # type: ignore[override]  # eager, like the others
        self.conn._check_place()  # a Future of another loop would never be settled
        return self.conn._spawn(super().to_list(), lambda items: self._stream.put_back(items))

    to_list.__doc__ = AsyncIterableCursor.to_list.__doc__

    def _asked(self, operation: Callable[[], Waiter[Any]]) -> Future[Any]:
        return self.conn._take(operation, None)

    def _unread(self, item: Any) -> None:
        self._stream.put_back([item])

    def close(self) -> None:
        self._keep_stream()
        self.conn._begin(self._stream.close, ())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
