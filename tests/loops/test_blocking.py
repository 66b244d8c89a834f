"""The blocking driver against a server that does as it is told."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorEmpty,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlQueryLogicError,
    ReqlRuntimeError,
    ReqlTimeoutError,
)
from rethinkdb.loops.blocking import (
    Connection,
    ConnectionPool,
    DefaultCursor,
    fetching,
    line,
    watching,
)
from rethinkdb.loops.blocking.watch import Bell, Watch
from rethinkdb.loops.transport.beds import Bed
from rethinkdb.loops.transport.place import PROCESS
from rethinkdb.loops.transport.sockets import unacknowledged, wait_ready
from rethinkdb.net.reconnecting import Reconnect
from rethinkdb.net.session import Session
from rethinkdb.net.waiter import Waiter
from rethinkdb.ql2 import QueryType
from rethinkdb.repl import Repl
from tests.net.test_meanwhile import Once

from .scripted_server import PATIENCE, Command, ScriptedServer

SOON = 0.05
"""A time limit that is meant to pass. How long it is does not matter: nothing comes."""


@pytest.fixture
def conn(server: ScriptedServer) -> Iterator[Connection]:
    with Connection.make("localhost", server.port) as connection:
        yield connection


def usable(conn: Connection) -> bool:
    return bool(Command("atom", "still here").run(conn) == "still here")


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.001)


@contextmanager
def in_thread(function: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Runs a function beside the test; the result of calling what this gives is its result."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(function)
        yield lambda: future.result(PATIENCE)


# Connecting.


def test_connect_and_query(server: ScriptedServer) -> None:
    conn = Connection.make("localhost", server.port)
    assert conn.is_open()
    conn.check_open()
    assert Command("atom", {"a": [1, None]}).run(conn) == {"a": [1, None]}
    conn.close()
    assert not conn.is_open()


def test_connect_by_url(server: ScriptedServer) -> None:
    with Connection.make(url=f"rethinkdb://127.0.0.1:{server.port}/heroes") as conn:
        assert Command("options").run(conn) == {"db": "heroes"}


def test_user_and_password() -> None:
    with ScriptedServer(users={"bob": "pässwörd"}) as server:
        with Connection.make("localhost", server.port, user="bob", password="pässwörd") as conn:
            assert usable(conn)
        with Connection.make("localhost", server.port, user="bob", auth_key="pässwörd") as conn:
            assert usable(conn)


def test_literal_ipv6() -> None:
    with ScriptedServer(host="::1") as server, Connection.make("::1", server.port) as conn:
        assert usable(conn)
        assert conn.client_address() == "::1"


def test_socket_options(conn: Connection) -> None:
    line = conn._channel._line
    assert line is not None
    sock = line.socket
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_addresses(conn: Connection) -> None:
    assert conn.client_address() == "127.0.0.1"
    assert isinstance(conn.client_port(), int)
    conn.close()
    assert conn.client_address() is None
    assert conn.client_port() is None


def test_who_hears_that_the_session_opens_finds_the_connection_in_place(
    server: ScriptedServer,
) -> None:
    seen: list[int | None] = []

    class Watched(Connection):
        def _new_session(self) -> Session:
            def opened(waiter: Waiter[None]) -> None:
                if waiter.exception() is None:  # unlike that of the session before the first
                    seen.append(self.client_port())

            session = super()._new_session()
            session.opened.add_done_callback(opened)
            return session

    with Watched.make("localhost", server.port) as conn:
        assert seen == [conn.client_port()]


def test_server_info(conn: Connection) -> None:
    assert conn.server() == {"id": "00000000", "name": "scripted", "proxy": False}


def test_repl(conn: Connection) -> None:
    assert conn.repl() is conn
    assert Repl.get() is conn
    Repl.clear()


# Closing.


def test_close_waits_for_noreply_queries(server: ScriptedServer, conn: Connection) -> None:
    assert Command("atom", 1).run(conn, noreply=True) is None
    conn.close()
    assert server.sent(QueryType.NOREPLY_WAIT)
    conn.close()


def test_context_manager_does_not_wait(server: ScriptedServer) -> None:
    with Connection.make("localhost", server.port) as conn:
        assert usable(conn)
    assert not conn.is_open()
    assert not server.sent(QueryType.NOREPLY_WAIT)


def test_noreply_wait(server: ScriptedServer, conn: Connection) -> None:
    Command("atom", 1).run(conn, noreply=True)
    conn.noreply_wait()
    assert [query[0] for _, query in server.received] == [1, 4]


@pytest.mark.parametrize(
    "operation",
    [
        lambda conn: Command("atom", 1).run(conn),
        lambda conn: Command("atom", 1).run(conn, noreply=True),
        lambda conn: conn.noreply_wait(),
        lambda conn: conn.server(),
        lambda conn: conn.check_open(),
    ],
)
def test_operations_after_close(conn: Connection, operation: Callable[[Connection], Any]) -> None:
    conn.close()
    with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
        operation(conn)


def test_close_ends_cursors(conn: Connection) -> None:
    cursor = Command("batches", [1, 2], [3]).run(conn)
    conn.close(noreply_wait=False)
    assert [next(cursor), next(cursor)] == [1, 2]
    for _ in range(2):
        with pytest.raises(
            ReqlCursorLostError,
            match=r"^Connection is closed in:\ncommand\n\^+\nConnection is closed\. \w",
        ):
            next(cursor)
    cursor.close()


@pytest.mark.parametrize("noreply_wait", [True, False])
def test_close_after_the_server_has_gone(
    server: ScriptedServer, conn: Connection, noreply_wait: bool
) -> None:
    server.hang_up()
    conn.close(noreply_wait)
    conn.close(noreply_wait)
    assert not conn.is_open()


def test_close_from_another_thread_ends_the_wait(server: ScriptedServer, conn: Connection) -> None:
    with in_thread(lambda: Command("hold", "x").run(conn)) as result:
        server.wait_for(lambda: "x" in server.held)
        conn.close(noreply_wait=False)
        with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
            result()


def test_reconnect(server: ScriptedServer, conn: Connection) -> None:
    conn.use("heroes")
    assert conn.reconnect() is conn
    assert server.connections == 2
    assert Command("options").run(conn) == {"db": "heroes"}
    conn.close()
    assert conn.reconnect(noreply_wait=False, timeout=5) is conn
    assert usable(conn)


def test_reconnect_after_the_server_has_gone(server: ScriptedServer, conn: Connection) -> None:
    server.hang_up()
    conn.reconnect()
    assert usable(conn)


def test_reconnect_to_nobody_leaves_it_closed() -> None:
    with ScriptedServer() as server:
        conn = Connection.make("localhost", server.port)
    for _ in range(2):
        with pytest.raises(ReqlDriverError, match=f"Could not connect to localhost:{server.port}"):
            conn.reconnect(noreply_wait=False)
        assert not conn.is_open()
    with ScriptedServer(port=server.port), conn.reconnect() as same:
        assert usable(same)


def test_a_bad_timeout_of_reconnect(conn: Connection) -> None:
    with pytest.raises(ReqlDriverError, match="`timeout` must be a number of seconds"):
        conn.reconnect(timeout=-1)
    assert conn.is_open()


# Losing the connection.


def test_loss_while_waiting(conn: Connection) -> None:
    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w") as caught:
        Command("hang_up").run(conn)
    assert isinstance(caught.value.__cause__, (EOFError, OSError))
    assert not conn.is_open()
    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
        Command("atom", 1).run(conn)


def test_a_reset_while_waiting() -> None:
    """The server answers nothing and breaks the connection without closing it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            sock, _ = listener.accept()
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

        with in_thread(reset), pytest.raises(ReqlDriverError) as caught:
            Connection.make(*listener.getsockname(), timeout=PATIENCE)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


