"""The programs for people, in a pseudo-terminal."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from rethinkdb import r

from .test_commands import place

pty = pytest.importorskip("pty", reason="no pseudo-terminals")

PATIENCE = 30
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """A program in a pseudo-terminal.

    Attributes:
        text: what it has shown, without control sequences.
    """

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        # Not `select.select`, which refuses descriptors above 1023: other tests may have many.
        self._readable = select.poll()
        self._readable.register(descriptor, select.POLLIN)
        self.process = process
        self._raw = b""
        self._from = 0

    @property
    def text(self) -> str:
        return _CONTROL.sub("", self._raw.decode(errors="replace"))

    def type(self, keys: str) -> None:
        self._from = len(self.text)
        os.write(self._descriptor, keys.encode())

    def until(self, *texts: str) -> None:
        """Reads until these have come, one after the other, after what was typed last."""
        until = monotonic() + PATIENCE
        wanted = re.compile(".*?".join(map(re.escape, texts)), re.DOTALL)
        while not wanted.search(self.text, self._from):
            assert monotonic() < until, self.text
            assert self._read(1) or self.process.poll() is None, self.text

    def end(self) -> int:
        until = monotonic() + PATIENCE
        while self.process.poll() is None:
            assert monotonic() < until, self.text
            self._read(0.02)
        while self._read(0):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        if not self._readable.poll(1000 * seconds):
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # so Linux says that the other side is closed
            return False
        if b"\x1b[6n" in data:  # where is the cursor?
            os.write(self._descriptor, b"\x1b[1;1R")
        self._raw += data
        return bool(data)


@contextmanager
def terminal(tmp_path: Path, *words: str, columns: int = 80) -> Iterator[Terminal]:
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "rethinkdb", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, "TERM": "xterm", "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": "."},
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_the_shell(source: Any, tmp_path: Path) -> None:
    with terminal(tmp_path, "shell", *place(source), "--db", "shop") as shell:
        shell.until("reql>")
        shell.type('r.table("many").cou\t')
        shell.until("nt")
        shell.type("()\r")
        # Only when the prompt is there again: what is typed before that may be lost.
        shell.until("3000\n", "reql>")
        shell.type('r.table("many").order_by(index="id")["id"]\r')
        shell.until("-- 20 rows; Enter shows more, q ends --")
        shell.type("q\r")
        shell.until("20 rows\n", "reql>")
        shell.type('r.table("many").changes()\r')
        shell.until("A changefeed: Ctrl-C ends it.")
        shell.type("\x03")
        shell.until("reql>")
        shell.type("1 + 1\r")
        shell.until("2\n", "reql>")
        shell.type("\x04")
        assert shell.end() == 0
    assert "1 + 1" in (tmp_path / "reql" / "history").read_text()


@pytest.mark.parametrize("columns", [80, 200])
def test_top(source: Any, tmp_path: Path, columns: int) -> None:
    words = ("top", *place(source), "--interval", "0.2")
    with terminal(tmp_path, *words, columns=columns) as top:
        top.until("q: leave")
        top.type("k")
        top.until("number of the query to end:")
        top.type("9")
        top.until("there is no query 9")
        top.type("q")
        assert top.end() == 0
        lines = top.text.splitlines()
    assert max(map(len, lines)) <= columns


def test_bars(source: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "a.tar.gz")
    with terminal(tmp_path, "dump", *place(source), "-f", file) as dump:
        assert dump.end() == 0
        assert "3006 rows exported from 4 tables" in dump.text


def test_an_interrupted_watch_is_quiet(source: Any, tmp_path: Path) -> None:
    with terminal(tmp_path, "watch", *place(source), "other.places", "--initial") as watch:
        watch.until('"coordinates":[1,2]')
        watch.type("\x03")
        assert watch.end() == 130
        assert "Traceback" not in watch.text
    assert r.db("other").table("places").count().run(source) == 1
