"""Clients: a pool each, whose effects are carried out on the simulated servers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from rethinkdb.errors import ReqlConnectionLostError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import (
    Close,
    Dial,
    Doing,
    Member,
    Pool,
    PoolOptions,
    Retrying,
    TryAgain,
    Wake,
)
from rethinkdb.pool.hosts import Address

from .records import Records
from .servers import ROUND_TRIP, Link, Server
from .timeline import Timeline

__all__ = ["READS", "Client"]

# So many of all queries only read.
READS = 0.8

_LOST = OSError("connection reset by peer")


class Client:
    """A program with a pool, and users who ask it.

    Args:
        timeline: the clock.
        records: where is counted what becomes of queries.
        servers: by address.
        options: of its pool.
        random: chance, as its pool sees it.
    """

    def __init__(
        self,
        timeline: Timeline,
        records: Records,
        servers: Mapping[Address, Server],
        options: PoolOptions,
        random: Callable[[], float],
    ) -> None:
        self.pool = Pool(options, list(servers), random)
        self._timeline = timeline
        self._records = records
        self._servers = servers
        self._random = random
        self._alarm = 0.0

    def open(self) -> None:
        """The program starts."""
        self.pool.open(self._timeline.now)
        self._carry_out()

    def query(self) -> None:
        """A user asks."""
        self._records.asked(self._timeline.now)
        self._run(None)

    def _run(self, course: Retrying | None) -> None:
        """Run a query: the first time, or again."""
        now = self._timeline.now
        member = self.pool.take()
        if member is not None:
            self._begin(member, course)
            return
        ask = self.pool.ask(now)
        self._carry_out()
        ask.add_done_callback(partial(self._waited, now, course))

    def _waited(self, asked_at: float, course: Retrying | None, ask: Waiter[Member]) -> None:
        now = self._timeline.now
        error = ask.exception()
        self._records.waited(asked_at, now, error)
        if error is None:
            self._begin(ask.result(), course)

    def _begin(self, member: Member, course: Retrying | None) -> None:
        member.connection.courses.append(course)
        self._servers[member.host.address].ask(member.connection)

    # What the servers do.

    def answered(self, link: Link) -> None:
        """A query is answered."""
        link.courses.popleft()
        self.pool.give_back(link.member, self._timeline.now)
        if self.pool.effects:
            self._carry_out()

    def opened(self, link: Link) -> None:
        """A dial has succeeded."""
        self._records.connected(self, self._timeline.now)
        self.pool.opened(link.member, self._timeline.now)
        self._carry_out()

    def failed(self, member: Member, error: Exception) -> None:
        """A dial has not."""
        self.pool.failed(member, error, self._timeline.now)
        self._carry_out()

    def lost(self, link: Link) -> None:
        """A connection has ended; so have its queries."""
        now = self._timeline.now
        self.pool.lost(link.member, _LOST, now)
        self._records.cut_off(now, link.queries)
        for _ in range(link.queries):
            self.pool.give_back(link.member, now, failed=True)
        self._carry_out()
        courses, link.courses = link.courses, deque()
        for course in courses:
            self._cut_off(course or self._course(), link.member.host.label)

    def _course(self) -> Retrying:
        doing = Doing.READS if self._random() < READS else Doing.WRITES_ONE
        return self.pool.retrying(lambda: doing, False, math.inf)

    def _cut_off(self, course: Retrying, host: str) -> None:
        """A query was under way: run it again, if it only reads and the budget allows it."""
        now = self._timeline.now
        said = course.failed(ReqlConnectionLostError(), True, host, self.pool.queries, now)
        if isinstance(said, TryAgain):
            self._records.retried(now)
            self._timeline.at(said.at, self._run, course)
        else:
            self._records.given_up(now)

    # What the pool wants.

    def _carry_out(self) -> None:
        effects = self.pool.effects
        while effects:
            effect = effects.popleft()
            if isinstance(effect, Wake):
                self._alarm = effect.at
                self._timeline.at(effect.at, self._tick, effect.at)
            elif isinstance(effect, Dial):
                self._servers[effect.member.host.address].dial(self, effect.member)
            elif isinstance(effect, Close):
                self._servers[effect.member.host.address].close(effect.member.connection)
                self._timeline.after(ROUND_TRIP, self._closed, effect.member)

    def _tick(self, alarm: float) -> None:
        if alarm == self._alarm:  # no other has come in its place
            self.pool.tick(self._timeline.now)
            self._carry_out()

    def _closed(self, member: Member) -> None:
        self.pool.closed(member, self._timeline.now)
        self._carry_out()
