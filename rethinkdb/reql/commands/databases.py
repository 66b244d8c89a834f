"""Databases, and the tables they hold."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
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
        Value,
    )

__all__ = ["DatabaseCommands", "db", "db_create", "db_drop", "db_list"]


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


@command(TermType.DB, style=top_level)
def db(name: Text, /) -> DB:
    """A database.

    Args:
        name: its name.

    Returns:
        The database, to be used as `r.db(...).table(...)`; it cannot be run alone.

    Raises:
        ReqlOpFailedError: there is no such database.

    Example:
        r.db("blog").table("posts").run(conn)
    """


@command(TermType.DB_CREATE, style=top_level)
def db_create(name: Text, /) -> RqlQuery:
    """Makes a database.

    Args:
        name: letters, digits, `_` and `-`.

    Returns:
        `{"dbs_created": 1, "config_changes": [{"old_val": None, "new_val": {...}}]}`.

    Raises:
        ReqlOpFailedError: it exists.

    Example:
        r.db_create("blog").run(conn)
    """


@command(TermType.DB_DROP, style=top_level)
def db_drop(name: Text, /) -> RqlQuery:
    """Removes a database with all its tables.

    Args:
        name: its name.

    Returns:
        `{"dbs_dropped": 1, "tables_dropped": n, "config_changes": [...]}`.

    Raises:
        ReqlOpFailedError: there is no such database.

    Example:
        r.db_drop("blog").run(conn)
    """


@command(TermType.DB_LIST, style=top_level)
def db_list() -> RqlQuery:
    """The names of all databases, `rethinkdb` (the system's) among them.

    Returns:
        A list of str.

    Raises:
        ReqlAvailabilityError: the server cannot tell.

    Example:
        r.db_list().run(conn)
    """
