"""Databases and tables: what only `r.db(...)` and `r.table(...)` terms can do."""
# Declarations have no bodies (see rethinkdb.terms.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.terms.declare import UNSET, Rows, command
from rethinkdb.terms.printing import method_of_namespace

if TYPE_CHECKING:
    from rethinkdb.ast import RqlQuery, Table
    from rethinkdb.terms.types import (
        Conflict,
        Durability,
        EmergencyRepair,
        Fields,
        Flag,
        Function,
        GeoSystem,
        IdentifierFormat,
        Integer,
        Number,
        ReadMode,
        ReturnChanges,
        Text,
        Unit,
        Value,
        WaitFor,
    )

__all__ = ["DatabaseCommands", "NamespaceCommands", "TableCommands"]


class NamespaceCommands:
    """Commands of databases and tables alike."""

    __slots__ = ()

    _is_namespace = True

    @command(TermType.CONFIG)
    def config(self, /) -> RqlQuery:
        """The configuration, as a document that can be updated.

        Returns:
            An object: of a table `id name db primary_key durability write_acks indexes shards
            write_hook`, of a database `id name`.

        Raises:
            ReqlOpFailedError: there is no such table or database.

        Example:
            r.table("users").config().update({"durability": "soft"}).run(conn)
        """

    @command(TermType.WAIT)
    def wait(
        self, /, *, wait_for: WaitFor = "all_replicas_ready", timeout: Integer = UNSET
    ) -> RqlQuery:
        """Waits until a table, or all tables of a database, are ready.

        Args:
            wait_for: what counts as ready.
            timeout: whole seconds to wait at most; 0 fails at once.

        Returns:
            `{"ready": number of tables}`.

        Raises:
            ReqlOpFailedError: the time is up.

        Example:
            r.table("users").wait(timeout=10).run(conn)
        """

    @command(TermType.RECONFIGURE)
    def reconfigure(
        self,
        /,
        *,
        shards: Integer = UNSET,
        replicas: Integer | Fields = UNSET,
        primary_replica_tag: Text = UNSET,
        nonvoting_replica_tags: Value = UNSET,
        dry_run: Flag = False,
        emergency_repair: EmergencyRepair = UNSET,
    ) -> RqlQuery:
        """Spreads a table, or all tables of a database, anew over servers.

        Args:
            shards: how many; required but for an emergency repair.
            replicas: how many of each shard, or `{server tag: how many}`; required likewise.
            primary_replica_tag: where primaries lie; required when replicas go by tag.
            nonvoting_replica_tags: list of tags whose replicas do not vote.
            dry_run: only tell what would happen.
            emergency_repair: bring a table back that lost most replicas (tables only; excludes the
                others but `dry_run`).

        Returns:
            `{"reconfigured": n, "config_changes": [...], "status_changes": [...]}`.

        Raises:
            ReqlOpFailedError: there are too few servers, or the table is not available.

        Example:
            r.table("users").reconfigure(shards=2, replicas=1).run(conn)
        """

    @command(TermType.REBALANCE)
    def rebalance(self, /, **options: Value) -> RqlQuery:
        """Evens out the shards of a table, or of all tables of a database.

        Returns:
            `{"rebalanced": n, "status_changes": [...]}`.

        Raises:
            ReqlOpFailedError: a table is not available.

        Example:
            r.table("users").rebalance().run(conn)
        """

    @command(TermType.GRANT, style=method_of_namespace)
    def grant(self, user: Text, permissions: Fields, /, **options: Value) -> RqlQuery:
        """Gives a user rights, or takes them away.

        On a table or database the rights hold there, as `r.grant` everywhere.

        Args:
            user: the user's name.
            permissions: `{"read": True, "write": False, "config": None}`, where None removes an
                earlier grant; `r.grant` knows `"connect"`, too.

        Returns:
            `{"granted": 1, "permissions_changes": [{"old_val": ..., "new_val": ...}]}`.

        Raises:
            ReqlOpFailedError: there is no such user.
            ReqlPermissionError: the rights to grant rights are missing.

        Example:
            r.db("blog").grant("reader", {"read": True}).run(conn)
        """


