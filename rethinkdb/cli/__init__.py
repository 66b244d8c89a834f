"""The command `reql`, also `python -m rethinkdb`.

Each subcommand is a module of this package with two functions: `add_arguments(parser)` and
`run(arguments) -> int`, the exit status. `COMMANDS` names them with one line of help each; they are
imported only when they are asked for.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from rethinkdb.version import __version__

COMMANDS = {
    "demo": "show ReQL, and live changefeeds on each event loop, on a server of its own",
    "serve": "run an embedded server until interrupted",
}
"""Subcommands by name. The module of a command has its name, with `_` for `-`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: its name and arguments; those of the process if not given.

    Returns:
        The exit status: 0 all well, 1 it failed, 2 the arguments are wrong, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(words)
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return 130
    return status


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reql", description="Tools around RethinkDB.")
    parser.add_argument("--version", action="version", version=f"rethinkdb-loops {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    asked_for = next((word for word in words if not word.startswith("-")), None)
    for name, help_text in COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=help_text)
        if name == asked_for:
            module = importlib.import_module(f"rethinkdb.cli.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