def test_a_connect_that_fails_leaves_no_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        conn = Connection(host=host, port=port, timeout=SOON)
        with pytest.raises(ReqlTimeoutError):
            conn.connect()
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(PATIENCE)
            while sock.recv(4096):  # the first line of the handshake, then the end
                pass
    assert not conn.is_open()


def test_what_was_not_taken_is_counted() -> None:
    """The keepalive takes a link for alive while these get fewer."""
    ours, theirs = socket.socketpair(socket.AF_INET if sys.platform == "win32" else socket.AF_UNIX)
    with ours, theirs:
        ours.setblocking(False)
        session = Session()
        session.output += b"x" * 10_000_000
        unsent = line.Line(ours, session)
        before = unsent.count_unsent()
        unsent.flush()
        held = unacknowledged(ours)
        assert len(session.output) < 10_000_000 <= before
        assert unsent.count_unsent() == len(session.output) + held > len(session.output)


def test_loss_between_queries(server: ScriptedServer, conn: Connection) -> None:
    server.hang_up()
    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
        Command("atom", 1).run(conn)
    assert conn.client_port() is None


def test_loss_in_a_cursor(conn: Connection) -> None:
    cursor = Command("feed", "f").run(conn)
    Command("push", "f", [1, 2]).run(conn)
    assert next(cursor) == 1
    Command("hang_up").run(conn, noreply=True)
    assert next(cursor) == 2
    with pytest.raises(ReqlRuntimeError, match="Connection is closed"):
        next(cursor)


