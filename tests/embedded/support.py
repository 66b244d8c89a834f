"""What tests of the server share: comparable outcomes, a client that speaks raw frames."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rethinkdb.errors import ReqlError
from rethinkdb.net.client import ClientProtocol
from rethinkdb.net.cursor import IterableCursor
from rethinkdb.net.events import ConnectionLost, FrameReceived, HandshakeCompleted
from tests.trying import REAL_SERVER

PATIENCE = 20.0
"""How long to wait for what must happen. Nothing depends on it but how soon a failure shows."""

embedded_only = pytest.mark.skipif(
    bool(REAL_SERVER), reason="about the embedded server, and RETHINKDB_TEST_SERVER names another"
)

SHARED = Path(
    os.environ.get("RETHINKDB_SHARED", Path(__file__).resolve().parents[2].parent / "shared")
)
"""Recorded answers of a real server, where they lie; tests that need them skip without."""


@dataclass(frozen=True)
class Failure:
    """How a query failed, for comparisons with `outcome`.

    Attributes:
        kind: the class of the error.
        message: its message.
        frames: its backtrace; None is equal to any.
    """

    kind: type[ReqlError]
    message: str
    frames: tuple[int | str, ...] | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Failure):
            return NotImplemented
        return (
            self.kind is other.kind
            and self.message == other.message
            and (None in (self.frames, other.frames) or self.frames == other.frames)
        )


def result(value: Any) -> Any:
    """What a query gave, a cursor read to its end."""
    return list(value) if isinstance(value, IterableCursor) else value


def outcome(conn: Any, term: Any, **options: Any) -> Any:
    """What a query gives, or the `Failure` it ends with.

    Example::

        assert outcome(conn, r.expr(1) + 1) == 2
        assert outcome(conn, r.expr(1) + "a") == Failure(ReqlQueryLogicError, "...", (1,))
    """
    try:
        return result(term.run(conn, **options))
    except ReqlError as error:
        return Failure(type(error), error.message, tuple(error.frames or ()))


class RawClient:
    """A client that sends and receives frames as they are, one connection each.

    Args:
        host, port: of the server.
        user, password: to log in with.
    """

    def __init__(self, host: str, port: int, user: str = "admin", password: str = "") -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._protocol = ClientProtocol(user, password, host=host, port=port)
        self._frames: list[tuple[int, dict[str, Any]]] = []
        self._open = False
        while not self._open:
            self._exchange()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Hangs up."""
        self.socket.close()

    def send(self, token: int, query: Any) -> None:
        """Sends a query: JSON-able, or the bytes of a body."""
        self.send_all([(token, query)])

    def send_all(self, queries: list[tuple[int, Any]]) -> None:
        """Sends several queries at once."""
        for token, query in queries:
            body = query if isinstance(query, bytes) else json.dumps(query).encode()
            self._protocol.send_frame(token, body)
        self.socket.sendall(self._protocol.data_to_send())

    def receive(self) -> tuple[int, dict[str, Any]]:
        """The next reply: token, body."""
        while not self._frames:
            self._exchange()
        return self._frames.pop(0)

    def replies(self, count: int) -> dict[int, list[dict[str, Any]]]:
        """So many replies, by token."""
        found: dict[int, list[dict[str, Any]]] = {}
        for _ in range(count):
            token, body = self.receive()
            found.setdefault(token, []).append(body)
        return found

    def ask(self, token: int, query: Any) -> dict[str, Any]:
        """Sends a query, and gives the next reply, which must be to it."""
        self.send(token, query)
        answered, body = self.receive()
        assert answered == token
        return body

    def run(self, token: int, term: Any, **options: Any) -> dict[str, Any]:
        """The first reply to the START of a term, in wire form."""
        return self.ask(token, [1, term, options])

    def _exchange(self) -> None:
        data = self._protocol.data_to_send()
        if data:  # even sending nothing waits until something could be sent
            self.socket.sendall(data)
        if self._take_events():
            return
        data = self.socket.recv(65536)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._take_events()

    def _take_events(self) -> bool:
        events = self._protocol.events_received()
        for event in events:
            match event:
                case HandshakeCompleted():
                    self._open = True
                case FrameReceived(token, payload):
                    self._frames.append((token, json.loads(payload)))
                case ConnectionLost(cause):
                    raise cause or EOFError("the server hung up")
        return bool(events)


def names(prefix: str) -> Iterator[str]:
    """Names nobody else uses on a server that others may use, too."""
    while True:
        yield f"{prefix}_{uuid.uuid4().hex[:12]}"


def frame(token: int, body: bytes) -> bytes:
    """A frame as it goes over the wire."""
    return struct.pack("<QI", token, len(body)) + body


def start(term: Any, **options: Any) -> bytes:
    """The body of a START of a term in wire form."""
    return json.dumps([1, term, options]).encode()


def in_process(program: str) -> dict[str, Any]:
    """What a program prints as JSON that runs in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        timeout=2.5 * PATIENCE,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found
