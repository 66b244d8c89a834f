"""The fault proxy does what the table of faults says it does, and otherwise nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.loops.blocking import Connection
from rethinkdb.net.frames import frame_header
from rethinkdb.ql2 import QueryType
from rethinkdb.testing.proxy import (
    ACTIONS,
    HANGUP,
    PHASES,
    SILENCE,
    Fault,
    FaultProxy,
)

from ..loops.scripted_server import PATIENCE, Command, ScriptedServer

FRAME = frame_header(7, 4) + b"[42]"


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with ScriptedServer() as server, FaultProxy(server.host, server.port) as between:
        yield between


def connect(proxy: FaultProxy) -> Connection:
    return Connection.make(proxy.host, proxy.port, timeout=PATIENCE)


def test_honest_without_a_fault(proxy: FaultProxy) -> None:
    with connect(proxy) as conn:
        assert Command("atom", "x" * 200_000).run(conn) == "x" * 200_000
        assert list(Command("batches", [1], [2]).run(conn)) == [1, 2]
        assert [kind for kind, _ in proxy.queries] == [1, 1, 2]
        assert len(proxy.sent(QueryType.START)) == 2


def test_hold_and_release(proxy: FaultProxy) -> None:
    with connect(proxy) as conn:
        proxy.hold()
        with pytest.raises(ReqlTimeoutError):
            conn._call(conn._session.server, timeout=0.05)
        assert len(proxy.held) == 1
        proxy.release()
        assert conn.server()["name"] == "scripted"


def test_an_end_is_no_message_that_is_held_back(proxy: FaultProxy) -> None:
    with connect(proxy) as conn:
        proxy.hold()
        with pytest.raises(ReqlConnectionLostError):
            Command("hang_up").run(conn)
        assert not proxy.held
    proxy.release()


@pytest.mark.parametrize(
    ("action", "pieces"),
    [
        ("split", [FRAME[n : n + 1] for n in range(len(FRAME))]),
        ("delay", [FRAME]),
        ("garble", [FRAME[:12] + b"????"]),
        ("mistype", [frame_header(7, 36) + b'{"t":18,"r":["boom"],"b":[],"e":[1]}']),
        ("misaddress", [frame_header(1007, 4) + b"[42]"]),
        ("overstate", [frame_header(7, 0xFFFFFFFF) + b"[42]"]),
        ("halve", [FRAME[:8], HANGUP]),
        ("cut", [HANGUP]),
        ("mute", [SILENCE]),
    ],
)
def test_actions(action: str, pieces: list[bytes]) -> None:
    assert list(ACTIONS[action](FRAME)) == pieces


def test_garbled_lines_end_as_lines_do() -> None:
    assert list(ACTIONS["garble"](b"{}\0")) == [b"??\0"]


def test_stop_refuses_and_start_takes_the_same_port(proxy: FaultProxy) -> None:
    port = proxy.port
    proxy.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((proxy.host, port))
    proxy.start()
    assert proxy.port == port
    with connect(proxy) as conn:
        assert Command("atom", 1).run(conn) == 1


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_happens(proxy: FaultProxy, phase: str) -> None:
    proxy.fault = Fault("cut", phase)
    with pytest.raises(ReqlDriverError), connect(proxy) as conn:
        Command("atom", 1).run(conn)
