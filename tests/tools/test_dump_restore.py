"""Dumps and restores: what comes back, in which layout, and what becomes of damaged archives."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.tools import BadRow, BadRowError, ToolError, dump, restore

from .conftest import MANY, ROWS, contents


@pytest.fixture(scope="module")
def archive(source: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dump") / "all.tar.gz"
    dump(source, path)
    return path


def members(path: Path) -> dict[str, bytes]:
    """The files of an archive, without the name of the directory at its top."""
    with tarfile.open(path) as opened:
        return {
            info.name.split("/", 1)[1]: opened.extractfile(info).read()  # type: ignore[union-attr]
            for info in opened
        }


def archive_of(path: Path, files: dict[str, bytes], top: str = "rethinkdb_dump_x/") -> Path:
    """An archive with these files, in this order, as the official package writes it."""
    with tarfile.open(path, "w:gz") as opened:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{top}{name}")
            info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return path


def info(primary_key: str = "id", **more: Any) -> bytes:
    return json.dumps(
        {"primary_key": primary_key, "indexes": [], "write_hook": None, **more}
    ).encode()


def test_all_comes_back(source: Any, target: Any, archive: Path) -> None:
    result = restore(target, archive, verify=True)
    assert contents(target) == contents(source)
    assert result == (len(ROWS) + len(MANY) + 1, 4, 2, 1, 0)


def test_the_layout_is_that_of_the_official_package(archive: Path, source: Any) -> None:
    found = members(archive)
    assert set(found) == {
        f"{name}.{suffix}"
        for name in ("shop/orders", "shop/many", "shop/empty", "other/places")
        for suffix in ("info", "json")
    }
    assert found["shop/empty.json"] == b"[\n]\n"
    lines = found["shop/many.json"].splitlines()
    assert [lines[0], lines[-1], len(lines)] == [b"[", b"]", len(MANY) + 2]
    assert json.loads(found["shop/many.json"]) == MANY
    by_key = {str(row["id"]): row for row in json.loads(found["shop/orders.json"])}
    assert by_key == {str(row["id"]): row for row in ROWS}
    told = json.loads(found["shop/orders.info"])
    assert {"db", "doc_count_estimates", "id", "name", "type"} <= told.keys()
    assert told["indexes"][0]["function"]["$reql_type$"] == "BINARY"
    assert told["write_hook"] is None


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar"])
def test_a_pipe_gets_the_same(
    source: Any, archive: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr("rethinkdb.tools.archive._MOST_IN_MEMORY_OF_PIPE", 100)  # so it spools
    pipe = Pipe()
    dump(source, pipe, clients=1)
    (tmp_path / "piped").write_bytes(pipe.getvalue())
    assert members(tmp_path / "piped") == members(archive)


def test_big_tables_are_written_straight_to_the_file(
    source: Any, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rethinkdb.tools.archive._MOST_IN_MEMORY", 10)  # so all of them do
    path = tmp_path / "straight.tar.gz"
    dump(source, path, verify=True)
    assert members(path) == members(archive)
    assert gzip.decompress(path.read_bytes())[-1024:] == bytes(1024)


def test_rows_before_information(target: Any, archive: Path, source: Any, tmp_path: Path) -> None:
    """So does the official package."""
    files = dict(sorted(members(archive).items(), reverse=True))
    path = archive_of(tmp_path / "a.tar.gz", files)
    restore(target, path)
    assert contents(target) == contents(source)


def test_from_a_pipe_with_rows_before_information(
    target: Any, archive: Path, source: Any, tmp_path: Path
) -> None:
    files = dict(sorted(members(archive).items(), reverse=True))
    path = archive_of(tmp_path / "a.tar.gz", files)
    restore(target, io.BytesIO(path.read_bytes()))
    assert contents(target) == contents(source)


def test_some_tables(target: Any, archive: Path) -> None:
    assert restore(target, archive, tables=["other", "shop.empty"]).tables == 2
    assert set(contents(target)) == {"other.places", "shop.empty"}
    with pytest.raises(ToolError, match=r"has no nothing and no shop\.no$"):
        restore(target, archive, tables=["nothing", "shop.no"])


def test_an_existing_table_is_not_touched(target: Any, archive: Path) -> None:
    r.db_create("shop").run(target)
    r.db("shop").table_create("orders").run(target)
    with pytest.raises(ToolError, match=r"table shop\.orders already exists, run with --force"):
        restore(target, archive)
    assert set(contents(target)) == {"shop.orders"}
    restore(target, archive, force=True, verify=True)
    r.db("shop").table("orders").get(1).update({"name": "newer"}).run(target)
    restore(target, archive, resume=True)
    assert r.db("shop").table("orders").get(1)["name"].run(target) == "newer"
    restore(target, archive, force=True)
    assert r.db("shop").table("orders").get(1)["name"].run(target) == ROWS[0]["name"]


def test_other_primary_keys_do_not_go_together(target: Any, tmp_path: Path) -> None:
    r.db("test").table_create("t", primary_key="other").run(target)
    path = archive_of(tmp_path / "a.tar.gz", {"test/t.info": info(), "test/t.json": b"[]"})
    with pytest.raises(ToolError, match="primary key 'other'"):
        restore(target, path, force=True)


def test_a_dump_has_its_name_when_it_is_complete(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        assert not (tmp_path / "a.tar.gz").exists()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("rethinkdb.tools.dumping.lined", fails)
        with pytest.raises(OSError, match="No space left"):
            dump(source, tmp_path / "a.tar.gz")
    assert os.listdir(tmp_path) == []
    dump(source, tmp_path / "a.tar.gz", tables=["other"])
    with pytest.raises(ToolError, match="exists already"):
        dump(source, tmp_path / "a.tar.gz")
    with pytest.raises(ToolError, match="database nothing does not exist"):
        dump(source, tmp_path / "b.tar.gz", tables=["nothing"])
    with pytest.raises(ToolError, match=r"table shop\.no does not exist"):
        dump(source, tmp_path / "b.tar.gz", tables=["shop.no"])
    assert os.listdir(tmp_path) == ["a.tar.gz"]
    dump(source, tmp_path / "a.tar.gz", overwrite=True)


def test_verifying_notices_what_is_not_as_it_was_read(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rethinkdb.tools.archive import Member

    write = Member.write
    monkeypatch.setattr(Member, "write", lambda self, data: write(self, data.replace(b"xx", b"xy")))
    with pytest.raises(ToolError, match=r"does not hold shop\.many as it was read"):
        dump(source, tmp_path / "a.tar.gz", verify=True)
    assert os.listdir(tmp_path) == []


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def plain_cut(data: bytes) -> bytes:
    whole = gzip.decompress(data)
    return whole[: len(whole) // 1024 * 512]


def changed(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(64) + data[middle + 64 :]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, "ends too early"),
        (plain_cut, "ends too early|unexpected end"),
        (changed, "damaged|no tables|is no"),
        (lambda data: b"", "is no archive"),
        (lambda data: b"nonsense" * 1000, "is no archive"),
        (lambda data: gzip.compress(b"nonsense" * 1000), "is no archive"),
        (lambda data: data[:-4] + b"\0\0\0\0", "damaged"),
    ],
)
def test_damaged_archives(
    target: Any, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    files = {
        "test/t.info": info(),
        "test/t.json": json.dumps([{"id": os.urandom(9).hex()} for _ in range(9000)]).encode(),
    }
    path = archive_of(tmp_path / "a.tar.gz", files)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ToolError, match=said) as caught:
        restore(target, path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("files", "top", "said"),
    [
        ({"../../t.info": info(), "../../t.json": b"[]"}, "x/", "leads out of it"),
        ({"test/t.info": info()}, "/x/", "leads out of it"),
        ({"a/test/t.info": info(), "b/test/t.info": info()}, "", "two directories at its top"),
        ({"test/t.json": b"[]"}, "x/", r"has no test\.t\.info"),
        ({"test/t.info": b"{", "test/t.json": b"[]"}, "x/", "is not JSON"),
        ({"test/t.info": b"[]", "test/t.json": b"[]"}, "x/", "no primary_key"),
        ({"test/t.info": info(indexes=["a"]), "test/t.json": b"[]"}, "x/", "newer release"),
        ({"test/t.info": info(write_hook=1), "test/t.json": b"[]"}, "x/", "newer release"),
        ({"readme": b""}, "x/", "has no tables"),
    ],
)
def test_hostile_archives(
    target: Any, tmp_path: Path, files: dict[str, bytes], top: str, said: str
) -> None:
    path = archive_of(tmp_path / "a.tar.gz", files, top)
    with pytest.raises(ToolError, match=said):
        restore(target, path)
    assert contents(target) == {}


def test_links_and_other_files_are_left_alone(target: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as opened:
        link = tarfile.TarInfo("x/test/link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
        for name, data in {"test/t.info": info(), "test/t.json": b"[]", "test/t.txt": b""}.items():
            entry = tarfile.TarInfo(f"x/{name}")
            entry.size = len(data)
            opened.addfile(entry, io.BytesIO(data))
    assert restore(target, path)[:2] == (0, 1)


def test_bad_rows_say_where_they_are(target: Any, tmp_path: Path) -> None:
    rows = b'[\n{"id": 1},\n{"id": 2 "x"},\n{"id": 4},\n{"id": null},\n{"id": 5}\n]\n'
    path = archive_of(tmp_path / "a.tar.gz", {"test/t.info": info(), "test/t.json": rows})
    with pytest.raises(BadRowError) as caught:
        restore(target, path)
    assert caught.value.row.place == (f"{path}:rethinkdb_dump_x/test/t.json", 3, 13)
    bad: list[BadRow] = []
    result = restore(target, path, force=False, resume=True, on_bad_row=bad.append)
    assert [row.place[1:] for row in bad] == [(3, 13), (5, 39)]
    assert result.bad == 2
    assert [row.text for row in bad] == [b'{"id": 2 "x"}', b'{"id": null}']
    found = r.db("test").table("t").order_by("id").run(target)
    assert found == [{"id": 1}, {"id": 4}, {"id": 5}]


def test_keys_that_come_twice(target: Any, tmp_path: Path) -> None:
    rows = b'[\n{"id": 1},\n{"id": 2},\n{"id": 1, "again": true}\n]\n'
    path = archive_of(tmp_path / "a.tar.gz", {"test/t.info": info(), "test/t.json": rows})
    bad: list[BadRow] = []
    assert restore(target, path, on_bad_row=bad.append).rows == 2
    assert [row.place.line for row in bad] == [4]
    assert "Duplicate primary key" in bad[0].reason
    assert r.db("test").table("t").order_by("id").run(target) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("again", ["resume", "force"])
def test_write_hooks_do_not_change_rows(
    target: Any, tmp_path: Path, source: Any, again: str
) -> None:
    """A restore that is run again meets the write hook that the first one has set."""
    hook = r.db("shop").table("empty").get_write_hook()["function"].run(source, binary_format="raw")
    rows = b'[\n{"id": 1},\n{"id": 2}\n]\n'
    files = {"test/t.info": info(write_hook={"function": hook}), "test/t.json": rows}
    path = archive_of(tmp_path / "a.tar.gz", files)
    restore(target, path)
    table = r.db("test").table("t")
    table.get(2).delete().run(target)
    restore(target, path, verify=True, **{again: True})
    assert table.order_by("id").run(target) == [{"id": 1}, {"id": 2}]
    table.insert({"id": 3}).run(target)
    assert table.get(3).run(target) == {"id": 3, "hooked": True}


def test_a_pool_goes_on_when_the_server_comes_back(tmp_path: Path, archive: Path) -> None:
    """It is gone when the first rows have been written, and back a moment later."""
    from rethinkdb.loops.blocking import ConnectionPool
    from rethinkdb.tools.progress import Tally

    data = tmp_path / "data"
    server = Server(data=str(data)).start()
    port = server.port
    restarted: list[Server] = []

    class Watch(Tally):
        def add(self, table: str, rows: int, size: int = 0) -> None:
            super().add(table, rows, size)
            if not restarted:
                restarted.append(server)
                server.stop()
                restarted.append(Server(port=port, data=str(data)).start())

    with ConnectionPool(server.host, port) as pool:
        restore(pool, archive, tally=Watch(), clients=2)
        assert r.db("shop").table("many").count().run(pool) == len(MANY)
        restarted.pop(0)
        again = restarted.pop()
        server = again
        assert dump(pool, tmp_path / "again.tar.gz", tally=Watch(), verify=True).tables == 4
    restarted[-1].stop()


def test_verifying_a_restore(target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = b'[\n{"id": 1, "n": 1.0},\n{"n": 2, "id": 2},\n{"id": null},\n{"id": 3}\n]\n'
    path = archive_of(tmp_path / "a.tar.gz", {"test/t.info": info(), "test/t.json": rows})
    assert restore(target, path, verify=True, on_bad_row=lambda row: None)[0] == 3
    table = r.db("test").table("t")
    table.insert({"id": 4}).run(target)
    restore(target, path, resume=True, verify=True, on_bad_row=lambda row: None)
    table.get_all(3, 4).delete().run(target)
    with monkeypatch.context() as patched:
        patched.setattr("rethinkdb.tools.inserting.Inserter._run", lambda *_: {"errors": 0})
        with pytest.raises(ToolError, match="it has 2 rows, the file 4"):
            restore(target, path, resume=True, verify=True)
        table.insert([{"id": 3}, {"id": 5}]).run(target)
        with pytest.raises(ToolError, match="4 rows, the file 4, and some of them differ"):
            restore(target, path, resume=True, verify=True)


@pytest.mark.skipif(sys.platform == "win32", reason="devices")
def test_devices_and_links_stay_what_they_are(source: Any, tmp_path: Path) -> None:
    device, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(device)
    with open(os.open(device, os.O_RDWR), "rb"):
        dump(source, device, tables=["other"], overwrite=True)
        assert device.is_fifo()
    link.symlink_to(tmp_path / "real.tar.gz")
    dump(source, link, tables=["other"], overwrite=True)
    assert link.is_symlink()
    assert tarfile.is_tarfile(tmp_path / "real.tar.gz")
    assert len(os.listdir(tmp_path)) == 3
