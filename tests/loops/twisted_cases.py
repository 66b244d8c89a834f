"""What is peculiar to Twisted. Run by `test_twisted.py`, under pytest-twisted."""

from __future__ import annotations

import gc
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_twisted import ensureDeferred, inlineCallbacks
from twisted.internet import reactor, threads
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from rethinkdb import RethinkDB
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorEmpty,
    ReqlDriverError,
    ReqlQueryLogicError,
    ReqlRuntimeError,
    ReqlTimeoutError,
)
from rethinkdb.loops.transport.place import PROCESS
from rethinkdb.loops.twisted import Connection, ConnectionPool, TwistedCursor
from rethinkdb.loops.twisted.wire import TwistedWire
from rethinkdb.net.outflow import Outflow
from rethinkdb.ql2 import QueryType

from .conftest import Certificates
from .scripted_server import PATIENCE, Command, ScriptedServer

SOON = 0.05
"""A time limit that is meant to pass. How long it is does not matter: nothing comes."""

# A name goes through an endpoint of Twisted, an address does not.
by_name_and_address = pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])


@pytest.fixture(autouse=True)
def nothing_unhandled() -> Iterator[None]:
    """No test may leave an "Unhandled error in Deferred", nor any other error, in the log."""
    failures: list[LogEvent] = []

    def watch(event: LogEvent) -> None:
        if "log_failure" in event:
            failures.append(event)

    globalLogPublisher.addObserver(watch)
    yield
    gc.collect()  # which is when Twisted notices
    globalLogPublisher.removeObserver(watch)
    assert not failures


async def connect(server: ScriptedServer, **options: Any) -> Connection:
    return await Connection.make("localhost", server.port, timeout=PATIENCE, **options)


async def usable(conn: Connection) -> bool:
    return bool(await Command("atom", "still here").run(conn) == "still here")


async def until(condition: Callable[[], Any]) -> None:
    """Let others run until something is the case; pytest's time limit ends it."""
    while not condition():
        await deferLater(reactor, 0.002)  # type: ignore[arg-type]


