"""Old paths of what adapters from elsewhere use lead to the things themselves."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

FACES = {
    "coroutines": "transport.coroutines",
    "opening": "transport.opening",
    "place": "transport.place",
    "sockets": "transport.sockets",
    "tls": "transport.tls",
    "trio_pool": "trio",
    "wire": "transport.wire",
    "wired": "transport.wired",
}


def assert_same(old: str, new: str) -> None:
    face, real = import_module(old), import_module(new)
    assert face.__all__
    for name in face.__all__:
        assert getattr(face, name) is getattr(real, name)


@pytest.mark.parametrize(("old", "new"), FACES.items())
def test_parts_of_adapters(old: str, new: str) -> None:
    if new == "trio":
        pytest.importorskip("trio")
    assert_same(f"rethinkdb.loops.{old}", f"rethinkdb.loops.{new}")


@pytest.mark.parametrize("name", ["conformance", "conformance.drivers"])
def test_conformance(name: str) -> None:
    assert_same(f"rethinkdb.loops.{name}", f"rethinkdb.testing.{name}")
    face, real = (
        import_module(f"rethinkdb.loops.{name}"),
        import_module(f"rethinkdb.testing.{name}"),
    )
    assert face.__all__ == real.__all__


def test_the_command_of_conformance() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, "-m", f"rethinkdb.{where}.conformance", "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        for where in ("loops", "testing")
    ]
    old, new = ((done.returncode, done.stdout) for done in outputs)
    assert old == new
