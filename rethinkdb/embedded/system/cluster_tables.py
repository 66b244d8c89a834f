"""System tables that configure the cluster, its server, databases and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import op_failed
from rethinkdb.embedded.storage import access
from rethinkdb.embedded.storage.permissions import denied
from rethinkdb.embedded.storage.placement import Shard
from rethinkdb.embedded.storage.store import SYSTEM_DATABASE, DatabaseData, Store, StoredTable
from rethinkdb.embedded.storage.watchers import Change
from rethinkdb.embedded.system import configuration, conversions
from rethinkdb.embedded.system.conversions import Fields, within
from rethinkdb.embedded.system.layouts import Layout, WantedShards
from rethinkdb.embedded.system.tables import SystemTable

_HAS_WRONG_FORMAT = "The change you're trying to make to `rethinkdb.{table}` has the wrong format. "


def _require_config(
    store: Store, user: str, database: str | None = None, table: str | None = None
) -> None:
    account = store.users.get(user)
    if account is None or not account.may("config", database, table):
        raise denied(user, "config")


class ClusterConfig(SystemTable):
    """Settings of the cluster."""

    NAME = "cluster_config"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """The one setting."""
        yield {"heartbeat_timeout_secs": self.store.heartbeat_timeout, "id": "heartbeat"}

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Changes the setting. It is kept, but has no effect."""
        if change.new is None:
            raise op_failed(
                "It's illegal to delete rows from the `rethinkdb.cluster_config` table."
            )
        if change.old is None:
            raise op_failed(
                "It's illegal to insert new rows into the `rethinkdb.cluster_config` table."
            )
        fields = Fields(change.new)
        fields.take("id")
        seconds = fields.take("heartbeat_timeout_secs")
        if not datum.is_number(seconds):
            raise op_failed(f"Expected a number; got {datum.pretty(seconds)}")
        if seconds < 2:
            raise op_failed("The heartbeat timeout must be at least two seconds")
        fields.check_nothing_left()
        self.store.heartbeat_timeout = seconds
        return change.new


class ServerConfig(SystemTable):
    """Names and tags of the servers."""

    NAME = "server_config"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """The servers that are up."""
        for server in self.store.servers:
            if server.up:
                yield {
                    "cache_size_mb": server.cache_size_mb,
                    "id": server.id,
                    "name": server.name,
                    "tags": sorted(server.tags),
                }

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Changes the name, the tags or the cache size. The cache size has no effect."""
        if change.old is None:
            if change.new is None:
                return None
            raise op_failed(
                "It's illegal to insert new rows into the `rethinkdb.server_config` system table."
            )
        if change.new is None:
            raise op_failed(
                "It's illegal to delete rows from the `rethinkdb.server_config` system table."
            )
        with within(
            "The row you're trying to put into `rethinkdb.server_config` has the wrong format. "
        ):
            fields = Fields(change.new)
            name = fields.take("name", conversions.name("server name"))
            fields.take("id")
            tags = fields.take("tags", conversions.items(conversions.name("server tag")))
            cache_size = fields.take("cache_size_mb", _cache_size)
            fields.check_nothing_left()
        server = next(each for each in self.store.servers if each.id == change.key)
        server.name, server.tags, server.cache_size_mb = name, tuple(set(tags)), cache_size
        return change.new


def _cache_size(value: Datum) -> Datum:
    if value == "auto":
        return value
    if not datum.is_number(value):
        raise op_failed(f"Expected a number or 'auto', got {datum.pretty(value)}")
    if value < 0:
        raise op_failed("Cache size cannot be negative.")
    return value


class DatabaseConfig(SystemTable):
    """The databases. Writes rename, create and drop them."""

    NAME = "db_config"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """All databases except the system database."""
        return map(configuration.database_config, tuple(self.store.databases.values()))

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Creates, renames or drops a database."""
        existing = self._database(change.key)
        _require_config(self.store, user, existing.id if existing else None)
        if change.new is None:
            if existing is not None:
                self.store.drop_database(existing.name)
            return None
        with within(_HAS_WRONG_FORMAT.format(table=self.NAME)):
            fields = Fields(change.new)
            name = fields.take("name", conversions.name("db name"))
            id_ = fields.take("id", conversions.identifier)
            fields.check_nothing_left()
        if existing is not None:
            self._rename(existing, name)
        elif generated:
            self.store.create_database(name, id_)
        else:
            raise op_failed(
                "If you want to create a new table by inserting into `rethinkdb.db_config`, you"
                " must use an auto-generated primary key."
            )
        return change.new

    def _database(self, id: Datum) -> DatabaseData | None:
        return next((found for found in self.store.databases.values() if found.id == id), None)

    def _rename(self, database: DatabaseData, name: str) -> None:
        if name == database.name:
            return
        if name == SYSTEM_DATABASE or name in self.store.databases:
            raise op_failed(
                f"Cannot rename database `{database.name}` to `{name}`"
                f" because database `{name}` already exists."
            )
        self.store.rename_database(database, name)


class TableStatus(SystemTable):
    """Which tables are ready."""

    NAME = "table_status"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """All tables but those of the system database."""
        for database, table in self.store.all_tables():
            yield configuration.table_status(self.store, database, table, names=self.shows_names)


@dataclass(slots=True)
class _NewConfig:
    """The configuration that a client has written for a table."""

    name: str
    database: DatabaseData
    primary_key: str
    shards: list[Shard]
    write_acks: str
    durability: str


