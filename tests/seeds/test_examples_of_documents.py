"""Every example of a document does what the document says it does.

The founding documents of the project are read where they lie, and their examples skipped where they
are not; programs of our own, of the same kind, are always run. Python 2's `u''` aside the output
must be the same, and so must the order of changes of each table, but not between tables. Errors may
be more precise than the document: a subclass of the class it names.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rethinkdb import errors
from rethinkdb.embedded import Server

from .documents import OURS, SHARED, Example, examples_of
from .glue import PROGRAMS

PATIENCE = 50

FOUNDING = sorted(SHARED.glob("*.txt"))

EXAMPLES = [
    pytest.param(document, example, id=f"{document.stem}-{example.loop}-{example.name}")
    for document in (OURS, *FOUNDING)
    for example in examples_of(document)
]


def run(document: Path, example: Example) -> subprocess.CompletedProcess[str]:
    """Runs an example against a server of its own."""
    with Server("localhost") as server:
        words = [str(document), example.loop, example.name, str(server.port)]
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "tests.seeds.glue", *words],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )


def by_table(output: str) -> dict[str, list[object]]:
    """What was printed about each table, in order; under "" what is about none."""
    told: dict[str, list[object]] = {}
    for line in output.strip().splitlines():
        head, brace, value = line.partition("{")
        told.setdefault(head, []).append(ast.literal_eval(brace + value) if brace else None)
    return told


def reported(text: str) -> tuple[type, list[str]]:
    """The class of the error at the end of a text, and its message; no full stop before `in:`."""
    found = re.search(r"rethinkdb\.errors\.(\w+): ((?:.*\n)*?\^+)", text)
    assert found, text
    lines = found[2].replace(". in:", " in:").splitlines()
    return getattr(errors, found[1]), lines


@pytest.mark.parametrize(("document", "example"), EXAMPLES)
def test_example(document: Path, example: Example) -> None:
    done = run(document, example)
    if "Traceback" in example.output or "Unhandled" in example.output:
        kind, message = reported(example.output)
        seen, text = reported(done.stderr)
        assert issubclass(seen, kind)
        assert text == message
        assert "Unhandled" not in example.output or "Unhandled error in Deferred" in done.stderr
    elif example.output:
        assert (done.returncode, done.stderr) == (0, "")
        assert by_table(done.stdout) == by_table(example.output)
    else:  # a feed without an end, told of a document
        assert done.returncode == 0, done.stderr
        for (change,) in map(list, by_table(done.stdout.splitlines()[0]).values()):
            assert isinstance(change, dict)
            assert (change["old_val"], change["new_val"].keys()) == (None, {"id"})


@pytest.mark.skipif(not FOUNDING, reason="the founding documents are not here")
def test_every_founding_example_is_run() -> None:
    names = [
        (example.loop, example.name) for document in FOUNDING for example in examples_of(document)
    ]
    assert sorted(names) == sorted(PROGRAMS)


@pytest.mark.parametrize("document", [OURS, *FOUNDING], ids=lambda path: path.stem)
def test_no_block_is_overlooked(document: Path) -> None:
    blocks = document.read_text().count("```py\n")
    examples = examples_of(document)
    heads = len({example.head for example in examples})
    assert blocks == len(examples) + heads + sum(bool(example.schedule) for example in examples)
