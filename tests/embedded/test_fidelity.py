"""Small habits of a real server 2.4.4, found by comparing answers: each case is one of its own."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import (
    ReqlInternalError,
    ReqlNonExistenceError,
    ReqlOpFailedError,
    ReqlQueryLogicError,
    ReqlUserError,
)

from .support import Failure, RawClient, outcome

NO_NUMBER = "Expected type NUMBER but found STRING."

# -- order of types

BYTES, PLACE, TIME, OBJECT = r.binary(b"a"), r.point(1, 0), r.epoch_time(1), r.expr({"a": 1})
LOWER_FIRST = [
    (BYTES, PLACE),  # by the names of the types
    (PLACE, TIME),
    (BYTES, TIME),
    (OBJECT, BYTES),
    (OBJECT, TIME),
    (r.expr({"$reql": 1}), PLACE),  # as objects
    (PLACE, OBJECT),
    ([BYTES], [PLACE]),
    ([PLACE], [OBJECT]),
    ({"x": [BYTES]}, {"x": [PLACE]}),
    ([1], [1, 2]),
]


@pytest.mark.parametrize(("lower", "higher"), LOWER_FIRST)
def test_comparisons_across_types(conn: Any, lower: Any, higher: Any) -> None:
    lower, higher = r.expr(lower), r.expr(higher)
    outcomes = [lower < higher, lower <= higher, lower == higher, higher > lower, higher <= lower]
    assert r.expr(outcomes).run(conn) == [True, True, False, True, False]


def test_sorting_where_the_order_of_types_runs_in_a_circle(conn: Any) -> None:
    for values in itertools.permutations([BYTES, PLACE, OBJECT]):
        kinds = r.expr(list(values)).order_by(r.row).map(lambda x: x.type_of()).run(conn)
        assert sorted(kinds) == ["OBJECT", "PTYPE<BINARY>", "PTYPE<GEOMETRY>"]


# -- batch options

OPTIONS = ("max_batch_rows", "min_batch_rows", "max_batch_bytes", "max_batch_seconds")


@pytest.mark.parametrize("option", [*OPTIONS, "first_batch_scaledown_factor"])
def test_batch_options_are_looked_at_when_rows_are_pulled(
    conn: Any, table: Any, option: str
) -> None:
    wrong = {option: "x"}
    for term in (
        table.count(),
        table.get_all("x").delete(),
        table.update({}),
        table.insert([{"id": 1}]),
        table.fold(0, lambda a, b: a),
        r.expr([1]).map(lambda x: x),
        r.expr([1]).sum(),
        r.range(3),
    ):
        assert outcome(conn, term, **wrong) == Failure(ReqlQueryLogicError, NO_NUMBER, ())
    within = r.expr(1).do(lambda _: table.count())
    assert outcome(conn, within, **wrong) == Failure(ReqlQueryLogicError, NO_NUMBER, (0, 1))
    for term in (r.expr(1), table.get(1), r.expr([1]).nth(0), r.expr([1, 2]).slice(0, 1)):
        assert not isinstance(outcome(conn, term, **wrong), Failure)


# -- grouped data, nth, functions

GROUPED = r.expr([{"g": 1}, {"g": 1}, {"g": 2}]).group("g")


def test_grouped_data_as_the_only_argument(raw: RawClient) -> None:
    counts = {"$reql_type$": "GROUPED_DATA", "data": [[1, 2], [2, 1]]}
    for term in (64, 67, 66):  # do, and, or
        assert raw.run(1, [term, [GROUPED.count().build()]])["r"] == [counts]
    rows = {"$reql_type$": "GROUPED_DATA", "data": [[1, [{"g": 1}, {"g": 1}]], [2, [{"g": 2}]]]}
    assert raw.run(1, [64, [GROUPED.build()]])["r"] == [rows]


def test_what_is_complained_about_first(raw: RawClient, conn: Any, table: Any) -> None:
    second = r.error("second")
    assert outcome(conn, r.expr(1).nth(second)) == Failure(ReqlUserError, "second", (1,))
    get = 16
    for key in (second, table):
        assert raw.run(1, [get, [1, key.build()]])["b"] == [1]
    assert raw.run(1, [get, [1, 2]])["b"] == [0]


def test_of_parameters_with_the_same_number_the_first_counts(raw: RawClient) -> None:
    function = [69, [[2, [1, 2, 1]], [2, [[10, [1]], [10, [2]]]]]]
    assert raw.run(1, [64, [function, 5, 7, 9]])["r"] == [[5, 7]]
    assert raw.run(1, [37, [[2, [1, 2, 3]], [69, [[2, [1, 1]], [10, [1]]]]]])["r"] == [1]


# -- places of errors


def test_the_option_db_of_a_wrong_type(raw: RawClient) -> None:
    for value, shown in ((1, "1"), ("x", '"x"'), (None, "null")):
        reply = raw.ask(1, [1, [93, [[15, ["t"]], 1]], {"db": value}])
        assert reply["r"] == [f"Expected type DATABASE but found DATUM:\n{shown}"]
        assert reply["b"] == []


def test_sums_in_a_table_are_located_nowhere(conn: Any, table: Any) -> None:
    table.insert([{"id": n, "s": "x"} for n in range(3)]).run(conn)
    nowhere = Failure(ReqlQueryLogicError, NO_NUMBER, ())
    for term in (table.sum("s"), table.avg("s"), table["s"].sum(), table.group("id").sum("s")):
        assert outcome(conn, r.do(term, lambda x: x)) == nowhere
    here = Failure(ReqlQueryLogicError, NO_NUMBER, (1,))
    for term in (table.limit(2).sum("s"), r.expr([{"s": "x"}]).sum("s")):
        assert outcome(conn, r.do(term, lambda x: x)) == here


def test_feeds_whose_table_is_dropped(server: Any, conn: Any) -> None:
    places = {
        "point": (lambda t: t.get(1).changes(), [0]),
        "point in a function": (lambda t: r.do(1, lambda _: t.get(1).changes()), [0, 1, 0]),
        "point, mapped": (lambda t: t.get(1).changes().map(lambda x: x), []),
        "range": (lambda t: t.changes(), []),
        "first": (lambda t: t.min(index="id").changes(), [0]),
        "union": (lambda t: t.changes().union(t.get(1).changes()), [0]),
    }
    for name, (feed, place) in places.items():
        r.table_create("dropped").run(conn)
        r.table("dropped").wait().run(conn)
        with RawClient(server.host, server.port) as raw:
            raw.run(1, feed(r.table("dropped")).build())
            raw.send(1, [2])
            assert raw.run(2, 5)["r"] == [5]
            r.table_drop("dropped").run(conn)
            token, reply = raw.receive()
            assert (token, reply["b"]) == (1, place), name
            assert reply["r"] == ["Changefeed aborted (unavailable)."]


# -- binary data in texts

DATA = '{"$reql_type$":"BINARY","data":"YWJj"}'
SHOWN = {
    "in an object": (
        r.expr({"bin": r.binary(b"abc"), "z": 1}),
        f'{{\n\t"bin":{DATA},\n\t"z":\t1\n}}',
    ),
    "in an array": (
        r.expr({"a": [r.binary(b"abc"), 1]}),
        f'{{\n\t"a":\t[{DATA},\n\t\t1\n\t]\n}}',
    ),
    "deeper": (
        r.expr({"a": {"b": r.binary(b"abc")}}),
        f'{{\n\t"a":\t{{\n\t\t"b":{DATA}\n\t}}\n}}',
    ),
}


@pytest.mark.parametrize(("term", "shown"), SHOWN.values(), ids=SHOWN)
def test_binary_data_in_messages_is_on_one_line(conn: Any, term: Any, shown: str) -> None:
    message = f"No attribute `q` in object:\n{shown}"
    assert outcome(conn, term["q"]) == Failure(ReqlNonExistenceError, message, ())


def test_binary_data_alone_in_messages(conn: Any) -> None:
    message = f"Cannot perform bracket on a non-object non-sequence `{DATA}`."
    assert outcome(conn, r.binary(b"abc")["a"]) == Failure(ReqlQueryLogicError, message, (0,))


# -- the 180th meridian


@pytest.mark.parametrize("longitude", [180, -180])
def test_circles_at_the_180th_meridian(conn: Any, longitude: float) -> None:
    circle = r.circle(r.point(longitude, 0), 100_000, num_vertices=4, fill=False)
    longitudes = [place[0] for place in circle.to_geojson()["coordinates"].run(conn)]
    assert longitudes[0] == longitudes[2] == longitudes[4] == -180
    assert longitudes[1] == pytest.approx(179.1, abs=0.01)
    assert longitudes[3] == pytest.approx(-179.1, abs=0.01)


# -- times

OUT_OF_RANGE = "Error in time logic: Month number is out of range 1..12."


def test_a_date_is_looked_at_before_the_missing_zone(conn: Any) -> None:
    failure = Failure(ReqlQueryLogicError, OUT_OF_RANGE, (0,))
    assert outcome(conn, r.iso8601("2020-13-01")) == failure
    assert outcome(conn, r.iso8601("2020-13-01", default_timezone="x")) == failure


def test_all_arguments_of_during_are_looked_at_first(conn: Any) -> None:
    failure = Failure(ReqlQueryLogicError, "Not a TIME pseudotype: `2`.", (1,))
    assert outcome(conn, r.binary(b"x").during(2, 3)) == failure


def test_the_zone_of_other_pseudo_types_is_a_bug_of_the_server(conn: Any) -> None:
    for term in (r.binary(b"x").in_timezone("Z"), r.point(0, 0).timezone()):
        failure = outcome(conn, term)
        assert (failure.kind, failure.frames) == (ReqlInternalError, ())


# -- writes


def test_an_update_by_a_pseudo_type(conn: Any, table: Any) -> None:
    table.insert({"id": 1}).run(conn)
    for value, name in ((r.epoch_time(5), "TIME"), (r.point(1, 1), "GEOMETRY")):
        result = table.update(value).run(conn)
        assert result["first_error"] == f"Cannot merge objects of type `PTYPE<{name}>`."


def test_the_durability_is_looked_at_before_the_conflict_function(conn: Any, table: Any) -> None:
    insert = table.insert({"id": 1}, durability="x", conflict=lambda old, new: new)
    assert outcome(conn, insert).frames == ("durability",)
    insert = table.insert({"id": 1}, conflict=lambda old, new: new)
    assert "should expect 3 arguments" in outcome(conn, insert).message


# -- union

ARRAY = r.expr([1, 2, 3])


def test_unions_take_what_is_at_hand_first(conn: Any, table: Any) -> None:
    table.insert([{"id": n} for n in range(5)]).run(conn)
    rows = list(table["id"].run(conn))
    ordered = table.order_by(index="id")["id"]
    assert list(table["id"].union(ARRAY).run(conn)) == [1, 2, 3, *rows]
    assert list(table["id"].union(r.range(2)).run(conn)) == [0, 1, *rows]
    assert list(table["id"].union(r.range(2), interleave=False).run(conn)) == [*rows, 0, 1]
    assert list(ordered.union(ARRAY).run(conn)) == [1, 2, 3, 0, 1, 2, 3, 4]
    chain = ordered.union(ordered.map(lambda x: x * -1), interleave=False).union([9])
    assert list(chain.run(conn)) == [9, 0, 1, 2, 3, 4, 0, -1, -2, -3, -4]


def test_dropped_tables_are_missed(conn: Any) -> None:
    failure = outcome(conn, r.table("never_there").union([1]))
    assert (failure.kind, failure.frames) == (ReqlOpFailedError, (0,))
