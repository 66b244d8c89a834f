"""Who may use a table now: those that are permitted to, while it is available."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.storage import permissions

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import Table
    from rethinkdb.embedded.language.evaluation import Environment


def require_read(
    environment: Environment, table: Table, keys: Iterable[Datum] | None = None
) -> None:
    """Raises unless the user may read the table, and the rows with these primary keys are there.

    Without keys it is about all rows: then the table must be available for later batches, too.
    """
    permissions.require_read(environment, table)
    gate = table.data.gate
    if gate is None or table.data.id in environment.watched:
        return
    gate.pass_to_read(environment, table, keys)
    if keys is None:
        environment.scanned[table.data.id] = table


def require_watch(environment: Environment, table: Table) -> None:
    """Raises unless the user may read the table, and a changefeed on it can be opened.

    What the feed itself reads needs no further permission: it reads while it holds a lock.
    """
    permissions.require_read(environment, table)
    gate = table.data.gate
    if gate is not None:
        gate.pass_to_watch(environment, table)
        environment.watched.add(table.data.id)


def go_on(environment: Environment) -> None:
    """Raises unless the tables a query reads are still available, for another batch of rows."""
    for table in environment.scanned.values():
        gate = table.data.gate
        if gate is not None:
            gate.pass_to_read(environment, table, None)


def writing(
    environment: Environment, table: Table, keys: Iterable[Datum] | None = None
) -> AbstractContextManager[None]:
    """Inside, the rows with these primary keys are written. Raises if they are not available, or
    if that changes meanwhile.
    """
    gate = table.data.gate
    return nullcontext() if gate is None else gate.writing(environment, keys)
