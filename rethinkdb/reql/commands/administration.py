"""Databases and tables alike: configuration, readiness, shards, rights."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import UNSET, command
from rethinkdb.reql.printing import method_of_namespace

if TYPE_CHECKING:
    from rethinkdb.reql.types import (
        EmergencyRepair,
        Fields,
        Flag,
        Integer,
        RqlQuery,
        Text,
        Value,
        WaitFor,
    )

__all__ = ["NamespaceCommands"]


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
