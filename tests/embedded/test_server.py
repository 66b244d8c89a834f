"""The server itself: address, start and stop, users, TLS, threads, clients that misbehave."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from rethinkdb import r
from rethinkdb.cli import serve as serve_command
from rethinkdb.cli.signals import Ending
from rethinkdb.embedded import Cluster, Server, limits
from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlPermissionError

from .support import PATIENCE, RawClient, embedded_only

pytestmark = embedded_only


def connect(server: Server, **options: Any) -> Any:
    return r.connect(host=server.host, port=server.port, **options)


# -- address, start, stop


def test_a_server_in_one_line() -> None:
    with Server() as server:
        assert server.port != 0
        assert server.url == f"rethinkdb://127.0.0.1:{server.port}"
        with connect(server) as conn:
            assert r.expr(1).run(conn) == 1
            assert r.db_list().run(conn) == ["rethinkdb", "test"]


def test_a_server_that_was_not_started_has_no_port() -> None:
    server = Server()
    for attribute in ("port", "url"):
        with pytest.raises(RuntimeError, match=r"not been started.*call its start\(\)"):
            getattr(server, attribute)
    assert repr(server) == "<Server 127.0.0.1:0 stopped>"
    assert Server(port=28015).port == 28015
    with pytest.raises(RuntimeError, match="not been started"):
        Cluster(2).addresses  # noqa: B018
    assert repr(Cluster(1)) == "<Cluster 127.0.0.1:0 stopped>"


def test_a_stopped_server_keeps_its_port() -> None:
    """Whoever still has the address finds nobody there, or the same server started again."""
    with Server() as server:
        port = server.port
    assert server.port == port
    with pytest.raises(ReqlDriverError, match=f"127.0.0.1:{port}"):
        connect(server)
    with server, connect(server) as conn:
        assert server.port == port
        assert r.expr(1).run(conn) == 1


def test_ipv6() -> None:
    try:
        server = Server("::1").start()
    except OSError:
        pytest.skip("no IPv6 here")
    assert server.url == f"rethinkdb://[::1]:{server.port}"
    with connect(server) as conn:
        assert r.expr(1).run(conn) == 1
    server.stop()


def test_start_and_stop_twice() -> None:
    server = Server()
    server.stop()
    assert server.start() is server
    port = server.port
    server.start()
    assert server.port == port
    server.stop()
    server.stop()


def test_data_is_kept_across_stop_and_start() -> None:
    server = Server()
    with server, connect(server) as conn:
        r.table_create("kept").run(conn)
    with server, connect(server) as conn:
        assert r.table_list().run(conn) == ["kept"]


def test_the_limit_of_recursion_is_raised_while_a_server_runs() -> None:
    program = """
import sys
from rethinkdb.embedded import Server
usual = sys.getrecursionlimit()
with Server(), Server() as other:
    other.stop()
    assert sys.getrecursionlimit() == 5000 > usual
assert sys.getrecursionlimit() == usual
with Server():
    sys.setrecursionlimit(2000)
assert sys.getrecursionlimit() == 2000
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"host": 5}, TypeError, "`host` must be a str, such as '127.0.0.1', not 5"),
        ({"port": "x"}, TypeError, "`port` must be a whole number from 0 to 65535, not 'x'"),
        ({"port": True}, TypeError, "`port` must be a whole number"),
        ({"port": -1}, ValueError, "`port` must be a whole number from 0 to 65535, not -1"),
        ({"port": 65536}, ValueError, "`port` must be a whole number from 0 to 65535"),
        ({"users": ["ada"]}, TypeError, "`users` must be a dict of names and passwords"),
        ({"users": {5: "secret"}}, TypeError, "The name of a user must be a str, not int"),
        ({"data": 3}, TypeError, "`data` must be the path of a file, not 3"),
        ({"load": 3}, TypeError, "`load` must be the path of a file, not 3"),
    ],
)
def test_arguments_of_a_wrong_type(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        Server(**arguments)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)