class DatabaseCommands(NamespaceCommands):
    """Commands of databases."""

    __slots__ = ()

    @command(TermType.TABLE, style=method_of_namespace)
    def table(
        self,
        name: Text,
        /,
        *,
        read_mode: ReadMode = "single",
        identifier_format: IdentifierFormat = "name",
    ) -> Table:
        """The documents of a table; `r.table` takes the one in the default database.

        Args:
            name: the table's name.
            read_mode: `single` reads from memory of the primary, `majority` what is safe on disk
                of most replicas, `outdated` whatever replica is near.
            identifier_format: `uuid` shows ids in place of names (system tables only).

        Returns:
            The table. Run, it gives a cursor of its documents.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.db("blog").table("posts", read_mode="majority").run(conn)
        """

    @command(TermType.TABLE_CREATE, style=method_of_namespace)
    def table_create(
        self,
        name: Text,
        /,
        *,
        primary_key: Text = "id",
        durability: Durability = "hard",
        shards: Integer = 1,
        replicas: Integer | Fields = 1,
        primary_replica_tag: Text = UNSET,
        nonvoting_replica_tags: Value = UNSET,
    ) -> RqlQuery:
        """Makes a table; `r.table_create` makes it in the default database.

        Args:
            name: letters, digits, `_` and `-`.
            primary_key: the field that identifies documents.
            durability: whether writes wait for the disk by default.
            shards: how many.
            replicas: how many of each shard, or `{server tag: how many}`.
            primary_replica_tag: where primaries lie; required when replicas go by tag.
            nonvoting_replica_tags: list of tags whose replicas do not vote.

        Returns:
            `{"tables_created": 1, "config_changes": [{"old_val": None, "new_val": {...}}]}`.

        Raises:
            ReqlOpFailedError: the table exists, or the database does not.

        Example:
            r.table_create("users", primary_key="name").run(conn)
        """

    @command(TermType.TABLE_DROP, style=method_of_namespace)
    def table_drop(self, name: Text, /) -> RqlQuery:
        """Removes a table with its documents and indexes.

        Args:
            name: the table's name.

        Returns:
            `{"tables_dropped": 1, "config_changes": [{"old_val": {...}, "new_val": None}]}`.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.db("blog").table_drop("drafts").run(conn)
        """

    @command(TermType.TABLE_LIST, style=method_of_namespace)
    def table_list(self, /) -> RqlQuery:
        """The names of the tables of a database.

        Returns:
            A list of str.

        Raises:
            ReqlOpFailedError: there is no such database.

        Example:
            r.db("blog").table_list().run(conn)
        """


