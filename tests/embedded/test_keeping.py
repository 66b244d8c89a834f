"""Data that stays: the file under a server, restarts, kills, bad files, copies of a whole state."""

from __future__ import annotations

import contextlib
import io
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.embedded.keeping import files
from rethinkdb.embedded.keeping.files import DataFileError
from rethinkdb.errors import ReqlDriverError, ReqlError, ReqlOpIndeterminateError

from .support import PATIENCE, embedded_only

pytestmark = embedded_only

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.reql"


def connect(server: Server, **options: Any) -> Any:
    return r.connect(host=server.host, port=server.port, **options)


DOCUMENT = {
    "n": None,
    "t": True,
    "i": 2**53,
    "f": 1.5,
    "large": 1e300,
    "negative_zero": -0.0,
    "s": "é\0\n",
    "b": r.binary(b"a\0b"),
    "time": r.epoch_time(1.5),
    "place": r.point(1, 2),
    "a": [[], {}, [1, {"x": r.binary(b"")}]],
}


def state(conn: Any) -> Any:
    """All that a client can see and that must stay."""
    system = r.db("rethinkdb")
    tables = {}
    for database in r.db_list().filter(r.row != "rethinkdb").run(conn):
        for name in r.db(database).table_list().run(conn):
            table = r.db(database).table(name)
            rows = table.order_by(index=table.info()["primary_key"].run(conn))
            tables[database, name] = (
                [row.to_json_string().run(conn) for row in [rows.coerce_to("array")]],
                table.index_status().run(conn),
                table.get_write_hook().run(conn),
                table.config().run(conn),
            )
    return (
        tables,
        conn.server(),
        list(system.table("users").order_by("id").run(conn)),
        list(system.table("permissions").order_by("id").run(conn)),
        list(system.table("cluster_config").run(conn)),
        r.db_list().run(conn),
    )


def test_all_stays(path: Path) -> None:
    with Server(data=path, users={"ada": "x"}) as server, connect(server) as conn:
        r.db_create("empty").run(conn)
        r.table_create("t", primary_key="k", durability="soft").run(conn)
        table = r.table("t")
        table.index_create("i").run(conn)
        table.index_create("sum", lambda row: row["i"] + row["f"]).run(conn)
        table.index_create("place", geo=True).run(conn)
        table.index_create("a", multi=True).run(conn)
        table.index_wait().run(conn)
        table.set_write_hook(lambda context, old, new: new).run(conn)
        for key in (1, "k", [1, "a"], True, r.binary(b"k"), r.epoch_time(5), -0.0):
            table.insert({**DOCUMENT, "k": key}).run(conn)
        table.get(0).update({"changed": True}).run(conn)
        r.grant("ada", {"read": True}).run(conn)
        r.table("t").grant("ada", {"write": False}).run(conn)
        r.db("rethinkdb").table("users").insert({"id": "eve", "password": "y"}).run(conn)
        r.table_create("gone").run(conn)
        r.table("gone").insert({"id": 1}).run(conn)
        r.table_drop("gone").run(conn)
        r.table_create("gone").run(conn)
        before = state(conn)
    for _ in range(2):
        with Server(data=path) as server, connect(server) as conn:
            assert state(conn) == before
            assert r.table("t").get_all(2**53 + 1.5, index="sum").count().run(conn) == 7
            assert r.table("gone").count().run(conn) == 0
            connect(server, user="eve", password="y").close()
            connect(server, user="ada", password="x").close()


def test_the_same_server_again(path: Path) -> None:
    server = Server(data=path)
    with server, connect(server) as conn:
        r.table_create("t").run(conn)
        r.table("t").insert({"id": 1}).run(conn, durability="soft")
    with server, connect(server) as conn:
        assert list(r.table("t").run(conn)) == [{"id": 1}]
        r.table("t").get(1).delete().run(conn)
    with server, connect(server) as conn:
        assert list(r.table("t").run(conn)) == []


def test_passwords_of_the_file_count(path: Path) -> None:
    with Server(data=path, password="first"):
        pass
    with Server(data=path, password="second") as server:
        with connect(server, password="first") as conn:
            assert r.expr(1).run(conn) == 1
        with pytest.raises(ReqlDriverError):
            connect(server, password="second")


