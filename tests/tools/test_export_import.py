"""Exports and imports: directories and files, all formats, and what is wrong with some."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.tools import BadRow, BadRowError, CsvOptions, ToolError, export, import_

from .conftest import MANY, ROWS, contents


@pytest.mark.parametrize("format", ["json", "ndjson"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_directory_comes_back(
    source: Any, target: Any, tmp_path: Path, format: str, compression: str | None
) -> None:
    path = tmp_path / "exported"
    done = export(source, path, format=format, compression=compression)
    assert done == (path, len(ROWS) + len(MANY) + 1, 4, 2, 1)
    suffix = f"{format}{'.gz' if compression else ''}"
    names = {str(found.relative_to(path)) for found in path.glob("*/*")}
    assert names == {
        f"{table}.{kind}"
        for table in ("shop/orders", "shop/many", "shop/empty", "other/places")
        for kind in ("info", suffix)
    }
    assert import_(target, path).rows == done.rows
    assert contents(target) == contents(source)


@pytest.mark.parametrize("name", ["o.json", "o.ndjson", "o.json.gz", "o.jsonl.gz"])
def test_a_file_comes_back(source: Any, target: Any, tmp_path: Path, name: str) -> None:
    export(source, file=tmp_path / name, tables=["shop.orders"])
    import_(target, file=tmp_path / name, table="new.orders")
    assert contents(target)["new.orders"][0] == contents(source)["shop.orders"][0]


def test_a_file_goes_through_the_write_hook_of_its_table(target: Any, tmp_path: Path) -> None:
    table = r.db("test").table("t")
    r.table_create("t").run(target)
    table.insert([{"id": 1, "old": True}, {"id": "key"}]).run(target)
    table.set_write_hook(lambda context, old, new: new.merge({"hooked": True})).run(target)
    path = tmp_path / "t.ndjson"
    path.write_text('{"id": 1}\n{"id": 2}\n{"n": 3}\n')
    assert import_(target, file=path, table="test.t", resume=True).rows == 3
    assert table.get(1).run(target) == {"id": 1, "old": True}
    assert table.get(2).run(target) == {"id": 2, "hooked": True}
    assert [row["hooked"] for row in table.filter({"n": 3}).run(target)] == [True]
    import_(target, file=path, table="test.t", force=True)
    assert table.get(1).run(target) == {"id": 1, "hooked": True}


def test_ndjson_has_no_newline_at_its_end(source: Any) -> None:
    output = io.BytesIO()
    export(source, file=output, tables=["shop.many"], format="ndjson", fields=["id"])
    assert output.getvalue() == b"\n".join(b'{"id":%d}' % number for number in range(len(MANY)))


def test_csv(source: Any, target: Any, tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    export(source, file=path, tables=["shop.orders"], fields=["name", "id", "flag"])
    lines = path.read_bytes().split(b"\r\n")
    assert lines[0] == b"name,id,flag"
    assert b",key,True" in lines
    import_(target, file=path, table="test.o", primary_key="id", fields=["id", "flag"])
    assert r.db("test").table("o").get("key").run(target) == {"id": "key", "flag": "True"}


def test_an_import_knows_the_key_and_the_indexes_from_the_file_beside(
    source: Any, target: Any, tmp_path: Path
) -> None:
    export(source, tmp_path / "e", tables=["shop"])
    import_(target, file=tmp_path / "e" / "shop" / "orders.json", table="a.b")
    assert contents(target)["a.b"] == contents(source)["shop.orders"]
    import_(target, file=io.BytesIO(b'{"n": 1}'), table="a.c", primary_key="n")
    assert r.db("a").table("c").get(1).run(target) == {"n": 1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "csv"}, "CSV needs --fields"),
        ({"format": "xml"}, "the format 'xml' is none of"),
        ({"fields": ["a"]}, "--fields needs exactly one table"),
        ({"file": "x.json"}, "--file needs exactly one table"),
        ({"delimiter": ";"}, "--delimiter is for CSV only"),
        ({"tables": ["a b"]}, "names no database or table"),
        ({"tables": ["rethinkdb.stats"]}, "the server's own"),
    ],
)
def test_export_options_that_do_not_fit(source: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolError, match=said) as caught:
        export(source, **options)
    assert caught.value.status == 2


def test_a_directory_has_its_name_when_it_is_complete(source: Any, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ToolError, match="exists already"):
        export(source, tmp_path / "there")
    with pytest.raises(ToolError, match="does not exist"):
        export(source, tmp_path / "new", tables=["shop.no"])
    assert os.listdir(tmp_path) == ["there"]


def write(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


INFO = json.dumps({"primary_key": "id", "indexes": []}).encode()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "has no tables"),
        ({"a/t.json": b"[]"}, "has no tables"),
        ({"a/t.json": b"[]", "a/t.csv": b"id", "a/t.info": INFO}, "are of the same table"),
        ({"a/t.json.gz": b"nonsense", "a/t.info": INFO}, "a row is an object"),
        ({"a/t.json": gzip.compress(b"[]" * 9)[:-9], "a/t.info": INFO}, "ends too early"),
        ({"a/t.json": b"[]", "a/t.info": b"{}"}, "no primary_key"),
    ],
)
def test_directories_that_are_wrong(
    target: Any, tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(ToolError, match=said):
        import_(target, write(tmp_path, files))


def test_what_belongs_to_no_table_is_told(target: Any, tmp_path: Path) -> None:
    files = {"a/t.json": b"[]", "a/t.info": INFO, "a/u.json": b"[]", "readme": b"", "a/x.y": b""}
    ignored: list[Path] = []
    import_(target, write(tmp_path, files), on_ignored=ignored.append)
    assert {path.name for path in ignored} == {"u.json", "readme", "x.y"}
    assert set(contents(target)) == {"a.t"}


def test_all_tables_are_looked_at_before_anything_is_changed(target: Any, tmp_path: Path) -> None:
    r.db("test").table_create("z").run(target)
    files = {
        f"test/{name}": b"[]" if name[-4:] == "json" else INFO
        for name in ("a.json", "a.info", "z.json", "z.info")
    }
    with pytest.raises(ToolError, match=r"table test\.z already exists"):
        import_(target, write(tmp_path, files))
    assert set(contents(target)) == {"test.z"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (b'{"id": [[1, {}]]}', "the server refuses it: .*keys"),
        (b'{"id": "' + b"k" * 200 + b'"}', "too long"),
        (b'{"id": 1, "x": 1e999}', "the server refuses it|no JSON"),
        (b'{"id": 1, "x": {"$reql_type$": "TIME"}}', "the server refuses it"),
        (b'{"id": 1, "x": "\\u0000"}', ""),
        (b'{"id": 1, "x": ' + b"[" * 99 + b"]" * 99 + b"}", ""),
        (b'{"id": 1, "x": ' + b"[" * 100 + b"]" * 100 + b"}", "nested deeper than 100 levels"),
        (b'{"id": 1, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested deeper than 100 levels"),
    ],
)
def test_rows_that_the_server_does_not_take(target: Any, rows: bytes, reason: str) -> None:
    text = b'{"id": "a"}\n' + rows + b'\n{"id": "b"}\n'
    bad: list[BadRow] = []
    result = import_(target, file=io.BytesIO(text), table="test.t", on_bad_row=bad.append)
    assert [row.place.line for row in bad] == ([2] if reason else [])
    assert result[0] == (2 if reason else 3)
    if reason:
        assert bad[0].text == rows
        with pytest.raises(BadRowError, match=reason):
            import_(target, file=io.BytesIO(text), table="test.u")


def test_csv_options(target: Any) -> None:
    import_(
        target,
        file=io.BytesIO(b"1;a\n2;b\n"),
        table="test.t",
        format="csv",
        primary_key="n",
        csv=CsvOptions(";", header=False, names=["n", "name"]),
    )
    rows = r.db("test").table("t").order_by("n").run(target)
    assert rows == [{"n": "1", "name": "a"}, {"n": "2", "name": "b"}]


@pytest.mark.parametrize(
    "call",
    [
        lambda conn: import_(conn),
        lambda conn: import_(conn, file="x"),
        lambda conn: import_(conn, "x", file="y", table="a.b"),
        lambda conn: import_(conn, file=io.BytesIO(), table="a"),
        lambda conn: import_(conn, file=io.BytesIO(), table="a.b", format="xml"),
        lambda conn: export("no connection"),
    ],
)
def test_arguments_that_do_not_fit(target: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(ToolError):
        call(target)
