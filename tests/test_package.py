"""The package as users get it: a wheel in an empty environment, and the README's promises."""

from __future__ import annotations

import ast
import configparser
import io
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

import rethinkdb
from rethinkdb import r
from rethinkdb.cli.demo import EXTRAS
from rethinkdb.cli.demo_loops import LOOPS, WITHOUT_EXTRA, code_of, show_loop
from rethinkdb.cli.demo_tour import STEPS
from rethinkdb.embedded import Server

ROOT = Path(__file__).resolve().parent.parent

USE_OF_THE_WHEEL = """
import sys
from importlib.metadata import entry_points, version
import rethinkdb
from rethinkdb import r

assert "site-packages" in rethinkdb.__file__, rethinkdb.__file__
assert version("rethinkdb-loops") == rethinkdb.__version__
with r.connect(host=sys.argv[1], port=int(sys.argv[2])) as conn:
    r.db_create("from_the_wheel").run(conn)
    r.db("from_the_wheel").table_create("t").run(conn)
    r.db("from_the_wheel").table("t").insert({"id": 1, "when": r.now()}).run(conn)
    assert r.db("from_the_wheel").table("t").count().run(conn) == 1
    print(conn.server()["name"])
"""


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation, so that it needs no registry: the backend is a development dependency.
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (found,) = folder.glob("rethinkdb_loops-*.whl")
    return found


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "rethinkdb/py.typed" in names
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "rethinkdb").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packaged = {name for name in names if ".dist-info/" not in name}
    assert packaged == sources


