"""Clients of a cluster: what its hosts bear, and what its users notice, when some of them go."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from random import Random
from typing import NamedTuple

from rethinkdb.pool.hosts import Address

from .records import Outage, Records
from .scenarios import HOUR, Failure, Run, Scenario
from .servers import Fault

__all__ = ["CLUSTERS", "ClusterRecords", "ClusterRun", "Load"]

# Seconds: how long a host that dies is away; how often connections are counted around an outage,
# from so long before it to so long after.
DEATH = 120.0
SAMPLED, BEFORE, AFTER = 2.0, 20.0, 300.0

# When the network is split, and for how long; when all hosts are restarted in turn, how long each
# of them is away, and how far apart that is. In hours, then in seconds.
SPLIT_AT, SPLIT = 12.5, 60.0
ROLL_AT, ROLL, APART = 18.4, 10.0, 25.0


def deaths(scenario: Scenario, random: Random) -> list[Failure]:
    """Each hour one host dies: its process, or its machine. Once a day the network is split in two,
    and once all hosts are restarted, one after the other."""
    hosts = range(scenario.hosts)
    failures = [
        Failure(random.choice(hosts), (hour + 0.1) * HOUR, DEATH, random.choice([*Fault]))
        for hour in range(int(scenario.hours))
    ]
    if scenario.hours > SPLIT_AT + 0.5:
        apart = random.sample(hosts, scenario.hosts // 2)
        failures += [Failure(host, SPLIT_AT * HOUR, SPLIT, Fault.SILENCE) for host in apart]
    if scenario.hours > ROLL_AT + 0.5:
        begin = ROLL_AT * HOUR
        failures += [Failure(host, begin + APART * host, ROLL) for host in hosts]
    return failures


# Each client wants several connections around an outage.
OPTIONS = {"per_connection": 2}

#: By name.
CLUSTERS = {
    f"cluster-of-{hosts}": Scenario(
        f"{hosts} hosts", hosts=hosts, failures=deaths, options=OPTIONS, burst=4
    )
    for hosts in (5, 50)
}


class Load(NamedTuple):
    """Connections at one moment around an outage.

    Attributes:
        since: seconds since the host went.
        here: connections to it.
        others: the mean of the other hosts.
    """

    since: float
    here: int
    others: float


class ClusterRecords(Records):
    """Counts by host and by second, too.

    Attributes:
        by_second: dials to each host, by the second.
        logins_by_second: likewise.
        answers: of each host in each hour.
        again, lost: queries that were cut off: run again, and left to their users; by the hour.
        asked_by_hour: queries.
        loads: by outage.
    """

    def __init__(self, outages: list[Outage]) -> None:
        super().__init__(outages)
        self.by_second: Counter[tuple[Address, int]] = Counter()
        self.logins_by_second: Counter[tuple[Address, int]] = Counter()
        self.answers: Counter[tuple[int, Address]] = Counter()
        self.again: Counter[int] = Counter()
        self.lost: Counter[int] = Counter()
        self.asked_by_hour: Counter[int] = Counter()
        self.loads: dict[Outage, list[Load]] = {}

    def dialled(self, address: Address, now: float) -> None:
        super().dialled(address, now)
        self.by_second[address, int(now)] += 1

    def let_in(self, address: Address, now: float) -> None:
        super().let_in(address, now)
        self.logins_by_second[address, int(now)] += 1

    def asked(self, now: float) -> None:
        super().asked(now)
        self.asked_by_hour[int(now // HOUR)] += 1

    def answered(self, address: Address, now: float) -> None:
        self.answers[int(now // HOUR), address] += 1

    def retried(self, now: float) -> None:
        self.again[int(now // HOUR)] += 1

    def given_up(self, now: float) -> None:
        self.lost[int(now // HOUR)] += 1

    def recovery(self, outage: Outage) -> float | None:
        """Seconds from when a host is back until it has half as many connections as the others.

        None if it has not within the time that is looked at.
        """
        loads = self.loads[outage]
        back = bisect_right([load.since for load in loads], outage.seconds)
        for load in loads[back:]:
            if load.here >= load.others / 2:
                return load.since - outage.seconds
        return None


class ClusterRun(Run):
    """One simulation of a cluster."""

    records: ClusterRecords

    def __init__(self, scenario: Scenario, seed: int = 1) -> None:
        super().__init__(scenario, seed, ClusterRecords)
        for outage in self.records.outages:
            loads = self.records.loads[outage] = []
            for step in range(int((BEFORE + outage.seconds + AFTER) / SAMPLED)):
                since = step * SAMPLED - BEFORE
                self.timeline.at(outage.down_at + since, self._sample, outage, since, loads)

    def _sample(self, outage: Outage, since: float, loads: list[Load]) -> None:
        links = {address: server.links for address, server in self.servers.items()}
        here = links.pop(outage.host)
        loads.append(Load(since, here, sum(links.values()) / len(links)))
