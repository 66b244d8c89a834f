"""Connections for gevent: methods return values; waiting lets other greenlets run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import starmap
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
import gevent.hub
import gevent.socket

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.options import connect_limit
from rethinkdb.net.session import ServerInfo
from rethinkdb.net.waiter import Waiter

from ..transport.place import PROCESS, misplaced
from ..transport.places import WaitingReach
from ..transport.sockets import dial
from ..transport.tls import open_link
from ..transport.wired import WiredConnection
from .cursor import GeventCursor, GeventCursorEmpty
from .limit import Limit
from .results import GeventResults
from .wire import GeventWire

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "GeventCursor", "GeventCursorEmpty"]


class Connection(GeventResults, WaitingReach, WiredConnection[GeventWire]):
    """A connection whose methods return values.

    `with conn:` closes it at the end, without `noreply_wait`.

    Args:
        io_loop: ignored.
    """

    __module__ = "rethinkdb.loops.gevent"  # where programs find it

    LOOP_API = 1
    LOOP_OPTIONS = ("io_loop",)
    cursor_type = GeventCursor

    if TYPE_CHECKING:

        @classmethod
        def make(cls, *args: Any, **kwargs: Any) -> Self: ...
        def noreply_wait(self) -> None: ...
        def server(self) -> ServerInfo: ...

    def _init_loop(self, io_loop: Any = None) -> None:
        """`io_loop` is accepted and ignored."""

    def _make_home(self) -> None:
        self._hub = gevent.get_hub()

    def connect(self) -> Self:
        return self._connect(self.connect_timeout)

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Self:
        limit = connect_limit(timeout) or self.connect_timeout
        while (under_way := self._joined(noreply_wait)) is not None:
            try:
                if self._call(under_way.join, timeout=limit):
                    return self
            except ReqlTimeoutError as exc:
                raise ReqlTimeoutError(self.host, self.port) from exc
        with self._reconnecting():
            self.close(noreply_wait)
            return self._connect(limit)

    def close(self, noreply_wait: bool = True) -> None:
        self._leave_to_parent()
        try:
            self._call(self._session.close, noreply_wait)
        finally:
            # Has an effect if the call was ended before it began: a session is closed with its wire
            self._session.close(noreply_wait=False)
            if self._wire is not None:
                self._wire.shut()  # without waiting for a server that does not read

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close(noreply_wait=False)

    def _reach(self, timeout: float) -> None:
        self._make_home()
        limit = Limit(timeout)
        try:
            with self._connecting() as session:
                limit.start()
                link = open_link(session, self.options)
                sock = dial(self.host, self.port, monotonic() + timeout, gevent.socket)
                self._wire = GeventWire(sock, link)
                self._wire.start()
                self._settled(session.opened)
        except gevent.Timeout as exc:
            if exc is not limit:  # it is a timeout of the program's own
                raise
            raise ReqlTimeoutError(self.host, self.port) from exc
        finally:
            limit.over = True
            limit.close()

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
