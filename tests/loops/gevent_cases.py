"""What is peculiar to gevent. Run by `test_gevent.py`, in processes of their own."""

from __future__ import annotations

import gc
import json
import os
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import gevent.monkey
import gevent.os
import pytest
from gevent.event import Event

from rethinkdb import RethinkDB
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorEmpty,
    ReqlDriverError,
    ReqlTimeoutError,
)
from rethinkdb.loops.gevent import Connection, GeventCursor, GeventCursorEmpty
from rethinkdb.loops.transport.place import PROCESS
from rethinkdb.ql2 import QueryType

from .conftest import Certificates
from .scripted_server import PATIENCE, Command, ScriptedServer

SOON = 0.05
"""A time limit that is meant to pass. How long it is does not matter: nothing comes."""


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    with gevent.Timeout(PATIENCE):
        yield


@pytest.fixture
def conn(server: ScriptedServer) -> Iterator[Connection]:
    with Connection.make("localhost", server.port) as connection:
        yield connection


def usable(conn: Connection) -> bool:
    return bool(Command("atom", "still here").run(conn) == "still here")


def until(condition: Callable[[], Any]) -> None:
    """Let others run until something is the case; `limit` limits it."""
    while not condition():
        gevent.sleep(0.002)


def test_choosing_it(server: ScriptedServer) -> None:
    r = RethinkDB()
    r.set_loop_type("gevent")
    conn = r.connect(port=server.port, io_loop=None)
    assert type(conn) is Connection
    with conn as same:
        assert same is conn
        assert conn.server()["name"] == "scripted"
        assert conn.client_address() == "127.0.0.1"
        assert conn.client_port() > 0
    assert not conn.is_open()
    assert conn.client_port() is None


def test_others_run_while_one_waits(server: ScriptedServer, conn: Connection) -> None:
    turns = []
    waiting = gevent.spawn(Command("hold", "x", 5).run, conn)
    until(lambda: "x" in server.held)
    for turn in range(3):
        gevent.sleep(0)
        turns.append(turn)
    assert not waiting.ready()
    server.held["x"]()
    assert waiting.get() == 5


def test_many_greenlets_on_one_connection(conn: Connection) -> None:
    def work(number: int) -> int:
        for n in range(20):
            assert Command("atom", [number, n]).run(conn) == [number, n]
        return sum(Command("batches", [1], [2], [3]).run(conn))

    greenlets = [gevent.spawn(work, number) for number in range(50)]
    assert {greenlet.get() for greenlet in greenlets} == {6}


def test_connecting_is_cooperative() -> None:
    other = Event()

    def silent(sock: Any) -> None:
        while sock.recv(1000):
            other.wait()

    with ScriptedServer(on_connect=silent) as server:
        gevent.spawn_later(0, other.set)
        with pytest.raises(ReqlTimeoutError, match=f"localhost:{server.port}, Operation timed out"):
            Connection.make("localhost", server.port, timeout=SOON)
        assert other.is_set()
        other.set()
        until(lambda: not any(thread.is_alive() for thread in server._threads[1:]))


@pytest.mark.parametrize("limit_type", [gevent.Timeout, gevent.GreenletExit])
def test_cancelling_a_query(server: ScriptedServer, conn: Connection, limit_type: Any) -> None:
    def work() -> None:
        with pytest.raises(limit_type):
            Command("hold", "x").run(conn)

    greenlet = gevent.spawn(work)
    until(lambda: "x" in server.held)
    greenlet.kill(limit_type)
    until(lambda: server.sent(QueryType.STOP))
    assert usable(conn)
    greenlet.get()


def test_a_timeout_of_the_users(server: ScriptedServer, conn: Connection) -> None:
    with gevent.Timeout(SOON, False):
        Command("hold", "x").run(conn)
        pytest.fail("it was not cancelled")
    until(lambda: server.sent(QueryType.STOP))
    feed = Command("feed", "f").run(conn)
    with gevent.Timeout(SOON, False):
        feed.next()
        pytest.fail("it was not cancelled")
    Command("push", "f", [1]).run(conn)
    assert feed.next() == 1


def test_a_timeout_of_the_users_around_connect() -> None:
    with ScriptedServer(on_connect=lambda sock: sock.recv(1000) and sock.recv(1000)) as server:
        with pytest.raises(gevent.Timeout) as caught, gevent.Timeout(SOON) as mine:
            Connection.make("localhost", server.port)
        assert caught.value is mine
        until(lambda: not any(thread.is_alive() for thread in server._threads[1:]))


def test_cancelling_a_write_leaves_no_half_a_frame(
    server: ScriptedServer, conn: Connection
) -> None:
    Command("stall", "s").run(conn, noreply=True)
    until(lambda: "s" in server.held)
    payload = "x" * 10_000_000
    for _ in range(2):
        with gevent.Timeout(SOON, False):
            Command("atom", payload).run(conn)
            pytest.fail("it was not cancelled")
    server.held["s"]()
    assert usable(conn)
    assert Command("atom", payload).run(conn) == payload


def test_closing_does_not_wait_for_a_server_that_does_not_read(server: ScriptedServer) -> None:
    with Connection.make("localhost", server.port) as conn:
        Command("stall", "s").run(conn, noreply=True)
        until(lambda: "s" in server.held)
        with pytest.raises(gevent.Timeout), gevent.Timeout(SOON):
            Command("atom", "x" * 30_000_000).run(conn, noreply=True)
        assert conn._session.outflow.held
    server.held["s"]()


def test_closing_elsewhere_ends_the_wait(server: ScriptedServer, conn: Connection) -> None:
    def work() -> None:
        with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
            Command("hold", "x").run(conn)

    greenlet = gevent.spawn(work)
    until(lambda: "x" in server.held)
    conn.close(noreply_wait=False)
    greenlet.get()


