"""Servers as clients meet them: they let in, answer, refuse, hang up, or are silent."""

from __future__ import annotations

from collections import deque
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.pool import Member

from .records import Records
from .timeline import Timeline

if TYPE_CHECKING:
    from .clients import Client

__all__ = ["Fault", "Link", "Server"]

# Seconds: there and back on a local network; a client's time limit for connecting; how long a
# silent link goes unnoticed (a keepalive of 20 s: silence that long, then a question that long).
ROUND_TRIP = 0.001
CONNECT_TIMEOUT = 20.0
SILENCE = 40.0

# A login costs a server about this much of a core (4,096 rounds of SHA-256).
LOGIN = 0.001

# The mean time that a query takes.
ANSWER = 0.005


class Fault(Enum):
    """How a server goes."""

    RESTART = "restart"  # the process ends: links are cut, dials are refused
    SILENCE = "silence"  # the machine or its network ends: nobody hears anything


class Link:
    """A connection, at the server's end and at the client's.

    Attributes:
        queries: how many are in flight.
        cut: nothing comes through any more.
        courses: of queries in flight, what has become of earlier attempts; None of the first one.
    """

    __slots__ = ("client", "courses", "cut", "member", "queries", "watched")

    def __init__(self, client: Client, member: Member) -> None:
        self.client = client
        self.member = member
        self.queries = 0
        self.cut = False
        self.watched = False
        self.courses: deque[Any] = deque()


class Server:
    """One server.

    Args:
        timeline: the clock.
        records: where dials and logins are counted.
        address: its name and port.
        random: chance, for how long queries take.

    Attributes:
        answered: queries.
    """

    def __init__(
        self, timeline: Timeline, records: Records, address: tuple[str, int], random: Random
    ) -> None:
        self.address = address
        self.answered = 0
        self._timeline = timeline
        self._records = records
        self._random = random
        self._fault: Fault | None = None
        self._links: dict[Link, None] = {}
        self._logging_in: dict[Link, None] = {}
        self._free_at = 0.0

    @property
    def up(self) -> bool:
        return self._fault is None

    @property
    def links(self) -> int:
        """How many connections it has."""
        return len(self._links)

    # Connections.

    def dial(self, client: Client, member: Member) -> None:
        """Somebody wants to connect."""
        now = self._timeline.now
        link = member.connection = Link(client, member)
        self._records.dialled(self.address, now)
        if self._fault is Fault.RESTART:
            error = ReqlDriverError(f"Could not connect to {self.address[0]}: connection refused")
            self._timeline.after(ROUND_TRIP, client.failed, member, error)
            return
        self._logging_in[link] = None
        self._timeline.after(CONNECT_TIMEOUT, self._too_late, link)
        if self.up:
            # Logins are done one after the other; those who gave up meanwhile cost as much.
            self._free_at = max(now + ROUND_TRIP, self._free_at) + LOGIN
            self._timeline.at(self._free_at, self._let_in, link)

    def close(self, link: Link) -> None:
        """Somebody hangs up, or gives up connecting."""
        link.cut = True
        self._links.pop(link, None)
        self._logging_in.pop(link, None)

    def _let_in(self, link: Link) -> None:
        if link in self._logging_in:
            del self._logging_in[link]
            self._links[link] = None
            self._records.let_in(self.address, self._timeline.now)
            link.client.opened(link)

    def _too_late(self, link: Link) -> None:
        if link in self._logging_in:
            del self._logging_in[link]
            link.client.failed(link.member, ReqlTimeoutError(*self.address))

    # Queries.

    def ask(self, link: Link) -> None:
        """A query is sent."""
        link.queries += 1
        if link.cut:
            self._watch(link)
        else:
            self._timeline.after(self._random.expovariate(1 / ANSWER), self._answer, link)

    def _answer(self, link: Link) -> None:
        if not link.cut:
            link.queries -= 1
            self.answered += 1
            self._records.answered(self.address, self._timeline.now)
            link.client.answered(link)

    # Faults.

    def go_down(self, fault: Fault) -> None:
        """It goes."""
        self._fault = fault
        self._free_at = 0.0
        for link in self._take_links():
            link.cut = True
            if fault is Fault.RESTART:
                link.client.lost(link)
            elif link.queries:
                self._watch(link)
        if fault is Fault.RESTART:
            waiting = list(self._logging_in)
            self._logging_in.clear()
            for link in waiting:
                link.client.failed(link.member, ReqlDriverError("the server hung up"))

    def come_up(self) -> None:
        """It is back, and knows nothing of the connections it had."""
        self._fault = None

    def _take_links(self) -> list[Link]:
        links = list(self._links)
        self._links.clear()
        return links

    def _watch(self, link: Link) -> None:
        """The client waits on a dead link: its keepalive will notice."""
        if not link.watched:
            link.watched = True
            self._timeline.after(SILENCE, link.client.lost, link)
