"""The commands: options, exit statuses, what they print, and what Ctrl-C leaves."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.cli import main, scripts

from .conftest import MANY, contents


def place(conn: Any) -> list[str]:
    return ["-c", f"{conn.host}:{conn.port}"]


def test_dump_and_restore(
    source: Any, target: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "a.tar.gz")
    assert scripts.dump([*place(source), "-f", file, "-e", "shop", "--verify"]) == 0
    output = capsys.readouterr()
    assert "3005 rows exported from 3 tables, with 2 secondary indexes, and 1 hook function\n" in (
        output.out
    )
    assert output.out.rstrip().endswith(f"seconds): {file}")
    assert scripts.restore([*place(target), file, "-i", "shop.orders", "--progress", "json"]) == 0
    output = capsys.readouterr()
    assert "  5 rows imported to 1 table in " in output.out
    assert json.loads(output.err.splitlines()[-1])["rows"] == 5
    assert scripts.restore([*place(target), file, "-q", "--force", "--verify"]) == 0
    assert capsys.readouterr() == ("", "")
    assert contents(target)["shop.many"] == contents(source)["shop.many"]


def test_export_and_import(
    source: Any, target: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "e")
    assert main(["export", *place(source), "-d", folder, "--compress", "gz"]) == 0
    assert "3006 rows exported from 4 tables" in capsys.readouterr().out
    assert main(["import", *place(target), "-d", folder, "--clients", "2"]) == 0
    assert "3006 rows imported to 4 tables, with 2 secondary indexes" in capsys.readouterr().out
    assert contents(target) == contents(source)


@pytest.mark.parametrize(
    ("command", "words", "status", "said"),
    [
        ("dump", ["-c", "127.0.0.1:1"], 2, "Could not connect to 127.0.0.1:1"),
        ("dump", ["-c", "h:x"], 2, "--connect"),
        ("dump", ["--nonsense"], 2, "unrecognized arguments: --nonsense"),
        (
            "dump",
            ["--cliens", "2"],
            2,
            "unrecognized arguments: --cliens 2. Did you mean --clients?",
        ),
        ("dump", ["--port", "28015"], 2, "Did you mean --driver-port?"),
        ("import", ["-f", __file__, "--table", "orders"], 2, "orders names no table: write DB."),
        ("dump", ["--clients", "0"], 2, "0 is no number from 1 up"),
        ("dump", ["--url", "rethinkdb://h", "-c", "h"], 2, "--connect or --url, not both"),
        ("dump", ["-p", "--password-file", "x"], 2, "--password or --password-file"),
        ("dump", ["--password-file", "missing"], 2, "the password file missing cannot be read"),
        ("dump", ["--tls-cert", "missing"], 2, "missing"),
        ("restore", [], 2, "FILE"),
        ("restore", ["missing.tar.gz"], 2, "the archive missing.tar.gz does not exist"),
        ("restore", [__file__, "--temp-dir", "missing"], 2, "directory missing does not exist"),
        ("export", ["-d", "x", "-f", "y"], 2, "--directory or --file"),
        ("export", ["--format", "xml"], 2, "invalid choice"),
        ("import", [], 2, "give --directory, or --file with --table"),
        ("import", ["-d", "x", "--table", "a.b"], 2, "--table goes with --file"),
        ("import", ["-f", "x", "-i", "a"], 2, "--import goes with --directory"),
        ("import", ["-f", "x"], 2, "--file needs --table"),
        ("import", ["-f", "missing", "--table", "a.b"], 2, "the file missing does not exist"),
        ("import", ["-f", __file__, "--table", "a.b", "--delimiter", "xx"], 2, "delimiter 'xx'"),
        ("index-rebuild", ["-n", "x"], 2, "x is no number"),
    ],
)
def test_wrong_arguments(
    command: str,
    words: list[str],
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    script: Callable[[list[str]], int] = getattr(
        scripts, {"import": "import_"}.get(command, command.replace("-", "_"))
    )
    assert script(words) == status
    errors = capsys.readouterr().err
    assert errors.startswith(f"rethinkdb-{command}: ")
    assert said in errors
    assert errors.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_what_fails_has_the_exit_status_1(
    source: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "a.tar.gz")
    assert scripts.dump([*place(source), "-f", file, "-e", "no"]) == 1
    assert "rethinkdb-dump: the database no does not exist\n" in capsys.readouterr().err
    Path(file).write_bytes(b"nonsense")
    assert scripts.dump([*place(source), "-f", file]) == 2
    assert scripts.restore([*place(source), file]) == 1
    assert f"{file} is no archive" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dump", "-e", "orders"], "database orders does not exist. Did you mean shop.orders?"),
        (["dump", "-e", "shopp"], "database shopp does not exist. Did you mean shop?"),
        (["dump", "-e", "shop.order"], "table shop.order does not exist. Did you mean shop.order"),
        (["export", "-e", "test.many"], "table test.many does not exist. Did you mean shop.many?"),
        (["export", "-e", "zzz"], "database zzz does not exist\n"),
        (["dump", "-f", "no/a.tar.gz"], "no does not exist\n"),
        (["export", "-d", "no/a"], "no does not exist\n"),
        (["dump", "-f", ".", "--overwrite-file"], ". is a directory, and no file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_names_that_were_perhaps_meant(
    source: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*words, *place(source)]) in (1, 2)
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_bad_rows_go_to_a_file(
    target: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, bad = tmp_path / "rows.ndjson", tmp_path / "bad"
    rows.write_bytes(b'{"id": 1}\n{"id": 2, }\n{"id": 3}\n')
    words = [*place(target), "-f", str(rows), "--table", "test.t"]
    assert scripts.import_(words) == 1
    assert f"rethinkdb-import: {rows}, line 2, byte 10: it is no JSON" in capsys.readouterr().err
    assert scripts.import_([*words, "--force", "--skip-bad", str(bad)]) == 0
    output = capsys.readouterr()
    assert f"rethinkdb-import: left out: {rows}, line 2, byte 10:" in output.err
    assert f"1 bad row left out: see {bad}" in output.out
    assert bad.read_bytes() == b'{"id": 2, }\n'
    assert r.db("test").table("t").count().run(target) == 2
    assert scripts.import_([*words, "--force", "--skip-bad", str(bad)]) == 2


def test_indexes_are_rebuilt(target: Any, capsys: pytest.CaptureFixture[str]) -> None:
    r.db("test").table_create("t").run(target)
    table = r.db("test").table("t")
    for name, multi in (("a", False), ("b", True), ("$reql_temp_index$_old", False)):
        table.index_create(name, multi=multi).run(target)
    table.index_wait().run(target)
    assert scripts.index_rebuild([*place(target)]) == 0
    assert "Rebuilding 0 indexes" in capsys.readouterr().out
    assert scripts.index_rebuild([*place(target), "-r", "test", "--force", "-n", "2"]) == 0
    assert "Rebuilding 2 indexes: `test.t:a`, `test.t:b`" in capsys.readouterr().out
    status = table.index_status().run(target)
    assert [(index["index"], index["multi"]) for index in status] == [("a", False), ("b", True)]


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert scripts.dump(["--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("usage: rethinkdb-dump ")
    for option in ("--file", "--export", "--clients", "--tls-cert", "--password-file", "--quiet"):
        assert option in shown
    assert scripts.dump(["--version"]) == 0
    assert r._dump.main is scripts.dump


def command(name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "rethinkdb", name, *words]


def test_pipes(source: Any, target: Any) -> None:
    dump = command("dump", *place(source), "-f", "-", "-e", "shop.many")
    with subprocess.Popen(dump, stdout=subprocess.PIPE) as dumping:
        restored = subprocess.run(
            command("restore", *place(target), "-"),
            stdin=dumping.stdout,
            capture_output=True,
            text=True,
        )
    assert dumping.returncode == 0
    assert restored.returncode == 0, restored.stderr
    assert contents(target)["shop.many"][0] == sorted(MANY, key=str)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_leaves_nothing(tmp_path: Path, source: Any) -> None:
    # A directory of names, of which one is made when it has begun to write.
    code = (
        "import sys, time, rethinkdb.tools.dumping as d\n"
        "def stays(*_):\n print('here', flush=True)\n time.sleep(60)\n"
        "d.lined = stays\n"
        "from rethinkdb.cli.scripts import dump\n"
        "sys.exit(dump())"
    )
    words = [*place(source), "-f", str(tmp_path / "a.tar.gz")]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    while process.stdout.readline() != b"here\n":
        assert process.poll() is None
    assert len(os.listdir(tmp_path)) == 1
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors, os.listdir(tmp_path)) == (130, b"", [])


def test_the_repl(source: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("print(r.db('shop').table('many').count().run())\n")
    )
    assert scripts.repl(place(source)) == 0
    output = capsys.readouterr()
    assert str(len(MANY)) in output.out
    assert "is `conn`" in output.err


def test_a_full_disk(
    source: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    def full(self: Any, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rethinkdb.tools.archive.Member.write", full)
    file = tmp_path / "a.tar.gz"
    assert scripts.dump([*place(source), "-f", str(file), "-q"]) == 1
    assert capsys.readouterr().err == f"rethinkdb-dump: {file}: No space left on device\n"
    assert os.listdir(tmp_path) == []
