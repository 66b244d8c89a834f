"""The commands for people: run, watch, status, top and the shell, and what they show."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.cli import main
from rethinkdb.cli.completing import Schema, completions
from rethinkdb.cli.rendering import change_line, columns, json_text, table_lines
from rethinkdb.cli.shell import Shell
from rethinkdb.embedded import Server
from rethinkdb.tools import import_

from .test_commands import place


@pytest.mark.parametrize(
    ("expression", "format", "shown"),
    [
        ('r.table("many").count()', "json", "3000\n"),
        ('r.table("orders").get(3)["é"]', "json", '"ü"\n'),
        ('r.table("many").get(1).pluck("id")', "json", '{\n  "id": 1\n}\n'),
        ('r.expr([{"a": 1}, 2])', "json", '[\n  {"a":1},\n  2\n]\n'),
        ("r.expr([])", "json", "[]\n"),
        ('r.table("many").order_by(index="id").limit(2)["id"]', "ndjson", "0\n1\n"),
        ('r.expr([{"a": 1}, {"b": [1]}])', "table", "a  b\n─  ───\n1\n   [1]\n"),
        ('r.table("many").order_by(index="id")["id"].limit(1).run(conn)', "ndjson", "0\n"),
    ],
)
def test_run(source: Any, expression: str, format: str, shown: str, capsys: Any) -> None:
    assert main(["run", *place(source), "--db", "shop", expression, "--format", format]) == 0
    assert capsys.readouterr().out == shown


def test_raw_results_can_be_imported(source: Any, target: Any, capsys: Any) -> None:
    query = 'r.table("orders").get_all(2, 3).order_by("id")'
    words = ["run", *place(source), "--db", "shop", query, "--raw", "--format", "ndjson"]
    assert main(words) == 0
    import_(target, file=io.BytesIO(capsys.readouterr().out.encode()), table="test.t")
    found = r.db("test").table("t").order_by("id").run(target)
    assert found == r.db("shop").table("orders").get_all(2, 3).order_by("id").run(source)


@pytest.mark.parametrize(
    ("expression", "status", "said"),
    [
        ("r.nonsense()", 2, "AttributeError"),
        ('r.tabel("t")', 2, "no attribute 'tabel'. Did you mean `table`?"),
        ('table("t")', 2, "name 'table' is not defined. Did you mean `r.table`?"),
        ("heroes.count()", 2, "'heroes' is not defined. A table is written r.table(\"heroes\") in"),
        ("con.server()", 2, "name 'con' is not defined. Did you mean `conn`?"),
        ("1 +", 2, "SyntaxError"),
        ("17", 2, "17 is not a query, it gives a value of the type int"),
        ("r.expr(1).run(conn)", 2, "a value of the type int: leave .run() out"),
        ('r.expr({"a": 1})["b"]', 1, "No attribute `b` in object"),
    ],
)
def test_run_says_what_is_wrong(
    source: Any, expression: str, status: int, said: str, capsys: Any
) -> None:
    assert main(["run", *place(source), expression]) == status
    errors = capsys.readouterr().err
    assert said in errors
    assert status == 2 or "^^^" in errors


def test_watch(target: Any, capsys: Any) -> None:
    r.db("test").table_create("t").run(target)
    table = r.db("test").table("t")
    table.insert({"id": 1, "n": 1}).run(target)
    for what in ("test.t", 'r.table("t")', 'r.table("t").changes(include_initial=True)'):
        words = ["watch", *place(target), what, "--initial", "--limit", "1"]
        assert main(words) == 0
        assert capsys.readouterr().out == '+ {"id":1,"n":1}\n'

    writer = threading.Thread(target=write_when_watched, args=(target, 1, feeds_on(target)))
    writer.start()
    assert main(["watch", *place(target), "t", "--json", "--limit", "1"]) == 0
    writer.join()
    assert json.loads(capsys.readouterr().out)["new_val"] == {"id": 1, "n": 2}
    assert main(["watch", *place(target), "no"]) == 1


def feeds_on(server: Any) -> set[Any]:
    """The feeds of the table that are there."""
    jobs = r.db("rethinkdb").table("jobs")
    feeds = jobs.filter(r.row["info"]["query"].match(r'^r\.table\("t"\)\.changes'))
    with r.connect(server.host, server.port, loop_type="blocking") as conn:
        return {job["id"][1] for job in feeds.run(conn)}


def write_when_watched(server: Any, key: int, seen: set[Any]) -> None:
    """Changes a document as soon as somebody watches: before that it would be an initial value.

    Args:
        server: where.
        key: the document's.
        seen: feeds that were there earlier.
    """
    while not feeds_on(server) - seen:
        pass
    changed = {"id": key, "n": 2}
    with r.connect(server.host, server.port, loop_type="blocking") as conn:
        r.db("test").table("t").insert(changed, conflict="replace").run(conn)


def test_watching_goes_on_when_the_server_was_away(capsys: Any) -> None:
    with Server() as server:
        with r.connect(server.host, server.port, loop_type="blocking") as conn:
            r.db("test").table_create("t").run(conn)

        def write() -> None:
            write_when_watched(server, 1, set())
            seen = feeds_on(server)
            server.chaos.cut()
            write_when_watched(server, 2, seen)

        writer = threading.Thread(target=write)
        writer.start()
        assert main(["watch", "-c", f"{server.host}:{server.port}", "t", "--limit", "3"]) == 0
        writer.join()
    first, gap, second = capsys.readouterr().out.splitlines()
    assert (first, second) == ('+ {"id":1,"n":2}', '+ {"id":2,"n":2}')
    assert gap.startswith('# {"state":"gap",')


def test_status_and_top(source: Any, capsys: Any) -> None:
    assert main(["status", *place(source)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"shop\.orders +1 +1 +ready", shown)
    assert "1 server\n" in shown
    assert "0 issues" in shown
    assert main(["status", *place(source), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["tables"]) == 4
    assert main(["top", *place(source), "--once"]) == 0
    assert "running quer" in capsys.readouterr().out
    assert main(["top", *place(source), "--kill", "no"]) == 1
    assert "reql top: there is no query no" in capsys.readouterr().err


def test_a_query_can_be_ended(target: Any, capsys: Any) -> None:
    r.db("test").table_create("t").run(target)
    with r.connect(target.host, target.port, loop_type="blocking") as conn:
        feed = r.db("test").table("t").changes().run(conn)
        jobs = r.db("rethinkdb").table("jobs").filter({"type": "query"})["id"].run(target)
        mine = [job for _, job in jobs]
        ended = [main(["top", *place(target), "--kill", job]) for job in mine]
        assert 0 in ended
        with pytest.raises(r.ReqlError):
            feed.next()


# -- what is shown


def test_json_of_values_that_json_does_not_have() -> None:
    value = {"at": datetime(2020, 1, 2, tzinfo=timezone.utc), "b": b"\x00\xff", 1: {True: None}}
    assert json_text(value) == ('{"at":"2020-01-02T00:00:00+00:00","b":"AP8=","1":{"true":null}}')


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_tables_fit(width: int) -> None:
    rows = [{"id": n, "name": "x" * n, "nested": {"a": [n] * n}, "last\n": "é"} for n in range(30)]
    lines = table_lines(rows, width)
    assert len(lines) == (33 if width == 20 else 32)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:2] == ["id", "name"]


def test_tables_of_other_things() -> None:
    assert table_lines([1, "a"], 80) == ["value", "─────", "1", "a"]
    assert table_lines([{}], 80) == ["(nothing)"]
    assert columns([["a", "b"], ["c" * 50, "d"]], 10) == ["a        b", f"{'c' * 6}…  d"]


def test_columns_that_do_not_fit_are_named() -> None:
    row = {**{f"field{n}": n for n in range(9)}, "about": "x" * 300, "id": 1}
    assert table_lines([row], 40) == [
        "id  field0  field1  field2  field3",
        "──  ──────  ──────  ──────  ──────",
        "1   0       1       2       3",
        "(6 more columns: field4, field5, field6…",
    ]
    assert table_lines([row], 90)[0].split() == [*row]


def test_signs_that_take_two_cells_of_the_terminal() -> None:
    rows = [{"id": "名前", "n": 1}, {"id": "e\u0301", "n": 2}, {"id": "🦸🦸🦸🦸🦸", "n": 3}]
    assert table_lines(rows, 11) == [
        "id        n",
        "────────  ─",
        "名前      1",
        "e\u0301         2",
        "🦸🦸🦸…   3",
    ]


def test_changes_in_a_line() -> None:
    assert change_line({"old_val": None, "new_val": {"a": 1}}) == '+ {"a":1}'
    assert change_line({"old_val": {"a": 1}, "new_val": None}) == '- {"a":1}'
    changed = change_line({"old_val": {"a": 1, "b": 2}, "new_val": {"a": 3, "b": 2}})
    assert changed == '~ {"a":3,"b":2}   was {"a":1}'
    assert change_line({"old_val": 1, "new_val": 2}) == "~ 2   was 1"
    assert change_line({"state": "ready"}) == '# {"state":"ready"}'


# -- the shell, without a terminal


@pytest.fixture
def shown(source: Any) -> Iterator[tuple[Shell, list[str]]]:
    lines: list[str] = []
    source.use("shop")
    yield Shell(source, show=lines.append), lines
    source.use("test")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("x = 5\nx + 1", ["6"]),
        ("for i in range(2):\n  y = i\n\ny", ["1"]),
        ('r.table("many").count()', ["3000"]),
        ('r.table("many").count()\n_ + 1', ["3000", "3001"]),
        ('r.table("many").order_by(index="id").limit(2)["id"]', ["0", "1", "2 rows"]),
        (".table\nr.expr([{'a': 1}])", ["a", "─", "1", "1 row"]),
        (".use other\nr.table('places').count()\n.use shop", ["1"]),
        (".use", ["The database is shop. `.use DB` takes another one."]),
        (".nonsense", ["There is no command .nonsense. `.help` shows what there is."]),
        ("1/0", ["ZeroDivisionError: division by zero"]),
        ("1 +", ["SyntaxError: invalid syntax"]),
        (".exit\n1", []),
        ("exit\n1", []),
        ("quit\n1", []),
        ("exit = 5\nexit", ["5"]),
        ("help", ['Type queries, such as r.table("users").filter({"age": 20}), or any Python.']),
        ("tabel", ["NameError: name 'tabel' is not defined. Did you mean `r.table`?"]),
        ("r.expr(None)", []),
    ],
)
def test_the_shell_answers(shown: Any, typed: str, said: list[str]) -> None:
    shell, lines = shown
    waiting = iter(typed.split("\n"))

    def read(prompt: str) -> str:
        try:
            return next(waiting)
        except StopIteration:
            raise EOFError from None

    shell.interact(read)
    assert [line for line in lines if "File" not in line][: len(said)] == said or said == [
        lines[-1].splitlines()[-1]
    ]


def test_the_shell_shows_where_a_mistake_is(shown: Any) -> None:
    shell, lines = shown
    shell.answer('r.expr({"a": 1})["b"]')
    assert lines[0].startswith("ReqlNonExistenceError: No attribute `b`")
    assert lines[0].splitlines()[-1].strip("^") == ""


def test_the_shell_has_a_help(shown: Any) -> None:
    shell, lines = shown
    shell.answer(".help")
    assert any(line.strip().startswith(".use DB") for line in lines)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("r.tab", {"table", "table_create", "table_drop", "table_list"}),
        ('r.table("or', {"orders"}),
        ("r.table('", {"orders", "many", "empty"}),
        ('r.db("', {"shop", "other", "test", "rethinkdb"}),
        ('r.db("other").table("', {"places"}),
        ('r.table("orders").get_all(1, index="', {"name", "words"}),
        ('r.table("orders").coun', {"count"}),
        ('r.table("orders")["na', {"name"}),
        (".us", {".use"}),
        ("var", {"variable"}),
        ("variable.coun", {"count"}),
        ("1 + number.bit_c", {"bit_count"}),
        ("other.variable.coun", set()),
        ("x.", set()),
        ('"r.', set()),
    ],
)
def test_completion(source: Any, typed: str, offered: set[str]) -> None:
    schema = Schema(lambda query: query.run(source))
    schema.database = "shop"
    schema.saw([{"name": {"inner": 1}}])
    found = {
        item.text
        for item in completions(typed, schema, {"variable": r.table("orders"), "number": 1})
    }
    assert found == offered


def test_completion_does_not_disturb() -> None:
    def fails(_: Any) -> Any:
        raise r.ReqlDriverError("Connection is closed.")

    assert list(completions('r.db("', Schema(fails))) == []
