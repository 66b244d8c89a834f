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
    from rethinkdb.embedded.language.environment import Environment
    from rethinkdb.embedded.storage.indexes import Range


SERVER_VERSION = "2.4.4"
"""The release that this server imitates, and that it names in handshakes and system tables."""


@dataclass(slots=True, eq=False)
class ServerIdentity:
    """A server of the cluster, as its configuration and its status show it.

    Attributes:
        host, port: the address for clients.
        started: the time of its start, in seconds since the epoch.
        up: whether the other servers are connected to it.
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
    """The configured servers of a part of a table.

    Attributes:
        primary: the server that should lead it.
        replicas: all servers that should hold it, including the primary.
        nonvoting: the replicas that do not count for a majority.
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
    """The state of a part of a table.

    Attributes:
        primaries: the servers that lead it now.
        states: pairs of server and state, one for each replica.
    """

    primaries: list[ServerIdentity]
    states: list[tuple[ServerIdentity, str]]


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a table, as `table_status` shows it.

    Attributes:
        leader: the server that leads changes of the configuration. None without a majority.
        shards: the states of its parts.
        outdated_reads, reads, writes: whether it is ready for these.
        settled: whether all replicas are ready, and no change is pending.
        reachable: whether any replica is up.
    """

    leader: ServerIdentity | None
    shards: list[ShardHealth]
    outdated_reads: bool = True
    reads: bool = True
    writes: bool = True
    settled: bool = True
    reachable: bool = True

    def ready_for(self, readiness: str) -> bool:
        """Whether the table has the state that the optarg `wait_for` names."""
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
    """Decides whether a table is available for an operation.

    Where a real server would be silent, a method waits. So the caller must not hold the store's
    lock. Where a real server answers with an error, the method raises it.
    """

    def health(self) -> Health:
        """The state of the table now."""

    def pass_to_read(
        self,
        environment: Environment,
        table: Table,
        keys: Iterable[Datum] | None,
        bounds: Range | None,
    ) -> None:
        """Called before a read of rows by their primary keys. None: all within the bounds."""

    def pass_to_watch(self, environment: Environment, table: Table) -> None:
        """Called before a changefeed is opened."""

    def writing(
        self, environment: Environment, keys: Iterable[Datum] | None
    ) -> AbstractContextManager[None]:
        """The block around a write of rows with these primary keys. None: any rows."""

    def wait(self, environment: Environment, readiness: str, seconds: float | None) -> bool:
        """Waits until the table has a state, or the time is over. Returns whether it has it."""

    def reshape(self) -> None:
        """The table's shards were reconfigured. The caller holds the store's lock."""

    def drop(self) -> None:
        """The table was dropped. The caller holds the store's lock."""
