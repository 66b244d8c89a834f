"""The pytest plugin, in sessions of pytest of its own."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server

pytest_plugins = ["pytester"]

Run = Callable[..., Any]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs tests with no plugin but this one and those that are named; all must pass."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(source: str, *arguments: str, **outcomes: int) -> Any:
        pytester.makepyfile(source)
        result = pytester.runpytest_inprocess(
            "-p", "rethinkdb.testing.plugin", "--strict-markers", "-W", "error", *arguments
        )
        result.assert_outcomes(**outcomes)
        return result

    return run


@pytest.fixture(scope="module")
def real() -> Iterator[Server]:
    """A server that stands for a real one."""
    with Server() as server:
        yield server


def databases(server: Server) -> list[str]:
    with r.connect(server.host, server.port) as conn:
        found: list[str] = r.db_list().run(conn)
        return found


def test_it_is_declared() -> None:
    declared = Path(__file__).parents[2] / "pyproject.toml"
    assert 'rethinkdb = "rethinkdb.testing.plugin"' in declared.read_text("utf-8")
    found = [each.value for each in entry_points(group="pytest11") if each.name == "rethinkdb"]
    assert found in ([], ["rethinkdb.testing.plugin"])  # none if it was installed before


FRESH = """
import pytest
from rethinkdb import r

seen = []

@pytest.mark.parametrize("n", [1, 2])
def test_each_has_its_own(rethinkdb_server, rethinkdb_db, rethinkdb_conn, n):
    assert r.table_list().run(rethinkdb_conn) == []
    r.table_create("t").run(rethinkdb_conn)
    for old in seen:
        assert old not in r.db_list().run(rethinkdb_conn)
    seen.append(rethinkdb_db)
    assert len(set(seen)) == n
    assert rethinkdb_db.startswith("test_each_has_its_own")

def test_one_that_drops_it(rethinkdb_db, rethinkdb_conn):
    r.db_drop(rethinkdb_db).run(rethinkdb_conn)

def test_url(rethinkdb_url, rethinkdb_conn):
    r.table_create("here").run(rethinkdb_conn)
    with r.connect(rethinkdb_url) as conn:
        assert r.table_list().run(conn) == ["here"]
"""


def test_a_fresh_database_for_each_test(run: Run) -> None:
    run(FRESH, passed=4)


def test_on_a_real_server(run: Run, real: Server) -> None:
    before = databases(real)
    run(FRESH, "--rethinkdb-server", f"{real.host}:{real.port}", passed=4)
    assert databases(real) == before


def test_an_address_that_is_none(pytester: pytest.Pytester, run: Run) -> None:
    result = pytester.runpytest_inprocess(
        "-p", "rethinkdb.testing.plugin", "--rethinkdb-server", "here"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--rethinkdb-server: 'here' is no HOST:PORT.*"])


WITH_A_PASSWORD = """
from rethinkdb import r

def test_it(rethinkdb_url, rethinkdb_conn, rethinkdb_address):
    assert r.now().run(rethinkdb_conn)
    with r.connect(rethinkdb_url) as conn:
        assert r.table_list().run(conn) == []
    place = rethinkdb_address
    with r.connect(place.host, place.port, **place.options) as conn:
        assert r.expr(1).run(conn) == 1

def test_trouble(rethinkdb_chaos, rethinkdb_conn):
    assert r.expr(1).run(rethinkdb_conn) == 1

def test_a_failure(rethinkdb_address, rethinkdb_server, rethinkdb_url, rethinkdb_conn):
    assert not rethinkdb_address, rethinkdb_server
"""

PASSWORD = "s3cr:t/@%"


@pytest.fixture
def eve(real: Server) -> Iterator[str]:
    """A user of the server that stands for a real one."""
    users = r.db("rethinkdb").table("users")
    with r.connect(real.host, real.port) as conn:
        users.insert({"id": "eve", "password": PASSWORD}).run(conn)
        r.grant("eve", {"read": True, "write": True, "config": True}).run(conn)
        yield "eve"
        users.get("eve").delete().run(conn)


def test_with_a_password(run: Run, real: Server, eve: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As options, in the environment, or in the URL. No report shows it."""
    place = f"{real.host}:{real.port}"
    outcomes = {"passed": 2, "failed": 1}
    server = ("--rethinkdb-server", place)
    said = [run(WITH_A_PASSWORD, *server, f"--rethinkdb-user={eve}",
                f"--rethinkdb-password={PASSWORD}", **outcomes)]  # fmt: skip
    url = f"rethinkdb://{eve}:{quote(PASSWORD, safe='')}@{place}"
    said.append(run(WITH_A_PASSWORD, "--rethinkdb-server", url, **outcomes))
    monkeypatch.setenv("RETHINKDB_TEST_USER", eve)
    monkeypatch.setenv("RETHINKDB_TEST_PASSWORD", PASSWORD)
    said.append(run(WITH_A_PASSWORD, *server, **outcomes))
    for result in said:
        assert PASSWORD not in result.stdout.str() + result.stderr.str()


