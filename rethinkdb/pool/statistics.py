"""What a pool has done and how it stands, in numbers."""

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
    """One host of a pool. Counted since the pool was made.

    Attributes:
        host: as `host:port`.
        size: connections to it, those being opened or closed included.
        in_flight: queries without an answer yet.
        opened, lost: connections that were opened, and that ended by themselves.
        failed: attempts to connect that failed.
        failures: those of them that failed since it was last reached: above 0 it is down.
        queries, errors: queries that have ended, and those of them with an error.
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
    """A pool at one moment; what is counted, is counted since the pool was made.

    Attributes:
        name: the pool's, if it was given one.
        size: connections, those being opened or closed included; never above `max_size`.
        idle: open connections without a query, a cursor or a changefeed.
        lent: those that somebody has alone.
        dialling: connections being opened.
        in_flight: queries without an answer yet.
        cursors, feeds: open cursors that have an end, and open changefeeds.
        waiting: who waits for a connection.
        opened, lost: connections that were opened, and that ended by themselves.
        failed: attempts to connect that failed.
        retired: connections closed because of their age or because they were not needed.
        queries, errors: queries that have ended, and those of them with an error.
        waited: how many had to wait for a connection and got one.
        acquire_seconds: how long those have waited, added up; `acquire_seconds / waited` is the
            mean. Who is served at once is not among them.
        acquire_longest: the longest of these waits, in seconds.
        timed_out: how many have waited in vain.
        refused: how many could not even wait, as `max_waiting` did already.
        retried: how often a query was run again; each time counts among `queries`, too.
        hosts: each host. Those that are no longer in the cluster are not among them, but in the
            sums.
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
    """What is counted as it happens; see `PoolStats`."""

    retired: int = 0
    waited: int = 0
    acquire_seconds: float = 0.0
    acquire_longest: float = 0.0
    timed_out: int = 0
    refused: int = 0
    retried: int = 0

    def served(self, seconds: float) -> None:
        """Somebody got a connection after waiting for it."""
        self.waited += 1
        self.acquire_seconds += seconds
        self.acquire_longest = max(self.acquire_longest, seconds)


def pool_stats(
    options: PoolOptions, members: Members, hosts: Hosts, line: Line, tally: Tally
) -> PoolStats:
    """How a pool stands."""
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
