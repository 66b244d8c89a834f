"""What is measured: the works, the loops that do them, the growth curves, the aims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

__all__ = [
    "AIMS",
    "DRIVERS",
    "GROWTHS",
    "LOOPS",
    "TABLES",
    "WORKS",
    "Aim",
    "Growth",
    "Task",
    "Work",
]

#: A bare socket, this driver, and the `rethinkdb` package of PyPI.
DRIVERS = ("limit", "ours", "official")

#: Loops that a worker knows how to run; uvloop is asyncio's adapter on another event loop.
LOOPS = ("blocking", "asyncio", "uvloop", "tornado", "twisted", "trio", "gevent")

VALUES = ("blocking", "gevent")
AWAITABLES = ("asyncio", "uvloop", "tornado", "twisted", "trio")

#: Tables that are read, each with the kind of document of that name; see `worker/documents.py`.
TABLES = ("plain", "dated", "small")


class Aim(NamedTuple):
    """What was promised of one work on one loop."""

    over_limit: float | None = None  # at most so many times the limit
    over_official: float | None = None  # at least so many times faster than the official package
    wall_over_official: float | None = None  # the same of the time that passes
    over_asyncio: float | None = None  # at most so many times what it costs on asyncio
    ours: float | None = None  # at most so many of its unit
    over_connection: float | None = None  # at most so many times a connection's plain query
    batches: float | None = None  # at most so many of the server's batches, raw and decoded
    loop_libraries: float | None = None  # at most so many of them imported


class Task(NamedTuple):
    """One measurement, as the worker's arguments have it."""

    driver: str  # one of DRIVERS
    loop: str
    does: str
    items: int
    spread: int
    table: str  # one of TABLES


@dataclass(frozen=True)
class Work:
    """One row group of the results.

    Attributes:
        does: the function of the worker modules that does it.
        limit: the work of the worker module `limit` to compare with; None where there is no limit.
        share: its number of items, as a share of `--items`.
        loops: where it makes sense.
        table: which kind of document it reads or writes.
        spread: queries in flight, threads or feeds, as the work has them.
        official: the share of the items that the official package handles, where it takes too long;
            0 where it cannot do that at all.
        beside: the work that does the same on a connection, and without what is measured here.
        field: what of a measurement is reported.
        unit: with `scale` units in a second, or in a KiB.
    """

    name: str
    title: str
    does: str
    limit: str | None
    share: float
    loops: tuple[str, ...] = LOOPS
    table: str = "plain"
    spread: int = 1
    official: float = 1
    beside: str | None = None
    field: str = "cpu"
    unit: str = "µs"
    scale: float = 1e6

    def items(self, base: int) -> int:
        """How many items one measurement handles."""
        return max(1, int(base * self.share))

    def tasks(self, loops: Iterable[str], items: int) -> Iterator[Task]:
        """What to run for it: the limit, then both drivers on each of the loops."""
        if self.limit:
            yield self.task("limit", "limit", items)
        for loop in loops:
            if loop in self.loops:
                yield self.task("ours", loop, items)
                if self.official:
                    yield self.task("official", loop, items)

    def task(self, driver: str, loop: str, items: int) -> Task:
        """What to run for one driver on one loop."""
        if driver == "limit":  # one and the same measurement for all loops
            return Task(driver, driver, self.limit or "", items, self.spread, self.table)
        if driver == "official":
            items = max(1, int(items * self.official))
        return Task(driver, loop, self.does, items, self.spread, self.table)


