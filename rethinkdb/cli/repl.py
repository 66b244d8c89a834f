"""`reql repl`, also `rethinkdb-repl`: Python with the driver and a connection at hand."""

from __future__ import annotations

import argparse
import code
import sys
from contextlib import ExitStack
from typing import Any

from rethinkdb.cli.connecting import add_connection_arguments, connect_options_once
from rethinkdb.cli.signals import interrupted_as_usual
from rethinkdb.errors import ReqlDriverError
from rethinkdb.repl import Repl
from rethinkdb.version import __version__

EXTRAS = ("cli",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print no greeting")
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"rethinkdb-loops {__version__}")
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs an interactive Python until the user exits."""
    import rethinkdb
    from rethinkdb.loops.blocking import Connection

    names: dict[str, Any] = {"r": rethinkdb.r, "rethinkdb": rethinkdb.r}
    options = connect_options_once(arguments)
    with ExitStack() as at_end:
        try:
            connection = at_end.enter_context(Connection(**options).connect())
        except ReqlDriverError as error:
            said = f"Warning: {' '.join(str(error).split())}"
        else:
            names["conn"] = connection.repl()
            at_end.callback(Repl.clear)
            place = f"{connection.host}:{connection.port}"
            said = f"The connection to {place} is `conn`, and queries run on it: r.db_list().run()"
        version = ".".join(map(str, sys.version_info[:3]))
        greeting = "" if arguments.quiet else f"Python {version}, the driver is `r`.\n{said}"
        with interrupted_as_usual():
            code.interact(greeting, local=names, exitmsg="")
    return 0
