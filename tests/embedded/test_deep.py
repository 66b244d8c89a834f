"""Queries and data nested some thousand levels deep: they work, or fail with a clear error."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded.data import deepjson, jsontext
from rethinkdb.embedded.data.jsontext import NotJSON, TooDeep

from .support import RawClient, embedded_only, result

pytestmark = embedded_only

SUCCESS_ATOM = 1
TERMS = 2000 if sys.version_info[:2] == (3, 12) else 4000
"""Python 3.12 has a limit of its own for recursion through its library, and no way to raise it."""
IDENTITY = "[69,[[2,[1]],[10,[1]]]]"
ROW = "[173,[1]]"

CHAINS: dict[str, tuple[str, str, str, Any]] = {
    # what stands before and after each step, the innermost term, the result
    "add": ("[24,[", ",1]]", "1", TERMS + 1),
    "add on the right": ("[24,[1,", "]]", "1", TERMS + 1),
    "else": ("[65,[false,1,", "]]", "7", 7),
    "merge": ("[35,[", ',{"b":1}]]', '{"a":1}', {"a": 1, "b": 1}),
    "do": (f"[64,[{IDENTITY},", "]]", "1", 1),
    "function in function": ("[64,[[69,[[2,[1]],", "]],1]]", "1", 1),
    "map": ("[38,[", f",{IDENTITY}]]", ROW, [0]),
    "map of an array": ("[38,[", f",{IDENTITY}]]", "[2,[1,2]]", [1, 2]),
    "filter": ("[39,[", ",true]]", ROW, [0]),
    "limit": ("[71,[", ",5]]", ROW, [0]),
    "default": ("[92,[", ",1]]", "null", 1),
    "and": ("[67,[true,", "]]", "true", True),
    "object and field": ('[31,[{"a":', '},"a"]]', "1", 1),
    "not equal": ("[18,[", ",2]]", "1", True),
}


@pytest.mark.parametrize(("before", "after", "inner", "value"), CHAINS.values(), ids=CHAINS)
def test_chains_of_thousands(
    raw: RawClient, before: str, after: str, inner: str, value: Any
) -> None:
    term = before * TERMS + inner + after * TERMS
    reply = raw.ask(1, f"[1,{term},{{}}]".encode())
    assert (reply["r"][0] if reply["t"] == SUCCESS_ATOM else reply["r"]) == value


def test_an_error_deep_inside_is_located(raw: RawClient) -> None:
    term = "[24,[1," * TERMS + '[24,[1,"a"]]' + "]]" * TERMS
    reply = raw.ask(1, f"[1,{term}]".encode())
    assert reply["r"] == ["Expected type NUMBER but found STRING."]
    assert reply["b"] == [1] * TERMS


def test_a_compile_error_deep_inside_is_located(raw: RawClient) -> None:
    term = "[24,[1," * TERMS + "[9999,[]]" + "]]" * TERMS
    reply = raw.ask(1, f"[1,{term}]".encode())
    assert reply["r"] == ["Unrecognized TermType: 9999."]
    assert reply["b"] == [1] * TERMS


@pytest.mark.parametrize("levels", [250, 255, 300, 900])
def test_results_and_documents_nested_deeply(raw: RawClient, table: Any, levels: int) -> None:
    text = "[" * levels + "]" * levels
    wire = table.build()
    assert raw.run(1, [98, [text]])["r"] == [json.loads(text)]
    assert raw.run(2, [56, [wire, [98, ['{"id":1,"d":' + text + "}"]]]])["r"][0]["inserted"] == 1
    assert raw.run(3, [31, [[16, [wire, 1]], "d"]])["r"] == [json.loads(text)]
    assert raw.run(4, [39, [wire, {"d": [98, [text]]}]])["r"][0]["id"] == 1
    assert raw.run(5, [172, [[98, [text]]]])["r"] == [text]


def test_data_nested_beyond_all_bounds(raw: RawClient) -> None:
    """`fold` makes a value deeper with each row."""
    deeper = r.range(100_000).fold([], lambda value, _: [value]).to_json_string()
    reply = raw.run(1, deeper.build())
    assert reply["r"] == ["The query, or data in it, is nested too deeply."]
    assert raw.run(2, 5)["r"] == [5]


def test_the_driver_s_own_chains(conn: Any) -> None:
    term = r.expr(0)
    for _ in range(300):
        term = term + 1
    assert result(term.run(conn)) == 300


# -- JSON without recursion

TEXTS = [
    "[]",
    "{}",
    '[1, -2.5e3, "a\\u00e9\\n", true, false, null, {"a": [{}], "b": []}]',
    ' { "a" : [ 1 , { "b" : "x" } ] } ',
    "1.2345678901234568e22",
    "-0.0",
]
BROKEN = [
    "",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "{1:2}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "[1}",
    '{"a":1]',
    "[1] 2",
    "nul",
    "1e999",
    '"\\ud800"',
    '"a',
    '"\n"',
    "01",
    "NaN",
]


@pytest.mark.parametrize("text", TEXTS)
def test_parsing_without_recursion(text: str) -> None:
    assert deepjson.loads(text, 10)[0] == json.loads(text)


@pytest.mark.parametrize("text", BROKEN)
def test_broken_text_without_recursion(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        deepjson.loads(text, 10)
    nested = "[" * 2000 + text + "]" * 2000
    if text not in ("", "]", "[", "[1] 2"):
        with pytest.raises(NotJSON):
            jsontext.loads(nested.encode())


def test_the_depth_of_text() -> None:
    assert deepjson.loads("1", 3) == (1, 0)
    assert deepjson.loads('[{"a": [1]}, []]', 3) == ([{"a": [1]}, []], 3)
    with pytest.raises(TooDeep):
        deepjson.loads('[{"a": [1]}]', 2)


@pytest.mark.parametrize("text", TEXTS)
def test_writing_without_recursion(text: str) -> None:
    value = nested = json.loads(text)
    for _ in range(3000):
        nested = [nested]
    written = jsontext.dumps(nested)
    assert written == b"[" * 3000 + jsontext.dumps(value) + b"]" * 3000


def test_writing_what_json_has_no_form_for() -> None:
    nested: Any = {"b": b"x", "a": 1}
    for _ in range(300):
        nested = {"x": nested}
    written = jsontext.dumps(nested, lambda value: {"bytes": value.decode()})
    assert written == b'{"x":' * 300 + b'{"a":1,"b":{"bytes":"x"}}' + b"}" * 300
