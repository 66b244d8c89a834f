"""`reql serve`: an embedded server in a process of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from rethinkdb.embedded.server import Server
from rethinkdb.net.options import DEFAULT_PORT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--host", "--bind", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        "--driver-port",
        type=int,
        default=DEFAULT_PORT,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument("--password", default="", help="of the user admin (default: none)")
    parser.add_argument(
        "--tls-cert", metavar="FILE", help="certificate (PEM): clients must use TLS"
    )
    parser.add_argument("--tls-key", metavar="FILE", help="its key, unless it is in the same file")


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM."""
    try:
        server = Server(
            arguments.host,
            arguments.port,
            password=arguments.password,
            certfile=arguments.tls_cert,
            keyfile=arguments.tls_key,
        ).start()
    except (OSError, ValueError) as exc:
        print(f"reql serve: {exc}", file=sys.stderr)
        return 1
    print(f"Listening for client driver connections on {server.host}:{server.port}")
    print("All data is in memory: it is gone when this server stops.", flush=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    server.stop()
    return 0
