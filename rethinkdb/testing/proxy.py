"""A proxy between driver and server that does to the connection what networks do, and worse.

It knows where messages begin and end, so a test says exactly where the link breaks: "after the
server's challenge", "in the middle of the first reply". It also records each query it sees, which
tells what a driver really sent, and can hold back replies, which makes any order of events happen.

    with FaultProxy(server.host, server.port) as proxy:
        proxy.fault = Fault("cut", at="challenge")
        r.connect(port=proxy.port)        # fails in mid-handshake

Everything runs in threads of its own, so it serves any loop.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["PHASES", "Fault", "FaultProxy", "Hangup"]

_CLIENT_PHASES = ("hello", "proof", "query")
_SERVER_PHASES = ("version", "challenge", "verdict", "reply")

#: What a fault may strike: the connection as such, or a kind of message.
PHASES = ("connect", *_CLIENT_PHASES, *_SERVER_PHASES)

_HEADER = struct.Struct("<QI")

_READ_SIZE = 65536
_DELAY = 0.002


class Hangup(Exception):
    """Raised by an action: close the connection, on both sides."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        action: a name in `ACTIONS`.
        at: a name in `PHASES`: the message it happens to. "" is each message from now on.
    """

    action: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.action} at {self.at}" if self.at else self.action


class FaultProxy:
    """Forwards connections to a server, honestly until told otherwise.

    Args:
        host, port: the server.
        tls: speak TLS to clients (not to the server).

    Attributes:
        host, port: where clients connect.
        fault: what goes wrong from now on, on new and old connections; None ends it.
        queries: (type, token) of each query that clients sent.
        held: replies held back by `hold()`.
    """

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.fault: Fault | None = None
        self.queries: list[tuple[int, int]] = []
        self.held: list[tuple[_Link, bytes]] = []
        self.tls = tls
        self._server = (host, port)
        self._holding = False
        self._held_phase = ""
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> FaultProxy:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after a `stop()` on the same port again."""
        self._listener = socket.create_server((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Refuse connections and cut those there are, as a server that stops does."""
        listener, self._listener = self._listener, None
        if listener is not None:
            _hang_up(listener)
            listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._links.clear()

    def cut(self) -> None:
        """Hang up on all clients."""
        for link in list(self._links):
            link.hang_up()

    def hold(self, at: str = "") -> None:
        """Keep back all that the server says from now on.

        Args:
            at: a name in `PHASES`: only messages of that kind. With "reply" clients can connect.
        """
        with self._lock:
            self._holding, self._held_phase = True, at

    def release(self, *, reverse: bool = False) -> None:
        """Deliver what was held back, perhaps last one first, and hold no longer."""
        with self._lock:
            held, self.held, self._holding = self.held, [], False
        for link, message in reversed(held) if reverse else held:
            link.to_client(message)

    def sent(self, kind: int) -> list[int]:
        """The tokens of the queries of a type that clients sent."""
        return [token for type, token in self.queries if type == kind]

    @property
    def clients(self) -> int:
        """How many connections there are."""
        return sum(link.alive for link in self._links)

    def kept(self, link: _Link, phase: str, message: bytes) -> bool:
        """Whether a message of the server is held back."""
        with self._lock:
            keeps = self._holding and self._held_phase in ("", phase)
            if keeps:
                self.held.append((link, message))
            return keeps

    def _spawn(self, function: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        link = _Link(self, client)
        self._links.append(link)
        try:
            if self.fault is not None and self.fault.at == "connect":
                link.struck(self.fault, b"")
            if self.tls is not None:
                link.client = self.tls.wrap_socket(client, server_side=True)
            link.server = socket.create_connection(self._server)
            self._spawn(link.pump_server)
            link.pump_client()
        except (OSError, Hangup):
            link.hang_up()


class _Link:
    """One client's connection, and the one to the server on its behalf."""

    def __init__(self, proxy: FaultProxy, client: socket.socket) -> None:
        self.client = client
        self.server: socket.socket | None = None
        self.alive = True
        self._proxy = proxy
        self._muted = False
        self._over = threading.Event()

    def hang_up(self) -> None:
        self.alive = False
        self._over.set()
        for sock in (self.client, self.server):
            if sock is not None:
                _hang_up(sock)
                sock.close()

    def pump_client(self) -> None:
        assert self.server is not None
        self._pump(self.client, _CLIENT_PHASES, self._to_server)

    def pump_server(self) -> None:
        assert self.server is not None
        self._pump(self.server, _SERVER_PHASES, self._from_server)

    def to_client(self, data: bytes) -> None:
        with suppress(OSError):
            self.client.sendall(data)

    def struck(self, fault: Fault, message: bytes) -> Iterator[bytes]:
        """What becomes of a message; the connection's own end counts as an empty one."""
        pieces = list(ACTIONS[fault.action](message))
        if HANGUP in pieces:
            for piece in pieces[:-1]:
                self.to_client(piece)
            raise Hangup
        if SILENCE in pieces:
            self._muted = True
            return iter(())
        if STANDSTILL in pieces:
            self._over.wait()
            raise Hangup
        return iter(pieces)

    def _pump(
        self, source: socket.socket, phases: tuple[str, ...], send: Callable[[str, bytes], None]
    ) -> None:
        splitter = _Splitter(lines=len(phases) - 1)
        try:
            while data := source.recv(_READ_SIZE):
                for position, message in splitter.feed(data):
                    phase = phases[position]
                    if phase == "query":
                        self._record(message)
                    for piece in self._strike(phase, message):
                        send(phase, piece)
            send(phases[-1], splitter.rest())
        except (OSError, Hangup):
            pass
        finally:
            self.hang_up()

    def _strike(self, phase: str, message: bytes) -> Iterator[bytes]:
        if self._muted:
            return iter(())
        fault = self._proxy.fault
        if fault is None or fault.at not in ("", phase):
            return iter((message,))
        return self.struck(fault, message)

    def _to_server(self, _: str, data: bytes) -> None:
        assert self.server is not None
        self.server.sendall(data)

    def _from_server(self, phase: str, data: bytes) -> None:
        if not self._proxy.kept(self, phase, data):
            self.client.sendall(data)

    def _record(self, message: bytes) -> None:
        token, _ = _HEADER.unpack_from(message)
        kind = json.loads(message[_HEADER.size :])[0]
        self._proxy.queries.append((kind, token))


class _Splitter:
    """Cuts a stream into messages: some lines ending in a zero byte, then frames."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._seen = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The complete messages, each with its number; all frames have the same one."""
        self._buffer += data
        while end := self._end():
            message = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield self._seen, message
            self._seen = min(self._seen + 1, self._lines)

    def rest(self) -> bytes:
        return bytes(self._buffer)

    def _end(self) -> int:
        """The length of the first message; 0 while it is incomplete."""
        if self._seen < self._lines:
            return self._buffer.find(0) + 1
        if len(self._buffer) < _HEADER.size:
            return 0
        end: int = _HEADER.size + _HEADER.unpack_from(self._buffer)[1]
        return end if len(self._buffer) >= end else 0


# What an action yields in place of bytes, last of all.
HANGUP = b"\0HANGUP"
SILENCE = b"\0SILENCE"
STANDSTILL = b"\0STANDSTILL"


def _cut(message: bytes) -> Iterator[bytes]:
    yield HANGUP


def _halve(message: bytes) -> Iterator[bytes]:
    yield message[: len(message) // 2]
    yield HANGUP


def _mute(message: bytes) -> Iterator[bytes]:
    yield SILENCE


def _stall(message: bytes) -> Iterator[bytes]:
    """Read no more: whoever sends finds the line full."""
    yield STANDSTILL


def _split(message: bytes) -> Iterator[bytes]:
    for position in range(len(message)):
        yield message[position : position + 1]


def _delay(message: bytes) -> Iterator[bytes]:
    time.sleep(_DELAY)
    yield message


def _garble(message: bytes) -> Iterator[bytes]:
    """Same length, no sense; a frame keeps its header, a line its end."""
    if message.endswith(b"\0"):
        yield b"?" * (len(message) - 1) + b"\0"
    else:
        yield message[: _HEADER.size] + b"?" * (len(message) - _HEADER.size)


_MISTYPED_LINE = b'{"success":true,"min_protocol_version":[],"authentication":{}}\0'
_MISTYPED_REPLY = b'{"t":18,"r":["boom"],"b":[],"e":[1]}'
_DEEP_REPLY = b'{"t":18,"r":[%s],"b":[]}' % (b"[" * 2000 + b"]" * 2000)
_WORTHLESS_REPLY = b'{"t":1,"r":[{"$reql_type$":"TIME","epoch_time":[]}]}'


def _mistype(message: bytes) -> Iterator[bytes]:
    """JSON whose fields are of the wrong types."""
    yield _MISTYPED_LINE if message.endswith(b"\0") else _with_body(message, _MISTYPED_REPLY)


def _deepen(message: bytes) -> Iterator[bytes]:
    """A reply nested deeper than anybody reads."""
    yield _with_body(message, _DEEP_REPLY)


def _devalue(message: bytes) -> Iterator[bytes]:
    """A reply in order, with a time that is none."""
    yield _with_body(message, _WORTHLESS_REPLY)


def _with_body(message: bytes, body: bytes) -> bytes:
    token, _ = _HEADER.unpack_from(message)
    return _HEADER.pack(token, len(body)) + body


def _misaddress(message: bytes) -> Iterator[bytes]:
    """A reply to nobody's query."""
    token, length = _HEADER.unpack_from(message)
    yield _HEADER.pack(token + 1000, length) + message[_HEADER.size :]


def _overstate(message: bytes) -> Iterator[bytes]:
    """A reply that says it is 4 GiB long."""
    token, _ = _HEADER.unpack_from(message)
    yield _HEADER.pack(token, 0xFFFFFFFF) + message[_HEADER.size :]


#: By name: what a message becomes.
ACTIONS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "cut": _cut,
    "halve": _halve,
    "mute": _mute,
    "stall": _stall,
    "split": _split,
    "delay": _delay,
    "garble": _garble,
    "mistype": _mistype,
    "deepen": _deepen,
    "devalue": _devalue,
    "misaddress": _misaddress,
    "overstate": _overstate,
}


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