class TableConfig(SystemTable):
    """The tables. Writes rename, move, configure, create and drop them."""

    NAME = "table_config"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """All tables but those of the system database."""
        for database, table in self.store.all_tables():
            yield self._row(database, table)

    def _row(self, database: DatabaseData, table: StoredTable) -> dict[str, Datum]:
        if not configuration.health_of(table).reachable:
            return {
                "db": self.shown(database.name, database.id),
                "error": "None of the replicas for this table are accessible.",
                "id": table.id,
                "name": table.name,
            }
        return configuration.table_config(self.store, database, table, names=self.shows_names)

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Creates, changes or drops a table."""
        found = (pair for pair in self.store.all_tables() if pair[1].id == change.key)
        database, table = next(found, (None, None))
        if database is not None and table is not None:
            _require_config(self.store, user, database.id, table.id)
            if change.new is None:
                self.store.drop_table(database.name, table.name)
                return None
            return self._modify(database, table, change.new, user)
        if change.new is None:
            return None
        if not generated:
            raise op_failed(
                "There is no existing table with the given ID. To create a new table by inserting"
                " into `rethinkdb.table_config`, you must let the database generate the primary"
                " key automatically."
            )
        return self._create(change.key, change.new)

    def _create(self, id: str, row: Datum) -> Datum:
        wanted = self._parse(row, None)
        table = self.store.create_table(
            wanted.database.name,
            wanted.name,
            wanted.primary_key,
            wanted.durability,
            wanted.shards,
            id,
        )
        table.write_acks = wanted.write_acks
        return self._row(wanted.database, table)

    def _modify(self, database: DatabaseData, table: StoredTable, row: Datum, user: str) -> Datum:
        name = f"{database.name}.{table.name}"
        failing = "Failed to retrieve the table's configuration, it was not changed."
        access.require_reachable(table, name, failing)
        access.require_majority(table, name, "The table's configuration was not changed.")
        wanted = self._parse(row, table)
        if wanted.database is not database:
            _require_config(self.store, user, wanted.database.id)
        if wanted.primary_key != table.primary_key:
            raise op_failed("It's illegal to change a table's primary key")
        self._move(database, table, wanted)
        table.write_acks, table.durability = wanted.write_acks, wanted.durability
        if table.shards != wanted.shards:
            table.reshape(wanted.shards)
        return row

    @staticmethod
    def _move(database: DatabaseData, table: StoredTable, wanted: _NewConfig) -> None:
        if (wanted.database, wanted.name) == (database, table.name):
            return
        target = f"{wanted.database.name}.{wanted.name}"
        if wanted.name in wanted.database.tables:
            raise op_failed(
                f"Can't rename table `{database.name}.{table.name}` to `{target}`"
                f" because table `{target}` already exists."
            )
        del database.tables[table.name]
        table.name = wanted.name
        wanted.database.tables[table.name] = table

    # -- reading what a client writes

    def _parse(self, row: Datum, existing: StoredTable | None) -> _NewConfig:
        with within(_HAS_WRONG_FORMAT.format(table=self.NAME)):
            fields = Fields(row)
            name = fields.take("name", conversions.name("table name"))
            database = self._wanted_database(fields)
            fields.take("id", conversions.identifier)
            _check_indexes(fields, existing)

            def take(name: str, convert: Callable[[Datum], Any], default: Any) -> Any:
                if existing is None and not fields.has(name):
                    return default  # new tables may leave these out
                return fields.take(name, convert)

            wanted = _NewConfig(
                name=name,
                database=database,
                primary_key=take("primary_key", conversions.text, "id"),
                shards=take("shards", self._shards_of(existing), Layout().place(self.store)),
                write_acks=take("write_acks", conversions.one_of("single", "majority"), "majority"),
                durability=take("durability", conversions.one_of("soft", "hard"), "hard"),
            )
            _check_write_hook(fields, existing)
            fields.check_nothing_left()
            return wanted

    def _wanted_database(self, fields: Fields) -> DatabaseData:
        wanted = fields.take("db")
        if self.shows_names:
            return self.store.database(conversions.name("database name")(wanted))
        id_ = conversions.identifier(wanted)
        found = next((each for each in self.store.databases.values() if each.id == id_), None)
        if found is None:
            raise op_failed(f"There is no database with UUID `{id_}`.")
        return found

    def _shards_of(self, table: StoredTable | None) -> Callable[[Datum], list[Shard]]:
        """A converter to the shards of a table. Servers that it already has may be down."""
        known = [server for server in self.store.servers if server.up]
        if table is not None:
            known += [server for shard in table.shards for server in shard.replicas]
        return WantedShards(known, self.shows_names).all


def _check_indexes(fields: Fields, existing: StoredTable | None) -> None:
    if existing is None and not fields.has("indexes"):
        return
    names = fields.take("indexes", conversions.distinct(conversions.text))
    if existing is None and names:
        raise op_failed("The `indexes` field is read-only and can't be used to create indexes.")
    if existing is not None and set(names) != set(existing.indexes):
        raise op_failed(
            "The `indexes` field is read-only and can't be used to create or drop indexes."
        )


def _check_write_hook(fields: Fields, existing: StoredTable | None) -> None:
    if existing is None and not fields.has("write_hook"):
        return
    hook = existing.write_hook if existing is not None else None
    if not datum.equal(fields.take("write_hook"), None if hook is None else hook.source):
        raise op_failed(
            "The `write_hook` field is read-only and can't be used to create or drop a write hook"
            " function."
        )