def result_of(deferred: Deferred[Any]) -> Any:
    """Of one that has fired already; a Failure if it failed."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "it has not fired"
    return results[0]


# What methods return.


@inlineCallbacks
def test_yield(server: ScriptedServer) -> Any:
    r = RethinkDB()
    r.set_loop_type("twisted")
    conn = yield r.connect(host="localhost", port=server.port)
    assert type(conn) is Connection
    cursor = yield Command("batches", [1], [2]).run(conn)
    assert type(cursor) is TwistedCursor
    seen = []
    while (yield cursor.fetch_next()):
        seen.append((yield cursor.next()))
    assert seen == [1, 2]
    assert (yield conn.server())["name"] == "scripted"
    assert (yield conn.noreply_wait()) is None
    assert (yield conn.reconnect()) is conn
    assert (yield conn.close()) is None


@ensureDeferred
async def test_work_begins_at_once(server: ScriptedServer) -> None:
    conn = await connect(server)
    answer = Command("atom", 5).run(conn)
    assert isinstance(answer, Deferred)
    await until(lambda: answer.called)
    assert result_of(answer) == 5
    everything = (await Command("batches", [1], [2]).run(conn)).to_list()
    assert isinstance(everything, Deferred)
    await until(lambda: everything.called)
    assert result_of(everything) == [1, 2]
    await conn.close()


@ensureDeferred
async def test_iterating(server: ScriptedServer) -> None:
    conn = await connect(server)
    with await Command("batches", [1], [2], [3]).run(conn) as cursor:
        assert [item async for item in cursor] == [1, 2, 3]
    await conn.close()


@ensureDeferred
async def test_mistakes_come_as_failures(server: ScriptedServer) -> None:
    conn = await connect(server)
    cursor = await Command("batches", [1]).run(conn)
    mistakes = [
        Connection.make(port="abc"),
        Connection.make(no_such_option=1),
        Command("atom", object()).run(conn),
        cursor.next(wait=-1),
        cursor.fetch_next(wait="x"),
        conn.reconnect(timeout=-1),
    ]
    assert all(isinstance(result_of(mistake), Failure) for mistake in mistakes)
    assert await usable(conn)
    await conn.close()


@ensureDeferred
async def test_errors_of_queries(server: ScriptedServer) -> None:
    conn = await connect(server)
    with pytest.raises(ReqlQueryLogicError, match="wrong"):
        await Command("error", 18, 3000000, "wrong").run(conn)
    assert await usable(conn)
    await conn.close()


@ensureDeferred
async def test_leaving_a_block_closes(server: ScriptedServer) -> None:
    with await connect(server) as conn:
        assert await usable(conn)
        assert conn.client_port() > 0
    assert not conn.is_open()
    assert conn.client_port() is None
    assert not server.sent(QueryType.NOREPLY_WAIT)
    await conn.close()
    server.wait_for_silence()


# Cancelling.


@ensureDeferred
async def test_cancelling_a_query(server: ScriptedServer) -> None:
    conn = await connect(server)
    answer = Command("hold", "x").run(conn)
    answer.cancel()
    assert result_of(answer).check(CancelledError)
    await until(lambda: server.sent(QueryType.STOP))
    assert await usable(conn)
    await conn.close()


@ensureDeferred
async def test_cancelling_a_wait_for_an_item(server: ScriptedServer) -> None:
    conn = await connect(server)
    feed = await Command("feed", "f").run(conn)
    waits = [feed.fetch_next(), feed.next()]
    for wait in waits:
        wait.cancel()
        assert result_of(wait).check(CancelledError)
    await Command("push", "f", [1]).run(conn)
    assert await feed.next() == 1
    assert not server.sent(QueryType.STOP)
    await conn.close()


@ensureDeferred
async def test_a_deferred_that_its_caller_fires(server: ScriptedServer) -> None:
    conn = await connect(server)
    feed = await Command("feed", "f").run(conn)
    wait = feed.next()
    wait.callback("enough")
    assert await wait == "enough"
    await Command("push", "f", [1]).run(conn)
    assert await feed.next() == 1
    await conn.close()


@ensureDeferred
async def test_time_limits(server: ScriptedServer) -> None:
    conn = await connect(server)
    feed = await Command("feed", "f").run(conn)
    for wait in (0, SOON):
        for method in (feed.next, feed.fetch_next):
            with pytest.raises(ReqlTimeoutError, match=r"^Operation timed out\.$"):
                await method(wait=wait)
    await Command("push", "f", [1, 2]).run(conn)
    assert await feed.next(wait=PATIENCE) == 1
    assert await feed.next(wait=False) == 2
    await conn.close()


@ensureDeferred
async def test_closing_a_cursor_while_a_fetch_is_pending(server: ScriptedServer) -> None:
    conn = await connect(server)
    feed = await Command("feed", "f").run(conn)
    fetch, item = feed.fetch_next(), feed.next()
    assert feed.close() is None
    assert result_of(fetch) is False
    assert result_of(item).check(ReqlCursorEmpty)
    feed.close()
    await until(lambda: server.sent(QueryType.STOP))
    assert await usable(conn)
    await conn.close()


@by_name_and_address
@ensureDeferred
async def test_cancelling_connect(host: str) -> None:
    with ScriptedServer(on_connect=lambda sock: sock.recv(1000) and sock.recv(1000)) as server:
        connecting = Connection.make(host, server.port)
        await until(lambda: server.connections)
        connecting.cancel()
        assert result_of(connecting).check(CancelledError)
        await until(lambda: not any(thread.is_alive() for thread in server._threads[1:]))


@by_name_and_address
@ensureDeferred
async def test_cancelling_dialling(server: ScriptedServer, host: str) -> None:
    connecting = Connection.make(host, server.port)
    connecting.cancel()
    assert result_of(connecting).check(CancelledError)


@ensureDeferred
async def test_background_work_that_a_pool_ends_early_is_no_error(server: ScriptedServer) -> None:
    """As when a changefeed is closed that waits for its next run."""
    pool = ConnectionPool("localhost", server.port)
    pool._spawn(pool._sleep, PATIENCE)()
    await pool.close()


@by_name_and_address
@ensureDeferred
async def test_a_time_limit_of_connect(host: str) -> None:
    with ScriptedServer(on_connect=lambda sock: sock.recv(1000) and sock.recv(1000)) as server:
        with pytest.raises(ReqlTimeoutError, match=f"{host}:{server.port}, Operation timed out"):
            await Connection.make(host, server.port, timeout=SOON)
        await until(lambda: not any(thread.is_alive() for thread in server._threads[1:]))


@by_name_and_address
@ensureDeferred
async def test_a_time_limit_of_dialling(host: str) -> None:
    """A full backlog: the system answers no attempt to connect, as on a host that is gone."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        late = pytest.raises(ReqlTimeoutError, match=f"{host}:{port}, Operation timed out")
        with socket.create_connection(("127.0.0.1", port)), late:
            await Connection.make(host, port, timeout=SOON)


