"""Decides which servers hold the shards of a table.

It follows the options of `table_create` and `reconfigure`, or what a client writes to the table's
configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import op_failed
from rethinkdb.embedded.storage.placement import ServerIdentity, Shard
from rethinkdb.embedded.storage.store import Store, StoredTable
from rethinkdb.embedded.system import conversions
from rethinkdb.embedded.system.conversions import Fields

DEFAULT_TAG = "default"
MAX_SHARDS = 64

Servers = Sequence[ServerIdentity]


@dataclass(slots=True)
class Layout:
    """The places that the options request for the data."""

    shards: int = 1
    replicas: Mapping[str, int] = field(default_factory=lambda: {DEFAULT_TAG: 1})
    """How many, by tag of the servers to put them on."""
    primary_tag: str = DEFAULT_TAG
    nonvoting_tags: tuple[str, ...] = ()

    def place(self, store: Store, table: StoredTable | None = None) -> list[Shard]:
        """The servers for each part. Raises if too few servers are connected.

        Servers with few primaries, then with few replicas come first. What the table itself has on
        them does not count.
        """
        servers = [server for server in store.servers if server.up]
        problem = next((text for check in _CHECKS if (text := check(self, servers))), None)
        if problem is not None:
            raise op_failed(problem)
        load = _Load(store, table)
        return [self._place_shard(servers, load) for _ in range(self.shards)]

    def _place_shard(self, servers: Servers, load: _Load) -> Shard:
        primary = min(_tagged(servers, self.primary_tag), key=load.of_primary)
        replicas, nonvoting = [primary], list[ServerIdentity]()
        for tag in _used(self):
            found = sorted(_tagged(servers, tag), key=load.of_replica)
            others = [server for server in found if server is not primary]
            chosen = others[: self.replicas[tag] - (tag == self.primary_tag)]
            replicas += chosen
            if tag in self.nonvoting_tags:
                nonvoting += chosen
        shard = Shard(primary, tuple(replicas), tuple(nonvoting))
        load.add(shard)
        return shard


class _Load:
    """The load of the servers."""

    def __init__(self, store: Store, without: StoredTable | None) -> None:
        self._order = {server.id: place for place, server in enumerate(store.servers)}
        self._primaries: dict[str, int] = {}
        self._replicas: dict[str, int] = {}
        for _, table in store.all_tables():
            for shard in table.shards if table is not without else ():
                self.add(shard)

    def add(self, shard: Shard) -> None:
        self._count(self._primaries, (shard.primary,))
        self._count(self._replicas, shard.replicas)

    def of_primary(self, server: ServerIdentity) -> tuple[int, int, int]:
        return (self._primaries.get(server.id, 0), *self.of_replica(server))

    def of_replica(self, server: ServerIdentity) -> tuple[int, int]:
        return (self._replicas.get(server.id, 0), self._order[server.id])

    @staticmethod
    def _count(counts: dict[str, int], servers: Iterable[ServerIdentity]) -> None:
        for server in servers:
            counts[server.id] = counts.get(server.id, 0) + 1


# -- what may be wrong with a layout


def _has_replicas(layout: Layout, servers: Servers) -> str | None:
    if sum(layout.replicas.values()):
        return None
    return (
        "You must set `replicas` to at least one. `replicas` includes the primary replica; if"
        " there are zero replicas, there is nowhere to put the data."
    )


def _has_few_shards(layout: Layout, servers: Servers) -> str | None:
    return f"Maximum number of shards is {MAX_SHARDS}." if layout.shards > MAX_SHARDS else None


def _has_primary(layout: Layout, servers: Servers) -> str | None:
    tag = layout.primary_tag
    if layout.replicas.get(tag):
        return None
    return (
        f"Can't use server tag `{tag}` for primary replicas because you specified no replicas in"
        f" server tag `{tag}`."
    )


def _has_nonvoting(layout: Layout, servers: Servers) -> str | None:
    for tag in sorted(layout.nonvoting_tags):
        if tag not in layout.replicas:
            return (
                f"You specified that the replicas in server tag `{tag}` should be non-voting, but"
                f" you didn't specify a number of replicas in server tag `{tag}`."
            )
    return None


def _used(layout: Layout) -> list[str]:
    return sorted(tag for tag, count in layout.replicas.items() if count)


def _tagged(servers: Servers, tag: str) -> list[ServerIdentity]:
    return [server for server in servers if tag in server.tags]


def _has_servers(layout: Layout, servers: Servers) -> str | None:
    claimed: dict[str, str] = {}
    for tag in _used(layout):
        found = _tagged(servers, tag)
        if not found:
            return f"Could not find any servers with server tag `{tag}`."
        for server in found:
            earlier = claimed.setdefault(server.id, tag)
            if earlier != tag:
                return (
                    f"Server tags `{tag}` and `{earlier}` overlap; the server `{server.name}` has"
                    " both tags. The server tags used for replication settings for a given table"
                    " must be non-overlapping."
                )
    return None


def _fits(layout: Layout, servers: Servers) -> str | None:
    for tag in _used(layout):
        count, there = layout.replicas[tag], len(_tagged(servers, tag))
        if count > there:
            return (
                f"Can't put {count} replicas on servers with the tag `{tag}` because there are"
                f" only {there} servers with the tag `{tag}`. It's impossible to have more replicas"
                " of the data than there are servers."
            )
    return None


_CHECKS = (
    _has_replicas,
    _has_few_shards,
    _has_primary,
    _has_nonvoting,
    _has_servers,
    _fits,
)


# -- shards that are written to the configuration of a table


class WantedShards:
    """Reads the shards that a client has written for a table.

    Args:
        known: the servers that it may name.
        by_name: whether it names them, or gives their ids.
    """

    def __init__(self, known: list[ServerIdentity], by_name: bool) -> None:
        self._known = known
        self._by_name = by_name

    def all(self, value: Datum) -> list[Shard]:
        """Converts to shards. There must be at least one."""
        shards = conversions.items(self._shard)(value)
        if not shards:
            raise op_failed("You must specify at least one shard.")
        return shards

    def _shard(self, value: Datum) -> Shard:
        fields = Fields(value)
        replicas = fields.take("replicas", self._servers)
        if not replicas:
            raise op_failed("You must specify at least one replica for each shard.")
        nonvoting = (
            fields.take("nonvoting_replicas", self._servers)
            if fields.has("nonvoting_replicas")
            else []
        )
        primary = fields.take("primary_replica", self._server)
        if primary in nonvoting:
            name = primary.name
            raise op_failed(f"The primary replica (`{name}`) must not be a nonvoting replica.")
        if primary not in replicas:
            raise op_failed(
                f"The server listed in the `primary_replica` field (`{primary.name}`) must also"
                " appear in `replicas`."
            )
        if any(server not in replicas for server in nonvoting):
            raise op_failed(
                "Every server listed in the `nonvoting_replicas` field must also appear in"
                " `replicas`."
            )
        fields.check_nothing_left()
        return Shard(primary, tuple(replicas), tuple(nonvoting))

    def _servers(self, value: Datum) -> list[ServerIdentity]:
        found: list[ServerIdentity] = []
        for server in conversions.items(self._server)(value):
            if server in found:
                raise op_failed(f"Server `{server.name}` is listed more than once.")
            found.append(server)
        return found

    def _server(self, value: Datum) -> ServerIdentity:
        if self._by_name:
            name = conversions.name("server name")(value)
            missing = f"Server `{name}` does not exist or is not connected."
            found = [server for server in self._known if server.name == name]
        else:
            id_ = conversions.identifier(value)
            missing = f"There is no server with UUID `{id_}`."
            found = [server for server in self._known if server.id == id_]
        if not found:
            raise op_failed(missing)
        return found[0]
