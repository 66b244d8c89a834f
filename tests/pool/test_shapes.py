"""Which feeds can be compared by primary key, and how they are asked for."""

from __future__ import annotations

from typing import Any

import pytest

import rethinkdb as r
from rethinkdb.errors import ReqlDriverError
from rethinkdb.pool.shapes import Facts, Shape, Wanted, has_changes, shape_of, with_initial

T = r.table("t")


def body(query: Any, **options: Any) -> list[Any]:
    found: list[Any] = query.start_body(options, None)
    return found


def shape(query: Any, **options: Any) -> Shape:
    return shape_of(body(query, **options))


@pytest.mark.parametrize(
    "query",
    [
        T,
        r.db("d").table("t", read_mode="outdated"),
        T.get_all("a", "b"),
        T.get_all("x", index="n"),
        T.between(1, 2),
        T.filter({"a": 1}),
        T.filter(lambda row: row["a"] > 1).pluck("id", "a"),
        T.pluck({"id": True}),
        T.pluck(r.args(["id"])),
        T.without("b", {"c": True}),
        T.with_fields("id", "b").has_fields("b").merge({"c": 1}),
        T.map(lambda row: {"id": row["id"]}),
        T.order_by(index=r.desc("n")).limit(3),
        T.order_by(index="n"),
        T.min(index="n"),
        T.get("a"),
    ],
)
def test_what_can_be_compared(query: Any) -> None:
    found = shape(query.changes())
    assert found.table[0] == 15
    assert found.facts(["id"]) == Facts("id", [])
    assert found.is_point == (".get(" in str(query))
    assert found.moves == any(word in str(query) for word in ("limit", "min"))


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (T.changes().filter({"a": 1}), "must end in"),
        (r.expr(5), "must end in"),
        (T.union(r.table("u")).changes(), "rows of `union`"),
        (T.concat_map(lambda row: [row, row]).changes(), "rows of `concat_map`"),
        (r.map(T, T, lambda a, b: a).changes(), "rows of `map`"),
        (T.get("a").pluck("id").changes(), "single document"),
        (r.expr(5).changes(), "not a feed of one table"),
        (T.changes(include_offsets=True), "at which place"),
        (T.changes(include_initial=r.expr(1) == 1), "`include_initial` must be True or False"),
        (T.between(1, 2, index=r.expr("n") + "x").changes(), "name of its index must be a string"),
    ],
)
def test_what_is_refused(query: Any, why: str) -> None:
    with pytest.raises(ReqlDriverError, match=why) as raised:
        shape(query)
    assert '`resume="restart"` can be' in str(raised.value)


def test_documents_of_something_else_than_a_table_are_refused() -> None:
    with pytest.raises(ReqlDriverError, match="single document"):
        shape_of([1, [152, [[16, [[39, [T.build(), {}]], "a"]]]], {}])


def test_terms_without_a_name_are_refused_too() -> None:
    with pytest.raises(ReqlDriverError, match="term 9999"):
        shape_of([1, [152, [[9999, [T.build()]]]], {}])


@pytest.mark.parametrize(
    "query", [T.pluck("a"), T.without("id"), T.with_fields("a"), T.pluck({"id": False})]
)
def test_a_key_that_is_taken_away_is_refused(query: Any) -> None:
    with pytest.raises(ReqlDriverError, match="takes the field 'id' away"):
        shape(query.changes()).facts(["id"])


def test_another_primary_key() -> None:
    found = shape(T.pluck("id").changes())
    with pytest.raises(ReqlDriverError, match="takes the field 'name' away"):
        found.facts(["name"])


def test_options_of_the_term_are_stronger_than_run_options() -> None:
    query = T.changes(include_initial=False, include_types=True)
    found = shape(query, include_initial=True, include_states=True)
    assert found.wanted == Wanted(initial=False, states=True, types=True)


def test_the_feed_is_asked_for_with_initial_values_and_states() -> None:
    sent = body(T.changes(squash=True, include_initial=False), db="d")
    start, (number, arguments, options), others = with_initial(sent)
    assert (start, number, arguments) == (1, 152, sent[1][1])
    assert options == {"squash": True, "include_initial": True, "include_states": True}
    assert others == sent[2]
    assert with_initial(body(T.changes()))[1][2] == {
        "include_initial": True,
        "include_states": True,
    }
    assert sent[1][2]["include_initial"] is False


def test_the_question_about_the_table() -> None:
    found = shape(T.changes())
    assert found.question(body(T.changes(), db="d", squash=True)) == [
        1,
        [2, [[170, [[79, [[15, ["t"]]]], "primary_key"]]]],
        {"db": [14, ["d"]]},
    ]
    found = shape(T.get_all(1, index="n").changes())
    assert found.question([1, [152, []]])[1][1][1] == [139, [[15, ["t"]]]]
    found = shape(T.get_all(1).changes(), index="m")
    assert found.by_index == "m"


def test_whether_there_is_a_feed_in_a_query() -> None:
    assert has_changes(body(T.changes().limit(2)))
    assert has_changes(body(r.expr({"a": T.changes()})))
    assert not has_changes(body(T.filter({"changes": [152, []]})))
