"""Tables: inserting documents, and getting them by key or place."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.commands.administration import NamespaceCommands
from rethinkdb.reql.declare import UNSET, command

if TYPE_CHECKING:
    from rethinkdb.reql.types import (
        Conflict,
        Durability,
        Flag,
        GeoSystem,
        Integer,
        Number,
        ReturnChanges,
        RqlQuery,
        Text,
        Unit,
        Value,
    )

__all__ = ["TableCommands"]


class TableCommands(NamespaceCommands):
    """Commands that only tables have."""

    __slots__ = ()

    @command(TermNumber.INSERT)
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
        """Inserts documents. A document without a primary key gets a random UUID as its key.

        Args:
            documents: a document, a list of documents, or a query whose result is one of these.
            durability: `soft` does not wait until the data is on disk, `hard` does. Default: the
                table's setting.
            return_changes: add a list `changes` of old and new documents to the result;
                `"always"` also lists documents that did not change.
            conflict: what to do if the table has a document with the same primary key. `error`
                counts it in the result's `errors`. `replace` and `update` do so with the old
                document. A function of (key, old document, new document) returns what to store.
            ignore_write_hook: do not call the table's write hook. The user needs the permission
                `config`.

        Returns:
            An object of counts: `deleted errors inserted replaced skipped unchanged`. It may also
            have `generated_keys`, `first_error`, `changes` and `warnings`. A document that cannot
            be stored is counted in `errors`, and no error is raised.

        Raises:
            ReqlOpFailedError: there is no such table.
            ReqlQueryLogicError: an argument is neither a document nor a list of documents.

        Example:
            r.table("users").insert({"name": "Ada"}, conflict="update").run(conn)
        """

    @command(TermNumber.GET)
    def get(self, key: Value, /) -> RqlQuery:
        """Gets the document with a primary key.

        Args:
            key: the primary key. It must not be None.

        Returns:
            The document, or None if there is none.

        Raises:
            ReqlNonExistenceError: the key is None.

        Example:
            r.table("users").get("ada").run(conn)
        """

    @command(TermNumber.GET_ALL)
    def get_all(self, /, *keys: Value, index: Text = UNSET) -> RqlQuery:
        """Gets all documents with one of the given keys.

        Args:
            keys: values of the index; those of a compound index are lists. If a key is given
                twice, its documents come twice.
            index: the name of a secondary index. Default: the primary key.

        Returns:
            A cursor.

        Raises:
            ReqlOpFailedError: there is no such index.

        Example:
            r.table("posts").get_all("ada", "grace", index="author").run(conn)
        """

    @command(TermNumber.GET_INTERSECTING)
    def get_intersecting(self, geometry: Value, /, *, index: Text = UNSET) -> RqlQuery:
        """Gets the documents whose geometry has a point in common with the given one.

        Args:
            geometry: the geometry to compare with.
            index: the name of a geospatial index. It is required.

        Returns:
            A cursor.

        Raises:
            ReqlQueryLogicError: the index is not geospatial, or none is named.

        Example:
            r.table("parks").get_intersecting(area, index="shape").run(conn)
        """

    @command(TermNumber.GET_NEAREST)
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
        """Gets the documents whose geometry is nearest to a point.

        Args:
            point: `r.point(...)` or `[longitude, latitude]`.
            index: the name of a geospatial index. It is required.
            max_results: the greatest number of documents to return.
            max_dist: the greatest distance from the point, in `unit`.
            unit: the unit of all distances.
            geo_system: the shape of the earth to compute with.

        Returns:
            A list of `{"dist": number, "doc": document}`. The nearest document comes first.

        Raises:
            ReqlQueryLogicError: the index is not geospatial, or none is named.

        Example:
            r.table("parks").get_nearest(r.point(-117, 32), index="place", max_dist=5000).run(conn)
        """

    @command(TermNumber.SYNC)
    def sync(self, /) -> RqlQuery:
        """Waits until all earlier writes to the table are on disk, also those that did not wait.

        Returns:
            `{"synced": 1}`.

        Raises:
            ReqlOpFailedError: the table is not available.

        Example:
            r.table("log").sync().run(conn)
        """

    @command(TermNumber.STATUS)
    def status(self, /) -> RqlQuery:
        """Tells whether the table is available, and which servers have its replicas.

        Returns:
            An object with the fields `id name db raft_leader shards status`.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.table("users").status()["status"]["ready_for_writes"].run(conn)
        """

    @command(TermNumber.UUID)
    def uuid(self, /, name: Text = UNSET, **options: Value) -> RqlQuery:
        """Makes a UUID. Call it as `r.uuid`: on a table it fails.

        Args:
            name: a string. The same string always makes the same UUID. Default: a random UUID.

        Returns:
            A str.

        Raises:
            ReqlQueryLogicError: the name is not a string. A table never is one.

        Example:
            r.uuid("magic").run(conn)  # '97dd10a5-4fc4-554f-86c5-0d2c2e3d5330'
        """
