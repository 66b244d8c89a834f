"""Finding a loop by its name."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import loops
from rethinkdb.errors import ReqlDriverError, ReqlLoopTypeError
from rethinkdb.loops.blocking import Connection
from rethinkdb.net.connection import BaseConnection

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


class ThirdParty(BaseConnection):
    """An adapter of another package."""

    LOOP_API = 1


class Outdated(BaseConnection):
    """One that was written for another core."""

    LOOP_API = 0


class Silent(BaseConnection):
    """One that does not say."""


def register(monkeypatch: pytest.MonkeyPatch, **targets: str) -> None:
    """As if installed packages had these entry points."""
    entries = [EntryPoint(name, target, loops.GROUP) for name, target in targets.items()]

    def entry_points(*, group: str) -> list[EntryPoint]:
        assert group == loops.GROUP
        return entries

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_none_is_the_blocking_driver() -> None:
    assert loops.load(None) is Connection
    assert loops.load("blocking") is Connection


def test_every_built_in_loop_declares_the_api() -> None:
    for name in loops.BUILT_IN:
        assert loops.load(name).__dict__["LOOP_API"] == loops.LOOP_API


def test_unknown_name() -> None:
    with pytest.raises(ReqlLoopTypeError, match="Unknown loop type `asincio`") as caught:
        loops.load("asincio")
    assert "blocking" in str(caught.value)
    assert isinstance(caught.value, ReqlDriverError)
    assert isinstance(caught.value, ValueError)


def test_a_name_is_a_string() -> None:
    name: Any = 5
    with pytest.raises(ReqlLoopTypeError, match="A loop type is a name or None, not int"):
        loops.load(name)


def test_a_loop_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, curio=f"{__name__}:ThirdParty")
    assert loops.load("curio") is ThirdParty
    assert loops.known_names()[-1] == "curio"
    with pytest.raises(ReqlLoopTypeError, match="curio"):
        loops.load("other")


def test_nobody_replaces_a_built_in_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, blocking=f"{__name__}:ThirdParty")
    assert loops.load("blocking") is Connection
    assert loops.known_names().count("blocking") == 1


@pytest.mark.parametrize("adapter", ["Outdated", "Silent"])
def test_an_adapter_for_another_core(monkeypatch: pytest.MonkeyPatch, adapter: str) -> None:
    register(monkeypatch, curio=f"{__name__}:{adapter}")
    with pytest.raises(ReqlDriverError, match="not written for LOOP_API 1"):
        loops.load("curio")


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(loops.BUILT_IN, "trio", "no_such_library:Connection")
    with pytest.raises(ImportError, match=r"pip install 'rethinkdb-loops\[trio\]'") as caught:
        loops.load("trio")
    assert "needs no_such_library" in str(caught.value)
    assert caught.value.name == "no_such_library"


@pytest.mark.parametrize("target", ["no_such_package:Connection", "rethinkdb.no_such:Connection"])
def test_a_broken_adapter_fails_as_it_is(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    register(monkeypatch, curio=target)
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        loops.load("curio")


def test_installed_and_uninstalled_trees_agree() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 has it")
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    assert project["entry-points"][loops.GROUP] == loops.BUILT_IN


LOOP_LIBRARIES = ("asyncio", "tornado", "twisted", "trio", "gevent")


def test_importing_the_package_imports_no_loop_library() -> None:
    code = "import sys, rethinkdb, rethinkdb.loops; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not set(LOOP_LIBRARIES) & set(result.stdout.split())
