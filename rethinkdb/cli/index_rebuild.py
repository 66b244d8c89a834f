"""`reql index-rebuild`, also `rethinkdb-index-rebuild`: makes outdated indexes anew."""

from __future__ import annotations

import argparse
from time import monotonic

from rethinkdb.cli.tooling import TABLES_HELP, add_common_arguments, positive, task, took

EXTRAS = ("cli",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "-r", "--rebuild", action="append", metavar="DB[.TABLE]", default=[], help=TABLES_HELP
    )
    parser.add_argument(
        "-n",
        dest="concurrent",
        type=positive,
        default=1,
        metavar="N",
        help="indexes built at once (default: %(default)s)",
    )
    parser.add_argument(
        "--force", action="store_true", help="rebuild those too that are up to date"
    )
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Rebuilds."""
    from rethinkdb.tools.rebuilding import index_rebuild

    began = monotonic()
    with task(arguments, arguments.concurrent) as work:
        index_rebuild(
            work.pool,
            tables=arguments.rebuild,
            concurrent=arguments.concurrent,
            force=arguments.force,
            on_found=lambda found: work.say(
                f"Rebuilding {len(found)} {'index' if len(found) == 1 else 'indexes'}: "
                + ", ".join(f"`{index}`" for index in found)
            ),
            tally=work.tally,
        )
    work.say(f"Done ({took(began)})")
    return 0
