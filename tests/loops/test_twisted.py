"""The Twisted driver, in processes of its own: a reactor runs once, and pytest-twisted's own one
runs from the first test to the last.

The cases are in `twisted_cases.py`. To run them by hand, name the plugin that the project's options
switch off, and switch off hypothesis's, which does not know the greenlets that tests run in:
`python -m pytest -n0 -p twisted -p no:hypothesispytest tests/loops/twisted_cases.py`.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("twisted")

ROOT = Path(__file__).resolve().parents[2]

PYTEST = ["-m", "pytest", "-n0", "-q", "-p", "twisted", "-p", "no:hypothesispytest"]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=55
    )


def test_twisted() -> None:
    pytest.importorskip("pytest_twisted")
    result = python(*PYTEST, "tests/loops/twisted_cases.py")
    assert result.returncode == 0, result.stdout + result.stderr


def run_script(script: str) -> subprocess.CompletedProcess[str]:
    """A program of a user's, with a server of its own on `port`."""
    pytest.importorskip("sortedcontainers", reason="the embedded server needs it")
    served = f"""
from rethinkdb.embedded import Server
with Server() as server:
    port = server.port
{textwrap.indent(script, "    ")}
"""
    return python("-X", "dev", "-W", "error", "-c", served)


def output_of(script: str) -> list[str]:
    """The lines that a script prints; it must print nothing else, unhandled errors for instance."""
    result = run_script(script)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout.splitlines()


CONNECT = """
import rethinkdb as r
from twisted.internet import defer, reactor
r.set_loop_type("twisted")
"""


def test_connecting_before_the_reactor_runs() -> None:
    """Its time limit counts from then on."""
    script = f"""{CONNECT}
import time
connection = r.connect(port=port, timeout=0.5)
time.sleep(0.6)  # a program that takes long to start
connection.addCallback(lambda conn: r.expr("answer").run(conn)).addCallback(print)
connection.addErrback(print).addBoth(lambda _: reactor.stop())
reactor.run()
"""
    assert output_of(script) == ["answer"]


def test_cancelling_before_the_reactor_runs() -> None:
    script = f"""{CONNECT}
connection = r.connect(port=port)
connection.addErrback(lambda failure: print(failure.type.__name__))
connection.cancel()
reactor.callLater(0.1, reactor.stop)
reactor.run()
"""
    assert output_of(script) == ["CancelledError"]


def test_starting_the_reactor() -> None:
    """connect() returns when something else has stopped it; what it returns is connected then."""
    script = f"""{CONNECT}
from twisted.internet.task import LoopingCall
def stop_when_connected():
    if server.store and len(seen) < 3:
        seen.append(1)
    else:
        reactor.stop()
seen = []
reactor.callWhenRunning(LoopingCall(stop_when_connected).start, 0.2)
connection = r.connect(port=port, start_reactor=True, reactor=reactor)
connection.addCallbacks(lambda conn: print(type(conn).__module__), print)
"""
    assert output_of(script) == ["rethinkdb.loops.twisted"]


def test_starting_the_reactor_in_vain() -> None:
    """Nobody could stop it but connect() itself."""
    script = f"""{CONNECT}
connection = r.connect(port=port, password="wrong", start_reactor=True)
connection.addErrback(lambda failure: print(failure.value))
"""
    (line,) = output_of(script)
    assert "Wrong password" in line


def test_loading_it_installs_no_reactor() -> None:
    script = """
import sys
import textwrap
from rethinkdb import loops
loops.load("twisted")
print("twisted.internet.reactor" in sys.modules)
"""
    assert output_of(script) == ["False"]


def test_the_reactor_stops_while_a_pool_dials() -> None:
    script = """
from rethinkdb import r
from twisted.internet import defer
from twisted.internet.task import react
r.set_loop_type("twisted")
pool = r.ConnectionPool("127.0.0.1", port)
async def main():
    await r.expr(1).run(pool)
    pool._stopping()  # as the reactor does
    pool._spawn(pool._sleep, 0.0)  # the pool begins something while it closes
    assert pool._at_stop is None
    print("stopped")
react(lambda reactor: defer.Deferred.fromCoroutine(main()))
"""
    assert output_of(script) == ["stopped"]


