"""One value of a sequence: count, sum, avg, min, max, reduce, fold, contains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlNonExistenceError, ReqlQueryLogicError, ReqlUserError

from .support import Failure, outcome

Cases = dict[str, tuple[Any, Any]]

HEROES = [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 20}, {"name": "Cid"}]


def parametrize(cases: Cases) -> Any:
    """One test per case, named as the case is."""
    return pytest.mark.parametrize(("term", "expected"), cases.values(), ids=cases)


def empty(what: str, name: str) -> Failure:
    """The failure for an aggregation of nothing."""
    return Failure(
        ReqlNonExistenceError,
        f"Cannot take the {what} of an empty stream.  (If you passed `{name}` a field name, it may"
        " be that no elements of the stream had that field.)",
        (),
    )


NOT_A_NUMBER = Failure(ReqlQueryLogicError, "Expected type NUMBER but found STRING.", ())

COUNTED: Cases = {
    "rows": (r.range(7).count(), 7),
    "characters": (r.expr("na\u00efve").count(), 5),
    "bytes": (r.binary(b"abc").count(), 3),
    "fields": (r.expr({"a": 1, "b": 2}).count(), 2),
    "value": (r.expr([1, 2, 1]).count(1), 2),
    "function": (r.range(7).count(lambda x: x > 4), 2),
    "rows that lack a field": (r.expr(HEROES).count(lambda hero: hero["age"] > 1), 2),
    "number": (
        r.expr(1).count(),
        Failure(ReqlQueryLogicError, "Cannot convert NUMBER to SEQUENCE", ()),
    ),
}

NUMBERS: Cases = {
    "sum": (r.expr([1, 2.5]).sum(), 3.5),
    "sum of nothing": (r.expr([]).sum(), 0),
    "sum of a field": (r.expr(HEROES).sum("age"), 56),
    "sum of a function": (r.range(3).sum(lambda x: x * x), 5),
    "sum of null": (r.expr([None, 1]).sum(), 1),
    "sum of strings": (r.expr(["a"]).sum(), NOT_A_NUMBER),
    "sum of a string field": (r.expr(HEROES).sum("name"), NOT_A_NUMBER),
    "average": (r.expr([1, 2]).avg(), 1.5),
    "average of a field": (r.expr(HEROES).avg("age"), 28),
    "average of nothing": (r.expr([]).avg(), empty("average", "avg")),
    "average of what is not there": (r.expr(HEROES).avg("height"), empty("average", "avg")),
}

EXTREMES: Cases = {
    "min": (r.expr([2, 1, 3]).min(), 1),
    "max": (r.expr([2, "a", 3]).max(), "a"),
    "min of a field": (r.expr(HEROES).min("age")["name"], "Bob"),
    "max of a field": (r.expr(HEROES).max("age")["name"], "Ada"),
    "max of a function": (r.expr(HEROES).max(lambda hero: 0 - hero["age"])["name"], "Bob"),
    "the first of several": (r.expr([{"a": 1, "b": 1}, {"a": 1, "b": 2}]).max("a")["b"], 1),
    "min of nothing": (r.expr([]).min(), empty("min", "min")),
    "max of what is not there": (r.expr(HEROES).max("height"), empty("max", "max")),
    "index of no table": (
        r.range(2).min(index="a"),
        Failure(
            ReqlQueryLogicError, "Expected type TABLE but found SEQUENCE:\nVALUE SEQUENCE", (0,)
        ),
    ),
    "index and function": (
        r.range(2).min("a", index="a"),
        Failure(ReqlQueryLogicError, "Cannot provide both a function and an index to min.", ()),
    ),
}

REDUCED: Cases = {
    "reduce": (r.range(5).reduce(lambda x, y: x + y), 10),
    "one row": (r.expr([7]).reduce(lambda x, y: r.error("no")), 7),
    "nothing": (
        r.expr([]).reduce(lambda x, y: x),
        Failure(ReqlNonExistenceError, "Cannot reduce over an empty stream.", (1, 1)),
    ),
    "error": (r.range(2).reduce(lambda x, y: r.error("no")), Failure(ReqlUserError, "no", (1, 1))),
    "wrong number of parameters": (
        r.range(2).reduce(lambda x: x),
        Failure(
            ReqlQueryLogicError,
            "Expected function with 2 arguments but found function with 1 argument.",
            (1, 1),
        ),
    ),
    "fold": (r.expr(["a", "b"]).fold("", lambda total, one: total + one), "ab"),
    "fold of nothing": (r.expr([]).fold(1, lambda total, one: one), 1),
    "final result": (
        r.range(3).fold(0, lambda total, one: total + one, final_emit=lambda total: ["end", total]),
        ["end", 3],
    ),
    "emit": (
        r.expr([1, 2]).fold(
            0,
            lambda total, one: total + one,
            emit=lambda before, one, after: [[before, one, after]],
            final_emit=lambda total: [total],
        ),
        [[0, 1, 1], [1, 2, 3], 3],
    ),
    "emit lazily": (
        r.range().fold(0, lambda total, one: one, emit=lambda before, one, after: [one]).limit(2),
        [0, 1],
    ),
    "emit no array": (
        r.expr([1]).fold(0, lambda total, one: total, emit=lambda before, one, after: 1),
        Failure(ReqlQueryLogicError, "Expected type ARRAY but found NUMBER.", ()),
    ),
    "fold by the wrong function": (
        r.range(2).fold(0, lambda total: total),
        Failure(
            ReqlQueryLogicError,
            "The accumulator function passed to `fold` should expect 2 arguments",
            (),
        ),
    ),
}

CONTAINED: Cases = {
    "value": (r.expr([1, 2]).contains(2), True),
    "missing": (r.expr([1, 2]).contains(2, 3), False),
    "each row stands for one value": (r.expr([1, 2]).contains(1, 1), False),
    "functions": (r.range(3).contains(lambda x: x > 1, lambda x: x > 0), True),
    "each row stands for one function": (r.range(3).contains(*[lambda x: x > 1] * 2), False),
    "nothing": (r.expr([1]).contains(), True),
    "nothing in nothing": (r.expr([]).contains(), False),
}


@parametrize(
    {
        f"{group}, {name}": case
        for group, cases in {
            "count": COUNTED,
            "number": NUMBERS,
            "extreme": EXTREMES,
            "reduced": REDUCED,
            "contains": CONTAINED,
        }.items()
        for name, case in cases.items()
    }
)
def test_aggregation(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


PLACED: Cases = {
    "count": (r.range(3).count(), (0, 0)),
    "sum": (r.range(3).map(r.row).sum(), (0, 0)),
    "reduce": (r.range(3).limit(2).reduce(lambda x, y: x), (0, 0, 0)),
    "count of fields": (r.expr({"a": 1}).count(), (0,)),
    "fold": (r.range(3).fold(0, lambda x, y: x), (0,)),
}


@parametrize(PLACED)
def test_the_result_of_an_aggregation_counts_as_made_by_the_stream(
    conn: Any, term: Any, expected: Any
) -> None:
    failure = outcome(conn, term.upcase())
    assert failure == Failure(
        ReqlQueryLogicError, "Expected type STRING but found NUMBER.", expected
    )


@pytest.fixture
def numbers(conn: Any, table: Any) -> Any:
    """A table of rows with `id` 0 to 4 and an index on `a`, which counts down."""
    table.insert([{"id": n, "a": 4 - n} for n in range(5)]).run(conn)
    table.index_create("a").run(conn)
    table.index_create("b").run(conn)
    table.index_wait().run(conn)
    return table


OF_TABLES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "count": (lambda t: t.count(), 5),
    "min by primary key": (lambda t: t.min(), {"id": 0, "a": 4}),
    "min by index": (lambda t: t.min(index="a"), {"id": 4, "a": 0}),
    "max by index": (lambda t: t.max(index="a")["id"], 0),
    "max by field": (lambda t: t.max("a")["id"], 0),
    "empty index": (
        lambda t: t.max(index="b"),
        Failure(ReqlQueryLogicError, "`max` found no entries in the specified index.", ()),
    ),
}


@pytest.mark.parametrize(("make", "expected"), OF_TABLES.values(), ids=OF_TABLES)
def test_aggregation_of_tables(
    conn: Any, numbers: Any, make: Callable[[Any], Any], expected: Any
) -> None:
    assert outcome(conn, make(numbers)) == expected


def test_the_first_row_by_an_index_can_be_updated(conn: Any, numbers: Any) -> None:
    assert numbers.min(index="a").update({"first": True}).run(conn)["replaced"] == 1
    assert numbers.get(4).run(conn) == {"id": 4, "a": 0, "first": True}
