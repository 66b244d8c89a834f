"""Everything that can be wrong with a server, a link or an argument, in one table.

Each case ends within its time limit with the documented exception, whose text names host and port
and what to do, and leaves nothing behind: no thread, no socket, no open connection.
"""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from rethinkdb.errors import (
    ReqlAuthError,
    ReqlConnectionLostError,
    ReqlDriverError,
    ReqlRuntimeError,
    ReqlTimeoutError,
)
from rethinkdb.loops.blocking import Connection, ConnectionPool
from rethinkdb.net.options import ReqlUnknownOptionError
from rethinkdb.net.violations import RemoteProtocolError

from .conftest import Certificates
from .scripted_server import Command, ScriptedServer

LIMIT = 0.3
"""The time limit of connections that are to run into it."""

GENEROUS = 10.0
"""What no case may take, on a machine however slow."""


def mute(sock: socket.socket) -> None:
    """Reads, and never answers."""
    while sock.recv(65536):
        pass


def hang_up(sock: socket.socket) -> None:
    """Closes at once."""


def hang_up_later(sock: socket.socket) -> None:
    """Closes when the client has spoken."""
    sock.recv(65536)


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    """Answers whatever the client says, once each, then waits for it to leave."""

    def answer(sock: socket.socket) -> None:
        for data in answers:
            sock.recv(65536)
            sock.sendall(data)
        mute(sock)

    return answer


GREETING = (
    b'{"success":true,"min_protocol_version":0,"max_protocol_version":0,"server_version":"2.4.4"}\0'
)
HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
OLD_SERVER = b"ERROR: Received an unsupported protocol version.\n\0"
NEW_SERVER = b'{"success":true,"min_protocol_version":1,"max_protocol_version":9}\0'
WRONG_NONCE = GREETING + b'{"success":true,"authentication":"r=other,s=AAAA,i=1"}\0'
HALF_A_GREETING = GREETING[:40]


@dataclass(frozen=True)
class Connecting:
    """A connection that cannot be made.

    Attributes:
        name: of the case.
        error: what is raised, exactly this class.
        text: what its message contains, besides host and port.
        server: how the server behaves.
        options: of connect(), besides host, port and timeout.
    """

    name: str
    error: type[Exception]
    text: str
    server: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


