"""The connections of a pool, as the pool sees them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import Any

from .hosts import Host

__all__ = ["Member", "Members", "State"]


class State(Enum):
    """What a member is there for.

    dialling -> in turn <-> draining (for a loan), lent
                   |
                   +-> retiring -> closing -> gone
    """

    DIALLING = "dialling"
    IN_TURN = "in turn"  # takes queries
    DRAINING = "draining"  # takes none, as it is to be lent when those in flight are answered
    LENT = "lent"
    RETIRING = "retiring"  # takes none, and is closed when nothing is left on it
    CLOSING = "closing"
    GONE = "gone"


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
        return f"<connection to {self.host.label}: {self.state.value}, {self.load} in flight>"


class Members:
    """All members but those that are gone, oldest first. They are few: it counts by looking."""

    def __init__(self) -> None:
        self._all: dict[Member, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._all))

    def add(self, member: Member) -> None:
        self._all[member] = None

    def remove(self, member: Member) -> None:
        """It is closed, lost, or could not be opened."""
        del self._all[member]

    def those(self, *states: State) -> list[Member]:
        """The members in one of some states."""
        return [member for member in self._all if member.state in states]

    @property
    def usable(self) -> int:
        """How many are open and not on their way out."""
        return len(self.those(State.IN_TURN, State.DRAINING, State.LENT))

    @property
    def in_flight(self) -> int:
        """Queries without an answer yet."""
        return sum(member.load for member in self._all)
