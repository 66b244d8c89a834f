"""Queries that orjson encodes without building them first: it gives what building them gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import ast, errors, r
from rethinkdb.codec import Codec

from .test_commands import CASES as COMMANDS
from .test_quick_calls import CALLABLES, CASES, OwnTerm

dumps = pytest.importorskip("orjson").dumps


def queries() -> Iterator[Any]:
    yield from (query for query, _, _ in COMMANDS)
    for call in CALLABLES:
        for args, options in CASES:
            try:
                yield call(*args, **options)
            except (TypeError, errors.ReqlError):  # there is no such query
                continue


def built_first(query: Any) -> bytes | None:
    try:
        return Codec().encode(query.start_body({}, "d"))
    except errors.ReqlDriverCompileError:
        return None


def test_both_ways_send_the_same() -> None:
    quick = [(query, query._start_json("d", dumps)) for query in queries()]
    by_quick_way = [(query, sent) for query, sent in quick if sent is not None]
    for query, sent in by_quick_way:
        assert sent == built_first(query), query
    # Not of terms into which a program has looked: other tests do so with those that all share.
    assert len(by_quick_way) > 100


@pytest.mark.parametrize(
    "query",
    [
        r.expr({"a": r.now(), "b": [1, {"c": r.table("t")}]}),
        r.expr(5),
        r.expr([{"a": 1}, "ä\x00"]),
        r.table("t").get(1).update(lambda row: {"n": row["n"] + 1}, durability="soft"),
        r.table("t").filter(lambda doc: doc["a"] > 1).changes(include_initial=True),
        r.table("t").insert([{"id": 1}, {"id": 2}], conflict="replace"),
    ],
    ids=str,
)
def test_usual_queries_go_this_way(query: Any) -> None:
    assert query._start_json("d", dumps) == built_first(query)


@pytest.mark.parametrize(
    "query",
    [
        OwnTerm(),
        r.table("t").insert([{"a": "b" * 1000} for _ in range(300)]),
        r.expr([2**70, r.now()]),
        r.binary(r.args([])),
        r.expr("\ud800"),
    ],
    ids=lambda query: str(query)[:40],
)
def test_others_are_built_first(query: Any) -> None:
    assert query._start_json("d", dumps) is None


def test_without_a_database_a_query_is_built_first() -> None:
    assert r.table("t")._start_json(None, dumps) is None


def test_what_a_program_changes_within_a_term_is_sent() -> None:
    inner = r.table("t").get(1)
    query = inner.pluck("a")
    assert query._start_json("d", dumps) is not None
    inner.args[1] = r.expr(2)
    assert query.build() == [33, [[16, [[15, ["t"]], 2]], "a"]]
    assert query._start_json("d", dumps) in (None, built_first(query))
    query.args = [inner]
    assert query._start_json("d", dumps) in (None, built_first(query))
    table = r.table("t", read_mode="majority")
    table.optargs["read_mode"] = r.expr("single")
    assert table._start_json("d", dumps) in (None, built_first(table))


class Doubled(ast.Get):
    """A class of a program's that builds itself."""

    def build(self) -> Any:
        return [16, [*super().build()[1], 2]]


def test_a_class_of_a_program_may_build_itself() -> None:
    query = Doubled(r.table("t"), 1).pluck("a")
    assert query._start_json("d", dumps) is None
    assert built_first(query) == b'[1,[33,[[16,[[15,["t"]],1,2]],"a"]],{"db":[14,["d"]]}]'
