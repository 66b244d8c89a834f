"""All tables of the database `rethinkdb`, by name."""

from __future__ import annotations

from rethinkdb.embedded import system, system_configuration, system_users
from rethinkdb.embedded.system import SystemTable

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
