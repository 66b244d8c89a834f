"""Sequences turned into other sequences: map, filter, order_by, slices, unions ..."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import (
    ReqlNonExistenceError,
    ReqlQueryLogicError,
    ReqlResourceLimitError,
    ReqlUserError,
)

from .support import Failure, outcome

Cases = dict[str, tuple[Any, Any]]

INFINITE = (
    "Cannot use an infinite stream with an aggregation function (`reduce`, `count`, etc.)"
    " or coerce it to an array."
)
HEROES = [
    {"name": "Ada", "team": "red", "age": 36},
    {"name": "Bob", "team": "blue", "age": 20},
    {"name": "Cid", "team": "red"},
]


def parametrize(cases: Cases) -> Any:
    """One test per case, named as the case is."""
    return pytest.mark.parametrize(("term", "expected"), cases.values(), ids=cases)


MAPPED: Cases = {
    "array": (r.expr([1, 2]).map(lambda x: x + 1), [2, 3]),
    "stream": (r.range(3).map(r.row * 2), [0, 2, 4]),
    "in step, to the shortest": (
        r.map([1, 2, 3], r.range(2), lambda x, y: [x, y]),
        [[1, 0], [2, 1]],
    ),
    "in step with an endless one": (r.map([5, 6], r.range(), lambda x, y: x + y).sum(), 12),
    "function without parameters": (r.range(2).map(lambda: 7), [7, 7]),
    "nothing is evaluated for no row": (r.expr([]).map(lambda x: r.error("no")), []),
    "error": (r.range(2).map(lambda x: r.error("no")), Failure(ReqlUserError, "no", (1, 1))),
    "no sequence": (
        r.expr(1).map(lambda x: x),
        Failure(ReqlQueryLogicError, "Cannot convert NUMBER to SEQUENCE", ()),
    ),
    "null is no sequence": (
        r.expr(None).map(lambda x: x),
        Failure(ReqlNonExistenceError, "Cannot convert NULL to SEQUENCE", ()),
    ),
    "wrong number of parameters": (
        r.range(2).map(lambda x, y: x),
        Failure(
            ReqlQueryLogicError,
            "The function passed to `map` expects 2 arguments, but 1 sequence was found.",
            (),
        ),
    ),
    "a sequence is no result": (
        r.range(2).map(lambda x: r.range(x)),
        Failure(
            ReqlQueryLogicError, "Expected type DATUM but found SEQUENCE:\nVALUE SEQUENCE", (1, 1)
        ),
    ),
    "concatenated": (r.range(3).concat_map(lambda x: [x, x * 10]), [0, 0, 1, 10, 2, 20]),
    "concatenated streams": (r.expr([1, 2]).concat_map(lambda x: r.range(x)), [0, 0, 1]),
    "concatenated numbers": (
        r.range(2).concat_map(lambda x: x),
        Failure(ReqlQueryLogicError, "Cannot convert NUMBER to SEQUENCE", (1,)),
    ),
    "concatenated endless streams": (
        r.expr([1]).concat_map(lambda x: r.range()),
        Failure(ReqlQueryLogicError, INFINITE, (1, 1)),
    ),
}


@parametrize(MAPPED)
def test_map(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def lacks(field: str, *frames: int | str) -> Failure:
    """The failure for a row of `HEROES` without a field."""
    cid = '{\n\t"name":\t"Cid",\n\t"team":\t"red"\n}'
    message = f"No attribute `{field}` in object:\n{cid}"
    return Failure(ReqlNonExistenceError, message, frames)


def named(term: Any) -> Any:
    """The names of the heroes left."""
    return term["name"]


FILTERED: Cases = {
    "function": (named(r.expr(HEROES).filter(lambda hero: hero["team"] == "red")), ["Ada", "Cid"]),
    "fields": (named(r.expr(HEROES).filter({"team": "red", "age": 36})), ["Ada"]),
    "nested fields": (r.expr([{"a": {"b": 1, "c": 2}}]).filter({"a": {"b": 1}}).count(), 1),
    "literal fields": (r.expr([{"a": {"b": 1, "c": 2}}]).filter({"a": r.literal({"b": 1})}), []),
    "a computed object is true": (
        r.expr([{"a": 1}]).filter(lambda x: x.merge({"a": 2})),
        [{"a": 1}],
    ),
    "constant": (r.range(3).filter(False), []),
    "rows that lack a field are left out": (
        named(r.expr(HEROES).filter(lambda hero: hero["age"] > 30)),
        ["Ada"],
    ),
    "default true": (
        named(r.expr(HEROES).filter(lambda hero: hero["age"] > 30, default=True)),
        ["Ada", "Cid"],
    ),
    "default error": (
        r.expr(HEROES).filter(lambda hero: hero["age"] > 30, default=r.error()),
        lacks("age", 1, 1, 0),
    ),
    "default error about fields": (
        r.expr(HEROES).filter({"age": 36}, default=r.error()),
        Failure(ReqlNonExistenceError, "No attribute `age` in object.", (1,)),
    ),
    "default that fails": (
        r.expr(HEROES).filter({"age": 36}, default=r.error("my own")),
        Failure(ReqlUserError, "my own", ("default",)),
    ),
    "fields of a number": (
        r.range(2).filter({"a": 1}),
        Failure(ReqlQueryLogicError, "Expected type OBJECT but found NUMBER.", ()),
    ),
    "with_fields": (
        r.expr(HEROES).with_fields("name", "age"),
        [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 20}],
    ),
    "difference": (r.expr([1, 2, 3, 2]).difference([2]), [1, 3]),
    "offsets of a value": (r.expr(["a", "b", "a"]).offsets_of("a"), [0, 2]),
    "offsets of null": (r.expr([None, 1]).offsets_of(None), [0]),
    "offsets by function": (r.range(5).offsets_of(lambda x: x > 2), [3, 4]),
}


@parametrize(FILTERED)
def test_filter(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def too_few(place: int) -> Failure:
    """The failure for a place that does not exist."""
    return Failure(ReqlNonExistenceError, f"Index out of bounds: {place}", ())


CUT: Cases = {
    "slice": (r.expr([0, 1, 2, 3]).slice(1, 3), [1, 2]),
    "slice to the end": (r.range(4).slice(2), [2, 3]),
    "slice with bounds": (
        r.expr([0, 1, 2, 3]).slice(1, 3, left_bound="open", right_bound="closed"),
        [2, 3],
    ),
    "slice from the end": (r.expr([0, 1, 2, 3]).slice(-3, -1), [1, 2]),
    "slice from before the start": (
        r.expr([0, 1, 2]).slice(-9, 1, left_bound="open"),
        [0],
    ),
    "slice beyond the end": (r.expr([0, 1]).slice(5, 9), []),
    "slice of a string": (r.expr("snowman \u2603!").slice(-2), "\u2603!"),
    "slice of bytes": (r.binary(b"bytes").slice(1, 3), b"yt"),
    "slice of a number": (
        r.expr(1).slice(1, 2),
        Failure(ReqlQueryLogicError, "Expected ARRAY, BINARY, or STRING, but found NUMBER.", (0,)),
    ),
    "negative slice of a stream": (
        r.range(4).slice(-2, 3),
        Failure(ReqlQueryLogicError, "Cannot use a negative left index on a stream.", ()),
    ),
    "negative end of a stream": (
        r.range(4).slice(0, -1),
        Failure(ReqlQueryLogicError, "Cannot slice to an open right index of -1 on a stream.", ()),
    ),
    "skip": (r.range(4).skip(3), [3]),
    "skip of an array": (r.expr([0, 1, 2]).skip(-1), [2]),
    "limit": (r.range().limit(2), [0, 1]),
    "negative limit": (
        r.expr([]).limit(-1),
        Failure(ReqlQueryLogicError, "LIMIT takes a non-negative argument (got -1)", ()),
    ),
    "huge limit": (
        r.expr([]).limit(2**31),
        Failure(ReqlQueryLogicError, "Integer too large: 2147483648", (1,)),
    ),
    "nth": (r.expr([5, 6]).nth(1), 6),
    "nth from the end": (r.expr([5, 6])[-2], 5),
    "last of a stream": (r.range(4)[-1], 3),
    "nth of a stream": (r.range(4).nth(2), 2),
    "beyond an array": (r.expr([5]).nth(1), too_few(1)),
    "beyond a stream": (r.range(3).nth(3), too_few(3)),
    "last of nothing": (r.range(0).nth(-1), too_few(-1)),
    "second last of a stream": (
        r.range(3).nth(-2),
        Failure(ReqlQueryLogicError, "Cannot use an index < -1 (-2) on a stream.", ()),
    ),
    "field of rows": (r.expr([{"a": 1}, {}])["a"], [1]),
    "neither number nor string": (
        r.expr([1])[r.expr([])],
        Failure(
            ReqlQueryLogicError,
            "Expected NUMBER or STRING as second argument to `bracket` but found ARRAY.",
            (),
        ),
    ),
    "is_empty": (
        [r.expr([]).is_empty(), r.range(1).is_empty(), r.range().is_empty()],
        [True, False, False],
    ),
    "sample of all": (r.range(5).sample(9).order_by(r.row), [0, 1, 2, 3, 4]),
    "negative sample": (
        r.range(5).sample(-1),
        Failure(
            ReqlQueryLogicError, "Number of items to sample must be non-negative, got `-1`.", ()
        ),
    ),
    "range": (r.range(-2, 1), [-2, -1, 0]),
    "empty range": (r.range(3, 1), []),
}


@parametrize(CUT)
def test_parts(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, r.expr(term)) == expected


def test_sample_picks_rows_without_repeating_them(evaluate: Callable[..., Any]) -> None:
    picked = evaluate(r.range(1000).sample(20))
    assert len(set(picked)) == 20


ENDLESS: Cases = {
    "count": (r.range().count(), (0,)),
    "after map": (r.range().map(lambda x: x).count(), (0,)),
    "after limit": (r.range().limit(3).count(), (0, 0)),
    "reduce": (r.range().map(r.row).reduce(lambda x, y: x), (0,)),
    "array": (r.range().limit(3).coerce_to("array"), (0, 0)),
    "nth": (r.range().nth(3), (0,)),
    "order_by": (r.range().order_by(r.row), (0,)),
    "distinct": (r.range().distinct(), (0,)),
    "group": (r.range().group(r.row).count(), (0,)),
    "union": (r.range().union([1]).count(), (0, 0)),
    "contains": (r.range().contains(3), (0,)),
}


@parametrize(ENDLESS)
def test_endless_sequences_are_not_aggregated(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == Failure(ReqlQueryLogicError, INFINITE, expected)


def by_name(*keys: Any, **options: Any) -> Any:
    """The names of the heroes in some order."""
    return r.expr(HEROES).order_by(*keys, **options)["name"]


ORDERED: Cases = {
    "field": (by_name("name"), ["Ada", "Bob", "Cid"]),
    "descending": (by_name(r.desc("name")), ["Cid", "Bob", "Ada"]),
    "rows without the field come first": (by_name("age"), ["Cid", "Bob", "Ada"]),
    "descending, they come last": (by_name(r.desc("age")), ["Ada", "Bob", "Cid"]),
    "several": (by_name(r.desc("team"), "age"), ["Cid", "Ada", "Bob"]),
    "equal rows stay in order": (by_name("team"), ["Bob", "Ada", "Cid"]),
    "equal rows stay in order, descending": (by_name(r.desc("team")), ["Ada", "Cid", "Bob"]),
    "function": (r.range(3).order_by(lambda x: 0 - x), [2, 1, 0]),
    "descending function": (r.range(3).order_by(r.desc(lambda x: 0 - x)), [0, 1, 2]),
    "types": (
        r.expr([{}, "a", 1, None, True, [1]]).order_by(r.row),
        [[1], True, None, 1, {}, "a"],
    ),
    "nothing to order by": (
        by_name(),
        Failure(ReqlQueryLogicError, "Must specify something to order by.", (0,)),
    ),
    "by chance": (
        r.range(3).order_by(lambda x: r.random()),
        Failure(
            ReqlQueryLogicError, "Sorting by a non-deterministic function is not supported.", ()
        ),
    ),
    "spliced": (
        r.range(3).order_by(r.args(["a"])),
        Failure(
            ReqlQueryLogicError,
            "r.args is not supported in an order_by or union command yet.",
            (),
        ),
    ),
    "index of no table": (
        r.range(3).order_by(index="a"),
        Failure(
            ReqlQueryLogicError,
            "Indexed order_by can only be performed on a TABLE or TABLE_SLICE. Make sure order_by"
            " comes before any transformations (such as map) or filters.",
            (),
        ),
    ),
    "distinct": (r.expr([2, "a", 1, 2, None]).distinct(), [None, 1, 2, "a"]),
    "distinct by index of no table": (
        r.expr([2]).distinct(index="a"),
        Failure(ReqlQueryLogicError, "Can only perform an indexed distinct on a TABLE.", ()),
    ),
}


@parametrize(ORDERED)
def test_order(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


UNORDERED = Failure(
    ReqlQueryLogicError, "The streams given as arguments are not ordered by given ordering.", ()
)

UNIONS: Cases = {
    "arrays": (r.expr([1]).union([3], [2]), [1, 3, 2]),
    "nothing": (r.union(), []),
    "in order": (r.range(2).union([5], interleave=False), [0, 1, 5]),
    "merged by function": (
        r.expr([1, 4]).union([3], interleave=lambda x: x),
        [1, 3, 4],
    ),
    "merged by field": (
        r.expr([{"a": 1}, {"a": 5}]).union([{"a": 3}], interleave="a")["a"],
        [1, 3, 5],
    ),
    "merged descending": (
        r.expr([{"a": 5}, {"a": 1}]).union([{"a": 3}], interleave=r.desc("a"))["a"],
        [5, 3, 1],
    ),
    "merged by several": (
        r.expr([{"a": 1, "b": 2}]).union([{"a": 1, "b": 9}], interleave=["a", r.desc("b")])["b"],
        [9, 2],
    ),
    "not ordered": (r.expr([4, 1]).union([3], interleave=lambda x: x), UNORDERED),
    "no sequence": (
        r.expr([1]).union(2),
        Failure(ReqlQueryLogicError, "Cannot convert NUMBER to SEQUENCE", ()),
    ),
}


@parametrize(UNIONS)
def test_union(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def over_limit(limit: int, *frames: int) -> Failure:
    """The failure for an array that is too large."""
    return Failure(
        ReqlResourceLimitError,
        f"Array over size limit `{limit}`.  To raise the number of allowed elements, modify the"
        " `array_limit` option to `.run` (not available in the Data Explorer), or use an index.",
        frames,
    )


LIMITED: Cases = {
    "array": (r.range(4).coerce_to("array"), ()),
    "order_by": (r.range(4).map(r.row).order_by(r.row), ()),
    "distinct": (r.range(4).distinct(), ()),
    "concat_map": (r.expr([1, 2]).concat_map(lambda x: [x, x]), ()),
    "union": (r.expr([1, 2]).union([3, 4]), ()),
    "sample": (r.range(4).sample(4), ()),
    "JSON": (r.json("[1, 2, 3, 4]"), ()),
    "JSON, inside": (r.expr([r.json('{"a": [[0], [1, 2, 3, 4]]}')]), (0,)),
    "documents": (r.db("rethinkdb").table("users").insert([{"id": "a"}] * 4), (1,)),
    "inside a function": (r.range(2).map(lambda x: r.range(4).coerce_to("array")), ()),
}


@parametrize(LIMITED)
def test_array_limit(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term, array_limit=3) == over_limit(3, *expected)


SCRIPTED: Cases = {
    "a script": (r.js("[1, 2, 3, 4]"), ()),
    "a script's function": (r.do(1, r.js("(function(x) { return [1, 2, 3, 4]; })")), (0,)),
}


@parametrize(SCRIPTED)
def test_array_limit_of_scripts(conn: Any, term: Any, expected: Any) -> None:
    failure = replace(over_limit(3, *expected), kind=ReqlQueryLogicError)
    assert outcome(conn, term, array_limit=3) == failure


def test_streams_may_be_longer_than_an_array(evaluate: Callable[..., Any]) -> None:
    assert evaluate(r.range(9).map(r.row).filter(lambda x: x > 3), array_limit=3) == [4, 5, 6, 7, 8]


KINDS: Cases = {
    "array": (r.expr([1]).map(lambda x: x), "ARRAY"),
    "stream": (r.range(1).map(lambda x: x), "STREAM"),
    "slice of a stream": (r.range(1).limit(1), "STREAM"),
    "ordered stream": (r.range(1).order_by(r.row), "ARRAY"),
    "sample of a stream": (r.range(1).sample(1), "ARRAY"),
    "union with a stream": (r.expr([1]).union(r.range(1)), "STREAM"),
    "union of arrays": (r.expr([1]).union([2], interleave=False), "ARRAY"),
    "fold of an array": (r.expr([1]).fold(0, lambda a, b: a, emit=lambda a, b, c: [a]), "ARRAY"),
    "groups": (r.range(1).group(r.row), "GROUPED_STREAM"),
    "groups of an array": (r.expr([1]).group(r.row), "GROUPED_STREAM"),
    "aggregated groups": (r.range(1).group(r.row).count(), "GROUPED_DATA"),
}


@parametrize(KINDS)
def test_kind_of_result(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term.type_of()) == expected


@pytest.fixture
def heroes(conn: Any, table: Any) -> Any:
    """Ten rows: `id` 0 to 9, `a` counting down, `parity`; indexes, `tags` being multi."""
    rows = [{"id": n, "a": 9 - n, "parity": n % 2, "tags": [n % 3, "all"]} for n in range(10)]
    table.insert(rows).run(conn)
    table.index_create("a").run(conn)
    table.index_create("parity").run(conn)
    table.index_create("tags", multi=True).run(conn)
    table.index_wait().run(conn)
    return table


OF_TABLES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "by primary key": (lambda t: t.order_by(index="id").limit(2)["id"], [0, 1]),
    "by index": (lambda t: t.order_by(index="a").limit(2)["id"], [9, 8]),
    "by index, descending": (lambda t: t.order_by(index=r.desc("a")).limit(2)["id"], [0, 1]),
    "by index, then field": (
        lambda t: t.order_by(r.desc("id"), index="parity")["id"],
        [8, 6, 4, 2, 0, 9, 7, 5, 3, 1],
    ),
    "by index, skip": (lambda t: t.order_by(index="a").skip(8)["id"], [1, 0]),
    "without index": (lambda t: t.order_by("a")["id"].limit(2), [9, 8]),
    "first by index": (lambda t: t.order_by(index="a").nth(0)["id"], 9),
    "distinct values of the index": (lambda t: t.distinct(index="parity"), [0, 1]),
    "distinct values of a multi index": (lambda t: t.distinct(index="tags"), [0, 1, 2, "all"]),
    "distinct primary keys": (lambda t: t.distinct(index="id").count(), 10),
    "distinct rows": (lambda t: t.distinct().count(), 10),
    "distinct of a slice": (lambda t: t.between(2, 5, index="a").distinct(index="a"), [2, 3, 4]),
    "twice ordered": (
        lambda t: t.order_by(index="a").order_by(index="id"),
        Failure(
            ReqlQueryLogicError,
            "Cannot perform multiple indexed ORDER_BYs on the same table.",
            (0, 0),
        ),
    ),
    "other index than the slice's": (
        lambda t: t.between(1, 2, index="a").order_by(index="id"),
        Failure(
            ReqlQueryLogicError,
            "Cannot order by index `id` after calling BETWEEN on index `a`.",
            (0, 0),
        ),
    ),
}


@pytest.mark.parametrize(("make", "expected"), OF_TABLES.values(), ids=OF_TABLES)
def test_order_of_tables(conn: Any, heroes: Any, make: Callable[[Any], Any], expected: Any) -> None:
    assert outcome(conn, make(heroes)) == expected


KINDS_OF_TABLES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "filter": (lambda t: t.filter({}), "SELECTION<STREAM>"),
    "limit": (lambda t: t.limit(1), "SELECTION<STREAM>"),
    "skip": (lambda t: t.skip(1), "SELECTION<STREAM>"),
    "has_fields": (lambda t: t.has_fields("a"), "SELECTION<STREAM>"),
    "difference": (lambda t: t.difference([]), "SELECTION<STREAM>"),
    "order_by": (lambda t: t.order_by("a"), "SELECTION<ARRAY>"),
    "filtered order_by": (lambda t: t.order_by("a").filter({}), "SELECTION<ARRAY>"),
    "ordered selection": (lambda t: t.filter({}).order_by("a"), "SELECTION<ARRAY>"),
    "sample": (lambda t: t.sample(1), "SELECTION<ARRAY>"),
    "order_by index": (lambda t: t.order_by(index="a"), "TABLE_SLICE"),
    "order_by index and field": (lambda t: t.order_by("id", index="a"), "SELECTION<STREAM>"),
    "nth": (lambda t: t.nth(0), "SELECTION<OBJECT>"),
    "min by index": (lambda t: t.min(index="a"), "SELECTION<OBJECT>"),
    "min by field": (lambda t: t.min("a"), "OBJECT"),
    "map": (lambda t: t.map(lambda row: row), "STREAM"),
    "pluck": (lambda t: t.pluck("a"), "STREAM"),
    "distinct": (lambda t: t.distinct(), "STREAM"),
    "union": (lambda t: t.union([]), "STREAM"),
    "group": (lambda t: t.group("a"), "GROUPED_STREAM"),
    "zip": (lambda t: t.eq_join("a", t).zip(), "STREAM"),
}


@pytest.mark.parametrize(("make", "expected"), KINDS_OF_TABLES.values(), ids=KINDS_OF_TABLES)
def test_kind_of_what_is_picked_from_a_table(
    conn: Any, heroes: Any, make: Callable[[Any], Any], expected: str
) -> None:
    assert outcome(conn, make(heroes).type_of()) == expected


def test_what_is_picked_from_a_table_can_be_updated(conn: Any, heroes: Any) -> None:
    result = heroes.order_by("a").filter({"parity": 0}).limit(2).update({"seen": True}).run(conn)
    assert result["replaced"] == 2
    assert heroes.filter({"seen": True}).order_by("id")["id"].run(conn) == [6, 8]
