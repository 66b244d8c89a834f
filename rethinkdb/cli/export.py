"""`reql export`, also `rethinkdb-export`: tables of a server as files."""

from __future__ import annotations

import argparse
import sys
from time import monotonic

from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.tooling import (
    TABLES_HELP,
    add_common_arguments,
    add_reading_arguments,
    names,
    summary,
    task,
    took,
)
from rethinkdb.tools.layout import FORMATS

EXTRAS = ("cli", "tools")

COMPRESSIONS = {"gz": "gzip", "zst": "zstd"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "-d",
        "--directory",
        metavar="DIR",
        help="a new directory, with a file for each table (default: rethinkdb_export_TIME)",
    )
    parser.add_argument(
        "-f", "--file", metavar="FILE", help="one file, for one table; - is standard output"
    )
    parser.add_argument(
        "-e", "--export", action="append", metavar="DB[.TABLE]", default=[], help=TABLES_HELP
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="json, an array; ndjson, an object a line; or csv (default: as the name of --file "
        "says, else json)",
    )
    parser.add_argument("--compress", choices=COMPRESSIONS, help="compress the files")
    parser.add_argument(
        "--fields", type=names, metavar="A,B", help="these only, of one table; needed for csv"
    )
    parser.add_argument("--delimiter", metavar="C", help="of csv; \\t is a tab (default: a comma)")
    add_reading_arguments(parser, overwrite_help="replace a file of the name of --file")
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exports."""
    from rethinkdb.tools.exporting import export

    if arguments.file and arguments.directory:
        raise CommandError("give --directory or --file, not both", status=2)
    to_stdout = arguments.file == "-"
    began = monotonic()
    with task(arguments, arguments.clients, quiet=to_stdout) as work:
        result = export(
            work.pool,
            arguments.directory,
            file=sys.stdout.buffer if to_stdout else arguments.file,
            tables=arguments.export,
            format=arguments.format,
            compression=COMPRESSIONS.get(arguments.compress),
            fields=arguments.fields,
            delimiter=arguments.delimiter,
            clients=arguments.clients,
            overwrite=arguments.overwrite_file,
            read_outdated=arguments.read_outdated,
            tally=work.tally,
        )
    work.say(f"  {summary(result.rows, result.tables, result.indexes, result.hooks)}")
    work.say(f"  Done ({took(began)})")
    return 0
