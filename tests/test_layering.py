"""Who may import whom.

The source is read, not run, so an import inside a function counts too. `rethinkdb/__init__.py`
offers everything, lazily; it stands above all layers, and so does whatever imports it on purpose.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import rethinkdb

PACKAGE = Path(rethinkdb.__file__).parent

LOOP_LIBRARIES = {"asyncio", "gevent", "tornado", "trio", "twisted"}

# What the wire core and the pool must do without: sockets, clocks, threads, loops.
IO = {"_thread", "select", "selectors", "signal", "socket", "ssl", "threading", "time"}

# Modules and packages, lowest first. Each may import from its own line and from those it names.
ALLOWED = {
    "version": set(),
    "installation": set(),
    "warning": set(),
    "ql2": set(),
    "errors": {"ql2"},
    "pseudotypes": {"errors", "ql2"},
    "converters": {"errors"},
    "replies": {"ql2"},
    "codec": {"converters", "errors", "ql2", "pseudotypes", "replies"},
    "typed": {"codec", "converters", "errors", "pseudotypes", "ql2"},
    "repl": {"errors"},
    "reql": {"codec", "converters", "errors", "pseudotypes", "ql2", "repl", "typed", "warning"},
    "ast": {"errors", "pseudotypes", "repl", "reql"},
    "query": {"reql"},
    "net": {"codec", "converters", "errors", "ql2", "repl", "typed", "version", "installation"},
    "pool": {"codec", "errors", "net", "ql2", "typed"},
    "push": {"errors", "net", "repl", "typed", "warning"},
    "monitoring": {"codec", "errors", "net", "ql2"},
    "loops": {"codec", "errors", "net", "pool", "ql2", "version"},
    # Faces: names under which programs for the official package find things.
    "ql2_pb2": {"ql2"},
    "asyncio_net": {"loops"},
    "tornado_net": {"loops"},
    "twisted_net": {"loops"},
    "trio_net": {"loops"},
    "gevent_net": {"loops"},
    "loops/conformance": {"testing"},
    "otel": {"errors", "loops", "monitoring", "pool", "version"},
    "tools": {"codec", "errors", "loops", "pool", "ql2", "query"},
    "embedded": {"errors", "net", "ql2", "version"},
    "testing": {
        "embedded",
        "errors",
        "loops",
        "monitoring",
        "net",
        "pool",
        "ql2",
        "query",
        "typed",
    },
}

# The parts of the embedded server, lowest first: each may import from those before it.
EMBEDDED = [
    "limits",
    "blocking",
    "failures",
    "data",
    "outside",
    "geo",
    "storage",
    "language",
    "keeping",
    "system",
    "feeds",
    "terms",
    "serving",
    "chaos",
    "cluster",
    "server",
]

# Importing these brings these loop libraries, and nobody else does.
LOOP_MODULES = {name: {name} for name in LOOP_LIBRARIES} | {
    "tornado": {"asyncio", "tornado"},
    "event_loop": {"asyncio"},
    "event_loop_pool": {"asyncio"},
}

# Of those for tests of users, who name the one they need.
TESTING_MODULES = {"tornado": {"tornado"}, "fixtures": {"trio"}}


def modules(part: str = "") -> list[Path]:
    """The source files of a part of the package; all without one."""
    single = PACKAGE / f"{part}.py"
    if single.exists():
        return [single]
    within = [name for name in ALLOWED if part and name.startswith(f"{part}/")]
    return [
        path
        for path in sorted((PACKAGE / part).rglob("*.py"))
        if not any(path.is_relative_to(PACKAGE / name) for name in within)
    ]


def imports(path: Path) -> Iterator[str]:
    """Absolute names of all that a file imports when it runs, wherever the import stands in it."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    package = ["rethinkdb", *path.relative_to(PACKAGE).parent.parts]
    for node in running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from (grand for other in child.orelse for grand in [other, *running(other)])
            continue
        yield child
        yield from running(child)


def parts_imported(path: Path) -> set[str]:
    """The parts of this package that a file imports."""
    ours = (name.split(".") for name in imports(path) if name.startswith("rethinkdb."))
    return {parts[1] for parts in ours}


