"""Objects and arrays: fields, paths, merging, literals, elements."""

from __future__ import annotations

from typing import Any

from rethinkdb import r
from rethinkdb.embedded.data.pseudotypes import STRAY_LITERAL
from rethinkdb.errors import ReqlUserError

from .cases import Cases, missing, parametrize, wrong
from .support import Failure, outcome

HERO = {
    "name": "Ada",
    "at": {"city": "Rome", "zip": 1},
    "pets": [{"kind": "cat", "age": 2}, {"age": 3}],
}


FIELDS: Cases = {
    "of an object": (r.expr(HERO)["name"], "Ada"),
    "missing": (
        r.expr({"a": 1})["b"],
        missing('No attribute `b` in object:\n{\n\t"a":\t1\n}'),
    ),
    "of rows that have it": (r.expr([{"a": 1}, {}, {"a": 2}])["a"], [1, 2]),
    "null rows are left out": (r.expr([None, {"a": 1}]).get_field("a"), [1]),
    "rows of another type are not": (
        r.expr([1, {"a": 1}]).get_field("a"),
        wrong("Cannot perform get_field on a non-object non-sequence `1`."),
    ),
    "of no object": (
        r.expr(1)["a"],
        wrong("Cannot perform bracket on a non-object non-sequence `1`.", 0),
    ),
    "of null": (
        r.expr(None).get_field("a"),
        missing("Cannot perform get_field on a non-object non-sequence `null`.", 0),
    ),
    "of a time": (
        r.epoch_time(1)["epoch_time"],
        wrong("Cannot call `bracket` on objects of type `PTYPE<TIME>`.", 0),
    ),
    "name is no string": (
        r.expr({"a": 1}).get_field(1),
        wrong("Expected type STRING but found NUMBER.", 1),
    ),
    "as a function": (r.expr([{"a": 1}, {"a": 2}]).sum("a"), 3),
    "as a function on rows of rows": (
        r.expr([[{"a": 1}, {"b": 2}]]).group("a").ungroup()["group"],
        [[1]],
    ),
}


