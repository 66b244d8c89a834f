"""Which arguments the driver refuses itself; all else is for the server to judge."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import rethinkdb
from rethinkdb.errors import ReqlDriverCompileError

# Type checkers would refuse most of what is tried here.
r: Any = rethinkdb.r
t = r.table("t")
d = r.db("d")
q = r.expr(1)


def words(text: str) -> list[str]:
    return text.split()


TABLE_ONLY = words("""insert get get_all get_intersecting get_nearest set_write_hook get_write_hook
    index_create index_drop index_rename index_list index_status index_wait status sync
    uuid""")
DATABASE_ONLY = words("table table_create table_drop table_list")
BOTH = words("config wait reconfigure rebalance grant")
ANY = words("""
    add and_ append avg between bit_and bit_not bit_or bit_sal bit_sar bit_xor branch ceil
    change_at changes coerce_to concat_map contains count date day day_of_week day_of_year default
    delete delete_at difference distance distinct div do downcase during eq eq_join fill filter
    floor fold for_each ge get_field group gt has_fields hours in_timezone includes info inner_join
    insert_at intersects is_empty keys le limit lt map match max merge min minutes mod month mul ne
    not_ nth offsets_of or_ order_by outer_join pluck polygon_sub prepend reduce replace round run
    sample seconds set_difference set_insert set_intersection set_union skip slice splice_at split
    sub sum time_of_day timezone to_epoch_time to_geojson to_iso8601 to_json to_json_string type_of
    ungroup union upcase update values with_fields without year zip""")

KEYWORDS: list[tuple[Any, str]] = [
    (
        r,
        "js random table table_create grant iso8601 distance circle group distinct min max union",
    ),
    (
        q,
        "changes update replace delete slice min max fold filter order_by between distinct union"
        " eq_join group during distance",
    ),
    (
        t,
        "insert get_all index_create index_rename get_write_hook set_write_hook get_intersecting"
        " get_nearest wait reconfigure rebalance grant uuid",
    ),
    (d, "wait reconfigure rebalance grant table_create table"),
]


def methods(term: Any) -> set[str]:
    return {name for name in dir(term) if not name.startswith("_")}


def test_which_methods_live_where() -> None:
    own = {"build", "start_body", "render", "run_with", "em_run", "explain"}
    own |= {"args", "optargs", "statement", "term_type"}  # what the official package has
    assert methods(q) == {*ANY, *own, "data"} - {"term_type"}
    assert methods(t) == {*ANY, *TABLE_ONLY, *BOTH, *own}
    assert methods(d) == {*ANY, *DATABASE_ONLY, *BOTH, *own}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (t.between(1, 2), "Between"),
        (t.get_all(1), "GetAll"),
        (t.order_by("a"), "OrderBy"),
        (q, "Datum"),
        (r.expr([]), "MakeArray"),
        (d, "DB"),
        (t.get(1), "Get"),
    ],
)
def test_refusals_name_the_kind_of_term(query: Any, name: str) -> None:
    with pytest.raises(AttributeError, match=f"'{name}' object has no attribute 'sync'"):
        query.sync()


def test_fields_are_no_attributes() -> None:
    with pytest.raises(AttributeError):
        t.name  # noqa: B018


@pytest.mark.parametrize("name", ["wait", "rebalance", "reconfigure", "keys", "filter", "fold"])
def test_not_everything_has_an_r_form(name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(r, name)


@pytest.mark.parametrize(
    "call",
    [getattr(subject, name) for subject, names in KEYWORDS for name in words(names)],
)
def test_options_are_passed_on(call: Callable[..., Any]) -> None:
    assert call(1, 2, unknown=[3]).build()[2] == {"unknown": [2, [3]]}


@pytest.mark.parametrize(
    "call",
    [
        *(getattr(q, name) for name in words("pluck get_field map count do branch add to_json")),
        *(getattr(t, name) for name in words("get index_drop index_list sync config status")),
        *(getattr(r, name) for name in words("db now json map count do branch add asc args")),
    ],
)
def test_options_are_refused_where_there_are_none(call: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'unknown'"):
        call(unknown=3)


def test_option_values_are_converted() -> None:
    query = t.insert({}, conflict=lambda key, old, new: new, return_changes=r.expr(True))
    assert query.build()[2]["conflict"][0] == 69
    assert query.build()[2]["return_changes"] is True


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        (t.filter(), [39, [[15, ["t"]]]]),
        (t.get(1, 2, 3), [16, [[15, ["t"]], 1, 2, 3]]),
        (r.table(), [15, []]),
        (r.db(1, 2), [14, [1, 2]]),
        (r.now(1), [103, [1]]),
        (r.eq(), [17, []]),
        (q.not_(1), [23, [1, 1]]),
        (r.count(), [43, []]),
    ],
)
def test_the_number_of_arguments_is_for_the_server_to_judge(query: Any, sent: Any) -> None:
    assert query.build() == sent
    assert isinstance(str(query), str)


@pytest.mark.parametrize(
    "call",
    [
        lambda: r.expr(),
        lambda: r.http(),
        lambda: r.http("url", 1),
        lambda: r.http(url="url"),
        lambda: r.make_timezone(),
    ],
)
def test_exceptions_to_that(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()


def test_do_needs_something() -> None:
    with pytest.raises(ReqlDriverCompileError) as caught:
        r.do()
    assert str(caught.value) == "Expected 1 or more arguments but found 0."


def test_signatures_are_those_declared() -> None:
    assert str(inspect.signature(t.get_all)) == (
        "(*keys: 'Value', index: 'Text' = UNSET) -> 'RqlQuery'"
    )
    assert list(inspect.signature(r.table).parameters) == [
        "name",
        "read_mode",
        "identifier_format",
        "of",
    ]
    assert "Keeps the elements" in (t.filter.__doc__ or "")
