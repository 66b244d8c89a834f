"""What a query does, told from what is sent."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.pool.reads import Doing, doing_of, only_reads
from rethinkdb.ql2 import TermType

# Every term of the protocol that does more than to read. The docs have the same table.
ACTING = {
    *("INSERT", "UPDATE", "REPLACE", "DELETE", "FOR_EACH", "SYNC"),
    *("DB_CREATE", "DB_DROP", "TABLE_CREATE", "TABLE_DROP"),
    *("INDEX_CREATE", "INDEX_DROP", "INDEX_RENAME"),
    *("RECONFIGURE", "REBALANCE", "GRANT", "SET_WRITE_HOOK"),
    *("HTTP", "JAVASCRIPT"),
}

READING = {
    *("DATUM", "MAKE_ARRAY", "MAKE_OBJ", "VAR", "ERROR", "IMPLICIT_VAR", "DB", "TABLE", "GET"),
    *("EQ", "NE", "LT", "LE", "GT", "GE", "NOT", "ADD", "SUB", "MUL", "DIV", "MOD", "APPEND"),
    *("SLICE", "GET_FIELD", "HAS_FIELDS", "PLUCK", "WITHOUT", "MERGE", "BETWEEN_DEPRECATED"),
    *("REDUCE", "MAP", "FILTER", "CONCAT_MAP", "ORDER_BY", "DISTINCT", "COUNT", "UNION", "NTH"),
    *("INNER_JOIN", "OUTER_JOIN", "EQ_JOIN", "COERCE_TO", "TYPE_OF", "DB_LIST", "TABLE_LIST"),
    *("FUNCALL", "BRANCH", "OR", "AND", "FUNC", "SKIP", "LIMIT", "ZIP", "ASC", "DESC"),
    *("INDEX_LIST", "GET_ALL", "INFO", "PREPEND", "SAMPLE", "INSERT_AT", "DELETE_AT"),
    *("CHANGE_AT", "SPLICE_AT", "IS_EMPTY", "OFFSETS_OF", "SET_INSERT", "SET_INTERSECTION"),
    *("SET_UNION", "SET_DIFFERENCE", "DEFAULT", "CONTAINS", "KEYS", "DIFFERENCE", "WITH_FIELDS"),
    *("MATCH", "JSON", "ISO8601", "TO_ISO8601", "EPOCH_TIME", "TO_EPOCH_TIME", "NOW"),
    *("IN_TIMEZONE", "DURING", "DATE", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"),
    *("SATURDAY", "SUNDAY", "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY"),
    *("AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER", "TIME_OF_DAY", "TIMEZONE"),
    *("YEAR", "MONTH", "DAY", "DAY_OF_WEEK", "DAY_OF_YEAR", "HOURS", "MINUTES", "SECONDS"),
    *("TIME", "LITERAL", "INDEX_STATUS", "INDEX_WAIT", "UPCASE", "DOWNCASE", "OBJECT", "GROUP"),
    *("SUM", "AVG", "MIN", "MAX", "SPLIT", "UNGROUP", "RANDOM", "CHANGES", "ARGS", "BINARY"),
    *("GEOJSON", "TO_GEOJSON", "POINT", "LINE", "POLYGON", "DISTANCE", "INTERSECTS", "INCLUDES"),
    *("CIRCLE", "GET_INTERSECTING", "FILL", "GET_NEAREST", "UUID", "BRACKET", "POLYGON_SUB"),
    *("TO_JSON_STRING", "RANGE", "CONFIG", "STATUS", "WAIT", "MINVAL", "MAXVAL", "BETWEEN"),
    *("FLOOR", "CEIL", "ROUND", "VALUES", "FOLD", "GET_WRITE_HOOK", "BIT_AND", "BIT_OR"),
    *("BIT_XOR", "BIT_NOT", "BIT_SAL", "BIT_SAR", "FORMAT"),
}

TERMS = Path(__file__).parents[3] / "shared" / "reference" / "terms.json"


def terms_of_the_reference() -> dict[str, int]:
    """The server's own list, where it is at hand; else what the driver has of it."""
    if not TERMS.exists():
        return {term.name: term.value for term in TermType}
    said = json.loads(TERMS.read_text())
    terms: dict[str, int] = {**said["terms"], **said.get("terms_added_after_2_4_4", {})}
    return terms


def test_each_term_has_its_place_in_the_table() -> None:
    assert {term.name for term in TermType} == ACTING | READING
    assert not ACTING & READING
    assert set(terms_of_the_reference()) <= ACTING | READING


def test_the_docs_have_the_same_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "topics" / "retries.md").read_text()
    _, table = page.split("## What only reads")
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    names = {"JAVASCRIPT": "js"}
    assert told >= {names.get(name, name.lower()) for name in ACTING}
    assert not {name.upper() for name in told} & READING


@pytest.mark.parametrize("name", sorted(ACTING | READING))
def test_each_term_reads_or_acts_wherever_it_stands(name: str) -> None:
    term = [terms_of_the_reference().get(name, TermType[name]), []]
    places: list[Any] = [
        term,
        [TermType.MAKE_ARRAY, [1, term]],
        {"field": {"field": term}},
        [TermType.TABLE, ["t"], {"option": term}],
        [
            TermType.MAP,
            [[TermType.RANGE, [3]], [TermType.FUNC, [[TermType.MAKE_ARRAY, [1]], term]]],
        ],
        [TermType.FUNCALL, [[TermType.FUNC, [[TermType.MAKE_ARRAY, [1]], {"a": term}]], 5]],
    ]
    for place in places:
        assert only_reads(place) is (name in READING), place


