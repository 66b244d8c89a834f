"""Waiting for a socket or for a bell, with poll() and, as on Windows, with select()."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from rethinkdb.loops.blocking.watch import Bell, Watch


@pytest.fixture(params=["poll", "select"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "select":
        monkeypatch.delattr(select, "poll", raising=False)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    yield bell
    bell.close()


def fill(sock: socket.socket) -> None:
    """Send until no more is taken."""
    sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            sock.send(bytes(65536))


def test_reading(pair: tuple[socket.socket, socket.socket], bell: Bell) -> None:
    ours, theirs = pair
    watch = Watch(ours, bell)
    assert not watch.wait(0)
    theirs.send(b"x")
    assert watch.wait(None)
    assert watch.wait(0)
    ours.recv(1)
    assert not watch.wait(0)


def test_writing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    watch = Watch(ours, read=False, write=True)
    assert watch.wait(None)
    fill(ours)
    assert not watch.wait(0)


def test_reading_or_writing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    fill(ours)
    watch = Watch(ours, write=True)
    assert not watch.wait(0)
    theirs.send(b"x")
    assert watch.wait(None)


def test_what_is_not_asked_for_is_not_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert not Watch(ours).wait(0)  # though it could be written
    fill(ours)
    theirs.send(b"x")
    assert not Watch(ours, read=False, write=True).wait(0)  # though it could be read


def test_the_end_of_the_other_side(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    assert Watch(ours).wait(None)


def test_a_closed_socket_is_ready(pair: tuple[socket.socket, socket.socket], bell: Bell) -> None:
    ours, _ = pair
    ours.close()
    assert Watch(ours, bell).wait(None)


def test_a_bell_ends_one_wait(pair: tuple[socket.socket, socket.socket], bell: Bell) -> None:
    watch = Watch(pair[0], bell)
    bell.ring()
    bell.ring()
    assert watch.wait(None)
    assert not watch.wait(0)
    bell.ring()
    assert watch.wait(None)


def test_a_bell_beside_the_socket(pair: tuple[socket.socket, socket.socket], bell: Bell) -> None:
    ours, theirs = pair
    watch = Watch(ours, bell)
    bell.ring()
    theirs.send(b"x")
    assert watch.wait(None)
    ours.recv(1)
    assert not watch.wait(0)


def test_a_bell_that_is_closed_or_never_hushed(bell: Bell) -> None:
    for _ in range(5_000):  # more than the system keeps
        bell.ring()
    bell.hush()
    bell.close()
    bell.ring()
    bell.hush()
