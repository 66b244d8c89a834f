"""Servers and databases for tests: what the pytest plugin and Tornado's test cases stand on."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rethinkdb import loops, query
from rethinkdb.embedded import Server

if TYPE_CHECKING:
    from rethinkdb.embedded.chaos.chaos import Chaos

_LONGEST_NAME = 40


@dataclass(frozen=True)
class ServerAddress:
    """Where a server is.

    Attributes:
        host, port: its address.
        chaos: makes trouble for those who connect there; None: nobody does.
    """

    host: str
    port: int
    chaos: Chaos | None = None

    @property
    def url(self) -> str:
        """As `r.connect(url=...)` takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"rethinkdb://{host}:{self.port}"


@contextmanager
def server_of(
    address: str | None, order: Any = "real", seed: int | None = None
) -> Iterator[Server | ServerAddress]:
    """A real server if there is an address, else an embedded one, which runs inside."""
    if address is None:
        with Server(order=order, seed=seed) as server:
            yield server
        return
    host, _, port = address.rpartition(":")
    yield ServerAddress(host.strip("[]"), int(port))


@contextmanager
def address_of(server: Server | ServerAddress, *, chaos: bool) -> Iterator[ServerAddress]:
    """Where to connect, with or without somebody who makes trouble.

    The embedded server does it itself; clients of a real one connect by way of a proxy then.
    """
    if not chaos:
        yield ServerAddress(server.host, server.port)
    elif isinstance(server, Server):
        yield ServerAddress(server.host, server.port, server.chaos)
    else:
        from rethinkdb.testing.proxy import FaultProxy

        with FaultProxy(server.host, server.port) as proxy:
            yield ServerAddress(proxy.host, proxy.port, proxy.chaos)


def repeat(server: Server | ServerAddress, seed: int | None, test: str) -> None:
    """Has an embedded server with a seed make up the same in each run of a test."""
    if seed is not None and isinstance(server, Server):
        server.store.chance.seed(f"{seed}:{test}")


@contextmanager
def fresh_database(server: Server | ServerAddress, test: str = "test") -> Iterator[str]:
    """The name of a new database, which is dropped at the end with all that is in it."""
    name = _name(test)
    if isinstance(server, Server):  # without a connection: none can be had in some tests
        store = server.store
        store.create_database(name)
        try:
            yield name
        finally:
            if name in store.databases:
                store.drop_database(name)
        return
    with connected(server) as conn:
        query.db_create(name).run(conn)
    try:
        yield name
    finally:
        with connected(server) as conn:
            if name in query.db_list().run(conn):
                query.db_drop(name).run(conn)


def _name(test: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9]+", "_", test).strip("_")[:_LONGEST_NAME]
    return f"{readable}_{uuid.uuid4().hex[:12]}"


@contextmanager
def connected(server: Server | ServerAddress, db: str | None = None) -> Iterator[Any]:
    """A blocking connection to a server."""
    conn = loops.load(None).make(server.host, server.port, db or "test")
    try:
        yield conn
    finally:
        conn.close(noreply_wait=False)


def load_tables(
    server: Server | ServerAddress,
    db: str,
    names: Sequence[str],
    tables: Mapping[str, Any],
    folder: Path,
) -> None:
    """Makes tables in a database, and fills them.

    Args:
        server: where.
        db: the database.
        names: of tables that stay empty.
        tables: the rows of others: a list of documents, the number of documents to make up, or the
            path of a JSON file with a list.
        folder: what such paths are relative to.
    """
    wanted = {**dict.fromkeys(names, ()), **tables}
    with connected(server, db) as conn:
        existing = query.table_list().run(conn)
        for name, rows in wanted.items():
            table = query.table(name)
            if name not in existing:
                query.table_create(name).run(conn)
                table.wait().run(conn)
            documents = _documents(name, rows, folder)
            if documents:
                result = table.insert(documents).run(conn)
                if result["errors"]:
                    raise ValueError(f"Rows for the table {name}: {result['first_error']}")


def _documents(table: str, rows: Any, folder: Path) -> list[Any]:
    if isinstance(rows, (str, Path)):
        rows = json.loads((folder / rows).read_text("utf-8"))
    if isinstance(rows, int) and not isinstance(rows, bool):
        return [{"id": number} for number in range(rows)]
    if not isinstance(rows, (list, tuple)):
        raise ValueError(
            f"Rows for the table {table} are a list of documents, a number of them, or the path of"
            f" a JSON file with a list, not {rows!r}."
        )
    return list(rows)
