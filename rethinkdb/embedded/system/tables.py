"""The tables of the database `rethinkdb`: rows computed from the state of the server.

This module has their base classes and some read-only tables. `activity` has the tables about the
server's work. `cluster_tables` and `user_tables` have those that clients can write. `catalogue`
lists all of them.
"""

from __future__ import annotations

import abc
import os
import platform
import socket
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import op_failed
from rethinkdb.embedded.storage.indexes import EVERYTHING, Range
from rethinkdb.embedded.storage.keys import OrderKey
from rethinkdb.embedded.storage.placement import SERVER_VERSION, ServerIdentity
from rethinkdb.embedded.storage.tables import TableData, sort_rows
from rethinkdb.embedded.storage.watchers import Change, TableListener, Where

if TYPE_CHECKING:
    from rethinkdb.embedded.storage.store import Store

_CLUSTER_PORT = 1000
"""The distance from the client port to the cluster port. It is the default of a real server."""

_ID_OF_TABLES = uuid.UUID("0eabef01-6deb-4069-9a2d-448db057ab1e")


class SystemTable(TableData):
    """A table whose rows are computed at each read."""

    NAME: ClassVar[str]
    REFUSAL: ClassVar[str] = "It's illegal to write to the `rethinkdb.{name}` table."
    """The error message for a write, if the table has no `write_row`."""

    is_system = True

    def __init__(self, store: Store, identifier_format: str) -> None:
        super().__init__(store.lock, str(uuid.uuid5(_ID_OF_TABLES, self.NAME)), self.NAME, "id")
        self.store = store
        self.shows_names = identifier_format == "name"
        self._seen: dict[OrderKey, Datum] = {}

    @abc.abstractmethod
    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """All rows as they are now."""

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Carries out one change. Returns the new row; None means: no row."""
        raise op_failed(self.REFUSAL.format(name=self.NAME))

    def shown(self, name: str, id: str) -> str:
        """The name or the id, depending on `identifier_format`."""
        return name if self.shows_names else id

    # -- as a table

    @property
    def rows(self) -> dict[OrderKey, Datum]:
        """The rows by the order key of their primary key."""
        with self.lock:
            return {datum.order_key(row["id"]): row for row in self.read_rows()}

    def in_order(
        self, bounds: Range = EVERYTHING, *, descending: bool = False
    ) -> Iterator[list[Datum]]:
        """The rows whose primary key is in a range, sorted by it, in one chunk."""
        yield sort_rows(self.rows, bounds, descending=descending)

    def write(self, row_key: OrderKey, change: Change, *, generated: bool, user: str) -> Datum:
        """Carries out one change."""
        new = self.write_row(change, generated=generated, user=user)
        self.store.configuration_changed()
        return new

    # -- watching

    def watch(self, listener: TableListener, where: Where | None = None) -> Callable[[], None]:
        """Calls a listener after each change from now on. Returns a function that ends this."""
        with self.lock:
            self._seen = self.rows
            return super().watch(listener, where)

    def refresh(self) -> None:
        """Notifies the feeds of what has changed. The caller holds the lock."""
        if not self.watched:
            return
        before, self._seen = self._seen, self.rows
        for key in sorted({*before, *self._seen}):
            old, new = before.get(key), self._seen.get(key)
            if not datum.equal(old, new):
                self.notify(Change(self.key_of(old if new is None else new), old, new))


class DebugScratch(SystemTable):
    """A table for tests of the rules of system tables. It keeps the rows that are written to it."""

    NAME = "_debug_scratch"

    def __init__(self, store: Store, identifier_format: str) -> None:
        super().__init__(store, identifier_format)
        self._kept: dict[OrderKey, dict[str, Datum]] = {}

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """The rows that were written."""
        return tuple(self._kept.values())

    def write_row(self, change: Change, *, generated: bool, user: str) -> Datum:
        """Stores or deletes a row."""
        key = datum.order_key(change.key)
        if change.new is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = change.new
        return change.new


class ServerStatus(SystemTable):
    """The process and its network."""

    NAME = "server_status"

    def read_rows(self) -> Iterable[dict[str, Datum]]:
        """The servers that are up."""
        servers = [server for server in self.store.servers if server.up]
        for server in servers:
            yield self._row(server, [other for other in servers if other is not server])

    def _row(self, server: ServerIdentity, others: list[ServerIdentity]) -> dict[str, Datum]:
        started, python = time_of(server.started), platform.python_version()
        return {
            "id": server.id,
            "name": server.name,
            "network": {
                # There are no connections between the servers, so the port is invented.
                "canonical_addresses": [
                    {"host": server.host, "port": server.port + _CLUSTER_PORT} for _ in others[:1]
                ],
                "connected_to": {self.shown(other.name, other.id): True for other in others},
                "hostname": socket.gethostname(),
                "http_admin_port": "<no http admin>",
                "reql_port": server.port,
                "time_connected": started,
            },
            "process": {
                "argv": list(sys.argv),
                "cache_size_mb": server.cache_size_mb,
                "pid": os.getpid(),
                "time_started": started,
                # Clients look for this beginning, to know what the server can do.
                "version": f"rethinkdb {SERVER_VERSION} (embedded in Python {python})",
            },
        }


def time_of(seconds: float) -> Datum:
    """Seconds since the epoch as a time for a row."""
    return {
        datum.REQL_TYPE: "TIME",
        "epoch_time": datum.number(round(seconds, 3)),
        "timezone": "+00:00",
    }
