"""`WiredConnection`: the base of all adapters except the blocking one.

A wire moves the bytes (see `wire`, `event_loop` and `loops.twisted.wire`). The adapter adds how
callers wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.options import connect_limit
from rethinkdb.net.reconnecting import Reconnect
from rethinkdb.net.session import Session
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .place import PROCESS, check_process

__all__ = ["AnyWire", "WiredConnection"]

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


class AnyWire(Protocol):
    """Moves the bytes between a socket and the core."""

    def flush(self) -> None:
        """Send the core's bytes; close the socket if the core asks for that."""

    def leave(self) -> None:
        """In a forked child: drop its copy of the socket. The parent's connection stays open."""

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when closed."""


W = TypeVar("W", bound=AnyWire)


class WiredConnection(BaseConnection, Generic[W]):
    """A connection with a wire. It checks that it is used in its own process and loop."""

    _wire: W | None = None
    _process = 0  # that of no process, until it is connected
    _reconnect: Reconnect | None = None

    if TYPE_CHECKING:  # for adapters to supply

        def _check_loop(self) -> None:
            """Raise an error in another loop than the connection's."""

        def _soon(self, callback: Callable[[], None]) -> None:
            """Arrange that the connection's loop calls `callback`.

            The garbage collector may call this in any thread, between any two instructions.
            """

        def _connect(self, timeout: float) -> Any:
            """Connect within `timeout` seconds."""

    def is_open(self) -> bool:
        return super().is_open() and self._process == PROCESS.id

    def _begin(self, operation: Callable[..., Waiter[T]], args: tuple[Any, ...]) -> Waiter[T]:
        """Run an operation of the core, and send its bytes."""
        if self._wire is not None:
            if self._process != PROCESS.id:
                check_process(self._process)
            self._check_loop()
        waiter = operation(*args)
        wire = self._wire
        if wire is not None:
            wire.flush()
        return waiter

    def _started(self, term: Any, options: dict[str, Any]) -> Waiter[Any]:
        """Encode and start a query, as one operation for `_begin`."""
        query = self._query(term, options)
        return self._session.start(query)

    def _run_after(self, opening: Any, term: Any, options: dict[str, Any]) -> Any:
        async def run() -> Any:
            await opening
            return await self._call(self._started, term, options)

        return self._result_of(run())

    def _result_of(self, coroutine: Coroutine[Any, Any, T]) -> Any:
        """Turn a coroutine into what users of this loop get."""
        return coroutine

    def _abandon(self, waiter: Waiter[Any]) -> None:
        waiter.abandon()
        self._flush()

    def _flush(self) -> None:
        if self._wire is not None:
            self._wire.flush()

    def _check_place(self) -> None:
        if self._wire is not None:
            check_process(self._process)
            self._check_loop()

    @contextmanager
    def _connecting(self) -> Iterator[Session]:
        """A context manager for connecting. Its value is a new session; the block opens it.

        The connection now belongs to this process. If the block fails, nothing stays open. That
        holds also if the session has opened and the block is cancelled in the same turn.

        Raises:
            ReqlDriverError: the block raised OSError or ValueError (for a bad host name), or the
                session did not open.
        """
        self._process = PROCESS.id
        self._wire = None
        session = self._new_session()
        try:
            yield session
            session.opened.result()
        except BaseException as exc:
            session.close(noreply_wait=False)
            self._flush()
            # A ReqlTimeoutError is an OSError too, but needs no other error around it.
            plain = isinstance(exc, (OSError, ValueError)) and not isinstance(exc, ReqlDriverError)
            if plain and not raised_by_handler(exc):
                raise self._connect_error(exc) from exc
            raise

    async def _reconnected(self, noreply_wait: bool, timeout: float | None) -> Self:
        """`reconnect()` where callers await. Several calls at once are one, see `Reconnect`."""
        limit = connect_limit(timeout) or self.connect_timeout
        while (under_way := self._joined(noreply_wait)) is not None:
            try:
                if await self._call(under_way.join, timeout=limit):
                    return self
            except ReqlTimeoutError as exc:
                raise ReqlTimeoutError(self.host, self.port) from exc
        with self._reconnecting() as under_way:
            await self._closed(noreply_wait)
            if not under_way.closed:
                await self._connect(limit)
            if under_way.closed:
                await self._closed(noreply_wait=False)
                raise under_way.closed_error()
        return self

    def _closed(self, noreply_wait: bool) -> Awaitable[None]:
        """Close the connection in order to connect again; returns what to await."""
        if self._reconnect is not None:
            self._reconnect.closes_itself()
        closing: Awaitable[None] = self.close(noreply_wait)
        return closing

    def close(self, noreply_wait: bool = True) -> Any:
        self._close_called()
        return super().close(noreply_wait)

    def _close_called(self) -> None:
        """`close()` begins, and ends the reconnect that is running."""
        if self._reconnect is not None:
            self._reconnect.close_called()

    def _joined(self, noreply_wait: bool) -> Reconnect | None:
        """The reconnect that is running, if any.

        With `noreply_wait=False`, it stops waiting for noreply queries.
        """
        under_way = self._reconnect
        if under_way is not None and not noreply_wait:
            under_way.hurry()
        return under_way

    @contextmanager
    def _reconnecting(self) -> Iterator[Reconnect]:
        """A context manager: the block reconnects. Other callers wait for its result meanwhile."""
        session = self._session

        def hurry() -> None:
            session.close(noreply_wait=False)
            self._flush()

        under_way = self._reconnect = Reconnect(hurry)
        try:
            yield under_way
            self._reconnect = None
            under_way.end(None)
        except BaseException as exc:  # perhaps of a signal handler that has interrupted the end
            self._reconnect = None
            under_way.end(exc)
            raise

    def _leave_to_parent(self) -> None:
        """Before closing: in a forked child, drop its copy of the socket only."""
        if self._wire is not None and self._process != PROCESS.id:
            self._wire.leave()
            self._wire = None
            self._new_session().close(noreply_wait=False)

    def _discard(self, stream: Stream) -> None:
        def close() -> None:
            stream.close()
            self._flush()

        if self._wire is not None and self._process == PROCESS.id:
            self._soon(close)

    def _local_address(self) -> tuple[str, int] | None:
        return None if self._wire is None else self._wire.local_address()
