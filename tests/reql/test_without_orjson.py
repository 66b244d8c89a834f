"""Where orjson is missing (PyPy, a platform without a wheel), the standard library does the same.

A process in which orjson cannot be imported does what this one does; their answers must be equal.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb import codec, r
from rethinkdb.codec import Codec
from rethinkdb.embedded import Server
from rethinkdb.reql import bulk

pytestmark = pytest.mark.skipif(codec.orjson is None, reason="there is nothing to compare with")

ROOT = Path(__file__).resolve().parents[2]

SERVE = """
import sys
sys.modules["orjson"] = None
from tests.reql import test_without_orjson
test_without_orjson.serve(sys.stdin.buffer, sys.stdout.buffer)
"""


# What either process does


def encoded(document: Any) -> Any:
    """What a server would read of a document in a query."""
    return json.loads(Codec().encode([1, r.expr(document).build()]))


def decoded(payload: bytes) -> Any:
    """What a program gets of a reply."""
    return Codec().decoder({})(payload).results


def kept(rows: list[dict[str, Any]]) -> Any:
    """What comes back of documents: from the insert, a scan, a feed."""
    with Server() as server, r.connect(port=server.port) as conn:
        r.table_create("t").run(conn)
        feed = r.table("t").changes().run(conn)
        inserted = r.table("t").insert(rows, return_changes=True).run(conn)
        scanned = list(r.table("t").order_by(index="id").run(conn))
        fed = sorted((next(feed)["new_val"] for _ in rows), key=lambda row: row["id"])
        return inserted, scanned, fed


def libraries() -> Any:
    """Whether orjson is in use anywhere."""
    return [module.orjson is not None for module in (codec, bulk)]


# The other process


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Do what is asked until nothing more is."""
    while True:
        try:
            name, arguments = pickle.load(requests)
        except EOFError:
            return
        pickle.dump(globals()[name](*arguments), answers)
        answers.flush()


Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def without() -> Iterator[Ask]:
    """Calls a function of this module there."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    requests, answers = process.stdin, process.stdout

    def ask(function: Callable[..., Any], *arguments: Any) -> Any:
        pickle.dump((function.__name__, arguments), requests)
        requests.flush()
        return pickle.load(answers)

    with process:
        yield ask
        requests.close()


# Values

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
zones = st.integers(-12 * 4, 14 * 4).map(lambda n: timezone(timedelta(minutes=15 * n)))
dates = st.datetimes(datetime(1700, 1, 2), datetime(2199, 12, 30), timezones=zones)


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=20,
    )


times = st.integers(-(10**9), 10**9).map(
    lambda epoch: {"$reql_type$": "TIME", "epoch_time": epoch / 8, "timezone": "-07:30"}
)


def test_the_other_process_has_no_orjson(without: Ask) -> None:
    assert libraries() == [True, True]
    assert without(libraries) == [False, False]


# repr() tells 1 from 1.0, and -0.0 from 0.0.


@given(document=trees(scalars | dates))
def test_queries_are_the_same(without: Ask, document: Any) -> None:
    assert repr(without(encoded, document)) == repr(encoded(document))


@given(document=trees(scalars | times), ascii=st.booleans())
def test_replies_are_the_same(without: Ask, document: Any, ascii: bool) -> None:
    payload = json.dumps({"t": 1, "r": [document]}, ensure_ascii=ascii).encode()
    there, here = without(decoded, payload), decoded(payload)
    assert there == here
    assert repr(there) == repr(here)


def test_documents_come_back_the_same(without: Ask) -> None:
    began = datetime(2024, 2, 29, 12, 30, 0, 250_000, timezone(timedelta(hours=5, minutes=45)))
    rows: list[dict[str, Any]] = [
        {"id": i, "text": 'naïve \0 "quoted" 🦸', "number": i / 8, "list": [None, True, {"a": []}]}
        for i in range(1000)  # long enough to go as one text where orjson writes it
    ]
    for row in rows[::2]:
        row["at"] = began + timedelta(seconds=row["id"])
    there, here = without(kept, rows), kept(rows)
    assert here[1] == rows
    assert there == here
    assert repr(there) == repr(here)
