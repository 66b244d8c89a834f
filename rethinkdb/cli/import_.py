"""`reql import`, also `rethinkdb-import`: files into tables of a server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import monotonic
from typing import Any

from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.rendering import counted
from rethinkdb.cli.tooling import (
    TABLES_HELP,
    add_common_arguments,
    add_loading_arguments,
    loading_options,
    names,
    positive,
    skipping,
    summary,
    task,
)
from rethinkdb.tools.layout import FORMATS
from rethinkdb.tools.rows import MAX_DEPTH, MAX_SIZE

EXTRAS = ("cli", "tools")

_OF_FILES = ("table", "format", "fields", "pkey", "delimiter", "no_header", "custom_header")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    directory = parser.add_argument_group("to import a directory, as export makes it")
    directory.add_argument("-d", "--directory", metavar="DIR", help="the directory")
    directory.add_argument(
        "-i", "--import", action="append", metavar="DB[.TABLE]", default=[], help=TABLES_HELP
    )
    file = parser.add_argument_group("to import a file")
    file.add_argument("-f", "--file", metavar="FILE", help="the file; - is standard input")
    file.add_argument("--table", metavar="DB.TABLE", help="where it goes")
    file.add_argument(
        "--format", choices=FORMATS, help="its format (default: as its name says, else json)"
    )
    file.add_argument("--fields", type=names, metavar="A,B", help="take these only")
    file.add_argument("--pkey", metavar="NAME", help="primary key of a new table (default: id)")
    file.add_argument("--delimiter", metavar="C", help="of csv; \\t is a tab (default: a comma)")
    file.add_argument("--no-header", action="store_true", help="csv without a row of names")
    file.add_argument(
        "--custom-header",
        type=names,
        metavar="A,B",
        help="names of csv, in place of those in its first row",
    )
    add_loading_arguments(parser)
    parser.add_argument(
        "--max-document-size",
        type=positive,
        default=MAX_SIZE,
        metavar="BYTES",
        help="that a row may have (default: %(default)s)",
    )
    parser.add_argument(
        "--max-nesting-depth",
        type=positive,
        default=MAX_DEPTH,
        metavar="N",
        help="levels that a row may have (default: %(default)s)",
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Imports."""
    from rethinkdb.tools.importing import import_

    what = _what(arguments)
    began = monotonic()
    with skipping(arguments) as bad, task(arguments, arguments.clients) as work:
        result = import_(
            work.pool,
            **what,
            max_document_size=arguments.max_document_size,
            max_nesting_depth=arguments.max_nesting_depth,
            on_bad_row=bad,
            on_ignored=lambda path: print(f"ignored: {path}", file=sys.stderr),
            tally=work.tally,
            **loading_options(arguments),
        )
    done = summary(result.rows, result.tables, result.indexes, result.hooks, "imported to")
    work.say(f"  {done}")
    if result.bad:
        work.say(f"  {counted(result.bad, 'bad row')} left out: see {arguments.skip_bad}")
    work.say(f"  Done ({monotonic() - began:.2f} seconds)")
    return 0


def _what(arguments: argparse.Namespace) -> dict[str, Any]:
    """What to import, as arguments of the function."""
    from rethinkdb.tools.failures import ToolError
    from rethinkdb.tools.importing import table_named

    if bool(arguments.directory) == bool(arguments.file):
        raise CommandError("give --directory, or --file with --table", status=2)
    if arguments.directory:
        for name in _OF_FILES:
            if getattr(arguments, name):
                option = name.replace("_", "-")
                raise CommandError(f"--{option} goes with --file, not --directory", status=2)
        return {"directory": arguments.directory, "tables": getattr(arguments, "import")}
    if getattr(arguments, "import"):
        raise CommandError("--import goes with --directory, not --file", status=2)
    if not arguments.table:
        raise CommandError("--file needs --table DB.TABLE", status=2)
    try:
        table_named(arguments.table)
    except ToolError as error:
        raise CommandError(str(error), error.status) from error
    if arguments.file != "-" and not Path(arguments.file).is_file():
        raise CommandError(f"the file {arguments.file} does not exist", status=2)
    return {
        "file": sys.stdin.buffer if arguments.file == "-" else arguments.file,
        "table": arguments.table,
        "format": arguments.format,
        "primary_key": arguments.pkey,
        "fields": arguments.fields,
        "csv": _csv(arguments),
    }


def _csv(arguments: argparse.Namespace) -> Any:
    from rethinkdb.tools.csvrows import CsvOptions
    from rethinkdb.tools.failures import ToolError

    try:
        return CsvOptions(
            arguments.delimiter, header=not arguments.no_header, names=arguments.custom_header
        )
    except ToolError as error:
        raise CommandError(str(error), error.status) from error
