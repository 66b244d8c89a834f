"""The listeners of a connection, of its pool, and of the process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from time import perf_counter
from typing import Any
from weakref import WeakSet

from rethinkdb.codec import Response
from rethinkdb.net.observing import Watched
from rethinkdb.net.query import Query
from rethinkdb.ql2 import QueryType

from .describing import QueryInfo, Where
from .events import (
    EVENTS,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLost,
    ConnectionOpened,
    PoolReturned,
    PoolServed,
    QueryRetried,
)
from .listener import methods_of
from .observation import QueryObservation
from .telling import Calls, tell

__all__ = ["PROCESS", "Audience", "assemble_all"]

# Protects the lists of listeners. It is never held while a listener is called.
_LOCK = RLock()

_EVERYBODY: WeakSet[Audience] = WeakSet()


class Audience:
    """The listeners of one connection, of one pool, or of the whole process.

    For each kind of event there is an attribute with the functions to call. If it is empty, the
    event is not even made.

    Args:
        parent: another audience that gets the same events: that of the pool or of the process.
        clock: returns the time in seconds.
    """

    connection_opened: Calls
    connection_failed: Calls
    connection_lost: Calls
    connection_closed: Calls
    query_started: Calls
    query_answered: Calls
    query_finished: Calls
    query_failed: Calls
    query_cancelled: Calls
    query_retried: Calls
    cursor_batch: Calls
    cursor_closed: Calls

    def __init__(
        self, parent: Audience | None = None, clock: Callable[[], float] = perf_counter
    ) -> None:
        self.clock = clock
        self.own: list[tuple[Any, dict[str, Callable[[Any], object]]]] = []
        self.parent = parent
        with _LOCK:
            _EVERYBODY.add(self)
            self._assemble()

    def add(self, listener: Any) -> None:
        """Add a listener."""
        methods = methods_of(listener)
        with _LOCK:
            self.own = [*self.own, (listener, methods)]
            assemble_all()

    def remove(self, listener: Any) -> None:
        """Remove a listener. If it was added several times, one of these is removed."""
        with _LOCK:
            kept = list(self.own)
            for entry in kept:
                if entry[0] is listener or entry[0] == listener:
                    kept.remove(entry)
                    break
            self.own = kept
            assemble_all()

    def calls(self, name: str) -> Calls:
        """The functions to call for a kind of event."""
        found: Calls = getattr(self, name)
        return found

    def _assemble(self) -> None:
        entries, parent = [*self.own], self.parent
        while parent is not None:
            entries += parent.own
            parent = parent.parent
        for name in EVENTS:
            setattr(self, name, tuple(how[name] for _, how in entries if name in how))

    # Called by sessions; see `rethinkdb.net.observing`.

    def connecting(self, session: Watched) -> None:
        """A session starts to connect: remember the time."""
        session.observed_since = self.clock()

    def opened(self, session: Watched) -> None:
        """A session is open: call the listeners."""
        seconds = self._seconds(session)
        self.connecting(session)
        if calls := self.connection_opened:
            tell(calls, ConnectionOpened(session.host, session.port, session.pool_name, seconds))

    def failed(self, session: Watched, error: Exception) -> None:
        """A session could not be opened: call the listeners."""
        if calls := self.connection_failed:
            place = session.host, session.port, session.pool_name
            tell(calls, ConnectionFailed(*place, self._seconds(session), error))

    def ended(self, session: Watched) -> None:
        """A session has ended: call the listeners."""
        place = session.host, session.port, session.pool_name, self._seconds(session)
        if session.cause is None:
            if calls := self.connection_closed:
                tell(calls, ConnectionClosed(*place))
        elif calls := self.connection_lost:
            tell(calls, ConnectionLost(*place, session.cause))

    def asked(self, session: Watched, query: Query) -> QueryObservation:
        """A session is about to send a query. Returns the object that watches it."""
        return QueryObservation(self, session, query)

    # Called by pools.

    def pool_changed(
        self,
        name: str,
        pool: str | None,
        host: str | None = None,
        cause: BaseException | None = None,
        size: int = 0,
        waiting: int = 0,
    ) -> None:
        """Something happened to a pool: call the listeners."""
        if calls := self.calls(name):
            brief = name in ("pool_opened", "pool_closed")
            what = (pool,) if brief else (pool, host, cause, size, waiting)
            tell(calls, EVENTS[name](*what))

    def pool_waited(self, pool: str | None, host: str, seconds: float, alone: bool) -> None:
        """A query or a borrower has waited for a connection: call the listeners."""
        if calls := self.calls("pool_served"):
            tell(calls, PoolServed(pool, host, seconds, alone))

    def pool_lent(self, pool: str | None, host: str, seconds: float) -> None:
        """A lent connection has come back: call the listeners."""
        if calls := self.calls("pool_returned"):
            tell(calls, PoolReturned(pool, host, seconds))

    def query_again(
        self,
        place: tuple[str, int],
        pool: str | None,
        term: Any,
        options: Mapping[str, Any],
        db: str | None,
        error: BaseException,
        tries: int,
        pause: float,
    ) -> None:
        """A pool will run a query again: call the listeners."""
        if calls := self.query_retried:
            query = Query(QueryType.START, b"", _nothing, term, False, options, None, db)
            info = QueryInfo(Where(*place, pool), query)
            tell(calls, QueryRetried(info, error, tries, pause))

    def _seconds(self, session: Watched) -> float:
        since = session.observed_since
        return 0.0 if since is None else self.clock() - since


def _nothing(payload: bytes) -> Response:
    """Never called: this query has no replies to decode."""
    raise NotImplementedError


def assemble_all() -> None:
    """Update the functions to call, for all audiences."""
    for audience in tuple(_EVERYBODY):
        audience._assemble()


#: The listeners of the whole process.
PROCESS = Audience()
