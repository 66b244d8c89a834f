"""The session of a connection: how it is made, and who watches and logs what happens in it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .observing import Observer
from .options import ConnectOptions
from .session import Session
from .showing import loop_name, offered

__all__ = ["SessionOwner"]

queries = logging.getLogger("rethinkdb.query")


class SessionOwner:
    """The part of a connection that makes its sessions, one for each time that it connects."""

    options: ConnectOptions
    db: str | None
    _session: Session

    if TYPE_CHECKING:

        def is_open(self) -> bool:
            """Whether queries can be run."""

    # Who listens to events, if anybody ever did; see `rethinkdb.push`.
    _events: Any = None

    # Who else wants to know of each session, if anybody does; see `loops.transport.own_pool`.
    _watched_by: Callable[[Session], object] | None = None

    # Who watches it, and the pool that it belongs to, if there are such.
    _observer: Observer | None = None
    _pool: Any = None

    # Whether its queries are logged.
    _logs = False

    def __repr__(self) -> str:
        return f"<{self._shown()} {self._state()}>"

    def __dir__(self) -> list[str]:
        return offered(super().__dir__())

    def _shown(self) -> str:
        """What it is, and where it leads to."""
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
        """Start over: a session that wants to log in."""
        slow = self.options.slow_query
        if not self._logs and (slow is not None or queries.isEnabledFor(logging.DEBUG)):
            self._logs = True
            # Above this layer, and loaded by those who use it only.
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
        """Be watched by an observer of its own; None: by its pool's, or that of the process."""
        self._observer = observer
        self._observe_as_told()

    def _observe_as_told(self) -> None:
        """Who watches it or its pool may have changed."""
        self._set_observer(self._session)

    def _set_observer(self, session: Session) -> None:
        observer = self._observer
        if observer is None and self._pool is not None:
            observer = self._pool._observer
        if observer is not None:
            session.observer = observer
        else:
            vars(session).pop("observer", None)
