"""Shared parts of the commands for dumps and exports."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import IO, Any

from rethinkdb.cli.connecting import add_connection_arguments, open_pool
from rethinkdb.cli.displaying import MODES, Display
from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.rendering import counted
from rethinkdb.cli.signals import at_end
from rethinkdb.errors import ReqlError
from rethinkdb.tools.failures import BadRow, ToolError
from rethinkdb.tools.outputs import remove_pending
from rethinkdb.version import __version__

TABLES_HELP = "a database, or a table; may be given several times (default: all tables)"


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of all these commands."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    parser.add_argument(
        "--progress",
        choices=MODES,
        default="auto",
        help="how to show progress, on stderr: bars, a line every five seconds, or a line of JSON "
        "every second (default: bars on a terminal, else lines)",
    )
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"rethinkdb-loops {__version__}")
    add_connection_arguments(parser)


def add_reading_arguments(parser: argparse.ArgumentParser, overwrite_help: str) -> None:
    """Declares the options of the commands that read a server and write files."""
    parser.add_argument(
        "--clients",
        type=positive,
        default=3,
        metavar="N",
        help="tables read at once (default: %(default)s)",
    )
    parser.add_argument("--overwrite-file", action="store_true", help=overwrite_help)
    parser.add_argument(
        "--read-outdated", action="store_true", help="let replicas answer that lag behind"
    )


def add_loading_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of the commands that write to a server."""
    parser.add_argument(
        "--clients",
        type=positive,
        default=8,
        metavar="N",
        help="queries under way at once, and so tables at most (default: %(default)s)",
    )
    parser.add_argument(
        "--hard-durability", action="store_true", help="wait until rows are on disk"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="write to tables that exist, too, and replace rows of the same keys",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="take up what was broken off: write to tables that exist, too, and leave rows of the "
        "same keys as they are",
    )
    parser.add_argument(
        "--no-secondary-indexes",
        action="store_true",
        help="make no secondary indexes and no write hooks",
    )
    parser.add_argument("--shards", type=positive, metavar="N", help="shards of new tables")
    parser.add_argument("--replicas", type=positive, metavar="N", help="replicas of new tables")
    parser.add_argument(
        "--skip-bad",
        metavar="FILE",
        help="write rows that cannot be used to this file, and go on (default: stop at the first)",
    )
    # An option of the official package. Here the size of the rows decides about batches.
    parser.add_argument("--batch-size", type=positive, help=argparse.SUPPRESS)
    parser.add_argument("--writers-per-table", type=positive, help=argparse.SUPPRESS)


def loading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The loading options as arguments for the functions of `rethinkdb.tools`."""
    return {
        "clients": arguments.clients,
        "hard_durability": arguments.hard_durability,
        "force": arguments.force,
        "resume": arguments.resume,
        "secondary_indexes": not arguments.no_secondary_indexes,
        "shards": arguments.shards,
        "replicas": arguments.replicas,
    }


def positive(text: str) -> int:
    """Parses a number that must be 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 1 up")
    return int(text)


def names(text: str) -> list[str]:
    """Parses names that are separated by commas."""
    found = text.split(",")
    if not all(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of names, such as a,b,c")
    return found


class Task:
    """What a command needs to run a tool.

    Attributes:
        pool: connections to the server.
        display: shows the progress. Pass `display.tally` to the tool.
    """

    def __init__(self, pool: Any, display: Display, quiet: bool) -> None:
        self.pool = pool
        self.display = display
        self.tally = display.tally
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Prints a text, unless the command is quiet."""
        if not self._quiet:
            print(text, flush=True)


@contextmanager
def task(arguments: argparse.Namespace, connections: int, *, quiet: bool = False) -> Iterator[Task]:
    """Connects, and shows the progress during the block. An error is shown as one line.

    Args:
        arguments: the arguments of the command.
        connections: the largest number of connections.
        quiet: print only errors, even if the user did not ask for that.
    """
    quiet = quiet or arguments.quiet
    try:
        with at_end(remove_pending), open_pool(arguments, connections) as pool:
            display = Display(
                "none" if quiet and arguments.progress == "auto" else _mode(arguments)
            )
            with display:
                yield Task(pool, display, quiet)
    except BrokenPipeError:
        raise  # the reader of the output has stopped reading
    except (ToolError, ReqlError, OSError) as error:
        if arguments.debug:
            traceback.print_exc()
        raise CommandError(*_told(error)) from error


def _mode(arguments: argparse.Namespace) -> str:
    return "none" if arguments.quiet else str(arguments.progress)


def _told(error: Exception) -> tuple[str, int]:
    if isinstance(error, ToolError):
        return str(error), error.status
    if isinstance(error, OSError) and error.strerror:
        return (f"{error.filename}: " if error.filename else "") + error.strerror, 1
    return " ".join(str(error).split()), 1


class SkippedRows:
    """Writes bad rows to a file unchanged, and reports the error of each on stderr.

    Args:
        path: the file. It must not exist.
        prog: the name of the command.
    """

    def __init__(self, path: str, prog: str) -> None:
        if Path(path).exists():
            raise CommandError(f"{path} exists already: --skip-bad makes a new file", status=2)
        self._path = path
        self._prog = prog
        self._file: IO[bytes] | None = None

    def __call__(self, row: BadRow) -> None:
        """Writes and reports a bad row."""
        if self._file is None:
            self._file = Path(self._path).open("xb")  # noqa: SIM115  # see close
        self._file.write(row.text + b"\n")
        print(f"{self._prog}: left out: {row}", file=sys.stderr)

    def close(self) -> None:
        """Closes the file, if it was opened."""
        if self._file is not None:
            self._file.close()


@contextmanager
def skipping(arguments: argparse.Namespace) -> Iterator[Callable[[BadRow], None] | None]:
    """The function that handles bad rows. None if the first one ends the work."""
    if not arguments.skip_bad:
        yield None
        return
    skipped = SkippedRows(arguments.skip_bad, arguments.prog)
    try:
        yield skipped
    finally:
        skipped.close()


def summary(rows: int, tables: int, indexes: int, hooks: int, done: str = "exported from") -> str:
    """The summary of the work, in the words of the official package."""
    return (
        f"{counted(rows, 'row')} {done} {counted(tables, 'table')}, with "
        f"{counted(indexes, 'secondary index', 'secondary indexes')}, and "
        f"{counted(hooks, 'hook function')}"
    )


def took(since: float) -> str:
    """The time since a value of `monotonic()`, as text."""
    return f"{monotonic() - since:.2f} seconds"
