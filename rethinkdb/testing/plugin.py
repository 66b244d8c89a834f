"""The pytest plugin: a server, a fresh database for each test, connections, failures on request.

It is part of the package: pytest loads it without any set-up. See the page "Test your application"
of the documentation. `rethinkdb.testing.fixtures` has connections for the other loops.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rethinkdb.embedded import Server
    from rethinkdb.embedded.chaos.chaos import Chaos
    from rethinkdb.embedded.storage.chance import Clock
    from rethinkdb.testing.databases import ServerAddress

_DATA = (
    "rethinkdb_data(table=rows, ...): tables of the test's database, each with its rows: a list of"
    " documents, a number of them, or the path of a JSON file beside the test."
)
_SERVER = pytest.StashKey["ServerAddress | None"]()
_CHAOS = "rethinkdb_chaos"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of the command line."""
    group = parser.getgroup("rethinkdb", "tests of programs that use RethinkDB")
    group.addoption(
        "--rethinkdb-server",
        metavar="HOST:PORT",
        help="a real server to test with, in place of an embedded one; databases are made and"
        " dropped there. It may be a URL: rethinkdb://user:password@host:port",
    )
    group.addoption(
        "--rethinkdb-user",
        metavar="NAME",
        help="who logs in at that server, and may make databases there. Default: the environment"
        " variable RETHINKDB_TEST_USER, or admin",
    )
    group.addoption(
        "--rethinkdb-password",
        metavar="PASSWORD",
        help="the password. Others on the machine may see it: the environment variable"
        " RETHINKDB_TEST_PASSWORD does not show it",
    )
    group.addoption(
        "--rethinkdb-tls-ca",
        metavar="FILE",
        help="connects to that server with TLS, and trusts the certificates in this file. Default:"
        " the environment variable RETHINKDB_TEST_TLS_CA",
    )
    group.addoption(
        "--rethinkdb-order",
        choices=("real", "shuffled"),
        default="real",
        help="in which order the embedded server gives rows that nothing sorts",
    )
    group.addoption(
        "--rethinkdb-seed",
        metavar="NUMBER",
        type=int,
        help="has what the embedded server makes up repeat in each test: generated keys, r.random,"
        " sample, trouble by chance",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and checks the address of the server."""
    config.addinivalue_line("markers", _DATA)
    config.stash[_SERVER] = _real_server(config)


def _real_server(config: pytest.Config) -> ServerAddress | None:
    """The real server that the options name; None: they name none."""
    address = config.getoption("rethinkdb_server")
    if address is None:
        return None
    from rethinkdb.errors import ReqlDriverError
    from rethinkdb.testing.databases import real_server

    login = [
        config.getoption(f"rethinkdb_{name}") or os.environ.get(f"RETHINKDB_TEST_{name.upper()}")
        for name in ("user", "password", "tls_ca")
    ]
    try:
        return real_server(address, *login)
    except ReqlDriverError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture(scope="session")
def rethinkdb_server(request: pytest.FixtureRequest) -> Iterator[Server | ServerAddress]:
    """The server of the test session, with the attributes `host`, `port` and `url`.

    It is an embedded server, unless `--rethinkdb-server` names a real one. With pytest-xdist each
    process has its own embedded server.
    """
    from rethinkdb.testing.databases import server_of

    option = request.config.getoption
    real = request.config.stash[_SERVER]
    with server_of(real, option("rethinkdb_order"), option("rethinkdb_seed")) as server:
        yield server


@pytest.fixture
def rethinkdb_address(
    request: pytest.FixtureRequest, rethinkdb_server: Any
) -> Iterator[ServerAddress]:
    """The address that this test connects to: the server, or the proxy of `rethinkdb_chaos`."""
    from rethinkdb.testing.databases import address_of

    chaos = _CHAOS in request.fixturenames
    if chaos and getattr(rethinkdb_server, "ca_certs", None) is not None:
        pytest.skip("chaos needs to read what is sent, which TLS keeps secret")
    with address_of(rethinkdb_server, chaos=chaos) as address:
        yield address


@pytest.fixture
def rethinkdb_db(request: pytest.FixtureRequest, rethinkdb_server: Any) -> Iterator[str]:
    """The name of a new database, which is dropped after the test.

    It contains the tables of the marker `rethinkdb_data`.
    """
    from rethinkdb.testing.databases import fresh_database, load_tables, repeat

    repeat(rethinkdb_server, request.config.getoption("rethinkdb_seed"), request.node.nodeid)
    with fresh_database(rethinkdb_server, request.node.name) as name:
        for mark in reversed(list(request.node.iter_markers("rethinkdb_data"))):
            load_tables(rethinkdb_server, name, mark.args, mark.kwargs, request.node.path.parent)
        yield name


@pytest.fixture
def rethinkdb_url(rethinkdb_address: ServerAddress, rethinkdb_db: str) -> str:
    """Server and database as one URL, for programs that are configured by a URL."""
    from rethinkdb.testing.databases import URL

    return URL(f"{rethinkdb_address.url}/{rethinkdb_db}")


@pytest.fixture
def rethinkdb_conn(rethinkdb_address: ServerAddress, rethinkdb_db: str) -> Iterator[Any]:
    """A blocking connection whose database is `rethinkdb_db`."""
    from rethinkdb.testing.fixtures import blocking_connection

    yield from blocking_connection(rethinkdb_address, rethinkdb_db)


@pytest.fixture
def rethinkdb_chaos(
    request: pytest.FixtureRequest, rethinkdb_address: ServerAddress
) -> Iterator[Chaos]:
    """Causes failures for the clients of this test. See `rethinkdb.testing.chaos`.

    Random choices are the same each time the test runs. All troubles end with the test.
    """
    chaos = rethinkdb_address.chaos
    assert chaos is not None
    chaos.seed(f"{request.config.getoption('rethinkdb_seed')}:{request.node.nodeid}")
    yield chaos
    chaos.end()


@pytest.fixture
def rethinkdb_clock(rethinkdb_server: Any) -> Iterator[Clock]:
    """The clock of `r.now()`, which the test may set and move. It is reset after the test.

    The test is skipped on a real server.
    """
    clock: Clock | None = getattr(rethinkdb_server, "clock", None)
    if clock is None:
        pytest.skip("the clock of a real server cannot be set")
    yield clock
    clock.set(None)
