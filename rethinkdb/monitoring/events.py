"""What listeners are told: one frozen dataclass for each thing that may happen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from .describing import QueryInfo

__all__ = [
    "EVENTS",
    "ConnectionClosed",
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
    "QueryAnswered",
    "QueryCancelled",
    "QueryFailed",
    "QueryFinished",
    "QueryRetried",
    "QueryStarted",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened."""


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """A connection is open.

    Attributes:
        host, port: the server's.
        pool: the name of its pool, or None.
        seconds: what dialling and logging in took.
    """

    host: str
    port: int
    pool: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    """A connection has ended by itself.

    Attributes:
        host, port, pool: as of `ConnectionOpened`.
        seconds: how long it was open.
        error: what ended it.
    """

    host: str
    port: int
    pool: str | None
    seconds: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class ConnectionClosed(Event):
    """A connection was closed from this side.

    Attributes:
        host, port, pool: as of `ConnectionOpened`.
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
    """One of a pool's connections has ended by itself.

    Attributes:
        pool: its name, or None.
        host: `host:port`.
        error: what ended the connection.
        size, waiting: connections that the pool has left; queries that wait for one.
    """

    pool: str | None
    host: str | None
    error: BaseException | None
    size: int
    waiting: int


@dataclass(frozen=True, slots=True)
class HostDown(PoolLost):
    """A pool cannot connect to a host. It is told once, until there is a `HostUp`."""


@dataclass(frozen=True, slots=True)
class HostUp(PoolLost):
    """A pool can connect again to a host that was down. There is no `error`."""


@dataclass(frozen=True, slots=True)
class PoolExhausted(PoolLost):
    """Queries wait, as no connection of the pool has room. There is no `host`."""


@dataclass(frozen=True, slots=True)
class PoolRecovered(PoolLost):
    """Nobody has to wait any more. There is no `host`, and no `error`."""


@dataclass(frozen=True, slots=True)
class PoolClosed(Event):
    """A pool was closed."""

    pool: str | None


@dataclass(frozen=True, slots=True)
class QueryEvent(Event):
    """Something has happened to a query.

    Attributes:
        query: the query; the same object in each event about it.
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
    """A query is about to be sent. One of finished, failed and cancelled follows."""


@dataclass(frozen=True, slots=True, repr=False)
class QueryAnswered(QueryEvent):
    """The first answer to a query has come: its value, an error, or the first rows of a cursor.

    Attributes:
        seconds: since it started.
        received: bytes of the answer.
    """

    seconds: float
    received: int


@dataclass(frozen=True, slots=True, repr=False)
class QueryEnded(QueryEvent):
    """A query has ended, in one way or another.

    Attributes:
        seconds: since it started.
    """

    seconds: float

    @property
    def sent(self) -> int:
        """Bytes of the query."""
        return self.query.sent

    @property
    def received(self) -> int:
        """Bytes of all answers to it."""
        return self.query.received

    @property
    def rows(self) -> int:
        """Elements of its sequence or array; 1 for any other value, 0 for null."""
        return self.query.rows


@dataclass(frozen=True, slots=True, repr=False)
class QueryFinished(QueryEnded):
    """A query has ended well; if it gave a cursor, with the end of that."""


@dataclass(frozen=True, slots=True, repr=False)
class QueryFailed(QueryEnded):
    """A query has ended in an error, perhaps after rows of a cursor had come.

    Attributes:
        seconds: since it started.
        error: what its caller gets.
    """

    error: BaseException


@dataclass(frozen=True, slots=True, repr=False)
class QueryCancelled(QueryEnded):
    """Nobody waited for the first answer any more. The query was stopped."""


@dataclass(frozen=True, slots=True, repr=False)
class QueryRetried(QueryEvent):
    """A pool runs a query again, which has failed.

    `query` is the attempt that failed, without its bytes; `host` and `port` are where that was made
    if it came to a connection, otherwise "" and 0.

    Attributes:
        error: what it failed with.
        tries: how many attempts have failed.
        pause: seconds until the next one.
    """

    error: BaseException
    tries: int
    pause: float


@dataclass(frozen=True, slots=True, repr=False)
class CursorBatch(QueryEvent):
    """Rows have come for a cursor.

    Attributes:
        rows: how many, in this batch.
        received: its bytes.
        feed: whether it is a changefeed.
    """

    rows: int
    received: int
    feed: bool


@dataclass(frozen=True, slots=True, repr=False)
class CursorClosed(QueryEnded):
    """A cursor has ended: all rows have come, it was closed, or it failed.

    Attributes:
        seconds: since the query started.
        error: what ended it, or None.
    """

    error: BaseException | None

    @property
    def batches(self) -> int:
        """How many batches have come."""
        return self.query.batches

    @property
    def feed(self) -> bool:
        """Whether it is a changefeed."""
        return self.query.feed

    @property
    def complete(self) -> bool:
        """Whether the server has sent all."""
        return self.query.complete


#: The events, by the name of the listener's method that is called with them.
EVENTS: dict[str, Any] = {
    "connection_opened": ConnectionOpened,
    "connection_lost": ConnectionLost,
    "connection_closed": ConnectionClosed,
    "pool_opened": PoolOpened,
    "pool_lost": PoolLost,
    "pool_exhausted": PoolExhausted,
    "pool_recovered": PoolRecovered,
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
