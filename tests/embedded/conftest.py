"""A server, embedded unless RETHINKDB_TEST_SERVER=host:port names another, and connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.testing.conformance.trial import ServerAddress
from tests.trying import server_under_test

from .support import RawClient, names, result

_names = names("t")


@pytest.fixture(scope="session")
def server() -> Iterator[ServerAddress]:
    with server_under_test() as tested:
        yield tested


@pytest.fixture
def conn(server: Any) -> Iterator[Any]:
    """A connection of our own blocking driver, database `test`."""
    connection = r.connect(host=server.host, port=server.port)
    yield connection
    connection.close(noreply_wait=False)


@pytest.fixture
def raw(server: Any) -> Iterator[RawClient]:
    """A connection that speaks raw frames."""
    with RawClient(server.host, server.port) as client:
        yield client


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    """An embedded server for tests that leave nothing behind."""
    with Server() as server:
        yield server


@pytest.fixture
def raw_on_one_server(one_server: Server) -> Iterator[RawClient]:
    """A connection to it that speaks raw frames."""
    with RawClient(one_server.host, one_server.port) as client:
        yield client


@pytest.fixture
def evaluate(conn: Any) -> Callable[..., Any]:
    """Runs a query, with run options if given; a cursor is read to its end, an error is raised."""

    def run(term: Any, **options: Any) -> Any:
        return result(r.expr(term).run(conn, **options))

    return run


@pytest.fixture
def database(conn: Any) -> Iterator[str]:
    """The name of a fresh, empty database."""
    name = next(_names)
    r.db_create(name).run(conn)
    yield name
    if name in r.db_list().run(conn):
        r.db_drop(name).run(conn)


@pytest.fixture
def table_name(conn: Any) -> Iterator[str]:
    """The name of a fresh, empty table of the database `test`."""
    name = next(_names)
    r.table_create(name).run(conn)
    r.table(name).wait().run(conn)
    yield name
    if name in r.table_list().run(conn):
        r.table_drop(name).run(conn)


@pytest.fixture
def table(table_name: str) -> Any:
    """A fresh, empty table of the database `test`."""
    return r.table(table_name)
