"""`reql restore`, also `rethinkdb-restore`: the tables of an archive into a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import monotonic

from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.rendering import counted
from rethinkdb.cli.tooling import (
    TABLES_HELP,
    add_common_arguments,
    add_loading_arguments,
    loading_options,
    skipping,
    task,
)

EXTRAS = ("cli", "tools")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("file", metavar="FILE", help="the archive; - is standard input")
    parser.add_argument(
        "-i", "--import", action="append", metavar="DB[.TABLE]", default=[], help=TABLES_HELP
    )
    add_loading_arguments(parser)
    parser.add_argument(
        "--verify", action="store_true", help="read the tables back, and compare them"
    )
    parser.add_argument(
        "--temp-dir",
        metavar="DIR",
        help="where a table waits whose information comes behind its rows, from a pipe",
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restores."""
    from rethinkdb.tools.restoring import restore

    from_stdin = arguments.file == "-"
    if not from_stdin and not Path(arguments.file).is_file():
        raise CommandError(f"the archive {arguments.file} does not exist", status=2)
    if arguments.temp_dir and not Path(arguments.temp_dir).is_dir():
        raise CommandError(f"the directory {arguments.temp_dir} does not exist", status=2)
    began = monotonic()
    with skipping(arguments) as bad, task(arguments, arguments.clients) as work:
        result = restore(
            work.pool,
            sys.stdin.buffer if from_stdin else arguments.file,
            tables=getattr(arguments, "import"),
            verify=arguments.verify,
            on_bad_row=bad,
            temp_dir=arguments.temp_dir,
            tally=work.tally,
            **loading_options(arguments),
        )
    rows, tables = counted(result.rows, "row"), counted(result.tables, "table")
    work.say(f"  {rows} imported to {tables} in {monotonic() - began:.2f} secs")
    if arguments.verify:
        work.say("  verified: the tables hold just what the archive holds")
    if result.bad:
        work.say(f"  {counted(result.bad, 'bad row')} left out: see {arguments.skip_bad}")
    return 0