def top_level(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


SANS_IO = [*modules("net"), *modules("pool")]


@pytest.mark.parametrize("path", SANS_IO, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_wire_core_and_the_pool_are_sans_io(path):
    assert not top_level(path) & (IO | LOOP_LIBRARIES)


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_point_downwards(part):
    for path in modules(part):
        upwards = parts_imported(path) - ALLOWED[part] - {part.split("/")[0]}
        assert not upwards, f"{path.relative_to(PACKAGE)} imports {upwards}"


@pytest.mark.parametrize("part", EMBEDDED)
def test_the_embedded_server_s_imports_point_downwards(part):
    above = set(EMBEDDED[EMBEDDED.index(part) + 1 :])
    for path in modules(f"embedded/{part}"):
        ours = (name.split(".") for name in imports(path) if name.startswith("rethinkdb.embedded."))
        upwards = {names[2] for names in ours} & above
        assert not upwards, f"{path.relative_to(PACKAGE)} imports {upwards}"


def test_the_rooms_of_the_loops_are_apart():
    rooms = [path for path in (PACKAGE / "loops").iterdir() if path.is_dir()]
    names = {path.name for path in rooms} - {"__pycache__"}
    for path in modules("loops"):
        room = path.relative_to(PACKAGE / "loops").parts[0]
        if room not in names:  # a face of what is in a room
            continue
        ours = (name.split(".") for name in imports(path) if name.startswith("rethinkdb.loops."))
        others = {parts[2] for parts in ours} & names - {room, "transport"}
        assert not others, f"{path.relative_to(PACKAGE)} imports {others}"


def test_nobody_but_the_top_imports_the_top():
    for part in ("ql2", "errors", "pseudotypes", "codec", "repl", "net", "pool", "loops"):
        for path in modules(part):
            assert "rethinkdb" not in set(imports(path)), path


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_loop_libraries_are_imported_by_their_adapters_only(path):
    allowed: set[str] = set()
    if path.parent.name in ("transport", "runners", "demos"):
        allowed = LOOP_MODULES.get(path.stem, set())
    if path.parent.parent.name == "loops":
        allowed = LOOP_MODULES.get(path.parent.name, allowed)
    used = top_level(path) & LOOP_LIBRARIES
    if path.relative_to(PACKAGE).parts[0] in ("cli", "push", "embedded"):
        allowed = {"asyncio"} | allowed  # in the standard library, so nobody need install it
    if path.parent.name == "conformance":
        allowed = LOOP_LIBRARIES
    if path.parent.name == "testing":
        allowed = TESTING_MODULES.get(path.stem, set())
    assert not used - allowed


def loaded_by(statement: str) -> set[str]:
    """Which modules of interest a fresh interpreter has loaded after a statement."""
    interesting = sorted(LOOP_LIBRARIES | {"rethinkdb.embedded", "rethinkdb.cli", "socket", "ssl"})
    code = f"import sys\n{statement}\nprint(*[n for n in {interesting} if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_package_imports_no_loop():
    loaded = loaded_by("import rethinkdb; rethinkdb.r.table('t').filter({'a': 1})")
    assert not loaded & (LOOP_LIBRARIES | {"rethinkdb.embedded", "rethinkdb.cli"})


def test_the_wire_core_alone_needs_no_socket():
    assert loaded_by("import rethinkdb.net.session, rethinkdb.net.server") == set()


def test_the_pool_alone_needs_no_socket():
    assert loaded_by("import rethinkdb.pool.decisions") == set()


def test_the_finder_finds(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "net").mkdir()
    path = tmp_path / "net" / "example.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "import socket as s\n"
        "from . import query\n"
        "from .. import codec\n"
        "from ..loops.blocking import Connection\n"
        "if TYPE_CHECKING:\n    import trio\nelse:\n    import select\n"
        "def late():\n    from rethinkdb import ast\n"
    )
    assert set(imports(path)) == {
        "typing.TYPE_CHECKING",
        "socket",
        "select",
        "rethinkdb.net.query",
        "rethinkdb.codec",
        "rethinkdb.loops.blocking.Connection",
        "rethinkdb.ast",
    }
    assert parts_imported(path) == {"net", "codec", "loops", "ast"}


# --- no module imports itself by way of others

Graph = dict[str, set[str]]

# Where the classes of terms and the types of arguments meet, for type checkers only.
MEETING_PLACE = "rethinkdb.reql.types"


def graph() -> Graph:
    """The modules of ours that each module imports.

    Only what it names counts, not the packages that Python loads on the way to it: a package may
    import the modules in it.
    """
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


@pytest.fixture(scope="module")
def imported():
    """What each module imports. To read them all takes most of a second, so it is done once."""
    return graph()


@pytest.mark.parametrize("package", packages())
def test_no_package_imports_in_a_circle(package, imported):
    assert circle(within(package, imported)) == []


def test_type_checkers_meet_one_circle_in_the_language(monkeypatch):
    """It cannot be done without: methods of terms return terms."""

    def everything(node: ast.AST) -> Iterator[ast.AST]:
        return (found for found in ast.walk(node) if found is not node)

    monkeypatch.setitem(globals(), "running", everything)
    inside = within("rethinkdb.reql", graph())
    assert circle(inside)
    assert circle({**inside, MEETING_PLACE: set()}) == []


def test_the_finder_of_circles_finds(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
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
