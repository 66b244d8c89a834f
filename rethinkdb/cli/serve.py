"""`reql serve`: an embedded server in a process of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.signals import Ending
from rethinkdb.net.options import DEFAULT_PORT

if TYPE_CHECKING:
    from rethinkdb.embedded import Server

EXTRAS = ("embedded",)

HIGHEST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--host", "--bind", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        "--driver-port",
        type=_port,
        default=DEFAULT_PORT,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--data", metavar="FILE", help="keep the data in this file (default: in memory only)"
    )
    parser.add_argument("--password", default="", help="of the user admin (default: none)")
    parser.add_argument(
        "--tls-cert", metavar="FILE", help="certificate (PEM): clients must use TLS"
    )
    parser.add_argument("--tls-key", metavar="FILE", help="its key, unless it is in the same file")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGINT, SIGTERM or SIGHUP."""
    if arguments.tls_key and not arguments.tls_cert:
        raise CommandError("--tls-key needs --tls-cert, the certificate of that key", status=2)
    made = _server(arguments)
    with _short_turns(), Ending() as ending, made as server:
        print(f"Listening for client driver connections on {server.host}:{server.port}")
        if arguments.data is None:
            print("All data is in memory: it is gone when this server stops.", flush=True)
        else:
            print(f"Data is kept in {arguments.data}.", flush=True)
        ending.wait()
    return 0


@contextmanager
def _short_turns() -> Iterator[None]:
    from rethinkdb.embedded import limits

    before = sys.getswitchinterval()
    sys.setswitchinterval(limits.TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _server(arguments: argparse.Namespace) -> Server:
    from rethinkdb.embedded import Server

    return Server(
        arguments.host,
        arguments.port,
        password=arguments.password,
        certfile=arguments.tls_cert,
        keyfile=arguments.tls_key,
        data=arguments.data,
    )


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: give a number from 0 to 65535")
    return port
