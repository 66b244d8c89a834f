"""`reql run`: the result of one query, for people and for pipes."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from rethinkdb.cli.connecting import add_connection_arguments, open_connection
from rethinkdb.cli.evaluating import query_of
from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.rendering import FORMATS, json_text, table_lines
from rethinkdb.errors import ReqlError
from rethinkdb.net.cursor import BaseCursor

EXTRAS = ("cli",)

_RAW = {"time_format": "raw", "binary_format": "raw"}
_ROWS_OF_TABLE = 500  # of which the widths of a table are taken at a time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("query", help="a query in Python, such as 'r.table(\"users\").count()'")
    add_format_argument(parser)
    parser.add_argument(
        "--raw",
        action="store_true",
        help="times and binary data as the server keeps them, so that rows can be imported",
    )
    parser.add_argument("--db", help="the database of r.table(...)")
    add_connection_arguments(parser)


def add_format_argument(parser: argparse.ArgumentParser) -> None:
    """Declares the option for the format of results."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="json",
        help="of the result: json, ndjson (a value a line), or table (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the query. A changefeed runs until it is interrupted."""
    with open_connection(arguments) as conn:
        if arguments.db:
            conn.use(arguments.db)
        try:
            value = query_of(arguments.query, conn)
            options = _RAW if arguments.raw else {}
            result = value if isinstance(value, BaseCursor) else value.run(conn, **options)
            for text in written(result, arguments.format, shutil.get_terminal_size().columns):
                print(text, flush=True)
        except ReqlError as error:
            # More than one line, to show the place of the error in the query.
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            raise CommandError("the query failed") from error
    return 0


def written(result: Any, format: str, width: int) -> Iterator[str]:
    """A result as lines of text. Each is given as soon as it is known.

    Args:
        result: the result of a query.
        format: one of `FORMATS`.
        width: the width of a table.
    """
    is_sequence = isinstance(result, (list, BaseCursor))
    rows: Iterable[Any] = result if is_sequence else [result]
    if format == "ndjson":
        yield from map(json_text, rows)
    elif format == "table":
        yield from _tables(rows, width)
    elif is_sequence and not (isinstance(result, BaseCursor) and result._stream.is_feed):
        yield from _array(rows)
    elif is_sequence:
        yield from map(json_text, rows)
    else:
        yield json_text(result, indent=2)


def _array(rows: Iterable[Any]) -> Iterator[str]:
    """A JSON array with one row per line. The rows are not all held in memory."""
    last = None
    for row in rows:
        yield "[" if last is None else f"  {last},"
        last = json_text(row)
    if last is None:
        yield "[]"
    else:
        yield f"  {last}"
        yield "]"


def _tables(rows: Iterable[Any], width: int) -> Iterator[str]:
    remaining = iter(rows)
    while part := list(islice(remaining, _ROWS_OF_TABLE)):
        yield from table_lines(part, width)
