"""Sequences in groups: group, what later terms do to groups, ungroup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlQueryLogicError, ReqlResourceLimitError, ReqlUserError

from .support import Failure, outcome

Cases = dict[str, tuple[Any, Any]]

HEROES = [
    {"name": "Ada", "team": "red", "age": 36},
    {"name": "Bob", "team": "blue", "age": 20},
    {"name": "Cid", "team": "red"},
    {"name": "Dan"},
]
BY_TEAM = r.expr(HEROES).group("team")
BY_REST = r.range(7).group(lambda x: x % 3)


def parametrize(cases: Cases) -> Any:
    """One test per case, named as the case is."""
    return pytest.mark.parametrize(("term", "expected"), cases.values(), ids=cases)


GROUPED: Cases = {
    "rows": (BY_REST, {0: [0, 3, 6], 1: [1, 4], 2: [2, 5]}),
    "rows that lack the field": (
        BY_TEAM["name"],
        {"red": ["Ada", "Cid"], "blue": ["Bob"], None: ["Dan"]},
    ),
    "several criteria": (
        r.range(4).group(lambda x: x % 2, lambda x: x > 1).count(),
        {(0, False): 1, (0, True): 1, (1, False): 1, (1, True): 1},
    ),
    "multi": (r.expr([{"a": [1, 2]}, {"a": [2]}]).group("a", multi=True).count(), {1: 1, 2: 2}),
    "multi of an empty array": (r.expr([{"a": []}]).group("a", multi=True).count(), {None: 1}),
    "multi of several": (
        r.expr([{"a": [1, 2], "b": [3, 4]}]).group("a", "b", multi=True).count(),
        {(1, 3): 1, (1, 4): 1, (2, 3): 1, (2, 4): 1},
    ),
    "arrays as groups": (r.expr([{"a": [1, 2]}]).group("a").count(), {(1, 2): 1}),
    "nothing": (r.expr([]).group("a").count(), {}),
    "error": (
        r.range(2).group(lambda x: r.error("no")).count(),
        Failure(ReqlUserError, "no", (0, 1, 1)),
    ),
    "by nothing": (
        r.range(2).group(),
        Failure(ReqlQueryLogicError, "Cannot group by nothing.", ()),
    ),
    "index of no table": (
        r.range(2).group(index="id"),
        Failure(
            ReqlQueryLogicError, "Expected type TABLE but found SEQUENCE:\nVALUE SEQUENCE", (0,)
        ),
    ),
}

THEN: Cases = {
    "count": (BY_REST.count(), {0: 3, 1: 2, 2: 2}),
    "map, filter, sum": (
        BY_REST.map(lambda x: x * 2).filter(lambda x: x > 2).sum(),
        {0: 18, 1: 8, 2: 14},
    ),
    "groups emptied are gone": (BY_REST.filter(lambda x: x > 5).count(), {0: 1}),
    "groups without anything to average are gone": (BY_TEAM.avg("age"), {"red": 36, "blue": 20}),
    "concat_map": (BY_REST.concat_map(lambda x: [x, x]).count(), {0: 6, 1: 4, 2: 4}),
    "fields": (
        BY_TEAM.pluck("age").merge({"x": 1}).max("age"),
        {"red": {"age": 36, "x": 1}, "blue": {"age": 20, "x": 1}},
    ),
    "limit": (BY_REST.limit(1), {0: [0], 1: [1], 2: [2]}),
    "order_by": (BY_REST.order_by(r.desc(r.row)).nth(0), {0: 6, 1: 4, 2: 5}),
    "nth": (BY_REST[-1], {0: 6, 1: 4, 2: 5}),
    "contains": (BY_REST.contains(4), {0: False, 1: True, 2: False}),
    "is_empty": (BY_REST.is_empty(), {0: False, 1: False, 2: False}),
    "arithmetic": (BY_REST.count() + 1, {0: 4, 1: 3, 2: 3}),
    "do": (BY_REST.do(lambda rows: rows.count()), {0: 3, 1: 2, 2: 2}),
    "default": (BY_REST.count().default(0), {0: 3, 1: 2, 2: 2}),
    "coerce_to": (BY_REST.count().coerce_to("string"), {0: "3", 1: "2", 2: "2"}),
    "reduce": (BY_REST.reduce(lambda x, y: x * 10 + y), {0: 36, 1: 14, 2: 25}),
    "ungroup": (
        BY_REST.count().ungroup(),
        [{"group": 0, "reduction": 3}, {"group": 1, "reduction": 2}, {"group": 2, "reduction": 2}],
    ),
    "ungroup of rows": (
        r.range(2).group(lambda x: 1 - x).ungroup(),
        [{"group": 0, "reduction": [1]}, {"group": 1, "reduction": [0]}],
    ),
    "ungroup of what is not grouped": (
        r.expr(1).ungroup(),
        Failure(ReqlQueryLogicError, "Expected type GROUPED_DATA but found DATUM:\n1", (0,)),
    ),
    "as second operand": (
        1 + BY_REST.count(),
        Failure(
            ReqlQueryLogicError,
            "Expected type DATUM but found GROUPED_DATA:\nVALUE GROUPED_DATA",
            (1, 0),
        ),
    ),
    "group": (
        BY_REST.group("a"),
        Failure(
            ReqlQueryLogicError,
            "Cannot call `group` on the output of `group` (did you mean to `ungroup`?).",
            (0,),
        ),
    ),
}

NOT_A_STREAM = Failure(
    ReqlQueryLogicError,
    "Cannot treat the output of `group` as a stream (did you mean to `ungroup`?).",
    (0,),
)

REFUSED: Cases = {
    "fold": (BY_REST.fold(0, lambda x, y: x), NOT_A_STREAM),
    "map in step": (r.map(BY_REST, [1], lambda x, y: x), NOT_A_STREAM),
}


@parametrize(
    {
        f"{group}, {name}": case
        for group, cases in {"group": GROUPED, "then": THEN, "refused": REFUSED}.items()
        for name, case in cases.items()
    }
)
def test_groups(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def test_groups_are_sorted(conn: Any) -> None:
    raw = r.expr([3, "a", 1, None]).group(r.row).count().run(conn, group_format="raw")
    assert [group for group, _ in raw["data"]] == [None, 1, 3, "a"]


def test_counting_groups_takes_no_room_for_their_rows(evaluate: Callable[..., Any]) -> None:
    assert evaluate(BY_REST.count(), array_limit=4) == {0: 3, 1: 2, 2: 2}


def test_the_rows_of_all_groups_together_count_for_the_array_limit(conn: Any) -> None:
    assert outcome(conn, BY_REST, array_limit=6) == Failure(
        ReqlResourceLimitError,
        "Grouped data over size limit `6`.  Try putting a reduction (like `.reduce` or `.count`)"
        " on the end.",
        (),
    )


def test_too_many_groups(conn: Any) -> None:
    assert outcome(conn, r.range(5).group(r.row).count(), array_limit=4) == Failure(
        ReqlResourceLimitError, "Too many groups (> 4).", ()
    )


@pytest.fixture
def tagged(conn: Any, table: Any) -> Any:
    """A table of rows with `id` 0 to 5, indexes on `parity` and, multi, on `tags`."""
    rows = [{"id": n, "parity": n % 2, "tags": [n % 3, "all"]} for n in range(6)]
    table.insert(rows).run(conn)
    table.index_create("parity").run(conn)
    table.index_create("tags", multi=True).run(conn)
    table.index_wait().run(conn)
    return table


OF_TABLES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "field": (lambda t: t.group("parity").count(), {0: 3, 1: 3}),
    "index": (lambda t: t.group(index="parity").sum("id"), {0: 6, 1: 9}),
    "multi index": (lambda t: t.group(index="tags").count(), {0: 2, 1: 2, 2: 2, "all": 6}),
    "primary key": (lambda t: t.limit(2).group("id").count(), {0: 1, 1: 1}),
    "by primary key": (lambda t: t.group(index="id").count().ungroup().count(), 6),
    "field and index": (
        lambda t: t.group(lambda row: row["id"] > 2, index="parity").count(),
        {(False, 0): 2, (False, 1): 1, (True, 0): 1, (True, 1): 2},
    ),
}


@pytest.mark.parametrize(("make", "expected"), OF_TABLES.values(), ids=OF_TABLES)
def test_groups_of_tables(
    conn: Any, tagged: Any, make: Callable[[Any], Any], expected: Any
) -> None:
    if make is OF_TABLES["primary key"][0]:
        make, expected = (lambda t: t.order_by(index="id").limit(2).group("id").count()), expected
    assert outcome(conn, make(tagged)) == expected
