"""How a table is divided: which part has which keys, who leads it, what can be done with it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rethinkdb.embedded.cluster.phases import LOST, Phase
from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.shards import stored_key
from rethinkdb.embedded.storage.indexes import Range
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.placement import ServerIdentity, Shard, ShardHealth
from rethinkdb.embedded.storage.tables import StoredTable


class Part:
    """A part of a table. Its attributes are guarded by the store's lock.

    Args:
        shard: where it is to be.
        range: its keys, as errors name them.

    Attributes:
        primary: the server that leads it now.
        phase: what can be done with it.
        losses: how often it has lost its primary, or the majority of its replicas.
        cause: what those are told who were writing when that happened last.
        plan: the number of the last sequence of phases that was begun; earlier ones are void.
        moving: whether that sequence goes on.
    """

    def __init__(self, shard: Shard, range: str) -> None:
        self.shard = shard
        self.range = range
        self.primary: ServerIdentity | None = shard.primary if shard.primary.up else None
        self.phase = Phase.READY if self.primary else Phase.NO_PRIMARY
        self.losses = 0
        self.cause = LOST
        self.plan = 0
        self.moving = False

    @property
    def has_majority(self) -> bool:
        """Whether more than half of its voting replicas are there."""
        voters = self.shard.voters
        return 2 * sum(server.up for server in voters) > len(voters)

    def candidate(self) -> ServerIdentity | None:
        """Who is to lead it: the one that should, or the first that can; None if nobody can."""
        if not self.has_majority:
            return None
        ranked = [self.shard.primary, *self.shard.voters]
        return next((server for server in ranked if server.up), None)

    def lose(self, cause: str = LOST) -> None:
        """Those who are reading or writing do not learn any more how it went."""
        self.losses += 1
        self.cause = cause

    def health(self) -> ShardHealth:
        """As `table_status` shows it."""
        primaries = [] if self.primary is None else [self.primary]
        return ShardHealth(primaries, [(each, self._state(each)) for each in self.shard.replicas])

    def _state(self, server: ServerIdentity) -> str:
        if not server.up:
            return "disconnected"
        if self.phase is Phase.NO_PRIMARY:
            return "waiting_for_primary"
        if self.phase is Phase.SETTLING and server is not self.primary:
            return "backfilling"
        return "ready"


class Division:
    """The parts of a table, by ranges of the primary key.

    Args:
        table: its rows say where to divide it, if there are enough.
    """

    def __init__(self, table: StoredTable) -> None:
        bounds = _bounds(table, len(table.shards))
        self._bounds: list[OrderKey] = [datum.order_key(bound) for bound in bounds]
        self.parts = [
            Part(shard, text) for shard, text in zip(table.shards, _ranges(bounds), strict=True)
        ]

    def of(self, keys: Iterable[Datum] | None) -> list[Part]:
        """The parts in which rows with these primary keys are; None: all."""
        if keys is None or not self._bounds:
            return self.parts
        places = {bisect_right(self._bounds, datum.order_key(key)) for key in keys}
        return [self.parts[place] for place in sorted(places)]

    def within(self, bounds: Range) -> list[Part]:
        """The parts in which rows between two primary keys are."""
        low, high = datum.order_key(bounds.left), datum.order_key(bounds.right)
        find = bisect_right if bounds.right_closed else bisect_left
        return self.parts[bisect_right(self._bounds, low) : find(self._bounds, high) + 1]


def _bounds(table: StoredTable, count: int) -> list[Datum]:
    """The first keys of all parts but the first."""
    if len(table.rows) < count:  # as if the keys were random texts, which they are by default
        return [f"{2**32 * place // count:08x}" for place in range(1, count)]
    known = sorted(table.rows)
    places = (len(known) * place // count for place in range(1, count))
    return [table.key_of(table.rows[known[place]]) for place in places]


def _ranges(bounds: Sequence[Datum]) -> list[str]:
    limits = ['""', *(f'"{_shown(stored_key(bound))}"' for bound in bounds), "+inf"]
    return [f"[{low}, {high})" for low, high in pairwise(limits)]


def _shown(key: bytes) -> str:
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\x{byte:02X}" for byte in key
    )
