"""Tables: their documents, read and written."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
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
    """Commands of tables."""

    __slots__ = ()

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
