"""The configuration and the status of databases and tables as clients see them.

There is one server, so each shard of a table has one replica: this server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, op_failed
from rethinkdb.embedded.storage.store import DatabaseData, ServerIdentity, Store, StoredTable

DEFAULT_TAG = "default"
MAX_SHARDS = 64


def database_config(database: DatabaseData) -> dict[str, Datum]:
    """A row of `db_config`."""
    return {"id": database.id, "name": database.name}


def table_config(
    store: Store, database: DatabaseData, table: StoredTable, *, names: bool = True
) -> dict[str, Datum]:
    """A row of `table_config`; databases and servers by name or by id."""
    server = _shown_server(store.server, names)
    shard = {"nonvoting_replicas": [], "primary_replica": server, "replicas": [server]}
    return {
        "db": database.name if names else database.id,
        "durability": table.durability,
        "id": table.id,
        "indexes": sorted(table.indexes),
        "name": table.name,
        "primary_key": table.primary_key,
        "shards": [shard] * table.shards,
        "write_acks": table.write_acks,
        "write_hook": None if table.write_hook is None else table.write_hook.source,
    }


def table_status(
    store: Store,
    database: DatabaseData,
    table: StoredTable,
    *,
    names: bool = True,
    settled: bool = True,
) -> dict[str, Datum]:
    """A row of `table_status`: always ready, except in the answer to a change of its layout."""
    server = _shown_server(store.server, names)
    shard = {"primary_replicas": [server], "replicas": [{"server": server, "state": "ready"}]}
    return {
        "db": database.name if names else database.id,
        "id": table.id,
        "name": table.name,
        "raft_leader": server,
        "shards": [shard] * table.shards,
        "status": {
            "all_replicas_ready": settled,
            "ready_for_outdated_reads": True,
            "ready_for_reads": True,
            "ready_for_writes": True,
        },
    }


def _shown_server(server: ServerIdentity, names: bool) -> str:
    return server.name if names else server.id


def changed(old: Datum, new: Datum) -> list[Datum]:
    """One change as administrative commands report it."""
    return [{"new_val": new, "old_val": old}]


@dataclass(slots=True)
class Layout:
    """Where the options of `table_create` and `reconfigure` want the data."""

    shards: int = 1
    replicas: Mapping[str, int] = field(default_factory=lambda: {DEFAULT_TAG: 1})
    """How many, by tag of the servers to put them on."""
    primary_tag: str = DEFAULT_TAG
    nonvoting_tags: tuple[str, ...] = ()

    def check(self, server: ServerIdentity) -> None:
        """Raises if one server cannot hold the data this way."""
        problem = next(
            (found for found in (check(self, server) for check in _LAYOUT_CHECKS) if found), None
        )
        if problem is not None:
            raise op_failed(problem)


def _has_replicas(layout: Layout, server: ServerIdentity) -> str | None:
    if sum(layout.replicas.values()):
        return None
    return (
        "You must set `replicas` to at least one. `replicas` includes the primary replica; if"
        " there are zero replicas, there is nowhere to put the data."
    )


def _has_few_shards(layout: Layout, server: ServerIdentity) -> str | None:
    return f"Maximum number of shards is {MAX_SHARDS}." if layout.shards > MAX_SHARDS else None


def _has_primary(layout: Layout, server: ServerIdentity) -> str | None:
    tag = layout.primary_tag
    if layout.replicas.get(tag):
        return None
    return (
        f"Can't use server tag `{tag}` for primary replicas because you specified no replicas in"
        f" server tag `{tag}`."
    )


def _has_nonvoting(layout: Layout, server: ServerIdentity) -> str | None:
    for tag in sorted(layout.nonvoting_tags):
        if tag not in layout.replicas:
            return (
                f"You specified that the replicas in server tag `{tag}` should be non-voting, but"
                f" you didn't specify a number of replicas in server tag `{tag}`."
            )
    return None


def _used(layout: Layout) -> list[str]:
    return sorted(tag for tag, count in layout.replicas.items() if count)


def _has_servers(layout: Layout, server: ServerIdentity) -> str | None:
    claimed: str | None = None
    for tag in _used(layout):
        if tag not in server.tags:
            return f"Could not find any servers with server tag `{tag}`."
        if claimed is not None:
            return (
                f"Server tags `{tag}` and `{claimed}` overlap; the server `{server.name}` has both"
                " tags. The server tags used for replication settings for a given table must be"
                " non-overlapping."
            )
        claimed = tag
    return None


def _fits(layout: Layout, server: ServerIdentity) -> str | None:
    for tag in _used(layout):
        count = layout.replicas[tag]
        if count > 1:
            return (
                f"Can't put {count} replicas on servers with the tag `{tag}` because there are"
                f" only 1 servers with the tag `{tag}`. It's impossible to have more replicas of"
                " the data than there are servers."
            )
    return None


_LAYOUT_CHECKS = (
    _has_replicas,
    _has_few_shards,
    _has_primary,
    _has_nonvoting,
    _has_servers,
    _fits,
)


def special(what: str) -> QueryFailure:
    """The failure of administering the system database."""
    return op_failed(f"Database `rethinkdb` is special; {what}")
