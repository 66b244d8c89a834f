"""Dialling and waiting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb.loops.transport import sockets

from .scripted_server import PATIENCE, ScriptedServer


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, two = socket.socketpair()
    with one, two:
        yield one, two


Wait = Callable[[socket.socket, bool, bool, "float | None"], bool]


@pytest.fixture(params=["_wait_poll", "_wait_select"])
def wait(request: pytest.FixtureRequest) -> Wait:
    """Both ways of waiting: select() is for Windows, but works here too."""
    chosen: Wait = getattr(sockets, request.param)
    return chosen


def test_waiting(wait: Wait, pair: tuple[socket.socket, socket.socket]) -> None:
    one, two = pair
    assert not wait(one, True, False, 0)
    assert wait(one, False, True, 0)
    assert wait(one, True, True, None)
    two.send(b"x")
    assert wait(one, True, False, None)


def test_a_closed_socket_is_ready(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].close()
    assert sockets.wait_ready(pair[0], read=True, write=False, timeout=None)


def test_a_hung_up_socket_is_ready(wait: Wait, pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    assert wait(pair[0], True, False, PATIENCE)


def test_remaining() -> None:
    assert sockets.remaining(None) is None
    assert sockets.remaining(time.monotonic() - 5) == 0
    assert 0 < (sockets.remaining(time.monotonic() + PATIENCE) or 0) <= PATIENCE


def test_a_deadline_that_has_passed() -> None:
    with pytest.raises(TimeoutError):
        sockets.dial("localhost", 28015, time.monotonic() - 1)


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        good = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))
        bad = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [bad, good])
        with sockets.dial("db.example", port, time.monotonic() + PATIENCE) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)


def test_a_host_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(OSError, match=r"db\.example has no address"):
        sockets.dial("db.example", 28015, time.monotonic() + PATIENCE)


@pytest.fixture
def mute_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """db.example is looked up for ever; the event is set once that begins."""
    asked, over = threading.Event(), threading.Event()
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, flags: int = 0, **kwargs: Any) -> list[Any]:
        if host != "db.example":  # a thread of another test
            return look_up(host, *args, flags=flags, **kwargs)
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "not a number")
        asked.set()
        over.wait(PATIENCE)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    over.set()


def test_a_name_is_not_looked_up_for_longer_than_the_deadline(
    mute_name_server: threading.Event,
) -> None:
    with pytest.raises(TimeoutError):
        sockets.dial("db.example", 28015, time.monotonic() + 0.05)
    assert mute_name_server.is_set()


def test_an_interrupt_ends_looking_up(mute_name_server: threading.Event) -> None:
    def handler(*_: object) -> None:
        raise Interrupted

    def interrupt() -> None:
        mute_name_server.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGUSR1)

    previous = signal.signal(signal.SIGUSR1, handler)
    sender = threading.Thread(target=interrupt)
    sender.start()
    try:
        with pytest.raises(Interrupted):
            sockets.dial("db.example", 28015, time.monotonic() + PATIENCE)
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, previous)


def test_looking_up_needs_no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subinterpreters allow none."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("daemon threads are disabled in this (sub)interpreter")

    monkeypatch.setattr(threading, "Thread", refuse)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with sockets.dial("localhost", port, time.monotonic() + PATIENCE) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)


CONNECT = """
from rethinkdb.loops.blocking import Connection

def connect():
    with Connection.make("localhost", PORT) as conn:
        print(conn.server()["name"])
"""

SUBINTERPRETER = f"""
import _interpreters

program = '''{CONNECT}
connect()'''
failure = _interpreters.run_string(_interpreters.create(), program)
assert failure is None, failure
"""

AT_EXIT = f"""
import atexit
{CONNECT}
atexit.register(connect)
"""


def output_of(program: str, port: int) -> str:
    command = [sys.executable, "-c", program.replace("PORT", str(port))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python has no isolated subinterpreters")
def test_in_a_subinterpreter(server: ScriptedServer) -> None:
    assert output_of(SUBINTERPRETER, server.port) == "scripted\n"


def test_as_the_interpreter_ends(server: ScriptedServer) -> None:
    assert output_of(AT_EXIT, server.port) == "scripted\n"


@pytest.mark.parametrize("host", ["nobody.invalid", "a..b", "", "127.0.0.1\0"])
def test_names_that_nobody_has(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011
        sockets.dial(host, 1, time.monotonic() + PATIENCE)


class Interrupted(BaseException):
    """Like KeyboardInterrupt."""


def test_an_interrupt_while_dialling_leaves_no_socket() -> None:
    def handler(*_: object) -> None:
        raise Interrupted

    previous = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        queue = [socket.socket() for _ in range(4)]  # fills up, so that the next one must wait
        for sock in queue:
            sock.setblocking(False)
            sock.connect_ex(address)
        try:
            timer.start()
            with pytest.raises(Interrupted):
                sockets.dial("127.0.0.1", address[1], time.monotonic() + PATIENCE)
        finally:
            timer.join()
            signal.signal(signal.SIGUSR1, previous)
            for sock in queue:
                sock.close()


def test_the_systems_keepalive_as_far_as_a_system_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as sock:
        monkeypatch.setattr(sockets, "KEEPALIVE", sockets.KernelKeepalive(7, 5, 3))
        sockets.keep_alive(sock)
        found = [
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        ]
        assert found == [7, 5, 3]
    with socket.socket() as sock:
        monkeypatch.delattr(socket, "TCP_KEEPIDLE")
        monkeypatch.setattr(socket, "TCP_KEEPINTVL", 12345)  # known by name only
        sockets.keep_alive(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3


def test_what_the_peer_has_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            assert sockets.unacknowledged(sock) == 0
            sock.setblocking(False)
            sent = 0
            while sent < 50_000_000:
                try:
                    sent += sock.send(bytes(1_000_000))
                except BlockingIOError:
                    break
            assert 0 < sockets.unacknowledged(sock) <= sent
    sock.close()
    assert sockets.unacknowledged(sock) == 0
