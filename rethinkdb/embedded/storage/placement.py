"""The placement of a table: its shards, the servers that hold them, and the primary of each.

A single server is a cluster of one. Its tables are always available. A cluster of several servers
gives each table a `Gate`. Each read and write asks the gate, which raises an error if a part of the
table is not available now, or waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rethinkdb.embedded.data.datum import Datum

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import Table
    from rethinkdb.embedded.language.evaluation import Environment
    from rethinkdb.embedded.storage.indexes import Range


@dataclass(slots=True, eq=False)
class ServerIdentity:
    """A server of the cluster, as its configuration and its status show it.

    Attributes:
        host, port: where it listens for clients.
        started: when it was started, in seconds since the epoch.
        up: whether the others see it.
    """

    id: str
    name: str
    tags: tuple[str, ...] = ("default",)
    cache_size_mb: Datum = "auto"
    host: str = "127.0.0.1"
    port: int = 0
    started: float = 0.0
    up: bool = True


@dataclass(frozen=True, slots=True)
class Shard:
    """Where a part of a table is to be.

    Attributes:
        primary: the replica that leads.
        replicas: all servers that hold it, the primary among them.
        nonvoting: those of them that do not count for a majority.
    """

    primary: ServerIdentity
    replicas: tuple[ServerIdentity, ...]
    nonvoting: tuple[ServerIdentity, ...] = ()

    @classmethod
    def on(cls, server: ServerIdentity) -> Shard:
        """A part that one server holds."""
        return cls(server, (server,))

    @property
    def voters(self) -> tuple[ServerIdentity, ...]:
        """The replicas that count for a majority."""
        return tuple(server for server in self.replicas if server not in self.nonvoting)


class ShardHealth(NamedTuple):
    """How a part of a table is.

    Attributes:
        primaries: the servers that lead it now.
        states: of its replicas: server, state.
    """

    primaries: list[ServerIdentity]
    states: list[tuple[ServerIdentity, str]]


@dataclass(frozen=True, slots=True)
class Health:
    """How a table is, as `table_status` shows it.

    Attributes:
        leader: the server that decides about its configuration; None without a majority.
        shards: its parts.
        outdated_reads, reads, writes: whether it is ready for these.
        settled: whether all replicas are ready, and nothing is about to change.
        reachable: whether any replica is there.
    """

    leader: ServerIdentity | None
    shards: list[ShardHealth]
    outdated_reads: bool = True
    reads: bool = True
    writes: bool = True
    settled: bool = True
    reachable: bool = True

    def ready_for(self, readiness: str) -> bool:
        """Whether it is what `wait_for` names."""
        ready = {
            "ready_for_outdated_reads": self.outdated_reads,
            "ready_for_reads": self.reads,
            "ready_for_writes": self.writes,
            "all_replicas_ready": self.settled,
        }
        return ready[readiness]


def healthy(shards: Iterable[Shard]) -> Health:
    """How a table is that nothing is wrong with."""
    found = [
        ShardHealth([shard.primary], [(server, "ready") for server in shard.replicas])
        for shard in shards
    ]
    return Health(found[0].primaries[0], found)


class Gate(Protocol):
    """What those who use a table have to pass.

    Its methods wait where a real server would be silent, so nobody may hold the store's lock. They
    raise the failure of the query where a real server answers with one.
    """

    def health(self) -> Health:
        """How the table is now."""

    def pass_to_read(
        self,
        environment: Environment,
        table: Table,
        keys: Iterable[Datum] | None,
        bounds: Range | None,
    ) -> None:
        """Somebody reads the rows with these primary keys; None: all within the bounds, if any."""

    def pass_to_watch(self, environment: Environment, table: Table) -> None:
        """Somebody opens a changefeed."""

    def writing(
        self, environment: Environment, keys: Iterable[Datum] | None
    ) -> AbstractContextManager[None]:
        """Inside, somebody writes the rows with these primary keys; None: any."""

    def wait(self, environment: Environment, readiness: str, seconds: float | None) -> bool:
        """Waits until the table is ready for something; whether it is, when the time is over."""

    def reshape(self) -> None:
        """The table's shards are to be elsewhere from now on. The caller holds the store's lock."""

    def drop(self) -> None:
        """The table is gone. The caller holds the store's lock."""
