"""Connections of the blocking driver: methods return values."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from rethinkdb.net.options import connect_limit
from rethinkdb.net.reconnecting import Reconnect
from rethinkdb.net.session import ServerInfo, Session
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from ..transport.place import PROCESS, check_process
from ..transport.places import WaitingReach
from .channel import Channel
from .cursor import DefaultCursor
from .guards import Guards, without_guards
from .reconnecting import Reconnects
from .results import BlockingResults

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Connection"]

T = TypeVar("T")


class Connection(BlockingResults, WaitingReach):
    """A connection whose methods return values.

    `with conn:` closes it at the end, without `noreply_wait`.
    """

    __module__ = "rethinkdb.loops.blocking"  # where programs find it

    LOOP_API = 1
    cursor_type = DefaultCursor

    _channel: Channel

    if TYPE_CHECKING:

        @classmethod
        def make(cls, *args: Any, **kwargs: Any) -> Self: ...
        def noreply_wait(self) -> None: ...
        def server(self) -> ServerInfo: ...

    def _init_loop(self) -> None:
        self._reconnects = Reconnects()
        self._guards: Guards | None = None  # of its pool

    @property
    def _session(self) -> Session:
        return self._channel.session

    @_session.setter
    def _session(self, session: Session) -> None:
        old: Channel | None = getattr(self, "_channel", None)
        channel = Channel(session, old)
        while True:
            old = getattr(self, "_channel", None)
            if old is not None and old.process == PROCESS.id:
                old.drop()  # otherwise its cursors would wait on the new channel
            if old is getattr(self, "_channel", None):
                self._channel = channel
                return

    @property
    def _reconnect(self) -> Reconnect | None:
        return self._reconnects.under_way

    def connect(self) -> Self:
        return self._connect(self.connect_timeout)

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Self:
        limit = connect_limit(timeout) or self.connect_timeout
        self._reconnects.reconnect(self, noreply_wait, limit)
        return self

    def close(self, noreply_wait: bool = True) -> None:
        self._reconnects.close_called()
        channel = self._channel
        if channel.process != PROCESS.id:
            channel.leave()
            self._new_session().close(noreply_wait=False)
        else:
            without_guards(self._guards, channel.close, noreply_wait)

    def is_open(self) -> bool:
        return self._channel.process == PROCESS.id and super().is_open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close(noreply_wait=False)

    def _reach(self, timeout: float) -> None:
        deadline = monotonic() + timeout
        session = self._new_session()
        channel = self._channel
        if channel.session is not session:  # a signal handler has connected meanwhile
            session.opened.result()
        try:
            without_guards(self._guards, channel.open, self.options, deadline)
        except OSError as exc:
            if raised_by_handler(exc):
                raise
            raise self._connect_error(exc) from exc

    def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Any:
        channel = self._channel
        if channel.process != PROCESS.id:
            check_process(channel.process)
        deadline = None if timeout is None else monotonic() + timeout
        guards = self._guards
        # Usually there is no feed, and no signal handler calls this: then there is no need to look.
        if guards is None or not (guards.feeds or guards.decisions._is_owned()):
            return channel.call(operation, args, deadline, self._outcome)
        return without_guards(guards, channel.call, operation, args, deadline, self._outcome)

    def _fetch(self, stream: Stream) -> list[Any]:
        """See `Channel.fetch`. In a forked child it returns at once.

        So it does if listeners get the items: another stream stands in then, and refuses. And in a
        signal handler or finalizer whose thread has a lock of the pool.
        """
        channel, guards = self._channel, self._guards
        plain = type(stream) is Stream and channel.process == PROCESS.id
        direct = plain and (guards is None or not guards.any_held())
        return channel.fetch(stream, stream) if direct else []

    def _look(self) -> None:
        """Read what has arrived: while no thread waits, nobody reads or notices a loss."""
        if self._channel.process == PROCESS.id:
            without_guards(self._guards, self._channel.look)

    def _discard(self, stream: Stream) -> None:
        if self._channel.process == PROCESS.id:
            self._channel.discard(stream)

    def _local_address(self) -> tuple[str, int] | None:
        return self._channel.local_address()
