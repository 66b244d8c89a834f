"""Where commands connect, and as whom: options, environment, password files, TLS."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import trustme

from rethinkdb import r
from rethinkdb.cli import main
from rethinkdb.cli.connecting import add_connection_arguments, open_pool
from rethinkdb.embedded import Server

VARIABLES = ("RETHINKDB_URL", "RETHINKDB_HOSTNAME", "RETHINKDB_DRIVER_PORT", "RETHINKDB_USER")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(password="se/cret") as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def works(*words: str) -> int:
    return main(["run", "r.expr(1)", *words])


def test_options(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("se/cret\n")
    port, file = str(server.port), ["--password-file", str(secret)]
    assert works("-c", f"127.0.0.1:{port}", *file) == 0
    assert works("--host-name", "127.0.0.1", "--driver-port", port, *file, "-u", "admin") == 0
    assert works("--url", f"rethinkdb://admin:se%2Fcret@127.0.0.1:{port}/test") == 0
    assert works("-c", f"127.0.0.1:{port}") == 2
    assert "Wrong password" in capsys.readouterr().err
    assert works("-c", f"127.0.0.1:{port}", *file, "-u", "nobody") == 2
    assert "Unknown user" in capsys.readouterr().err


def test_a_password_that_is_typed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return "se/cret"

    monkeypatch.setattr("getpass.getpass", getpass)
    assert works("-c", f"127.0.0.1:{server.port}", "-p", "--user", "admin") == 0
    assert asked == ["Password for `admin`: "]


def test_a_password_that_cannot_be_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def getpass(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", getpass)
    assert works("-c", f"127.0.0.1:{server.port}", "-p") == 2
    said = "--password asks for the password, but the input has ended: use --password-file FILE"
    assert said in capsys.readouterr().err


def test_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("se/cret")
    monkeypatch.setenv("RETHINKDB_HOSTNAME", "127.0.0.1")
    monkeypatch.setenv("RETHINKDB_DRIVER_PORT", str(server.port))
    assert works("--password-file", str(secret)) == 0
    monkeypatch.setenv("RETHINKDB_USER", "nobody")
    assert works("--password-file", str(secret)) == 2
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RETHINKDB_URL", f"rethinkdb://:se%2Fcret@127.0.0.1:{server.port}")
    assert works() == 0
    monkeypatch.setenv("RETHINKDB_URL", "nonsense://")
    assert works() == 2


def test_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with Server(certfile=str(tmp_path / "server.pem")) as server:
        place = ["-c", f"localhost:{server.port}"]
        assert works(*place, "--tls-cert", str(tmp_path / "authority.pem")) == 0
        assert works(*place, "--tls-cert", str(tmp_path / "server.pem")) == 2


def connecting_to(server: Server) -> Namespace:
    parser = ArgumentParser()
    add_connection_arguments(parser)
    return parser.parse_args(["-c", f"{server.host}:{server.port}"])


def test_each_query_of_a_command_has_a_connection_of_its_own() -> None:
    """Because the server handles all queries of a connection on one core."""
    came = Event()

    def first(question: Any) -> bool:
        came.set()
        return "DB_LIST" in str(question.terms).upper()

    with Server() as server, ThreadPoolExecutor() as threads:
        arguments = connecting_to(server)
        with open_pool(arguments, 2) as pool:
            with server.chaos.mute(match=first):
                waiting = threads.submit(r.db_list().run, pool)
                came.wait()
                assert r.expr(1).run(pool) == 1
                assert pool.stats().size == 2
            assert waiting.result()
