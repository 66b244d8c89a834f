"""What happened in a simulation."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rethinkdb.pool import PoolFullError
from rethinkdb.pool.hosts import Address

__all__ = ["PARTS", "Outage", "Records"]


# Dials and logins around an outage are counted in so many parts of a second.
PARTS = 10


@dataclass(eq=False)
class Outage:
    """One host was away for a while.

    Attributes:
        host: which.
        down_at, up_at: from when to when.
        dials, logins: attempts to connect, and those let in, to any host, by tenths of a second
            since `up_at`; what is before it is negative.
        asked: queries asked while it was away.
        cut_off: queries that were in flight when the links were cut.
        timed_out, refused: queries asked meanwhile that have waited in vain, or could not wait.
        asked_after: queries asked when it was back, up to the next outage.
        failed_after: those of them that got no connection.
        longest_after: the longest wait of one of them for a connection.
        connected: for each client, how long after `up_at` it had a connection.
    """

    host: Address
    down_at: float
    up_at: float
    dials: Counter[int] = field(default_factory=Counter)
    logins: Counter[int] = field(default_factory=Counter)
    asked: int = 0
    cut_off: int = 0
    timed_out: int = 0
    refused: int = 0
    asked_after: int = 0
    failed_after: int = 0
    longest_after: float = 0.0
    connected: dict[Any, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it was away."""
        return self.up_at - self.down_at

    def part(self, now: float) -> int:
        """The tenth of a second since it is back."""
        return int((now - self.up_at) * PARTS // 1)


class Records:
    """Counts what happens, outage by outage.

    Args:
        outages: those to come, in their order.

    Attributes:
        dials, logins: attempts to connect, and those let in, by host.
        queries, failures: how many were asked, and how many of those got no connection.
    """

    def __init__(self, outages: list[Outage]) -> None:
        self.outages = outages
        self.dials: Counter[Address] = Counter()
        self.logins: Counter[Address] = Counter()
        self.queries = 0
        self.failures = 0
        self._begins = [outage.down_at for outage in outages]

    def dialled(self, address: Address, now: float) -> None:
        """Somebody tries to connect."""
        self.dials[address] += 1
        outage = self._latest(now)
        if outage is not None:
            outage.dials[outage.part(now)] += 1

    def let_in(self, address: Address, now: float) -> None:
        """Somebody is connected."""
        self.logins[address] += 1
        outage = self._latest(now)
        if outage is not None:
            outage.logins[outage.part(now)] += 1

    def connected(self, client: Any, now: float) -> None:
        """A client has a connection: perhaps the first one after an outage."""
        outage = self._latest(now)
        if outage is not None and now >= outage.up_at:
            outage.connected.setdefault(client, now - outage.up_at)

    def asked(self, now: float) -> None:
        """A user has a query."""
        self.queries += 1
        outage = self._latest(now)
        if outage is not None:
            outage.asked += now < outage.up_at
            outage.asked_after += now >= outage.up_at

    def waited(self, asked_at: float, now: float, error: BaseException | None) -> None:
        """A query had to wait for a connection, and got one, or did not."""
        self.failures += error is not None
        outage = self._latest(asked_at)
        if outage is None:
            return
        if asked_at >= outage.up_at:
            outage.failed_after += error is not None
            outage.longest_after = max(outage.longest_after, now - asked_at)
        elif isinstance(error, PoolFullError):
            outage.refused += 1
        elif error is not None:
            outage.timed_out += 1

    def cut_off(self, now: float, queries: int) -> None:
        """Queries were in flight on a connection that was cut."""
        outage = self._latest(now)
        if outage is not None:
            outage.cut_off += queries

    def answered(self, address: Address, now: float) -> None:
        """A server has answered a query."""

    def retried(self, now: float) -> None:
        """A query that was cut off will be run again."""

    def given_up(self, now: float) -> None:
        """A query that was cut off is not run again: its user gets the error."""

    def _latest(self, now: float) -> Outage | None:
        """The outage that began last."""
        position = bisect_right(self._begins, now)
        return self.outages[position - 1] if position else None
