"""Archives in pieces: other programs must read them as one file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import sys
import tarfile
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import pytest

from rethinkdb.tools.archive import ArchiveWriter
from rethinkdb.tools.checksums import Checksum
from rethinkdb.tools.failures import ToolError
from rethinkdb.tools.layout import Selection, TableName, data_file, in_archive
from rethinkdb.tools.reading_archive import members


def test_a_checksum_of_pieces_is_that_of_the_whole() -> None:
    random_ = random.Random(1)
    for _ in range(50):
        pieces = [random_.randbytes(random_.randrange(300)) for _ in range(random_.randrange(6))]
        joined = Checksum.joined(map(Checksum.of, pieces))
        whole = b"".join(pieces)
        assert (joined.crc, joined.size) == (zlib.crc32(whole), len(whole))


@pytest.mark.parametrize("compression", ["gzip", None])
@pytest.mark.parametrize("mode", ["r:*", "r|*"])  # the official package streams
def test_tables_of_all_sizes(compression: str | None, mode: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("rethinkdb.tools.archive._MOST_IN_MEMORY", 20_000)
    random_ = random.Random(2)
    contents = {
        f"top/db/{'n' * 150 if size == 3 else 't'}{size}.json": random_.randbytes(size)
        for size in (0, 1, 3, 512, 513, 10_000, 70_000, 300_000)
    }
    file = io.BytesIO()
    archive = ArchiveWriter(file, compression)

    def write(name: str) -> None:
        with archive.member(name) as member:
            for at in range(0, len(contents[name]), 7_000):
                member.write(contents[name][at : at + 7_000])

    threads = [threading.Thread(target=write, args=(name,)) for name in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    archive.close()
    file.seek(0)
    with tarfile.open(fileobj=file, mode=mode) as opened:
        found = {info.name: opened.extractfile(info).read() for info in opened}  # type: ignore[union-attr]
    assert found == contents
    file.seek(0)
    assert len(list(members(file, "f"))) == len(contents)


def test_a_member_that_fails_gives_the_end_back() -> None:
    archive = ArchiveWriter(io.BytesIO(), None)

    def fail() -> None:
        with archive.member("a") as member:
            member.write(os.urandom(10_000_000))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    archive.close()


@pytest.mark.skipif(find_spec("zstandard") is None, reason="this Python has no library for it")
def test_zstandard(monkeypatch: Any) -> None:
    monkeypatch.setattr("rethinkdb.tools.archive._MOST_IN_MEMORY", 20_000)
    file = io.BytesIO()
    archive = ArchiveWriter(file, "zstd")
    contents = {f"top/db/t{size}.json": os.urandom(size) for size in (0, 70_000)}
    for name, data in contents.items():
        with archive.member(name) as member:
            for at in range(0, len(data), 7_000):
                member.write(data[at : at + 7_000])
    archive.close()
    file.seek(0)
    found = {member.name: member.read(member.size) for member in members(file, "f")}
    assert found == contents


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("top/db/t.json", ("db", "t", "json", None)),
        ("top/db/t.csv", ("db", "t", "csv", None)),
        ("top/db/t.info", ("db", "t", "info", None)),
        ("top/db/t.txt", None),
        ("top/db/t t.json", None),
        ("top/t.json", None),
        ("top/a/b/t.json", None),
    ],
)
def test_what_a_member_is(name: str, found: Any) -> None:
    file = in_archive(name)
    assert (file and (*file.table, file.format, file.compression)) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("t.ndjson.gz", ("ndjson", "gzip")),
        ("t.jsonl", ("ndjson", None)),
        ("t.JSON.ZST", ("json", "zstd")),
        ("t.info.gz", None),
        ("t.gz", None),
    ],
)
def test_what_a_file_is(name: str, found: Any) -> None:
    file = data_file("db", name)
    assert (file and (file.format, file.compression)) == found


def test_a_selection() -> None:
    assert Selection("b.c").tables == Selection(["b.c"]).tables  # not a table for each letter
    selection = Selection(["a", "b.c"])
    names = [TableName("a", "x"), TableName("b", "c"), TableName("b", "d")]
    assert [selection.has(name) for name in names] == [True, True, False]


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.fixture(params=["isal", "zlib"])
def gzip_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reads gzip."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal.igzip", None)


@pytest.fixture(params=[*COMPRESSIONS, "zstd"])
def compressed(request: pytest.FixtureRequest, gzip_library: None) -> bytes:
    """An archive of one table."""
    if request.param == "zstd":
        pytest.importorskip("zstandard")
    return _archive(random.Random(4), request.param)


def test_a_byte_that_has_changed_is_told(compressed: bytes) -> None:
    random_ = random.Random(5)
    for _ in range(100):
        at = random_.randrange(len(compressed))
        damaged = bytearray(compressed)
        damaged[at] ^= 1 << random_.randrange(8)
        with suppress(ToolError):
            # A byte of a header may say nothing of the data: a time, for example.
            assert _read(bytes(damaged)) == _read(compressed)


def test_an_archive_that_lacks_its_last_bytes_is_told(compressed: bytes) -> None:
    for missing in (*range(1, 40), 200):
        with pytest.raises(ToolError, match=r"ends too early|damaged"):
            _read(compressed[:-missing])


def _archive(random_: random.Random, compression: str) -> bytes:
    file = io.BytesIO()
    writer = ArchiveWriter(file, compression if compression == "zstd" else None)
    with writer.member("top/shop/sold.json") as member:
        member.write(random_.randbytes(5_000).hex().encode())
    writer.close()
    compress = COMPRESSIONS.get(compression)
    return compress(file.getvalue()) if compress else file.getvalue()


def _read(archive: bytes) -> list[tuple[str, bytes]]:
    return [
        (member.name, b"".join(iter(lambda: member.read(1 << 16), b"")))  # noqa: B023
        for member in members(io.BytesIO(archive), "shop.tar")
    ]
