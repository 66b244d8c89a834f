"""`reql watch`: the changes of a table, or of a query, as they happen."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from rethinkdb.cli.connecting import add_connection_arguments, open_pool
from rethinkdb.cli.evaluating import query_of
from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.rendering import change_line, json_text
from rethinkdb.errors import ReqlError
from rethinkdb.net.cursor import BaseCursor

EXTRAS = ("cli",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("what", help="TABLE, DB.TABLE, or a query in Python")
    parser.add_argument("--initial", action="store_true", help="show what is there, at first")
    parser.add_argument(
        "--json", action="store_true", help="print each change as JSON, a line each"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="end after so many changes")
    parser.add_argument("--db", help="the database of TABLE, and of r.table(...)")
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Watches until it is interrupted. If the server goes away, waits until it is back."""
    with open_pool(arguments, 2) as pool:
        try:
            feed = _feed(arguments, pool)
            shown = json_text if arguments.json else change_line
            for number, change in enumerate(feed, 1):
                print(shown(change), flush=True)
                if number == arguments.limit:
                    feed.close()  # before the pool, which would resume it elsewhere
                    return 0
        except ReqlError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            raise CommandError("the feed ended") from error
    return 0


def _feed(arguments: argparse.Namespace, pool: Any) -> Any:
    from rethinkdb import r

    what = arguments.what
    if what.replace(".", "", 1).replace("_", "").replace("-", "").isalnum():
        db, dot, table = what.rpartition(".")
        query: Any = r.db(db).table(table) if dot else r.table(table)
    else:
        query = query_of(what, pool)
    if isinstance(query, BaseCursor):  # the user's code has already run it
        return query
    if type(query).__name__ != "Changes":
        query = query.changes(include_initial=arguments.initial)
    options = {"db": arguments.db} if arguments.db else {}
    return query.run(pool, resume="restart", **options)
