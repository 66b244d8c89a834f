"""What `run` hands to the connection, and what is sent of run options."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.ast import build_db, build_options
from rethinkdb.codec import ReQLEncoder
from rethinkdb.errors import ReqlDriverError, ReqlTypeError
from rethinkdb.repl import Repl

t = r.table("t")
T = [15, ["t"]]


class Connection:
    def _start(self, term: Any, **options: Any) -> Any:
        return term, options


@pytest.fixture(autouse=True)
def no_default() -> Iterator[None]:
    Repl.clear()
    yield
    Repl.clear()


def test_hands_over() -> None:
    term, options = t.run(Connection(), noreply=True, anything=1)
    assert term is t
    assert options == {"noreply": True, "anything": 1}


def test_default_connection() -> None:
    Repl.set(Connection())
    assert t.run() == (t, {}) or t.run()[1] == {}


def test_without_connection() -> None:
    with pytest.raises(ReqlDriverError) as caught:
        t.run()
    assert str(caught.value) == "RqlQuery.run must be given a connection to run on."


def test_default_of_another_thread() -> None:
    thread = threading.Thread(target=Repl.set, args=(Connection(),))
    thread.start()
    thread.join()
    with pytest.raises(ReqlDriverError, match=r"connection to run on\..* another thread"):
        t.run()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("localhost", r"run\(\) takes a connection, .* not a str: 'localhost'\."),
        (1, r"run\(\) takes a connection, .* not an int: 1\."),
        ({"host": "localhost"}, r"not a dict: {'host': 'localhost'}\."),
        (t, r"not a Table: <RqlQuery instance: r.table\('t'\) >\."),
        (print, r"run\(\) takes a connection\. For a function use query\.run_with"),
        (r.connect, r"run\(\) takes a connection\. For a function use query\.run_with"),
    ],
)
def test_not_a_connection(given: Any, text: str) -> None:
    with pytest.raises(ReqlDriverError, match=text):
        t.run(given)


def test_a_connection_that_was_not_awaited() -> None:
    async def connect() -> None: ...

    coroutine = connect()
    with pytest.raises(ReqlDriverError, match=r"given a coroutine that has not been awaited\."):
        t.run(coroutine)  # type: ignore[arg-type]
    with pytest.raises(ReqlDriverError, match=r"run_with\(\) was given a coroutine that has not"):
        t.run_with(print, coroutine)
    coroutine.close()


def test_a_connection_by_another_name() -> None:
    with pytest.raises(ReqlDriverError, match=r"as the option `conn`\. Write query\.run\(conn\)"):
        t.run(conn=Connection())
    assert t.run(c=Connection())[0] is t


def test_one_connection_only() -> None:
    with pytest.raises(TypeError):
        t.run(Connection(), Connection())  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "db", "sent"),
    [
        ({}, None, {}),
        ({}, "a", {"db": [14, ["a"]]}),
        ({"db": "b"}, "a", {"db": [14, ["b"]]}),
        ({"db": "b"}, None, {"db": [14, ["b"]]}),
        ({"db": None}, "a", {}),
        ({"db": r.db("b")}, "a", {"db": [14, ["b"]]}),
        ({"db": r.expr("b")}, "a", {"db": [14, ["b"]]}),
        ({"json_encoder": ReQLEncoder, "json_decoder": None}, None, {}),
        (
            {"time_format": "raw", "x": [1], "f": r.row},
            None,
            {"time_format": "raw", "x": [2, [1]], "f": [13, []]},
        ),
    ],
)
def test_start_body(options: dict[str, Any], db: str | None, sent: Any) -> None:
    given = dict(options)
    assert t.start_body(options, db) == [1, T, sent]
    assert options.keys() == given.keys()


def test_options_are_converted() -> None:
    built = build_options({"a": lambda x: x, "b": {"c": b""}})
    assert built["a"][0] == 69
    assert built["b"] == {"c": {"$reql_type$": "BINARY", "data": ""}}
    with pytest.raises(ReqlTypeError):
        build_options({"a": object})
    assert build_db("d") == build_db(r.db("d")) == [14, ["d"]]