def test_two_servers_share_nothing() -> None:
    with Server() as one, Server() as other, connect(one) as conn, connect(other) as conn2:
        r.table_create("mine").run(conn)
        assert r.table_list().run(conn2) == []
        assert conn.server()["id"] != conn2.server()["id"]


def test_an_address_in_use() -> None:
    with Server() as server:
        text = f"cannot listen on 127.0.0.1:{server.port}"
        with pytest.raises(OSError, match=text):
            Server(port=server.port).start()


def test_stopping_leaves_no_thread_and_no_socket() -> None:
    threads = set(threading.enumerate())
    descriptors = _descriptors()
    server = Server().start()
    clients = [RawClient(server.host, server.port) for _ in range(5)]
    for client in clients:
        client.run(1, [173, []])
        client.send(2, [1, [39, [[173, []], [69, [[2, [1]], [19, [[10, [1]], 0]]]]]], {}])
    server.stop()
    assert set(threading.enumerate()) <= threads
    for client in clients:
        client.close()
    assert _descriptors() <= descriptors


def _descriptors() -> set[str]:
    path = Path("/proc/self/fd")
    return set(os.listdir(path)) if path.exists() else set()


def test_stopping_hangs_up_on_clients() -> None:
    server = Server().start()
    with RawClient(server.host, server.port) as client:
        server.stop()
        with pytest.raises((EOFError, OSError)):
            client.run(1, 1)