WITH_TLS = """
from rethinkdb import r

def test_it(rethinkdb_conn, rethinkdb_address):
    assert r.now().run(rethinkdb_conn)
    place = rethinkdb_address
    with r.connect(place.host, place.port, db="test", **place.options) as conn:
        assert r.expr(1).run(conn) == 1

def test_trouble(rethinkdb_chaos, rethinkdb_conn):
    pass
"""


def test_with_tls(run: Run, pytester: pytest.Pytester) -> None:
    trustme = pytest.importorskip("trustme")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path("ca.pem")
    authority.issue_cert("localhost").configure_cert(context)
    with Server(ssl_context=context) as server:
        place = f"localhost:{server.port}"
        options = ("--rethinkdb-server", place, "--rethinkdb-tls-ca", "ca.pem")
        run(WITH_TLS, *options, passed=1, skipped=1)


DATA = """
import pytest
from rethinkdb import r

pytestmark = pytest.mark.rethinkdb_data("empty", heroes=[{"id": 1, "name": "Ada"}])

@pytest.mark.rethinkdb_data(numbers=3, villains="villains.json", heroes=[{"id": 2}])
def test_tables(rethinkdb_conn):
    def ids(table):
        return sorted(r.table(table)["id"].run(rethinkdb_conn))

    assert sorted(r.table_list().run(rethinkdb_conn)) == ["empty", "heroes", "numbers", "villains"]
    assert ids("numbers") == [0, 1, 2]
    assert ids("villains") == ["Mordred"]
    assert ids("heroes") == [1, 2]
    assert ids("empty") == []

def test_those_of_the_module(rethinkdb_conn):
    assert r.table("heroes").get(1)["name"].run(rethinkdb_conn) == "Ada"
"""


def test_markers_for_data(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "villains.json").write_text('[{"id": "Mordred"}]')
    run(DATA, passed=2)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("{'id': 1}", "Rows for the table t are a list of documents"),
        ("[{'id': 1}, {'id': 1}]", "Rows for the table t: Duplicate primary key"),
    ],
)
def test_data_that_is_none(run: Run, rows: str, said: str) -> None:
    source = f"""
    import pytest

    @pytest.mark.rethinkdb_data(t={rows})
    def test_a(rethinkdb_conn): pass
    """
    result = run(source, errors=1)
    result.stdout.fnmatch_lines([f"*{said}*"])


CHAOS = """
import pytest
from rethinkdb import r
from rethinkdb.errors import ReqlOpFailedError

@pytest.mark.rethinkdb_data("t")
def test_trouble(rethinkdb_chaos, rethinkdb_conn):
    rethinkdb_chaos.fail("not available")
    with pytest.raises(ReqlOpFailedError):
        r.table("t").count().run(rethinkdb_conn)
    assert r.table("t").count().run(rethinkdb_conn) == 0
    rethinkdb_chaos.mute()

def test_it_is_over(rethinkdb_conn):
    assert r.expr(1).run(rethinkdb_conn) == 1
"""


def test_trouble(run: Run) -> None:
    run(CHAOS, passed=2)


def test_trouble_with_a_real_server(run: Run, real: Server) -> None:
    run(CHAOS, "--rethinkdb-server", f"{real.host}:{real.port}", passed=2)


SEEDED = """
import pathlib
from datetime import datetime, timedelta, timezone
from rethinkdb import r

def test_made_up(rethinkdb_conn, rethinkdb_chaos):
    made = f"{r.uuid().run(rethinkdb_conn)} {rethinkdb_chaos.random.random()}"
    with pathlib.Path("made_up").open("a") as file:
        print(made, file=file)

def test_clock(rethinkdb_conn, rethinkdb_clock):
    rethinkdb_clock.set(datetime(2030, 1, 1, tzinfo=timezone.utc))
    assert r.now().year().run(rethinkdb_conn) == 2030

def test_the_clock_of_the_machine(rethinkdb_conn):
    ahead = r.now().run(rethinkdb_conn) - datetime.now(timezone.utc)
    assert abs(ahead) < timedelta(hours=1)
"""


