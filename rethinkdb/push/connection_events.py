"""A connection as an event emitter.

===========  =======================================================================================
`connect`    `reconnect()` has finished the handshake. Listeners do not see the first handshake: it
             is over before they can be added.
`close`      the connection was closed or lost. Called once, with the reason: the exception, or None
             if this side closed the connection.
`error`      the connection was lost. Called before `close`, with the same exception. The errors of
             queries are not reported here, but by the queries.
`timeout`    the connection was lost because the link timed out. Called before `error`.
===========  =======================================================================================
"""

from __future__ import annotations

from functools import partial
from inspect import isawaitable
from typing import Any

from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.session import Session
from rethinkdb.net.waiter import Waiter

from .listeners import Listeners
from .misspelling import warn_if_misspelt
from .runner import runner_of

__all__ = ["ConnectionEvents", "events_of"]


def events_of(conn: BaseConnection) -> ConnectionEvents:
    """The events of a connection. The first call starts to watch for them."""
    events = conn._events
    if events is None:
        events = conn._events = ConnectionEvents(conn)
    found: ConnectionEvents = events
    return found


_EVENTS = ("connect", "timeout", "error", "close")


class ConnectionEvents:
    """Does the work of a connection's emitter methods, such as `conn.on()`.

    The methods themselves are documented on the connection.
    """

    def __init__(self, conn: BaseConnection) -> None:
        self.listeners = Listeners()
        self._conn = conn
        self._runner = runner_of(conn)
        if conn.is_open():
            self._watch_open(conn._session)

    def add(self, conn: BaseConnection, event: str, function: Any, once: bool) -> None:
        self._runner.accept(function)
        warn_if_misspelt(event, _EVENTS, "a listener to the event")
        self.listeners.add(event, function, once)

    def emit(self, event: str, *args: Any) -> bool:
        called = False
        for function, given in self.listeners.called(event, *args):
            called = True
            result = function(*given)
            if isawaitable(result):
                self._runner.run(result, self._awaited)
        return called

    def watch(self, session: Session) -> None:
        """Watch a session that is about to open."""
        session.opened.add_done_callback(partial(self._opened, session))

    def _opened(self, session: Session, opened: Waiter[None]) -> None:
        if opened.exception() is None:
            self._runner = runner_of(self._conn)  # the loop may be another one than before
            self._runner.soon(partial(self._connected, session))

    def _connected(self, session: Session) -> None:
        self._guarded("connect")
        self._watch_open(session)

    def _watch_open(self, session: Session) -> None:
        """Watch a session until it ends.

        The blocking loop reads only while somebody waits, so there this starts a wait.
        """

        def watched() -> Waiter[None]:
            session.closed.add_done_callback(partial(self._closed, session))
            return session.closed

        self._runner.begin(watched)

    def _closed(self, session: Session, _: Waiter[None]) -> None:
        cause = session.cause
        if isinstance(cause, TimeoutError):
            self._soon("timeout", cause)
        if cause is not None:
            self._soon("error", cause)
        self._soon("close", cause)

    def _soon(self, event: str, *args: Any) -> None:
        self._runner.soon(partial(self._guarded, event, *args))

    def _guarded(self, event: str, *args: Any) -> None:
        try:
            self.emit(event, *args)
        except Exception as exc:
            self._runner.report(exc, "a listener of a connection failed")

    def _awaited(self, outcome: Waiter[Any]) -> None:
        error = outcome.exception()
        if isinstance(error, Exception):
            self._runner.report(error, "a listener of a connection failed")