# Scans run on all items; works whose item is a round trip get fewer, to take about as long.
WORKS: dict[str, Work] = {
    work.name: work
    for work in (
        Work(
            "import", "`import rethinkdb`", "imported", None, 0, ("blocking",), unit="ms", scale=1e3
        ),
        Work(
            "import-query",
            "import and build a first query",
            "imported_query",
            None,
            0,
            ("blocking",),
            unit="ms",
            scale=1e3,
        ),
        Work("connect", "connect and close", "connect", "connect", 5e-4),
        Work("scan-for", "scan, `for` or `async for`", "scan_for", "scan", 1),
        Work("scan-next", "scan, `fetch_next()` and `next()`", "scan_next", "scan", 1),
        Work("scan-list", "scan into a list", "scan_list", "scan_list", 1),
        Work(
            "scan-structs",
            "scan into a list of msgspec structs",
            "scan_structs",
            "scan_list",
            1,
            ("blocking", "asyncio"),
            official=0,
        ),
        Work(
            "scan-dataclasses",
            "scan into a list of dataclasses",
            "scan_dataclasses",
            "scan_list",
            1,
            ("blocking", "asyncio"),
            official=0,
        ),
        Work(
            "scan-for-dated", "scan-for, a datetime in each", "scan_for", "scan", 0.2, table="dated"
        ),
        Work(
            "scan-next-dated",
            "scan-next, a datetime in each",
            "scan_next",
            "scan",
            0.2,
            table="dated",
        ),
        Work(
            "scan-list-dated",
            "scan-list, a datetime in each",
            "scan_list",
            "scan_list",
            0.2,
            table="dated",
        ),
        Work(
            "scan-for-small",
            "scan-for, flat documents of 100 bytes",
            "scan_for",
            "scan",
            1,
            ("blocking", "asyncio"),
            table="small",
        ),
        Work(
            "memory",
            "peak memory of scan-for",
            "scan_for",
            "scan",
            1,
            field="beside",
            unit="KiB",
            scale=1,
        ),
        Work(
            "memory-list",
            "peak memory of scan-list beside the list",
            "scan_list",
            "scan_list",
            1,
            field="beside",
            unit="KiB",
            scale=1,
        ),
        Work("get", "get by key, one at a time", "get", "get", 0.02),
        Work(
            "get-64",
            "get by key, 64 in flight",
            "get_spread",
            "get_spread",
            0.05,
            (*AWAITABLES, "gevent"),
            spread=64,
        ),
        Work(
            "get-pool",
            "get, on a pool",
            "get_on_pool",
            "get",
            0.02,
            official=0,
            beside="get",
        ),
        Work(
            "get-64-pool",
            "get-64, on a pool",
            "get_spread_on_pool",
            "get_spread",
            0.05,
            (*AWAITABLES, "gevent"),
            spread=64,
            official=0,
            beside="get-64",
        ),
        Work(
            "get-64-deadline",
            "get-64, each with a deadline",
            "get_spread_by_deadline",
            "get_spread",
            0.05,
            (*AWAITABLES, "gevent"),
            spread=64,
            official=0,
            beside="get-64",
        ),
        Work(
            "get-64-keepalive",
            "get-64, on a connection with keepalive",
            "get_spread_kept_alive",
            "get_spread",
            0.05,
            (*AWAITABLES, "gevent"),
            spread=64,
            official=0,
            beside="get-64",
        ),
        Work(
            "get-64-counted",
            "get-64, with a listener that counts",
            "get_spread_counted",
            "get_spread",
            0.05,
            (*AWAITABLES, "gevent"),
            spread=64,
            official=0,
            beside="get-64",
        ),
        Work(
            "listener",
            "what a listener that counts adds to a query",
            "listener",
            None,
            1,
            ("blocking",),
            official=0,
            field="added",
        ),
        Work(
            "get-threads",
            "get by key, 8 threads on one connection",
            "get_spread",
            "get_threads",
            0.02,
            ("blocking",),
            spread=8,
        ),
        Work(
            "insert-batch",
            "insert, batches of 1,000",
            "insert_batch",
            "insert_batch",
            0.05,
            official=0.4,
        ),
        Work(
            "insert-batch-dated",
            "insert-batch, a datetime in each",
            "insert_batch",
            "insert_batch",
            0.05,
            table="dated",
            official=0.4,
        ),
        Work(
            "insert-batch-small",
            "insert-batch, flat documents of 100 bytes",
            "insert_batch",
            "insert_batch",
            0.05,
            ("blocking", "asyncio"),
            table="small",
            official=0.4,
        ),
        Work("insert-one", "insert, one at a time", "insert_one", "insert_one", 0.01),
        Work("feed", "changefeed delivery, one change at a time", "feed", "feed", 0.03),
        Work("feed-burst", "changefeed delivery, many at once", "feed_burst", "feed_burst", 0.1),
        *(
            Work(
                f"{feed}-{way}",
                f"{feed}, {told}",
                f"{feed.replace('-', '_')}_{way}",
                feed.replace("-", "_"),
                share,
                ("blocking", "asyncio"),
                official=0,
                beside=feed,
            )
            for feed, share in (("feed", 0.03), ("feed-burst", 0.1))
            for way, told in (
                ("restart", '`resume="restart"`'),
                ("diff", '`resume="diff"`'),
                ("digests", '`remember="digests"`'),
            )
        ),
        *(
            Work(
                f"remember-{way}",
                f"memory of a row that a feed remembers, {way}",
                f"remember_{way}",
                None,
                1,
                ("asyncio",),
                table="small",
                official=0,
                field="remembered",
                unit="bytes",
                scale=1024,
            )
            for way in ("rows", "digests")
        ),
        Work("build", "build a query of 20 terms", "build", "build", 0.1, ("blocking",)),
        Work("dump", "`rethinkdb-dump`", "dump", None, 1, ("blocking",)),
        Work("restore", "`rethinkdb-restore`", "restore", None, 1, ("blocking",)),
    )
}

