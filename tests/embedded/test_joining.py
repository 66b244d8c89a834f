"""Joins: inner_join, outer_join, eq_join, zip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlQueryLogicError, ReqlUserError

from .support import Failure, outcome

Cases = dict[str, tuple[Any, Any]]


def pairs(*found: tuple[Any, ...]) -> list[dict[str, Any]]:
    """The result of a join."""
    return [dict(zip(("left", "right"), pair, strict=False)) for pair in found]


def parametrize(cases: Cases) -> Any:
    """One test per case, named as the case is."""
    return pytest.mark.parametrize(("term", "expected"), cases.values(), ids=cases)


JOINED: Cases = {
    "inner": (
        r.expr([1, 2]).inner_join([1, 2, 3], lambda x, y: x < y),
        pairs((1, 2), (1, 3), (2, 3)),
    ),
    "outer": (
        r.expr([1, 3]).outer_join([2, 3], lambda x, y: x < y),
        pairs((1, 2), (1, 3), (3,)),
    ),
    "streams": (r.range(2).inner_join(r.range(2), lambda x, y: x == y), pairs((0, 0), (1, 1))),
    "constant": (r.expr([1]).inner_join([2], True), pairs((1, 2))),
    "kind of arrays": (r.expr([1]).inner_join([2], True).type_of(), "ARRAY"),
    "kind of streams": (r.range(1).outer_join([2], True).type_of(), "STREAM"),
    "inner, zipped": (
        r.expr([{"a": 1}]).inner_join([{"b": 2}], True).zip(),
        [{"a": 1, "b": 2}],
    ),
    "outer, zipped": (r.expr([{"a": 1}]).outer_join([{"b": 2}], False).zip(), [{"a": 1}]),
    "no sequence": (
        r.expr(1).inner_join([1], True),
        Failure(ReqlQueryLogicError, "Cannot convert NUMBER to SEQUENCE", ()),
    ),
    "no sequence on the right": (
        r.expr([1]).inner_join(1, True),
        Failure(ReqlQueryLogicError, "Cannot convert NUMBER to SEQUENCE", ()),
    ),
    "error": (
        r.expr([1]).inner_join([1], lambda x, y: r.error("no")),
        Failure(ReqlUserError, "no", (2, 1)),
    ),
    "wrong number of parameters": (
        r.expr([1]).outer_join([1], lambda x: True),
        Failure(
            ReqlQueryLogicError,
            "Expected function with 2 arguments but found function with 1 argument.",
            (2, 1),
        ),
    ),
    "no result": (
        r.expr([1]).inner_join([1], lambda x, y: r.range(1)),
        Failure(
            ReqlQueryLogicError, "Expected type DATUM but found SEQUENCE:\nVALUE SEQUENCE", (2, 1)
        ),
    ),
    "zip of what is no join": (
        r.expr([{"right": {}}]).zip(),
        Failure(ReqlQueryLogicError, "ZIP can only be called on the result of a join.", ()),
    ),
    "zip of numbers": (
        r.range(2).zip(),
        Failure(ReqlQueryLogicError, "Expected type OBJECT but found NUMBER.", ()),
    ),
}


@parametrize(JOINED)
def test_join(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


@pytest.fixture
def teams(conn: Any, table: Any) -> Any:
    """A table of rows with `id` 0 to 3 and a multi index on `tags`."""
    table.insert([{"id": n, "tags": [n % 2, "all"]} for n in range(4)]).run(conn)
    table.index_create("tags", multi=True).run(conn)
    table.index_wait().run(conn)
    return table


LEFT = [{"n": 3}, {"n": 1}, {"n": None}, {}, {"n": 9}]


def ids(joined: Any) -> Any:
    """Which rows were joined."""
    return joined.map(lambda pair: [pair["left"]["n"], pair["right"]["id"]])


OF_TABLES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "field": (lambda t: ids(r.expr(LEFT).eq_join("n", t, ordered=True)), [[3, 3], [1, 1]]),
    "function": (
        lambda t: ids(r.expr(LEFT).eq_join(lambda row: row["n"] - 1, t, ordered=True)),
        [[3, 2], [1, 0]],
    ),
    "index": (
        lambda t: ids(
            r.expr(LEFT).eq_join("n", t, index="tags").order_by(lambda x: x["right"]["id"])
        ),
        [[1, 1], [1, 3]],
    ),
    "kind": (lambda t: r.expr(LEFT).eq_join("n", t).type_of(), "ARRAY"),
    "zip": (
        lambda t: r.expr([{"n": 2}]).eq_join("n", t).zip(),
        [{"n": 2, "id": 2, "tags": [0, "all"]}],
    ),
    "table": (lambda t: t.eq_join("id", t).count(), 4),
    "inner join of tables": (lambda t: t.inner_join(t, lambda x, y: x["id"] < y["id"]).count(), 6),
    "no table": (
        lambda t: t.eq_join("id", [1]),
        Failure(ReqlQueryLogicError, "Expected type TABLE but found DATUM:\n[\n\t1\n]", (2,)),
    ),
}


@pytest.mark.parametrize(("make", "expected"), OF_TABLES.values(), ids=OF_TABLES)
def test_joins_of_tables(conn: Any, teams: Any, make: Callable[[Any], Any], expected: Any) -> None:
    assert outcome(conn, make(teams)) == expected
