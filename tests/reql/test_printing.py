"""The caret line: which part of a query an error is about."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import QueryPrinter

t = r.table("t")
ROW_1 = "lambda var_1: "


def marked(query: Any, frames: list[int | str] | None) -> str | None:
    """The part of the text above carets."""
    printer = QueryPrinter(query, frames)
    text, carets = printer.print_query(), printer.print_carrots()
    assert len(text) == len(carets)
    assert set(carets) <= {" ", "^"}
    assert carets.strip(" ").count(" ") == 0
    return "".join(c for c, mark in zip(text, carets, strict=True) if mark == "^") or None


@pytest.mark.parametrize(
    ("query", "frames", "part"),
    [
        (t.get(1), [], "r.table('t').get(1)"),
        (t.get(1), [0], "r.table('t')"),
        (t.get(1), [1], "1"),
        (t.get(1), [2], None),
        (t.get(1), [0, 0, 0], None),
        (t.get(1), ["index"], None),
        (t.get_all("a", index="b"), [1], "'a'"),
        (t.get_all("a", index="b"), ["index"], "'b'"),
        (r.expr([1, 2, 3]).sum("x"), [0], "[1, 2, 3]"),
        (r.expr([1, 2, 3]).sum("x"), [0, 1], "2"),
        (r.expr([1, [2, {"a": [3]}]]), [1, 1, "a", 0], "3"),
        (r.expr([r.now(), 2]), [0], "r.now()"),
        (r.expr({"a": r.now(), "b": 1}), ["a"], "r.now()"),
        (r.expr({"a": 1, "b": 2}), ["b"], "2"),
        (r.expr({"a": 1}).keys(), [0], "r.expr({'a': 1})"),
        (r.expr(1) + "b", [], "(r.expr(1) + r.expr('b'))"),
        (r.expr(1) + "b", [1], "'b'"),
        (r.branch(True, 1, t), [2], "r.table('t')"),
        (r.db("d").table_create("x"), [0], "r.db('d')"),
        (r.table_create("x", shards=0), ["shards"], "0"),
        (t["a"], [0], "r.table('t')"),
        (t["a"], [1], "'a'"),
        (t[1:2], [2], "2"),
        (~t, [0], "r.table('t')"),
        (r.and_(1, t), [1], "r.table('t')"),
        (r.expr("x").do(t), [0], "r.table('t')"),
        (r.expr("x").do(t), [1], "'x'"),
        (r.do(1, 2, t), [0], "r.table('t')"),
        (r.do(1, 2, t), [2], "2"),
        (r.do(t), [0], "r.table('t')"),
        (r.binary(t), [0], "r.table('t')"),
        (r.row["a"], [0], "r.row"),
        (r.object("a", t), [1], "r.table('t')"),
        (r.type_of(t), [0], "r.table('t')"),
        (r.expr("^^").upcase(), [], "r.expr('^^').upcase()"),
        (r.expr("^^") + t, [1], "r.table('t')"),
    ],
)
def test_marks_the_part(query: Any, frames: list[int | str], part: str | None) -> None:
    assert marked(query, frames) == part


def test_marks_inside_functions() -> None:
    query = r.expr([1, 2, 3]).map(lambda x: x + "b")
    body = str(query)[len("r.expr([1, 2, 3]).map(lambda ") : -1].split(": ", 1)[1]
    assert marked(query, [1, 1]) == body
    assert marked(query, [1, 1, 1]) == "'b'"
    assert marked(query, [1, 0]) is None


def test_marks_the_occurrence_meant() -> None:
    printer = QueryPrinter(r.expr(1) + 1, [1])
    assert printer.print_query() == "(r.expr(1) + r.expr(1))"
    assert printer.print_carrots() == " " * 20 + "^  "


def test_without_frames_everything_is_marked() -> None:
    printer = QueryPrinter(t)
    assert (printer.print_query(), printer.print_carrots()) == ("r.table('t')", "^" * 12)


def test_true_and_one_are_different_steps() -> None:
    assert marked(r.expr({"1": "a"}), [1]) is None


def test_very_deep_queries_do_not_break_errors() -> None:
    query = r.expr(0)
    for _ in range(2000):
        query = query + 1
    assert str(query).endswith("r.expr(0)" + " + r.expr(1))" * 2000)
    assert marked(query, [1]) == "1"


def test_zero_parameters() -> None:
    assert str(r.expr(lambda: 1)) == "lambda : 1"


def test_the_beginning_of_a_long_query():
    row = {"id": 1, "name": "x" * 100}
    query = r.table("heroes").insert([row] * 100_000)
    whole = r.table("heroes").insert([row] * 3)
    text, span = query.render(enough=50)
    assert 50 < len(text) < 1000
    assert span is None
    assert str(whole).startswith(text[:150])
    assert whole.render(enough=10_000)[0] == str(whole)
