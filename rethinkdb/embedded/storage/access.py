"""Checks whether a query may use a table now: by permissions and by availability."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import FailureKind, QueryFailure, about_user, op_failed
from rethinkdb.embedded.storage import permissions

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import Table
    from rethinkdb.embedded.language.environment import Environment
    from rethinkdb.embedded.storage.indexes import Range
    from rethinkdb.embedded.storage.tables import TableData


def require_read(
    environment: Environment,
    table: Table,
    keys: Iterable[Datum] | None = None,
    bounds: Range | None = None,
) -> None:
    """Raises unless the user may read the table, and the rows are available.

    Args:
        environment: the environment of the query.
        table: the table.
        keys: the primary keys of the rows. None: all within `bounds`, for later batches, too.
        bounds: a range of primary keys. None: all rows.
    """
    try:
        permissions.require_read(environment, table)
        gate = table.data.gate
        if gate is None or table.data.id in environment.watched:
            return
        gate.pass_to_read(environment, table, keys, bounds)
    except QueryFailure as failure:
        raise about_user(failure) from None
    if keys is None:
        _, known = environment.scanned.get(table.data.id, (table, bounds))
        environment.scanned[table.data.id] = (table, bounds if known == bounds else None)


def require_watch(environment: Environment, table: Table) -> None:
    """Raises unless the user may read the table, and a changefeed on it can be opened.

    The feed's own reads need no further check. They happen while it holds a lock.
    """
    permissions.require_read(environment, table)
    gate = table.data.gate
    if gate is not None:
        gate.pass_to_watch(environment, table)
        environment.watched.add(table.data.id)


def go_on(environment: Environment) -> None:
    """Raises unless the tables of a query are still available, before its next batch."""
    for table, bounds in environment.scanned.values():
        gate = table.data.gate
        if gate is not None:
            gate.pass_to_read(environment, table, None, bounds)


def writing(
    environment: Environment, table: Table, keys: Iterable[Datum] | None = None
) -> AbstractContextManager[None]:
    """A block in which rows with these primary keys are written.

    Raises if the rows are not available, or become unavailable during the block.
    """
    gate = table.data.gate
    return nullcontext() if gate is None else gate.writing(environment, keys)


# -- the configuration of a table. A majority of the replicas is needed to change it.


def require_reachable(table: TableData, name: str, failing: str) -> None:
    """Raises if no server that knows the table's configuration is up.

    Args:
        table: the table.
        name: its name, with the database.
        failing: the operation that fails, for the error message.
    """
    if table.gate is not None and not table.gate.health().reachable:
        raise _unreachable(name, failing)


def require_majority(table: TableData, name: str, failing: str) -> None:
    """Raises if too few servers are up to change the table's configuration."""
    if table.gate is not None and table.gate.health().leader is None:
        raise _unreachable(name, failing)


def require_write_hook(table: TableData) -> None:
    """Raises if no server is up that knows whether the table has a write hook."""
    if table.gate is not None and not table.gate.health().reachable:
        raise QueryFailure(FailureKind.INTERNAL, _UNKNOWN_HOOK, ())


def _unreachable(name: str, failing: str) -> QueryFailure:
    return op_failed(
        f"The server(s) hosting table `{name}` are currently unreachable. {failing} If you do not"
        " expect the server(s) to recover, you can use `emergency_repair` to restore availability"
        " of the table."
        " <http://rethinkdb.com/api/javascript/reconfigure/#emergency-repair-mode>"
    )


_UNKNOWN_HOOK = (
    "Unexpected exception: The attempt to read or modify the table's configuration failed because"
    " none of the servers were accessible.  If it was an attempt to modify, the modification did"
    " not take place."
)