CONNECTING = [
    Connecting("mute", ReqlTimeoutError, ", Operation timed out.", {"on_connect": mute}),
    Connecting(
        "silent in mid-handshake",
        ReqlTimeoutError,
        ", Operation timed out.",
        {"on_connect": answering(GREETING)},
    ),
    Connecting(
        "silent in mid-line",
        ReqlTimeoutError,
        ", Operation timed out.",
        {"on_connect": answering(HALF_A_GREETING)},
    ),
    Connecting("hangs up", ReqlDriverError, "handshake was not complete", {"on_connect": hang_up}),
    Connecting(
        "hangs up later",
        ReqlDriverError,
        "handshake was not complete",
        {"on_connect": hang_up_later},
    ),
    Connecting("wrong password", ReqlAuthError, ", Wrong password", options={"password": "wrong"}),
    Connecting("unknown user", ReqlAuthError, ", Unknown user", options={"user": "nobody"}),
    Connecting(
        "HTTP server",
        RemoteProtocolError,
        "An HTTP server answered: 'HTTP/1.1 400 Bad Request'. Connect to the driver port",
        {"on_connect": answering(HTTP)},
    ),
    Connecting(
        "old server",
        RemoteProtocolError,
        "Received an unsupported protocol version.",
        {"on_connect": answering(OLD_SERVER)},
    ),
    Connecting(
        "newer server",
        ReqlDriverError,
        "Unsupported protocol version 0",
        {"on_connect": answering(NEW_SERVER)},
    ),
    Connecting(
        "another protocol",
        RemoteProtocolError,
        "This is no RethinkDB driver port",
        {"on_connect": answering(b"SSH-2.0-OpenSSH_9.6\r\n")},
    ),
    Connecting(
        "noise without end",
        RemoteProtocolError,
        "This is no RethinkDB driver port",
        {"on_connect": answering(b"\xff" * 100_000)},
    ),
    Connecting(
        "an impostor",
        ReqlAuthError,
        "Invalid nonce from server",
        {"on_connect": answering(WRONG_NONCE)},
    ),
    Connecting(
        "TLS to a plain port",
        ReqlDriverError,
        "the server does not speak TLS on this port",
        options={"ssl": True},
    ),
    Connecting(
        "TLS to a mute port",
        ReqlTimeoutError,
        ", Operation timed out.",
        {"on_connect": mute},
        {"ssl": True},
    ),
    Connecting(
        "TLS to a port that hangs up",
        ReqlDriverError,
        "closed the connection during the TLS handshake",
        {"on_connect": hang_up_later},
        {"ssl": True},
    ),
]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Threads end, sockets are closed: one that is not would be reported when it is collected."""
    before = set(threading.enumerate())
    started = time.monotonic()
    yield
    assert time.monotonic() - started < GENEROUS
    assert set(threading.enumerate()) <= before
    gc.collect()


@pytest.mark.parametrize("case", CONNECTING, ids=str)
def test_connecting(case: Connecting) -> None:
    timeout = LIMIT if case.error is ReqlTimeoutError else GENEROUS
    users = {"admin": "right"} if "password" in case.options else None
    with ScriptedServer(users=users, **case.server) as server:
        with pytest.raises(case.error) as caught:
            Connection.make("localhost", server.port, timeout=timeout, **case.options)
        assert type(caught.value) is case.error
        text = str(caught.value)
        assert text.startswith(f"Could not connect to localhost:{server.port}")
        assert case.text in text
        assert isinstance(caught.value, ReqlDriverError)


def test_plain_to_a_tls_port(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.server) as server:
        with pytest.raises(ReqlDriverError) as caught:
            Connection.make("localhost", server.port, timeout=GENEROUS)
        text = str(caught.value)
        assert text.startswith(f"Could not connect to localhost:{server.port}")
        # Either it answered with a TLS alert, or it hung up.
        assert "expect TLS" in text or "The server expects TLS" in text


def test_refused() -> None:
    with ScriptedServer() as server:
        port = server.port
    with pytest.raises(ReqlDriverError) as caught:
        Connection.make("localhost", port, timeout=GENEROUS)
    text = str(caught.value)
    assert text.startswith(f"Could not connect to localhost:{port}. Error: ")
    assert "Connection refused" in text
    assert text.endswith("Is the server running, and is this its port?")
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_unresolvable_host() -> None:
    # `.invalid` never resolves (RFC 6761); the label keeps resolvers from asking anybody.
    with pytest.raises(ReqlDriverError) as caught:
        Connection.make("no-such-host.invalid", 28015, timeout=GENEROUS)
    assert str(caught.value).startswith("Could not connect to no-such-host.invalid:28015. Error: ")
    assert str(caught.value).endswith("Is the name of the host right?")
    assert isinstance(caught.value.__cause__, socket.gaierror)


@pytest.mark.parametrize("tls", [None, True])
@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_a_host_that_is_no_name(host: str, tls: Any) -> None:
    with pytest.raises(ReqlDriverError, match=f"connect to {host}:28015"):
        Connection.make(host, timeout=GENEROUS, ssl=tls)


def test_an_address_that_does_not_answer() -> None:
    # A listener whose queue is full lets further clients wait, as a dropped packet would.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        queued = [socket.socket() for _ in range(4)]
        for sock in queued:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        with pytest.raises(ReqlTimeoutError, match=f"127.0.0.1:{port}, Operation timed out."):
            Connection.make("127.0.0.1", port, timeout=LIMIT)
        for sock in queued:
            sock.close()


def test_missing_certificates() -> None:
    with pytest.raises(ReqlDriverError, match=r"cannot load certificates from '/no/such/ca\.pem'"):
        Connection.make("localhost", 28015, ssl={"ca_certs": "/no/such/ca.pem"})


def test_certificates_that_are_none(tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with pytest.raises(ReqlDriverError, match=r"`ssl\['ca_certs'\]`: cannot load certificates"):
        Connection.make("localhost", 28015, ssl={"ca_certs": tmp_path / "ca.pem"})


@dataclass(frozen=True)
class Answering:
    """A query that is not answered as it should be.

    Attributes:
        name: of the case.
        command: what the server does.
        cause: the class of the `__cause__` of "Connection is closed."
        text: what the cause's message contains.
    """

    name: str
    command: Command
    cause: type[BaseException]
    text: str

    def __str__(self) -> str:
        return self.name


ATOM = '{"t":1,"r":[5]}'

ANSWERING = [
    Answering("server gone", Command("hang_up"), EOFError, "The peer closed the connection"),
    Answering("truncated frame", Command("half_a_frame"), EOFError, "in mid-message"),
    Answering(
        "oversized frame",
        Command("frame", 0, 2**32 - 1, ATOM),
        RemoteProtocolError,
        "Frame too large: the peer announced 4294967295 bytes",
    ),
    Answering(
        "invalid JSON",
        Command("frame", 0, None, '{"t":1,"r":[5'),
        RemoteProtocolError,
        "malformed reply: not JSON",
    ),
    Answering(
        "no JSON object",
        Command("frame", 0, None, "[1]"),
        RemoteProtocolError,
        "malformed reply: not a JSON object",
    ),
    Answering(
        "JSON that is no reply",
        Command("frame", 0, None, '{"hello":"world"}'),
        RemoteProtocolError,
        "malformed reply: no number t",
    ),
    Answering(
        "a value that is none",
        Command("frame", 0, None, '{"t":1,"r":[]}'),
        RemoteProtocolError,
        "malformed reply",
    ),
    Answering(
        "empty body",
        Command("frame", 0, None, ""),
        RemoteProtocolError,
        "malformed reply",
    ),
    Answering(
        "unknown token",
        Command("frame", 7, None, ATOM),
        RemoteProtocolError,
        "Unexpected response received.",
    ),
    Answering(
        "trailing garbage",
        Command("frame", 0, 5, ATOM),
        RemoteProtocolError,
        "malformed reply",
    ),
]


@pytest.mark.parametrize("case", ANSWERING, ids=str)
def test_answering(server: ScriptedServer, case: Answering) -> None:
    with Connection.make("localhost", server.port) as conn:
        bystander = Command("feed", "f").run(conn)
        Command("push", "f", [1]).run(conn)
        with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w") as caught:
            case.command.run(conn)
        assert isinstance(caught.value.__cause__, case.cause)
        assert case.text in str(caught.value.__cause__)
        assert not conn.is_open()
        assert conn.client_port() is None
        assert next(bystander) == 1
        with pytest.raises(ReqlRuntimeError, match=r"^Connection is closed in:\n"):
            next(bystander)
        conn.close()
        assert Command("atom", 5).run(conn.reconnect()) == 5


def test_an_unknown_kind_of_reply_concerns_that_query_only(server: ScriptedServer) -> None:
    with Connection.make("localhost", server.port) as conn:
        with pytest.raises(ReqlDriverError, match="Unknown Response type 99 encountered"):
            Command("frame", 0, None, '{"t":99,"r":[]}').run(conn)
        assert Command("atom", 5).run(conn) == 5


def test_a_value_python_does_not_have_concerns_that_query_only(server: ScriptedServer) -> None:
    beyond = {"$reql_type$": "TIME", "epoch_time": 1e14, "timezone": "+00:00"}
    with Connection.make("localhost", server.port) as conn:
        with pytest.raises((ValueError, OverflowError)):
            Command("atom", beyond).run(conn)
        with pytest.raises(ReqlDriverError, match="Unknown pseudo-type"):
            Command("atom", {"$reql_type$": "NEW"}).run(conn)
        assert Command("atom", 5).run(conn) == 5


def test_a_mute_server_costs_what_wait_allows(server: ScriptedServer) -> None:
    with Connection.make("localhost", server.port) as conn:
        feed = Command("feed", "f").run(conn)
        started = time.monotonic()
        with pytest.raises(ReqlTimeoutError, match=r"^Operation timed out\.$"):
            feed.next(wait=LIMIT)
        assert LIMIT <= time.monotonic() - started < GENEROUS
        assert Command("atom", 5).run(conn) == 5


UNKNOWN = [({"hots": "x"}, "Did you mean `hosts`?"), ({"io_loop": None}, "no option `io_loop`")]


@pytest.mark.parametrize(("options", "text"), UNKNOWN)
def test_unknown_option(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ReqlUnknownOptionError) as caught:
        Connection.make("localhost", **options)
    assert text in str(caught.value)
    assert isinstance(caught.value, ReqlDriverError)
    assert isinstance(caught.value, TypeError)


def test_unknown_option_of_a_pool() -> None:
    with pytest.raises(ReqlUnknownOptionError) as caught:
        ConnectionPool("localhost", maxsiez=3)
    assert str(caught.value).startswith(
        "ConnectionPool() has no option `maxsiez`. Did you mean `max_size`? "
    )


WRONG_TYPES: list[dict[str, Any]] = [
    {"host": 5},
    {"host": "a\0b"},
    {"host": "\ud800"},
    {"port": "abc"},
    {"port": 70000},
    {"db": ["d"]},
    {"user": b"bob"},
    {"password": 5},
    {"auth_key": 5},
    {"timeout": "soon"},
    {"timeout": -1},
    {"ssl": "ca.pem"},
    {"ssl": {"certs": "ca.pem"}},
    {"url": "http://localhost"},
    {"url": 5},
    {"json_encoder": "json"},
    {"json_decoder": 5},
    {"user": "\ud800"},
    {"password": "\ud800"},
]


@pytest.mark.parametrize("options", WRONG_TYPES, ids=str)
def test_wrong_types_are_named(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ReqlDriverError, match=f"(?i){name}"):
        Connection.make(**options)


def test_a_context_for_servers_is_refused_by_name(server: ScriptedServer) -> None:
    wrong = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ReqlDriverError, match="`ssl`"):
        Connection.make("localhost", server.port, ssl=wrong)
