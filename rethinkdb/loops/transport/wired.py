"""What all adapters but the blocking one have in common: a connection with a wire.

The wire moves the bytes (see `wire`, `event_loop` and `loops.twisted.wire`). What is left to an
adapter is how its callers wait.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .place import check_process

__all__ = ["AnyWire", "WiredConnection"]

T = TypeVar("T")


class AnyWire(Protocol):
    """What moves the bytes between a transport and the core."""

    def flush(self) -> None:
        """Send what the core wants sent; close if it wants that."""

    def leave(self) -> None:
        """After fork(), in the child: give up its copy of the transport, not the connection."""

    def local_address(self) -> tuple[str, int] | None:
        """This side's address and port; None once closed."""


W = TypeVar("W", bound=AnyWire)


class WiredConnection(BaseConnection, Generic[W]):
    """A connection that knows its wire, its process and its loop."""

    _wire: W | None = None
    _process: int

    if TYPE_CHECKING:  # for adapters to supply

        def _check_loop(self) -> None:
            """Raise unless this is the connection's own loop."""

        def _soon(self, callback: Callable[[], None]) -> None:
            """Call back in the connection's loop; from any thread, in the midst of anything."""

    def is_open(self) -> bool:
        return super().is_open() and self._process == os.getpid()

    def _begin(self, operation: Callable[..., Waiter[T]], args: tuple[Any, ...]) -> Waiter[T]:
        """Run an operation of the core, and send what it wants sent."""
        self._check_place()
        waiter = operation(*args)
        self._flush()
        return waiter

    def _started(self, term: Any, options: dict[str, Any]) -> Waiter[Any]:
        """Start a query. An operation for `_begin`, where an error is to come as the outcome."""
        return self._session.start(self._query(term, options))

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
        """The frame of connecting: gives a new session, for the block to open.

        From here on the connection belongs to this process. If the block fails, nothing stays open:
        not even a session that has opened already, as the block is cancelled in that very turn.

        Raises:
            ReqlDriverError: the block raised OSError or ValueError (which bad host names are), or
                the session did not open.
        """
        self._process = os.getpid()
        self._wire = None
        session = self._new_session()
        try:
            yield session
            session.opened.result()
        except BaseException as exc:
            session.close(noreply_wait=False)
            self._flush()
            # A ReqlTimeoutError is an OSError too.
            if isinstance(exc, (OSError, ValueError)) and not isinstance(exc, ReqlDriverError):
                raise self._connect_error(exc) from exc
            raise

    def _leave_to_parent(self) -> None:
        """Closing begins. In a forked child that concerns its copy of the transport only."""
        if self._wire is not None and self._process != os.getpid():
            self._wire.leave()
            self._wire = None
            self._new_session().close(noreply_wait=False)

    def _discard(self, stream: Stream) -> None:
        def close() -> None:
            stream.close()
            self._flush()

        if self._wire is not None and self._process == os.getpid():
            self._soon(close)

    def _local_address(self) -> tuple[str, int] | None:
        return None if self._wire is None else self._wire.local_address()