# -- killed

KILLED = """
import sys
from rethinkdb import r
from rethinkdb.embedded import Server
server = Server(data=sys.argv[1]).start()
print(server.port, flush=True)
sys.stdin.read()
"""


def write_until_killed(process: subprocess.Popen[str], number: int, most: int) -> list[int]:
    """Writes as fast as it goes; the keys whose writes were answered."""
    assert process.stdout is not None
    answered: list[int] = []
    with r.connect(host="127.0.0.1", port=int(process.stdout.readline())) as conn:
        if "t" not in r.table_list().run(conn):
            r.table_create("t").run(conn)
            r.table("t").index_create("double").run(conn)
            r.table("t").index_wait().run(conn)
        try:
            for key in range(number * 10_000, number * 10_000 + 10_000):
                batch = [{"id": [key, n], "double": 2 * key, "text": "x" * 500} for n in range(3)]
                r.table("t").insert(batch).run(conn)
                answered.append(key)
                if len(answered) == most:
                    process.kill()
        except ReqlError:
            pass
        conn.close(noreply_wait=False)
    return answered


@pytest.mark.skipif(sys.platform == "win32", reason="kills")
def test_no_answered_write_is_lost_when_the_server_is_killed(path: Path) -> None:
    source = random.Random(3)
    answered: list[int] = []
    for number in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as process:
            answered += write_until_killed(process, number, source.randrange(1, 60))
            assert process.wait(PATIENCE) == -signal.SIGKILL
    with Server(data=path) as server, connect(server) as conn:
        rows = list(r.table("t").run(conn))
        expected = {(key, n) for key in answered for n in range(3)}
        assert expected <= {tuple(row["id"]) for row in rows}
        assert all(row["text"] == "x" * 500 for row in rows)
        by_index = r.table("t").order_by(index="double")["double"].run(conn)
        assert list(by_index) == sorted(2 * row["id"][0] for row in rows)


# -- files that will not do


def refused(path: Path) -> str:
    with pytest.raises(DataFileError) as caught:
        Server(data=path).start()
    assert str(path) in str(caught.value)
    return str(caught.value)


def made(path: Path) -> None:
    with Server(data=path) as server, connect(server) as conn:
        r.table_create("t").run(conn)
        r.table("t").insert([{"id": n, "text": "x" * 1000} for n in range(100)]).run(conn)


def test_files_of_others_are_left_alone(path: Path) -> None:
    path.write_bytes(b"My diary. " * 1000)
    before = path.read_bytes()
    assert "is no data file of the embedded server" in refused(path)
    assert path.read_bytes() == before


