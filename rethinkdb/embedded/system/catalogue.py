"""All tables of the database `rethinkdb`, by name."""

from __future__ import annotations

from rethinkdb.embedded.system import activity, cluster_tables, issues, tables, user_tables
from rethinkdb.embedded.system.tables import SystemTable

SYSTEM_TABLES: dict[str, type[SystemTable]] = {
    kind.NAME: kind
    for kind in (
        issues.CurrentIssues,
        tables.DebugScratch,
        activity.JobsTable,
        activity.Logs,
        tables.ServerStatus,
        activity.Stats,
        cluster_tables.ClusterConfig,
        cluster_tables.DatabaseConfig,
        cluster_tables.ServerConfig,
        cluster_tables.TableConfig,
        cluster_tables.TableStatus,
        user_tables.PermissionsTable,
        user_tables.Users,
    )
}
