"""Archives and files of the official package's commands are read here, and the other way round.

RETHINKDB_OFFICIAL_BIN names the directory of these commands. The tests use the embedded server, or
the server of RETHINKDB_TEST_SERVER.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rethinkdb import r
from rethinkdb.cli import scripts

from ..trying import server_under_test
from .conftest import contents

OFFICIAL = os.environ.get("RETHINKDB_OFFICIAL_BIN", "")

pytestmark = [
    pytest.mark.official,
    pytest.mark.skipif(not OFFICIAL, reason="RETHINKDB_OFFICIAL_BIN names no directory"),
    pytest.mark.timeout(300),
]

Command = Callable[..., None]
"""`ours` or `theirs`."""

NOW = datetime(2024, 2, 29, 12, 30, 15, 123000, tzinfo=timezone.utc)

HEROES: list[dict[str, Any]] = [
    {"id": 1, "name": "Ada", "born": 1815, "tags": ["math", "Ünïcode"], "at": NOW},
    {"id": 2, "name": 'a "quoted" },{"b": \\ text\n\t\u2028', "born": 1906.5, "tags": []},
    {"id": 3, "data": bytes(range(256)), "empty": b"", "none": None, "yes": True, "no": False},
    {
        "id": 4,
        "nested": {"": {"a.b": [[], {}, [[1]]]}},
        "big": 2**53,
        "tiny": 5e-324,
        "minus": -0.0,
    },
    {"id": "ключ", "名前": "🦸", "nul": "a\0b", "row": "},{", "quote": '"'},
    {"id": [1, "array", [True]], "one": 1.0, "huge": 1e300},
    {"id": NOW, "zone": r.iso8601("2024-01-01T00:00:00+05:30")},
    {"id": b"\x00\xff", "born": -1},
    {"id": False, "long": "x" * 300_000},
]
PLACES: list[dict[str, Any]] = [
    {"key": "point", "shape": r.point(-122.4, 37.7), "all": [r.point(1, 2), r.point(3, 4)]},
    {"key": "line", "shape": r.line([0, 0], [1, 1.5])},
    {"key": "polygon", "shape": r.polygon([0, 0], [0, 1], [1, 1]), "born": 1},
    {
        "key": "hole",
        "shape": r.polygon([0, 0], [0, 9], [9, 9]).polygon_sub(r.polygon([1, 2], [1, 3], [2, 3])),
    },
]
"""Rows of a table whose primary key is `key`."""


@pytest.fixture(scope="module")
def conn() -> Iterator[Any]:
    with (
        server_under_test() as server,
        r.connect(server.host, server.port, loop_type="blocking") as conn,
    ):
        yield conn


@pytest.fixture
def databases(conn: Any) -> Iterator[list[str]]:
    """The names of two databases, which are dropped afterwards."""
    names = [f"official_{uuid4().hex[:8]}_{suffix}" for suffix in ("a", "b-c")]
    yield names
    for name in names:
        drop(conn, name)


def drop(conn: Any, name: str) -> None:
    if name in r.db_list().run(conn):
        r.db_drop(name).run(conn)


@pytest.fixture
def filled(conn: Any, databases: list[str]) -> list[str]:
    """The databases, with tables of all kinds."""
    one, other = (r.db(name) for name in databases)
    for name in databases:
        r.db_create(name).run(conn)
    one.table_create("heroes").run(conn)
    one.table_create("Empty-1").run(conn)
    one.table_create("places_2", primary_key="key").run(conn)
    other.table_create("heroes").run(conn)
    other.table_create("hooked").run(conn)
    heroes, places, hooked = one.table("heroes"), one.table("places_2"), other.table("hooked")
    heroes.insert(HEROES).run(conn)
    places.insert(PLACES).run(conn)
    other.table("heroes").insert([{"id": number} for number in range(500)]).run(conn)
    heroes.index_create("name").run(conn)
    heroes.index_create("name and born", [r.row["name"], r.row["born"]]).run(conn)
    heroes.index_create("tags", multi=True).run(conn)
    heroes.index_create("half", lambda row: row["born"].div(2).default(None)).run(conn)
    places.index_create("shape", geo=True).run(conn)
    places.index_create("all", geo=True, multi=True).run(conn)
    hooked.insert({"id": 1}).run(conn)
    hooked.index_create("n").run(conn)
    hooked.set_write_hook(lambda context, old, new: new.merge({"hooked": True})).run(conn)
    for table in (heroes, places, hooked):
        table.index_wait().run(conn)
    return databases


def ours(conn: Any, command: str, *words: str) -> None:
    main: Callable[..., int] = getattr(scripts, f"{command}_" if command == "import" else command)
    assert main(["-c", f"{conn.host}:{conn.port}", *words]) == 0


def theirs(conn: Any, command: str, *words: str) -> None:
    program = Path(OFFICIAL) / f"rethinkdb-{command}"
    place = ["-c", f"{conn.host}:{conn.port}"]
    done = subprocess.run([program, *place, *words], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def kept(conn: Any, databases: list[str]) -> dict[str, Any]:
    """What is in the databases. They are dropped, to be filled again."""
    found = contents(conn, databases)
    for name in databases:
        drop(conn, name)
    return found


def only(databases: list[str]) -> list[str]:
    """The words that choose databases, for commands that write files."""
    return [word for name in databases for word in ("-e", name)]


def test_their_dump(conn: Any, filled: list[str], tmp_path: Path) -> None:
    archive = str(tmp_path / "all.tar.gz")
    theirs(conn, "dump", "-f", archive, *only(filled))
    before = kept(conn, filled)
    ours(conn, "restore", archive, "--verify")
    assert kept(conn, filled) == before
    assert len(before) == 5


def test_our_dump(conn: Any, filled: list[str], tmp_path: Path) -> None:
    archive = str(tmp_path / "all.tar.gz")
    ours(conn, "dump", "-f", archive, *only(filled))
    before = kept(conn, filled)
    theirs(conn, "restore", archive)
    assert kept(conn, filled) == before


def test_our_dump_through_a_pipe(conn: Any, filled: list[str], tmp_path: Path) -> None:
    place = ["-c", f"{conn.host}:{conn.port}", "-f", "-"]
    command = [sys.executable, "-m", "rethinkdb", "dump", *place, *only(filled)]
    archive = tmp_path / "all.tar.gz"
    archive.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    before = kept(conn, filled)
    theirs(conn, "restore", str(archive))
    assert kept(conn, filled) == before


@pytest.mark.parametrize(("write", "read"), [(theirs, ours), (ours, theirs)])
def test_directories(
    conn: Any, filled: list[str], tmp_path: Path, write: Command, read: Command
) -> None:
    directory = str(tmp_path / "all")
    write(conn, "export", "-d", directory, *only(filled))
    before = kept(conn, filled)
    read(conn, "import", "-d", directory)
    assert kept(conn, filled) == before


@pytest.mark.parametrize(
    "words",
    [
        ["--format", "json"],
        ["--format", "ndjson"],
        ["--format", "json", "--fields", "id,name,tags,nested"],
        ["--format", "ndjson", "--fields", "name,at"],
        ["--format", "csv", "--fields", "id,name,born,tags,at,none,yes,data,nested"],
        ["--format", "csv", "--fields", "name,missing", "--delimiter", ";"],
        ["--format", "csv", "--fields", "id,名前,quote", "--delimiter", "\\t"],
    ],
    ids=" ".join,
)
def test_files_are_alike(conn: Any, filled: list[str], tmp_path: Path, words: list[str]) -> None:
    name = f"{filled[0]}.heroes"
    for export, directory in ((theirs, "theirs"), (ours, "ours")):
        export(conn, "export", "-e", name, "-d", str(tmp_path / directory), *words)
    format = words[1]
    one, other = (
        (tmp_path / side / filled[0] / f"heroes.{format}").read_text("utf-8")
        for side in ("theirs", "ours")
    )
    if format == "csv":
        assert one == other
    elif format == "json":
        assert json.loads(one) == json.loads(other)
    else:
        assert [*map(json.loads, one.split("\n")[:-1])] == [
            *map(json.loads, other.split("\n")[:-1])
        ]
    infos = [
        json.loads((tmp_path / side / filled[0] / "heroes.info").read_text("utf-8"))
        for side in ("theirs", "ours")
    ]
    assert infos[0].keys() == infos[1].keys()
    assert infos[0]["indexes"] == infos[1]["indexes"]


ROWS_CSV = 'id,name,born\n1,"Ada, ""Lady""",1815\n2,Grace,\n3,"two\nlines",ü\n'


