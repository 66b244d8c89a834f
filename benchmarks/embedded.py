"""What things cost on the embedded server. Run by hand, on a machine that does nothing else:

    python -m benchmarks.embedded

It prints a table. The server is a process of its own, except in the first line; the client is the
blocking driver. A write's time is until the client has its reply. The feeds of the last lines are
read by threads of the client, so what these do counts in part.
"""

from __future__ import annotations

import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rethinkdb import r
from rethinkdb.embedded import Server

from .running import embedded_server

DB = "rethinkdb_benchmarks_embedded"
SCANNED = 100_000
WRITES = 50
FEEDS: dict[str, Callable[[int], Any]] = {
    "on a key each": lambda number: r.table("fed").get(f"key {number}").changes(),
    "with a filter by a field each": lambda number: r.table("fed").filter({"n": number}).changes(),
    "on the whole table": lambda number: r.table("fed").changes(),
}


def median(step: Callable[[int], object], count: int) -> float:
    """Seconds that a step takes. It is given its number."""
    taken = []
    for number in range(count):
        begun = time.perf_counter()
        step(number)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def starts() -> Iterator[tuple[str, float]]:
    """A server from nothing to the first answer, and its end."""

    def use(number: int) -> None:
        with Server() as server, r.connect(host=server.host, port=server.port) as connection:
            r.expr(1).run(connection)

    yield "start a server in the test's process, ask it once, stop it", median(use, 20)


def queries(connection: Any) -> Iterator[tuple[str, float]]:
    """Single queries."""
    table = r.table("rows")
    r.table_create("rows").run(connection)
    table.index_create("group").run(connection)
    table.index_wait().run(connection)
    rows = [{"id": number, "group": number % 1000, "text": "x" * 40} for number in range(SCANNED)]

    def insert(number: int) -> None:
        table.insert(rows[number * 1000 : number * 1000 + 1000]).run(connection)

    yield "insert 1,000 documents", median(insert, SCANNED // 1000)
    yield "get a document", median(lambda number: table.get(number).run(connection), 1000)
    yield (
        "insert a document",
        median(lambda number: table.insert({"id": f"new {number}"}).run(connection), 1000),
    )
    yield (
        "read 100 documents by an index",
        median(lambda number: list(table.get_all(number, index="group").run(connection)), 100),
    )
    scan = table.filter(r.row["group"] == 7).count()
    yield f"filter {SCANNED:,} documents", median(lambda number: scan.run(connection), 3)


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


def feeds(host: str, port: int, connection: Any) -> Iterator[tuple[str, float]]:
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
    row = {"n": -1, "text": "x" * 40}
    return lambda number: table.insert(row).run(connection)


def measured() -> Iterator[tuple[str, float]]:
    """All lines of the table, each as soon as it is known."""
    yield from starts()
    with embedded_server() as (host, port), r.connect(host=host, port=port) as connection:
        yield from queries(connection)
        yield from feeds(host, port, connection)


def compared(real: tuple[str, int] | None) -> list[dict[str, Any]]:
    """The same steps on the embedded server and on a real one, for the page: milliseconds.

    A row is `{"title": ..., "embedded": ..., "real": ...}`; None stands for what was not measured.

    Args:
        real: host and port of a real server; None: only the embedded one is measured.
    """
    found = {title: {"title": title, "embedded": ms * 1000} for title, ms in measured()}
    for title, seconds in () if real is None else _measured_at(*real):
        found[title]["real"] = seconds * 1000
    return [{"embedded": None, "real": None, **row} for row in found.values()]


def _measured_at(host: str, port: int) -> Iterator[tuple[str, float]]:
    """The lines that a server of its own is not needed for, in a database of their own."""
    with r.connect(host=host, port=port, db=DB) as connection:
        if DB in r.db_list().run(connection):
            r.db_drop(DB).run(connection)
        r.db_create(DB).run(connection)
        try:
            yield from queries(connection)
            yield from feeds(host, port, connection)
        finally:
            r.db_drop(DB).run(connection)


def main() -> None:
    """Prints the table."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load:.1f}\n")
    print("| | ms |\n|---|---:|")
    for name, seconds in measured():
        print(f"| {name} | {seconds * 1000:.2f} |", flush=True)


if __name__ == "__main__":
    main()
