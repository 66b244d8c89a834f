"""`reql top`: what a cluster is doing, live; and a way to end a query."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rethinkdb.cli.connecting import add_connection_arguments, open_connection
from rethinkdb.cli.failures import CommandError
from rethinkdb.cli.rendering import columns, counted, report

EXTRAS = ("cli",)

_CLEAR = "\x1b[H\x1b[2J"
_ALTERNATE, _NORMAL = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--interval",
        type=_seconds,
        default=2.0,
        metavar="SECONDS",
        help="between two looks (default: %(default)s)",
    )
    parser.add_argument("--once", action="store_true", help="look once, and end")
    parser.add_argument("--kill", metavar="ID", help="end the query of this id, and nothing else")
    add_connection_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ends a query (`--kill`), or prints the state once, or shows it live on a terminal."""
    with open_connection(arguments) as conn:
        if arguments.kill:
            _kill(conn, arguments.kill)
            return 0
        if arguments.once or not (sys.stdout.isatty() and sys.stdin.isatty()):
            print("\n".join(screen(looked_at(conn), shutil.get_terminal_size().columns)).rstrip())
            return 0
        with _keys() as next_key:
            _live(conn, next_key, arguments.interval)
    return 0


def _live(conn: Any, next_key: Any, interval: float) -> None:
    killing, said = False, ""
    while True:
        state = looked_at(conn)
        size = shutil.get_terminal_size()
        foot = "number of the query to end: " if killing else f"q: leave   k: end a query   {said}"
        lines = list(screen(state, size.columns))[: size.lines - 2]
        sys.stdout.write(_CLEAR + "\r\n".join([*lines, foot]))
        sys.stdout.flush()
        key, said = next_key(interval), ""
        if key in ("q", "\x03", "\x04"):
            return
        if killing and key.isdecimal():
            said = _kill_numbered(conn, state, int(key))
        killing = key == "k" or (killing and key == "")


def _kill_numbered(conn: Any, state: Mapping[str, Any], number: int) -> str:
    queries = _queries(state)
    if not 1 <= number <= len(queries):
        return f"there is no query {number}"
    try:
        _kill(conn, queries[number - 1]["id"][1])
    except CommandError as error:
        return str(error)
    return f"query {number} was ended"


def _kill(conn: Any, job: str) -> None:
    from rethinkdb import r

    done = r.db("rethinkdb").table("jobs").get(["query", job]).delete().run(conn)
    if not done["deleted"]:
        raise CommandError(f"there is no query {job}: {done.get('first_error', 'it has ended')}")


def looked_at(conn: Any) -> dict[str, Any]:
    """The content of the system tables."""
    from rethinkdb import r

    system = r.db("rethinkdb")
    found: dict[str, Any] = r.expr(
        {
            "jobs": system.table("jobs").coerce_to("array"),
            "stats": system.table("stats").coerce_to("array"),
        }
    ).run(conn)
    return found


def _queries(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    jobs = [job for job in state["jobs"] if job["type"] == "query"]
    own = '"jobs"'  # leave out the query of this command itself
    others = [job for job in jobs if own not in str(job["info"].get("query", ""))]
    return sorted(others, key=lambda job: -(job.get("duration_sec") or 0))


def screen(state: Mapping[str, Any], width: int) -> Iterator[str]:
    """The state as text."""
    servers = [["server", "queries/s", "clients", "read docs/s", "written docs/s", "cache MB"]]
    for row in state["stats"]:
        if row["id"][0] == "server" and "query_engine" in row:
            engine = row["query_engine"]
            storage = row.get("storage_engine", {})
            cache = storage.get("cache", {}).get("in_use_bytes", 0)
            servers.append(
                [
                    str(row.get("server", "")),
                    f"{engine.get('queries_per_sec', 0):,.1f}",
                    str(engine.get("clients_active", engine.get("client_connections", ""))),
                    f"{engine.get('read_docs_per_sec', 0):,.1f}",
                    f"{engine.get('written_docs_per_sec', 0):,.1f}",
                    f"{cache / 1e6:,.1f}",
                ]
            )
    yield from report(counted(len(servers) - 1, "server"), columns(servers, width - 2))
    queries = [["", "seconds", "user", "client", "id", "query"]]
    for number, job in enumerate(_queries(state), 1):
        info = job["info"]
        queries.append(
            [
                str(number),
                f"{job.get('duration_sec') or 0:,.2f}",
                str(info.get("user", "")),
                f"{info.get('client_address', '')}:{info.get('client_port', '')}",
                str(job["id"][1]),
                " ".join(str(info.get("query", "")).split()),
            ]
        )
    yield from report(
        counted(len(queries) - 1, "running query", "running queries"), columns(queries, width - 2)
    )
    others = [job for job in state["jobs"] if job["type"] != "query"]
    rows = [["job", "seconds", "table", "progress"]]
    for job in others:
        info = job["info"]
        progress = info.get("progress")
        rows.append(
            [
                job["type"],
                f"{job.get('duration_sec') or 0:,.2f}",
                f"{info.get('db', '')}.{info.get('table', '')}",
                "" if progress is None else f"{progress:.0%}",
            ]
        )
    yield from report(counted(len(others), "other job"), columns(rows, width - 2))


@contextmanager
def _keys() -> Iterator[Any]:
    """Reads single keys from the terminal. Gives a function that waits for a key.

    Raises:
        CommandError: this system cannot read single keys.
    """
    try:
        import select
        import termios
        import tty
    except ImportError as error:
        raise CommandError("live views need a POSIX terminal: use --once") from error
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def next_key(seconds: float) -> str:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        return sys.stdin.read(1) if ready else ""

    from rethinkdb.cli.signals import at_end

    def restore() -> None:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stdout.write(_NORMAL)
        sys.stdout.flush()

    with at_end(restore):
        tty.setcbreak(descriptor)
        sys.stdout.write(_ALTERNATE)
        try:
            yield next_key
        finally:
            restore()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 3600:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds
