"""Listeners: an object with a method for each kind of event, or a function that gets all events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError

from .events import (
    EVENTS,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLost,
    ConnectionOpened,
    CursorBatch,
    CursorClosed,
    HostDown,
    HostUp,
    PoolClosed,
    PoolExhausted,
    PoolLost,
    PoolOpened,
    PoolRecovered,
    PoolReturned,
    PoolServed,
    QueryAnswered,
    QueryCancelled,
    QueryFailed,
    QueryFinished,
    QueryRetried,
    QueryStarted,
)

__all__ = ["Listener", "methods_of"]


class Listener:
    """Base class of listeners. Define a method for each kind of event that you want.

    `rethinkdb.monitoring.EVENTS` has the names of the methods, and the class of the event that each
    method gets. Events without a method cost nothing.

    The driver calls the methods while it works, in whichever thread does the work. So a method must
    be quick, must not wait, and must not run a query on the same connection. If it raises an error,
    the driver logs that and continues.

    Example::

        class Slowest(monitoring.Listener):
            seconds = 0.0

            def query_finished(self, event):
                self.seconds = max(self.seconds, event.seconds)

        monitoring.register(Slowest())
    """

    if TYPE_CHECKING:

        def connection_opened(self, event: ConnectionOpened) -> None: ...
        def connection_failed(self, event: ConnectionFailed) -> None: ...
        def connection_lost(self, event: ConnectionLost) -> None: ...
        def connection_closed(self, event: ConnectionClosed) -> None: ...
        def pool_opened(self, event: PoolOpened) -> None: ...
        def pool_lost(self, event: PoolLost) -> None: ...
        def pool_exhausted(self, event: PoolExhausted) -> None: ...
        def pool_recovered(self, event: PoolRecovered) -> None: ...
        def pool_served(self, event: PoolServed) -> None: ...
        def pool_returned(self, event: PoolReturned) -> None: ...
        def pool_closed(self, event: PoolClosed) -> None: ...
        def host_down(self, event: HostDown) -> None: ...
        def host_up(self, event: HostUp) -> None: ...
        def query_started(self, event: QueryStarted) -> None: ...
        def query_answered(self, event: QueryAnswered) -> None: ...
        def query_finished(self, event: QueryFinished) -> None: ...
        def query_failed(self, event: QueryFailed) -> None: ...
        def query_cancelled(self, event: QueryCancelled) -> None: ...
        def query_retried(self, event: QueryRetried) -> None: ...
        def cursor_batch(self, event: CursorBatch) -> None: ...
        def cursor_closed(self, event: CursorClosed) -> None: ...


def methods_of(listener: Any) -> dict[str, Callable[[Any], object]]:
    """What to call for each kind of event, by the name of the method.

    Raises:
        ReqlDriverError: it is not a listener.
    """
    found = {name: getattr(listener, name) for name in EVENTS if hasattr(listener, name)}
    if found or isinstance(listener, Listener):
        return found
    if callable(listener) and not isinstance(listener, type):
        return dict.fromkeys(EVENTS, listener)
    raise ReqlDriverError(
        f"A listener is a function, or an object with methods such as `query_finished`, not"
        f" {listener!r}."
    )
