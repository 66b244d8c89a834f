"""The Tornado driver: methods return Futures, whose work has begun already.

    conn = yield r.connect("localhost")
    feed = yield r.table("heroes").changes().run(conn)
    while (yield feed.fetch_next()):
        print((yield feed.next()))

`await` does as well, and so does `async for hero in cursor`. The Futures are Tornado's own, which
are asyncio's: cancelling one stops its query on the server; one that the caller settles himself, as
`chain_future(cancelled, feed.next())` does, leaves its item to the next caller.

A connection lives in the loop it was connected in, `IOLoop.current()`. That may be before the loop
runs: `r.connect()` at the top of a module is fine.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

from tornado.concurrent import Future
from tornado.ioloop import IOLoop

from rethinkdb.net.session import ServerInfo
from rethinkdb.net.waiter import Waiter

from .asyncio_base import LoopConnection, expire
from .tornado_cursor import TornadoCursor

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "TornadoCursor"]

T = TypeVar("T")


class Connection(LoopConnection):
    """A connection whose methods return Futures. `with conn:` closes it without `noreply_wait`."""

    LOOP_API = 1
    cursor_type = TornadoCursor

    if TYPE_CHECKING:

        @classmethod
        def make(cls, *args: Any, **kwargs: Any) -> Future[Self]: ...
        def run(self, term: Any, **options: Any) -> Future[Any]: ...
        def noreply_wait(self) -> Future[None]: ...
        def server(self) -> Future[ServerInfo]: ...

    def connect(self) -> Future[Self]:
        self._thread = get_ident()
        return self._spawn(self._connect(self.connect_timeout))

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Future[Self]:
        return self._spawn(self._reconnect(noreply_wait, timeout))

    def close(self, noreply_wait: bool = True) -> Future[None]:
        if self.is_open():
            self._begin(self._session.close, (noreply_wait,))  # now: the Future is for the end
        return self._spawn(self._close(noreply_wait))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._begin(self._session.close, (False,))
        if self._wire is not None:
            self._wire.flush_now()  # the loop may stop before its next turn

    def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Future[Any]:
        waiter = self._begin(operation, args)
        future = self._future()
        if timeout is not None and not waiter.done():
            timer = self._loop.call_later(timeout, expire, future)
            future.add_done_callback(lambda _: timer.cancel())
        # The first one decides: the waiter, the timer, or the caller.
        waiter.add_done_callback(lambda _: self._deliver(waiter, future))
        future.add_done_callback(lambda _: self._abandon(waiter))
        return future

    def _deliver(self, waiter: Waiter[Any], future: Future[Any]) -> None:
        if future.done():
            return  # and its callback, which is due, gives back what the waiter holds
        try:
            future.set_result(self._outcome(waiter))
        except Exception as exc:
            future.set_exception(exc)

    def _spawn(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """The outcome of a coroutine. Its task will not do: callers may settle their Futures."""
        future: Future[T] = self._future()
        task = future.get_loop().create_task(coroutine)
        task.add_done_callback(lambda _: _copy(task, future))
        future.add_done_callback(lambda _: task.cancel())
        return future

    def _future(self) -> Future[Any]:
        """A Future of the current loop, running or not yet."""
        with warnings.catch_warnings():
            # Tornado deprecates what programs do at the top of a module.
            warnings.simplefilter("ignore", DeprecationWarning)
            loop: Any = IOLoop.current()
        future: Future[Any] = loop.asyncio_loop.create_future()
        return future

    def _is_home(self) -> bool:
        try:
            return super()._is_home()
        except RuntimeError:  # no loop is running here: it may be about to
            return self._thread == get_ident()


def _copy(task: Future[T], future: Future[T]) -> None:
    if task.cancelled():
        future.cancel()
        return
    error = task.exception()
    if future.done():
        return
    if error is None:
        future.set_result(task.result())
    else:
        future.set_exception(error)
