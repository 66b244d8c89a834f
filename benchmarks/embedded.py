"""What things cost on the embedded server, beside a real one and the mocks that people use.

    python -m benchmarks.embedded [--real HOST:PORT] [--rows 100000] [--only COLUMN...]

It prints a table. Run it by hand, on a machine that does nothing else. The embedded server is a
process of its own, except in the first line; the client is the blocking driver. The mocks,
`mockthink` and `rethinkdb-mock`, are installed when they are missing, into a folder beside `.venv`.
They run in the process of the test, without a socket, and have no changefeeds.

A write's time is until the client has its reply. The feeds of the last lines are read by threads of
the client, so what these do counts in part.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

from rethinkdb import r
from rethinkdb.embedded import Server

from .running import add_mocks, embedded_server

MOCKS = {"mockthink": "mockthink", "rethinkdb-mock": "rethinkdb_mock"}
BATCH = 1000
WRITES = 50
DATABASE = "benchmark_of_embedded"
FEEDS: dict[str, Callable[[int], Any]] = {
    "on a key each": lambda number: r.table("fed").get(f"key {number}").changes(),
    "with a filter by a field each": lambda number: r.table("fed").filter({"n": number}).changes(),
    "on the whole table, which all hear of it": lambda number: r.table("fed").changes(),
}

Lines = Iterator[tuple[str, float]]


class Subject(NamedTuple):
    """What is measured: its name, and what gives the lines of its column."""

    name: str
    lines: Callable[[], Lines]


def median(step: Callable[[int], object], count: int) -> float:
    """Seconds that a step takes. It is given its number."""
    taken = []
    for number in range(count):
        begun = time.perf_counter()
        step(number)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def row(number: int) -> dict[str, Any]:
    """A document of some 70 bytes."""
    return {"id": number, "group": number % 1000, "text": "x" * 40}


# --- the lines ------------------------------------------------------------------------------------


def starts() -> Lines:
    """A server from nothing to the first answer, and its end."""

    def use(number: int) -> None:
        with Server() as server, r.connect(host=server.host, port=server.port) as connection:
            r.expr(1).run(connection)

    yield "start in the test's process, ask once, stop", median(use, 20)


def queries(connection: Any, table: Any, rows: int, fill: bool = True) -> Lines:
    """Single queries on a table, which is filled before or here."""
    sign = 1 if fill else -1  # a table that is filled already has the positive numbers

    def insert(number: int) -> None:
        numbers = range(number * BATCH + 1, (number + 1) * BATCH + 1)
        table.insert([row(sign * n) for n in numbers]).run(connection)

    yield "insert 1,000 documents", median(insert, rows // BATCH if fill else 3)
    tries = 1000 if fill else 20
    yield "get a document", median(lambda number: table.get(number).run(connection), tries)
    yield (
        "insert a document",
        median(lambda n: table.insert({**row(n), "id": f"new {n}"}).run(connection), tries),
    )
    yield (
        f"read {rows // 1000} documents by an index",
        median(
            lambda number: list(table.get_all(number, index="group").run(connection)), tries // 10
        ),
    )
    scan = table.filter(r.row["group"] == 7).count()
    yield f"filter {rows:,} documents", median(lambda number: scan.run(connection), 3)


def a_test(connection: Any, table: Any) -> Lines:
    """What a user's test might do: twenty queries on a small table."""

    def twenty(number: int) -> None:
        table.delete().run(connection)
        for n in range(5):
            table.insert({"id": n, "group": n % 2}).run(connection)
        for n in range(5):
            table.get(n).run(connection)
            table.get(n).update({"seen": True}).run(connection)
        for n in range(2):
            list(table.filter({"group": n}).run(connection))
        table.count().run(connection)
        list(table.order_by("group").run(connection))

    yield "a test of 20 queries", median(twenty, 50)


