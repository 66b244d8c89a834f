"""How a table is divided into parts: the keys of each part, its primary, and its phase."""

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
    """A part of a table. The store's lock guards its attributes.

    Args:
        shard: the servers that should hold and lead it.
        range: the range of its keys, as errors show it.

    Attributes:
        primary: the server that leads it now; None if none does.
        phase: which operations are possible now.
        losses: how often it has lost its primary, or the majority of its replicas.
        cause: the error text for writes that were running at the last loss.
        plan: the number of the latest sequence of phases. Earlier sequences are void.
        moving: whether that sequence is still running.
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
        """Whether more than half of its voting replicas are up."""
        voters = self.shard.voters
        return 2 * sum(server.up for server in voters) > len(voters)

    def candidate(self) -> ServerIdentity | None:
        """The server to lead it: the configured primary if it is up, else the first voter that is.

        None if too few replicas are up.
        """
        if not self.has_majority:
            return None
        ranked = [self.shard.primary, *self.shard.voters]
        return next((server for server in ranked if server.up), None)

    def lose(self, cause: str = LOST) -> None:
        """Counts a loss: reads and writes that are running now fail with `cause`."""
        self.losses += 1
        self.cause = cause

    def health(self) -> ShardHealth:
        """The state that `table_status` shows."""
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
        table: the table. If it has enough rows, the parts get about equally many of them.
    """

    def __init__(self, table: StoredTable) -> None:
        bounds = _bounds(table, len(table.shards))
        self._bounds: list[OrderKey] = [datum.order_key(bound) for bound in bounds]
        self.parts = [
            Part(shard, text) for shard, text in zip(table.shards, _ranges(bounds), strict=True)
        ]

    def of(self, keys: Iterable[Datum] | None) -> list[Part]:
        """The parts that hold these primary keys. `keys=None` gives all parts."""
        if keys is None or not self._bounds:
            return self.parts
        places = {bisect_right(self._bounds, datum.order_key(key)) for key in keys}
        return [self.parts[place] for place in sorted(places)]

    def within(self, bounds: Range) -> list[Part]:
        """The parts that hold a range of primary keys."""
        low, high = datum.order_key(bounds.left), datum.order_key(bounds.right)
        find = bisect_right if bounds.right_closed else bisect_left
        return self.parts[bisect_right(self._bounds, low) : find(self._bounds, high) + 1]


def _bounds(table: StoredTable, count: int) -> list[Datum]:
    """The first key of each part except the first."""
    if len(table.rows) < count:  # assumes generated keys, which are random hexadecimal texts
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
