"""Metrics: how long queries take, how many rows they return, and numbers about pools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.metrics import Observation

from rethinkdb.loops.transport.watching import POOLS
from rethinkdb.monitoring import (
    ConnectionOpened,
    Listener,
    PoolReturned,
    PoolServed,
    QueryAnswered,
    QueryCancelled,
    QueryFailed,
    QueryFinished,
    QueryInfo,
    QueryStarted,
)
from rethinkdb.pool import PoolStats

from .attributes import attributes_of, error_type

__all__ = ["PoolMeter", "QueryMeter"]

# The buckets that the semantic conventions recommend.
_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)


_POOL = "db.client.connection.pool.name"


def _pool_of(event: Any) -> dict[str, str]:
    """The attribute for a pool: its name, or the server, as the semantic conventions say."""
    return {_POOL: event.pool or f"{event.host}:{event.port}"}


def _histogram_of_times(meter: Any, name: str, description: str) -> Any:
    return meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=_SECONDS
    )


class QueryMeter(Listener):
    """Measures the time from sending a query to its first answer, and counts rows.

    Args:
        meter: a meter of OpenTelemetry.
    """

    def __init__(self, meter: Any) -> None:
        self._duration = _histogram_of_times(
            meter,
            "db.client.operation.duration",
            "Duration of database client operations.",
        )
        self._rows = meter.create_histogram(
            "db.client.response.returned_rows",
            unit="{row}",
            description="The actual number of records returned by the database operation.",
            explicit_bucket_boundaries_advisory=_ROWS,
        )
        self._create_time = _histogram_of_times(
            meter,
            "db.client.connection.create_time",
            "The time it took to create a new connection.",
        )
        self._wait_time = _histogram_of_times(
            meter,
            "db.client.connection.wait_time",
            "The time it took to obtain an open connection from the pool.",
        )
        self._use_time = _histogram_of_times(
            meter,
            "db.client.connection.use_time",
            "The time between borrowing a connection and returning it to the pool.",
        )
        self._answered: dict[QueryInfo, float] = {}
        # By pool: how many queries have waited, and will now start.
        self._served: Counter[str | None] = Counter()

    def connection_opened(self, event: ConnectionOpened) -> None:
        """Record the time that connecting and logging in took."""
        self._create_time.record(event.seconds, _pool_of(event))

    def pool_served(self, event: PoolServed) -> None:
        """Record the time that somebody has waited for a connection."""
        self._wait_time.record(event.seconds, {_POOL: event.pool or event.host})
        if not event.lent:
            self._served[event.pool] += 1

    def pool_returned(self, event: PoolReturned) -> None:
        """Record for how long a connection was lent."""
        self._use_time.record(event.seconds, {_POOL: event.pool or event.host})

    def query_started(self, event: QueryStarted) -> None:
        """Record that a query on a pool has not waited, unless it has."""
        if not event.query.shares:
            return
        if self._served[event.pool] > 0:
            self._served[event.pool] -= 1
        else:
            self._wait_time.record(0.0, _pool_of(event))

    def query_answered(self, event: QueryAnswered) -> None:
        """Note the time of the first answer. The query may still have failed."""
        self._answered[event.query] = event.seconds

    def query_finished(self, event: QueryFinished) -> None:
        """Record the time and the number of rows."""
        attributes = attributes_of(event.query)
        seconds = self._answered.pop(event.query, event.seconds)
        self._duration.record(seconds, attributes)
        self._rows.record(event.rows, attributes)
        self._used(event)

    def query_failed(self, event: QueryFailed) -> None:
        """Record the time, with the class of the error."""
        attributes = {**attributes_of(event.query), "error.type": error_type(event.error)}
        self._duration.record(self._answered.pop(event.query, event.seconds), attributes)
        self._used(event)

    def query_cancelled(self, event: QueryCancelled) -> None:
        """Record only the use of the connection: nobody waited for this query."""
        self._answered.pop(event.query, None)
        self._used(event)

    def _used(self, event: QueryFinished | QueryFailed | QueryCancelled) -> None:
        """Record for how long a query, with its cursor, has used a connection of a pool."""
        if event.query.shares:
            self._use_time.record(event.seconds, _pool_of(event))


class PoolMeter:
    """Measures the pools of this process each time that metrics are collected.

    Args:
        meter: a meter of OpenTelemetry.

    Attributes:
        active: whether to measure at all.
    """

    def __init__(self, meter: Any) -> None:
        self.active = True
        meter.create_observable_up_down_counter(
            "db.client.connection.count",
            [self._count],
            unit="{connection}",
            description="The number of connections that are currently in state described by the"
            " state attribute.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.max",
            [lambda _: self._sums(lambda pool, stats: pool.options.max_size)],
            unit="{connection}",
            description="The maximum number of open connections allowed.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.idle.min",
            [lambda _: self._sums(lambda pool, stats: pool.options.min_size)],
            unit="{connection}",
            description="The minimum number of idle open connections allowed.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.idle.max",
            [lambda _: self._sums(lambda pool, stats: pool.options.max_size)],
            unit="{connection}",
            description="The maximum number of idle open connections allowed.",
        )
        meter.create_observable_up_down_counter(
            "db.client.connection.pending_requests",
            [lambda _: self._sums(lambda pool, stats: stats.waiting)],
            unit="{request}",
            description="The number of current pending requests for an open connection.",
        )
        meter.create_observable_counter(
            "db.client.connection.timeouts",
            [lambda _: self._sums(lambda pool, stats: stats.timed_out)],
            unit="{timeout}",
            description="The number of connection timeouts that have occurred trying to obtain a"
            " connection from the pool.",
        )

    def _count(self, _: Any) -> Iterable[Observation]:
        idle = self._sums(lambda pool, stats: stats.idle, state="idle")
        used = self._sums(_used, state="used")
        return [*idle, *used]

    def _sums(
        self, number: Callable[[Any, PoolStats], int], state: str | None = None
    ) -> list[Observation]:
        """A number for each pool. The numbers of pools with the same name are added."""
        sums: Counter[str] = Counter()
        for pool, stats in _standing() if self.active else ():
            name = stats.name or ",".join(host.host for host in stats.hosts)
            sums[name] += number(pool, stats)
        more = {} if state is None else {"db.client.connection.state": state}
        return [Observation(count, {_POOL: name, **more}) for name, count in sums.items()]


def _used(_: Any, stats: PoolStats) -> int:
    return stats.size - stats.idle - stats.dialling


def _standing() -> Iterable[tuple[Any, PoolStats]]:
    """The open pools, with their numbers."""
    for pool in tuple(POOLS):
        if pool.closed:
            continue
        try:
            yield pool, pool.stats()
        except RuntimeError:  # another thread has changed the pool meanwhile
            continue