# Closing, and losing the connection.


@ensureDeferred
async def test_code_run_by_a_deferred_may_close(server: ScriptedServer) -> None:
    conn = await connect(server)
    feed = await Command("feed", "f").run(conn)
    closing = Command("atom", 1).run(conn).addCallback(lambda _: conn.close(noreply_wait=False))
    waiting = feed.next()
    await DeferredList([closing, waiting], consumeErrors=True)
    assert not conn.is_open()
    with pytest.raises(ReqlRuntimeError, match="Connection is closed"):
        await feed.next()


@ensureDeferred
async def test_loss(server: ScriptedServer) -> None:
    conn = await connect(server)
    pending = [Command("hold", "x").run(conn), Command("hang_up").run(conn)]
    for success, failure in await DeferredList(pending, consumeErrors=True):
        assert not success
        assert str(failure.value).startswith("Connection is closed. The link to ")
    await conn.close()
    assert await usable(await conn.reconnect())
    await conn.close()


@ensureDeferred
async def test_a_loss_that_nobody_waits_for_is_no_error_of_anybodys(
    server: ScriptedServer,
) -> None:
    conn = await connect(server)
    feed = await Command("feed", "f").run(conn)
    server.hang_up()
    await until(lambda: not conn.is_open())
    feed.close()
    conn.close()


@ensureDeferred
async def test_closing_does_not_wait_for_a_server_that_does_not_read(
    server: ScriptedServer,
) -> None:
    conn = await connect(server)
    Command("stall", "s").run(conn, noreply=True)
    await until(lambda: "s" in server.held)
    query = Command("atom", "x" * 30_000_000).run(conn, noreply=True)
    await until(lambda: conn._session.outflow.held)
    await conn.close(noreply_wait=False)
    with pytest.raises(ReqlConnectionLostError):
        await query
    server.held["s"]()


# Sending what is started while answers are handed out.


class Answers:
    """A link whose callers start a query for each piece of the received bytes."""

    close_requested = clock_wanted = False
    in_flight = 2

    def __init__(self, meanwhile: Callable[[], object] = bool) -> None:
        self.meanwhile = meanwhile
        self.output = bytearray()
        self.outflow = Outflow(self.output)

    @property
    def output_pending(self) -> bool:
        return bool(self.output)

    def data_to_send(self) -> bytes:
        data = bytes(self.output)
        self.output.clear()
        return data

    def receive_data(self, data: bytes) -> None:
        for query in data.split():
            self.output += query
            self.wire.flush()
            self.meanwhile()


def handed_out(data: bytes, link: Any, clock: Clock) -> list[bytes]:
    """What is sent of the queries that `data` starts, send by send."""
    transport = StringTransport()
    sent: list[bytes] = []
    transport.write = transport.writeSomeData = lambda piece: sent.append(piece) or len(piece)
    link.wire = TwistedWire(link, clock)
    link.wire.transport = transport
    link.wire.dataReceived(data)
    assert not clock.getDelayedCalls()
    return sent


def test_queries_started_by_answers_go_out_together() -> None:
    assert handed_out(b"a b c", Answers(), Clock()) == [b"abc"]


def test_a_caller_may_run_the_reactor_before_it_returns() -> None:
    """As a modal dialogue does. Queries that it starts meanwhile must go out."""
    clock = Clock()
    assert handed_out(b"a b c", Answers(lambda: clock.advance(0)), clock) == [b"a", b"b", b"c"]