def test_what_is_made_up_repeats(run: Run, pytester: pytest.Pytester) -> None:
    for _ in range(2):
        run(SEEDED, "--rethinkdb-seed", "5", "--rethinkdb-order", "shuffled", passed=3)
    first, second = (pytester.path / "made_up").read_text().splitlines()
    assert first == second


# -- other loops

QUERIES = """
    await r.table_create("t").run(conn)
    await r.table("t").insert({"id": 1}).run(conn)
    assert await r.table("t").get(1).run(conn) == {"id": 1}
"""

HEAD = """
import pytest
from rethinkdb import r
from rethinkdb.testing import fixtures
"""


def test_asyncio_and_tornado(run: Run) -> None:
    pytest.importorskip("pytest_asyncio")
    source = f"""{HEAD}
import pytest_asyncio

conn = pytest_asyncio.fixture(fixtures.asyncio_connection)
tornado_conn = pytest_asyncio.fixture(fixtures.tornado_connection)

@pytest.mark.asyncio
async def test_a(conn):
{QUERIES}

@pytest.mark.asyncio
async def test_b(tornado_conn):
    assert await r.expr(1).run(tornado_conn) == 1
"""
    scope = "asyncio_default_fixture_loop_scope=function"  # some versions want to be told
    run(source, "-p", "pytest_asyncio.plugin", "-o", scope, passed=2)


def test_trio(run: Run) -> None:
    pytest.importorskip("pytest_trio")
    source = f"""{HEAD}
conn = pytest.fixture(fixtures.trio_connection)

@pytest.mark.trio
async def test_a(conn):
{QUERIES}
"""
    run(source, "-p", "pytest_trio.plugin", passed=1)


def test_anyio(run: Run) -> None:
    pytest.importorskip("trio")
    source = f"""{HEAD}
conn = pytest.fixture(fixtures.anyio_connection)

@pytest.mark.anyio
async def test_a(conn):
{QUERIES}
"""
    run(source, "-p", "anyio.pytest_plugin", passed=2)


def test_tornado_test_cases(run: Run) -> None:
    pytest.importorskip("tornado")
    source = """
from tornado.testing import AsyncHTTPTestCase, gen_test
from tornado.web import Application, RequestHandler
from rethinkdb import r
from rethinkdb.errors import ReqlOpFailedError
from rethinkdb.testing.tornado import RethinkDBTestCase

class Count(RequestHandler):
    def initialize(self, conn):
        self.conn = conn

    async def get(self):
        try:
            self.write(str(await r.table_list().count().run(self.conn)))
        except ReqlOpFailedError:
            self.send_error(503)

class TestQueries(RethinkDBTestCase):
    @gen_test
    async def test_a(self):
        await r.table_create("t").run(self.conn)
        assert await r.table_list().run(self.conn) == ["t"]

    test_b = test_a

class TestApplication(RethinkDBTestCase, AsyncHTTPTestCase):
    def get_app(self):
        return Application([("/", Count, {"conn": self.conn})])

    def test_get(self):
        assert self.fetch("/").body == b"0"
        assert self.rethinkdb_url.endswith(self.rethinkdb_db)

    def test_trouble(self):
        self.rethinkdb_server.chaos.fail("not available")
        assert self.fetch("/").code == 503
"""
    run(source, passed=4)


def test_twisted(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own, as a reactor runs once."""
    pytest.importorskip("pytest_twisted")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        f"""{HEAD}
import pytest_twisted

conn = pytest_twisted.async_yield_fixture()(fixtures.twisted_connection)

@pytest_twisted.ensureDeferred
async def test_a(conn):
{QUERIES}
"""
    )
    plugins = ("-p", "rethinkdb.testing.plugin", "-p", "pytest_twisted")
    pytester.runpytest_subprocess(*plugins).assert_outcomes(passed=1)


def test_gevent(run: Run) -> None:
    pytest.importorskip("gevent")
    source = f"""{HEAD}
conn = pytest.fixture(fixtures.gevent_connection)

def test_a(conn):
    assert r.expr(1).run(conn) == 1
"""
    run(source, passed=1)


def test_processes_of_xdist(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, real: Server
) -> None:
    """Two processes on one server: each test has a database of its own all the same."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makepyfile(FRESH.replace("assert len(set(seen)) == n", "pass"))
    plugins = ("-p", "rethinkdb.testing.plugin", "-p", "xdist.plugin", "-n2")
    server = ("--rethinkdb-server", f"{real.host}:{real.port}")
    pytester.runpytest_subprocess(*plugins, *server).assert_outcomes(passed=4)