# A row of the aims that names no loop holds for every loop.
AIMS: dict[tuple[str, str], Aim] = {
    (work, loop): aim
    for works, loops, aim in (
        (("import", "import-query"), ("blocking",), Aim(over_official=3, loop_libraries=0)),
        (("scan-for",), VALUES, Aim(1.15, 2.2)),
        (("scan-list",), LOOPS, Aim(1.15, 2.2)),
        (("scan-for",), AWAITABLES, Aim(1.4, 2)),
        (("scan-next",), ("tornado", "twisted"), Aim(2.5, 2.5)),
        (("scan-for-dated", "scan-next-dated", "scan-list-dated"), LOOPS, Aim(over_official=2)),
        (("memory", "memory-list"), LOOPS, Aim(batches=2)),
        (("get",), ("blocking",), Aim(1.25, 1.2)),
        (("get-64",), ("asyncio",), Aim(1.7, 2.2)),
        (("get-64",), ("tornado", "twisted"), Aim(over_official=2.2, over_asyncio=1.3)),
        (("get-pool",), ("blocking",), Aim(over_connection=1.15)),
        (("listener",), ("blocking",), Aim(ours=2)),
        (
            ("get-64-pool", "get-64-deadline", "get-64-keepalive", "get-64-counted"),
            ("asyncio", "twisted"),
            Aim(over_connection=1.1),
        ),
        (("insert-batch",), LOOPS, Aim(1.5, 40)),
        (("insert-batch-dated",), LOOPS, Aim(over_official=5)),
        (("feed", "feed-burst"), ("asyncio", "twisted"), Aim(over_official=2)),
        (("dump",), ("blocking",), Aim(over_official=1 / 0.2, wall_over_official=1 / 0.4)),
        (("restore",), ("blocking",), Aim(over_official=1 / 0.08, wall_over_official=1 / 0.55)),
        (
            tuple(
                f"{feed}-{way}"
                for feed in ("feed", "feed-burst")
                for way in ("restart", "diff", "digests")
            ),
            ("blocking", "asyncio"),
            Aim(over_connection=1.3),
        ),
    )
    for work in works
    for loop in loops
}


@dataclass(frozen=True)
class Growth:
    """A curve: the cost per item of one work as something grows."""

    name: str
    title: str
    work: Work
    sizes: tuple[int, ...]
    loops: tuple[str, ...]
    grows: str  # "items" or "spread"

    def at(self, size: int) -> tuple[Work, int]:
        """The work to run for one point of the curve, and its number of items."""
        if self.grows == "items":
            return self.work, size
        # Each of the queries or feeds should have something to do.
        return replace(self.work, spread=size), max(size, 3000)


GROWTHS: tuple[Growth, ...] = (
    Growth(
        "documents",
        "documents in a scan",
        # Small ones, of which a million are quickly made and fit anywhere.
        WORKS["scan-for-small"],
        (1_000, 10_000, 100_000, 1_000_000),
        ("blocking", "asyncio"),
        "items",
    ),
    Growth(
        "in-flight",
        "queries in flight on one connection",
        WORKS["get-64"],
        (1, 10, 100, 1_000, 10_000),
        ("asyncio", "twisted"),
        "spread",
    ),
    Growth(
        "feeds",
        "open feeds on one connection",
        replace(WORKS["feed"], does="feeds", limit="feeds"),
        (1, 10, 100, 1_000),
        ("asyncio", "twisted"),
        "spread",
    ),
)
