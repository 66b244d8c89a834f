"""The part of a connection that makes its sessions, and connects them with observers and logs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .observing import Observer
from .options import ConnectOptions
from .session import Session
from .showing import loop_name, offered, shown_in_any_state

__all__ = ["SessionOwner"]

queries = logging.getLogger("rethinkdb.query")


class SessionOwner:
    """Makes the sessions of a connection. Each time that it connects there is a new session."""

    options: ConnectOptions
    db: str | None
    _session: Session

    if TYPE_CHECKING:

        def is_open(self) -> bool:
            """Whether queries can be run."""

    # The connection's events, if a program has used them; see `rethinkdb.push`.
    _events: Any = None

    # Called with each new session, if set; see `loops.transport.own_pool`.
    _watched_by: Callable[[Session], object] | None = None

    # The connection's own observer and its pool; None if it has none.
    _observer: Observer | None = None
    _pool: Any = None

    # The pool on which its feeds go on, if it has several hosts; see `loops.transport.own_pool`.
    _own_pool: Any = None

    # Whether its queries are logged.
    _logs = False

    @shown_in_any_state
    def __repr__(self) -> str:
        return f"<{self._shown()} {self._state()}>"

    def __dir__(self) -> list[str]:
        return offered(super().__dir__())

    def _shown(self) -> str:
        """The class, loop, server and database, for `repr()`."""
        kind, options = type(self), self.options
        db = "" if self.db is None else f" db={self.db!r}"
        return f"{kind.__name__} {loop_name(kind)} {options.host}:{options.port}{db}"

    def _state(self) -> str:
        session = self._session
        if self.is_open():
            return f"open, {session.tokens_in_use} in flight"
        if not session.close_requested and not session.opened.done():
            return "connecting"
        return "closed" if session.cause is None else f"lost: {session.cause}"

    def _new_session(self) -> Session:
        """Make a session that begins with the handshake."""
        slow = self.options.slow_query
        if not self._logs and (slow is not None or queries.isEnabledFor(logging.DEBUG)):
            self._logs = True
            # Imported by name, as it is a layer above this one; and here, as few programs need it.
            import_module("rethinkdb.monitoring.logs").log_queries(self)
        return self._fresh_session()

    def _fresh_session(self) -> Session:
        options = self.options
        session = Session(
            user=options.user,
            password=options.password,
            host=options.host,
            port=options.port,
            keepalive=options.keepalive,
            log_values=options.log_values,
        )
        if self._pool is not None:
            session.pooled = True
            session.pool_name = self._pool.options.name
        self._set_observer(session)
        if session.observer is not None:
            session.observer.connecting(session)
        self._session = session
        if self._events is not None:
            self._events.watch(self._session)
        if self._watched_by is not None:
            self._watched_by(self._session)
        return self._session

    def _observe(self, observer: Observer | None) -> None:
        """Set the connection's own observer. None: use that of its pool or of the process."""
        self._observer = observer
        self._observe_as_told()

    def _observe_as_told(self) -> None:
        """Called when the observer of the connection or of its pool may have changed."""
        self._set_observer(self._session)

    def _set_observer(self, session: Session) -> None:
        observer = self._observer
        if observer is None and self._pool is not None:
            observer = self._pool._observer
        if observer is not None:
            session.observer = observer
        else:
            # Not by `vars(session)`: CPython 3.11 would read all its attributes more slowly from
            # then on, which took 5 % of a get's instructions.
            with suppress(AttributeError):
                del session.observer
