"""The system tables about the server's work: `jobs`, `stats` and `logs`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import op_failed
from rethinkdb.embedded.language import javascript_source
from rethinkdb.embedded.storage.figures import Meter
from rethinkdb.embedded.storage.log import Entry
from rethinkdb.embedded.storage.permissions import ADMIN
from rethinkdb.embedded.storage.store import DatabaseData, Store, StoredTable
from rethinkdb.embedded.storage.watchers import Change, TableListener, Where
from rethinkdb.embedded.system.tables import SystemTable, time_of

_EVERY = 1.0
"""How many seconds pass between updates for feeds on these tables, as on a real server."""


class ChangingTable(SystemTable):
    """A table whose rows change by themselves. It is checked regularly while a feed watches it."""

    def __init__(self, store: Store, identifier_format: str) -> None:
        super().__init__(store, identifier_format)
        self._unwatched: threading.Event | None = None

    def watch(self, listener: TableListener, where: Where | None = None) -> Callable[[], None]:
        """Calls a listener after each change that a check has found."""
        with self.lock:
            unwatch = super().watch(listener, where)
            if self._unwatched is None:
                self._unwatched = threading.Event()
                name = f"rethinkdb-watch-{self.NAME}"
                args = (self._unwatched,)
                threading.Thread(target=self._look, args=args, name=name, daemon=True).start()

        def leave() -> None:
            unwatch()
            with self.lock:
                if not self.watched and self._unwatched is not None:
                    self._unwatched.set()
                    self._unwatched = None

        return leave

    def _look(self, unwatched: threading.Event) -> None:
        while not unwatched.wait(_EVERY):
            with self.lock:
                self.refresh()


class Logs(SystemTable):
    """The server's log: its last entries."""

    NAME = "logs"
    REFUSAL = "It's illegal to write to the `rethinkdb.{name}` system table."

    def read_rows(self) -> Iterator[dict[str, Datum]]:
        """The entries."""
        for entry in self.store.log.entries():
            yield self._row(entry)

    def _row(self, entry: Entry) -> dict[str, Datum]:
        server = self.store.server
        seconds, nanoseconds = divmod(entry.time, 1_000_000_000)
        when = datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None).isoformat()
        return {
            "id": [f"{when}.{nanoseconds:09}", server.id],
            "level": entry.level,
            "message": entry.message,
            "server": self.shown(server.name, server.id),
            "timestamp": time_of(entry.time / 1e9),
            "uptime": entry.uptime,
        }


class JobsTable(ChangingTable):
    """The running queries. Deleting a row interrupts its query."""

    NAME = "jobs"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """The running queries, including the one that reads."""
        server = self.shown(self.store.server.name, self.store.server.id)
        for job in self.store.jobs.running():
            yield {
                "duration_sec": round(job.seconds, 6),
                "id": ["query", job.id],
                "info": {
                    "client_address": job.address[0],
                    "client_port": job.address[1],
                    "query": javascript_source.query_source(job.term),
                    "user": job.user,
                },
                "servers": [server],
                "type": "query",
            }

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Interrupts a query."""
        if change.new is not None:
            raise op_failed(
                "The `rethinkdb.jobs` system table only allows deletions, not inserts or updates."
            )
        for job in self.store.jobs.running():
            if change.key == ["query", job.id] and user in (ADMIN, job.user):
                job.interrupt()
        return None


class Stats(ChangingTable):
    """Statistics of the cluster, the server, the tables, and the tables on the server."""

    NAME = "stats"

    def read_rows(self) -> Iterator[dict[str, Datum]]:
        """The statistics. Dropped tables have none."""
        tables = list(self.store.all_tables())
        per_second, totals = _documents([table for _, table in tables])
        clients = self._clients()
        total = {"queries_total": self.store.figures.queries.total}
        yield {"id": ["cluster"], "query_engine": {**clients, **per_second}}
        for server in self.store.servers:
            if server.up:
                yield {
                    "id": ["server", server.id],
                    "query_engine": {**clients, **total, **per_second, **totals},
                    "server": self.shown(server.name, server.id),
                }
        for database, table in tables:
            yield from self._rows_of(database, table)

    def _clients(self) -> dict[str, Datum]:
        figures = self.store.figures
        return {
            "client_connections": figures.connections.value,
            "clients_active": figures.active.value,
            "queries_per_sec": _rate([figures.queries]),
        }

    def _rows_of(self, database: DatabaseData, table: StoredTable) -> Iterator[dict[str, Datum]]:
        per_second, totals = _documents([table])
        names: dict[str, Datum] = {
            "db": self.shown(database.name, database.id),
            "table": self.shown(table.name, table.id),
        }
        yield {**names, "id": ["table", table.id], "query_engine": per_second}
        holders = {server: None for shard in table.shards for server in shard.replicas}
        for server in holders:
            if server.up:
                yield {
                    **names,
                    "id": ["table_server", table.id, server.id],
                    "query_engine": {**per_second, **totals},
                    "server": self.shown(server.name, server.id),
                    "storage_engine": _IN_MEMORY,
                }


def _documents(tables: list[StoredTable]) -> tuple[dict[str, Datum], dict[str, Datum]]:
    """The numbers of reads and writes of tables: per second, and in total."""
    meters = {
        "read_docs": [table.reads for table in tables],
        "written_docs": [table.writes for table in tables],
    }
    per_second = {f"{name}_per_sec": _rate(found) for name, found in meters.items()}
    totals = {f"{name}_total": sum(m.total for m in found) for name, found in meters.items()}
    return per_second, totals


def _rate(meters: list[Meter]) -> Datum:
    return datum.number(sum(meter.per_second for meter in meters))


_IN_MEMORY: Datum = {
    "cache": {"in_use_bytes": 0},
    "disk": {
        "read_bytes_per_sec": 0,
        "read_bytes_total": 0,
        "space_usage": {
            "data_bytes": 0,
            "garbage_bytes": 0,
            "metadata_bytes": 0,
            "preallocated_bytes": 0,
        },
        "written_bytes_per_sec": 0,
        "written_bytes_total": 0,
    },
}
"""The statistics of disk and cache, which do not exist here."""
