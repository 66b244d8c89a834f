"""Plain data: order, equality, numbers, text; JSON read and written; pseudo-types."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb import r
from rethinkdb.embedded.data import datum, jsonparsing, jsonwriting, pseudotypes
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL
from rethinkdb.embedded.data.jsonparsing import JSONProblem
from rethinkdb.embedded.failures import QueryFailure

from .cases import Cases, parametrize, wrong
from .support import outcome

numbers = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)
).map(datum.number)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
times = st.builds(
    pseudotypes.make_time, st.integers(-(10**9), 10**10), st.sampled_from(["+00:00", "-07:30"])
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    names,
    st.binary(max_size=5),
    times,
    st.just(MINVAL),
    st.just(MAXVAL),
)
data = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(names.filter(lambda n: "$" not in n), inner, max_size=4),
    ),
    max_leaves=12,
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, names),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
).filter(lambda value: datum.REQL_TYPE not in json.dumps(value))


# -- order and equality


@given(data, data)
def test_order_is_total(a: Any, b: Any) -> None:
    left, right = datum.order_key(a), datum.order_key(b)
    assert (left < right) + (left == right) + (left > right) == 1
    assert datum.equal(a, b) is (left == right)


@given(st.lists(data, max_size=6))
def test_order_is_transitive(items: list[Any]) -> None:
    ordered = sorted(items, key=datum.order_key)
    keys = [datum.order_key(item) for item in ordered]
    assert all(keys[i] <= keys[j] for i in range(len(keys)) for j in range(i, len(keys)))


@given(data)
def test_equal_data_have_equal_keys_that_hash(value: Any) -> None:
    assert datum.equal(value, value)
    assert len({datum.order_key(value), datum.order_key(value)}) == 1


@given(data)
def test_everything_lies_between_the_extremes(value: Any) -> None:
    assert datum.order_key(MINVAL) <= datum.order_key(value) <= datum.order_key(MAXVAL)


def test_types_compare_by_name() -> None:
    ascending = [
        MINVAL,
        [],
        [1],
        False,
        True,
        None,
        -1,
        0.5,
        {},
        {"a": 1},
        b"a",
        pseudotypes.make_time(0, "+00:00"),
        "",
        "a",
        "b",
        "é",
        "😀",
        MAXVAL,
    ]
    keys = [datum.order_key(value) for value in ascending]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_times_are_equal_by_instant() -> None:
    assert datum.equal(pseudotypes.make_time(1, "+00:00"), pseudotypes.make_time(1, "-07:00"))
    assert datum.equal(0, -0.0)
    assert not datum.equal(1, True)


# -- numbers


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_equal_numbers_have_one_form(value: float) -> None:
    found = datum.number(value)
    assert found == value
    if value.is_integer() and abs(value) <= 2**53 and math.copysign(1, value) * value >= 0:
        negative_zero = value == 0 and math.copysign(1, value) < 0
        assert isinstance(found, float if negative_zero else int)


@given(st.integers(-(10**30), 10**30))
def test_integers_beyond_doubles_are_rounded(value: int) -> None:
    assert datum.number(value) == float(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 10**400])
def test_numbers_must_be_finite(value: float) -> None:
    with pytest.raises(QueryFailure, match="Non-finite number: "):
        datum.number(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "-0.0"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e21"),
        (1.25e30, "1.25e30"),
        (123456789.125, "123456789.125"),
        (0.000001, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (-5e-324, "-5e-324"),
        (2.0**53 + 2, "9007199254740994.0"),
    ],
)
def test_numbers_are_written_as_a_server_writes_them(value: float, text: str) -> None:
    assert jsonwriting.compact(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_written_numbers_read_back(value: float) -> None:
    assert float(jsonwriting.double(value)) == value


# -- text


@given(plain)
def test_written_json_reads_back(value: Any) -> None:
    for text in (datum.compact(value), datum.pretty(value)):
        assert datum.equal(jsonparsing.parse(text), value)
        assert datum.to_json(jsonparsing.parse(text)) == datum.to_json(value)


def test_pretty() -> None:
    assert datum.pretty({"b": [1, {}], "a": "x\n\x1f\x7f", "c": []}) == (
        '{\n\t"a":\t"x\\n\\u001F\x7f",\n\t"b":\t[\n\t\t1,\n\t\t{}\n\t],\n\t"c":\t[]\n}'
    )


def test_long_text_is_cut_by_bytes() -> None:
    assert datum.truncated("a" * 298) == f'"{"a" * 298}"'
    assert datum.truncated("é" * 150) == '"' + "é" * 148 + "..."


def test_long_binary_has_line_breaks() -> None:
    encoded = datum.to_json(bytes(60))["data"]
    assert encoded == "A" * 76 + "\r\n" + "A" * 4
    assert pseudotypes.from_base64(encoded) == bytes(60)


@given(st.binary(max_size=200))
def test_base64_reads_back(value: bytes) -> None:
    assert pseudotypes.from_base64(datum.to_base64(value)) == value


# -- JSON that is none

NOT_JSON = {
    "": "The document is empty.",
    " ": "The document is empty.",
    "1 2": "The document root must not follow by other values.",
    "01": "The document root must not follow by other values.",
    "nul": "Invalid value.",
    "NaN": "Invalid value.",
    "-Infinity": "Invalid value.",
    "[1,]": "Invalid value.",
    "-": "Invalid value.",
    "{": "Missing a name for object member.",
    "{1:2}": "Missing a name for object member.",
    '{"a" 1}': "Missing a colon after a name of object member.",
    '{"a":1 "b":2}': "Missing a comma or '}' after an object member.",
    "[1 2]": "Missing a comma or ']' after an array element.",
    '"abc': "Missing a closing quotation mark in string.",
    '"\\x"': "Invalid escape character in string.",
    '"a\tb"': "Invalid escape character in string.",
    '"\\u12g4"': "Incorrect hex digit after \\u escape in string.",
    '"\\ud83dx"': "The surrogate pair in string is invalid.",
    '"\\udc00"': "The surrogate pair in string is invalid.",
    '"\\ud83d\\u0041"': "The surrogate pair in string is invalid.",
    "1.": "Miss fraction part in number.",
    "1e": "Miss exponent in number.",
    "1e309": "Number too big to be stored in double.",
    "0e400": "Number too big to be stored in double.",
    '{"e":1e+309,"a":nul}': "Number too big to be stored in double.",
    '{"e":nul,"a":1E309}': "Invalid value.",
    "1" + "0" * 400: "Number too big to be stored in double.",
}


def test_numbers_at_their_limits() -> None:
    text = '["1e999", 1e308, 2E-400, 0.1234567890123456789, 9007199254740993, "\\ud83d\\ude00"]'
    expected = ["1e999", 1e308, 0, 0.12345678901234568, 9007199254740992, "\U0001f600"]
    assert jsonparsing.parse_or_explain(text) == expected


@pytest.mark.parametrize(("text", "problem"), NOT_JSON.items(), ids=repr)
def test_why_it_is_no_json(text: str, problem: str) -> None:
    with pytest.raises(JSONProblem) as raised:
        jsonparsing.parse_or_explain(text)
    assert str(raised.value) == problem


@given(st.text(max_size=12))
def test_any_text_parses_or_is_explained(text: str) -> None:
    try:
        jsonparsing.parse(text)
    except QueryFailure as failure:
        known = failure.message.startswith(("Failed to parse", "Encountered unescaped null"))
    else:
        known = True
    assert known


@given(plain)
def test_the_parser_that_explains_finds_nothing_wrong_with_json(value: Any) -> None:
    jsonparsing.explain(json.dumps(value))


JSON: Cases = {
    "numbers": (
        r.json("[1, 2.0, 1e3, -0, -0.0, 12345678901234567890]"),
        [1, 2, 1000, 0, -0.0, 1.2345678901234567e19],
    ),
    "surrogates": (r.json('"\\ud83d\\ude00"'), "😀"),
    "long text is cut": (
        r.json("a" * 50),
        wrong(f'Failed to parse "{"a" * 37}..." as JSON: Invalid value.'),
    ),
    "name twice": (r.json('{"a":1,"a":2}'), wrong('Duplicate key "a" in JSON.')),
    "null byte": (r.json("1\0"), wrong("Encountered unescaped null byte in JSON string.")),
    "no string": (r.json(1), wrong("Expected type STRING but found NUMBER.", 0)),
    "bytes": (r.json('{"$reql_type$":"BINARY","data":"YQ=="}'), b"a"),
    "out": (r.expr({"b": [1.5, None], "a": "é"}).to_json_string(), '{"a":"é","b":[1.5,null]}'),
    "out of the extremes": (
        r.expr([r.maxval]).to_json_string(),
        wrong("Cannot convert `r.maxval` to JSON."),
    ),
}


@parametrize(JSON)
def test_json(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


# -- pseudo-types


def invalid_time(problem: str, shown: str) -> Any:
    return wrong(f"Invalid time object constructed ({problem}):\n{shown}")


PSEUDO_TYPES: Cases = {
    "unknown": (r.expr({"$reql_type$": "X"}), wrong("Unknown $reql_type$ `PTYPE<X>`.")),
    "no string": (
        r.expr({"$reql_type$": None}),
        wrong(
            "Error: Field `$reql_type$` must be a string (got `null` of type NULL):\n"
            '{\n\t"$reql_type$":\tnull\n}'
        ),
    ),
    "time rounded, zone normalised": (
        r.expr({"$reql_type$": "TIME", "epoch_time": 1.00049, "timezone": "Z"}).to_iso8601(),
        "1970-01-01T00:00:01+00:00",
    ),
    "time with more": (
        r.expr({"$reql_type$": "TIME", "a": 1}),
        invalid_time("unrecognized field `a`", '{\n\t"$reql_type$":\t"TIME",\n\t"a":\t1\n}'),
    ),
    "time without zone": (
        r.expr({"$reql_type$": "TIME", "epoch_time": 1}),
        invalid_time("no field `timezone`", '{\n\t"$reql_type$":\t"TIME",\n\t"epoch_time":\t1\n}'),
    ),
    "time of a string": (
        r.expr({"$reql_type$": "TIME", "epoch_time": "1", "timezone": "Z"}),
        invalid_time(
            'field `epoch_time` must be a number (got `"1"` of type STRING)',
            '{\n\t"$reql_type$":\t"TIME",\n\t"epoch_time":\t"1",\n\t"timezone":\t"Z"\n}',
        ),
    ),
    "bytes lacking": (
        r.expr({"$reql_type$": "BINARY"}),
        wrong("Invalid binary pseudotype: lacking `data` key."),
    ),
    "bytes with more": (
        r.expr({"$reql_type$": "BINARY", "data": "", "a": 1}),
        wrong("Invalid binary pseudotype: illegal `a` key."),
    ),
    "base64 with spaces": (r.expr({"$reql_type$": "BINARY", "data": "Y Q\r\n"}), b"a"),
    "base64 with a star": (
        r.expr({"$reql_type$": "BINARY", "data": "Y*Q="}),
        wrong("Invalid base64 character found: '*'."),
    ),
    "base64 too short": (
        r.expr({"$reql_type$": "BINARY", "data": "Y"}),
        wrong("Invalid base64 length: 1 character remaining, cannot decode a full byte."),
    ),
    "base64 behind its end": (
        r.expr({"$reql_type$": "BINARY", "data": "YQ==YQ=="}),
        wrong("Invalid base64 format, data found after padding character '='."),
    ),
    "geometry with more": (
        r.expr({"$reql_type$": "GEOMETRY", "type": "Point", "coordinates": [], "x": 1}),
        wrong("Unrecognized field `x` found in geometry object."),
    ),
    "nested": (
        r.expr({"a": {"$reql_type$": "X"}}),
        wrong("Unknown $reql_type$ `PTYPE<X>`.", "a"),
    ),
}


@parametrize(PSEUDO_TYPES)
def test_pseudo_types(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected
