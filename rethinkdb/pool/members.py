"""The connections of a pool, as the pool sees them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum
from itertools import chain
from typing import Any

from .hosts import Host

__all__ = ["Member", "Members", "State"]


class State(IntEnum):
    """What a member is there for.

    dialling -> in turn <-> draining (for a loan), lent
                   |
                   +-> retiring -> closing -> gone
    """

    DIALLING = 0
    IN_TURN = 1  # takes queries
    DRAINING = 2  # takes none, as it is to be lent when those in flight are answered
    LENT = 3
    RETIRING = 4  # takes none, and is closed when nothing is left on it
    CLOSING = 5
    GONE = 6


class Member:
    """One connection of a pool, from before it is dialled until it is closed.

    Attributes:
        connection: for whoever carries out the effects: what it has dialled.
        host: where to.
        state: what it is there for.
        in_turn: whether it takes queries: `state` in a form that costs little to ask for.
        load: queries in flight.
        cursors: open ones, which have an end.
        feeds: open changefeeds, which have none.
        queries: how many were answered or have failed.
        errors: how many of those have failed.
        dialled_at, opened_at: when.
        idle_since: since when there is no query in flight, if there is none.
        expires: when it is to be replaced.
    """

    __slots__ = (
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
        """Whether closing it would disturb nobody."""
        return not (self.load or self.cursors or self.feeds or self.state is State.LENT)

    def __repr__(self) -> str:
        state = self.state.name.lower().replace("_", " ")
        return f"<connection to {self.host.label}: {state}, {self.load} in flight>"


class Members:
    """All members but those that are gone, by what they are there for.

    Attributes:
        dialling, in_turn, draining, lent, retiring, closing: those in each state. They change with
            each `move`: copy what is walked through meanwhile.
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
        """It is being dialled."""
        self.dialling[member] = None
        self._count += 1

    def move(self, member: Member, state: State) -> None:
        """It is there for something else from now on, or for nothing."""
        del self._by_state[member.state][member]
        member.state = state
        if state is State.GONE:
            self._count -= 1
        else:
            self._by_state[state][member] = None

    @property
    def usable(self) -> int:
        """How many are open and not on their way out."""
        return len(self.in_turn) + len(self.draining) + len(self.lent)

    @property
    def in_flight(self) -> int:
        """Queries without an answer yet."""
        return sum(member.load for member in self)