@parametrize(FIELDS)
def test_fields(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


PATHS: Cases = {
    "pluck": (r.expr(HERO).pluck("name", "none"), {"name": "Ada"}),
    "pluck inside": (r.expr(HERO).pluck({"at": "city"}), {"at": {"city": "Rome"}}),
    "pluck in arrays": (r.expr(HERO).pluck({"pets": ["kind"]}), {"pets": [{"kind": "cat"}, {}]}),
    "pluck by true": (
        r.expr(HERO).pluck({"at": {"zip": True}, "name": True}),
        {"at": {"zip": 1}, "name": "Ada"},
    ),
    "pluck nothing": (r.expr(HERO).pluck(), {}),
    "pluck in what is no object": (r.expr(HERO).pluck({"name": "x"}), {}),
    "pluck by a number": (r.expr({}).pluck(1), wrong("Invalid path argument `1`.")),
    "pluck rows": (r.expr([{"a": 1, "b": 2}]).pluck("a"), [{"a": 1}]),
    "pluck rows of rows": (
        r.expr([[{"a": 1}]]).pluck("a"),
        wrong("Cannot perform pluck on a sequence of sequences."),
    ),
    "pluck a database": (
        r.db("test").pluck("a"),
        wrong('Cannot perform pluck on a non-object non-sequence `db("test")`.', 0),
    ),
    "pluck a string": (
        r.expr("a").pluck("a"),
        wrong('Cannot perform pluck on a non-object non-sequence `"a"`.', 0),
    ),
    "no row, no argument": (r.expr([]).pluck(r.error("no")), []),
    "a row needs its arguments": (
        r.expr([{}]).pluck(r.error("no")),
        Failure(ReqlUserError, "no", (1,)),
    ),
    "without": (
        r.expr(HERO).without("pets", {"at": ["zip"]}),
        {"name": "Ada", "at": {"city": "Rome"}},
    ),
    "without in arrays": (
        r.expr(HERO).without({"pets": "age"})["pets"],
        [{"kind": "cat"}, {}],
    ),
    "without part of a time": (
        r.expr({"t": r.epoch_time(0)}).without({"t": "timezone"})["t"].to_epoch_time(),
        0,
    ),
    "has": (r.expr(HERO).has_fields("name", {"at": ["city"]}), True),
    "has not": (r.expr(HERO).has_fields({"at": "x"}), False),
    "null is not had": (r.expr({"a": None}).has_fields("a"), False),
    "arrays have no fields": (r.expr(HERO).has_fields({"pets": "age"}), False),
    "rows that have": (r.expr([{"a": 1}, None, {}]).has_fields("a"), [{"a": 1}]),
}


@parametrize(PATHS)
def test_paths(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


MERGE: Cases = {
    "over another": (r.expr({"a": 1}).merge({"b": 2}, {"a": 3}), {"a": 3, "b": 2}),
    "inside": (r.expr({"a": {"b": 1}}).merge({"a": {"c": 2}}), {"a": {"b": 1, "c": 2}}),
    "arrays are replaced": (r.expr({"a": [1]}).merge({"a": [2]}), {"a": [2]}),
    "by what is no object": (r.expr({"a": 1}).merge(2), 2),
    "function of what is there so far": (
        r.expr({"a": 1}).merge({"b": 2}, lambda row: {"c": row["a"] + row["b"]}),
        {"a": 1, "b": 2, "c": 3},
    ),
    "rows": (
        r.expr([{"a": 1}, {"a": 2}]).merge(lambda row: {"b": row["a"]}),
        [{"a": 1, "b": 1}, {"a": 2, "b": 2}],
    ),
    "literal": (r.expr({"a": {"b": 1}}).merge({"a": r.literal({"c": 2})}), {"a": {"c": 2}}),
    "empty literal": (r.expr({"a": 1, "b": 2}).merge({"a": r.literal()}), {"b": 2}),
    "literal where there is nothing": (
        r.expr({}).merge({"a": {"b": r.literal(1)}}),
        {"a": {"b": 1}},
    ),
    "literal from a function": (
        r.expr({"a": {"b": 1}}).merge(lambda row: {"a": r.literal(1)}),
        {"a": 1},
    ),
    "literal in a literal": (
        r.expr({}).merge({"a": r.literal({"b": r.literal(1)})}),
        wrong(STRAY_LITERAL, 1, "a", 0, "b"),
    ),
    "literal in an array": (
        r.expr({}).merge({"a": [0, r.literal(1)]}),
        wrong(STRAY_LITERAL, 1, "a", 1),
    ),
    "literal anywhere else": (r.expr({"a": r.literal(1)}), wrong(STRAY_LITERAL, "a")),
    "time": (
        r.expr({}).merge(r.epoch_time(0)),
        wrong("Cannot merge objects of type `PTYPE<TIME>`.", 1),
    ),
}


@parametrize(MERGE)
def test_merge(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def test_arguments_are_evaluated_for_each_row(conn: Any) -> None:
    rows = r.range(20).map(lambda n: {"n": n}).merge({"x": r.random()})["x"].coerce_to("array")
    assert len(set(rows.run(conn))) > 1


OBJECTS: Cases = {
    "made": (r.object("a", 1, "b", 2), {"a": 1, "b": 2}),
    "odd": (r.object("a"), wrong("OBJECT expects an even number of arguments (but found 1).")),
    "twice": (
        r.object("a", 1, "a", "x"),
        wrong('Duplicate key "a" in object.  (got 1 and "x" as values)'),
    ),
    "keys": (r.expr({"b": 1, "a": 2}).keys(), ["a", "b"]),
    "values": (r.expr({"b": 1, "a": 2}).values(), [2, 1]),
    "keys of a number": (
        r.expr(1).keys(),
        wrong("Cannot call `keys` on objects of type `NUMBER`.", 0),
    ),
    "values of a time": (
        r.epoch_time(1).values(),
        wrong("Cannot call `values` on objects of type `PTYPE<TIME>`.", 0),
    ),
}


@parametrize(OBJECTS)
def test_objects(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def out_of_bounds(place: int) -> Failure:
    return missing(f"Index `{place}` out of bounds for array of size: `3`.")


ARRAY = r.expr([1, 2, 3])
ARRAYS: Cases = {
    "append": (ARRAY.append(4), [1, 2, 3, 4]),
    "prepend": (ARRAY.prepend(4), [4, 1, 2, 3]),
    "append to null": (
        r.expr(None).append(1),
        missing("Expected type ARRAY but found NULL."),
    ),
    "insert": (ARRAY.insert_at(1, 9), [1, 9, 2, 3]),
    "insert at the end": (ARRAY.insert_at(-1, 9), [1, 2, 3, 9]),
    "insert at the start": (ARRAY.insert_at(-4, 9), [9, 1, 2, 3]),
    "insert beyond": (ARRAY.insert_at(4, 9), out_of_bounds(4)),
    "insert far before": (ARRAY.insert_at(-5, 9), missing("Index out of bounds: -5")),
    "insert at a fraction": (ARRAY.insert_at(1.5, 9), wrong("Number not an integer: 1.5")),
    "splice": (ARRAY.splice_at(-1, [8, 9]), [1, 2, 3, 8, 9]),
    "splice a number": (ARRAY.splice_at(1, 4), wrong("Expected type ARRAY but found NUMBER.")),
    "change": (ARRAY.change_at(-1, 9), [1, 2, 9]),
    "change beyond": (ARRAY.change_at(3, 9), out_of_bounds(3)),
    "delete": (ARRAY.delete_at(-1), [1, 2]),
    "delete beyond": (ARRAY.delete_at(3), out_of_bounds(3)),
    "delete some": (ARRAY.delete_at(0, 2), [3]),
    "delete none at the end": (ARRAY.delete_at(3, 3), [1, 2, 3]),
    "delete backwards": (
        ARRAY.delete_at(2, 1),
        wrong("Start index `2` is greater than end index `1`."),
    ),
    "set insert": (r.expr([1, 1, 2]).set_insert(1.0), [1, 2]),
    "set union": (r.expr([1, 1, 2]).set_union([3, 2, 3]), [1, 2, 3]),
    "set intersection": (r.expr([1, 2, 3]).set_intersection([3, 1, 3]), [3, 1]),
    "set difference": (r.expr([1, 2, 1, 3]).set_difference([2]), [1, 3]),
    "difference keeps what is twice": (r.expr([1, 2, 1, 3]).difference([2, 3]), [1, 1]),
    "true is not one": (r.expr([True]).set_insert(1), [True, 1]),
}


@parametrize(ARRAYS)
def test_arrays(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def test_selections_stay_selections(conn: Any, table: Any) -> None:
    table.insert([{"id": 1, "a": 1}, {"id": 2}]).run(conn)
    assert table.has_fields("a").type_of().run(conn) == "SELECTION<STREAM>"
    assert table.pluck("a").type_of().run(conn) == "STREAM"
    assert table.has_fields("a").delete()["deleted"].run(conn) == 1
