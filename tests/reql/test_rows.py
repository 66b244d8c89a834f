"""Where `r.row` makes a function of an argument, and where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.ast import Func, RqlQuery

row = r.row["a"]
t = r.table("t")
seq = r.expr([1])

# Calls with an r.row expression that must become a function.
WRAPPED: dict[str, Callable[[Any], RqlQuery]] = {
    "update": t.update,
    "replace": t.replace,
    "contains": t.contains,
    "contains second": lambda x: t.contains(1, x),
    "merge": t.merge,
    "merge second": lambda x: t.merge({}, x),
    "offsets_of": t.offsets_of,
    "reduce": t.reduce,
    "sum": t.sum,
    "avg": t.avg,
    "min": t.min,
    "max": t.max,
    "filter": t.filter,
    "concat_map": t.concat_map,
    "count": t.count,
    "group": t.group,
    "group second": lambda x: t.group("a", x),
    "for_each": t.for_each,
    "eq_join": lambda x: t.eq_join(x, t),
    "order_by": t.order_by,
    "order_by second": lambda x: t.order_by("a", x),
    "map": t.map,
    "map last": lambda x: t.map(seq, x),
    "fold last": lambda x: seq.fold(0, x),
    "do": seq.do,
    "do last": lambda x: seq.do(1, x),
    "index_create": lambda x: t.index_create("x", x),
    "r.group": lambda x: r.group(t, x),
    "r.reduce": lambda x: r.reduce(t, x),
    "r.count": lambda x: r.count(t, x),
    "r.sum": lambda x: r.sum(t, x),
    "r.avg": lambda x: r.avg(t, x),
    "r.min": lambda x: r.min(t, x),
    "r.max": lambda x: r.max(t, x),
    "r.distinct subject": r.distinct,
    "r.sum subject": r.sum,
    "r.contains subject": lambda x: r.contains(x, 1),
    "r.contains": lambda x: r.contains(t, x),
    "r.map": lambda x: r.map(t, x),
    "r.do": lambda x: r.do(1, x),
    "r.do alone": r.do,
    "r.asc": r.asc,
    "r.desc": r.desc,
    "r.http": r.http,
    "union(interleave=)": lambda x: t.union(t, interleave=x),
    "r.union(interleave=)": lambda x: r.union(t, t, interleave=x),
    "fold(emit=)": lambda x: t.fold(0, r.expr(1), emit=x),
    "fold(final_emit=)": lambda x: t.fold(0, r.expr(1), final_emit=x),
}

# Calls in which it must stay as it is.
PLAIN: dict[str, Callable[[Any], RqlQuery]] = {
    "insert": t.insert,
    "default": seq.default,
    "branch": lambda x: seq.branch(x, 1),
    "r.branch": lambda x: r.branch(x, 1, 2),
    "inner_join": lambda x: t.inner_join(t, x),
    "outer_join": lambda x: t.outer_join(t, x),
    "set_write_hook": t.set_write_hook,
    "between": lambda x: t.between(x, x),
    "get": t.get,
    "get_all": t.get_all,
    "has_fields": t.has_fields,
    "pluck": t.pluck,
    "without": t.without,
    "append": seq.append,
    "filter(default=)": lambda x: t.filter({}, default=x),
    "insert(conflict=)": lambda x: t.insert({}, conflict=x),
    "http(page=)": lambda x: r.http("url", page=x),
    "group(index=)": lambda x: t.group(index=x),
    "order_by(index=)": lambda x: t.order_by(index=x),
    "map first": lambda x: t.map(x, lambda a, b: a),
    "fold base": lambda x: seq.fold(x, lambda a, b: a),
    "do first": lambda x: seq.do(x, lambda a, b: a),
    "r.map subject": lambda x: r.map(x, lambda a: a),
    "r.type_of": r.type_of,
    "subject of sum": lambda x: x.sum(),
    "subject of contains": lambda x: x.contains(1),
    "subject of do": lambda x: x.do(lambda a: a),
    "eq": seq.eq,
    "r.args": r.args,
}


def holds_wrapped_row(query: RqlQuery) -> bool:
    nodes = [*query._nodes, *query._optargs.values()]
    return any(isinstance(node, Func) and len(node._nodes[0][1]) == 1 for node in nodes) and (
        [13, []] in flat(query.build())
    )


def flat(node: Any) -> list[Any]:
    found = [node]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        found += flat(child)
    return found


@pytest.mark.parametrize("name", WRAPPED)
def test_becomes_a_function(name: str) -> None:
    call = WRAPPED[name]
    query = call(row)
    assert holds_wrapped_row(query)
    (function,) = [
        node for node in [*query._nodes, *query._optargs.values()] if isinstance(node, Func)
    ]
    assert function.build()[1][1] == row.build()


@pytest.mark.parametrize("name", WRAPPED)
def test_other_expressions_stay_as_they_are(name: str) -> None:
    plain = r.expr("x")
    nodes = WRAPPED[name](plain)
    assert not any(isinstance(node, Func) for node in [*nodes._nodes, *nodes._optargs.values()])


@pytest.mark.parametrize("name", PLAIN)
def test_stays_an_expression(name: str) -> None:
    functions = [item for item in flat(PLAIN[name](row).build()) if item_is_function_of_row(item)]
    assert functions == []


def item_is_function_of_row(item: Any) -> bool:
    match item:
        case [69, [_, body]]:
            return bool(body == row.build())
    return False


@pytest.mark.parametrize(
    "argument",
    [
        [r.row["a"]],
        {"a": {"b": [r.row]}},
        r.row["a"] + 1,
        r.table("u").get(r.row["id"]),
        r.table("u").get_all(1, index=r.row["index"]),
        r.branch(True, 1, r.row),
    ],
)
def test_is_found_anywhere_inside(argument: Any) -> None:
    assert isinstance(t.update(argument)._nodes[1], Func)


@pytest.mark.parametrize(
    "query",
    [
        t.filter(lambda x: r.expr([1]).map(r.row + x).contains(1)),
        r.do(1, 2, lambda a, b: seq.map(r.row + a)),
        seq.reduce(lambda a, b: seq.map(r.row)),
    ],
)
def test_functions_are_not_made_functions_again(query: RqlQuery) -> None:
    kinds = [item for item in flat(query.build()) if isinstance(item, list) and item[:1] == [69]]
    bodies = [item[1][1] for item in kinds]
    assert all(body[0] != 69 for body in bodies)
    assert len(kinds) == 2


def test_sorting_terms_keep_their_own_function() -> None:
    query = t.order_by(r.desc(r.row["a"]), r.asc("b"))
    assert [type(node).__name__ for node in query._nodes] == ["Table", "Desc", "Asc"]


def test_is_not_callable() -> None:
    with pytest.raises(TypeError, match=r"r\.row\[\.\.\.\]"):
        r.row("a")
