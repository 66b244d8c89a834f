"""All tables of the database `rethinkdb`, by name."""

from __future__ import annotations

from rethinkdb.embedded.system import cluster_tables as system_configuration
from rethinkdb.embedded.system import tables as system
from rethinkdb.embedded.system import user_tables as system_users
from rethinkdb.embedded.system.tables import SystemTable

SYSTEM_TABLES: dict[str, type[SystemTable]] = {
    kind.NAME: kind
    for kind in (
        system.CurrentIssues,
        system.DebugScratch,
        system.JobsTable,
        system.Logs,
        system.ServerStatus,
        system.Stats,
        system_configuration.ClusterConfig,
        system_configuration.DatabaseConfig,
        system_configuration.ServerConfig,
        system_configuration.TableConfig,
        system_configuration.TableStatus,
        system_users.PermissionsTable,
        system_users.Users,
    )
}