def test_queries_started_by_answers_go_out_even_after_an_interrupt() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    link, clock = Answers(interrupt), Clock()
    with pytest.raises(KeyboardInterrupt):
        handed_out(b"a b", link, clock)
    assert not link.output
    assert not clock.getDelayedCalls()


# Hosts and TLS.


@ensureDeferred
async def test_literal_ipv6() -> None:
    with ScriptedServer(host="::1") as server:
        conn = await Connection.make("::1", server.port)
        assert await usable(conn)
        assert conn.client_address() == "::1"
        await conn.close()


@by_name_and_address
@ensureDeferred
async def test_nobody_listens(host: str) -> None:
    with ScriptedServer() as server:
        port = server.port
    with pytest.raises(ReqlDriverError, match=f"{host}:{port}. Error: .*refused") as caught:
        await Connection.make(host, port)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("host", ["a..b", "no-such-host.invalid"])
@ensureDeferred
async def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(ReqlDriverError, match="Could not connect to "):
        await Connection.make(host)


@pytest.mark.parametrize("own_context", [True, False])
@ensureDeferred
async def test_tls(certificates: Certificates, own_context: bool) -> None:
    tls: Any = {"ca_certs": certificates.ca_certs}
    if own_context:
        tls = ssl.create_default_context(cafile=certificates.ca_certs)
    with ScriptedServer(tls=certificates.server) as server:
        conn = await connect(server, ssl=tls)
        text = "x" * 1_000_000
        assert await Command("atom", text).run(conn) == text
        await conn.close()


@ensureDeferred
async def test_tls_is_not_silently_left_out(server: ScriptedServer) -> None:
    with pytest.raises(ReqlDriverError, match="TLS"):
        await connect(server, ssl=True)
    with pytest.raises(ReqlDriverError, match="cannot load certificates"):
        await connect(server, ssl={"ca_certs": "/no/such/file"})


# Where it does not belong.


@ensureDeferred
async def test_in_another_thread(server: ScriptedServer) -> None:
    conn = await connect(server)

    def use() -> list[Any]:
        connecting = Connection.make("localhost", server.port)
        return [result_of(conn.server()), result_of(connecting)]

    for failure in await threads.deferToThread(use):
        failure.trap(ReqlDriverError)
        assert "belongs to the reactor's thread" in str(failure.value)
    assert await usable(conn)
    await conn.close()


@ensureDeferred
async def test_items_at_hand(server: ScriptedServer) -> None:
    """They come in Deferreds that have fired, each one of its own; not in another thread."""
    conn = await connect(server)
    cursor = await Command("batches", [1, 2, 3], []).run(conn)
    deferreds = [cursor.fetch_next(), cursor.fetch_next(), cursor.next(), cursor.next()]
    assert len({id(deferred) for deferred in deferreds}) == len(deferreds)
    assert [result_of(deferred) for deferred in deferreds] == [True, True, 1, 2]
    failures: list[Any] = []
    thread = threading.Thread(target=lambda: failures.append(result_of(cursor.next())))
    thread.start()
    thread.join()
    assert "reactor's thread" in str(failures[0].value)
    assert result_of(cursor.next()) == 3
    await conn.close()


@ensureDeferred
async def test_garbage_of_another_thread(server: ScriptedServer) -> None:
    conn = await connect(server)
    kept = [await Command("feed", "f").run(conn)]

    def drop() -> None:
        kept.clear()
        gc.collect()

    thread = threading.Thread(target=drop)
    thread.start()
    await until(lambda: server.sent(QueryType.STOP))
    thread.join()
    assert await usable(conn)
    await conn.close()


@ensureDeferred
async def test_in_another_process(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a fork, for those who measure coverage; the conformance suite forks."""
    conn = await connect(server)
    with monkeypatch.context() as patch:
        patch.setattr(PROCESS, "id", 1)
        patch.setattr(os, "getpid", lambda: 1)
        assert not conn.is_open()
        assert "from which process 1 was forked" in str(result_of(conn.server()).value)
        assert result_of(conn.close()) is None
        assert result_of(conn.close()) is None
    server.hang_up()
