"""The programs under `examples/` do what they say, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

# Seconds to wait for what is certain to come.
PATIENCE = 40


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.fixture
def conn(server: Server) -> Iterator[Any]:
    with r.connect(server.host, server.port) as connection:
        yield connection


@contextmanager
def program(
    *words: str,
    status: int = 0,
    noisy: bool = False,
    restarts: bool = False,
    **environment: str,
) -> Iterator[IO[str]]:
    """Runs a program, yields what it prints, and ends it as a system would: that must go well.

    A `noisy` one may log tracebacks, of what went wrong before. One whose database `restarts` may
    say that it begins again.
    """
    process = subprocess.Popen(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", *words],
        cwd=EXAMPLES.parent,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
        process.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == status, errors
        # twistd prints its log.
        unwanted = "Traceback" if restarts else "Traceback|will begin again"
        assert noisy or not re.search(unwanted, printed + errors), printed
    finally:
        process.kill()
        process.communicate()


def text_of(message: str | bytes | None) -> str:
    assert message is not None
    text: str = json.loads(message)["text"]
    return text


def test_tornado_feed(server: Server, conn: Any) -> None:
    from tornado.httpclient import AsyncHTTPClient
    from tornado.websocket import websocket_connect

    async def use(address: str) -> None:
        client = AsyncHTTPClient()
        page = await client.fetch(address)
        assert b"new WebSocket" in page.body

        feed = await websocket_connect(address.replace("http", "ws") + "/feed")
        assert text_of(await feed.read_message()) == "before"
        sent = await client.fetch(f"{address}/messages", method="POST", body="text=Hello+%C3%A4")
        assert sent.code == 201
        assert text_of(await feed.read_message()) == "Hello ä"
        feed.close()
        assert await feed.read_message() is None

        again = await websocket_connect(address.replace("http", "ws") + "/feed")
        assert {text_of(await again.read_message()) for _ in range(2)} == {"before", "Hello ä"}
        again.close()
        assert await again.read_message() is None

    r.table_create("messages").run(conn)
    r.table("messages").insert({"text": "before"}).run(conn)
    words = [str(EXAMPLES / "tornado_feed.py"), "--port", "0", "--rethinkdb", server.url]
    with program(*words) as output:
        address = output.readline().split()[-1]
        asyncio.run(asyncio.wait_for(use(address), PATIENCE))


def twistd(directory: Path) -> list[str]:
    """The command `twistd`, in the foreground."""
    code = "from twisted.scripts.twistd import run; run()"
    return ["-c", code, "--nodaemon", "--pidfile", "", "--rundir", str(directory)]


def test_twisted_service(server: Server, conn: Any, tmp_path: Path) -> None:
    for name in ("orders", "totals"):
        r.table_create(name).run(conn)
    orders = r.table("orders")
    orders.insert({"id": 1, "customer": "ada", "amount": 3}).run(conn)
    totals = r.table("totals").changes().run(conn)

    def total() -> Any:
        change = totals.next(wait=PATIENCE)["new_val"]
        return change["id"], change["amount"]

    words = [*twistd(tmp_path), "--python", str(EXAMPLES / "twisted_service.py")]
    # Having stopped its services, twistd ends by the signal that it got.
    with program(*words, status=-signal.SIGTERM, RETHINKDB_URL=server.url):
        assert total() == ("ada", 3)
        orders.insert({"id": 2, "customer": "ada", "amount": 4}).run(conn)
        assert total() == ("ada", 7)
        orders.get(1).update({"customer": "grace"}).run(conn)
        assert {total(), total()} == {("ada", 4), ("grace", 3)}
        orders.get(2).delete().run(conn)
        assert total() == ("ada", 0)


def test_asyncio_worker(server: Server, conn: Any) -> None:
    r.table_create("jobs").run(conn)
    r.table("jobs").insert({"id": 0, "state": "new", "text": "one two three"}).run(conn)
    done = r.table("jobs").filter({"state": "done"}).changes().run(conn)

    def results(count: int) -> dict[int, int]:
        changes = [done.next(wait=PATIENCE)["new_val"] for _ in range(count)]
        return {job["id"]: job["words"] for job in changes}

    words = [str(EXAMPLES / "asyncio_worker.py"), "--rethinkdb", server.url]
    with program(*words) as one, program(*words) as other:
        assert one.readline() == other.readline() == "Waiting for jobs\n"
        assert results(1) == {0: 3}
        jobs = [{"id": n, "state": "new", "text": "word " * n} for n in range(1, 31)]
        r.table("jobs").insert(jobs).run(conn)
        assert results(30) == {n: n for n in range(1, 31)}


def test_asyncio_worker_passes_over_bad_jobs(server: Server, conn: Any) -> None:
    r.table_create("jobs").run(conn)
    ended = r.table("jobs").filter(r.row["state"] != "new").changes().run(conn)
    with program(str(EXAMPLES / "asyncio_worker.py"), "--rethinkdb", server.url, noisy=True):
        r.table("jobs").insert({"id": 1, "state": "new", "text": 5}).run(conn)
        states = {}
        while states.get(1) != "failed":
            job = ended.next(wait=PATIENCE)["new_val"]
            states[job["id"]] = job["state"]
        r.table("jobs").insert({"id": 2, "state": "new", "text": "two words"}).run(conn)
        while states.get(2) != "done":
            job = ended.next(wait=PATIENCE)["new_val"]
            states[job["id"]] = job["state"]


# A restart of the database, from the point of view of a program that goes on.


def restarted(server: Server) -> Any:
    """A connection to a server that has gone away and come back, with its data."""
    port = server.port
    server.stop()
    server.start()
    assert server.port == port
    return r.connect(server.host, port)


def test_asyncio_worker_survives_a_restart(server: Server, conn: Any) -> None:
    words = str(EXAMPLES / "asyncio_worker.py"), "--rethinkdb", server.url
    with program(*words, restarts=True) as output:
        assert output.readline() == "Waiting for jobs\n"
        with restarted(server) as again:
            done = r.table("jobs").filter({"state": "done"}).changes().run(again)
            r.table("jobs").insert({"id": 1, "state": "new", "text": "one"}).run(again)
            assert done.next(wait=PATIENCE)["new_val"]["words"] == 1


def test_cache_in_step_whatever_happens(server: Server, conn: Any) -> None:
    r.table_create("products").run(conn)
    products = r.table("products")
    held: dict[int, Any] = {}

    def follow(output: IO[str], rows: dict[int, Any]) -> None:
        while held != rows:
            key, _, said = output.readline().partition(" ")
            if said == "is gone\n":
                del held[int(key)]
            else:
                held[int(key)] = json.loads(said)

    products.insert([{"id": n, "left": n} for n in range(5)]).run(conn)
    words = [str(EXAMPLES / "cache_in_step.py"), "--rethinkdb", server.url]
    with program(*words, noisy=True) as output:
        follow(output, {n: {"id": n, "left": n} for n in range(5)})
        products.get(1).delete().run(conn)
        with restarted(server) as again:
            products.get(2).delete().run(again)
            products.get(3).update({"left": 0}).run(again)
            products.insert({"id": 9, "left": 9}).run(again)
            follow(output, {row["id"]: row for row in products.run(again)})
            products.get(9).delete().run(again)
            follow(output, {row["id"]: row for row in products.run(again)})


def test_tornado_feed_survives_a_restart(server: Server, conn: Any) -> None:
    from tornado.httpclient import AsyncHTTPClient, HTTPClientError
    from tornado.websocket import websocket_connect

    async def post(address: str) -> int:
        try:
            sent = await AsyncHTTPClient().fetch(address, method="POST", body="text=x")
        except HTTPClientError as error:
            return error.code
        return sent.code

    async def use(address: str) -> None:
        feed = await websocket_connect(address.replace("http", "ws") + "/feed")
        assert await post(f"{address}/messages") == 201
        assert await feed.read_message()
        restarted(server).close()
        assert await feed.read_message() is None
        feed.close()
        # A request that is under way while the database goes fails. Those after it succeed.
        assert 201 in [await post(f"{address}/messages") for _ in range(2)]
        again = await websocket_connect(address.replace("http", "ws") + "/feed")
        assert text_of(await again.read_message()) == "x"
        again.close()
        while await again.read_message() is not None:
            pass

    words = [str(EXAMPLES / "tornado_feed.py"), "--port", "0", "--rethinkdb", server.url]
    with program(*words, noisy=True) as output:
        asyncio.run(asyncio.wait_for(use(output.readline().split()[-1]), PATIENCE))


def test_twisted_service_survives_a_restart_and_a_bad_order(
    server: Server, conn: Any, tmp_path: Path
) -> None:
    for name in ("orders", "totals"):
        r.table_create(name).run(conn)
    words = [*twistd(tmp_path), "--python", str(EXAMPLES / "twisted_service.py")]
    totals = r.table("totals").changes().run(conn)
    with program(*words, status=-signal.SIGTERM, noisy=True, RETHINKDB_URL=server.url):
        r.table("orders").insert({"id": 1, "customer": "ada", "amount": "much"}).run(conn)
        r.table("orders").insert({"id": 2}).run(conn)
        r.table("orders").insert({"id": 3, "customer": "grace", "amount": 3}).run(conn)
        assert totals.next(wait=PATIENCE)["new_val"] == {"id": "grace", "amount": 3}
        with restarted(server) as again:
            totals = r.table("totals").changes().run(again)
            r.table("orders").insert({"id": 4, "customer": "radia", "amount": 4}).run(again)
            new = [totals.next(wait=PATIENCE)["new_val"] for _ in range(1)]
            assert new == [{"id": "radia", "amount": 4}]
