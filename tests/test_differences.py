"""What the documentation says about programs written for the official package holds.

Each row of the two tables has a check here, under the text of its first cell.
"""

from __future__ import annotations

import asyncio
import math
import pickle
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import trustme

import rethinkdb
from rethinkdb import RethinkDB, errors, loops, r
from rethinkdb.cli import COMMANDS
from rethinkdb.embedded import Server

from .tables import DOCS, rows_of

LOOPS = ("asyncio", "tornado", "twisted", "trio", "gevent")
PATIENCE = 60

Check = Callable[["World"], None]


class World:
    """What checks need.

    Attributes:
        server: an embedded server.
        conn: a blocking connection to it.
        directory: for files.
    """

    def __init__(self, server: Server, conn: Any, directory: Path) -> None:
        self.server = server
        self.conn = conn
        self.directory = directory

    def connect(self, *args: Any, **options: Any) -> Any:
        """A blocking connection to the server."""
        return r.connect(*args, **{"host": self.server.host, "port": self.server.port, **options})

    def on(self, loop: str, program: str, server: Server | None = None, **names: Any) -> None:
        """Runs a program on a loop, in a process of its own, where `conn` is a connection.

        The program is the body of a coroutine; on gevent its awaits are left out. It may assert.
        """
        lines = program.strip().splitlines()
        if loop == "gevent":
            lines = [line.replace("await ", "") for line in lines]
        body = "\n    ".join(lines)
        source = RUNNERS[loop].format(body=body)
        port = (server or self.server).port
        head = f"from rethinkdb import r\nr.set_loop_type({loop!r})\nport = {port}\n"
        head += "".join(f"{name} = {value!r}\n" for name, value in names.items())
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", head + source],
            cwd=DOCS.parent,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr


