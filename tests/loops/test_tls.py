"""TLS on the blocking driver; the layer itself serves every loop."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest
import trustme

from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlDriverError,
    ReqlRuntimeError,
    ReqlTimeoutError,
)
from rethinkdb.loops.blocking import Connection, ConnectionPool
from rethinkdb.loops.transport.tls import make_context
from rethinkdb.net.options import TLSConfig

from .conftest import Certificates
from .scripted_server import PATIENCE, Command, ScriptedServer


@pytest.fixture
def tls_server(certificates: Certificates) -> Iterator[ScriptedServer]:
    with ScriptedServer(tls=certificates.server) as server:
        yield server


@pytest.fixture
def conn(tls_server: ScriptedServer, certificates: Certificates) -> Iterator[Connection]:
    with Connection.make(
        "localhost", tls_server.port, ssl={"ca_certs": certificates.ca_certs}
    ) as connection:
        yield connection


def test_ca_certs(conn: Connection, certificates: Certificates) -> None:
    assert Command("atom", 5).run(conn) == 5
    assert conn.ssl == {"ca_certs": certificates.ca_certs}


def test_own_context(tls_server: ScriptedServer, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.ca_certs)
    with Connection.make("localhost", tls_server.port, ssl=context) as conn:
        assert Command("atom", 5).run(conn) == 5
        assert conn.ssl is context


def test_the_systems_trust_store(
    tls_server: ScriptedServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificates.ca_certs)
    with Connection.make("localhost", tls_server.port, ssl=True) as conn:
        assert Command("atom", 5).run(conn) == 5


def test_an_address_in_the_certificate(
    tls_server: ScriptedServer, certificates: Certificates
) -> None:
    tls = {"ca_certs": Path(certificates.ca_certs)}
    with Connection.make("127.0.0.1", tls_server.port, ssl=tls) as conn:
        assert Command("atom", 5).run(conn) == 5


def test_an_authority_the_system_does_not_trust(tls_server: ScriptedServer) -> None:
    with pytest.raises(ReqlDriverError, match="certificate was refused") as caught:
        Connection.make("localhost", tls_server.port, ssl=True)
    assert str(caught.value).startswith(f"Could not connect to localhost:{tls_server.port}.")
    assert 'ssl={"ca_certs": path}' in str(caught.value)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


def test_a_certificate_for_another_host(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("db.example").configure_cert(context)
    with (
        ScriptedServer(tls=context) as server,
        pytest.raises(ReqlDriverError, match="Hostname mismatch"),
    ):
        Connection.make("localhost", server.port, ssl={"ca_certs": tmp_path / "ca.pem"})


def test_each_of_several_hosts_is_checked_by_its_own_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ScriptedServer(tls=context) as server:
        places = {"hosts": [("localhost", server.port), ("127.0.0.1", server.port)]}
        tls = {"ca_certs": tmp_path / "ca.pem"}
        for _ in range(6):
            with Connection.make(**places, ssl=tls) as conn:
                assert conn.host == "localhost"
        pool = ConnectionPool(**places, ssl=tls, min_size=2, max_size=4)
        down: SimpleQueue[str | None] = SimpleQueue()
        pool.on("down", lambda event: down.put(event.host))
        with pool:
            assert Command("atom", 5).run(pool) == 5
            assert down.get(timeout=PATIENCE) == f"127.0.0.1:{server.port}"
            sizes = {host.host: host.opened for host in pool.stats().hosts}
        assert sizes[f"localhost:{server.port}"] >= 2
        assert sizes[f"127.0.0.1:{server.port}"] == 0


def test_large_values_both_ways(conn: Connection) -> None:
    text = "x" * 5_000_000
    assert Command("atom", text).run(conn) == text


def test_threads(conn: Connection) -> None:
    def work(thread: int) -> bool:
        return all(Command("atom", [thread, n]).run(conn) == [thread, n] for n in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8), timeout=PATIENCE))


def test_feeds_and_timeouts(conn: Connection) -> None:
    feed = Command("feed", "f").run(conn)
    with pytest.raises(ReqlTimeoutError):
        feed.next(wait=0)
    Command("push", "f", [1]).run(conn)
    assert next(feed) == 1


def test_reconnect(conn: Connection) -> None:
    assert Command("atom", 5).run(conn.reconnect()) == 5


def test_loss(tls_server: ScriptedServer, conn: Connection) -> None:
    cursor = Command("feed", "f").run(conn)
    Command("push", "f", [1]).run(conn)
    with pytest.raises(ReqlConnectionLostError, match=r"^Connection is closed\. \w"):
        Command("hang_up").run(conn)
    assert next(cursor) == 1
    with pytest.raises(ReqlRuntimeError, match="Connection is closed"):
        next(cursor)


class Recorder:
    """A TLS server's end, to be told what to do after the client's first bytes."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.goodbye = threading.Event()

    def __call__(self, sock: socket.socket) -> None:
        assert sock.recv(1000)
        getattr(self, self.action)(sock)

    def say_goodbye(self, sock: ssl.SSLSocket) -> None:
        try:
            sock.unwrap()
        finally:
            self.goodbye.set()

    def send_garbage(self, sock: ssl.SSLSocket) -> None:
        raw = socket.socket(fileno=sock.detach())
        raw.sendall(b"this is no TLS record, nor anything else")
        raw.recv(1000)
        raw.close()


def test_the_server_says_goodbye(certificates: Certificates) -> None:
    recorder = Recorder("say_goodbye")
    tls = {"ca_certs": certificates.ca_certs}
    with (
        ScriptedServer(tls=certificates.server, on_connect=recorder) as server,
        pytest.raises(ReqlDriverError, match="handshake was not complete"),
    ):
        Connection.make("localhost", server.port, ssl=tls)
    # The driver said goodbye too, or unwrap() would not have come to an end.
    assert recorder.goodbye.is_set()


def test_bytes_that_are_no_tls(certificates: Certificates) -> None:
    tls = {"ca_certs": certificates.ca_certs}
    with (
        ScriptedServer(tls=certificates.server, on_connect=Recorder("send_garbage")) as server,
        pytest.raises(ReqlDriverError) as caught,
    ):
        Connection.make("localhost", server.port, ssl=tls)
    assert "TLS: " in str(caught.value)


def test_home_made_authorities_are_accepted(certificates: Certificates) -> None:
    context = make_context(TLSConfig(certificates.ca_certs))
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


def test_no_version_in_common(certificates: Certificates) -> None:
    modern = ssl.create_default_context(cafile=certificates.ca_certs)
    modern.minimum_version = ssl.TLSVersion.TLSv1_3
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        ScriptedServer(tls=old) as server,
        pytest.raises(ReqlDriverError, match=r"TLS: .*alert.*version\.$"),
    ):
        Connection.make("localhost", server.port, ssl=modern)
