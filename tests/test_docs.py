"""The documentation: it builds, its code runs, its tables are true, and it is complete."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import errors, loops, query, r
from rethinkdb.ast import DB, RqlQuery, Table
from rethinkdb.embedded import Server

from .loop_facts import LOOPS
from .pages import parts_of
from .tables import DOCS, rows_of

tomllib: Any = None
if sys.version_info >= (3, 11):
    import tomllib

pytest.importorskip("sphinx", reason="needs the extra dev")

ROOT = DOCS.parent
# Seconds for what is certain to come to an end: the site takes 15 of a machine at rest.
PATIENCE = 300

pytestmark = pytest.mark.timeout(PATIENCE + 10)

BUILD = ("-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html")

PAGES = sorted(DOCS.rglob("*.md"))
PARTS = [
    pytest.param(page, part, id=f"{page.relative_to(DOCS)}-{part}")
    for page in PAGES
    for part, blocks in enumerate(parts_of(page))
    if blocks
]

MATRIX = "topics/matrix.md"
MATRIX_HEADER = "| | blocking | asyncio | Tornado | Twisted | trio | gevent |"


# Tornado warns of what it does itself when a program asks for its loop before one runs.
WARNINGS = (
    "-Werror",
    "-Wignore:There is no current event loop:DeprecationWarning:tornado.ioloop",
)


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in a process of its own, which must not write to stderr; warnings are errors."""
    done = subprocess.run(
        [sys.executable, *WARNINGS, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def port() -> Iterator[str]:
    """The port of a new server."""
    with Server() as server:
        yield str(server.port)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it."""
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, *BUILD, "-d", str(target / "doctrees"), str(DOCS), str(target / "html")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return target / "html"


@pytest.fixture(scope="module")
def documented(site: Path) -> set[str]:
    """The names of Python that the site documents."""
    from sphinx.util.inventory import InventoryFile

    with (site / "objects.inv").open("rb") as stream:
        inventory: Any = InventoryFile.load(stream, "", lambda base, uri: uri)
    return {name for domain, names in inventory.items() if domain[:3] == "py:" for name in names}


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("commands", '{"dbs_created": 1, "config_changes": '),
        ("commands", "An object of counts: "),
        ("connections", '{"id": uuid, "name": name, "proxy": bool}'),
        ("cursors", "How the query ended: None while it runs"),
    ],
)
def test_what_calls_return_is_shown_as_written(site: Path, page: str, shown: str) -> None:
    """Sphinx would take the text before a colon for the name of a type."""
    source = (site / "reference" / f"{page}.html").read_text()
    text = html.unescape(re.sub("<[^>]+>", "", source))
    assert shown in " ".join(text.split())


@pytest.mark.parametrize("owner", [RqlQuery, Table, DB])
def test_every_command_is_documented(documented: set[str], owner: type) -> None:
    commands = [
        name
        for name in dir(owner)
        if not name.startswith("_") and hasattr(getattr(owner, name), "command")
    ]
    shown = {name.rpartition(".")[2] for name in documented if name.startswith("rethinkdb.ast.")}
    assert not set(commands) - shown


def test_every_function_is_documented(documented: set[str]) -> None:
    shown = {name.rpartition(".")[2] for name in documented}
    functions = {name for name in query.__all__ if callable(getattr(query, name))}
    constants = {name for name in functions if isinstance(getattr(query, name), RqlQuery)}
    assert not functions - constants - shown


def test_every_error_is_documented(documented: set[str]) -> None:
    classes = {name for name in errors.__all__ if getattr(errors, name).__name__ == name}
    assert (
        not {f"rethinkdb.errors.{name}" for name in classes - {"error_from_response"}} - documented
    )


def test_the_tree_of_errors_is_that_of_the_module() -> None:
    tree = (errors.__doc__ or "").split("\n\n")[1].replace("\n    ", "\n").strip()
    assert tree in (DOCS / "topics/errors.md").read_text()


@pytest.mark.parametrize("loop", loops.BUILT_IN)
def test_every_loop_is_documented(documented: set[str], loop: str) -> None:
    assert f"rethinkdb.loops.{loop}.Connection" in documented
    assert (DOCS / "howto" / f"{loop}.md").exists()


@pytest.mark.parametrize(("page", "part"), PARTS)
def test_the_code_of_a_page_runs(page: Path, part: int, port: str) -> None:
    python("-m", "tests.pages", str(page), str(part), port)
    assert what_is_left(port) == ({"rethinkdb", "test"}, [])


def what_is_left(port: str) -> tuple[set[str], list[str]]:
    """The databases of a server, and the tables of `test`.

    A reader tries one page after another on the same server, so a page must remove what it made.
    """
    with r.connect("localhost", int(port)) as conn:
        return set(r.db_list().run(conn)), r.table_list().run(conn)


def test_what_is_not_run_says_why() -> None:
    for page in PAGES:
        for line in page.read_text().splitlines():
            if line.startswith("<!-- not run"):
                assert line.startswith("<!-- not run: ")


@pytest.mark.parametrize("loop", LOOPS)
def test_the_matrix_is_true(loop: str, port: str) -> None:
    column = 1 + list(LOOPS).index(loop)
    rows = rows_of(MATRIX, MATRIX_HEADER)
    shown = {row[0].replace("`", ""): row[column].replace("`", "") for row in rows}
    assert shown == json.loads(python("-m", "tests.loop_facts", loop, port).stdout)


@pytest.mark.skipif(tomllib is None, reason="Python 3.10 cannot read pyproject.toml")
def test_the_versions_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for library, version, extra in rows_of(MATRIX, "| library | version | extra |"):
        (requirement,) = extras[extra]
        number = version.removesuffix(" or later")
        assert requirement.lower().replace("[tls]", "") == f"{library.lower()}>={number}"
    assert project["requires-python"] == ">=3.10"
