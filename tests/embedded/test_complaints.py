"""Which complaint comes first, and which place in the query it names, as on a real server 2.4.4."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlInternalError, ReqlOpFailedError, ReqlUserError

from .cases import missing, parametrize, wrong
from .support import Failure, RawClient, embedded_only, outcome, result

A, B = r.error("a"), r.error("b")
NO_KEY = (
    "Primary keys must be either a number, string, bool, pseudotype or array (got type NULL):\nnull"
)
NO_TEXT = "Cannot convert `r.minval` to JSON."
NO_STREAM = "Cannot treat the output of `group` as a stream (did you mean to `ungroup`?)."
GROUPED = r.expr([{"g": 1}]).group("g")
NO_DATUM = "Expected type DATUM but found GROUPED_DATA:\nVALUE GROUPED_DATA"
NO_SEQUENCE = "Expected type SEQUENCE but found GROUPED_DATA:\nVALUE GROUPED_DATA"
STRAY = (
    "Stray literal keyword found: literal is only legal inside of the object passed to merge or"
    " update and cannot nest inside other literals."
)


def user(message: str, *frames: int | str) -> Failure:
    return Failure(ReqlUserError, message, frames)


@parametrize(
    {
        "fields of an object go by name": (r.expr({"z": B, "a": A}), user("a", "a")),
        "so do literals": (
            r.expr({"z": r.literal(), "b": r.literal(1)}),
            wrong(STRAY, "b"),
        ),
        "nth looks at its subject before the number": (
            r.expr(1).nth("x"),
            wrong("Cannot convert NUMBER to SEQUENCE"),
        ),
        "slice of what is no sequence": (
            r.db("test").slice(1),
            wrong("Cannot slice non-sequences.", 0),
        ),
        "skip likewise": (r.db("test").skip(1), wrong("Cannot slice non-sequences.", 0)),
        "types are spelled in ASCII": (r.expr(1).coerce_to("é"), wrong("Unknown Type: é")),
        "a value without a text": (r.expr([1]).map(r.minval), wrong(NO_TEXT)),
        "the same in an option": (
            r.expr([1]).fold(0, lambda a, b: a, emit=r.minval),
            wrong(NO_TEXT),
        ),
        "grouped data where a datum is needed": (
            r.branch(False, 1, r.do(GROUPED, lambda x: x), 2, 3),
            wrong(NO_DATUM, 2),
        ),
        "an aggregation of grouped data as a sequence": (
            r.expr([1]).union(GROUPED.count()),
            wrong(NO_SEQUENCE, 1, 0),
        ),
        "a function that gives no datum": (
            r.expr([{}]).merge(lambda x: r.db("test")),
            wrong('Expected type DATUM but found DATABASE:\ndb("test")', 1, 1),
        ),
        "a sequence that fold does not give": (
            r.expr([r.range(3).fold(0, lambda a, b: a, emit=lambda a, b, c: 1).count()]),
            wrong("Expected type ARRAY but found NUMBER.", 0),
        ),
        "the rows before the option of min": (
            r.expr("x").min(index=True),
            wrong('Expected type TABLE but found DATUM:\n"x"', 0),
        ),
        "a message ends at NUL": (r.error(r.json('"a\\u0000b"')), user("a")),
        "a time of day that ends a day too late": (
            r.iso8601("9999-12-31T24:00:00+01:00"),
            wrong("Error in time logic: Year is out of valid range: 1400..9999.", 0),
        ),
    }
)
def test_complaints(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


# -- the number of arguments


def test_rewritten_terms_count_their_arguments_first(raw: RawClient) -> None:
    upcase, skip, limit = [141, []], 70, 71  # upcase() lacks its argument, too
    for term, place in ((skip, []), (limit, [0]), (48, []), (95, []), (53, []), (54, [0])):
        reply = raw.run(1, [term, [upcase]])
        assert (reply["t"], reply["b"]) == (17, place), term


# -- rows that are not read


def test_an_index_is_looked_for_when_rows_are_pulled(conn: Any, table: Any) -> None:
    nowhere = r.point(0, 0)
    for term in (
        table.order_by(index="nope").slice(1, 1),
        table.get_intersecting(nowhere, index="nope").limit(0),
        table.get_all(index="nope"),
    ):
        assert outcome(conn, term) == []
    missing_index = outcome(conn, table.get_intersecting(nowhere, index="nope"))
    assert (missing_index.kind, missing_index.frames) == (ReqlOpFailedError, ())
    place = outcome(conn, table.get_intersecting(1, index="nope"))
    assert place == wrong("Not a GEOMETRY pseudotype: `1`.", 1)
    nearest = outcome(conn, table.get_nearest(nowhere, index="nope", unit="x"))
    assert nearest.message == "Unrecognized distance unit `x`."


def test_a_geospatial_index_gives_no_values(conn: Any, table: Any) -> None:
    table.index_create("g", geo=True).run(conn)
    table.index_wait().run(conn)
    for term in (table.distinct(index="g"), table.group(index="g"), table.min(index="g")):
        assert outcome(conn, term).message.startswith("Index `g` is a geospatial index.")


def test_no_key_is_about_the_term_that_wants_the_row(conn: Any, table: Any) -> None:
    row = table.get(None)
    for term, place in (
        (row, ()),
        (row.keys(), ()),
        (row["a"].keys(), (0,)),
        (r.expr({"a": row}), ()),
        (r.expr([[row]]), (0,)),
        (r.do(row, lambda x: x["a"]), ()),
    ):
        assert outcome(conn, term) == missing(NO_KEY, *place)


def test_bounds_that_are_no_keys(conn: Any, table: Any) -> None:
    table.index_create("a").run(conn)
    table.index_wait().run(conn)
    nul = table.between("a\0b", "z").count()
    assert outcome(conn, nul).frames == ()
    assert outcome(conn, r.expr([nul])).frames == (0,)
    inner = table.between([None, 1], 2, index="a").order_by("id").map(lambda x: x)
    assert outcome(conn, r.expr([inner.count()])).frames == ()


# -- writes


def test_extreme_keys_are_not_written(conn: Any, table: Any) -> None:
    never = "`r.minval` and `r.maxval` cannot be written to disk."
    for key in (r.minval, [r.maxval]):
        result = table.insert([{"id": key}, {"id": 1}]).run(conn)
        assert (result["errors"], result["first_error"]) == (1, never)
        table.delete().run(conn)


def test_errors_of_an_insert_come_batch_by_batch(conn: Any, table: Any) -> None:
    rows = [{"id": n} for n in (3, 1, 20)]  # 20 is stored before 1 and 3
    table.insert(rows).run(conn)
    all_at_once = table.insert(rows).run(conn)
    assert '"id":\t20' in all_at_once["first_error"]
    one_by_one = table.insert(rows).run(conn, max_batch_rows=1)
    assert '"id":\t3' in one_by_one["first_error"]


def test_a_system_table_may_be_asked_for_any_key(conn: Any) -> None:
    for key in (None, {}, 1):
        assert r.db("rethinkdb").table("users").get(key).run(conn) is None


# -- forms


def test_numbers_that_are_no_integers_of_32_bits(raw: RawClient) -> None:
    for number, shown in ((1.5, 0), (2**31, -(2**31)), (1e300, -2013235812), (-7, -7)):
        reply = raw.run(1, [number, []])
        assert reply["r"] == [f"Unrecognized TermType: {shown}."]
    variable = raw.run(1, [69, [[2, [1]], [10, [1.5]]]])
    assert (variable["t"], variable["r"]) == (17, ["Number not an integer: 1.5"])
    row = raw.run(1, [38, [[2, [1]], [69, [[2, [-1]], [13, []]]]]])
    assert row["r"] == ["r.row is not defined in this context."]


# -- sorting nothing


def test_a_sequence_that_is_seen_to_be_empty_stays_what_it_is(raw: RawClient, table: Any) -> None:
    atom, sequence = 1, 2
    for term, kind in (
        (r.range(0).order_by("a"), sequence),
        (r.range(0).map(lambda x: x).order_by(index="a"), sequence),
        (r.range(5).limit(0).order_by("a"), sequence),
        (r.range(0).limit(5).order_by("a"), sequence),
        (table.between(3, 3).filter({}).order_by("a"), sequence),
        (r.map([1], r.range(0), lambda x, y: x).order_by("a"), sequence),
        (r.expr([]).order_by("a"), atom),
        (table.limit(0).order_by("a"), sequence),
        (table.get_all().order_by("a"), sequence),
        (table.filter({}).order_by("a"), atom),
    ):
        reply = raw.run(1, term.build())
        assert (reply["t"], reply["r"]) == (kind, [] if kind == sequence else [[]])


# -- joins


def test_eq_join_refuses_groups_when_it_is_pulled(conn: Any, table: Any) -> None:
    joined = GROUPED.eq_join("g", table)
    assert outcome(conn, joined) == wrong(NO_STREAM, 0)
    assert outcome(conn, joined.limit(A)) == user("a", 1)
    assert outcome(conn, joined.info()) == {"type": "STREAM"}


def test_the_right_side_of_a_join_must_be_a_sequence(conn: Any, table: Any) -> None:
    failure = outcome(conn, r.expr([1]).inner_join(table.get(1), lambda a, b: True))
    assert failure == missing("Expected type SEQUENCE but found SINGLE_SELECTION:\nnull", 1)


def test_difference_of_what_is_missing(conn: Any) -> None:
    assert result(r.expr([1]).difference(r.expr([]).min()).run(conn)) == []


def test_outer_join_takes_the_right_side_as_an_array(conn: Any, table: Any) -> None:
    table.insert([{"id": n} for n in range(30)]).run(conn)
    right = r.expr([1]).outer_join(table, lambda a, b: True)["right"]["id"]
    assert right.run(conn) == table.coerce_to("array")["id"].run(conn)
    inner = r.expr([1]).inner_join(table, lambda a, b: True)["right"]["id"]
    assert inner.run(conn) == list(table["id"].run(conn))


def test_eq_join_reads_less_where_less_is_wanted(conn: Any, table: Any) -> None:
    table.insert([{"id": n} for n in range(10)]).run(conn)
    joined = table.eq_join("id", table)["left"]["id"]
    assert list(joined.run(conn)) != list(joined.limit(3).run(conn))
    first = [joined.nth(0).run(conn), *joined.limit(1).run(conn)]
    assert first[0] == first[1]


# -- union in an order

LOW, MIDDLE = r.expr([{"a": 1, "b": 1}, {"a": 2}]), [{"a": 1, "b": 2}, {"a": 1, "b": 3}]
HIGH = [{"a": 0}, {"a": 1, "b": 4}]


def test_equal_rows_of_an_ordered_union(conn: Any) -> None:
    merged = LOW.union(MIDDLE, HIGH, interleave="a").run(conn)
    assert [row.get("b") for row in merged] == [None, 2, 1, 4, 3, None]


def test_an_ordered_union_compares_what_follows_with_what_came(conn: Any) -> None:
    message = "Cannot perform get_field on a non-object non-sequence `{}`."
    for term, shown in (
        (r.expr([1, 2]).union([], interleave="a"), 2),
        (r.expr([1]).union([2], interleave="a"), 2),
    ):
        failure = outcome(conn, term)
        assert failure == wrong(message.format(shown), "interleave")


# -- the nearest rows


def test_each_part_of_a_table_searches_for_the_nearest(conn: Any, table: Any) -> None:
    table.index_create("g", geo=True).run(conn)
    table.index_wait().run(conn)
    table.insert([{"id": n, "g": r.point(0, n / 1000)} for n in range(3)]).run(conn)
    near = table.get_nearest(r.point(0, 0), index="g", max_results=1, max_dist=1000)
    assert [found["doc"]["id"] for found in near.run(conn)] == [0]
    far = table.get_nearest(r.point(0, 0), index="g", max_results=1, max_dist=1e7, unit="km")
    # Parts without a row go on to the end of the world.
    assert "has become too large" in outcome(conn, far).message


@embedded_only  # a real server ends if the index exists
def test_binary_data_is_no_geometry(conn: Any, table: Any) -> None:
    failure = outcome(conn, table.get_intersecting(r.binary(b"x"), index="g"))
    assert failure.kind is not ReqlInternalError
    assert failure.message == "Expected type OBJECT but found PTYPE<BINARY>."


@pytest.mark.parametrize("zone", ["+01:60", "+0:120", "+2"])
def test_a_default_zone_may_have_any_number_of_minutes(conn: Any, zone: str) -> None:
    time = r.iso8601("2013-01-01T00:00:00", default_timezone=zone)
    assert time.timezone().run(conn) == "+02:00"


# -- numbers as text

TEXTS = {
    0.3: "0.3",
    914994.1443070706: "914994.1443070707",  # the last digit is not the nearest
    3874968.2818460297: "3874968.2818460299",
    0.040000000000000036: "0.040000000000000038",
    5e-324: "5e-324",
    1.7976931348623157e308: "1.7976931348623157e308",
    -2.8701647303777422e190: "-2.8701647303777424e190",
}


@pytest.mark.parametrize(("number", "text"), TEXTS.items(), ids=str)
def test_numbers_as_text(conn: Any, number: float, text: str) -> None:
    assert r.expr(number).coerce_to("string").run(conn) == text
    assert r.expr([number]).to_json_string().run(conn) == f"[{text}]"
