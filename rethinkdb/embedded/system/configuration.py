"""The configuration and the status of databases and tables, as documents for clients."""

from __future__ import annotations

from collections.abc import Iterable

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, op_failed
from rethinkdb.embedded.storage.placement import Health, ServerIdentity, ShardHealth, healthy
from rethinkdb.embedded.storage.store import DatabaseData, Store, StoredTable


def database_config(database: DatabaseData) -> dict[str, Datum]:
    """A row of `db_config`."""
    return {"id": database.id, "name": database.name}


def table_config(
    store: Store, database: DatabaseData, table: StoredTable, *, names: bool = True
) -> dict[str, Datum]:
    """A row of `table_config`. `names`: show names, not ids, of databases and servers."""

    def shown(servers: Iterable[ServerIdentity]) -> list[str]:
        return [_shown_server(server, names) for server in servers]

    return {
        "db": database.name if names else database.id,
        "durability": table.durability,
        "id": table.id,
        "indexes": sorted(table.indexes),
        "name": table.name,
        "primary_key": table.primary_key,
        "shards": [
            {
                "nonvoting_replicas": shown(shard.nonvoting),
                "primary_replica": _shown_server(shard.primary, names),
                "replicas": shown(shard.replicas),
            }
            for shard in table.shards
        ],
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
    """A row of `table_status`.

    The answer to a change of the layout says that the table is not settled. Otherwise, the status
    is that after the change.
    """
    health = health_of(table) if settled else healthy(table.shards)
    leader = health.leader
    return {
        "db": database.name if names else database.id,
        "id": table.id,
        "name": table.name,
        "raft_leader": None if leader is None else _shown_server(leader, names),
        "shards": [_shard_status(shard, names) for shard in health.shards],
        "status": {
            "all_replicas_ready": settled and health.settled,
            "ready_for_outdated_reads": health.outdated_reads,
            "ready_for_reads": health.reads,
            "ready_for_writes": health.writes,
        },
    }


def health_of(table: StoredTable) -> Health:
    """The state of a table now."""
    return healthy(table.shards) if table.gate is None else table.gate.health()


def _shard_status(shard: ShardHealth, names: bool) -> dict[str, Datum]:
    return {
        "primary_replicas": [_shown_server(server, names) for server in shard.primaries],
        "replicas": [
            {"server": _shown_server(server, names), "state": state}
            for server, state in shard.states
        ],
    }


def _shown_server(server: ServerIdentity, names: bool) -> str:
    return server.name if names else server.id


def changed(old: Datum, new: Datum) -> list[Datum]:
    """One change as administrative commands report it."""
    return [{"new_val": new, "old_val": old}]


def special(what: str) -> QueryFailure:
    """The error for administrative commands on the system database."""
    return op_failed(f"Database `rethinkdb` is special; {what}")
