"""The events that listeners get: one frozen dataclass for each kind."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .describing import QueryInfo

__all__ = [
    "EVENTS",
    "ConnectionClosed",
    "ConnectionFailed",
    "ConnectionLost",
    "ConnectionOpened",
    "CursorBatch",
    "CursorClosed",
    "Event",
    "HostDown",
    "HostUp",
    "PoolClosed",
    "PoolExhausted",
    "PoolLost",
    "PoolOpened",
    "PoolRecovered",
    "PoolReturned",
    "PoolServed",
    "QueryAnswered",
    "QueryCancelled",
    "QueryFailed",
    "QueryFinished",
    "QueryRetried",
    "QueryStarted",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Base class of all events."""


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """A connection is open.

    Attributes:
        host, port: the server.
        pool: the name of its pool, or None.
        seconds: how long connecting and logging in took.
    """

    host: str
    port: int
    pool: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class ConnectionFailed(Event):
    """A connection could not be opened.

    With several hosts the event comes for each of them that was tried in vain.

    Attributes:
        host, port, pool: as in `ConnectionOpened`.
        seconds: how long it was tried.
        error: why: the host cannot be reached, the password is wrong, or the time was over.
    """

    host: str
    port: int
    pool: str | None
    seconds: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    """A connection was lost.

    Attributes:
        host, port, pool: as in `ConnectionOpened`.
        seconds: how long it was open.
        error: the error that ended it.
    """

    host: str
    port: int
    pool: str | None
    seconds: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class ConnectionClosed(Event):
    """This side has closed a connection.

    Attributes:
        host, port, pool: as in `ConnectionOpened`.
        seconds: how long it was open.
    """

    host: str
    port: int
    pool: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class PoolOpened(Event):
    """A pool has its first connection."""

    pool: str | None


@dataclass(frozen=True, slots=True)
class PoolLost(Event):
    """A pool has lost one of its connections.

    Attributes:
        pool: the pool's name, or None.
        host: the server, as `host:port`.
        error: the error that ended the connection.
        size, waiting: how many connections the pool still has; how many queries wait for one.
    """

    pool: str | None
    host: str | None
    error: BaseException | None
    size: int
    waiting: int


@dataclass(frozen=True, slots=True)
class HostDown(PoolLost):
    """A pool cannot connect to a host. This event comes once, until there is a `HostUp`."""


@dataclass(frozen=True, slots=True)
class HostUp(PoolLost):
    """A pool can connect again to a host that was down. `error` is None."""


@dataclass(frozen=True, slots=True)
class PoolExhausted(PoolLost):
    """Queries wait, since no connection of the pool has room. `host` is None."""


@dataclass(frozen=True, slots=True)
class PoolRecovered(PoolLost):
    """Queries no longer have to wait. `host` and `error` are None."""


@dataclass(frozen=True, slots=True)
class PoolServed(Event):
    """A query or a borrower has waited for a connection of a pool, and has it now.

    Most queries find a connection with room and do not wait: for these the event does not come.

    Attributes:
        pool: the pool's name, or None.
        host: the server, as `host:port`.
        seconds: how long it has waited.
        lent: True: the connection is lent, by `pool.connection()`. False: one query is run on it.
    """

    pool: str | None
    host: str
    seconds: float
    lent: bool


@dataclass(frozen=True, slots=True)
class PoolReturned(Event):
    """A connection that was lent, by `pool.connection()`, has come back.

    Attributes:
        pool, host: as in `PoolServed`.
        seconds: how long it was lent.
    """

    pool: str | None
    host: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PoolClosed(Event):
    """A pool was closed."""

    pool: str | None


@dataclass(frozen=True, slots=True)
class QueryEvent(Event):
    """Base class of events about a query.

    Attributes:
        query: the query. All events about one query have the same object.
    """

    query: QueryInfo

    @property
    def host(self) -> str:
        """The server's name or address."""
        return self.query.host

    @property
    def port(self) -> int:
        """The server's port."""
        return self.query.port

    @property
    def pool(self) -> str | None:
        """The name of the pool, or None."""
        return self.query.pool

    @property
    def database(self) -> str | None:
        """See `QueryInfo`."""
        return self.query.database

    @property
    def table(self) -> str | None:
        """See `QueryInfo`."""
        return self.query.table

    @property
    def command(self) -> str:
        """See `QueryInfo`."""
        return self.query.command

    def __repr__(self) -> str:
        told = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{type(self).__name__}({', '.join(told)})"


