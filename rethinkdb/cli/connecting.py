"""The connection options of the commands, and how the commands connect."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rethinkdb.cli.failures import CommandError
from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.address import read_address

if TYPE_CHECKING:
    from rethinkdb.loops.blocking import Connection, ConnectionPool

_HOST_VARIABLE = "RETHINKDB_HOSTNAME"
_PORT_VARIABLE = "RETHINKDB_DRIVER_PORT"
_USER_VARIABLE = "RETHINKDB_USER"


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options: those of the official package, and `--url`."""
    group = parser.add_argument_group(
        "where to connect",
        "Without any of these RETHINKDB_URL says where, else localhost, port 28015.",
    )
    group.add_argument(
        "-c",
        "--connect",
        metavar="HOST[:PORT]",
        help="host, and driver port, of the server; or a URL",
    )
    group.add_argument("--url", help="rethinkdb://user:password@host:port/db")
    group.add_argument("--host-name", metavar="HOST", help=f"host (also {_HOST_VARIABLE})")
    group.add_argument("--driver-port", metavar="PORT", help=f"port (also {_PORT_VARIABLE})")
    group.add_argument("-u", "--user", help=f"user (also {_USER_VARIABLE}; default: admin)")
    group.add_argument(
        "-p", "--password", action="store_true", help="ask for the password of the user"
    )
    group.add_argument("--password-file", metavar="FILE", help="read the password from this file")
    group.add_argument(
        "--tls-cert", metavar="FILE", help="connect with TLS, and trust these certificates (PEM)"
    )


def connect_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments for `r.connect()`, from the options.

    Raises:
        CommandError: the options contradict one another, or the password file cannot be read.
    """
    try:
        options = _place(arguments)
    except ReqlDriverError as error:
        raise CommandError(str(error), status=2) from error
    user = arguments.user or os.environ.get(_USER_VARIABLE)
    if user:
        options["user"] = user
    password = _password(arguments, options.get("user") or "admin")
    if password is not None:
        options["password"] = password
    if arguments.tls_cert:
        options["ssl"] = {"ca_certs": arguments.tls_cert}
    return options


def _place(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.url and arguments.connect:
        raise CommandError("give --connect or --url, not both", status=2)
    place = arguments.url or arguments.connect
    options = read_address(place, "--url" if arguments.url else "--connect") if place else {}
    host, port = arguments.host_name, arguments.driver_port
    if not place:
        host = host or os.environ.get(_HOST_VARIABLE)
        port = port or os.environ.get(_PORT_VARIABLE)
    if host:
        options.setdefault("host", host)
    if port:
        options.setdefault("port", port)
    return options


def _password(arguments: argparse.Namespace, user: str) -> str | None:
    if arguments.password and arguments.password_file:
        raise CommandError("give --password or --password-file, not both", status=2)
    if arguments.password_file:
        try:
            return Path(arguments.password_file).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"the password file {arguments.password_file} cannot be read: {error}", status=2
            ) from error
    if arguments.password:
        from getpass import getpass

        try:
            return getpass(f"Password for `{user}`: ")
        except EOFError:
            raise CommandError(
                "--password asks for the password, but the input has ended:"
                " use --password-file FILE",
                status=2,
            ) from None
    return None


@contextmanager
def open_pool(arguments: argparse.Namespace, connections: int) -> Iterator[ConnectionPool]:
    """A pool of connections to the server. It survives a restart of the server.

    Args:
        arguments: the arguments of the command.
        connections: the largest number of connections.

    Raises:
        CommandError: the server cannot be reached, or refuses the user. The exit status is 2.
    """
    from rethinkdb.loops.blocking import ConnectionPool

    _open(arguments).close()  # to report errors at once
    # The server handles all queries of a connection on one core: more connections, more cores.
    pool = ConnectionPool(
        max_size=max(connections, 1), per_connection=1, **connect_options_once(arguments)
    )
    try:
        yield pool
    finally:
        pool.close(timeout=0)


@contextmanager
def open_connection(arguments: argparse.Namespace) -> Iterator[Connection]:
    """A connection to the server. See `open_pool`."""
    connection = _open(arguments)
    try:
        yield connection
    finally:
        connection.close(noreply_wait=False)


def connect_options_once(arguments: argparse.Namespace) -> dict[str, Any]:
    """As `connect_options`, but asks for a password only once."""
    if not hasattr(arguments, "_connect_options"):
        arguments._connect_options = connect_options(arguments)
    options: dict[str, Any] = arguments._connect_options
    return dict(options)


def _open(arguments: argparse.Namespace) -> Connection:
    from rethinkdb.loops.blocking import Connection

    try:
        return Connection(**connect_options_once(arguments)).connect()
    except (OSError, ReqlDriverError) as error:
        raise CommandError(" ".join(str(error).split()), status=2) from error
