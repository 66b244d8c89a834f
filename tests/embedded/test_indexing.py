"""Making, looking at and dropping secondary indexes; how their functions are shown and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded.language import javascript_source, layout
from rethinkdb.embedded.language.layout import Break, Nest
from rethinkdb.errors import ReqlOpFailedError, ReqlQueryLogicError

from .support import Failure, embedded_only, outcome

Query = Callable[[Any], Any]


def test_an_index_on_a_field(conn: Any, table: Any) -> None:
    table.insert([{"id": 1, "n": 2}, {"id": 2, "n": 1}, {"id": 3}]).run(conn)
    assert table.index_create("n").run(conn) == {"created": 1}
    (status,) = table.index_wait("n").run(conn)
    query = "indexCreate('n', function(_var19) { return _var19.getField(\"n\"); })"
    assert {name: value for name, value in status.items() if name != "function"} == {
        "geo": False,
        "index": "n",
        "multi": False,
        "outdated": False,
        "query": query,
        "ready": True,
    }
    assert [row["id"] for row in table.order_by(index="n").run(conn)] == [2, 1]


def test_indexes_are_listed_by_name(conn: Any, table: Any) -> None:
    for name in ("b", "a", ""):
        table.index_create(name).run(conn)
    assert table.index_list().run(conn) == ["", "a", "b"]
    assert [status["index"] for status in table.index_status("b", "a").run(conn)] == ["a", "b"]
    assert [status["index"] for status in table.index_wait().run(conn)] == ["", "a", "b"]
    assert table.info()["indexes"].run(conn) == ["", "a", "b"]
    assert table.config()["indexes"].run(conn) == ["", "a", "b"]


def test_an_index_is_made_again_from_its_status(conn: Any, table: Any) -> None:
    table.insert({"id": 1, "n": [1, 2]}).run(conn)
    r.expr(1).do(
        lambda shift: table.index_create(
            "n", lambda row: row["n"].map(lambda n: n + shift), multi=True
        )
    ).run(conn)
    (status,) = table.index_status("n").run(conn)
    assert "non-printable function" in status["query"]
    table.index_create("again", status["function"]).run(conn)
    (again,) = table.index_wait("again").run(conn)
    assert again["multi"] is True
    assert table.get_all(3, index="again").count().run(conn) == 1
    table.index_create("single", status["function"], multi=False).run(conn)
    assert [s["multi"] for s in table.index_wait("single").run(conn)] == [False]


def test_renaming(conn: Any, table: Any) -> None:
    table.insert({"id": 1, "a": 5}).run(conn)
    table.index_create("a").run(conn)
    assert table.index_rename("a", "a").run(conn) == {"renamed": 0}
    assert table.index_rename("a", "b").run(conn) == {"renamed": 1}
    table.index_create("a", lambda row: row["id"]).run(conn)
    table.index_wait().run(conn)
    assert table.index_rename("b", "a", overwrite=True).run(conn) == {"renamed": 1}
    assert table.index_list().run(conn) == ["a"]
    table.index_wait().run(conn)
    assert table.get_all(5, index="a").count().run(conn) == 1


def test_dropping(conn: Any, table: Any) -> None:
    table.index_create("a").run(conn)
    assert table.index_drop("a").run(conn) == {"dropped": 1}
    assert table.index_list().run(conn) == []


def test_an_index_is_complete_once_it_is_ready(conn: Any, table: Any, table_name: str) -> None:
    table.insert(r.range(5000).map(lambda id_: {"id": id_, "n": id_ % 3})).run(conn)
    created = table.index_create("n").do(lambda _: table.index_status("n"))
    (status,) = created.run(conn)
    assert status["ready"] or status["progress"] < 1  # which of them, is a matter of speed
    table.index_wait().run(conn)
    assert table.get_all(1, index="n").count().run(conn) == 1667


def opfailed(message: str) -> Failure:
    return Failure(ReqlOpFailedError, message, ())


def wrong(message: str, *frames: Any) -> Failure:
    return Failure(ReqlQueryLogicError, message, frames)


PRIMARY = wrong("Index name conflict: `id` is the name of the primary key.")

REFUSED: dict[str, tuple[Query, Failure]] = {
    "twice": (
        lambda t: t.index_create("there"),
        opfailed("Index `there` already exists on table `test.{t}`."),
    ),
    "the primary key": (lambda t: t.index_create("id"), PRIMARY),
    "no name": (lambda t: t.index_create(1), wrong("Expected type STRING but found NUMBER.")),
    "no function": (
        lambda t: t.index_create("a", "b"),
        wrong('Expected type FUNCTION but found DATUM:\n"b"', 2),
    ),
    "not deterministic": (
        lambda t: t.index_create("a", lambda row: r.now()),
        wrong(
            "Could not prove function deterministic.  Index functions must be deterministic.", 2, 1
        ),
    ),
    "any binary": (
        lambda t: t.index_create("a", r.binary(b"x")),
        wrong(
            "Cannot create an sindex except from a reql_index_function returned from"
            " `index_status` in the field `function`.",
            2,
        ),
    ),
    "drop": (
        lambda t: t.index_drop("a"),
        opfailed("Index `a` does not exist on table `test.{t}`."),
    ),
    "rename from nothing": (
        lambda t: t.index_rename("a", "b"),
        opfailed("Index `a` does not exist or index `b` already exists on table `test.{t}`."),
    ),
    "rename from nothing, over something": (
        lambda t: t.index_rename("a", "there", overwrite=True),
        opfailed("Index `a` does not exist on table `test.{t}`."),
    ),
    "rename to what is there": (
        lambda t: t.index_rename("other", "there"),
        opfailed(
            "Index `other` does not exist or index `there` already exists on table `test.{t}`."
        ),
    ),
    "rename the primary key": (lambda t: t.index_rename("id", "b"), PRIMARY),
    "status": (
        lambda t: t.index_status("there", "a"),
        opfailed("Index `a` was not found on table `test.{t}`."),
    ),
    "wait": (
        lambda t: t.index_wait("b", "a"),
        opfailed("Index `a` was not found on table `test.{t}`."),
    ),
}


@pytest.mark.parametrize(("query", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(
    conn: Any, table: Any, table_name: str, query: Query, expected: Failure
) -> None:
    for name in ("there", "other"):
        table.index_create(name).run(conn)
    message = expected.message.replace("{t}", table_name)
    assert outcome(conn, query(table)) == Failure(expected.kind, message, expected.frames)


@embedded_only
def test_binary_data_that_only_begins_like_an_index(conn: Any, table: Any) -> None:
    data = r.binary(b"$reql_index_function$[")
    found = outcome(conn, table.index_create("a", data))
    assert found.kind is ReqlQueryLogicError
    assert "could not be interpreted as a reql_index_function" in found.message


def test_system_tables_have_no_indexes(conn: Any) -> None:
    users = r.db("rethinkdb").table("users")
    assert users.index_list().run(conn) == []
    assert users.get_write_hook().run(conn) is None
    special = "Database `rethinkdb` is special; you can't "
    assert outcome(conn, users.index_create("a")) == opfailed(
        f"{special}create secondary indexes on the tables in it."
    )
    assert outcome(conn, users.set_write_hook(None)) == opfailed(
        f"{special}set a write hook on the tables in it."
    )


# -- functions as JavaScript


SOURCES: dict[str, tuple[Any, str]] = {
    "fields": (lambda a: a["x"]["y"], 'function(var1) { return var1("x")("y"); }'),
    "methods": (
        lambda a: a.without("b", {"c": True}).keys(),
        'function(var1) { return var1.without("b", {"c": true}).keys(); }',
    ),
    "prefix forms": (
        lambda a: r.branch(a["x"] > 1, a["x"] + 2.5, None),
        'function(var1) { return r.branch(r.gt(var1("x"), 1), r.add(var1("x"), 2.500000), null); }',
    ),
    "data": (
        lambda a: [a, {"k": [1, "s"]}],
        'function(var1) { return r.expr([var1, {"k": [1, "s"]}]); }',
    ),
    "an object": (lambda a: {"k": a["x"]}, 'function(var1) { return r.object("k", var1("x")); }'),
    "a constant": (lambda a: r.expr("x"), 'function(var1) { return r.expr("x"); }'),
    "two parameters": (lambda a, b: a.add(b), "function(var1, var2) { return r.add(var1, var2); }"),
    "constants without parentheses": (
        lambda a: r.time(2000, 1, r.monday, "Z"),
        'function(var1) { return r.time(2000, 1, r.monday, "Z"); }',
    ),
    "options": (
        lambda a: a["x"].slice(1, 2, left_bound="open"),
        'function(var1) { return var1("x").slice(1, 2, {"leftBound": "open"}); }',
    ),
    "r.row": (r.row["x"].upcase(), 'function(var1) { return r.row("x").upcase(); }'),
    "functions within": (
        lambda a: a["x"].do(lambda b: b + 1),
        'function(var1) { return var1("x").do(function (var2) {\n'
        "                 return r.add(var2, 1);\n             }); }",
    ),
    "do with several arguments keeps the quirk of the real server": (
        lambda a: r.do(1, a, lambda b, c: b),
        "function(var1) { return r.do(function (var2, var3) {\n"
        "         return var2;\n     }1, var1, ); }",
    ),
    "a method of an object keeps a quirk, too": (
        lambda a: a["x"] + r.expr({"k": a}).keys().count(),
        'function(var1) { return r.add(var1("x"), r.{"k": var1}.keys().count()); }',
    ),
    "long chains": (
        lambda a: a["a_long_name"].coerce_to("string").match("a pattern").default("nothing of it"),
        'function(var1) { return var1("a_long_name")\n.coerceTo("string")\n.match("a pattern")\n'
        '.default("nothing of it"); }',
    ),
}


def numbered(wire: Any, names: dict[int, int]) -> Any:
    """A function with its parameters numbered from 1, as they occur."""
    if isinstance(wire, dict):
        return {name: numbered(value, names) for name, value in wire.items()}
    if not isinstance(wire, list):
        return wire
    if wire[0] == 10:
        return [10, [names[wire[1][0]]]]
    if wire[0] == 69:
        (_, parameters), body = wire[1]
        names = {**names, **{id_: len(names) + place for place, id_ in enumerate(parameters, 1)}}
        return [69, [[2, [names[id_] for id_ in parameters]], numbered(body, names)]]
    return [wire[0], *(numbered_parts(part, names) for part in wire[1:])]


def numbered_parts(part: Any, names: dict[int, int]) -> Any:
    if isinstance(part, list):
        return [numbered(item, names) for item in part]
    return numbered(part, names)


@pytest.mark.parametrize(("function", "source"), SOURCES.values(), ids=SOURCES)
def test_functions_as_javascript(function: Any, source: str) -> None:
    wire = r.table("t").index_create("i", function).build()[1][2]
    assert javascript_source.function_source(numbered(plain(wire), {})) == source


def plain(wire: Any) -> Any:
    """The wire form with all terms in it built."""
    if hasattr(wire, "build"):
        return plain(wire.build())
    if isinstance(wire, dict):
        return {name: plain(value) for name, value in wire.items()}
    return [plain(item) for item in wire] if isinstance(wire, (list, tuple)) else wire


def test_deep_terms_are_cut() -> None:
    wire: Any = 1
    for _ in range(20):
        wire = [2, [wire]]
    assert "..." in javascript_source.query_source(wire)


@pytest.mark.parametrize(
    ("width", "expected"),
    [(20, "f(alpha, beta, g(x))"), (12, "f(alpha,\n  beta,\n  g(x))")],
)
def test_layout(width: int, expected: str) -> None:
    comma = (",", Break(" "))
    inner = ("g(", Nest(("x",)), ")")
    document = ("f(", Nest(("alpha", comma, "beta", comma, inner)), ")")
    assert layout.render(document, width) == expected
