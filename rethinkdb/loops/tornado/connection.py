"""What callers on Tornado hold: Futures, whose work has begun already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

from tornado.concurrent import Future

from rethinkdb.net.session import ServerInfo
from rethinkdb.net.waiter import Waiter

from ..transport.event_loop import LoopConnection, expire
from .cursor import TornadoCursor
from .futures import copy_outcome, loop_to_run

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "TornadoCursor"]

T = TypeVar("T")


class Connection(LoopConnection):
    """A connection whose methods return Futures. `with conn:` closes it without `noreply_wait`."""

    __module__ = "rethinkdb.loops.tornado"  # where programs find it

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
        if waiter.done():
            self._settle(future, waiter)
            return future

        # The first one decides: the waiter, the timer, or the caller.
        def deliver(_: Waiter[T]) -> None:
            if not future.done():  # else its callback, which is due, gives the value back
                future.remove_done_callback(give_up)
                self._settle(future, waiter)

        def give_up(_: Future[Any]) -> None:
            self._abandon(waiter)

        waiter.add_done_callback(deliver)
        future.add_done_callback(give_up)
        if timeout is not None:
            timer = self._loop.call_later(timeout, expire, future)
            future.add_done_callback(lambda _: timer.cancel())
        return future

    def _settle(self, future: Future[Any], waiter: Waiter[Any]) -> None:
        try:
            future.set_result(self._outcome(waiter))
        except Exception as exc:
            future.set_exception(exc)

    def _finished(self, value: T) -> Future[T]:
        future: Future[T] = Future(loop=self._loop)
        future.set_result(value)
        return future

    def _spawn(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """The outcome of a coroutine. Its task will not do: callers may settle their Futures."""
        future: Future[T] = self._future()
        task = future.get_loop().create_task(coroutine)
        task.add_done_callback(lambda _: copy_outcome(task, future))
        future.add_done_callback(lambda _: task.cancel())
        return future

    def _future(self) -> Future[Any]:
        """A Future of the current loop, running or not yet."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = loop_to_run()
        return loop.create_future()

    def _check_loop(self) -> None:
        try:
            is_home = asyncio.get_running_loop() is self._loop
        except RuntimeError:  # no loop is running here: it may be about to
            is_home = self._thread == get_ident()
        if not is_home:
            raise self._misplaced()
