"""Databases, and the tables in them."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.commands.administration import NamespaceCommands
from rethinkdb.reql.declare import UNSET, command
from rethinkdb.reql.printing import method_of_namespace, top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import (
        DB,
        Durability,
        Fields,
        IdentifierFormat,
        Integer,
        ReadMode,
        RqlQuery,
        Table,
        Text,
        TypedTable,
        Value,
    )

__all__ = ["DatabaseCommands", "db", "db_create", "db_drop", "db_list"]

T = TypeVar("T")


class DatabaseCommands(NamespaceCommands):
    """Commands of databases."""

    __slots__ = ()

    @overload
    def table(
        self,
        name: Text,
        /,
        *,
        read_mode: ReadMode = "single",
        identifier_format: IdentifierFormat = "name",
        of: type[T],
    ) -> TypedTable[T]: ...
    @overload
    def table(
        self,
        name: Text,
        /,
        *,
        read_mode: ReadMode = "single",
        identifier_format: IdentifierFormat = "name",
        of: Any = None,
    ) -> Table: ...

    @command(TermNumber.TABLE, style=method_of_namespace)
    def table(
        self,
        name: Text,
        /,
        *,
        read_mode: ReadMode = "single",
        identifier_format: IdentifierFormat = "name",
        of: Any = None,
    ) -> Table:
        """Refers to a table. `r.table` refers to a table of the connection's database.

        Args:
            name: the table's name.
            read_mode: `single` reads what is in the memory of the primary replica. `majority`
                reads only what most replicas have on disk. `outdated` reads from the nearest
                replica, which may lag behind.
            identifier_format: `uuid` shows ids where there would be names. This is for system
                tables only.
            of: the class of its documents: a dataclass, a `TypedDict`, a class of attrs, a struct
                of msgspec or a model of pydantic. Queries that give documents of the table as they
                are (`get`, `filter`, `order_by` and their kin) give objects of it, and `changes`
                gives `Change` objects. It is not sent.

        Returns:
            The table. Running it returns a cursor of its documents.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.db("blog").table("posts", read_mode="majority").run(conn)
        """

    @command(TermNumber.TABLE_CREATE, style=method_of_namespace)
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
        """Creates a table. `r.table_create` creates it in the connection's database.

        Args:
            name: the table's name, of letters, digits, `_` and `-`.
            primary_key: the name of the field that identifies a document.
            durability: with `hard`, writes to the table wait until the data is on disk; with
                `soft` they do not. Each write can choose otherwise.
            shards: the number of shards.
            replicas: the number of replicas of each shard, or `{server tag: number}`.
            primary_replica_tag: the tag of the servers that get the primary replicas. It is
                required if `replicas` is an object.
            nonvoting_replica_tags: a list of server tags whose replicas have no vote.

        Returns:
            `{"tables_created": 1, "config_changes": [{"old_val": None, "new_val": {...}}]}`.

        Raises:
            ReqlOpFailedError: the table exists, or the database does not.

        Example:
            r.table_create("users", primary_key="name").run(conn)
        """

    @command(TermNumber.TABLE_DROP, style=method_of_namespace)
    def table_drop(self, name: Text, /) -> RqlQuery:
        """Deletes a table with its documents and indexes.

        Args:
            name: the table's name.

        Returns:
            `{"tables_dropped": 1, "config_changes": [{"old_val": {...}, "new_val": None}]}`.

        Raises:
            ReqlOpFailedError: there is no such table.

        Example:
            r.db("blog").table_drop("drafts").run(conn)
        """

    @command(TermNumber.TABLE_LIST, style=method_of_namespace)
    def table_list(self, /) -> RqlQuery:
        """Lists the names of the tables in a database.

        Returns:
            A list of str.

        Raises:
            ReqlOpFailedError: there is no such database.

        Example:
            r.db("blog").table_list().run(conn)
        """


@command(TermNumber.DB, style=top_level)
def db(name: Text, /) -> DB:
    """Refers to a database.

    Args:
        name: the database's name.

    Returns:
        The database, to call commands on: `r.db(...).table(...)`. By itself it cannot be run.

    Raises:
        ReqlOpFailedError: there is no such database.

    Example:
        r.db("blog").table("posts").run(conn)
    """


@command(TermNumber.DB_CREATE, style=top_level)
def db_create(name: Text, /) -> RqlQuery:
    """Creates a database.

    Args:
        name: the database's name, of letters, digits, `_` and `-`.

    Returns:
        `{"dbs_created": 1, "config_changes": [{"old_val": None, "new_val": {...}}]}`.

    Raises:
        ReqlOpFailedError: the database exists.

    Example:
        r.db_create("blog").run(conn)
    """


@command(TermNumber.DB_DROP, style=top_level)
def db_drop(name: Text, /) -> RqlQuery:
    """Deletes a database with all its tables.

    Args:
        name: the database's name.

    Returns:
        `{"dbs_dropped": 1, "tables_dropped": n, "config_changes": [...]}`.

    Raises:
        ReqlOpFailedError: there is no such database.

    Example:
        r.db_drop("blog").run(conn)
    """


@command(TermNumber.DB_LIST, style=top_level)
def db_list() -> RqlQuery:
    """Lists the names of all databases. `rethinkdb`, which holds the system tables, is one.

    Returns:
        A list of str.

    Raises:
        ReqlAvailabilityError: the server cannot find out at the moment.

    Example:
        r.db_list().run(conn)
    """