def test_loss_is_noticed_by_queries_that_wait_for_nothing(
    server: ScriptedServer, conn: Connection
) -> None:
    server.hang_up()

    def write_for_ever() -> None:
        while True:
            Command("atom", 1).run(conn, noreply=True)

    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
        write_for_ever()
    assert not conn.is_open()


# Cursors.


def test_iteration(conn: Connection) -> None:
    cursor = Command("batches", [1, 2], [], [3]).run(conn)
    assert type(cursor) is DefaultCursor
    assert str(cursor) == "rethinkdb.net.DefaultCursor (streaming): [1, 2]"
    assert list(cursor) == [1, 2, 3]
    assert str(cursor) == "rethinkdb.net.DefaultCursor (done streaming): []"


def test_a_sequence_in_one_batch_asks_for_nothing(server: ScriptedServer, conn: Connection) -> None:
    assert list(Command("batches", [1, 2]).run(conn)) == [1, 2]
    assert usable(conn)
    assert not server.sent(QueryType.CONTINUE)


def test_next_and_fetch_next(conn: Connection) -> None:
    cursor = Command("batches", [1], [2]).run(conn)
    seen = []
    while cursor.fetch_next():
        seen.append(cursor.next())
    assert seen == [1, 2]
    with pytest.raises(ReqlCursorEmpty):
        cursor.next()
    with pytest.raises(StopIteration):
        cursor.next()


@pytest.mark.parametrize("wait", [False, 0, SOON])
def test_a_timeout_of_next_loses_nothing(conn: Connection, wait: Any) -> None:
    feed = Command("feed", "f").run(conn)
    with pytest.raises(ReqlTimeoutError, match=r"^Operation timed out\.$"):
        feed.next(wait=wait)
    with pytest.raises(TimeoutError):
        feed.fetch_next(wait=wait)
    Command("push", "f", [1, 2]).run(conn)
    assert feed.next(wait=PATIENCE) == 1
    assert feed.next(False) == 2


def test_a_time_limit_waits_for_what_comes_in_time(
    server: ScriptedServer, conn: Connection
) -> None:
    feed = Command("feed", "f").run(conn)

    def push() -> None:
        server.wait_for_sent(QueryType.CONTINUE)
        server.feeds["f"]([1])

    with in_thread(push):
        assert feed.next(wait=PATIENCE) == 1


def test_a_cursor_that_is_dropped_is_closed_at_once(
    server: ScriptedServer, conn: Connection
) -> None:
    feed = Command("feed", "f").run(conn)
    del feed
    gc.collect()
    server.wait_for_sent(QueryType.STOP)


def test_what_has_arrived_needs_no_wait(server: ScriptedServer, conn: Connection) -> None:
    feed = Command("feed", "f").run(conn)
    server.wait_for_sent(QueryType.CONTINUE)
    server.feeds["f"]([7])
    # The push lies in this socket's buffer or is on its way there: poll until it is read.
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            assert feed.next(wait=False) == 7
            return
        except ReqlTimeoutError:
            continue
    pytest.fail("never came")


def test_an_error_in_mid_stream(conn: Connection) -> None:
    cursor = Command("broken", [1, 2], "Cannot go on.").run(conn)
    assert [next(cursor), next(cursor)] == [1, 2]
    for _ in range(2):
        with pytest.raises(ReqlQueryLogicError, match="Cannot go on in:"):
            next(cursor)
    assert usable(conn)


def test_closing_a_cursor_stops_the_query(server: ScriptedServer, conn: Connection) -> None:
    with Command("feed", "f").run(conn) as feed:
        pass
    feed.close()
    server.wait_for_sent(QueryType.STOP)
    assert list(feed) == []
    assert usable(conn)
    assert len(server.sent(QueryType.STOP)) == 1