RUNNERS = {
    "asyncio": """
import asyncio
options = {{}}
async def main():
    {body}
asyncio.run(main())
""",
    "tornado": """
from tornado.ioloop import IOLoop
options = {{}}
async def main():
    {body}
IOLoop.current().run_sync(main)
""",
    "twisted": """
from twisted.internet import defer, task
options = {{}}
async def main():
    {body}
try:
    task.react(lambda reactor: defer.ensureDeferred(main()))
except SystemExit as end:
    if end.code: raise
""",
    "trio": """
import trio
async def main():
  async with trio.open_nursery() as nursery:
    options = {{"nursery": nursery}}
    {body}
trio.run(main)
""",
    "gevent": """
import gevent
options = {{}}
def main():
    {body}
main()
""",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.fixture
def world(server: Server, tmp_path: Path) -> Iterator[World]:
    with r.connect(host=server.host, port=server.port) as conn:
        yield World(server, conn, tmp_path)


CHECKS: dict[str, Check] = {}


def shows(row: str) -> Callable[[Check], Check]:
    """Makes a function the check of a row."""

    def register(check: Check) -> Check:
        CHECKS[row] = check
        return check

    return register


def refuses(kind: type[BaseException], text: str | None = None) -> Any:
    """That the block raises this."""
    return pytest.raises(kind, match=text)


# --- names ---------------------------------------------------------------------------------------


@shows("`import rethinkdb as r`")
def _(world: World) -> None:
    assert rethinkdb.table("t").build() == r.table("t").build() == RethinkDB().table("t").build()


@shows("`from rethinkdb import *`")
def _(world: World) -> None:
    names: dict[str, Any] = {}
    exec("from rethinkdb import *", names)
    assert names["r"] is r
    assert names["RethinkDB"] is RethinkDB
    assert names["ReqlTimeoutError"] is errors.ReqlTimeoutError


@shows("a misspelt loop type")
def _(world: World) -> None:
    with refuses(ValueError, "asyncio, tornado|blocking"):
        RethinkDB().set_loop_type("asincio")
    assert issubclass(errors.ReqlLoopTypeError, ValueError)


# --- connections ---------------------------------------------------------------------------------


@shows("cancelling a query on asyncio")
def _(world: World) -> None:
    async def main() -> None:
        connection: Any = loops.load("asyncio").make(world.server.host, world.server.port)
        async with connection as conn:
            feed = await r.db("rethinkdb").table("users").changes().run(conn)
            with refuses(asyncio.TimeoutError):
                await asyncio.wait_for(feed.next(), 0.01)
            task = asyncio.create_task(r.range(10**9).count().run(conn))
            await asyncio.sleep(0)
            task.cancel()
            with refuses(asyncio.CancelledError):
                await task
            assert await r.expr(1).run(conn) == 1

    asyncio.run(main())


ENDED_LINK = """
conn = await r.connect("localhost", port, **options)
await r.table_create("t").run(conn)
feed = await r.table("t").changes().run(conn)
print("ready", flush=True)
try:
    await feed.next()
except r.ReqlRuntimeError as error:
    assert error.message == "Connection is closed.", error
    assert error.__cause__ is not None
else:
    raise AssertionError("not lost")
try:
    await r.expr(1).run(conn)
except r.ReqlDriverError as error:
    assert error.__cause__ is not None
await conn.close()
"""


def lose_link(loop: str) -> None:
    """Stops the server under a program of the loop that waits for an answer."""
    body = ENDED_LINK if loop != "gevent" else ENDED_LINK.replace("await ", "")
    source = RUNNERS[loop].format(body="\n    ".join(body.strip().splitlines()))
    with Server() as server:
        head = f"from rethinkdb import r\nr.set_loop_type({loop!r})\nport = {server.port}\n"
        with subprocess.Popen(
            [sys.executable, "-c", head + source],
            cwd=DOCS.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
            server.stop()
            _, wrong = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, wrong


@shows("`close()` after the server has gone")
def _(world: World) -> None:
    for loop in ("asyncio", "tornado", "gevent"):
        lose_link(loop)
    with Server() as server:
        conn = r.connect(host=server.host, port=server.port)
    conn.close()
    conn.close()


@shows("a query pending when the link is lost")
def _(world: World) -> None:
    for loop in ("twisted", "trio"):
        lose_link(loop)


@shows("`timeout` of `connect` on asyncio")
def _(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        connection: Any = loops.load("asyncio")

        async def main() -> None:
            await connection.make("127.0.0.1", mute.getsockname()[1], timeout=0.05)

        with refuses(r.ReqlTimeoutError, "Could not connect to 127.0.0.1"):
            asyncio.run(main())


def tls_server(world: World) -> tuple[Server, str]:
    """A server with TLS, not started yet, and the file of the authority that vouches for it."""
    authority = trustme.CA()
    ca_certs, certificate = world.directory / "ca.pem", world.directory / "server.pem"
    authority.cert_pem.write_to_path(str(ca_certs))
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    return Server("localhost", certfile=certificate), str(ca_certs)


TLS = """
conn = await r.connect("localhost", port, ssl={"ca_certs": ca_certs}, **options)
assert await r.expr(1).run(conn) == 1
await conn.close()
"""


@shows("`ssl=` on Twisted")
def _(world: World) -> None:
    server, ca_certs = tls_server(world)
    with server:
        world.on("twisted", TLS, server, ca_certs=ca_certs)


@shows("`ssl=` on gevent")
def _(world: World) -> None:
    server, ca_certs = tls_server(world)
    with server:
        world.on("gevent", TLS, server, ca_certs=ca_certs)


@shows("`ssl=` takes")
def _(world: World) -> None:
    import ssl

    server, ca_certs = tls_server(world)
    with server:
        for given in ({"ca_certs": ca_certs}, ssl.create_default_context(cafile=ca_certs)):
            with r.connect("localhost", server.port, ssl=given) as conn:
                assert conn.ssl == given
        with refuses(r.ReqlDriverError, "certificate was refused"):
            r.connect("localhost", server.port, ssl=True)
        with refuses(r.ReqlDriverError, "unknown key 'keyfile'"):
            r.connect("localhost", server.port, ssl={"ca_certs": ca_certs, "keyfile": "k"})


@shows("`url=`")
def _(world: World) -> None:
    host, port = world.server.host, world.server.port
    with r.connect(url=f"rethinkdb://{host}:{port}/my%2Ddb", user="admin") as conn:
        assert conn.db == "my-db"
    with refuses(r.ReqlDriverError, "contradict"):
        r.connect(url=f"rethinkdb://{host}:{port}", port=port + 1)
    with refuses(r.ReqlDriverError, "must begin with"):
        r.connect(url=f"http://{host}:{port}")


@shows("users and passwords")
def _(world: World) -> None:
    with Server(users={"Łukasz": "пароль"}) as server:
        r.connect(server.host, server.port, user="Łukasz", password="пароль").close()


@shows("an HTTP server on that port")
def _(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as http:

        def answer() -> None:
            client, _ = http.accept()
            with client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with ThreadPoolExecutor(1) as threads:
            threads.submit(answer)
            with refuses(r.ReqlDriverError, "HTTP/1.1 400 Bad Request"):
                r.connect("127.0.0.1", http.getsockname()[1])


@shows("one connection, many threads")
def _(world: World) -> None:
    feed = r.db("rethinkdb").table("users").changes().run(world.conn)
    waiting = threading.Thread(target=lambda: list(feed))
    waiting.start()
    with ThreadPoolExecutor(8) as threads:
        results = threads.map(lambda n: r.expr(n).run(world.conn), range(50))
        assert list(results) == list(range(50))
    feed.close()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


@shows("`conn.server()` on gevent")
def _(world: World) -> None:
    world.on(
        "gevent",
        """
conn = r.connect("localhost", port)
assert conn.server()["proxy"] is False
conn.close()
""",
    )


@shows("`conn.reconnect()` on trio")
def _(world: World) -> None:
    world.on(
        "trio",
        """
conn = await r.connect("localhost", port, **options)
assert await conn.reconnect() is conn
assert await r.expr(1).run(conn) == 1
await conn.close()
""",
    )


@shows("`fetch_next()` at the end, on trio")
def _(world: World) -> None:
    world.on(
        "trio",
        """
conn = await r.connect("localhost", port, **options)
cursor = await r.range(1).run(conn)
assert await cursor.fetch_next() is True
await cursor.next()
assert await cursor.fetch_next() is False
await conn.close()
""",
    )


@shows("`r.ConnectionPool` of trio")
def _(world: World) -> None:
    world.on(
        "trio",
        """
pool = r.ConnectionPool("localhost", port, maxsize=1, **options)
conn = await pool.acquire()
with trio.move_on_after(0.01) as scope:
    await pool.acquire()
assert scope.cancelled_caught
await pool.close()
try:
    await pool.acquire()
except r.ReqlDriverError:
    pass
""",
    )


@shows("an unknown option of `connect`")
def _(world: World) -> None:
    with refuses(TypeError, "Did you mean `password`") as caught:
        world.connect(pasword="x")
    assert isinstance(caught.value, r.ReqlDriverError)


# --- cursors and results -------------------------------------------------------------------------


@shows("the text of a cursor's time-out")
def _(world: World) -> None:
    feed = r.db("rethinkdb").table("users").changes().run(world.conn)
    with refuses(r.ReqlTimeoutError, "^Operation timed out.$"):
        feed.next(wait=0.01)


@shows("`next(wait=None)`")
def _(world: World) -> None:
    assert r.range(1).run(world.conn).next(wait=None) == 0


@shows("`fetch_next`, `to_list` of a blocking cursor")
def _(world: World) -> None:
    cursor = r.range(3).run(world.conn)
    assert cursor.fetch_next() is True
    assert cursor.to_list() == [0, 1, 2]


@shows("a date beyond the year 9999 in a result")
def _(world: World) -> None:
    async def main() -> None:
        connection: Any = loops.load("asyncio").make(world.server.host, world.server.port)
        async with connection as conn:
            with refuses(ValueError):
                await r.epoch_time(300_000_000_000).run(conn)
            assert await r.expr(1).run(conn) == 1

    asyncio.run(main())


@shows("time zones of results")
def _(world: World) -> None:
    first, second = (r.now().in_timezone("+02:00").run(world.conn).tzinfo for _ in range(2))
    assert first == second
    assert "+02:00" in repr(first)


@shows("pickling `ReqlCursorEmpty`")
def _(world: World) -> None:
    assert str(pickle.loads(pickle.dumps(errors.ReqlCursorEmpty()))) == "Cursor is empty."


# --- queries -------------------------------------------------------------------------------------


@shows("`r.group`, `r.min`, `r.max`, `r.distinct`, `r.union` with options")
def _(world: World) -> None:
    table = r.table("t")
    assert r.group(table, index="a").build() == table.group(index="a").build()
    assert r.min(table, index="a").build() == table.min(index="a").build()
    assert r.max(table, index="a").build() == table.max(index="a").build()
    assert r.distinct(table, index="a").build() == table.distinct(index="a").build()
    assert r.union(table, interleave="a").build()[2] == {"interleave": "a"}


@shows("run option `db=`")
def _(world: World) -> None:
    for db in ("rethinkdb", r.db("rethinkdb")):
        assert r.table("users").count().run(world.conn, db=db) > 0
    with refuses(r.ReqlOpFailedError, r"`test\.users`"):
        r.table("users").run(world.conn, db=None)


@shows("`q[1:0]`")
def _(world: World) -> None:
    assert r.expr([1, 2, 3])[1:0].run(world.conn) == []


@shows("`q[::2]`")
def _(world: World) -> None:
    with refuses(r.ReqlDriverCompileError, "no step"):
        r.expr([1, 2, 3])[::2]


@shows('`r.make_timezone("-03:30")`')
def _(world: World) -> None:
    offset = r.make_timezone("-03:30").utcoffset(None)
    assert offset is not None
    assert offset.total_seconds() == -3.5 * 3600


@shows("`bytearray` and `memoryview`")
def _(world: World) -> None:
    for data in (bytearray(b"ab"), memoryview(b"ab")):
        assert r.expr(data).run(world.conn) == b"ab"


class Doubler:
    """Has a method, and can be called."""

    def double(self, value: Any) -> Any:
        return value * 2

    __call__ = double


@shows("bound methods and other callables")
def _(world: World) -> None:
    for function in (Doubler().double, Doubler()):
        assert r.expr([1]).map(function).run(world.conn) == [2]


@shows("`Decimal`, `UUID`, `nan` in a query")
def _(world: World) -> None:
    for value, kind in ((Decimal(1), TypeError), (uuid.uuid4(), TypeError), (math.nan, ValueError)):
        # Other tests of this process may have allowed foreign values, for encoders of their own.
        code = "import math, uuid, decimal\nfrom rethinkdb import r\n"
        code += f"try:\n    r.expr({literal(value)})\n"
        code += (
            f"except {kind.__name__} as e:\n    assert isinstance(e, r.ReqlDriverCompileError)\n"
        )
        code += "else:\n    raise AssertionError('built')\n"
        words = [sys.executable, "-c", code]
        subprocess.run(words, cwd=DOCS.parent, check=True, timeout=PATIENCE)


def literal(value: Any) -> str:
    """Code for a value."""
    return {Decimal: "decimal.Decimal(1)", uuid.UUID: "uuid.uuid4()"}.get(type(value), "math.nan")


@shows("`r.row` in a query inside a `lambda`")
def _(world: World) -> None:
    query = r.do(10, 20, lambda a, b: r.expr([1, 2]).map(r.row + a))
    assert query.run(world.conn) == [11, 12]


@shows("a `^` in a printed query")
def _(world: World) -> None:
    with refuses(r.ReqlQueryLogicError) as caught:
        (r.expr("^^^") + 1).run(world.conn)
    text, carets = str(caught.value).splitlines()[-2:]
    assert "^^^" in text
    assert carets.strip() == "^" * len(carets.strip())
    assert len(carets.strip()) < len(text) or carets.strip() == "^" * len(text)


# --- the same on purpose -------------------------------------------------------------------------


@shows("`&`, `|`, `~`")
def _(world: World) -> None:
    query = (r.expr(True) & False) | ~r.expr(False)
    assert query.run(world.conn) is True


@shows("`a < b | b < c`")
def _(world: World) -> None:
    with refuses(r.ReqlDriverCompileError, "precedence"):
        r.expr(1) < r.expr(2) | r.expr(2) < 3  # noqa: B015  # it raises


@shows("looping over a query that was not run")
def _(world: World) -> None:
    with refuses(r.ReqlDriverError, "call run first"):
        list(r.range(3))


@shows("write errors")
def _(world: World) -> None:
    r.table_create("twice").run(world.conn)
    result = r.table("twice").insert([{"id": 1}, {"id": 1}]).run(world.conn)
    assert result["errors"] == 1
    assert "Duplicate" in result["first_error"]


@shows("`ReqlCursorEmpty`")
def _(world: World) -> None:
    assert not issubclass(errors.ReqlCursorEmpty, errors.ReqlError)


@shows('`None`, 0 and `""` as an argument of `connect`')
def _(world: World) -> None:
    with world.connect(user="", password="", db="", timeout=0) as conn:
        assert (conn.db, conn.connect_timeout) == (None, 20)


@shows("leaving `with conn`")
def _(world: World) -> None:
    from rethinkdb.loops.blocking import Connection

    closed: list[bool] = []

    class Watched(Connection):
        def close(self, noreply_wait: bool = True) -> None:
            closed.append(noreply_wait)
            super().close(noreply_wait)

    with Watched.make(world.server.host, world.server.port):
        pass
    Watched.make(world.server.host, world.server.port).close()
    assert closed == [False, True]


@shows("`order_by` without an index")
def _(world: World) -> None:
    assert r.db("rethinkdb").table("users").order_by("id")["id"].run(world.conn) == ["admin"]


@shows("a `datetime` without time zone")
def _(world: World) -> None:
    with refuses(r.ReqlDriverCompileError, "timezone"):
        r.expr(datetime(2024, 5, 6))


@shows("run options")
def _(world: World) -> None:
    r.table_create("options").run(world.conn)
    insert = r.table("options").insert({"id": 1})
    assert insert.run(world.conn, return_changes=True)["changes"]


# --- the tables and the checks -------------------------------------------------------------------

PAGE = "topics/differences.md"
HEADERS = ("| what | official package | here |", "| what | here |")
ROWS = [row[0] for header in HEADERS for row in rows_of(PAGE, header)]


def test_each_row_has_a_check() -> None:
    assert sorted(ROWS) == sorted(CHECKS)


@pytest.mark.parametrize("row", CHECKS)
def test_difference(row: str, world: World) -> None:
    CHECKS[row](world)


def test_what_is_not_there() -> None:
    with refuses(ModuleNotFoundError):
        import_module("rethinkdb.handshake")


def test_the_commands_of_the_official_package_are_there() -> None:
    assert {"dump", "export", "restore", "import", "index-rebuild", "repl"} <= COMMANDS.keys()
    for name in ("_dump", "_export", "_restore", "_import", "_index_rebuild"):
        assert getattr(r, name).main(argv=["--nonsense"]) == 2
