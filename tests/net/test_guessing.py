"""An unknown run option: the error names the one that was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rethinkdb.errors import ReqlServerCompileError
from rethinkdb.net.guessing import RUN_OPTIONS, with_guess
from rethinkdb.ql2 import ResponseType

from .pair import Pair, failure

UNKNOWN = "Unrecognized global optional argument `%s`"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("arraylimit", "array_limit"),
        ("noReply", "noreply"),
        ("durabilty", "durability"),
        ("time_fromat", "time_format"),
        ("max_batch_row", "max_batch_rows"),
        ("dead_line", "deadline"),
        ("resum", "resume"),
    ],
)
def test_the_error_names_the_option_that_was_meant(name, meant):
    assert str(refused(UNKNOWN % name)) == f"{UNKNOWN % name} (did you mean `{meant}`?)"


@pytest.mark.parametrize("message", [UNKNOWN % "something", "Expected 1 argument but found 2."])
def test_otherwise_the_text_is_the_servers(message):
    assert str(refused(message)) == message


def test_guessing_imports_nothing(monkeypatch):
    """Its caller has a lock. If it were interrupted, others would wait for lock and import."""
    monkeypatch.setattr("builtins.__import__", None)
    guess = with_guess(UNKNOWN % "arraylimit")
    monkeypatch.undo()
    assert guess.endswith("(did you mean `array_limit`?)")


def refused(message):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, ResponseType.COMPILE_ERROR, message, b=[])
    error = failure(waiter)
    assert type(error) is ReqlServerCompileError
    return error


def test_all_documented_options_are_known():
    page = Path(__file__).parents[2] / "docs" / "reference" / "run-options.md"
    documented = re.findall(r"^\| `(\w+)`", page.read_text(), re.MULTILINE)
    assert documented
    assert {*documented} <= {*RUN_OPTIONS}
