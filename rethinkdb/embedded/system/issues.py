"""The system table of the cluster's problems."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.storage.placement import Health
from rethinkdb.embedded.storage.store import DatabaseData, StoredTable
from rethinkdb.embedded.system import configuration
from rethinkdb.embedded.system.tables import SystemTable

_ID_OF_ISSUES = uuid.UUID("2a04a1f8-55bd-4c59-a7b8-28ea0d4f1a72")


class CurrentIssues(SystemTable):
    """Problems of the cluster: tables with replicas on servers that are down."""

    NAME = "current_issues"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """One row for each such table."""
        for database, table in self.store.all_tables():
            yield from self._issues(database, table)

    def _issues(self, database: DatabaseData, table: StoredTable) -> Iterator[dict[str, Datum]]:
        missing = {
            self.shown(server.name, server.id)
            for shard in table.shards
            for server in shard.replicas
            if not server.up
        }
        if not missing:
            return
        row = configuration.table_status(self.store, database, table, names=self.shows_names)
        health = configuration.health_of(table)
        name = f"{row['db']}.{row['name']}"
        yield {
            "critical": not (health.reads and health.writes),
            "description": (
                f"Table `{name}` is {_extent(health)}."
                f" The following servers are not reachable: {', '.join(sorted(missing))}"
            ),
            "id": str(uuid.uuid5(_ID_OF_ISSUES, table.id)),
            "info": {
                "db": row["db"],
                "raft_leader": row["raft_leader"],
                "shards": row["shards"],
                "status": row["status"],
                "table": self.shown(table.name, table.id),
            },
            "type": "table_availability",
        }


def _extent(health: Health) -> str:
    if health.writes:
        return "available for all operations, but some replicas are not ready"
    if health.reads:
        return "available for up-to-date reads, but not writes"
    if health.outdated_reads:
        return "available for outdated reads, but not up-to-date reads or writes"
    return "not available for any operations"
