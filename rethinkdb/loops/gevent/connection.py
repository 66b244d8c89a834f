"""Connections for gevent: methods return values; waiting lets other greenlets run."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
import gevent.socket

from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.net.options import connect_limit
from rethinkdb.net.session import ServerInfo

from ..transport.places import WaitingReach
from ..transport.sockets import dial
from ..transport.tls import open_link
from .cursor import GeventCursor, GeventCursorEmpty
from .hub import HubConnection
from .limit import Limit
from .results import GeventResults
from .wire import GeventWire

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "GeventCursor", "GeventCursorEmpty"]


class Connection(GeventResults, WaitingReach, HubConnection):
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
        with self._reconnecting() as under_way:
            under_way.closes_itself()
            self.close(noreply_wait)
            if not under_way.closed:
                self._connect(limit)
            if under_way.closed:
                self.close(noreply_wait=False)
                raise under_way.closed_error()
        return self

    def close(self, noreply_wait: bool = True) -> None:
        self._close_called()
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