# Not here: what the official package cannot do. It ignores --delimiter of files that it reads, and
# --pkey of CSV. It warns of --custom-header with a header, needs --pkey for new tables from JSON,
# and takes no other suffixes.
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '[{"id": 1, "x": {"y": [1, 2.5]}}, {"id": 2}]', ["--pkey", "id"]),
        ("a.json", '{"id": 1}\n{"id": 2, "text": "ü \\u00fc"}\n', ["--pkey", "id"]),
        ("a.json", '{"id": 1} {"id": 2}', ["--format", "json", "--pkey", "id"]),
        (
            "a.json",
            '[\n{"id": 1, "a": 1},\n{"id": 2, "b": 2}\n]\n',
            ["--fields", "id,a", "--pkey", "id"],
        ),
        ("a.json", '[{"id": 1, "key": "k"}]', ["--format", "json", "--pkey", "key"]),
        ("a.json", "[]", ["--pkey", "key"]),
        (
            "a.json",
            '[{"id": 1, "at": {"$reql_type$": "TIME", "epoch_time": 1, "timezone": "Z"}}]',
            ["--pkey", "id"],
        ),
        ("a.csv", ROWS_CSV, []),
        ("a.csv", ROWS_CSV, ["--fields", "id,born"]),
        ("a.csv", ROWS_CSV.partition("\n")[2], ["--no-header", "--custom-header", "id,a,b"]),
        ("a.csv", ROWS_CSV.replace("\n", "\r\n"), []),
        ("a.csv", ROWS_CSV, ["--shards", "2", "--replicas", "1", "--hard-durability"]),
        ("a.csv", ROWS_CSV, ["--clients", "1", "--no-secondary-indexes"]),
    ],
)
def test_files_are_read_alike(
    conn: Any, databases: list[str], tmp_path: Path, name: str, text: str, words: list[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    for load, database in zip((theirs, ours), databases, strict=True):
        load(conn, "import", "-f", str(path), "--table", f"{database}.made", *words)
    found = contents(conn, databases)
    assert found[f"{databases[0]}.made"] == found[f"{databases[1]}.made"]


def test_existing_tables(conn: Any, filled: list[str], tmp_path: Path) -> None:
    archive = str(tmp_path / "all.tar.gz")
    ours(conn, "dump", "-f", archive, "-e", f"{filled[0]}.heroes")
    heroes = r.db(filled[0]).table("heroes")
    for load in (theirs, ours):
        before = contents(conn, filled)
        heroes.filter({"id": 1}).update({"name": "changed"}).run(conn)
        heroes.get(2).delete().run(conn)
        load(conn, "restore", archive, "--force")
        assert contents(conn, filled) == before
