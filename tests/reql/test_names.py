"""The public names: on the module, on `r`, on every RethinkDB(); and what importing costs."""

from __future__ import annotations

import builtins
import importlib
import subprocess
import sys
import types
from typing import Any

import pytest

import rethinkdb
from rethinkdb import RethinkDB, errors, query, r
from rethinkdb.errors import ReqlDriverError
from rethinkdb.loops import BUILT_IN
from tools.run_results import LOOPS
from tools.stubs import stubs

COMMANDS = """
    js json args http error random do union map branch object binary uuid type_of info range
    literal asc desc db db_create db_drop db_list table table_create table_drop table_list grant
    group reduce count sum avg min max distinct contains eq ne le ge lt gt and_ or_ not_ add sub
    mul div mod bit_and bit_or bit_xor bit_not bit_sal bit_sar floor ceil round time iso8601
    epoch_time now make_timezone geojson point line polygon distance intersects circle expr format
""".split()  # noqa: SIM905
CONSTANTS = """
    row minval maxval monday tuesday wednesday thursday friday saturday sunday january february
    march april may june july august september october november december
""".split()  # noqa: SIM905
OTHERS = """
    connect set_loop_type connection_type make_connection Connection DefaultConnection Cursor
    DEFAULT_PORT RqlQuery ReQLEncoder ReQLDecoder Repl ast errors net query
""".split()  # noqa: SIM905
ERRORS = [name for name in errors.__all__ if name[0] == "R"]

PLACES = {"module": rethinkdb, "r": r, "another": RethinkDB()}


def python(code: str) -> str:
    run = [sys.executable, "-c", code]
    return subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", [*COMMANDS, *CONSTANTS, *OTHERS, *ERRORS])
def test_name_is_there(place: str, name: str) -> None:
    assert getattr(PLACES[place], name) is not None
    assert name in dir(PLACES[place])


def test_query_has_these_and_no_others() -> None:
    assert sorted(query.__all__) == sorted([*COMMANDS, *CONSTANTS])
    for name in query.__all__:
        if name not in CONSTANTS:
            assert getattr(r, name) is getattr(query, name)
            assert getattr(query, name).__name__ == name


def test_module_and_r_are_one() -> None:
    assert rethinkdb.r is r
    assert rethinkdb.rethinkdb is r
    assert rethinkdb.connect == r.connect
    assert rethinkdb.ReqlError is r.ReqlError is errors.ReqlError
    assert rethinkdb.__version__.count(".") >= 2


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="module 'rethinkdb' has no attribute 'wait'"):
        rethinkdb.wait  # noqa: B018
    with pytest.raises(AttributeError, match="'RethinkDB' object has no attribute 'wait'"):
        r.wait  # noqa: B018
    assert not hasattr(rethinkdb, "__wrapped__")
    assert not hasattr(r, "open")
    with pytest.raises(ImportError):
        exec("from rethinkdb import nothing")


def test_the_stubs_are_current() -> None:
    wanted = dict(stubs())
    assert {path: path.read_text("utf-8") for path in wanted} == wanted, "run `make format`"


def test_each_loop_says_what_run_returns() -> None:
    assert set(LOOPS) == set(BUILT_IN)


def test_star_import_leaves_builtins_alone() -> None:
    scope: dict[str, Any] = {}
    exec("from rethinkdb import *", scope)
    assert scope["r"] is scope["rethinkdb"] is r
    assert scope["RethinkDB"] is RethinkDB
    assert scope["ReqlRuntimeError"] is errors.ReqlRuntimeError
    del scope["__builtins__"]
    assert not {name for name in scope if hasattr(builtins, name)}


