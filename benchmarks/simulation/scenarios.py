"""Which clients, which servers, and what fails when."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rethinkdb.pool import PoolOptions
from rethinkdb.pool.hosts import Address

from .clients import Client
from .records import Outage, Records
from .servers import Fault, Server
from .timeline import Timeline

__all__ = ["SCENARIOS", "Run", "Scenario", "restarts"]

HOUR = 3600.0

# Users are busy around an outage, from so many seconds before to so many after; else they are not.
BEFORE, AFTER = 5.0, 30.0

# All clients start within this time.
START = 60.0


@dataclass(frozen=True)
class Failure:
    """A host goes, and comes back."""

    host: int
    down_at: float
    seconds: float
    fault: Fault = Fault.RESTART


@dataclass(frozen=True)
class Scenario:
    """What to simulate.

    Attributes:
        title: in a few words.
        hours: how long.
        clients, hosts: how many.
        failures: makes the failures of so many hours, by chance.
        options: of each client's pool.
        busy, quiet: the mean time between the bursts of queries of one client, in seconds: around
            an outage, and otherwise.
        burst: up to so many queries at once.
        jitter: whether pauses are drawn by chance, as they are; without, to compare.
    """

    title: str
    hours: float = 24.0
    clients: int = 1000
    hosts: int = 1
    failures: Callable[[Scenario, Random], list[Failure]] = field(default=lambda *_: [])
    options: Mapping[str, Any] = field(default_factory=dict)
    busy: float = 30.0
    quiet: float = 1800.0
    burst: int = 8
    jitter: bool = True


def restarts(scenario: Scenario, random: Random) -> list[Failure]:
    """Each hour one host is restarted, and away for 1 to 60 seconds; short times are likelier."""
    return [
        Failure(
            host=random.randrange(scenario.hosts),
            down_at=(hour + random.uniform(0.2, 0.9)) * HOUR,
            seconds=60 ** random.random(),
        )
        for hour in range(int(scenario.hours))
    ]


#: By name. The options make each client want several connections, so that all are exercised.
SCENARIOS = {
    "restarts": Scenario(
        "a server that restarts each hour", failures=restarts, options={"per_connection": 4}
    ),
    "restarts-without-jitter": Scenario(
        "the same with pauses that are not drawn by chance",
        failures=restarts,
        options={"per_connection": 4},
        jitter=False,
    ),
}


class Run:
    """One simulation.

    Args:
        scenario: what to simulate.
        seed: of chance; the same again gives the same again.
        records: what counts.

    Attributes:
        records: what happened.
        failures: what fails when.
        clients, servers: all of them.
        seconds: of one core that it took.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int = 1,
        records: Callable[[list[Outage]], Records] = Records,
    ) -> None:
        self.scenario = scenario
        self.seconds = 0.0
        self.timeline = Timeline()
        self._random = random = Random(seed)
        addresses: list[Address] = [(f"host{n}", 28015) for n in range(scenario.hosts)]
        self.failures = sorted(scenario.failures(scenario, random), key=lambda f: f.down_at)
        self.records = records(
            [Outage(addresses[f.host], f.down_at, f.down_at + f.seconds) for f in self.failures]
        )
        self.servers = {
            address: Server(self.timeline, self.records, address, random) for address in addresses
        }
        options = PoolOptions(**scenario.options)
        self.clients = [
            Client(self.timeline, self.records, self.servers, options, self._chance())
            for _ in range(scenario.clients)
        ]

    def go(self) -> Run:
        """Let it happen."""
        began = time.process_time()
        self._plan()
        self.timeline.run(self.scenario.hours * HOUR)
        self.seconds = time.process_time() - began
        return self

    def _chance(self) -> Callable[[], float]:
        return self._random.random if self.scenario.jitter else lambda: 0.999999

    def _plan(self) -> None:
        at = self.timeline.at
        servers = list(self.servers.values())
        for failure in self.failures:
            server, up_at = servers[failure.host], failure.down_at + failure.seconds
            at(failure.down_at, server.go_down, failure.fault)
            at(up_at, server.come_up)
        windows = dict.fromkeys((f.down_at, f.down_at + f.seconds) for f in self.failures)
        for down_at, up_at in windows:
            for client in self.clients:
                self._ask_on(client, self.scenario.busy, down_at - BEFORE, up_at + AFTER)
        for client in self.clients:
            at(self._random.uniform(0, START), client.open)
            self._ask_on(client, self.scenario.quiet, START, self.scenario.hours * HOUR)

    def _ask_on(self, client: Client, pause: float, begin: float, end: float) -> None:
        """Let a client's users ask now and then, from a time to a time."""
        when = begin + self._random.expovariate(1 / pause)
        if when < end:
            self.timeline.at(when, self._ask, client, pause, end)

    def _ask(self, client: Client, pause: float, end: float) -> None:
        for _ in range(self._random.randint(1, self.scenario.burst)):
            client.query()
        self._ask_on(client, pause, self.timeline.now, end)
