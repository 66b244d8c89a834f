"""What can be done with a database as well as with a table: configure it, wait, set rights."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
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
    """Commands that databases and tables have."""

    __slots__ = ()

    _is_namespace = True

    @command(TermNumber.CONFIG)
    def config(self, /) -> RqlQuery:
        """Gets the configuration, as a document that can be updated.

        Returns:
            An object. That of a table has the fields `id name db primary_key durability write_acks
            indexes shards write_hook`, that of a database `id name`.

        Raises:
            ReqlOpFailedError: there is no such table or database.

        Example:
            r.table("users").config().update({"durability": "soft"}).run(conn)
        """

    @command(TermNumber.WAIT)
    def wait(
        self, /, *, wait_for: WaitFor = "all_replicas_ready", timeout: Integer = UNSET
    ) -> RqlQuery:
        """Waits until a table, or each table of a database, is ready.

        Args:
            wait_for: what the table must be ready for.
            timeout: how many seconds to wait, a whole number; 0 does not wait. Default: no limit.

        Returns:
            `{"ready": n}`, where n is the number of tables.

        Raises:
            ReqlOpFailedError: a table was not ready in time.

        Example:
            r.table("users").wait(timeout=10).run(conn)
        """

    @command(TermNumber.RECONFIGURE)
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
        """Changes how a table, or each table of a database, is spread over servers.

        Args:
            shards: the number of shards. It is required, except for an emergency repair.
            replicas: the number of replicas of each shard, or `{server tag: number}`. It is
                required, except for an emergency repair.
            primary_replica_tag: the tag of the servers that get the primary replicas. It is
                required if `replicas` is an object.
            nonvoting_replica_tags: a list of server tags whose replicas have no vote.
            dry_run: change nothing, and return what would be changed.
            emergency_repair: make a table available again that has lost most of its replicas. It
                works on tables only, and only `dry_run` can be given with it.

        Returns:
            `{"reconfigured": n, "config_changes": [...], "status_changes": [...]}`.

        Raises:
            ReqlOpFailedError: there are too few servers, or the table is not available.

        Example:
            r.table("users").reconfigure(shards=2, replicas=1).run(conn)
        """

    @command(TermNumber.REBALANCE)
    def rebalance(self, /, **options: Value) -> RqlQuery:
        """Makes the shards of a table, or of each table of a database, similar in size.

        Returns:
            `{"rebalanced": n, "status_changes": [...]}`.

        Raises:
            ReqlOpFailedError: a table is not available.

        Example:
            r.table("users").rebalance().run(conn)
        """

    @command(TermNumber.GRANT, style=method_of_namespace)
    def grant(self, user: Text, permissions: Fields, /, **options: Value) -> RqlQuery:
        """Gives permissions to a user, or takes them away.

        Called on a table or database, it is about this one; `r.grant` is about all databases.

        Args:
            user: the user's name.
            permissions: which are given (True), denied (False) or no longer set here (None):
                `{"read": True, "write": False, "config": None}`. `r.grant` also takes `connect`.

        Returns:
            `{"granted": 1, "permissions_changes": [{"old_val": ..., "new_val": ...}]}`.

        Raises:
            ReqlOpFailedError: there is no such user.
            ReqlPermissionError: the connection's own user may not do that.

        Example:
            r.db("blog").grant("reader", {"read": True}).run(conn)
        """
