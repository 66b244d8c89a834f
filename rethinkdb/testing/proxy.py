"""A proxy between driver and server that breaks the connection where a test says.

The proxy knows where messages begin and end. A test can therefore say exactly where the link
breaks, such as "after the server's challenge" or "in the middle of the first reply". The proxy
also records each query, so a test can check what the driver sent. And it can hold back replies, so
a test can bring events into any order.

    with FaultProxy(server.host, server.port) as proxy:
        proxy.fault = Fault("cut", at="challenge")
        r.connect(port=proxy.port)        # fails in mid-handshake

The proxy runs in its own threads, so it works with any loop.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rethinkdb.testing.proxy_actions import ACTIONS, HANGUP, HEADER, SILENCE, STANDSTILL
from rethinkdb.testing.proxy_framing import Splitter, framed, is_frame, unframed

if TYPE_CHECKING:
    from rethinkdb.embedded.chaos.chaos import Chaos
    from rethinkdb.embedded.serving.taps import Tap

__all__ = [
    "ACTIONS",
    "HANGUP",
    "PHASES",
    "SILENCE",
    "STANDSTILL",
    "Fault",
    "FaultProxy",
    "Hangup",
]

_CLIENT_PHASES = ("hello", "proof", "query")
_SERVER_PHASES = ("version", "challenge", "verdict", "reply")

#: Where a fault may strike: at the connection itself, or at a kind of message.
PHASES = ("connect", *_CLIENT_PHASES, *_SERVER_PHASES)

_NO_LINGER = struct.pack("ii", 1, 0)

_READ_SIZE = 65536


class Hangup(Exception):
    """Raised to close a client's connection, on both sides."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        action: a name in `ACTIONS`.
        at: a name in `PHASES`: the kind of message that it strikes. "" strikes every message.
    """

    action: str
    at: str = ""

    def __str__(self) -> str:
        return f"{self.action} at {self.at}" if self.at else self.action


class FaultProxy:
    """Forwards connections to a server, unchanged unless you set a `fault`.

    Args:
        host, port: the address of the server.
        tls: speak TLS to clients (not to the server).

    Attributes:
        host, port: the address for clients.
        fault: what goes wrong from now on, on new and existing connections. None: nothing.
        queries: (type, token) of each query that clients sent.
        held: the messages that `hold()` keeps back.
    """

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.fault: Fault | None = None
        self.queries: list[tuple[int, int]] = []
        self.held: list[tuple[_Link, bytes]] = []
        self.tls = tls
        self._server = (host, port)
        self._chaos: Chaos | None = None
        self._reserved: socket.socket | None = None
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

    @property
    def chaos(self) -> Chaos:
        """Causes failures, as `Server.chaos` of the embedded server does, but for any server.

        It does not know queries that were sent before this attribute was first read.
        """
        from rethinkdb.embedded.chaos.chaos import Chaos

        with self._lock:
            if self._chaos is None:
                self._chaos = Chaos()
                self._chaos.watch_over(self)
                for link in list(self._links):
                    link.attach(self._chaos)
            return self._chaos

    def refuse(self, refusing: bool) -> None:
        """Stops listening if `refusing`, else listens again. Existing connections stay."""
        from rethinkdb.embedded.serving.listener import reserve_port

        if refusing:
            self._close_door()
            self._reserved = reserve_port(self.host, self.port)
        else:
            self._release_port()
            self.start()

    def _close_door(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            _hang_up(listener)
            listener.close()

    def _release_port(self) -> None:
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            reserved.close()

    def start(self) -> None:
        """Listen. After a `stop()`, the port is the same as before."""
        self._listener = socket.create_server((self.host, self.port))
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Refuse new connections and close the existing ones, as a server does that stops."""
        self._close_door()
        self._release_port()
        self.cut()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._links.clear()

    def cut(self) -> None:
        """Close the connections of all clients."""
        for link in list(self._links):
            link.hang_up()

    def hold(self, at: str = "") -> None:
        """Keep back the messages of the server from now on, until `release()`.

        Args:
            at: a name in `PHASES`: keep back only this kind of message. With "reply", clients can
                still connect. Default: all messages.
        """
        with self._lock:
            self._holding, self._held_phase = True, at

    def release(self, *, reverse: bool = False) -> None:
        """Deliver the messages that were held back, and hold back no more.

        Args:
            reverse: deliver the last one first.
        """
        with self._lock:
            held, self.held, self._holding = self.held, [], False
        for link, message in reversed(held) if reverse else held:
            link.say(message)

    def sent(self, kind: int) -> list[int]:
        """The tokens of the queries of this type that clients sent."""
        return [token for type, token in self.queries if type == kind]

    @property
    def listening(self) -> bool:
        """Whether new connections are accepted."""
        return self._listener is not None

    @property
    def clients(self) -> int:
        """How many connections are open now."""
        return sum(link.alive for link in self._links)

    @property
    def accepted(self) -> int:
        """How many connections were accepted since `start()`."""
        return len(self._links)

    def kept(self, link: _Link, phase: str, message: bytes) -> bool:
        """Holds back a message of the server if `hold` asks for it. Returns whether it did."""
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
            _send_at_once(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        link = _Link(self, client)
        self._links.append(link)
        try:
            if self._chaos is not None:
                link.attach(self._chaos)
                link.wait_until_released()
            if self.fault is not None and self.fault.at == "connect":
                link.struck(self.fault, b"")
            if self.tls is not None:
                link.client = self.tls.wrap_socket(client, server_side=True)
            link.server = socket.create_connection(self._server)
            _send_at_once(link.server)
            self._spawn(link.pump_server)
            link.pump_client()
        except (OSError, Hangup):
            link.hang_up()


class _Link:
    """The connection of one client, and the matching connection to the server."""

    def __init__(self, proxy: FaultProxy, client: socket.socket) -> None:
        self.client = client
        self.server: socket.socket | None = None
        self.alive = True
        self._proxy = proxy
        self._muted = False
        self._over = threading.Event()
        self._tap: Tap | None = None
        self._released = threading.Event()
        self._sending = threading.Lock()

    def attach(self, chaos: Chaos) -> None:
        self._tap = chaos.tap(self, ())
        if self._tap is None:
            self.reset()
            raise Hangup

    def wait_until_released(self) -> None:
        if self._tap is not None and self._tap.holds:
            self._released.wait()

    # -- as an `Outlet` of chaos

    def to_server(self, token: int, payload: bytes) -> None:
        if self.server is not None:
            with suppress(OSError), self._sending:
                self.server.sendall(framed(token, payload))

    def to_client(self, token: int, payload: bytes) -> None:
        with suppress(OSError), self._sending:
            self.client.sendall(framed(token, payload))

    def reset(self) -> None:
        with suppress(OSError):
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.hang_up()

    def release(self) -> None:
        self._released.set()

    def later(self, seconds: float, job: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, job)
        timer.daemon = True
        timer.start()

    # -- as a link of the proxy

    def hang_up(self) -> None:
        self.alive = False
        self._over.set()
        self._released.set()
        if self._tap is not None:
            self._tap.closed()
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

    def say(self, data: bytes) -> None:
        with suppress(OSError):
            self.client.sendall(data)

    def struck(self, fault: Fault, message: bytes) -> Iterator[bytes]:
        """Applies a fault to a message. Gives the pieces to forward."""
        pieces = list(ACTIONS[fault.action](message))
        if HANGUP in pieces:
            for piece in pieces[:-1]:
                self.say(piece)
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
        splitter = Splitter(lines=len(phases) - 1)
        try:
            while data := source.recv(_READ_SIZE):
                for position, message in splitter.feed(data):
                    phase = phases[position]
                    if phase == "query":
                        self._record(message)
                    for piece in self._strike(phase, message):
                        send(phase, piece)
            if rest := splitter.rest():
                send(phases[-1], rest)
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

    def _to_server(self, phase: str, data: bytes) -> None:
        assert self.server is not None
        if self._tap is not None and phase == "query" and is_frame(data):
            self._tap.query(*unframed(data))
        else:
            self.server.sendall(data)

    def _from_server(self, phase: str, data: bytes) -> None:
        if self._proxy.kept(self, phase, data):
            return
        if self._tap is not None and phase == "reply" and is_frame(data):
            self._tap.reply(*unframed(data))
        else:
            self.client.sendall(data)

    def _record(self, message: bytes) -> None:
        token, _ = HEADER.unpack_from(message)
        kind = json.loads(message[HEADER.size :])[0]
        self._proxy.queries.append((kind, token))


def _send_at_once(sock: socket.socket) -> None:
    """Turns off Nagle's algorithm, which would delay a second short message by some 40 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
