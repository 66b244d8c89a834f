"""Numbers about a pool: what it has done, and its present state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .hosts import Host, Hosts
from .line import Line
from .members import Member, Members
from .options import PoolOptions

__all__ = ["HostStats", "PoolStats", "Tally"]


@dataclass(frozen=True, slots=True)
class HostStats:
    """Numbers about one host of a pool. Counters start when the pool is made.

    Attributes:
        host: the address, as `host:port`.
        size: connections to it, including those being opened or closed.
        in_flight: queries that have no answer yet.
        opened, lost: connections that were opened; connections that were lost.
        failed: failed attempts to connect.
        failures: failed attempts in a row, since the host was last reached. Above 0: it is down.
        queries, errors: queries that have ended; queries that ended with an error.
    """

    host: str
    size: int
    in_flight: int
    opened: int
    lost: int
    failed: int
    failures: int
    queries: int
    errors: int


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Numbers about a pool at one moment. Counters start when the pool is made.

    Attributes:
        name: the pool's name; None if it has none.
        size: connections, including those being opened or closed; never above `max_size`.
        idle: open connections without a query, a cursor or a changefeed.
        lent: connections lent by `pool.connection()`.
        dialling: connections being opened.
        in_flight: queries that have no answer yet.
        cursors, feeds: open cursors, without changefeeds; open changefeeds.
        waiting: how many wait for a connection.
        opened, lost: connections that were opened; connections that were lost.
        failed: failed attempts to connect.
        retired: connections that the pool closed because they were too old or not needed.
        queries, errors: queries that have ended; queries that ended with an error.
        waited: how many had to wait for a connection and then got one.
        acquire_seconds: the sum of their waiting times; `acquire_seconds / waited` is the mean.
            Queries that got a connection at once are not counted.
        acquire_longest: the longest of these waits, in seconds.
        timed_out: how many got no connection in time.
        refused: how many failed at once because `max_waiting` others were waiting.
        retried: how often a query was run again. Each attempt also counts in `queries`.
        hosts: the hosts, one by one. A host that has left the cluster is not listed, but the sums
            above include it.
    """

    name: str | None
    size: int
    idle: int
    lent: int
    dialling: int
    in_flight: int
    cursors: int
    feeds: int
    waiting: int
    opened: int
    lost: int
    failed: int
    retired: int
    queries: int
    errors: int
    waited: int
    acquire_seconds: float
    acquire_longest: float
    timed_out: int
    refused: int
    retried: int
    hosts: tuple[HostStats, ...]


@dataclass(slots=True)
class Tally:
    """Counters that are updated as things happen; see `PoolStats`."""

    retired: int = 0
    waited: int = 0
    acquire_seconds: float = 0.0
    acquire_longest: float = 0.0
    timed_out: int = 0
    refused: int = 0
    retried: int = 0

    def served(self, seconds: float) -> None:
        """Count a wait that ended with a connection."""
        self.waited += 1
        self.acquire_seconds += seconds
        self.acquire_longest = max(self.acquire_longest, seconds)


def pool_stats(
    options: PoolOptions, members: Members, hosts: Hosts, line: Line, tally: Tally
) -> PoolStats:
    """The numbers about a pool at this moment."""
    by_host = tuple(_host_stats(host, members) for host in hosts)
    ever = (*by_host, *(_host_stats(host, members) for host in hosts.former))
    return PoolStats(
        name=options.name,
        size=len(members),
        idle=sum(member.unused for member in members.in_turn),
        lent=len(members.lent),
        dialling=len(members.dialling),
        in_flight=members.in_flight,
        cursors=sum(member.cursors for member in members),
        feeds=sum(member.feeds for member in members),
        waiting=len(line),
        opened=sum(host.opened for host in ever),
        lost=sum(host.lost for host in ever),
        failed=sum(host.failed for host in ever),
        retired=tally.retired,
        queries=sum(host.queries for host in ever),
        errors=sum(host.errors for host in ever),
        waited=tally.waited,
        acquire_seconds=tally.acquire_seconds,
        acquire_longest=tally.acquire_longest,
        timed_out=tally.timed_out,
        refused=tally.refused,
        retried=tally.retried,
        hosts=by_host,
    )


def _host_stats(host: Host, members: Iterable[Member]) -> HostStats:
    own = [member for member in members if member.host is host]
    return HostStats(
        host=host.label,
        size=len(own),
        in_flight=sum(member.load for member in own),
        opened=host.opened,
        lost=host.lost,
        failed=host.failed,
        failures=host.failures if host.cause is not None else 0,
        queries=host.queries + sum(member.queries for member in own),
        errors=host.errors + sum(member.errors for member in own),
    )
