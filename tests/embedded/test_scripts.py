"""Scripts of `r.js` that run wild: each ends with an error, and nothing else does."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.embedded.outside.engines import ENGINES
from rethinkdb.errors import ReqlInternalError, ReqlQueryLogicError

from .support import PATIENCE, Failure, RawClient, embedded_only, outcome

pytestmark = [
    embedded_only,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets and signals of POSIX systems"),
]

START, STOP, RUNTIME_ERROR = 1, [3], 18
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def raw(raw_on_one_server: RawClient) -> RawClient:
    return raw_on_one_server


def connect(server: Server) -> Any:
    return r.connect(host=server.host, port=server.port)


PATHOLOGICAL = {
    "recursion": ("(function f() { return f() + 1; })()", "Maximum call stack size exceeded"),
    "getter": ("var x = {get y() { return this.y; }}; x.y", "Maximum call stack size exceeded"),
    "memory in one": ("'x'.repeat(1 << 29)", "out of memory"),
    "memory in many": ("var a = []; while (1) a.push('x'.repeat(1000) + a.length)", ""),
    "endless": ("while (true) {}", "timed out"),
    "endless in a getter": ("({get x() { while (true) {} }})", "timed out"),
    "endless in an expression": ("/(a+)+$/.test('a'.repeat(50) + 'b')", "timed out"),
    "endless sort": (
        "[...Array(100).keys()].sort(function() { while (true) {} })",
        "timed out",
    ),
    "deep JSON": ("JSON.parse('['.repeat(1e6))", ""),
    "deep text": ("var a = []; for (var i = 0; i < 1e5; i++) a = [a]; String(a)", ""),
    "deep source": ("(".repeat(100_000) if False else "(" * 100_000, ""),
    "deep value": ("var a = []; for (var i = 0; i < 1e5; i++) a = [a]; a", "Recursion limit"),
    "freed deep value": ("var a = []; for (var i = 0; i < 1e6; i++) a = [a]; a = 0; x", ""),
    "large number": ("(2n ** (2n ** 30n)).toString()", ""),
    "large array": ("new Array(4e9).fill(1)", ""),
    "broken tools": (
        "JSON.stringify = JSON.parse = Array.from = Object.keys = null; [1, {a: x}]",
        "ReferenceError",
    ),
    "broken text": ("throw {toString() { throw 1; }}", ""),
    "no text": ("throw Object.create(null)", ""),
}


@pytest.mark.parametrize(("source", "message"), PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_scripts_that_run_wild_end_with_an_error(
    one_server: Server, source: str, message: str
) -> None:
    with connect(one_server) as conn:
        failure = outcome(conn, r.js(source, timeout=0.5))
        assert isinstance(failure, Failure), failure
        assert failure.kind in (ReqlQueryLogicError, ReqlInternalError)
        assert message in failure.message
        assert r.js("1 + 1").run(conn) == 2


def test_scripts_may_change_their_language(one_server: Server) -> None:
    with connect(one_server) as conn:
        source = "JSON.stringify = Array.prototype.map = Object.keys = null; [1, {a: [2]}]"
        assert r.js(source).run(conn) == [1, {"a": [2]}]
        function = r.js("(function(x) { JSON.parse = JSON.stringify = null; return [x]; })")
        assert r.expr([1, {"a": 2}]).map(function).run(conn) == [[1], [{"a": 2}]]


def test_half_characters_of_a_script(one_server: Server) -> None:
    with connect(one_server) as conn:
        assert r.js(r"'a\ud800b'").run(conn) == "a\ufffdb"


@pytest.mark.parametrize("timeout", [0, -1, 1e6, 1e300])
def test_any_timeout_of_a_script(one_server: Server, timeout: float) -> None:
    with connect(one_server) as conn:
        assert r.js("1", timeout=timeout).run(conn) == 1


@needs_proc
def test_a_crash_of_the_engine_ends_one_query(one_server: Server) -> None:
    with connect(one_server) as conn, RawClient(one_server.host, one_server.port) as raw:
        raw.send(1, [START, r.js("while (true) {}", timeout=1e6).build(), {}])
        while not select.select([raw.socket], [], [], 0.05)[0]:
            for process in engines():
                os.kill(process, signal.SIGSEGV)
        token, reply = raw.receive()
        assert (token, reply["t"]) == (1, RUNTIME_ERROR)
        assert reply["r"][0].startswith("The JavaScript engine has crashed in")
        assert r.js("1 + 1").run(conn) == 2


def engines() -> list[int]:
    """The processes for scripts that this one has started."""
    return engines_of(os.getpid())


def engines_of(program: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        # Any process may end at any time.
        with contextlib.suppress(OSError):
            if b"engine_process" in (folder / "cmdline").read_bytes():
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                found += [int(folder.name)] if int(parent) == program else []
    return found


@needs_proc
def test_no_engine_outlives_the_server() -> None:
    server = Server().start()
    with RawClient(server.host, server.port) as raw:
        assert raw.run(1, r.js("1").build())["r"] == [1]
        raw.send(2, [START, r.js("while (true) {}", timeout=1e6).build(), {}])
        assert raw.run(3, 5)["r"] == [5]
        server.stop()
    assert engines() == []


WITH_AN_ENGINE = """
import sys
from rethinkdb import r
from rethinkdb.embedded import Server
server = Server().start()
conn = r.connect(host=server.host, port=server.port)
r.js("1").run(conn)
print("ready", flush=True)
sys.stdin.read()
"""


@needs_proc
def test_an_engine_ends_with_a_program_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WITH_AN_ENGINE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (engine,) = engines_of(process.pid)
        process.kill()
        process.wait()
        deadline = time.monotonic() + PATIENCE
        while is_running(engine) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_running(engine)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@needs_proc
def test_too_many_scripts_at_once(raw: RawClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINES, "_most", 2)
    monkeypatch.setattr(ENGINES, "_patience", 0.05)
    for token in range(2):
        raw.send(token, [START, r.js(f"while (true) {{}} // {token}", timeout=1e6).build(), {}])
        while len(engines()) <= token:
            assert raw.run(9, 5)["r"] == [5]
    refused = raw.run(2, r.js("1").build())
    assert (refused["t"], refused["e"]) == (RUNTIME_ERROR, 2_000_000)
    assert refused["r"][0].startswith("All 2 JavaScript engines are busy")