class TestLoopTypes:
    def test_each_object_has_its_own(self) -> None:
        one, two = RethinkDB(), RethinkDB()
        one.set_loop_type("asyncio")
        assert one.connection_type is not two.connection_type
        assert two.connection_type is two.DefaultConnection
        one.set_loop_type()
        assert one.connection_type is two.connection_type

    def test_module_and_r_share_theirs(self) -> None:
        try:
            rethinkdb.set_loop_type("asyncio")
            assert r.connection_type is rethinkdb.connection_type
            assert r.connection_type.__module__ == "rethinkdb.loops.asyncio"
        finally:
            r.set_loop_type(None)
        assert rethinkdb.connection_type is r.DefaultConnection

    def test_unknown_one(self) -> None:
        mine = RethinkDB()
        before = mine.connection_type
        with pytest.raises(ValueError, match=r"asyncio.*tornado") as caught:
            mine.set_loop_type("nothing")
        assert isinstance(caught.value, ReqlDriverError)
        assert mine.connection_type is before

    def test_base_classes_do_not_depend_on_it(self) -> None:
        mine = RethinkDB()
        mine.set_loop_type("asyncio")
        assert issubclass(mine.connection_type, r.Connection)
        assert mine.Connection is r.Connection

    def test_connect_uses_it(self) -> None:
        calls: list[Any] = []

        class Recorder:
            @classmethod
            def make(cls, *args: Any, **kwargs: Any) -> str:
                calls.append((args, kwargs))
                return "connection"

        mine = RethinkDB()
        mine.connection_type = Recorder  # type: ignore[assignment]
        assert mine.connect("h", 1, "d", user="u", nursery="n") == "connection"
        (args, kwargs) = calls[0]
        assert args == ("h", 1, "d", None, "u", None, None, None, None)
        assert kwargs == {"nursery": "n"}

    def test_adds_names_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        adapter = types.ModuleType("adapter")
        adapter.open = "opens"  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "adapter", adapter)
        mine = RethinkDB()
        mine.connection_type = type("Connection", (), {"__module__": "adapter"})
        assert mine.open == "opens"
        assert not hasattr(mine, "ConnectionPool")
        assert not hasattr(RethinkDB(), "open")

    def test_connect_can_choose_for_once(self) -> None:
        mine = RethinkDB()
        with pytest.raises(ValueError, match="Unknown loop type"):
            mine.connect(loop_type="nothing")
        coroutine = mine.connect("localhost", loop_type="asyncio")
        coroutine.close()
        assert mine.connection_type is mine.DefaultConnection


class TestImporting:
    def test_tools_that_are_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "rethinkdb._dump", None)
        with pytest.raises(AttributeError, match="_dump"):
            r._dump  # noqa: B018

    def test_types_of_signatures_can_be_imported(self) -> None:
        assert importlib.import_module("rethinkdb.reql.types").Value is Any

    def test_orjson_is_not_required(self) -> None:
        code = "import sys; sys.modules['orjson'] = None; from rethinkdb.codec import *"
        assert python(f"{code}; print(Codec().encode([1]), Codec().decoder({{}}))").startswith(
            "b'[1]'"
        )

    def test_package_alone_is_nearly_nothing(self) -> None:
        before = set(python("import sys; print(*sys.modules)").split())
        after = set(python("import sys, rethinkdb; print(*sys.modules)").split())
        assert after - before == {"__future__", "rethinkdb", "rethinkdb.version"}

    def test_queries_need_neither_network_nor_loops(self) -> None:
        code = "import sys, rethinkdb as r; r.table('t').build(); print(*sys.modules)"
        loaded = set(python(code).split())
        unwanted = {
            "socket",
            "ssl",
            "asyncio",
            "select",
            "json",
            "orjson",
            "inspect",
            "dataclasses",
            "ipaddress",
            "pathlib",
            "urllib.parse",
        }
        unwanted |= {"tornado", "twisted", "trio", "gevent", "rethinkdb.net", "rethinkdb.loops"}
        before = set(python("import sys; print(*sys.modules)").split())
        assert loaded & unwanted - before == set()

    def test_parts_do_not_pull_in_the_whole(self) -> None:
        code = "import sys; from rethinkdb import codec, ql2, errors; print(*sys.modules)"
        assert "rethinkdb.ast" not in python(code).split()

    def test_submodules_without_importing_them(self) -> None:
        assert python("import rethinkdb; print(rethinkdb.errors.ReqlError.__name__)") == (
            "ReqlError\n"
        )
