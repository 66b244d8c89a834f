"""The modules under which programs for the official `rethinkdb` package find things.

Imported so by aiogram's RethinkDBStorage, resync, anji-orm, mockthink and others. What programs do
with the names is done here: ask `isinstance`, subclass, construct and `reconnect`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rethinkdb
from rethinkdb import RethinkDB, errors, loops, ql2, r
from rethinkdb.embedded import Server
from rethinkdb.repl import Repl
from rethinkdb.testing.conformance.drivers import DRIVERS

from .trying import installed

PACKAGE = Path(rethinkdb.__file__).parent

# Loops that the official package does not have: no program looks for them under another name.
WITHOUT_FACE: set[str] = set()

MODULES = {
    "blocking": "rethinkdb.net",
    "asyncio": "rethinkdb.asyncio_net.net_asyncio",
    "tornado": "rethinkdb.tornado_net.net_tornado",
    "twisted": "rethinkdb.twisted_net.net_twisted",
    "trio": "rethinkdb.trio_net.net_trio",
    "gevent": "rethinkdb.gevent_net.net_gevent",
}
"""Where each loop's connection is."""

NAMES = {
    "rethinkdb.net": """
        Connection Cursor DEFAULT_PORT DefaultConnection DefaultCursor DefaultCursorEmpty
        Repl make_connection
    """.split()  # noqa: SIM905
    + [name for name in errors.__all__ if name.startswith(("Reql", "Rql"))],
    "rethinkdb.asyncio_net.net_asyncio": ["AsyncioCursor", "Connection"],
    "rethinkdb.tornado_net.net_tornado": ["Connection", "TornadoCursor"],
    "rethinkdb.twisted_net.net_twisted": ["Connection", "TwistedCursor"],
    "rethinkdb.trio_net.net_trio": ["Connection", "ConnectionPool", "TrioCursor"],
    "rethinkdb.gevent_net.net_gevent": ["Connection", "GeventCursor", "GeventCursorEmpty"],
    "rethinkdb.ql2_pb2": ["Datum", "Frame", "Query", "Response", "Term", "VersionDummy"],
}
"""All names of all faces."""

FACES = [name for name in NAMES if name != "rethinkdb.net"]

ENUMERATIONS = {
    "VersionDummy.Version": ql2.Version,
    "VersionDummy.Protocol": ql2.WireProtocol,
    "Query.QueryType": ql2.QueryType,
    "Frame.FrameType": ql2.FrameType,
    "Response.ResponseType": ql2.ResponseType,
    "Response.ErrorType": ql2.ErrorType,
    "Response.ResponseNote": ql2.ResponseNote,
    "Datum.DatumType": ql2.DatumType,
    "Term.TermType": ql2.TermType,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


def face(name: str) -> Any:
    """The module; skips the test where its library is not installed."""
    for loop, module in MODULES.items():
        if module == name:
            installed(loop)
    return importlib.import_module(name)


def connection_class(loop: str) -> Any:
    module = face(MODULES[loop])
    return module.DefaultConnection if loop == "blocking" else module.Connection


async def done(result: Any) -> Any:
    """The result of an operation, on loops with awaitables and on others."""
    return await result if inspect.isawaitable(result) else result


@pytest.mark.parametrize("module", NAMES)
def test_the_names_are_there(module: str) -> None:
    found = face(module)
    assert [name for name in NAMES[module] if not hasattr(found, name)] == []
    if module in FACES:
        assert sorted(found.__all__) == NAMES[module]


@pytest.mark.parametrize("name", [name for name in NAMES["rethinkdb.net"] if "ql" in name])
def test_errors_are_caught_by_either_name(name: str) -> None:
    assert getattr(importlib.import_module("rethinkdb.net"), name) is getattr(errors, name)


def test_the_default_connection_is_one_for_both_names() -> None:
    assert rethinkdb.net.Repl is Repl is r.Repl


@pytest.mark.parametrize("path", ENUMERATIONS)
def test_the_numbers_of_the_protocol(path: str) -> None:
    message, _, name = path.partition(".")
    numbers = getattr(getattr(face("rethinkdb.ql2_pb2"), message), name)
    assert numbers is ENUMERATIONS[path]
    # As programs use them: plain numbers, by attribute.
    assert all(int(getattr(numbers, member.name)) == member.value for member in ENUMERATIONS[path])


@pytest.mark.parametrize("module", FACES)
def test_a_face_has_no_code(module: str) -> None:
    package = module.rpartition(".")[0]
    for name in {module, package} - {"rethinkdb"}:
        path = PACKAGE.joinpath(*name.split(".")[1:])
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.ClassDef, ast.Expr)
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            assert not isinstance(node, (ast.stmt, ast.Call)) or isinstance(node, allowed)


