"""What callers of the blocking driver hold: values."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.cursor import CursorEmpty, IterableCursor
from rethinkdb.net.options import connect_limit
from rethinkdb.net.query import Query
from rethinkdb.net.session import ServerInfo
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from ..transport.place import check_process
from .channel import Channel

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection", "DefaultCursor", "DefaultCursorEmpty"]

T = TypeVar("T")

DefaultCursorEmpty = CursorEmpty


class DefaultCursor(IterableCursor):
    """A cursor whose methods return values. See `BaseCursor`; `with cursor:` closes it."""

    KNOWN_AS = "rethinkdb.net.DefaultCursor"

    __module__ = "rethinkdb.loops.blocking"  # where programs find it

    if TYPE_CHECKING:

        def fetch_next(self, wait: bool | float | None = True) -> bool: ...
        def close(self) -> None: ...


class Connection(BaseConnection):
    """A connection whose methods return values. `with conn:` closes it without `noreply_wait`."""

    __module__ = "rethinkdb.loops.blocking"  # where programs find it

    LOOP_API = 1
    cursor_type = DefaultCursor

    if TYPE_CHECKING:

        @classmethod
        def make(cls, *args: Any, **kwargs: Any) -> Self: ...
        def run(self, term: Any, **options: Any) -> Any: ...
        def noreply_wait(self) -> None: ...
        def server(self) -> ServerInfo: ...

    def _init_loop(self) -> None:
        self._channel: Channel | None = None
        self._process = os.getpid()

    def connect(self) -> Self:
        return self._connect(self.connect_timeout)

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Self:
        limit = connect_limit(timeout) or self.connect_timeout
        self.close(noreply_wait)
        return self._connect(limit)

    def close(self, noreply_wait: bool = True) -> None:
        channel = self._channel
        if channel is None:
            return
        if self._process != os.getpid():
            self._new_session().close(noreply_wait=False)
            channel.leave()
            self._channel = None
            return
        try:
            channel.call(self._session.close, (noreply_wait,), None)
        finally:
            channel.drop()  # also when an interrupt ended the wait for noreply queries
            if self._channel is channel:
                self._channel = None

    def is_open(self) -> bool:
        return self._process == os.getpid() and super().is_open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close(noreply_wait=False)

    def _connect(self, timeout: float) -> Self:
        deadline = monotonic() + timeout
        session = self._new_session()
        self._process = os.getpid()
        self._channel = None
        try:
            channel = Channel.dialled(session, self.options, deadline)
            self._channel = channel  # whoever hears that the session is open may use it at once
            channel.log_in(session, deadline)
        except BaseException as exc:
            self._channel = None
            session.close(noreply_wait=False)
            if isinstance(exc, OSError):
                raise self._connect_error(exc) from exc
            raise
        return self

    def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Any:
        channel = self._channel
        if channel is None:
            return self._outcome(operation(*args))  # the session is closed, and says so
        check_process(self._process)
        deadline = None if timeout is None else monotonic() + timeout
        try:
            waiter = channel.call(operation, args, deadline)
        except BaseException as exc:
            if channel.torn:
                self._replace(channel)
            if isinstance(exc, ReqlTimeoutError) and args and isinstance(args[0], Query):
                raise args[0].late(self.host, self.port) from None
            raise
        return self._outcome(waiter)

    def _replace(self, torn: Channel) -> None:
        """Connect anew; should that fail, the connection is closed, and the next query says so."""
        if self._channel is torn:
            with suppress(ReqlDriverError):
                self._connect(self.connect_timeout)

    def _look(self) -> None:
        """Nobody reads while nobody waits: notice now what has happened meanwhile."""
        channel = self._channel
        if channel is not None and self._process == os.getpid():
            channel.look()

    def _discard(self, stream: Stream) -> None:
        if self._channel is not None and self._process == os.getpid():
            self._channel.discard(stream)

    def _local_address(self) -> tuple[str, int] | None:
        return None if self._channel is None else self._channel.local_address()