@contextmanager
def open_feeds(
    host: str, port: int, db: str | None, make: Callable[[int], Any], count: int
) -> Iterator[None]:
    """So many feeds on ten connections, each of which is read."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(r.connect(host=host, port=port, db=db)) for _ in range(10)
        ]
        feeds = [make(number).run(connections[number % 10]) for number in range(count)]
        readers = [threading.Thread(target=list, args=(feed,), daemon=True) for feed in feeds]
        for reader in readers:
            reader.start()
        yield
        for feed in feeds:
            feed.close()
        for reader in readers:
            reader.join()


def feeds(host: str, port: int, connection: Any) -> Lines:
    """Writes that changefeeds tell of, or do not."""
    table = r.table("fed")
    r.table_create("fed").run(connection)
    with r.connect(host=host, port=port, db=connection.db) as other:
        feed = table.changes().run(other)

        def write_and_hear(number: int) -> None:
            table.insert({"id": f"heard {number}"}).run(connection)
            next(feed)

        yield "write a document and hear of it on another connection", median(write_and_hear, 200)
        feed.close()
    for count in (100, 1000):
        for name, make in FEEDS.items():
            with open_feeds(host, port, connection.db, make, count):
                yield f"write with {count:,} feeds open {name}", median(_writer(connection), WRITES)


def _writer(connection: Any) -> Callable[[int], object]:
    table = r.table("fed")
    document = {"n": -1, "text": "x" * 40}
    return lambda number: table.insert(document).run(connection)


# --- the columns ----------------------------------------------------------------------------------


def on_embedded(rows: int) -> Lines:
    """The embedded server."""
    yield from starts()
    with embedded_server() as (host, port):
        yield from on_server(host, port, rows)


def on_server(host: str, port: int, rows: int) -> Lines:
    """A server, in a database that is dropped afterwards."""
    with r.connect(host=host, port=port, db=DATABASE) as connection:
        with suppress(r.ReqlOpFailedError):
            r.db_drop(DATABASE).run(connection)
        r.db_create(DATABASE).run(connection)
        try:
            for name in ("rows", "small"):
                r.table_create(name).run(connection)
            table = r.table("rows")
            table.index_create("group").run(connection)
            table.index_wait().run(connection)
            yield from queries(connection, table, rows)
            yield from a_test(connection, r.table("small"))
            yield from feeds(host, port, connection)
        finally:
            r.db_drop(DATABASE).run(connection)


def on_mock(module: str, rows: int) -> Lines:
    """A mock. Its table is filled when it is made, as filling it by queries takes too long."""
    make = import_module(module).MockThink

    def use(number: int) -> None:
        with make({"dbs": {"test": {"tables": {}}}}).connect() as connection:
            r.expr(1).run(connection)

    yield "start in the test's process, ask once, stop", median(use, 20)
    tables = {"rows": [row(number) for number in range(rows + 1)], "small": []}
    with make({"dbs": {"test": {"tables": tables}}}).connect() as connection:
        table = r.db("test").table("rows")
        table.index_create("group").run(connection)
        yield from queries(connection, table, rows, fill=False)
        yield from a_test(connection, r.db("test").table("small"))


def subjects(real: str | None, rows: int) -> Iterator[Subject]:
    """All that there is to be measured."""
    yield Subject("embedded", partial(on_embedded, rows))
    if real is not None:
        host, _, port = real.rpartition(":")
        yield Subject("real server", partial(on_server, host, int(port), rows))
    try:
        add_mocks()
    except subprocess.CalledProcessError as exc:
        print(f"Without the mocks: they cannot be installed ({exc}).", file=sys.stderr)
        return
    for name, module in MOCKS.items():
        yield Subject(name, partial(on_mock, module, rows))


def table_of(columns: dict[str, dict[str, float]]) -> str:
    """The columns as a table in Markdown, in milliseconds."""
    names = dict.fromkeys(name for column in columns.values() for name in column)
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name in names:
        cells = (shown(column.get(name)) for column in columns.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(seconds: float | None) -> str:
    """A time in milliseconds with three digits; nothing if it was not measured."""
    if seconds is None:
        return ""
    milliseconds = seconds * 1000
    digits = 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:,.{digits}f}"


def main() -> None:
    """Prints the table, and each line as soon as it is known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--real", metavar="HOST:PORT", help="a real server to measure as well")
    parser.add_argument("--only", nargs="+", metavar="COLUMN", help="measure these columns only")
    parser.add_argument("--rows", type=int, default=100_000, help="how many documents to scan")
    arguments = parser.parse_args()
    columns: dict[str, dict[str, float]] = {}
    for subject in subjects(arguments.real, arguments.rows):
        if arguments.only is not None and subject.name not in arguments.only:
            continue
        column = columns[subject.name] = {}
        for name, seconds in subject.lines():
            column[name] = seconds
            print(f"{subject.name}: {name}: {shown(seconds)} ms", flush=True)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} processors, load {load:.1f}\n")
    print(table_of(columns))


if __name__ == "__main__":
    main()