heroes = r.table("heroes")

READS = [
    heroes,
    heroes.get("ada"),
    heroes.filter(lambda hero: hero["age"] > 5).map(r.row["name"]).limit(3),
    heroes.changes(include_initial=True),
    heroes.count(),
    r.expr(
        [1, "two", None, True, 2.5, {"three": [b"3", datetime(2026, 1, 2, tzinfo=timezone.utc)]}]
    ),
    r.now(),
    r.uuid(),
    r.json('[{"a": 1}]'),
    r.do(1, lambda x: x + 1),
    r.db("rethinkdb").table("server_status"),
    heroes.config(),
    heroes.wait(),
]

ONE_WRITE = [
    heroes.insert({"id": 1}),
    heroes.insert({"id": 1, "at": r.now()}, conflict=lambda key, old, new: old.merge(new)),
    heroes.insert({"id": 1}, return_changes=True)["changes"][0]["new_val"],
    heroes.get(1).update({"n": r.row["n"] + 1}),
    heroes.get(1).update(lambda hero: {"n": hero["n"] + 1}, non_atomic=True),
    heroes.get(1).replace({"id": 1}),
    heroes.get(1).delete(),
    heroes.get(1).delete()["deleted"].default(0).add(1),
    heroes.insert({"id": 1, "friend": r.table("others").get(2)}),
    heroes.get(r.table("others").get(2)["hero"]).update({"n": 1}),
    heroes.get(1).update({"n": r.table("others").count()}, non_atomic=True),
    r.db("test").table("heroes").get(1).update({"n": r.row["n"] + 1}).do(lambda told: [told, 1]),
]

OTHERS = r.table("others")
ADDING = heroes.get(1).update({"n": r.row["n"] + 1})

#: The write may be done when the server refuses the rest.
WRITE_AND_MORE = [
    ADDING.do(OTHERS.get(1)),
    ADDING.do(lambda told: OTHERS.get(told["replaced"])),
    ADDING.do(OTHERS.changes()),
    ADDING.merge({"other": OTHERS.get(1)}),
    ADDING["nothing"].default(OTHERS.count()),
    ADDING["replaced"] + OTHERS.count(),
    r.expr([ADDING, OTHERS.get(1)]),
    r.expr({"one": ADDING, "other": OTHERS.get(1)}),
    r.branch(ADDING["replaced"].eq(1), heroes.get(1), None),
    r.expr([ADDING]).union(OTHERS),
    r.expr([ADDING]).concat_map(lambda told: OTHERS),
    r.do(ADDING, OTHERS, lambda told, other: other),
    r.expr([ADDING, r.db("test").wait()]),
    r.expr([ADDING, r.db("test").config()]),
    r.expr([ADDING, r.db("test").info()]),
    r.expr([ADDING, r.db("test").table_list(), r.db_list()]),
    OTHERS.get(1).default(ADDING),
]

ANY = [
    heroes.insert([{"id": 1}, {"id": 2}]),
    heroes.insert([{"id": number} for number in range(20)]),
    heroes.insert(r.table("others")),
    heroes.insert(r.args([{"id": 1}])),
    heroes.update({"n": 1}),
    heroes.get_all(1, 2).delete(),
    heroes.filter({"n": 1}).replace(lambda hero: hero),
    heroes.get(1).update({"n": r.http("http://127.0.0.1/")}),
    heroes.get(1).update({"n": r.js("1")}),
    heroes.get(1).delete().do(heroes.insert({"id": 1})),
    r.do(1, lambda x: heroes.insert({"id": x})),
    r.expr([heroes.insert({"id": 1}), heroes.insert({"id": 2})]),
    heroes.for_each(lambda hero: heroes.get(hero["id"]).delete()),
    r.range(3).for_each(heroes.insert({})),
    heroes.sync(),
    r.table_create("t"),
    heroes.config().update({"durability": "soft"}),
    heroes.reconfigure(shards=1, replicas=1, dry_run=True),
    heroes.filter(r.js("(function (x) { return true; })")),
]


@pytest.mark.parametrize("query", READS, ids=str)
def test_reads(query: Any) -> None:
    assert doing_of(query.build()) is Doing.READS


@pytest.mark.parametrize("query", ONE_WRITE, ids=str)
def test_one_write(query: Any) -> None:
    assert doing_of(query.build()) is Doing.WRITES_ONE


@pytest.mark.parametrize("query", WRITE_AND_MORE, ids=lambda query: str(query)[-80:])
def test_a_write_and_more_is_more_than_a_write(query: Any) -> None:
    assert doing_of(query.build()) is Doing.ACTS


@pytest.mark.parametrize("query", ANY, ids=lambda query: str(query)[:80])
def test_anything_else(query: Any) -> None:
    assert doing_of(query.build()) is Doing.ACTS


@pytest.mark.parametrize(
    "query",
    [
        [10_000, []],
        ["insert", []],
        [],
        [[TermType.TABLE, ["t"]]],
        [TermType.MAKE_ARRAY, [...]],
        [TermType.GET, [[TermType.TABLE, ["t"]], {56}]],
        {"field": {1, 2}},
        [TermType.INSERT],
        [TermType.INSERT, 5],
    ],
    ids=repr,
)
def test_what_is_not_known_is_not_taken_for_harmless(query: Any) -> None:
    assert doing_of(query) is Doing.ACTS


def test_a_query_may_be_nested_to_any_depth() -> None:
    query: Any = 1
    for _ in range(50_000):
        query = [TermType.ADD, [query, 1]]
    assert only_reads(query)
