"""Form, arity, options and scopes: what is found before a query is evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb.embedded import terms  # noqa: F401 - fills the table
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.language.registry import TERMS
from rethinkdb.ql2 import ResponseType, TermType

from .support import RawClient

DB = [14, ["test"]]
ROW = [13, []]
FUNCTION_OF_X = [69, [[2, [1]], [10, [1]]]]
NUMBERS = [2, [1, 2]]
DELETE = [54, [[15, ["some_table"]]]]
NOT_NESTED = "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead."

REFUSED: list[tuple[str, Any, str, list[Any]]] = [
    ("empty term", [], "Expected between 1 and 3 elements in a raw term, but found 0.", []),
    ("long", [24, [], {}, 1], "Expected between 1 and 3 elements in a raw term, but found 4.", []),
    ("no number", ["x"], "Expected a TermType as a NUMBER but found STRING.", []),
    ("a boolean", [True, []], "Expected a TermType as a NUMBER but found BOOL.", []),
    ("unknown", [24, [1, [9999, []]]], "Unrecognized TermType: 9999.", [1]),
    ("newer than 2.4.4", [197, ["{a}", {}]], "Unrecognized TermType: 197.", []),
    (
        "arguments no array",
        [24, 1],
        "Second element in a Term is neither arguments nor optional arguments.",
        [],
    ),
    (
        "options twice",
        [24, {}, {}],
        "Second and third element in a term are both optional arguments.",
        [],
    ),
    ("options no object", [24, [1], 2], "Third element in a Term is not optional arguments.", []),
    ("too few", [24, []], "Expected 1 or more arguments but found 0.", []),
    ("too many", [23, [True, 1, 2]], "Expected 1 argument but found 3.", []),
    ("between", [38, [NUMBERS]], "Expected 2 or more arguments but found 1.", []),
    ("option", [24, [1, 2], {"x": 1}], "Unrecognized optional argument `x`.", ["x"]),
    ("inside an option", [39, [NUMBERS, True], {"default": [24, []]}],
     "Expected 1 or more arguments but found 0.", ["default"]),
    ("inside an object", {"a": [9999, []]}, "Unrecognized TermType: 9999.", ["a"]),
    ("variable", [10, [7]], "Variable name not found.", []),
    ("variable without name", [10, []], "A variable term has the wrong number of arguments.", []),
    ("variable of terms", [10, [NUMBERS]], "A variable term has a non-datum argument.", []),
    ("variable of text", [10, ["x"]], "A variable term has a non-numeric name datum.", []),
    ("row outside", ROW, "r.row is not defined in this context.", []),
    (
        "row of two functions",
        [38, [NUMBERS, [69, [[2, [1]], [38, [NUMBERS, [69, [[2, [2]], ROW]]]]]]]],
        "Cannot use r.row in nested queries.  Use functions instead.",
        [1, 1, 1, 1],
    ),
    (
        "row with arguments",
        [69, [[2, [1]], [13, [1]]]],
        "Expected no arguments or optional arguments on implicit variable term.",
        [1],
    ),
    ("function", [69, [[2, [1]]]], "FUNC takes exactly two arguments (got 1)", []),
    ("function options", [69, [[2, [1]], 1], {"a": 1}], "FUNC takes no optional arguments.", []),
    (
        "parameters of text",
        [69, [[2, ["a"]], 1]],
        "CLIENT ERROR: FUNC variables must be a literal array of *numbers*.",
        [],
    ),
    (
        "parameters computed",
        [69, [[2, [[24, [1]]]], 1]],
        "CLIENT ERROR: FUNC variables must be a *literal* array of numbers.",
        [],
    ),
    ("object term", [3, [1], {}], "MAKE_OBJ term must not have any args.", []),
    ("sort order", [73, ["a"]], "ASC may only be used as an argument to ORDER_BY or UNION.", []),
    (
        "sort order deeper",
        [41, [NUMBERS, [24, [[74, ["a"]]]]]],
        "DESC may only be used as an argument to ORDER_BY or UNION.",
        [1, 0],
    ),
    ("write in map", [38, [NUMBERS, [69, [[2, [1]], DELETE]]]], NOT_NESTED, [1, 1]),
    ("write in an update", [53, [[15, ["t"]], {"a": DELETE}]], NOT_NESTED, [1, "a"]),
    ("form before arity", [24, [[24, []], [9999]]], "Unrecognized TermType: 9999.", [1]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wire", "message", "backtrace"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_compile_errors(raw: RawClient, wire: Any, message: str, backtrace: list[Any]) -> None:
    reply = raw.run(1, wire, db=DB)
    assert reply == {"t": ResponseType.COMPILE_ERROR, "r": [message], "b": backtrace}


def function(parameters: list[int], body: Any) -> list[Any]:
    return [69, [[2, parameters], body]]


def call(function: Any, *arguments: Any) -> list[Any]:
    return [64, [function, *arguments]]


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("datum", 5, 5),
    ("datum term", [1, "x"], "x"),
    ("object of terms", {"a": [24, [1, 2]]}, {"a": 3}),
    ("object term", [3, {"a": 1}], {"a": 1}),
    ("no arguments", [2], []),
    ("options without arguments", [154, [NUMBERS]], [1, 2]),
    ("row", [64, [[69, [[2, [1]], [24, [ROW, 1]]]], 2]], 3),
    ("row in a function of two", [64, [[69, [[2, [1]], call(function([2, 3], ROW), 5, 6)]], 2]], 2),
    ("variables of functions around",
     call(function([1], call(function([2], [24, [[10, [1]], [10, [2]]]]), 5)), 2), 7),
    ("args", [24, [[154, [NUMBERS]]]], 3),
    ("write where the first argument is", [43, [[2, []]]], 0),
    ("large document", {str(i): {"n": i, "x": [2, [i]]} for i in range(50)},
     {str(i): {"n": i, "x": [i]} for i in range(50)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wire", "value"), [case[1:] for case in ACCEPTED], ids=[c[0] for c in ACCEPTED]
)
def test_what_compiles(raw: RawClient, wire: Any, value: Any) -> None:
    assert raw.run(1, wire, db=DB) == {"t": ResponseType.SUCCESS_ATOM, "r": [value]}


def test_arguments_from_args_are_counted_when_evaluated(raw: RawClient) -> None:
    reply = raw.run(1, [23, [[154, [NUMBERS]]]])
    assert reply["t"] == ResponseType.RUNTIME_ERROR
    assert reply["r"] == ["Expected 1 argument but found 2."]


def test_every_term_is_implemented() -> None:
    part_of_the_language = {
        TermType.DATUM, TermType.MAKE_OBJ, TermType.VAR, TermType.IMPLICIT_VAR, TermType.FUNC
    }  # fmt: skip
    newer = {TermType.FORMAT}
    assert set(TermType) - set(TERMS) - part_of_the_language - newer == set()


WRITES_AND_META_OPERATIONS = """
    UPDATE DELETE INSERT REPLACE DB_CREATE DB_DROP TABLE_CREATE TABLE_DROP WAIT RECONFIGURE
    REBALANCE SYNC GRANT SET_WRITE_HOOK GET_WRITE_HOOK INDEX_CREATE INDEX_DROP INDEX_WAIT
    INDEX_RENAME
"""

FORBID_WRITES = """
    REDUCE MAP FOLD FILTER CONCAT_MAP GROUP INNER_JOIN OUTER_JOIN EQ_JOIN UPDATE DELETE REPLACE
    INSERT COUNT SUM AVG MIN MAX
"""


@pytest.mark.parametrize(
    ("words", "flag"), [(WRITES_AND_META_OPERATIONS, "writes"), (FORBID_WRITES, "forbids_writes")]
)
def test_rules_of_writes(words: str, flag: str) -> None:
    flagged = {type_.name for type_, rules in TERMS.items() if getattr(rules, flag)}
    assert flagged == set(words.split())


def test_determinism_in_its_narrower_senses() -> None:
    assert Determinism.ALWAYS.holds()
    assert not Determinism.CONSTANT_NOW.holds()
    assert Determinism.CONSTANT_NOW.holds(within_one_query=True)
    assert not (Determinism.CONSTANT_NOW | Determinism.SINGLE_SERVER).holds(within_one_query=True)
    assert not Determinism.NEVER.holds(on_one_server=True, within_one_query=True)