def test_a_feed_beside_queries(conn: Connection) -> None:
    feed = Command("feed", "f").run(conn)
    for number in range(20):
        assert Command("push", "f", [number]).run(conn) == 1
    assert [next(feed) for _ in range(20)] == list(range(20))
    feed.close()


def test_two_cursors_of_one_connection(conn: Connection) -> None:
    one = Command("batches", *([n] for n in range(50))).run(conn)
    two = Command("batches", *([n, n] for n in range(50))).run(conn)
    assert [(a, b) for a, b in zip(one, two, strict=False)][-1] == (49, 24)
    assert len(list(two)) == 50


# Big things.


@pytest.mark.parametrize("size", [65535, 65536, 5_000_000])
def test_large_values_both_ways(conn: Connection, size: int) -> None:
    assert Command("atom", "x" * size).run(conn) == "x" * size


def test_many_queries_at_once_do_not_deadlock(server: ScriptedServer, conn: Connection) -> None:
    """The server answers without reading on; both sides' buffers fill up."""
    Command("stall", "s").run(conn, noreply=True)
    server.wait_for(lambda: "s" in server.held)
    payload = "x" * 1_000_000
    with ThreadPoolExecutor(8) as pool:
        echoes = [pool.submit(Command("atom", payload).run, conn) for _ in range(16)]
        server.held["s"]()
        assert all(echo.result(PATIENCE) == payload for echo in echoes)


def test_a_deadline_limits_the_sending_of_a_noreply_query(
    server: ScriptedServer, conn: Connection
) -> None:
    Command("stall", "s").run(conn, noreply=True)
    server.wait_for(lambda: "s" in server.held)
    long = Command("atom", "x" * 30_000_000)
    text = rf"^localhost:{server.port} did not take all of command within 0.05 s$"
    with pytest.raises(ReqlTimeoutError, match=text):
        long.run(conn, noreply=True, deadline=SOON)
    server.held["s"]()
    assert usable(conn)


def test_the_time_limit_holds_while_the_socket_is_full(
    server: ScriptedServer, conn: Connection
) -> None:
    feed = Command("feed", "f").run(conn)
    Command("stall", "s").run(conn, noreply=True)
    server.wait_for(lambda: "s" in server.held)
    sending = threading.Thread(
        target=lambda: Command("atom", "x" * 30_000_000).run(conn, noreply=True)
    )
    sending.start()
    while not stuck(conn):
        time.sleep(SOON / 10)
    for wait in (0, SOON):
        with pytest.raises(ReqlTimeoutError):
            feed.next(wait)
    server.held["s"]()
    sending.join(PATIENCE)
    assert usable(conn)


def test_close_does_not_wait_for_a_full_socket(server: ScriptedServer, conn: Connection) -> None:
    Command("stall", "s").run(conn, noreply=True)
    server.wait_for(lambda: "s" in server.held)
    with in_thread(lambda: Command("atom", "x" * 30_000_000).run(conn)) as result:
        while not stuck(conn):
            time.sleep(SOON / 10)
        conn.close(noreply_wait=False)
        with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
            result()
    server.held["s"]()


# Threads.


def test_queries_of_many_threads_are_in_flight_together(
    server: ScriptedServer, conn: Connection
) -> None:
    names = [f"q{number}" for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(Command("hold", name, name).run, conn) for name in names]
        server.wait_for(lambda: len(server.held) == 16)
        for name in reversed(names):
            assert Command("release", name).run(conn) == name
        assert [answer.result(PATIENCE) for answer in answers] == names


def test_threads_hammering_one_connection(conn: Connection) -> None:
    def work(thread: int) -> int:
        for number in range(100):
            value = [thread, number]
            assert Command("atom", value).run(conn) == value
        return sum(Command("batches", [1], [2], [3]).run(conn))

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(work, range(16), timeout=PATIENCE)) == {6}


def test_when_the_leader_times_out_another_takes_over(
    server: ScriptedServer, conn: Connection
) -> None:
    feed = Command("feed", "f").run(conn)

    def lead() -> None:
        with pytest.raises(ReqlTimeoutError):
            feed.next(wait=SOON)

    with in_thread(lead) as led, in_thread(lambda: Command("hold", "x", 5).run(conn)) as result:
        led()
        server.wait_for(lambda: "x" in server.held)
        server.held.pop("x")()
        assert result() == 5


