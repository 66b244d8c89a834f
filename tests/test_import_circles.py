"""No module imports itself by way of others.

The source is read, as in `test_layering`, so an import inside a function counts too. That a package
imports the modules in it is no circle by itself: only what a module names counts, not the packages
that Python loads on the way to it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from . import test_layering as layering
from .test_layering import PACKAGE, imports, modules

Graph = dict[str, set[str]]

# Where the classes of terms and the types of arguments meet, for type checkers only.
MEETING_PLACE = "rethinkdb.reql.types"


def graph() -> Graph:
    """The modules of ours that each module imports."""
    paths = {name_of(path): path for path in modules()}
    return {
        name: {module_of(found, paths) for found in imports(path)} - {name, ""}
        for name, path in paths.items()
    }


def name_of(path: Path) -> str:
    parts = ["rethinkdb", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_of(found: str, names: Iterable[str]) -> str:
    """The module that an imported name is, or is in; empty if it is not one of ours."""
    while found and found not in names:
        found = found.rpartition(".")[0]
    return found


def within(package: str, imported: Graph) -> Graph:
    """What the modules of a package import."""
    inside = f"{package}."
    return {name: others for name, others in imported.items() if f"{name}.".startswith(inside)}


def circle(imported: Graph) -> list[str]:
    """A way from a module back to it, if there is one."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as exc:
        return list(exc.args[1])
    return []


def packages() -> list[str]:
    return sorted({name_of(path.parent / "__init__.py") for path in modules()})


@pytest.mark.parametrize("package", packages())
def test_no_package_imports_in_a_circle(package: str) -> None:
    assert circle(within(package, graph())) == []


def test_type_checkers_meet_one_circle_in_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be done without: methods of terms return terms."""

    def everything(node: ast.AST) -> Iterator[ast.AST]:
        return (found for found in ast.walk(node) if found is not node)

    monkeypatch.setattr(layering, "running", everything)
    inside = within("rethinkdb.reql", graph())
    assert circle(inside)
    assert circle({**inside, MEETING_PLACE: set()}) == []


def test_the_finder_of_circles_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    monkeypatch.setattr(layering, "PACKAGE", tmp_path)
    files = {
        "__init__.py": "from .a import x",
        "a.py": "def late():\n    from . import b",
        "b.py": "from rethinkdb.c import x",
        "c.py": "import rethinkdb.a",
        "d.py": "from . import __version__",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = graph()
    assert found["rethinkdb.b"] == {"rethinkdb.c"}
    assert found["rethinkdb.d"] == {"rethinkdb"}
    assert set(circle(found)) == {"rethinkdb.a", "rethinkdb.b", "rethinkdb.c"}
    assert circle({**found, "rethinkdb.c": set()}) == []