def test_loss_and_reconnect(server: ScriptedServer, conn: Connection) -> None:
    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
        Command("hang_up").run(conn)
    conn.close()
    assert usable(conn.reconnect())


def test_cursors(server: ScriptedServer, conn: Connection) -> None:
    cursor = Command("batches", [1], [2]).run(conn)
    assert type(cursor) is GeventCursor
    assert list(cursor) == [1, 2]
    with pytest.raises(GeventCursorEmpty):
        cursor.next()
    assert issubclass(GeventCursorEmpty, ReqlCursorEmpty)
    with Command("feed", "f").run(conn) as feed:
        for wait in (0, SOON):
            with pytest.raises(ReqlTimeoutError, match=r"^Operation timed out\.$"):
                feed.next(wait=wait)
    until(lambda: server.sent(QueryType.STOP))
    assert usable(conn)


def test_what_has_arrived_needs_no_wait(server: ScriptedServer, conn: Connection) -> None:
    feed = Command("feed", "f").run(conn)
    until(lambda: server.sent(QueryType.CONTINUE))
    server.feeds["f"]([7])
    while True:  # until it has travelled; asking lets the driver read
        try:
            assert feed.next(wait=False) == 7
            return
        except ReqlTimeoutError:
            continue


def test_those_who_wait_for_one_feed_all_get_an_item(
    server: ScriptedServer, conn: Connection
) -> None:
    """The first of them stands in no line."""
    feed = Command("feed", "f").run(conn)
    until(lambda: server.sent(QueryType.CONTINUE))
    waiting = [gevent.spawn(feed.next) for _ in range(3)]
    until(lambda: len(feed._stream._requests) == 2)
    for number in range(3):
        server.feeds["f"]([number])
        until(lambda number=number: sum(one.ready() for one in waiting) == number + 1)
    assert sorted(one.get() for one in waiting) == [0, 1, 2]
    assert feed._stream.front is None


def test_a_decoder_that_waits(server: ScriptedServer, conn: Connection) -> None:
    """What arrives meanwhile is read afterwards."""

    class Decoder:
        def __init__(self, options: Any) -> None: ...

        def decode(self, text: str) -> Any:
            waits.append(text)
            answered.wait()
            return json.loads(text)

    waits: list[str] = []
    answered = Event()
    slow = gevent.spawn(Command("atom", "slow").run, conn, json_decoder=Decoder)
    until(lambda: waits)
    others = [gevent.spawn(Command("atom", number).run, conn) for number in range(3)]
    until(lambda: len(server.sent(QueryType.START)) == 4)
    gevent.sleep(SOON)
    assert not any(one.ready() for one in (slow, *others))
    answered.set()
    assert [one.get() for one in (slow, *others)] == ["slow", 0, 1, 2]


def test_literal_ipv6() -> None:
    with ScriptedServer(host="::1") as server, Connection.make("::1", server.port) as conn:
        assert usable(conn)
        assert conn.client_address() == "::1"


def test_a_host_that_is_no_name() -> None:
    with pytest.raises(ReqlDriverError, match=r"Could not connect to a\.\.b:28015"):
        Connection.make("a..b")


@pytest.mark.parametrize("own_context", [True, False])
def test_tls(certificates: Certificates, own_context: bool) -> None:
    tls: Any = {"ca_certs": certificates.ca_certs}
    if own_context:
        tls = ssl.create_default_context(cafile=certificates.ca_certs)
    with (
        ScriptedServer(tls=certificates.server) as server,
        Connection.make("localhost", server.port, ssl=tls) as conn,
    ):
        text = "x" * 1_000_000
        assert Command("atom", text).run(conn) == text


def test_in_another_thread(conn: Connection) -> None:
    def use() -> None:
        try:
            conn.server()
        except ReqlDriverError as exc:
            failures.append(exc)
        gevent.get_hub().destroy()

    failures: list[ReqlDriverError] = []
    gevent.get_hub().threadpool.apply(use)  # a thread, even where threads are greenlets
    assert "belongs to the gevent hub of another thread" in str(failures[0])
    assert usable(conn)


def test_in_another_process(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a fork, for those who measure coverage; the conformance suite forks."""
    with monkeypatch.context() as patch:
        patch.setattr(PROCESS, "id", 1)
        assert not conn.is_open()
        with pytest.raises(ReqlDriverError, match="from which process 1 was forked"):
            conn.server()
        conn.close()
        conn.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork")
def test_a_forked_child_takes_none_of_its_parents_answers(
    server: ScriptedServer, conn: Connection
) -> None:
    if gevent.monkey.is_module_patched("threading"):
        pytest.skip("the scripted server would live on in the child as well")
    waiting = gevent.spawn(Command("hold", "x", 5).run, conn)
    until(lambda: "x" in server.held)
    child = gevent.os.fork()
    if child == 0:
        code = 1
        try:
            with Connection.make("localhost", server.port) as own:
                Command("release", "x").run(own)
                code = 0 if all(usable(own) for _ in range(5)) else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert waiting.get() == 5


def test_a_cursor_that_outlives_its_loop(server: ScriptedServer) -> None:
    def use() -> None:
        conn = Connection.make("localhost", server.port)
        kept.append(Command("feed", "f").run(conn))
        gevent.get_hub().destroy(destroy_loop=True)

    kept: list[Any] = []
    gevent.get_hub().threadpool.apply(use)
    kept.clear()
    gc.collect()  # its cursor is garbage now, which must not matter


def test_the_right_kind_of_process() -> None:
    """That the parent's two runs differ."""
    patched = os.environ["RETHINKDB_TEST_PATCHED"] == "yes"
    assert gevent.monkey.is_module_patched("socket") is patched
