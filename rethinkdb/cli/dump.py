"""`reql dump`, also `rethinkdb-dump`: tables of a server in an archive."""

from __future__ import annotations

import argparse
import sys
from time import monotonic

from rethinkdb.cli.tooling import (
    TABLES_HELP,
    add_common_arguments,
    add_reading_arguments,
    summary,
    task,
    took,
)

EXTRAS = ("cli", "tools")

NOTE = """NOTE: this saves data, secondary indexes, and write hooks, but does *not* save
cluster metadata. You will need to recreate your cluster setup yourself after
you run 'rethinkdb-restore'."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        help="the archive, compressed as its name says: .tar.gz, .tar.zst or .tar; - is standard "
        "output (default: rethinkdb_dump_TIME.tar.gz)",
    )
    parser.add_argument(
        "-e", "--export", action="append", metavar="DB[.TABLE]", default=[], help=TABLES_HELP
    )
    add_reading_arguments(parser, overwrite_help="replace a file of that name")
    parser.add_argument(
        "--temp-dir",
        metavar="DIR",
        help="where a big table waits until it is complete, if the archive goes to a pipe",
    )
    parser.add_argument(
        "--verify", action="store_true", help="read the archive back, and compare it"
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Dumps."""
    from rethinkdb.tools.dumping import dump

    to_stdout = arguments.file == "-"
    began = monotonic()
    with task(arguments, arguments.clients, quiet=to_stdout) as work:
        work.say(NOTE)
        result = dump(
            work.pool,
            sys.stdout.buffer if to_stdout else arguments.file,
            tables=arguments.export,
            clients=arguments.clients,
            overwrite=arguments.overwrite_file,
            read_outdated=arguments.read_outdated,
            temp_dir=arguments.temp_dir,
            verify=arguments.verify,
            tally=work.tally,
        )
    work.say(f"    {summary(result.rows, result.tables, result.indexes, result.hooks)}")
    if arguments.verify:
        work.say("    verified: the archive holds just what was read")
    work.say(f"Done ({took(began)}): {result.path}")
    return 0
