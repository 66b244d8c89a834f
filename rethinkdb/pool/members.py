"""`Member`: one connection of a pool, as the pool sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from itertools import chain
from typing import Any

from .hosts import Host

__all__ = ["Member", "Members", "State"]


class State(IntEnum):
    """What a member is used for at present.

    dialling -> in turn <-> draining (to be lent), lent
                   |
                   +-> retiring -> closing -> gone
    """

    DIALLING = 0
    IN_TURN = 1  # takes queries
    DRAINING = 2  # takes no queries; will be lent when those in flight are answered
    LENT = 3
    RETIRING = 4  # takes no queries; will be closed when nothing runs on it
    CLOSING = 5
    GONE = 6


class Member:
    """One connection of a pool, from before it is dialled until it is closed.

    Attributes:
        connection: the connection itself. The code that carries out the effects sets and uses it.
        host: the host that it is connected to.
        state: what it is used for at present.
        in_turn: whether it takes queries. The same as `state`, but faster to check.
        load: the number of queries in flight.
        cursors: the number of open cursors, without changefeeds.
        feeds: the number of open changefeeds.
        queries: how many queries have ended.
        errors: how many of those have failed.
        dialled_at, opened_at: the times of these events.
        idle_since: when the last query ended, if there is none in flight.
        expires: when it is to be replaced.
    """

    __slots__ = (
        "__weakref__",
        "connection",
        "cursors",
        "dialled_at",
        "errors",
        "expires",
        "feeds",
        "host",
        "idle_since",
        "in_turn",
        "load",
        "opened_at",
        "queries",
        "state",
    )

    def __init__(self, host: Host, now: float) -> None:
        self.connection: Any = None
        self.host = host
        self.state = State.DIALLING
        self.in_turn = False
        self.load = 0
        self.cursors = 0
        self.feeds = 0
        self.queries = 0
        self.errors = 0
        self.dialled_at = now
        self.opened_at = now
        self.idle_since = now
        self.expires = math.inf

    @property
    def unused(self) -> bool:
        """Whether nobody uses it, so that it can be closed."""
        return not (self.load or self.cursors or self.feeds or self.state is State.LENT)

    def __repr__(self) -> str:
        state = self.state.name.lower().replace("_", " ")
        return f"<connection to {self.host.label}: {state}, {self.load} in flight>"


class Members:
    """All members that still exist, sorted by state.

    Attributes:
        dialling, in_turn, draining, lent, retiring, closing: the members in each state. `move`
            changes these dicts: copy one before you loop over it and call `move`.
    """

    def __init__(self) -> None:
        self._by_state: tuple[dict[Member, None], ...] = tuple({} for _ in State)
        self.dialling, self.in_turn, self.draining, self.lent, *rest = self._by_state
        self.retiring, self.closing, _ = rest
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Member]:
        return chain.from_iterable(self._by_state)

    def add(self, member: Member) -> None:
        """Add a member that is being dialled."""
        self.dialling[member] = None
        self._count += 1

    def move(self, member: Member, state: State) -> None:
        """Change the state of a member. If it is GONE, the member is removed."""
        del self._by_state[member.state][member]
        member.state = state
        if state is State.GONE:
            self._count -= 1
        else:
            self._by_state[state][member] = None

    @property
    def usable(self) -> int:
        """How many are open and not being retired or closed."""
        return len(self.in_turn) + len(self.draining) + len(self.lent)

    @property
    def in_flight(self) -> int:
        """The number of queries that have no answer yet."""
        return sum(member.load for member in self)