class TableCommands(NamespaceCommands):
    """Commands of tables."""

    __slots__ = ()

    # --- documents

    @command(TermType.INSERT)
    def insert(
        self,
        documents: Value,
        /,
        *,
        durability: Durability = UNSET,
        return_changes: ReturnChanges = False,
        conflict: Conflict = "error",
        ignore_write_hook: Flag = False,
    ) -> RqlQuery:
        """Adds documents. One without a primary key gets a random UUID.

        Args:
            documents: a document, a list of them, or a query that yields them.
            durability: `soft` does not wait for the disk. Default: as the table says.
            return_changes: put old and new documents in the result's `changes`; `"always"` also
                those that did not change.
            conflict: what to do when the primary key is taken: `error` (counted in the result),
                `replace`, `update`, or a function of (key, old document, new document) that
                returns the document to store.
            ignore_write_hook: bypass the table's write hook (needs the right to configure).

        Returns:
            Counts `deleted errors inserted replaced skipped unchanged`, and when they apply
            `generated_keys`, `first_error`, `changes`, `warnings`. A document that cannot be
            stored is counted in `errors`; it raises nothing.

        Raises:
            ReqlOpFailedError: there is no such table.
            ReqlQueryLogicError: something to insert is no object.

        Example:
            r.table("users").insert({"name": "Ada"}, conflict="update").run(conn)
        """

    @command(TermType.GET)
    def get(self, key: Value, /) -> RqlQuery:
        """The document with a primary key.

        Args:
            key: the key, of any type but null.

        Returns:
            The document, or None.

        Raises:
            ReqlNonExistenceError: the key is None.

        Example:
            r.table("users").get("ada").run(conn)
        """

    @command(TermType.GET_ALL)
    def get_all(self, /, *keys: Value, index: Text = UNSET) -> RqlQuery:
        """The documents with any of some keys.

        Args:
            keys: values of the index; of a compound index, lists. A key given twice yields its
                documents twice.
            index: name of a secondary index. Default: the primary key.

        Returns:
            A cursor.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").get_all("ada", "grace", index="author").run(conn)
        """

    @command(TermType.GET_INTERSECTING)
    def get_intersecting(self, geometry: Value, /, *, index: Text = UNSET) -> RqlQuery:
        """The documents whose geometry meets another.

        Args:
            geometry: a geometry.
            index: name of a geospatial index (required).

        Returns:
            A cursor.

        Raises:
            ReqlQueryLogicError: the index is not geospatial, or none is named.

        Example:
            r.table("parks").get_intersecting(area, index="shape").run(conn)
        """

    @command(TermType.GET_NEAREST)
    def get_nearest(
        self,
        point: Value,
        /,
        *,
        index: Text = UNSET,
        max_results: Integer = 100,
        max_dist: Number = 100_000,
        unit: Unit = "m",
        geo_system: GeoSystem = "WGS84",
    ) -> RqlQuery:
        """The documents whose geometry is nearest to a point.

        Args:
            point: `r.point(...)` or `[longitude, latitude]`.
            index: name of a geospatial index (required).
            max_results: how many at most.
            max_dist: how far at most, in `unit`.
            unit: unit of distances.
            geo_system: the shape of the earth.

        Returns:
            A list of `{"dist": number, "doc": document}`, nearest first.

        Raises:
            ReqlQueryLogicError: the index is not geospatial, or none is named.

        Example:
            r.table("parks").get_nearest(r.point(-117, 32), index="place", max_dist=5000).run(conn)
        """

    @command(TermType.SYNC)
    def sync(self, /) -> RqlQuery:
        """Waits until writes of soft durability are on disk.

        Returns:
            `{"synced": 1}`.

        Raises:
            ReqlOpFailedError: the table is not available.

        Example:
            r.table("log").sync().run(conn)
        """

    @command(TermType.STATUS)
    def status(self, /) -> RqlQuery:
        """How available the table is, and where its replicas lie.

        Returns:
            An object `id name db raft_leader shards status`.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("users").status()["status"]["ready_for_writes"].run(conn)
        """

    @command(TermType.UUID)
    def uuid(self, /, name: Text = UNSET, **options: Value) -> RqlQuery:
        """A UUID: random, or made from a string and always the same for it. Use `r.uuid`.

        Args:
            name: the string to make it from.

        Returns:
            A str.

        Raises:
            ReqlQueryLogicError: the name is no string (which a table never is).

        Example:
            r.uuid("magic").run(conn)  # '97dd10a5-4fc4-554f-86c5-0d2c2e3d5330'
        """

    # --- secondary indexes

    @command(TermType.INDEX_CREATE, rows=Rows.ALL)
    def index_create(
        self,
        name: Text,
        function: Function | list[Value] | bytes = UNSET,
        /,
        *,
        multi: Flag = False,
        geo: Flag = False,
    ) -> RqlQuery:
        """Makes a secondary index.

        Args:
            name: the index's name; alone, it is also the field indexed.
            function: what to index of a document: a function, an `r.row` expression, a list of
                these for a compound index, or the bytes `function` of `index_status` to make the
                same index again.
            multi: index each element of an array on its own.
            geo: index geometries.

        Returns:
            `{"created": 1}`. The index is filled in the background: see `index_wait`.

        Raises:
            ReqlOpFailedError: the index exists.
            ReqlQueryLogicError: the function is not deterministic.

        Example:
            r.table("posts").index_create("by_day", [r.row["author"], r.row["day"]]).run(conn)
        """

    @command(TermType.INDEX_DROP)
    def index_drop(self, name: Text, /) -> RqlQuery:
        """Removes a secondary index.

        Args:
            name: the index's name.

        Returns:
            `{"dropped": 1}`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_drop("by_day").run(conn)
        """

    @command(TermType.INDEX_RENAME)
    def index_rename(self, old: Text, new: Text, /, *, overwrite: Flag = False) -> RqlQuery:
        """Renames a secondary index.

        Args:
            old: its name.
            new: its name to be.
            overwrite: replace an index of that name.

        Returns:
            `{"renamed": 1}`, or 0 when both names are the same.

        Raises:
            ReqlOpFailedError: there is no such index, or the new name is taken.

        Example:
            r.table("posts").index_rename("new", "by_day", overwrite=True).run(conn)
        """

    @command(TermType.INDEX_LIST)
    def index_list(self, /) -> RqlQuery:
        """The names of the secondary indexes.

        Returns:
            A list of str.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("posts").index_list().run(conn)
        """

    @command(TermType.INDEX_STATUS)
    def index_status(self, /, *names: Text) -> RqlQuery:
        """How far secondary indexes are built, and what they are.

        Args:
            names: which. Default: all.

        Returns:
            A list of objects `index ready outdated multi geo query function`, and `progress`
            while building; `function` is bytes that `index_create` takes.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_status("by_day").run(conn)
        """

    @command(TermType.INDEX_WAIT)
    def index_wait(self, /, *names: Text) -> RqlQuery:
        """Waits until secondary indexes are built.

        Args:
            names: which. Default: all.

        Returns:
            As `index_status`.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").index_wait().run(conn)
        """

    # --- write hooks

    @command(TermType.SET_WRITE_HOOK)
    def set_write_hook(self, function: Function | bytes | None, /, **options: Value) -> RqlQuery:
        """Sets a function that every write to the table passes through.

        Args:
            function: a deterministic function of (context, old document, new document) that
                returns the document to store, or None to delete it; the context is
                `{"primary_key": ..., "timestamp": ...}`. None removes the hook; bytes are the
                `function` of `get_write_hook`.

        Returns:
            `{"created": 1}`, `{"replaced": 1}` or `{"deleted": 1}`.

        Raises:
            ReqlQueryLogicError: the function is not deterministic, or takes no three arguments.

        Example:
            r.table("t").set_write_hook(lambda c, old, new: new.merge({"n": 1})).run(conn)
        """

    @command(TermType.GET_WRITE_HOOK)
    def get_write_hook(self, /, **options: Value) -> RqlQuery:
        """The table's write hook.

        Returns:
            `{"function": bytes, "query": str}`, or None.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("t").get_write_hook().run(conn)
        """
