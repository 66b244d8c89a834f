"""Connections for Tornado: methods return Futures, and the work begins at once."""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import TYPE_CHECKING, Any

from tornado.concurrent import Future

from rethinkdb.net.session import ServerInfo

from .cursor import TornadoCursor
from .following import FutureConnection
from .results import TornadoResults

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "TornadoCursor"]


class Connection(TornadoResults, FutureConnection):
    """A connection whose methods return Futures.

    `async with conn:` and `with conn:` close it at the end, without `noreply_wait`. Only
    `async with` waits until the socket is closed.
    """

    __module__ = "rethinkdb.loops.tornado"  # where programs find it

    LOOP_API = 1
    cursor_type = TornadoCursor

    if TYPE_CHECKING:

        @classmethod
        def make(cls, *args: Any, **kwargs: Any) -> Future[Self]: ...
        def noreply_wait(self) -> Future[None]: ...
        def server(self) -> Future[ServerInfo]: ...

    def connect(self) -> Future[Self]:
        self._thread = get_ident()
        return self._spawn(self._connect(self.connect_timeout), self._disconnect)

    def _make_home(self) -> None:
        super()._make_home()
        self._thread = get_ident()

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Future[Self]:
        return self._spawn(self._reconnected(noreply_wait, timeout), self._disconnect)

    def close(self, noreply_wait: bool = True) -> Future[None]:
        self._close_called()
        if self.is_open():
            self._begin(self._session.close, (noreply_wait,))  # begins now, not with the task
        return self._spawn(self._closed(noreply_wait))

    def _disconnect(self, _: Any = None) -> None:
        self._begin(self._session.close, (False,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._close_called()
        self._disconnect()
        if self._wire is not None:
            self._wire.flush_now()  # the loop may stop before its next turn

    def _check_loop(self) -> None:
        try:
            is_home = asyncio.get_running_loop() is self._loop
        except RuntimeError:  # no loop runs here yet
            is_home = self._thread == get_ident()
        if not is_home:
            raise self._misplaced()