@dataclass(frozen=True, slots=True, repr=False)
class QueryStarted(QueryEvent):
    """A query is about to be sent. `QueryFinished`, `QueryFailed` or `QueryCancelled` follows."""


@dataclass(frozen=True, slots=True, repr=False)
class QueryAnswered(QueryEvent):
    """The first answer to a query has arrived: a value, an error, or the first rows of a cursor.

    Attributes:
        seconds: the time since the query started.
        received: the size of the answer in bytes.
    """

    seconds: float
    received: int


@dataclass(frozen=True, slots=True, repr=False)
class QueryEnded(QueryEvent):
    """Base class of events about the end of a query or cursor.

    Attributes:
        seconds: the time since the query started.
    """

    seconds: float

    @property
    def sent(self) -> int:
        """The size of the query in bytes."""
        return self.query.sent

    @property
    def received(self) -> int:
        """The size of all its answers in bytes."""
        return self.query.received

    @property
    def rows(self) -> int:
        """Rows of the stream or elements of the array; 1 for any other value, 0 for null."""
        return self.query.rows


@dataclass(frozen=True, slots=True, repr=False)
class QueryFinished(QueryEnded):
    """A query has succeeded. If it returned a cursor, the cursor has ended without an error."""


@dataclass(frozen=True, slots=True, repr=False)
class QueryFailed(QueryEnded):
    """A query has failed, perhaps after some rows of a cursor had arrived.

    Attributes:
        seconds: the time since the query started.
        error: the error that the caller gets.
    """

    error: BaseException


@dataclass(frozen=True, slots=True, repr=False)
class QueryCancelled(QueryEnded):
    """A query was cancelled before its first answer. The driver has stopped it on the server."""


@dataclass(frozen=True, slots=True, repr=False)
class QueryRetried(QueryEvent):
    """A pool will run a failed query again.

    `query` is the attempt that failed; its `sent` and `received` are 0. `host` and `port` are those
    of the attempt. If it got no connection, they are "" and 0.

    Attributes:
        error: the error of the attempt.
        tries: how many attempts have failed.
        pause: seconds until the next attempt.
    """

    error: BaseException
    tries: int
    pause: float


@dataclass(frozen=True, slots=True, repr=False)
class CursorBatch(QueryEvent):
    """A batch of rows has arrived for a cursor.

    Attributes:
        rows: the number of rows in this batch.
        received: the size of the batch in bytes.
        feed: whether the cursor is a changefeed.
    """

    rows: int
    received: int
    feed: bool


@dataclass(frozen=True, slots=True, repr=False)
class CursorClosed(QueryEnded):
    """A cursor has ended: all rows have arrived, it was closed, or it failed.

    Attributes:
        seconds: the time since the query started.
        error: the error that ended it, or None.
    """

    error: BaseException | None

    @property
    def batches(self) -> int:
        """How many batches have arrived."""
        return self.query.batches

    @property
    def feed(self) -> bool:
        """Whether the cursor is a changefeed."""
        return self.query.feed

    @property
    def complete(self) -> bool:
        """Whether the server has sent all rows."""
        return self.query.complete


#: The event class for each method of a listener, by the method's name.
EVENTS: dict[str, Any] = {
    "connection_opened": ConnectionOpened,
    "connection_failed": ConnectionFailed,
    "connection_lost": ConnectionLost,
    "connection_closed": ConnectionClosed,
    "pool_opened": PoolOpened,
    "pool_lost": PoolLost,
    "pool_exhausted": PoolExhausted,
    "pool_recovered": PoolRecovered,
    "pool_served": PoolServed,
    "pool_returned": PoolReturned,
    "pool_closed": PoolClosed,
    "host_down": HostDown,
    "host_up": HostUp,
    "query_started": QueryStarted,
    "query_answered": QueryAnswered,
    "query_finished": QueryFinished,
    "query_failed": QueryFailed,
    "query_cancelled": QueryCancelled,
    "query_retried": QueryRetried,
    "cursor_batch": CursorBatch,
    "cursor_closed": CursorClosed,
}
