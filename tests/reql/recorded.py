"""Runs the cases of the conformance recording through this driver, without a server.

The recording holds what another driver sent for each case and what a real server answered. Here a
stand-in for a connection takes our query down and gives the recorded answer, decoded by our codec,
so that later cases can build on it.

The cases and what evaluates them lie in the shared folder, which need not be there.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import rethinkdb
from rethinkdb.codec import Codec, Response
from rethinkdb.errors import ReqlCursorEmpty, ReqlTimeoutError, error_from_response
from rethinkdb.ql2 import ResponseType

SHARED = Path(os.environ.get("RETHINKDB_SHARED") or Path(__file__).parents[3] / "shared")
CONFORMANCE = SHARED / "conformance"
RECORDING = CONFORMANCE / "recorded" / "rethinkdb-2.4.4.jsonl.gz"

ERRORS = (ResponseType.CLIENT_ERROR, ResponseType.COMPILE_ERROR, ResponseType.RUNTIME_ERROR)

# The recording was made by Python 3.11, whose entries are taken whatever runs the tests.
LANGUAGES = ("py3.11", "py3", "py", "cd")


def load() -> tuple[dict[str, str], dict[str, dict[int, dict[str, Any]]]]:
    """Of each file, the name of its database, and its rows by case."""
    homes: dict[str, str] = {}
    rows: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    with gzip.open(RECORDING, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if "needs" in row:
                homes[row["file"]] = row["needs"]["db"] or "test"
            elif "query" in row:
                rows[row["file"]][row["index"]] = row
    return homes, dict(rows)


def known_failures() -> dict[str, str]:
    """Cases (`file#index`) that do not come out as expected with a real server, with reasons."""
    known: dict[str, str] = runner("polyglot_runner.coordinate").read_known(
        CONFORMANCE / "known-incumbent.txt"
    )
    return known


def runner(module: str) -> Any:
    """A module of the shared conformance runner."""
    if str(CONFORMANCE) not in sys.path:
        sys.path.append(str(CONFORMANCE))
    return importlib.import_module(module)


class Cursor:
    """The items of a recorded answer, then what ended it; a changefeed just gives no more."""

    def __init__(self, items: list[Any], end: Exception) -> None:
        self._items = iter(items)
        self._end = end

    def __iter__(self) -> Cursor:
        return self

    def __next__(self) -> Any:
        try:
            return self.next()
        except ReqlCursorEmpty:
            raise StopIteration from None

    def next(self, wait: object = True) -> Any:
        for item in self._items:
            return item
        raise self._end

    def close(self) -> None:
        self._items = iter([])


class Connection:
    """Takes queries down and gives recorded answers."""

    def __init__(self, db: str, rows: dict[int, dict[str, Any]]) -> None:
        self.db = db
        self.rows = rows
        self.case: int | None = None
        self.sent: dict[int, list[Any]] = defaultdict(list)

    def _start(self, term: Any, **options: Any) -> Any:
        codec = Codec()
        assert self.case is not None
        position = len(self.sent[self.case])
        self.sent[self.case].append(json.loads(codec.encode(term.start_body(options, self.db))))
        if options.get("noreply"):
            return None
        decode = codec.decoder(options)
        answers = self.rows[self.case]["responses"][position]
        return self._result(term, [decode(json.dumps(answer).encode()) for answer in answers])

    def _result(self, term: Any, responses: list[Response]) -> Any:
        *_, last = responses
        end: Exception = ReqlCursorEmpty()
        if last.type in ERRORS:
            message = last.results[0]
            end = error_from_response(last.type, last.error_type, message, term, last.backtrace)
        elif last.type == ResponseType.SUCCESS_PARTIAL:
            end = ReqlTimeoutError()
        if responses[0] is last and last.type in ERRORS:
            raise end
        if last.type == ResponseType.SUCCESS_ATOM:
            return last.results[0]
        items = [item for each in responses if each.type not in ERRORS for item in each.results]
        return Cursor(items, end)

    def noreply_wait(self) -> None:
        pass


def run_file(name: str, home: str, rows: dict[int, dict[str, Any]]) -> tuple[Connection, list[Any]]:
    """Runs all cases of a file.

    Returns:
        What was sent, and an event for each case: its index, its status, what was expected.
    """
    parts = ("execute", "expect", "vectors")
    execute, expect, vectors = (runner(f"polyglot_runner.{part}") for part in parts)
    vectors.LANGUAGE_KEYS = LANGUAGES
    stand_in = Connection(home, rows)

    class Run(execute.FileRun):  # type: ignore[misc, name-defined]  # known at run time only
        def connection(self, user: str = "admin", new: bool = False) -> Connection:
            return stand_in

    job = {"cases": str(CONFORMANCE / "cases"), "file": name, "home": home, "timeout": 30}
    places = expect.Errors(rethinkdb.errors, rethinkdb, __import__("builtins"))
    driver = execute.Driver(rethinkdb.r, places, rethinkdb)
    # The runner tells its recording proxy, if there is one, which case comes next.
    run = Run(job, driver, stand_in)
    return stand_in, list(run)
