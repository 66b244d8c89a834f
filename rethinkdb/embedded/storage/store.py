"""The databases, tables and users of one server, and reads of rows. Knows no ReQL term.

One re-entrant lock guards everything. Each chunk of a read, and each write of one document, holds
it. The module is long because it is all that this lock guards, but for the tables themselves.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.shards import Portions, ShardedRows
from rethinkdb.embedded.data.streams import Origin, Stream
from rethinkdb.embedded.data.values import Database, Table, TableSlice
from rethinkdb.embedded.failures import op_failed
from rethinkdb.embedded.storage import access, permissions
from rethinkdb.embedded.storage.chance import Chance, Clock
from rethinkdb.embedded.storage.figures import Figures
from rethinkdb.embedded.storage.indexes import CHUNK_SIZE, Range
from rethinkdb.embedded.storage.jobs import Jobs
from rethinkdb.embedded.storage.log import Level, Log
from rethinkdb.embedded.storage.permissions import User
from rethinkdb.embedded.storage.placement import Gate, ServerIdentity, Shard
from rethinkdb.embedded.storage.slices import (
    RowOrder,
    check_primary_bounds,
    chunks_of,
    find_index,
    index_for_values,
    is_empty,
    is_primary,
    primary_bounds,
    row_order,
    rows_by_key,
    shuffled,
)
from rethinkdb.embedded.storage.tables import (
    DatabaseData,
    Keeper,
    StoredTable,
    TableData,
)
from rethinkdb.embedded.storage.watchers import Change, TableListener
from rethinkdb.net.scram import Credentials

if TYPE_CHECKING:
    from rethinkdb.embedded.language.environment import Environment
    from rethinkdb.embedded.system.tables import SystemTable

__all__ = [
    "SYSTEM_DATABASE",
    "Change",
    "DatabaseData",
    "RowOrder",
    "ServerIdentity",
    "Store",
    "StoredTable",
    "TableData",
    "TableListener",
    "find_index",
    "is_empty",
    "is_primary",
    "row_order",
]

SYSTEM_DATABASE = "rethinkdb"


class Store:
    """All data of a server or cluster.

    Attributes:
        lock: a re-entrant lock that guards all data.
        servers: the servers of the cluster.
        server: the first of them, which is usually the only one.
        make_gate: makes the `Gate` of a new table.
        databases: the databases by name, without the system database.
        users: the users by name.
        heartbeat_timeout: a setting of the cluster. It has no effect, but can be read back.
        jobs: the running queries.
        figures: the counters.
        log: the log, which `note` writes.
        kept: the journal that keeps all data on disk. None if there is no data file.

    Args:
        system_tables: for each table of the system database, the function that makes it.
        server_name: the name of the server.
        order: the order of unsorted rows.
        chance: the source of random values.
        clock: the clock.
    """

    def __init__(
        self,
        system_tables: Mapping[str, Callable[[Store, str], SystemTable]] = MappingProxyType({}),
        server_name: str = "embedded",
        order: RowOrder = RowOrder.REAL,
        chance: Chance | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.order = order
        self.chance = chance or Chance()
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.server = ServerIdentity(self.chance.new_uuid(), server_name, started=time.time())
        self.servers = [self.server]
        self.make_gate: Callable[[StoredTable], Gate | None] = lambda table: None
        self.databases: dict[str, DatabaseData] = {}
        self.users: dict[str, User] = {permissions.ADMIN: permissions.admin()}
        self.heartbeat_timeout: Datum = 10
        self.jobs = Jobs()
        self.figures = Figures()
        self.log = Log()
        self.kept: Keeper | None = None
        self._describe: Callable[[Store], dict[str, Any]] = lambda store: {}
        self._make_system_table = system_tables
        self._system_tables: dict[tuple[str, str], SystemTable] = {}
        self.create_database("test")

    def keep(self, keeper: Keeper | None, describe: Callable[[Store], dict[str, Any]]) -> None:
        """Keeps all changes from now on on disk.

        Args:
            keeper: writes the changes. None: stop keeping them.
            describe: a function that describes everything except the rows.
        """
        with self.lock:
            self.kept, self._describe = keeper, describe
            for _, table in self.all_tables():
                table.kept = keeper
            self.configuration_changed()

    def set_passwords(self, secrets: Mapping[str, object]) -> None:
        """Sets passwords of users. Users that do not exist are created.

        Raises:
            TypeError: a password is not a string.
        """
        for name, secret in secrets.items():
            if not isinstance(secret, str):
                kind = type(secret).__name__  # not the value, which may be a password
                raise TypeError(f"The password of the user {name!r} must be a str, not {kind}.")
            self.users.setdefault(name, User(name)).set_password(secret)

    def credentials(self, user: str) -> Credentials | None:
        """The data that checks the password of a user. None if there is no such user."""
        found = self.users.get(user)
        return None if found is None else found.credentials

    # -- databases

    def database(self, name: str) -> DatabaseData:
        """A database by name. Raises if there is none."""
        found = self.databases.get(name)
        if found is None:
            raise op_failed(f"Database `{name}` does not exist.")
        return found

    def open_database(self, name: str) -> Database:
        """A database as a value of a query."""
        if name == SYSTEM_DATABASE:
            return Database(permissions.SYSTEM_DATABASE_ID, name)
        return Database(self.database(name).id, name)

    def database_names(self) -> list[str]:
        """The names of all databases, sorted."""
        return sorted([*self.databases, SYSTEM_DATABASE])

    def create_database(self, name: str, id: str | None = None) -> DatabaseData:
        """A new, empty database."""
        with self.lock:
            if name in self.databases or name == SYSTEM_DATABASE:
                raise op_failed(f"Database `{name}` already exists.")
            created = self.databases[name] = DatabaseData(id or self.chance.new_uuid(), name)
            self.configuration_changed()
            return created

    def drop_database(self, name: str) -> DatabaseData:
        """Drops a database with all its tables, and returns it."""
        with self.lock:
            database = self.database(name)
            for table in database.tables.values():
                self._dropped(table)
            del self.databases[name]
            self.configuration_changed()
            return database

    def rename_database(self, database: DatabaseData, name: str) -> None:
        """Gives a database another name, which must be free."""
        with self.lock:
            del self.databases[database.name]
            database.name = name
            self.databases[name] = database
            self.configuration_changed()

    # -- tables

    def table(self, database: str, name: str) -> StoredTable:
        """A table by name; raises if there is none."""
        found = self.database(database).tables.get(name)
        if found is None:
            raise op_failed(f"Table `{database}.{name}` does not exist.")
        return found

    def table_data(
        self, database: Database, name: str, identifier_format: str = "name"
    ) -> TableData:
        """A table of any database. Raises if there is none.

        `identifier_format` says whether tables of the system database show names or ids.
        """
        if database.name == SYSTEM_DATABASE:
            return self.system_table(name, identifier_format)
        return self.table(database.name, name)

    def open_table(self, database: str, name: str) -> Table:
        """A table as a value of a query."""
        opened = self.open_database(database)
        return Table(opened, name, self.table_data(opened, name))

    def create_table(
        self,
        database: str,
        name: str,
        primary_key: str = "id",
        durability: str = "hard",
        shards: Sequence[Shard] = (),
        id: str | None = None,
    ) -> StoredTable:
        """Creates an empty table. Without `shards` it is on the first server."""
        shards = shards or [Shard.on(self.server)]
        with self.lock:
            tables = self.database(database).tables
            if name in tables:
                raise op_failed(f"Table `{database}.{name}` already exists.")
            created = tables[name] = StoredTable(
                self.lock, id or self.chance.new_uuid(), name, primary_key, durability, shards
            )
            created.kept = self.kept
            created.gate = self.make_gate(created)
            self.log.add("info", f"Table {created.id}: Added replica on this server.")
            self.configuration_changed()
            return created

    def drop_table(self, database: str, name: str) -> StoredTable:
        """Drops a table, and returns it."""
        with self.lock:
            table = self.table(database, name)
            del self.database(database).tables[name]
            self._dropped(table)
            self.configuration_changed()
            return table

    def _dropped(self, table: StoredTable) -> None:
        table.end_feeds()
        if table.gate is not None:
            table.gate.drop()
        if self.kept is not None:
            self.kept.drop(table.id)
        self.log.add("info", f"Table {table.id}: Deleted the table.")

    def all_tables(self) -> Iterator[tuple[DatabaseData, StoredTable]]:
        """All tables made by users, with their databases."""
        for database in tuple(self.databases.values()):
            for table in tuple(database.tables.values()):
                yield database, table

    # -- the system database

    def system_table(self, name: str, identifier_format: str = "name") -> SystemTable:
        """A table of the database `rethinkdb`; raises if there is none."""
        with self.lock:
            place = (name, identifier_format)
            if place not in self._system_tables:
                make = self._make_system_table.get(name)
                if make is None:
                    raise op_failed(f"Table `{SYSTEM_DATABASE}.{name}` does not exist.")
                self._system_tables[place] = make(self, identifier_format)
            return self._system_tables[place]

    def system_tables(self) -> list[SystemTable]:
        """The tables of the database `rethinkdb`, sorted by name, without hidden ones."""
        names = sorted(self._make_system_table)
        return [self.system_table(name) for name in names if name[0] != "_"]

    def configuration_changed(self) -> None:
        """Notifies feeds on system tables.

        It must be called, with the lock held, after each change of databases, tables, indexes,
        users or permissions.
        """
        if self.kept is not None:
            self.kept.describe(self._describe(self))
        for table in tuple(self._system_tables.values()):
            table.refresh()

    def note(self, level: Level, message: str) -> None:
        """Writes an entry of the log."""
        with self.lock:
            self.log.add(level, message)
            self.configuration_changed()

    # -- reading

    def read(self, part: TableSlice, environment: Environment) -> Stream:
        """The rows of a slice of a table, lazily. An ordered slice gives them in index order.

        Invalid bounds raise immediately. Other failures are raised when rows are pulled.
        """
        check_primary_bounds(part)
        if part.table.data.is_system and part.keys is not None:  # looked up at once, like the rows
            access.require_read(environment, part.table, part.primary_keys, primary_bounds(part))
            find_index(part.table, part.index)
        rows = () if is_empty(part) else self._ordered(part, environment)
        return Stream(rows, origin=Origin(part))

    def _ordered(self, part: TableSlice, environment: Environment) -> Iterable[Datum]:
        rows = self._rows(part, environment)
        if part.sorting is not None:
            return rows
        return self.in_parts(part.table.data, rows, environment)

    def in_parts(
        self, table: TableData, rows: Iterator[Datum], environment: Environment
    ) -> Iterable[Datum]:
        """Rows of a table in the order of unsorted rows."""
        if not isinstance(table, StoredTable):
            return rows
        return self._in_parts(table, rows, lambda row: row, environment.portions)

    def _in_parts(
        self,
        table: StoredTable,
        items: Iterator[Any],
        row_of: Callable[[Any], Datum],
        portions: Callable[[], Portions],
    ) -> Iterable[Any]:
        """Rows of a table, or items that contain them, in the order of unsorted rows."""
        if self.order is RowOrder.SHUFFLED:
            return shuffled(items, self.chance.random)
        shard, primary_key = table.sharding.shard, table.primary_key

        def numbered() -> Iterator[list[tuple[int, Any]]]:
            while chunk := list(itertools.islice(items, CHUNK_SIZE)):
                yield [(shard(row_of(item)[primary_key]), item) for item in chunk]

        return ShardedRows.of(numbered(), portions)

    def _rows(self, part: TableSlice, environment: Environment) -> Iterator[Datum]:
        if is_empty(part):
            return
        access.require_read(environment, part.table, part.primary_keys, primary_bounds(part))
        for chunk in chunks_of(part):
            environment.check_interrupted()
            yield from chunk

    def read_entries(
        self, part: TableSlice, environment: Environment
    ) -> Iterator[tuple[Datum, Datum]]:
        """The rows of a slice of a table, lazily, each with its value in the slice's index.

        A multi index gives a row once for each of its values.
        """
        table, index = part.table.data, index_for_values(part)
        if index is None:
            for row in self._rows(part, environment):
                yield table.key_of(row), row
            return
        if is_empty(part):
            return
        access.require_read(environment, part.table, part.primary_keys, primary_bounds(part))
        bounds = Range(part.left, part.left_closed, part.right, part.right_closed)
        for entry in table.entries_in_order(index, bounds, descending=part.sorting == "desc"):
            environment.check_interrupted()
            yield entry

    def read_keyed(
        self, part: TableSlice, environment: Environment
    ) -> Iterable[tuple[Datum, Datum]]:
        """The rows of a slice by keys, lazily, each with the key by which it was found."""
        check_primary_bounds(part)
        pairs, table = self._keyed(part, environment), part.table.data
        if not isinstance(table, StoredTable):
            return pairs
        return self._in_parts(table, pairs, lambda pair: pair[1], environment.portions)

    def _keyed(self, part: TableSlice, environment: Environment) -> Iterator[tuple[Datum, Datum]]:
        access.require_read(environment, part.table, part.primary_keys, primary_bounds(part))
        index = index_for_values(part)
        for key, rows in rows_by_key(part.table.data, index, part.keys or ()):
            environment.check_interrupted()
            yield from ((key, row) for row in rows)

    def read_unordered_entries(
        self, part: TableSlice, environment: Environment
    ) -> Iterable[tuple[Datum, Datum]]:
        """As `read_entries`, in the order of unsorted rows."""
        entries, table = self.read_entries(part, environment), part.table.data
        if not isinstance(table, StoredTable):
            return entries
        return self._in_parts(table, entries, lambda entry: entry[1], environment.portions)
