"""Evaluating terms: where failures are located, `r.args`, scopes, types of values and coercions."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlNonExistenceError, ReqlQueryLogicError

from .support import Failure, RawClient, outcome

Cases = dict[str, tuple[Any, Any]]


def parametrize(cases: Cases) -> Any:
    """One test per case, named as the case is."""
    return pytest.mark.parametrize(("term", "expected"), cases.values(), ids=cases)


def no_number(*frames: int | str) -> Failure:
    """The failure of a string where a number must be."""
    return Failure(ReqlQueryLogicError, "Expected type NUMBER but found STRING.", frames)


LOCATED: Cases = {
    "argument": (r.expr("a").floor(), no_number(0)),
    "second argument": (r.expr([1]).nth("a"), no_number(1)),
    "option": (
        r.expr([1]).slice(0, 1, left_bound=1),
        Failure(ReqlQueryLogicError, "Expected type STRING but found NUMBER.", ("left_bound",)),
    ),
    "chosen by branch": (r.branch(False, 1, "a").floor(), no_number(0, 2)),
    "result of a function": (r.expr("a").do(lambda x: x).floor(), no_number(0, 0, 1)),
    "constant function": (r.do("a").floor(), no_number(0, 0)),
    "replaced by default": (r.expr(None).default("a").floor(), no_number(0, 1)),
    "kept by default": (r.expr("a").default(1).floor(), no_number(0, 0)),
    "decided by or": (r.or_(False, "a").floor(), no_number(0, 1)),
    "coerced to what it is": (r.expr("a").coerce_to("string").floor(), no_number(0, 0)),
    "spliced": (r.add(1, r.args(["a"])), no_number()),
    "field of an object": (
        {"a": r.range(1)},
        Failure(
            ReqlQueryLogicError, "Expected type DATUM but found SEQUENCE:\nVALUE SEQUENCE", ("a",)
        ),
    ),
    "element of an array": (
        [1, r.range(1)],
        Failure(
            ReqlQueryLogicError, "Expected type DATUM but found SEQUENCE:\nVALUE SEQUENCE", (1,)
        ),
    ),
    "nested functions": (
        r.range(1).map(lambda x: r.range(1).map(lambda y: x + "a").count()),
        no_number(1, 1, 0, 1, 1),
    ),
}


@parametrize(LOCATED)
def test_failures_are_located_where_the_value_was_made(
    conn: Any, term: Any, expected: Failure
) -> None:
    assert outcome(conn, r.expr(term)) == expected


EVALUATED: Cases = {
    "spliced arguments": (r.add(r.args([1, 2]), 3), 6),
    "too many spliced": (
        r.expr([1]).nth(r.args([1, 2])),
        Failure(ReqlQueryLogicError, "Expected 2 arguments but found 3.", ()),
    ),
    "spliced number": (
        r.add(r.args(1)),
        Failure(ReqlQueryLogicError, "Expected type ARRAY but found NUMBER.", (0,)),
    ),
    "outer variables": (
        r.range(2).map(lambda x: r.range(2).map(lambda y: [x, y]).coerce_to("array")),
        [[[0, 0], [0, 1]], [[1, 0], [1, 1]]],
    ),
    "inner names hide outer ones": (r.do(1, lambda x: r.do(2, lambda x: x) + x), 3),
    "wrong number of arguments": (
        r.do(1, lambda x, y: x),
        Failure(
            ReqlQueryLogicError,
            "Expected function with 1 argument but found function with 2 arguments.",
            (0, 1),
        ),
    ),
    "not a function": (
        r.range(1).map(1),
        Failure(ReqlQueryLogicError, "Expected type FUNCTION but found DATUM:\n1", (1,)),
    ),
    "not a result": (
        r.db("rethinkdb"),
        Failure(
            ReqlQueryLogicError,
            "Query result must be of type DATUM, GROUPED_DATA, or STREAM (got DATABASE).",
            (),
        ),
    ),
}


@parametrize(EVALUATED)
def test_evaluation(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def cannot(start: str, wanted: str, kind: Any = ReqlQueryLogicError) -> Failure:
    """The failure for a coercion there is none for."""
    return Failure(kind, f"Cannot coerce {start} to {wanted}.", (0,))


def not_utf8(shown: str, problem: str, place: int) -> Failure:
    """The failure for bytes that are no text."""
    message = f"String `{shown}` (truncated) is not a UTF-8 string; {problem} at position {place}."
    return Failure(ReqlQueryLogicError, message, ())


COERCED: Cases = {
    "string to number": (r.expr(" -12.5e1").coerce_to("number"), -125),
    "hexadecimal": (r.expr("0x10").coerce_to("number"), 16),
    "no number": (
        r.expr("12 ").coerce_to("number"),
        Failure(ReqlQueryLogicError, "Could not coerce `12 ` to NUMBER.", ()),
    ),
    "infinity": (
        r.expr("inf").coerce_to("number"),
        Failure(ReqlQueryLogicError, "Non-finite number: inf", ()),
    ),
    "number to string": (r.expr(1.5).coerce_to("string"), "1.5"),
    "array to string": (r.expr([1, {"a": None}]).coerce_to("string"), '[1,{"a":null}]'),
    "bytes to string": (r.binary("\u2603".encode()).coerce_to("string"), "\u2603"),
    "string to bytes": (r.expr("ab").coerce_to("binary"), b"ab"),
    "no text": (
        r.binary(b"abc\xff").coerce_to("string"),
        not_utf8("abc", "Invalid initial byte seen", 3),
    ),
    "cut text": (
        r.binary(b"abc\xc3").coerce_to("string"),
        not_utf8("abc", "Expected continuation byte, saw end of string", 3),
    ),
    "wrong continuation": (
        r.binary(b"abc\xc3a").coerce_to("string"),
        not_utf8("abc", "Expected continuation byte, saw something else", 3),
    ),
    "null to bool": (r.expr(None).coerce_to("bool"), False),
    "anything to bool": (r.expr(0).coerce_to("BOOL"), True),
    "object to array": (r.expr({"b": 1, "a": 2}).coerce_to("array"), [["a", 2], ["b", 1]]),
    "array to object": (r.expr([["a", 1]]).coerce_to("object"), {"a": 1}),
    "stream to object": (
        r.range(2).map(lambda x: [x.coerce_to("string"), x]).coerce_to("object"),
        {"0": 0, "1": 1},
    ),
    "no pairs": (
        r.expr([["a"]]).coerce_to("object"),
        Failure(ReqlQueryLogicError, "Expected array of size 2, but got size 1.", ()),
    ),
    "twice the same name": (
        r.expr([["a", 1], ["a", 2]]).coerce_to("object"),
        Failure(
            ReqlQueryLogicError, 'Duplicate key "a" in coerced object.  (got 1 and 2 as values)', ()
        ),
    ),
    "stream to array": (r.range(2).coerce_to("array"), [0, 1]),
    "array to stream": (r.expr([1]).coerce_to("stream").type_of(), "ARRAY"),
    "number to array": (r.expr(1).coerce_to("array"), cannot("NUMBER", "ARRAY")),
    "null to number": (
        r.expr(None).coerce_to("number"),
        cannot("NULL", "NUMBER", ReqlNonExistenceError),
    ),
    "time to number": (r.epoch_time(0).coerce_to("number"), cannot("OBJECT", "NUMBER")),
    "stream to string": (r.range(1).coerce_to("string"), cannot("STREAM", "STRING")),
    "unknown type": (
        r.expr(1).coerce_to("foo"),
        Failure(ReqlQueryLogicError, "Unknown Type: FOO", ()),
    ),
}


@parametrize(COERCED)
def test_coerce_to(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


DESCRIBED: Cases = {
    "number": (r.expr(1).info(), {"type": "NUMBER", "value": "1"}),
    "array": (r.expr([1]).info(), {"type": "ARRAY", "value": "[\n\t1\n]"}),
    "null": (r.expr(None).info(), {"type": "NULL"}),
    "bytes": (
        r.binary(b"ab").info(),
        {"type": "PTYPE<BINARY>", "count": 2, "value": '{"$reql_type$":"BINARY","data":"YWI="}'},
    ),
    "function": (
        r.do(1, lambda x: r.info(lambda y: x + y)["source_code"].match("captures.*args").type_of()),
        "OBJECT",
    ),
    "script": (
        r.info(r.js("(function (x) { return x; })", timeout=1.5))["source_code"],
        "javascript timeout=1500ms, source=(function (x) { return x; })",
    ),
    "null in a stream": (r.range(1).map(lambda x: r.info(None)), [{"type": "NULL"}]),
    "stream": (r.range(1).info(), {"type": "STREAM"}),
    "groups": (r.range(1).group(r.row).info(), {"type": "GROUPED_STREAM"}),
    "database": (r.db("rethinkdb").info().without("id"), {"type": "DB", "name": "rethinkdb"}),
}


@parametrize(DESCRIBED)
def test_info(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def test_info_shows_what_a_function_has_captured(raw: RawClient) -> None:
    outer, inner = 1, 2
    function = [69, [[2, [inner]], [24, [[10, [outer]], [10, [inner]], [13, []]]]]]
    one_parameter = [69, [[2, [outer]], [79, [[69, [[2, [3, 4]], [10, [outer]]]]]]]]
    reply = raw.run(1, [64, [one_parameter, 5]])
    assert reply["r"][0]["source_code"] == (
        "function (captures = [implicit: (not stored), 1: 5]) (args = [var3, var4]) var1"
    )
    nested = [64, [[69, [[2, [outer]], [79, [function]]]], 5]]
    assert raw.run(2, nested)["r"] == [
        "Cannot use r.row in nested queries.  Use functions instead."
    ]


def test_info_of_a_table(conn: Any, table_name: str, table: Any) -> None:
    table.index_create("a").run(conn)
    about = table.info().run(conn)
    assert about["db"]["name"] == "test"
    about_table = {name: about[name] for name in ("type", "name", "primary_key", "indexes")}
    expected = {"type": "TABLE", "name": table_name, "primary_key": "id", "indexes": ["a"]}
    assert about_table == expected
    assert about["doc_count_estimates"] == [0]


def test_info_of_a_slice(conn: Any, table: Any) -> None:
    part = table.between(1, r.maxval, left_bound="open").order_by(index=r.desc("id"))
    assert part.info().without("table").run(conn) == {
        "type": "TABLE_SLICE",
        "index": "id",
        "sorting": "DESCENDING",
        "left_bound": 1,
        "left_bound_type": "open",
        "right_bound_type": "unbounded",
    }