def test_the_asyncio_reactor() -> None:
    script = f"""
from twisted.internet import asyncioreactor
asyncioreactor.install()
{CONNECT}
async def main():
    conn = await r.connect(port=port)
    print(await r.range(3).run(conn).addCallback(lambda cursor: cursor.to_list()))
    await conn.close()
from twisted.internet.task import react
try:
    react(lambda reactor: defer.Deferred.fromCoroutine(main()))
except SystemExit as exc:
    assert not exc.code
"""
    assert output_of(script) == ["[0, 1, 2]"]


# The documentation's examples, as they are written.

SHARED = Path(os.environ.get("RETHINKDB_SHARED") or ROOT.parent / "shared")


def examples() -> list[str]:
    """The blocks of code in the chapter on Twisted, and what they print, for Python 3."""
    pages = sorted((SHARED / "seeds").glob("003*.txt"))
    if not pages:
        pytest.skip("the documentation is not here")
    chapter = pages[0].read_text().partition("## Twisted\n")[2]
    return [block.replace("u'", "'") for block in re.findall(r"```py\n(.*?)```", chapter, re.S)]


def example(start: str) -> tuple[str, list[str]]:
    """The code of the block that defines something, and its output."""
    (block,) = (block for block in examples() if f"def {start}(" in block)
    code, _, output = re.split(r"(# Output:?|Unhandled error in Deferred:)\n", block, maxsplit=1)
    return code, [line for line in output.splitlines() if line]


def program(code: str, main: str) -> str:
    """An example with the imports that the chapter begins with, run in the reactor."""
    start = examples()[0].replace("28015", "$PORT$")
    start, _, connect = start.partition("connection = ")
    return f"""
{start}
connection = {connect.replace("$PORT$", "port")}
{code}
@inlineCallbacks
def setup_and_run():
    conn = yield r.connect(port=port)
    yield r.table_create("test").run(conn)
    yield main(conn)
@inlineCallbacks
def main(conn):
{textwrap.indent(main, "    ")}
def stop(result):
    reactor.stop()
    return result
def ended(result):
    connection.addBoth(stop)  # also where the example has no use for it: it must not be cut off
    return result
setup_and_run().addBoth(ended)
reactor.run()
import gc
gc.collect()
"""


def test_example_of_simple_use() -> None:
    code, output = example("single_row")
    assert output_of(program(code, "yield single_row(connection)")) == output


def test_example_of_a_cursor() -> None:
    code, output = example("use_cursor")
    assert output_of(program(code, "yield use_cursor(conn)")) == output


def test_example_of_a_caught_error() -> None:
    code, output = example("catch_bad_table")
    assert output_of(program(code, "yield catch_bad_table(conn)")) == output


def test_example_of_an_uncaught_error() -> None:
    code, output = example("bad_table")
    printed = run_script(program(code, "yield bad_table(conn)")).stderr
    assert "Unhandled error in Deferred" in printed
    for line in output:
        assert line.removeprefix("Failure: ").strip() in printed


def test_example_of_changefeeds() -> None:
    (block,) = (block for block in examples() if "def notice_changes(" in block)
    code, _, output = block.partition("# Output\n")
    code, call, _ = code.partition("yield notice_changes(conn, 'a', 'b')")
    printed = by_table(output_of(program(code, call)))
    expected = by_table(output.splitlines())
    assert printed.keys() == expected.keys()
    for table, changes in printed.items():
        # The example closes the feeds when the last write is answered; its change may come later.
        assert changes in (expected[table], expected[table][:-1])


def by_table(lines: list[str]) -> dict[str, list[Any]]:
    """What was seen on each table, in order."""
    seen: dict[str, list[Any]] = {}
    for line in lines:
        if match := re.fullmatch(r"Seen on table (\w+): (.*)", line):
            seen.setdefault(match[1], []).append(ast.literal_eval(match[2]))
    return seen
