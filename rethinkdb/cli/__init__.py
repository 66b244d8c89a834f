"""The command `reql`, also `python -m rethinkdb`.

Each subcommand is a module of this package. `COMMANDS` lists them. Such a module has

- `EXTRAS`: the extras of `rethinkdb-loops` that the command needs,
- `add_arguments(parser)`,
- `run(arguments) -> int`, which returns the exit status.

The module imports no optional library at its top. Only `run` imports what the command needs. So
`--help` works without the extras, and `running` can say what to install.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers know better; importing typing would be half of the cost
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "demo": "show ReQL, and live changefeeds on each event loop, on a server of its own",
    "dump": "save tables of a server in an archive",
    "export": "save tables of a server as files of JSON, NDJSON or CSV",
    "import": "load files into tables of a server",
    "index-rebuild": "make secondary indexes anew that an older server has built",
    "repl": "run an interactive Python with the driver and a connection",
    "restore": "load the tables of an archive into a server",
    "run": "run a query, and print its result",
    "serve": "run an embedded server until interrupted",
    "shell": "type queries, and see their results",
    "status": "show servers and tables, and what is wrong with them",
    "top": "show what a cluster is doing, live, and end queries",
    "watch": "show the changes of a table, or of a query, as they happen",
}
"""Subcommands by name. A module has the name of its command, with `_` for `-` (and `import_`)."""

INTERRUPTED = 130
"""The exit status of a program that was ended by Ctrl-C, as in shells."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: the name of the command and its arguments. Default: those of the process.

    Returns:
        The exit status: 0 success, 1 failure, 2 wrong arguments, 130 interrupted.
    """
    try:
        if not hasattr(sys.modules["rethinkdb"], "_DISTRIBUTION"):
            return _overwritten()
        # Imported here, so that Ctrl-C is quiet during imports, too.
        from rethinkdb.cli.running import run_command

        return run_command(argv, COMMANDS)
    except KeyboardInterrupt:
        return INTERRUPTED


def _overwritten() -> int:
    from rethinkdb import installation

    try:
        installation.refuse(__path__[0].removesuffix("cli"))
    except ImportError as exc:
        print(f"reql: {exc}", file=sys.stderr)
    return 1
