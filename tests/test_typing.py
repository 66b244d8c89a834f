"""What strict mypy makes of programs that use the driver.

Files in `typing/accepted` are to pass; each line in `typing/rejected` that is to be refused says
so, with the codes of mypy's errors: `# error: arg-type`. None of them is ever run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("mypy", "gevent", "tornado", "trio", "twisted")
MISSING = [library for library in NEEDED if find_spec(library) is None]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"without {', '.join(MISSING)}")

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(__file__).resolve().parent / "typing"
ACCEPTED = sorted(PROGRAMS.glob("accepted/[!_]*.py"))
REJECTED = sorted(PROGRAMS.glob("rejected/[!_]*.py"))


ANNOUNCED = re.compile(r"# error: ([a-z -]+)$")

LOOPS = {"blocking", "asyncio", "tornado", "twisted", "trio", "gevent"}

# What `dir()` shows that is imported by its own name only, and what a module happens to hold.
NOT_NAMES = {f"rethinkdb.{name}" for name in ("annotations", "cli", "embedded", "testing", "tools")}

# How often a line has an error of a code.
Errors = Counter[tuple[int, str]]


@cache
def found() -> dict[Path, Errors]:
    """The errors by file: one run of mypy, as the project is set up, for all of them."""
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", str(PROGRAMS)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors: dict[Path, Errors] = {}
    for line in done.stdout.splitlines():
        report = json.loads(line)
        if report["severity"] == "error":
            of_file = errors.setdefault(ROOT / report["file"], Counter())
            of_file[report["line"], report["code"]] += 1
    return errors


def announced(program: Path) -> Errors:
    """The errors that a file's comments announce."""
    errors: Errors = Counter()
    for number, line in enumerate(program.read_text("utf-8").splitlines(), 1):
        if match := ANNOUNCED.search(line):
            errors.update((number, code) for code in match[1].split())
    return errors


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "program", [*ACCEPTED, *REJECTED], ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_mypy_refuses_what_is_wrong_and_nothing_else(program: Path) -> None:
    assert found().get(program, Counter()) == announced(program)


@pytest.mark.timeout(300)
@pytest.mark.skipif(find_spec("basedpyright") is None, reason="without basedpyright")
def test_pyright_refuses_what_is_wrong_and_nothing_else() -> None:
    """The same lines. It only warns of coroutines that nobody awaits."""
    command = [sys.executable, "-m", "basedpyright", "--level", "error", "--outputjson"]
    done = subprocess.run(
        [*command, str(PROGRAMS)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    refused: dict[Path, set[int]] = {program: set() for program in [*ACCEPTED, *REJECTED]}
    for report in json.loads(done.stdout)["generalDiagnostics"]:
        refused[Path(report["file"])].add(report["range"]["start"]["line"] + 1)
    for program, lines in refused.items():
        codes = announced(program)
        wanted = {line for line, code in codes if code != "unused-coroutine"}
        assert lines == wanted, program


def names_at_start() -> list[str]:
    """What `dir()` lists in a new process. In this one other tests have imported more modules,
    which are names of the package from then on.
    """
    places = ("rethinkdb", "rethinkdb.r", "rethinkdb.RethinkDB")
    listing = "; ".join(f"print(*('{place}.' + name for name in dir({place})))" for place in places)
    done = subprocess.run(
        [sys.executable, "-c", f"import rethinkdb; {listing}"],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return [name for name in done.stdout.split() if not name.rpartition(".")[2].startswith("_")]


@pytest.mark.timeout(300)
def test_every_name_of_the_module_and_of_r_is_known(tmp_path: Path) -> None:
    names = [name for name in names_at_start() if name not in NOT_NAMES]
    (tmp_path / "names.py").write_text(
        "import rethinkdb\n" + "\n".join(map("print({})".format, names))
    )
    command = [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "names.py")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_programs_of_both_kinds_for_each_loop() -> None:
    for programs in (ACCEPTED, REJECTED):
        assert {program.stem for program in programs} >= LOOPS
    assert not any(announced(program) for program in ACCEPTED)
    assert all(announced(program) for program in REJECTED)
