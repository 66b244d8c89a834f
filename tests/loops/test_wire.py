"""The socket under trio and gevent, when it fails."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from rethinkdb.errors import ReqlDriverError
from rethinkdb.loops.transport.sockets import configure
from rethinkdb.loops.transport.wire import Wire
from rethinkdb.net.outflow import MAX_UNSENT
from rethinkdb.net.session import Session
from rethinkdb.net.waiter import Waiter

from .scripted_server import PATIENCE


class PatientWire(Wire):
    """One that nobody waits for."""

    full = False

    def _await_writable(self) -> None:
        self.full = True

    def _stop_waiting(self) -> None:
        """Nobody does."""


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's and a server's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), PATIENCE) as client,
    ):
        server, _ = listener.accept()
        server.settimeout(PATIENCE)
        configure(client)
        with server:
            yield client, server


def reset(sock: socket.socket) -> None:
    """Hang up without a word, which makes the peer's next calls fail."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def cause_of(session: Session) -> BaseException | None:
    error = session.opened.exception()
    assert isinstance(error, ReqlDriverError)
    return error.__cause__


def test_reading_fails(sockets: tuple[socket.socket, socket.socket]) -> None:
    client, server = sockets
    session = Session()
    wire = PatientWire(client, session)
    wire.receive()  # nothing is there yet
    wire.flush()
    assert server.recv(1000)
    reset(server)
    while not wire.over:
        wire.receive()
    assert isinstance(cause_of(session), ConnectionResetError)
    wire.receive()
    wire.flush()
    assert wire.local_address() is None


def test_writing_fails(sockets: tuple[socket.socket, socket.socket]) -> None:
    client, server = sockets
    session = Session()
    wire = PatientWire(client, session)
    server.close()
    client.shutdown(socket.SHUT_WR)
    wire.flush()
    assert wire.over
    assert isinstance(cause_of(session), (EOFError, OSError))


def test_what_the_server_said_before_it_hung_up_is_heard(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    client, server = sockets
    session = Session()
    wire = PatientWire(client, session)
    server.sendall(b"ERROR: go away\n\0")
    server.close()
    client.shutdown(socket.SHUT_WR)
    wire.flush()
    with pytest.raises(ReqlDriverError, match="go away"):
        session.opened.result()


def test_a_full_socket(sockets: tuple[socket.socket, socket.socket]) -> None:
    client, server = sockets
    text = b"x" * 20_000_000

    class Talker(Session):
        """Says a lot, once."""

        said = False

        def data_to_send(self) -> bytes:
            before, self.said = self.said, True
            return b"" if before else text

    wire = PatientWire(client, Talker())
    wire.flush()
    assert wire.full
    received = 0
    while received < len(text):
        received += len(server.recv(1_000_000))
        wire.writable()
    assert received == len(text)
    assert wire.writable()


def test_the_core_is_told_how_much_a_full_socket_has_not_taken(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    client, server = sockets
    session = Session()
    wire = PatientWire(client, session)
    assert session.outflow.held == 0
    session.output += b"x" * 20_000_000
    wire.flush()
    assert session.outflow.held
    waiter: Waiter[None] = Waiter()
    session.outflow.waiting[waiter] = None
    while not wire.writable():
        assert waiter.done() == (session.outflow.held <= MAX_UNSENT)
        server.recv(1_000_000)
    assert waiter.done()
    assert session.outflow.held == 0


def test_who_waits_for_a_turn_gets_it_when_the_socket_takes_more(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    wire = PatientWire(sockets[0], session := Session())
    waiter: Waiter[None] = Waiter()
    session.outflow.waiting[waiter] = None
    wire.flush()
    assert wire.full
    assert not waiter.done()
    assert wire.writable()
    assert waiter.done()
