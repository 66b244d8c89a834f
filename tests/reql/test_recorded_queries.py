"""Every recorded case: our query is the recorded one, and its answer means the same to programs."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from . import recorded

pytestmark = [
    pytest.mark.skipif(
        not recorded.RECORDING.exists(), reason="the shared conformance recording is not here"
    ),
    # Programs of the cases, not ours.
    pytest.mark.filterwarnings("ignore:invalid escape sequence"),
]

FILES = sorted(recorded.load()[1]) if recorded.RECORDING.exists() else []


@cache
def run_file(name: str) -> tuple[recorded.Connection, list[Any]]:
    homes, rows = recorded.load()
    return recorded.run_file(name, homes[name], rows[name])


@pytest.mark.parametrize("name", FILES)
def test_sends_the_recorded_queries(name: str) -> None:
    normal = recorded.runner("compare_queries").normal
    connection, _ = run_file(name)
    # In order and not by case: a noreply query may be on record with the case that came after it.
    mine = [query for _, queries in sorted(connection.sent.items()) for query in queries]
    theirs = [(row, query) for _, row in sorted(connection.rows.items()) for query in row["query"]]
    assert len(mine) == len(theirs)
    for query, (row, expected) in zip(mine, theirs, strict=True):
        assert normal(query, {}) == normal(expected, {}), f"{name}#{row['index']} {row['src']}"


@pytest.mark.parametrize("name", FILES)
def test_recorded_answers_come_out_as_expected(name: str) -> None:
    known = recorded.known_failures()
    _, events = run_file(name)
    failed = {
        event["index"]: event["problem"]
        for event in events
        if event["status"] != "pass" and f"{name}#{event['index']}" not in known
    }
    assert failed == {}
