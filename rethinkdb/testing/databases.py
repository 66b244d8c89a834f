"""Servers and databases for tests. The pytest plugin and Tornado's test case use this module."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rethinkdb import loops, query
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.address import read_address, written_address

if TYPE_CHECKING:
    from rethinkdb.embedded.chaos.chaos import Chaos

_LONGEST_NAME = 40


@dataclass(frozen=True)
class ServerAddress:
    """The address of a server.

    Attributes:
        host, port: the address.
        chaos: causes failures for clients of this address. None: no failures.
        user, password: as whom tests log in.
        ca_certs: the file with the certificates to trust. With it, tests connect with TLS.
    """

    host: str
    port: int
    chaos: Chaos | None = None
    user: str = "admin"
    password: str = field(default="", repr=False)
    ca_certs: str | None = None

    @property
    def url(self) -> str:
        """The address with user and password as a URL, for `r.connect(url=...)`.

        A URL cannot say that a connection uses TLS.
        """
        return f"rethinkdb://{self._login}{written_address(self.host, self.port)}"

    @property
    def options(self) -> dict[str, Any]:
        """What to give to `r.connect()` besides host, port and database."""
        given: dict[str, Any] = {}
        if (self.user, self.password) != ("admin", ""):
            given.update(user=self.user, password=self.password)
        if self.ca_certs is not None:
            given["ssl"] = {"ca_certs": self.ca_certs}
        return given

    @property
    def _login(self) -> str:
        if (self.user, self.password) == ("admin", ""):
            return ""
        return f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@"


class URL(str):
    """A URL whose `repr`, which pytest prints when a test fails, does not show the password."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(re.sub(r"(?<=://)([^:/@]*):[^@]*@", r"\1:...@", str(self)))


def real_server(
    address: str, user: str | None, password: str | None, ca_certs: str | None
) -> ServerAddress:
    """A real server, as the options of pytest describe it.

    Args:
        address: `host:port`, or a URL, which may have user and password in it.
        user, password: go before those of the URL. None: not given.
        ca_certs: see `ServerAddress`.

    Raises:
        ReqlDriverError: the address is none. The message never contains a password.
    """
    said = read_address(address, "--rethinkdb-server")
    if not said.get("host") or said.get("port") is None:
        what = "The URL" if "://" in address else repr(address)
        raise ReqlDriverError(f"--rethinkdb-server: {what} is no HOST:PORT.")
    return ServerAddress(
        said["host"],
        said["port"],
        user=user or said.get("user", "admin"),
        password=said.get("password", "") if password is None else password,
        ca_certs=ca_certs,
    )


@contextmanager
def server_of(
    address: ServerAddress | None, order: Any = "real", seed: int | None = None
) -> Iterator[Server | ServerAddress]:
    """The real server at `address`; None: an embedded one, for the length of the block."""
    if address is not None:
        yield address
        return
    with Server(order=order, seed=seed) as server:
        yield server


@contextmanager
def address_of(server: Server | ServerAddress, *, chaos: bool) -> Iterator[ServerAddress]:
    """The address to connect to, with or without chaos.

    The embedded server has chaos built in. For a real server, the address is that of a proxy.
    """
    if isinstance(server, Server):
        yield ServerAddress(server.host, server.port, server.chaos if chaos else None)
    elif not chaos:
        yield server
    else:
        from rethinkdb.testing.proxy import FaultProxy

        with FaultProxy(server.host, server.port) as proxy:
            yield replace(server, host=proxy.host, port=proxy.port, chaos=proxy.chaos)


def repeat(server: Server | ServerAddress, seed: int | None, test: str) -> None:
    """Seeds an embedded server, so that its random values repeat in each run of a test."""
    if seed is not None and isinstance(server, Server):
        server.store.chance.seed(f"{seed}:{test}")


@contextmanager
def fresh_database(server: Server | ServerAddress, test: str = "test") -> Iterator[str]:
    """The name of a new database, which is dropped with all its tables at the end."""
    name = _name(test)
    if isinstance(server, Server):  # without a connection: some tests cannot open one
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
    options = {} if isinstance(server, Server) else server.options
    conn = loops.load(None).make(server.host, server.port, db or "test", **options)
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
    """Creates tables in a database, and fills them.

    Args:
        server: the server.
        db: the name of the database.
        names: the names of tables that stay empty.
        tables: for each other table, its rows: a list of documents, a number of documents to
            generate, or the path of a JSON file that holds a list.
        folder: the directory that these paths are relative to.

    Raises:
        ValueError: the rows are none of these, or the server refuses one.
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
