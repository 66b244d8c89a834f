"""The life of queries on the wire: tokens, batches, STOP, noreply, errors, many at once."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded.language.registry import TERMS
from rethinkdb.errors import (
    ReqlNonExistenceError,
    ReqlQueryLogicError,
    ReqlResourceLimitError,
    ReqlServerCompileError,
)
from rethinkdb.ql2 import QueryType, ResponseType, TermType

from .support import Failure, RawClient, embedded_only, outcome

ATOM, SEQUENCE, PARTIAL, WAIT_COMPLETE, SERVER_INFO = 1, 2, 3, 4, 5
CLIENT_ERROR, COMPILE_ERROR, RUNTIME_ERROR = 16, 17, 18
START, CONTINUE, STOP, NOREPLY_WAIT = 1, [2], [3], [4]

RANGE_10 = [173, [10]]
ENDLESS = [173, []]
NEVER_DONE = [39, [ENDLESS, [69, [[2, [1]], [19, [[10, [1]], 0]]]]]]
"""Looks for a natural number below zero."""

LAST_BATCH = {"t": SEQUENCE, "r": [], "n": []}


def client_error(text: str) -> dict[str, Any]:
    return {"t": CLIENT_ERROR, "r": [text], "b": []}


def test_a_server_that_computes_says_who_it_is(raw: RawClient) -> None:
    """Drivers ask a silent server for a sign of life, and give it up if it has none."""
    raw.send(1, [START, NEVER_DONE, {}])
    for token in (2, 3, 4):
        assert raw.ask(token, [int(QueryType.SERVER_INFO)])["t"] == SERVER_INFO
    raw.send(1, STOP)
    assert len(raw.replies(2)[1]) == 2


# -- bodies that are no queries

BUGGY = "Client is buggy (failed to deserialize query)."
MALFORMED: list[tuple[bytes, str]] = [
    (b"", BUGGY),
    (b"[1,", BUGGY),
    (b"\xff\xfe", BUGGY),
    (b"[1, NaN]", BUGGY),
    (
        b"{}",
        "Server could not parse query: Expected a query to be an array, but found OBJECT.",
    ),
    (b"5", "Server could not parse query: Expected a query to be an array, but found NUMBER."),
    (
        b"[]",
        "Server could not parse query: "
        "Expected 1 to 3 elements in the top-level query, but found 0.",
    ),
    (
        b'["x"]',
        "Server could not parse query: Expected a query type as a number, but found STRING.",
    ),
    (b"[99]", "Server could not parse query: Unrecognized QueryType: 99."),
    (
        b"[1,1,2]",
        "Server could not parse query: Expected global optargs as an object, but found NUMBER.",
    ),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED)
def test_malformed_bodies_leave_the_connection_open(
    raw: RawClient, body: bytes, message: str
) -> None:
    assert raw.ask(7, body) == client_error(message)
    assert raw.run(7, 5) == {"t": ATOM, "r": [5]}


# -- tokens


def test_any_token_comes_back(raw: RawClient) -> None:
    for token in (0, 1, 2**63, 2**64 - 1):
        assert raw.run(token, 1) == {"t": ATOM, "r": [1]}


@pytest.mark.parametrize("query", [CONTINUE, STOP])
def test_unknown_tokens(raw: RawClient, query: list[int]) -> None:
    assert raw.ask(5, query) == client_error("Token 5 not in stream cache.")
    assert raw.ask(2**64 - 1, query) == client_error("Token -1 not in stream cache.")


def test_a_token_is_free_after_the_last_reply(raw: RawClient) -> None:
    assert raw.run(1, 5) == {"t": ATOM, "r": [5]}
    assert raw.ask(1, CONTINUE) == client_error("Token 1 not in stream cache.")
    assert raw.run(1, [24, []])["t"] == COMPILE_ERROR
    assert raw.run(1, [12, ["x"]])["t"] == RUNTIME_ERROR
    assert raw.run(1, RANGE_10)["t"] == SEQUENCE
    assert raw.run(1, 6) == {"t": ATOM, "r": [6]}


def test_a_token_in_use_is_refused(raw: RawClient) -> None:
    raw.run(3, ENDLESS)
    assert raw.run(3, 5) == client_error("ERROR: duplicate token 3")
    assert raw.ask(3, NOREPLY_WAIT) == client_error("ERROR: duplicate token 3")
    assert raw.ask(3, CONTINUE)["t"] == PARTIAL


# -- values and batches


def test_kinds_of_results(raw: RawClient) -> None:
    assert raw.run(1, {"a": [2, [1, None]]}) == {"t": ATOM, "r": [{"a": [1, None]}]}
    assert raw.run(1, [173, [3]]) == {"t": SEQUENCE, "r": [0, 1, 2], "n": []}
    assert raw.run(1, [173, [0]]) == {"t": SEQUENCE, "r": [], "n": []}
    assert raw.run(1, [38, [[2, [1]], [69, [[2, [1]], [10, [1]]]]]]) == {"t": ATOM, "r": [[1]]}


RESULTS_THAT_ARE_NONE: list[tuple[Any, str]] = [
    (r.db("rethinkdb"), "DATABASE"),
    (r.js("(function(){})"), "FUNCTION"),
]


@pytest.mark.parametrize(("term", "kind"), RESULTS_THAT_ARE_NONE)
def test_values_that_cannot_be_sent(conn: Any, term: Any, kind: str) -> None:
    text = f"Query result must be of type DATUM, GROUPED_DATA, or STREAM (got {kind})."
    assert outcome(conn, term) == Failure(ReqlQueryLogicError, text, ())


def test_extrema_have_no_json(conn: Any) -> None:
    text = "Cannot convert `r.minval` to JSON."
    assert outcome(conn, r.expr([1, r.minval])) == Failure(ReqlQueryLogicError, text, ())
    assert outcome(conn, r.expr("MINVAL")) == "MINVAL"


def batch_sizes(raw: RawClient, term: Any, **options: Any) -> list[int]:
    reply = raw.run(1, term, **options)
    sizes = [len(reply["r"])]
    while reply["t"] == PARTIAL:
        reply = raw.ask(1, CONTINUE)
        sizes.append(len(reply["r"]))
    assert reply["t"] == SEQUENCE
    return sizes


def test_the_first_batch_is_scaled_down(raw: RawClient) -> None:
    assert batch_sizes(raw, RANGE_10, max_batch_rows=8)[:2] == [2, 8]
    sizes = batch_sizes(raw, RANGE_10, max_batch_rows=4, first_batch_scaledown_factor=2)
    assert sizes[:3] == [2, 4, 4]


@embedded_only  # a real server takes the size of rows before `map`, here that of the rows it sends
def test_batches_are_limited_by_their_size(raw: RawClient) -> None:
    rows = [38, [RANGE_10, [69, [[2, [1]], "x" * 1000]]]]
    assert len(batch_sizes(raw, rows, max_batch_bytes=2000)) > 4
    assert batch_sizes(raw, rows, max_batch_bytes=1, min_batch_rows=10)[0] >= 2


def test_batches_without_end(raw: RawClient) -> None:
    seen: list[int] = []
    reply = raw.run(1, ENDLESS, max_batch_rows=5)
    for _ in range(5):
        assert reply["t"] == PARTIAL
        seen += reply["r"]
        reply = raw.ask(1, CONTINUE)
    assert seen == list(range(len(seen)))


def test_an_error_after_some_batches(raw: RawClient) -> None:
    divided = [38, [RANGE_10, [69, [[2, [1]], [27, [1, [25, [5, [10, [1]]]]]]]]]]
    reply = raw.run(1, divided, max_batch_rows=1)
    rows = reply["r"]
    while reply["t"] == PARTIAL:
        reply = raw.ask(1, CONTINUE)
        rows += reply["r"]
    assert reply["t"] == RUNTIME_ERROR
    assert reply["r"] == ["Cannot divide by zero."]
    assert reply["b"] == [1, 1]
    assert raw.ask(1, CONTINUE) == client_error("Token 1 not in stream cache.")


def test_rows_pulled_by_a_cursor(conn: Any) -> None:
    assert list(r.range(1000).run(conn, max_batch_rows=7)) == list(range(1000))


# -- run options

BAD_OPTIONS: list[tuple[dict[str, Any], Any]] = [
    (
        {"foo": 1},
        Failure(ReqlServerCompileError, "Unrecognized global optional argument `foo`.", ()),
    ),
    (
        {"array_limit": 0},
        Failure(ReqlQueryLogicError, "Illegal array size limit `0`.  (Must be >= 1.)", ()),
    ),
    (
        {"array_limit": None},
        Failure(ReqlNonExistenceError, "Expected type NUMBER but found NULL.", ()),
    ),
    (
        {"changefeed_queue_size": 0},
        Failure(ReqlQueryLogicError, "Illegal changefeed queue size `0`.  (Must be >= 1.)", ()),
    ),
    (
        {"max_batch_rows": "a"},
        Failure(ReqlQueryLogicError, "Expected type NUMBER but found STRING.", ()),
    ),
    ({"max_batch_rows": 1.5}, Failure(ReqlQueryLogicError, "Number not an integer: 1.5", ())),
    (
        {"max_batch_seconds": -1},
        Failure(ReqlQueryLogicError, "max_batch_seconds must be positive (got `-1`).", ()),
    ),
    (
        {"max_batch_seconds": 100000},
        Failure(
            ReqlQueryLogicError,
            "max_batch_seconds is too large (got `100000`, must be less than 86400).",
            (),
        ),
    ),
    ({"min_batch_rows": 5, "max_batch_rows": 2}, [0, 1, 2]),
    ({"read_mode": "x", "identifier_format": "x", "use_outdated": True}, [0, 1, 2]),
    ({"profile": False, "durability": "soft", "max_batch_bytes": 1}, [0, 1, 2]),
]


@pytest.mark.parametrize(("options", "expected"), BAD_OPTIONS)
def test_run_options(conn: Any, options: dict[str, Any], expected: Any) -> None:
    assert outcome(conn, r.range(3), **options) == expected


@embedded_only
@pytest.mark.parametrize(
    "name",
    ["max_batch_rows", "min_batch_rows", "max_batch_bytes", "first_batch_scaledown_factor"],
)
def test_batch_limits_below_one(raw: RawClient, name: str) -> None:
    # A real server answers with the same type of error, but with a dump of its stack.
    reply = raw.run(1, RANGE_10, **{name: 0})
    assert (reply["t"], reply["e"]) == (RUNTIME_ERROR, 1000000)
    assert reply["r"] == [f"Illegal {name} `0`.  (Must be >= 1.)"]


def test_the_array_limit_holds_for_results(conn: Any) -> None:
    failure = outcome(conn, r.range(5).coerce_to("array"), array_limit=4)
    assert isinstance(failure, Failure)
    assert failure.kind is ReqlResourceLimitError


def test_the_database_option(conn: Any, database: str) -> None:
    r.table_create("only_here").run(conn, db=database)
    assert outcome(conn, r.table("only_here").count(), db=database) == 0
    text = "Table `test.only_here` does not exist."
    failure = outcome(conn, r.table("only_here").count())
    assert failure.message == text


def test_the_database_option_is_a_term(raw: RawClient) -> None:
    reply = raw.run(1, [15, ["t"]], db="test")
    assert (reply["t"], reply["r"][0].split(":")[0]) == (
        RUNTIME_ERROR,
        "Expected type DATABASE but found DATUM",
    )


# -- STOP


def test_stop_ends_a_stream(raw: RawClient) -> None:
    raw.run(1, ENDLESS)
    assert raw.ask(1, STOP) == LAST_BATCH
    assert raw.ask(1, CONTINUE) == client_error("Token 1 not in stream cache.")


def test_stop_interrupts_a_running_query(raw: RawClient) -> None:
    raw.send(1, [START, NEVER_DONE, {}])
    assert raw.ask(2, [START, 5, {}]) == {"t": ATOM, "r": [5]}
    raw.send(1, STOP)
    assert raw.replies(2) == {1: [LAST_BATCH, LAST_BATCH]}
    assert raw.run(1, 5) == {"t": ATOM, "r": [5]}


def test_closing_the_connection_ends_its_queries(server: Any, conn: Any) -> None:
    with RawClient(server.host, server.port) as other:
        other.send(1, [START, NEVER_DONE, {}])
        assert other.ask(2, [START, 5, {}]) == {"t": ATOM, "r": [5]}
    assert r.expr(5).run(conn) == 5


# -- noreply


def test_noreply_is_not_replied_to(raw: RawClient) -> None:
    raw.send_all(
        [
            (1, [START, 5, {"noreply": True}]),
            (2, [START, [12, ["x"]], {"noreply": True}]),
            (3, [START, [9999], {"noreply": True}]),
            (4, [START, ENDLESS, {"noreply": [1, True]}]),
            (5, NOREPLY_WAIT),
        ]
    )
    assert raw.receive() == (5, {"t": WAIT_COMPLETE, "r": []})
    assert raw.ask(4, CONTINUE) == client_error("Token 4 not in stream cache.")


def test_only_a_literal_true_means_noreply(raw: RawClient) -> None:
    for noreply in (1, "true", None, [23, [False]]):
        assert raw.run(1, 5, noreply=noreply) == {"t": ATOM, "r": [5]}


def test_noreply_wait_waits_for_the_writes_before_it(conn: Any, table: Any) -> None:
    for number in range(20):
        table.insert({"id": number}).run(conn, noreply=True)
    conn.noreply_wait()
    assert table.count().run(conn) == 20


def test_noreply_wait_waits_for_no_other_queries(raw: RawClient) -> None:
    raw.send(1, [START, NEVER_DONE, {}])
    assert raw.ask(2, NOREPLY_WAIT) == {"t": WAIT_COMPLETE, "r": []}
    raw.send(1, STOP)
    raw.replies(2)


# -- many at once


def test_queries_of_a_connection_run_side_by_side(raw: RawClient) -> None:
    raw.send(1, [START, NEVER_DONE, {}])
    for token in range(2, 20):
        assert raw.run(token, token) == {"t": ATOM, "r": [token]}
    raw.send(1, STOP)
    raw.replies(2)


def test_many_queries_in_one_write(raw: RawClient) -> None:
    count = 3000  # more than may be outstanding
    raw.send_all([(token, [START, [24, [token, 1]], {}]) for token in range(count)])
    answers = raw.replies(count)
    assert answers == {token: [{"t": ATOM, "r": [token + 1]}] for token in range(count)}


@embedded_only
def test_stop_is_heard_however_many_queries_run(raw: RawClient) -> None:
    count = 80  # more than there are threads
    raw.send_all([(token, [START, NEVER_DONE, {}]) for token in range(count)])
    raw.send_all([(token, STOP) for token in range(count)])
    answers = raw.replies(2 * count)
    assert answers == {token: [LAST_BATCH, LAST_BATCH] for token in range(count)}


def test_requests_of_one_token_take_turns(raw: RawClient) -> None:
    raw.send_all(
        [(1, [START, [173, [30]], {"max_batch_rows": 4}]), (1, CONTINUE), (1, CONTINUE), (1, STOP)]
    )
    replies = raw.replies(4)[1]
    assert replies[-1]["t"] == SEQUENCE
    rows = [row for reply in replies if reply["t"] != CLIENT_ERROR for row in reply["r"]]
    assert rows == list(range(len(rows)))


def test_threads_share_a_connection(conn: Any) -> None:
    answers: dict[int, Any] = {}

    def ask(number: int) -> None:
        answers[number] = list(r.range(number).run(conn, max_batch_rows=3))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: list(range(number)) for number in range(20)}


# -- others


def test_server_info(raw: RawClient) -> None:
    reply = raw.ask(1, [5])
    assert reply["t"] == SERVER_INFO
    assert set(reply["r"][0]) == {"id", "name", "proxy"}
    assert reply["r"][0]["proxy"] is False


def test_now_is_the_same_throughout_a_query(conn: Any) -> None:
    assert r.range(3).map(lambda x: r.now()).distinct().count().run(conn) == 1
    first, second = r.now().run(conn), r.now().run(conn)
    assert first <= second


@embedded_only
def test_deeply_nested_queries(conn: Any) -> None:
    term = r.expr(0)
    for _ in range(300):
        term = term + 1
    assert term.run(conn) == 300


def test_a_profile_comes_with_the_result(raw: RawClient) -> None:
    reply = raw.run(1, [24, [1, 2]], profile=True)
    assert reply["r"] == [3]
    assert isinstance(reply["p"], list)
    assert "p" not in raw.run(1, 5)


@embedded_only
def test_bugs_of_the_server_name_the_term(raw: RawClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(call: Any) -> Any:
        raise ZeroDivisionError("a bug")

    rules = dataclasses.replace(TERMS[TermType.UUID], implementation=broken)
    monkeypatch.setitem(TERMS, TermType.UUID, rules)
    reply = raw.run(1, [24, [1, [TermType.UUID, []]]])
    assert reply == {
        "t": RUNTIME_ERROR,
        "e": 1000000,
        "r": ["Internal error of the embedded server in UUID: ZeroDivisionError: a bug"],
        "b": [1],
    }
    assert raw.run(1, 5) == {"t": ATOM, "r": [5]}


def test_a_query_ended_by_the_table_of_jobs(raw: RawClient, conn: Any) -> None:
    raw.send(1, [START, NEVER_DONE, {}])
    assert raw.run(2, 5) == {"t": ATOM, "r": [5]}
    jobs = r.db("rethinkdb").table("jobs").filter({"type": "query"})
    jobs.filter(r.row["info"]["query"].match(r"^r\.range\(\)\.filter")).delete().run(conn)
    token, reply = raw.receive()
    assert (token, reply["t"]) == (1, RUNTIME_ERROR)
    assert reply["r"] == ["Query terminated by the `rethinkdb.jobs` table."]


@embedded_only
def test_a_connection_s_feeds_hear_of_a_write_before_it_is_answered(
    raw: RawClient, table: Any
) -> None:
    wire = table.build()
    assert raw.run(1, [152, [wire]])["t"] == ResponseType.SUCCESS_PARTIAL
    for number in range(100):
        insert = [56, [wire, {"id": number}]]
        raw.send_all([(1, [QueryType.CONTINUE]), (2, [QueryType.START, insert, {}])])
        assert [raw.receive()[0], raw.receive()[0]] == [1, 2]