def test_databases_of_others_are_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE diary (day TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    assert "is a database of another program" in refused(path)
    assert path.read_bytes() == before


def test_a_newer_format(path: Path) -> None:
    made(path)
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {files.FORMAT + 1}")
    newer.close()
    assert "use a newer release" in refused(path)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_a_damaged_file(path: Path, place: float) -> None:
    made(path)
    data = bytearray(path.read_bytes())
    at = int(len(data) * place)
    data[at : at + 8192] = b"\xff" * 8192
    path.write_bytes(data)
    assert "is damaged" in refused(path)
    assert path.read_bytes() == data


DAMAGE = {
    "another value": (
        "UPDATE rows SET document = CAST(replace(CAST(document AS TEXT), 'Iris', 'Isis') AS BLOB)",
        "checksum",
    ),
    "another key": ("UPDATE rows SET key = CAST('S1' AS BLOB)", "checksum"),
    "another description": ("UPDATE description SET text = replace(text, 'kept', 'lost')", "check"),
    "a row of no table": ("INSERT INTO rows VALUES ('x', 'Sa', '{}')", "1 of 2 rows are found"),
}


@pytest.mark.parametrize(("change", "told"), DAMAGE.values(), ids=DAMAGE)
def test_damage_that_sqlite_does_not_see(path: Path, change: str, told: str) -> None:
    with Server(data=path) as server, connect(server) as conn:
        r.table_create("kept").run(conn)
        r.table("kept").insert({"id": "a", "name": "Iris"}).run(conn)
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute(change)
        file.commit()
    before = path.read_bytes()
    problem = refused(path)
    assert "is damaged" in problem
    assert told in problem
    assert path.read_bytes() == before


def test_a_file_of_the_first_format(path: Path) -> None:
    with Server(data=path) as server, connect(server) as conn:
        r.table_create("kept").run(conn)
        r.table("kept").insert([{"id": n, "text": "a\nb"} for n in range(3)]).run(conn)
    with contextlib.closing(sqlite3.connect(path)) as file:
        for table, column in (("rows", "document"), ("description", "text")):
            file.execute(f"UPDATE {table} SET {column} = substr({column}, 1, length({column}) - 9)")
        file.execute("PRAGMA user_version = 1")
        file.commit()
    for n in (3, 4):
        with Server(data=path) as server, connect(server) as conn:
            assert r.table("kept").count().run(conn) == n
            r.table("kept").insert({"id": n, "text": "new"}).run(conn)
    with contextlib.closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (files.FORMAT,)


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    assert "cannot be opened" in refused(tmp_path / "nowhere" / "app.reql")


def test_a_file_in_use(path: Path) -> None:
    with Server(data=path) as server:
        assert "is in use by a server here" in refused(path)
        run = subprocess.run(
            [sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, cwd=ROOT
        )
        assert "is in use by another process" in run.stderr
        with connect(server) as conn:
            r.table_create("t").run(conn)
            assert r.table("t").insert({"id": 1}).run(conn)["inserted"] == 1


FULL = """
import json, resource, sys
from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlOpIndeterminateError
import logging; logging.disable(50)
server = Server(data=sys.argv[1]).start()
conn = r.connect(host=server.host, port=server.port)
r.table_create("t").run(conn)
r.table("t").insert({"id": 0}).run(conn)
usual = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, usual[1]))
told = {}
try:
    r.table("t").insert([{"id": n, "text": "x" * 1000} for n in range(1, 1000)]).run(conn)
except ReqlOpIndeterminateError as error:
    told["full"] = error.message
told["reads"] = r.table("t").count().run(conn)
resource.setrlimit(resource.RLIMIT_FSIZE, usual)
told["later"] = r.table("t").insert({"id": 5000}).run(conn)["inserted"]
conn.close()
server.stop()
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX systems")
def test_a_full_disk(path: Path) -> None:
    """The write is told to be uncertain; once there is room it is written with the next."""
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=2 * PATIENCE,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert f"could not be kept in the data file {path}" in told["full"]
    assert (told["reads"], told["later"]) == (1000, 1)
    with Server(data=path) as server, connect(server) as conn:
        assert r.table("t").count().run(conn) == 1001


# -- durability


def test_hard_writes_are_on_disk_when_they_are_answered(path: Path) -> None:
    with Server(data=path) as server, connect(server) as conn:
        r.table_create("t").run(conn)
        table = r.table("t")
        for number in range(5):
            table.insert({"id": number}).run(conn)
        table.insert({"id": 5}).run(conn, durability="soft")
        table.sync().run(conn)
        journal = server._journal
        assert journal is not None
        assert journal._kept == journal.sequence


def test_writes_that_cannot_be_kept_fail(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(data=path) as server, connect(server) as conn:
        r.table_create("t").run(conn)
        with monkeypatch.context() as broken:

            def fails(*args: Any) -> None:
                raise sqlite3.OperationalError("disk I/O error")

            broken.setattr(files, "write_rows", fails)
            with pytest.raises(ReqlOpIndeterminateError, match="disk I/O error"):
                r.table("t").insert({"id": 1}).run(conn)
            assert r.table("t").insert({"id": 2}).run(conn, durability="soft")["inserted"] == 1
        r.table("t").sync().run(conn)
    with Server(data=path) as server, connect(server) as conn:
        assert sorted(r.table("t")["id"].run(conn)) == [1, 2]


# -- copies


def test_save_and_load(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.reql"
    copy.write_bytes(b"")
    with Server(users={"ada": "x"}) as server, connect(server) as conn:
        r.table_create("t").run(conn)
        r.table("t").index_create("f").run(conn)
        r.table("t").index_wait().run(conn)
        r.table("t").insert({**DOCUMENT, "id": 1}).run(conn)
        before = state(conn)
        server.save(copy)
        r.table("t").insert({"id": 2}).run(conn)
        server.save(tmp_path / "other.reql")
    for _ in range(2):
        with Server(load=copy) as server, connect(server) as conn:
            assert state(conn) == before
            r.table("t").delete().run(conn)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["copy.reql", "other.reql"]


def test_what_cannot_be_saved_or_loaded(path: Path, tmp_path: Path) -> None:
    with Server(data=path) as server:
        with pytest.raises(ValueError, match="save to another one"):
            server.save(path)
        with pytest.raises(DataFileError, match="in use by a server here"):
            Server(load=path)
        with pytest.raises(DataFileError, match="cannot be opened"):
            server.save(tmp_path / "nowhere" / "copy.reql")
    with pytest.raises(DataFileError, match="does not exist"):
        Server(load=tmp_path / "nothing.reql")
    with pytest.raises(ValueError, match="give one of them"):
        Server(data=path, load=path)


REAL_INDEX = (
    b"$reql_index_function$\t\x07\x07\x07\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x00\x00\x00"
    b'H\x00\x00\x00[2,[[170,[[13,[],9],[1,"a",10]],8],[170,[[13,[],12],[1,"b",13]],11]],7]'
    b"\x00\x07\x00\x00\x00\x01\x00"
)
"""What a real server 2.4.4 shows for a multi index on `[r.row["a"], r.row["b"]]`."""

REAL_HOOK = (
    b"$reql_write_hook_function$\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00"
    b"\x04\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x11\x00\x00\x00[10,[[1,5,9]],8]"
    b"\x00\x08\x00\x00\x00"
)


def binary(data: bytes) -> dict[str, str]:
    import base64

    return {"$reql_type$": "BINARY", "data": base64.b64encode(data).decode()}


def archive(path: Path, files: dict[str, Any]) -> None:
    with tarfile.open(path, "w:gz") as made:
        for name, content in files.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(f"rethinkdb_dump_2026/{name}")
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))


def test_an_archive_of_a_real_server(tmp_path: Path) -> None:
    path = tmp_path / "dump.tar.gz"
    index = {"index": "ab", "multi": True, "geo": False, "function": binary(REAL_INDEX)}
    info = {
        "primary_key": "k",
        "indexes": [index],
        "write_hook": {"function": binary(REAL_HOOK), "query": "setWriteHook(...)"},
    }
    time = {"$reql_type$": "TIME", "epoch_time": 1, "timezone": "+00:00"}
    rows = [{"k": 1, "a": 5, "b": 6, "t": time}, {"k": 2, "a": 6, "b": 7}]
    archive(
        path,
        {
            "shop/goods.info": info,
            "shop/goods.json": rows,
            "shop/empty.info": {"primary_key": "id", "indexes": []},
            "shop/empty.json": [],
        },
    )
    with Server(load=path) as server, connect(server, db="shop") as conn:
        assert sorted(r.table_list().run(conn)) == ["empty", "goods"]
        goods = r.table("goods")
        assert sorted(goods.get_all(6, index="ab")["k"].run(conn)) == [1, 2]
        assert goods.get(1)["t"].to_epoch_time().run(conn) == 1
        assert goods.insert({"k": 3, "a": 1, "b": 2}).run(conn)["inserted"] == 1
        assert goods.get_write_hook()["query"].run(conn) == "setWriteHook(...)"


def test_functions_of_a_real_server_make_indexes_by_queries_too(conn: Any, table: Any) -> None:
    table.index_create("ab", r.binary(REAL_INDEX)).run(conn)
    table.index_wait().run(conn)
    assert table.index_status("ab")[0]["multi"].run(conn) is True
    table.insert({"id": 1, "a": 5, "b": 6}).run(conn)
    assert table.get_all(6, index="ab").count().run(conn) == 1


def test_other_archives(tmp_path: Path) -> None:
    path = tmp_path / "other.tar.gz"
    archive(path, {"photos/cat.json": []})
    with pytest.raises(DataFileError, match="is no archive of rethinkdb-dump"):
        Server(load=path)
    archive(path, {"d/t.info": {"primary_key": "id"}})
    with pytest.raises(DataFileError, match="is no archive of rethinkdb-dump"):
        Server(load=path)