def test_a_driver_notices_that_the_server_is_gone() -> None:
    server = Server().start()
    conn = connect(server)
    server.stop()
    with pytest.raises(ReqlDriverError):
        r.expr(1).run(conn)
    conn.close(noreply_wait=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_parents_server_alone() -> None:
    with Server() as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        with connect(server) as conn:
            assert r.expr(1).run(conn) == 1


# -- users


def test_the_admins_password() -> None:
    with Server(password="sécret") as server:
        with connect(server, password="sécret") as conn:
            assert r.expr(1).run(conn) == 1
        with pytest.raises(ReqlAuthError, match="Wrong password"):
            connect(server)


def test_other_users_need_permissions() -> None:
    with Server(users={"ada": "x", "grace": ""}) as server, connect(server) as admin:
        r.table_create("t").run(admin)
        with connect(server, user="ada", password="x") as ada:
            assert r.expr(1).run(ada) == 1
            with pytest.raises(ReqlPermissionError):
                r.table("t").run(ada)
            r.db("test").grant("ada", {"read": True}).run(admin)
            assert list(r.table("t").run(ada)) == []
        with connect(server, user="grace") as grace:
            assert r.expr(2).run(grace) == 2
        with pytest.raises(ReqlAuthError, match="Unknown user"):
            connect(server, user="nobody")


def test_users_made_by_queries() -> None:
    with Server() as server, connect(server) as admin:
        users = r.db("rethinkdb").table("users")
        users.insert({"id": "eve", "password": "apple"}).run(admin)
        with connect(server, user="eve", password="apple") as eve:
            assert r.expr(1).run(eve) == 1
        users.get("eve").delete().run(admin)
        with pytest.raises(ReqlAuthError, match="Unknown user"):
            connect(server, user="eve", password="apple")


# -- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> Iterator[tuple[Path, Path, Path]]:
    issued = authority.issue_cert("127.0.0.1", "localhost")
    chain, key, ca = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    chain.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    ca.write_bytes(authority.cert_pem.bytes())
    return chain, key, ca


def test_tls_by_files(certificate: tuple[Path, Path, Path]) -> None:
    chain, key, ca = certificate
    with Server(certfile=chain, keyfile=key) as server:
        with connect(server, ssl={"ca_certs": str(ca)}) as conn:
            big = "x" * 300_000
            assert r.expr(big).run(conn) == big
            assert list(r.range(5000).run(conn)) == list(range(5000))
        with pytest.raises(ReqlDriverError):
            connect(server, timeout=5)


def test_tls_by_context(certificate: tuple[Path, Path, Path]) -> None:
    chain, key, ca = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with Server(ssl_context=context) as server, connect(server, ssl={"ca_certs": str(ca)}) as conn:
        assert r.expr(1).run(conn) == 1


def test_plain_text_to_a_tls_port(certificate: tuple[Path, Path, Path]) -> None:
    chain, key, _ = certificate
    with Server(certfile=chain, keyfile=key) as server:
        plain = socket.create_connection((server.host, server.port), timeout=PATIENCE)
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while plain.recv(1000):
            pass
        plain.close()


def test_a_key_without_a_certificate(certificate: tuple[Path, Path, Path]) -> None:
    with pytest.raises(ValueError, match="`keyfile` needs `certfile`"):
        Server(keyfile=certificate[1])


# -- clients that misbehave


def test_clients_that_are_no_drivers(server: Server) -> None:
    with socket.create_connection((server.host, server.port), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(1000).startswith(b"ERROR: Received an unsupported protocol version.")
        assert client.recv(1000) == b""
    with connect(server) as conn:
        assert r.expr(1).run(conn) == 1


def test_clients_that_leave_early(server: Server) -> None:
    for data in (b"", b"\xc3", b"\xc3\xbd\xc2\x34", b"\xc3\xbd\xc2\x34{\0"):
        with socket.create_connection((server.host, server.port), timeout=PATIENCE) as client:
            client.sendall(data)
    with connect(server) as conn:
        assert r.expr(1).run(conn) == 1


def test_a_client_that_does_not_read(server: Server) -> None:
    row = {"text": "x" * 1000}
    with RawClient(server.host, server.port) as lazy:
        start = r.range(5000).map(lambda _: row).coerce_to("array").build()
        for token in range(3):
            lazy.send(token, [1, start, {}])
        with connect(server) as conn:
            assert r.expr(1).run(conn) == 1
        assert all(len(reply["r"][0]) == 5000 for (reply,) in lazy.replies(3).values())


def test_a_frame_in_pieces(server: Server) -> None:
    with RawClient(server.host, server.port) as client:
        body = b'[1,"' + b"y" * 100 + b'",{}]'
        frame = (7).to_bytes(8, "little") + len(body).to_bytes(4, "little") + body
        for place in range(len(frame)):
            client.socket.sendall(frame[place : place + 1])
        assert client.receive() == (7, {"t": 1, "r": ["y" * 100]})


# -- the command


def serve(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rethinkdb", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_command() -> None:
    with serve("--port", "0", "--password", "x") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("Listening for client driver connections on 127.0.0.1:")
        assert "in memory" in process.stdout.readline()
        port = int(first.strip().rpartition(":")[2])
        with r.connect(host="127.0.0.1", port=port, password="x") as conn:
            assert r.expr(1).run(conn) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_the_command_says_why_it_cannot_serve() -> None:
    with Server() as server, serve("--port", str(server.port)) as process:
        assert process.stdout is not None
        assert f"cannot listen on 127.0.0.1:{server.port}" in process.stdout.read()
        assert process.wait(PATIENCE) == 1


def test_arguments_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    from rethinkdb.cli import main

    for words in ([], ["nonsense"], ["serve", "--port", "x"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("rethinkdb-loops ")


def test_threads_of_reql_serve_take_short_turns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    serve_command.add_arguments(parser)
    turns: list[float] = []
    monkeypatch.setattr(Ending, "wait", lambda self: turns.append(sys.getswitchinterval()))
    before = sys.getswitchinterval()
    assert serve_command.run(parser.parse_args(["--port", "0"])) == 0
    assert turns == [pytest.approx(limits.TURN_SECONDS)]
    assert sys.getswitchinterval() == before
    assert "Listening" in capsys.readouterr().out