def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / "python"
    # No dependency either: this is also the driver on the standard library's JSON alone.
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    with Server() as server:
        done = run(
            python, "-W", "error", "-c", USE_OF_THE_WHEEL, server.host, server.port, cwd=tmp_path
        )
    assert done.stdout.strip()
    for command in ([scripts / "reql"], [python, "-m", "rethinkdb"]):
        shown = run(*command, "--version", cwd=tmp_path).stdout
        assert shown == f"rethinkdb-loops {rethinkdb.__version__}\n"
    for command, extras in (("demo", "cli,embedded"), ("serve", "embedded")):
        done = subprocess.run(
            [scripts / "reql", command], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert done.stderr.startswith(f"reql {command}: ")
        assert done.stderr.endswith(f"pip install 'rethinkdb-loops[{extras}]'\n")
        assert done.stderr.count("\n") == 1


def test_no_command_has_the_name_of_the_server_s_own(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (found,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        entries = configparser.ConfigParser()
        entries.read_string(archive.read(found).decode())
    assert "reql" in entries["console_scripts"]
    assert "rethinkdb" not in entries["console_scripts"]


def test_programs_that_ask_for_a_version_take_this_for_a_new_one(wheel: Path) -> None:
    """They compare texts or numbers, with those of the official package."""
    assert rethinkdb.__version__ >= "2.3.0"
    numbers = tuple(int(number) for number in rethinkdb.__version__.split(".")[:3])
    assert numbers >= (2, 4, 10)
    assert f"-{rethinkdb.__version__}-" in wheel.name


def test_the_readme_s_example_runs_as_written() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(example.strip().splitlines()) <= 10
    lines = run(sys.executable, "-W", "error", "-c", example, cwd=ROOT).stdout.splitlines()
    assert lines[0] == "['Ada', 'Grace']"
    assert "Rear Admiral" in lines[1]


DEMO_SECONDS = 10

TWO_CHANGES = {
    f"Seen on table {table}: {{'new_val': {{'id': 0}}, 'old_val': None}}" for table in "ab"
}


@pytest.fixture(scope="module")
def demo() -> str:
    """What `make demo` prints; it may take its time no longer than promised."""
    # By the environment, which the programs of the loops inherit. They need no server of mine.
    env = {**os.environ, "PYTHONWARNINGS": "error", "RETHINKDB_URL": "localhost:1"}
    start = sum(os.times()[2:4])
    done = run(sys.executable, "-m", "rethinkdb", "demo", cwd=ROOT, env=env)
    # Of the processor, as others may be using it.
    assert sum(os.times()[2:4]) - start < DEMO_SECONDS
    assert not done.stderr
    return done.stdout


def test_the_demo_shows_what_it_promises(demo: str) -> None:
    for expected in (
        'r.table_create("heroes")',
        "['Radia', 'Grace', 'Ada']",
        ">>> feed.next()\n{'new_val': {'born': 1939, 'id': 4, 'name': 'Barbara'}, 'old_val': None}",
        "ReqlQueryLogicError",
        "^^^^",
    ):
        assert expected in demo


def test_the_demo_uses_nothing_that_it_has_not_shown(demo: str) -> None:
    lines = [line.removeprefix(">>> ") for line in demo.splitlines() if line.startswith(">>> ")]
    assert len(lines) == sum(map(len, STEPS.values()))
    known: set[str] = set()
    for line in lines:
        nodes = list(ast.walk(ast.parse(line)))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        assert {name.id for name in names if isinstance(name.ctx, ast.Load)} <= known, line
        known |= {name.id for name in names}
        known |= {
            alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
        }


def test_the_demo_does_not_repeat_itself(demo: str) -> None:
    alike = Counter(re.sub(r"\b[ab]\b|\d+", "", line).strip() for line in demo.splitlines())
    del alike[""]
    (line, times), *_ = alike.most_common()
    assert times <= 2 * len(LOOPS), line


@pytest.mark.parametrize("loop", LOOPS)
def test_the_demo_shows_two_feeds_on_each_loop(demo: str, loop: str) -> None:
    if loop not in WITHOUT_EXTRA:
        pytest.importorskip(loop)
    _, _, rest = demo.partition(f"\ntwo feeds at once with {LOOPS[loop]}\n")
    code, command, output = rest.split("\n\n")[0].partition(
        f"$ python -m rethinkdb.cli.demos.{loop} "
    )
    assert [line.rstrip() for line in code.splitlines()] == code_of(loop).splitlines()
    assert command
    address, *lines = output.splitlines()
    assert re.fullmatch(r"127\.0\.0\.1 \d+", address)
    assert lines[-1] == "... and 18 more: 10 on table a, 10 on table b"
    assert len(lines[:-1]) == len(TWO_CHANGES)
    assert set(lines[:-1]) == TWO_CHANGES


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_demo_installs_what_the_demo_needs_and_says_so(tmp_path: Path) -> None:
    shown = run("make", "-n", "-C", ROOT, "demo", f"VENV={tmp_path}/venv").stdout
    (installed,) = re.findall(r"--editable '\.\[(.*)\]'", shown)
    assert set(installed.split(",")) == {*EXTRAS, *LOOPS.keys() - WITHOUT_EXTRA}
    for command in ("-m venv", "-m pip"):
        before = shown[: shown.index(command)].splitlines()
        assert before[-2].startswith("echo "), before


def test_the_demo_skips_a_loop_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trio", None)
    console = Console(file=io.StringIO(), width=200)
    with Server() as server, console.capture() as shown:
        assert show_loop(console, "trio", server)
    assert "pip install 'rethinkdb-loops[trio]'" in shown.get()


def test_the_program_of_a_loop_leaves_the_tables_of_others_alone(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console = Console(file=io.StringIO(), width=200)
    with Server() as server, r.connect(server.host, server.port) as conn:
        r.table_create("b").run(conn)
        r.table("b").insert({"id": "mine"}).run(conn)
        assert not show_loop(console, "blocking", server)
        assert list(r.table("b").run(conn)) == [{"id": "mine"}]
    assert "Table `test.b` already exists" in capfd.readouterr().err


@pytest.mark.parametrize("loop", LOOPS)
def test_the_program_of_a_loop_drops_its_tables(loop: str) -> None:
    if loop not in WITHOUT_EXTRA:
        pytest.importorskip(loop)
    console = Console(file=io.StringIO(), width=200)
    with Server() as server, r.connect(server.host, server.port) as conn:
        assert show_loop(console, loop, server)
        assert r.table_list().run(conn) == []


@pytest.mark.parametrize("loop", LOOPS)
def test_the_program_of_a_loop_asks_the_environment_where_to_connect(loop: str) -> None:
    if loop not in WITHOUT_EXTRA:
        pytest.importorskip(loop)
    with Server() as server:
        for where in (f"{server.host}:{server.port}", server.url):
            env = {**os.environ, "RETHINKDB_URL": where}
            done = run(sys.executable, "-m", f"rethinkdb.cli.demos.{loop}", cwd=ROOT, env=env)
            assert len(done.stdout.splitlines()) == 20