@pytest.mark.parametrize("loop", [loop for loop in MODULES if loop != "blocking"])
def test_a_face_is_an_attribute_as_after_set_loop_type(loop: str) -> None:
    installed(loop)
    path = MODULES[loop]
    found = python(f"import rethinkdb; print({path}.Connection.__name__)")
    assert found == "Connection\n"


def test_an_attribute_without_its_library_is_absent() -> None:
    assert python(
        "import sys; sys.modules['trio'] = None\n"
        "import rethinkdb; print(hasattr(rethinkdb, 'trio_net'))\n"
        "from rethinkdb import trio_net; print(trio_net.__name__)"
    ) == ("False\nrethinkdb.trio_net\n")


def test_going_through_all_attributes_imports_no_loop() -> None:
    assert python(
        "import inspect, sys, rethinkdb; inspect.getmembers(rethinkdb)\n"
        "print([name for name in ('tornado', 'twisted', 'trio', 'gevent') if name in sys.modules])"
    ) == ("[]\n")


@pytest.mark.parametrize("loop", MODULES)
def test_what_connect_gives_is_an_instance(loop: str, server: Server) -> None:
    wanted = connection_class(loop)
    driver = DRIVERS[loop]()

    async def main() -> None:
        where = {"host": server.host, "port": server.port, **driver.options()}
        conn = await done(RethinkDB().connect(**where, loop_type=loop))
        assert type(conn) is wanted
        assert isinstance(conn, rethinkdb.net.Connection)
        assert isinstance(conn, rethinkdb.net.DefaultConnection) == (loop == "blocking")
        assert conn in weakref.WeakSet([conn])  # resync's pool keeps them so
        cursor = await done(r.range(3).run(conn))
        assert isinstance(cursor, rethinkdb.net.Cursor)
        named = getattr(importlib.import_module(MODULES[loop]), type(cursor).__name__)
        assert type(cursor) is named
        await done(cursor.close())
        await done(conn.close())

    driver.run(main)


@pytest.mark.parametrize("loop", MODULES)
def test_a_connection_can_be_constructed_and_connected_later(loop: str, server: Server) -> None:
    wanted = connection_class(loop)
    driver = DRIVERS[loop]()

    async def main() -> None:
        # As resync does: with texts and mappings that are empty.
        conn = wanted(
            host=server.host, port=server.port, auth_key="", ssl={}, timeout=20, **driver.options()
        )
        assert not conn.is_open()
        assert await done(conn.reconnect(timeout=20)) is conn
        assert await done(r.expr(1).run(conn)) == 1
        await done(conn.close())
        assert not conn.is_open()

    driver.run(main)


@pytest.mark.parametrize("loop", MODULES)
def test_a_connection_can_be_subclassed(loop: str, server: Server) -> None:
    base = connection_class(loop)
    driver = DRIVERS[loop]()
    asked: list[str] = []

    class Counting(base):  # type: ignore[misc]  # known when it runs
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.label = "mine"

        def close(self, *args: Any, **kwargs: Any) -> Any:
            asked.append("close")
            return super().close(*args, **kwargs)

    async def main() -> None:
        own = RethinkDB()
        own.connection_type = Counting
        for connect in (own.connect, lambda *a, **kw: own.make_connection(Counting, *a, **kw)):
            conn = await done(connect(server.host, server.port, "blog", **driver.options()))
            assert type(conn) is Counting
            assert (conn.label, conn.db) == ("mine", "blog")
            assert await done(r.expr(1).run(conn)) == 1
            await done(conn.close())

    driver.run(main)
    assert asked == ["close", "close"]


def test_there_is_a_face_for_each_loop() -> None:
    assert set(MODULES) == set(loops.BUILT_IN) - WITHOUT_FACE


def python(code: str) -> str:
    run = [sys.executable, "-c", code]
    return subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("loop", MODULES)
def test_the_text_of_a_cursor_names_it_as_programs_find_it(loop: str) -> None:
    installed(loop)
    kind = loops.load(loop).cursor_type
    module, _, name = kind.KNOWN_AS.rpartition(".")
    assert module == MODULES[loop]
    assert getattr(importlib.import_module(module), name) is kind