def test_many_threads_timing_out_while_others_wait(
    server: ScriptedServer, conn: Connection
) -> None:
    feed = Command("feed", "f").run(conn)

    def time_out(number: int) -> None:
        with pytest.raises(ReqlTimeoutError):
            feed.next(wait=SOON * (1 + number % 4) / 4)

    with ThreadPoolExecutor(16) as pool:
        held = [pool.submit(Command("hold", f"q{n}", n).run, conn) for n in range(4)]
        list(pool.map(time_out, range(40), timeout=PATIENCE))
        server.wait_for(lambda: len(server.held) == 4)
        for release in server.held.values():
            release()
        assert [answer.result(PATIENCE) for answer in held] == [0, 1, 2, 3]


def test_a_follower_that_gives_up_leaves_its_turn_to_others(
    server: ScriptedServer, conn: Connection
) -> None:
    feed = Command("feed", "f").run(conn)
    with in_thread(lambda: Command("hold", "a", 1).run(conn)) as leader:
        server.wait_for(lambda: "a" in server.held)
        with pytest.raises(ReqlTimeoutError):
            feed.next(wait=SOON)
        with in_thread(lambda: Command("hold", "b", 2).run(conn)) as follower:
            server.wait_for(lambda: "b" in server.held)
            server.held.pop("a")()
            assert leader() == 1
            server.held.pop("b")()
            assert follower() == 2


def test_an_answer_taken_in_before_this_thread_leads_is_not_waited_for(
    server: ScriptedServer, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = conn._channel
    line, turns = channel._line, channel._turns
    assert line is not None
    lead = turns.lead
    turns.leader = 0  # no thread's number

    asked = count()

    def lead_late(me: int) -> bool:
        if next(asked) == 0:
            return lead(me)
        # As if the other one had read the answer to this thread's query, then stepped down.
        assert wait_ready(line.socket, read=True, write=False, timeout=PATIENCE)
        line.receive()
        turns.leader = None
        monkeypatch.undo()
        return lead(me)

    monkeypatch.setattr(turns, "lead", lead_late)
    with in_thread(lambda: Command("atom", 7).run(conn)) as result:
        assert result() == 7


def test_threads_share_a_cursor(conn: Connection) -> None:
    cursor = Command("batches", *([n, n] for n in range(100))).run(conn)
    with ThreadPoolExecutor(4) as pool:
        parts = [pool.submit(list, cursor) for _ in range(4)]
        items = [item for part in parts for item in part.result(PATIENCE)]
    assert sorted(items) == sorted([*range(100), *range(100)])


def test_a_thread_that_reads_for_others_gets_its_item_too(
    server: ScriptedServer, conn: Connection
) -> None:
    """It came alone, so that it did not stand in line; one that always asks comes after it."""
    feed = Command("feed", "f").run(conn)
    line, got = feed._stream._requests, list[str]()

    def take(name: str, items: int) -> None:
        for _ in range(items):
            next(feed)
            got.append(name)

    with in_thread(lambda: take("first", 1)) as first:
        until(lambda: conn._channel._turns.leader)
        with in_thread(lambda: take("second", 2)) as second:
            for count in range(3):
                until(lambda: line)
                server.feeds["f"]([count])
                until(lambda count=count: len(got) > count)  # type: ignore[misc]  # a lambda has no types
            first(), second()
    assert sorted(got) == ["first", "second", "second"]


def test_an_item_that_somebody_else_takes_first(
    server: ScriptedServer, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler or another thread, after this one has seen the item: wait for the next."""
    feed = Command("feed", "f").run(conn)
    others = list[Any]()
    once = Once(lambda: others.append(feed.next(wait=False)), fetching._POPLEFT)
    monkeypatch.setattr(fetching, "_POPLEFT", once)
    with in_thread(lambda: next(feed)) as item:
        until(lambda: conn._channel._turns.leader)
        server.feeds["f"]([1])
        until(lambda: others)
        server.feeds["f"]([2])
        assert item() == 2
    assert others == [1]


def test_loss_wakes_all_threads(server: ScriptedServer, conn: Connection) -> None:
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(Command("hold", f"q{n}").run, conn) for n in range(8)]
        server.wait_for(lambda: len(server.held) == 8)
        server.hang_up()
        for answer in waiting:
            with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
                answer.result(PATIENCE)


# Interrupts.


class Interrupted(BaseException):
    """Like KeyboardInterrupt, which pytest would take for the user's."""


@contextmanager
def handling(
    handler: Callable[[], None], condition: Callable[[], Any], pause: float = 0.0
) -> Iterator[None]:
    """Sends this process a signal, once something is the case; its handler runs in this thread."""

    def send() -> None:
        while not condition():
            time.sleep(SOON / 10)
        time.sleep(pause)
        os.kill(os.getpid(), signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, lambda *_: handler())
    sender = threading.Thread(target=send)
    try:
        sender.start()
        yield
    finally:
        sender.join(PATIENCE)
        signal.signal(signal.SIGUSR1, previous)


def interrupt_when(condition: Callable[[], Any]) -> AbstractContextManager[None]:
    """As `handling`, with a handler that raises."""

    def handler() -> None:
        raise Interrupted

    # After the pause it is likely waiting; the result must be the same if it is not.
    return handling(handler, condition, SOON)


def test_a_cursor_that_is_dropped_while_another_thread_reads_is_closed(
    server: ScriptedServer, conn: Connection
) -> None:
    """The other thread holds the lock at that moment, and no further operation need follow."""
    feed = Command("feed", "f").run(conn)

    def drop(_: Any) -> None:
        dropping = threading.Thread(target=conn._discard, args=(feed._stream,))
        dropping.start()
        dropping.join(PATIENCE)

    def operation() -> Waiter[Any]:
        waiter: Waiter[Any] = conn._session.start(conn._query(Command("atom", 1), {}))
        waiter.add_done_callback(drop)
        return waiter

    conn._call(operation)
    assert feed._stream.finished
    server.wait_for_sent(QueryType.STOP)


def test_an_interrupt_stops_the_query_and_spares_the_connection(
    server: ScriptedServer, conn: Connection
) -> None:
    cursor = Command("batches", [1], [2], [3]).run(conn)
    with interrupt_when(lambda: "x" in server.held), pytest.raises(Interrupted):
        Command("hold", "x").run(conn)
    server.wait_for_sent(QueryType.STOP)
    assert usable(conn)
    assert list(cursor) == [1, 2, 3]
    assert server.connections == 1


def test_an_interrupt_while_another_thread_reads(server: ScriptedServer, conn: Connection) -> None:
    with in_thread(lambda: Command("hold", "a", 5).run(conn)) as result:
        server.wait_for(lambda: "a" in server.held)
        with interrupt_when(lambda: "x" in server.held), pytest.raises(Interrupted):
            Command("hold", "x").run(conn)
        server.wait_for_sent(QueryType.STOP)
        server.held["a"]()
        assert result() == 5
    assert server.connections == 1


def test_an_interrupt_in_a_feed_loses_nothing(server: ScriptedServer, conn: Connection) -> None:
    feed = Command("feed", "f").run(conn)
    with (
        interrupt_when(lambda: server.sent(QueryType.CONTINUE)),
        pytest.raises(Interrupted),
    ):
        next(feed)
    Command("push", "f", [1]).run(conn)
    assert next(feed) == 1
    assert not server.sent(QueryType.STOP)


def main_is_in(function: Any) -> bool:
    """Whether the main thread is just in this function."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    return frame.f_code is function.__code__


def test_a_handler_may_wait_for_a_thread_that_uses_the_connection(
    server: ScriptedServer, conn: Connection
) -> None:
    """The handler's thread reads for all, and does not while it is in the handler."""
    results: list[bool] = []

    def handler() -> None:
        with ThreadPoolExecutor(2) as pool:
            queries = [pool.submit(usable, conn) for _ in range(2)]
            results.extend(query.result(PATIENCE) for query in queries)
        server.held["x"]()
        with in_thread(lambda: usable(conn)) as result:  # it reads this thread's answer, too
            results.append(result())

    with handling(handler, lambda: "x" in server.held and main_is_in(Watch.wait)):
        assert Command("hold", "x", 7).run(conn) == 7
    assert results == [True, True, True]


def test_a_handler_may_wait_for_a_thread_when_its_own_is_to_read_next(
    server: ScriptedServer, conn: Connection
) -> None:
    def hold(name: str) -> str:
        return str(Command("hold", name, name).run(conn))

    def handler() -> None:
        with in_thread(lambda: hold("c")) as third:
            server.wait_for(lambda: "c" in server.held)
            server.held["b"]()
            assert second() == "b"  # it has woken the handler's thread, to read next
            server.held["c"]()
            results.append(third())
        server.held["x"]()

    results: list[str] = []
    with in_thread(lambda: hold("b")) as second:
        server.wait_for(lambda: "b" in server.held)
        with handling(handler, lambda: "x" in server.held and main_is_in(Bed.sleep)):
            assert hold("x") == "x"
    assert results == ["c"]


def test_a_handler_may_wait_for_a_thread_that_closes_the_connection(
    server: ScriptedServer, conn: Connection
) -> None:
    def handler() -> None:
        with in_thread(conn.close) as result:
            result()

    with (
        handling(handler, lambda: "x" in server.held and main_is_in(Watch.wait)),
        pytest.raises(ReqlConnectionLostError),
    ):
        Command("hold", "x").run(conn)
    assert not conn.is_open()


def stuck(conn: Connection) -> bool:
    line = conn._channel._line
    return line is not None and bool(line.output)


def test_an_interrupt_while_the_socket_is_full(server: ScriptedServer, conn: Connection) -> None:
    Command("stall", "s").run(conn, noreply=True)
    server.wait_for(lambda: "s" in server.held)
    with interrupt_when(lambda: stuck(conn)), pytest.raises(Interrupted):
        Command("atom", "x" * 30_000_000).run(conn, noreply=True)
    server.held["s"]()
    assert usable(conn)
    assert server.connections == 1


def test_an_interrupt_of_close_still_closes(server: ScriptedServer, conn: Connection) -> None:
    Command("stall", "s").run(conn, noreply=True)
    server.wait_for(lambda: "s" in server.held)
    with interrupt_when(lambda: True), pytest.raises(Interrupted):
        conn.close()
    server.held["s"]()
    assert not conn.is_open()
    assert conn.client_port() is None


def test_an_interrupt_of_connect() -> None:
    mute = threading.Event()

    def silent(sock: socket.socket) -> None:
        mute.set()
        while sock.recv(1000):
            pass

    with ScriptedServer(on_connect=silent) as server:
        with interrupt_when(mute.is_set), pytest.raises(Interrupted):
            Connection.make("localhost", server.port)
        # The driver hung up: the server's thread ends without being told to.
        server.wait_for_silence()


class InterruptedDecoder:
    """Where an interrupt hits the core at work."""

    def __init__(self, options: Any) -> None:
        """Options do not matter."""

    def decode(self, text: str) -> Any:
        raise Interrupted


def test_an_interrupt_of_the_core_at_work_keeps_the_connection(
    server: ScriptedServer, conn: Connection
) -> None:
    with pytest.raises(Interrupted):
        Command("atom", 1).run(conn, json_decoder=InterruptedDecoder)
    assert usable(conn)
    assert server.connections == 1


class StruckSocket:
    """A socket; a signal handler raises an OSError in one of its calls, the first time."""

    def __init__(self, sock: socket.socket, call: str) -> None:
        self._sock = sock
        self._call = call

    def __getattr__(self, name: str) -> Any:
        if name != self._call:
            return getattr(self._sock, name)
        self._call = ""
        return lambda *_: self._handler(0, sys._getframe())

    def _handler(self, signum: int, frame: Any) -> None:
        raise TimeoutError("the handler's")


@pytest.mark.parametrize("call", ["recv", "send"])
def test_what_a_handler_raises_is_no_error_of_the_socket(
    server: ScriptedServer, conn: Connection, call: str
) -> None:
    struck = conn._channel._line
    assert struck is not None
    struck.socket = StruckSocket(struck.socket, call)  # type: ignore[assignment]
    with pytest.raises(TimeoutError, match="the handler's"):
        Command("atom", 1).run(conn)
    assert usable(conn)
    assert server.connections == 1


def test_what_a_handler_raises_while_the_socket_is_closed(
    server: ScriptedServer, conn: Connection
) -> None:
    struck = conn._channel._line
    assert struck is not None
    struck.socket = StruckSocket(struck.socket, "shutdown")  # type: ignore[assignment]
    with pytest.raises(TimeoutError, match="the handler's"):
        conn.close()
    assert not conn.is_open()
    server.wait_for_silence()


def test_who_reconnects_for_others_is_interrupted_as_he_tells_them(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, ends = Reconnect.end, count()

    def interrupted(under_way: Reconnect, error: BaseException | None) -> None:
        if next(ends) < 2:  # at the end, and as that end is told
            raise Interrupted
        end(under_way, error)

    monkeypatch.setattr(Reconnect, "end", interrupted)
    with pytest.raises(Interrupted):
        conn.reconnect()
    assert conn._reconnect is None
    assert conn.reconnect() is conn


def test_a_thread_waits_with_what_it_has_waited_with_before(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []

    class Counted(Watch):
        def __init__(self, sock: socket.socket, bell: Bell | None = None, **ready: bool) -> None:
            made.append(bell is not None)
            super().__init__(sock, bell, **ready)

    assert usable(conn)
    monkeypatch.setattr(watching, "Watch", Counted)
    assert usable(conn)
    assert usable(conn)
    assert made == []
    with in_thread(lambda: usable(conn) and usable(conn)) as result:
        assert result()
    assert made == [False]  # only the main thread, where handlers run, listens to the bell
    assert usable(conn)
    assert made == [False]


def test_who_is_in_a_step_keeps_no_reconnect_waiting(
    server: ScriptedServer, conn: Connection
) -> None:
    class Reconnecting:
        """As a signal handler in the midst of decoding, which joins another thread's reconnect."""

        def __init__(self, options: Any) -> None:
            """Nothing to take."""

        def decode(self, text: str) -> Any:
            with in_thread(conn.reconnect) as result:
                while conn._reconnect is None:
                    time.sleep(0)
                assert conn.reconnect(noreply_wait=False) is conn
                assert result() is conn
            return json.loads(text)

    with pytest.raises(ReqlConnectionLostError):
        Command("atom", 1).run(conn, json_decoder=Reconnecting)
    assert usable(conn)
    assert server.connections == 2


def test_a_look_notices_what_has_happened_while_nobody_waited(
    server: ScriptedServer, conn: Connection
) -> None:
    struck = conn._channel._line
    assert struck is not None
    conn._look()
    assert conn.is_open()
    server.hang_up()
    assert wait_ready(struck.socket, read=True, write=False, timeout=PATIENCE)
    conn._look()
    assert not conn.is_open()
    conn._look()


# Forking.


def in_child(function: Callable[[], object]) -> str:
    """What a function does in a forked child: its result or error, as text."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = str(function())
        except BaseException as exc:
            text = f"{type(exc).__name__}: {exc}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text


pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork")


def test_a_pool_can_be_looked_at_in_a_forked_child() -> None:
    """It has none of its parent's connections, nor the thread that keeps its numbers."""

    def seen() -> str:
        signal.alarm(20)  # ends a child that waits for ever
        return f"{pool!r} {pool.stats().size} {pool.is_open()}"

    with Server() as server, ConnectionPool(host=server.host, port=server.port) as pool:
        assert r.expr(1).run(pool) == 1
        assert in_child(seen).split("> ")[-1] == "0 True"
        assert pool.stats().size == 1


def test_in_another_process(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a fork, for those who measure coverage."""
    with monkeypatch.context() as patch:
        patch.setattr(PROCESS, "id", 1)
        assert not conn.is_open()
        with pytest.raises(ReqlDriverError, match="from which process 1 was forked"):
            Command("atom", 1).run(conn)
    assert usable(conn)
    with monkeypatch.context() as patch:
        patch.setattr(PROCESS, "id", 1)
        conn.close()
        with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
            Command("atom", 1).run(conn)


def test_after_fork_the_child_is_told(conn: Connection) -> None:
    text = in_child(lambda: Command("atom", 1).run(conn))
    assert text.startswith(f"ReqlDriverError: This connection was made in process {os.getpid()}")
    assert "Connect anew" in text
    assert in_child(conn.is_open) == "False"
    assert usable(conn)


def test_closing_in_the_child_spares_the_parent(conn: Connection) -> None:
    assert in_child(conn.close) == "None"
    assert usable(conn)


def test_reconnecting_in_the_child(conn: Connection) -> None:
    assert in_child(lambda: usable(conn.reconnect())) == "True"
    assert usable(conn)
