"""What is measured: the works, the loops that do them, the growth curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

__all__ = [
    "DRIVERS",
    "GROWTHS",
    "LOOPS",
    "TABLES",
    "WORKS",
    "Growth",
    "Task",
    "Work",
]

#: The least client of a loop, this driver, and the `rethinkdb` package of PyPI.
DRIVERS = ("floor", "ours", "official")

#: Loops that a worker knows how to run; uvloop is asyncio's adapter on another event loop.
LOOPS = ("blocking", "asyncio", "uvloop", "tornado", "twisted", "trio", "gevent")

VALUES = ("blocking", "gevent")
AWAITABLES = ("asyncio", "uvloop", "tornado", "twisted", "trio")

#: Tables that are read, each with the kind of document of that name; see `worker/documents.py`.
TABLES = ("plain", "dated", "small")


class Task(NamedTuple):
    """One measurement, as the worker's arguments have it."""

    driver: str  # one of DRIVERS
    loop: str
    does: str
    items: int
    spread: int
    table: str  # one of TABLES
    tls: bool = False


@dataclass(frozen=True)
class Work:
    """One row group of the results.

    Attributes:
        does: the function of the worker modules that does it.
        floor: the function of the worker's floors that does it; None where there is no floor.
        share: its number of items, as a share of `--items`.
        loops: where it makes sense.
        table: which kind of document it reads or writes.
        spread: queries in flight, threads or feeds, as the work has them.
        official: the share of the items that the official package handles, where it takes too long;
            0 where it cannot do that at all.
        beside: the work that does the same on a connection, and without what is measured here.
        floors: the loops that have that floor.
        tls: whether the connection is encrypted.
        field: what of a measurement is reported.
        unit: with `scale` units in a second, or in a KiB.
    """

    name: str
    title: str
    does: str
    floor: str | None
    share: float
    loops: tuple[str, ...] = LOOPS
    table: str = "plain"
    spread: int = 1
    official: float = 1
    beside: str | None = None
    floors: tuple[str, ...] = LOOPS
    tls: bool = False
    field: str = "cpu"
    unit: str = "µs"
    scale: float = 1e6

    def items(self, base: int) -> int:
        """How many items one measurement handles."""
        return max(1, int(base * self.share))

    def tasks(self, loops: Iterable[str], items: int) -> Iterator[Task]:
        """What to run for it: the floor and both drivers on each of the loops, in turns."""
        for loop in loops:
            if loop in self.loops:
                yield from (self.task(driver, loop, items) for driver in self.drivers(loop))

    def drivers(self, loop: str) -> tuple[str, ...]:
        """Who can do it on that loop."""
        can = {"floor": self.floor and loop in self.floors, "official": self.official}
        return tuple(driver for driver in DRIVERS if can.get(driver, True))

    def task(self, driver: str, loop: str, items: int) -> Task:
        """What to run for one driver on one loop."""
        if driver == "floor":
            does = self.floor or ""
            return Task(driver, loop, does, items, self.spread, self.table, self.tls)
        if driver == "official":
            items = max(1, int(items * self.official))
        return Task(driver, loop, self.does, items, self.spread, self.table, self.tls)


def _beside_get_64(name: str, title: str, does: str) -> Work:
    """The work `get-64` with one thing more, to be compared with it."""
    return Work(
        name,
        title,
        does,
        "get_spread",
        0.05,
        (*AWAITABLES, "gevent"),
        spread=64,
        official=0,
        beside="get-64",
    )


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
        Work("connect", "connect and close", "connect", "connect", 5e-4, floors=("blocking",)),
        Work("scan-for", "scan, `for` or `async for`", "scan_for", "scan", 0.4),
        Work("scan-next", "scan, `fetch_next()` and `next()`", "scan_next", "scan", 0.2),
        Work("scan-list", "scan into a list", "scan_list", "scan_list", 0.3),
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
            "scan-for-dated", "scan-for, a datetime in each", "scan_for", "scan", 0.1, table="dated"
        ),
        Work(
            "scan-next-dated",
            "scan-next, a datetime in each",
            "scan_next",
            "scan",
            0.1,
            table="dated",
        ),
        Work(
            "scan-list-dated",
            "scan-list, a datetime in each",
            "scan_list",
            "scan_list",
            0.1,
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
            0.4,
            field="beside",
            unit="KiB",
            scale=1,
        ),
        Work(
            "memory-list",
            "peak memory of scan-list beside the list",
            "scan_list",
            "scan_list",
            0.3,
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
        _beside_get_64("get-64-pool", "get-64, on a pool", "get_spread_on_pool"),
        _beside_get_64("get-64-deadline", "get-64, each with a deadline", "get_spread_by_deadline"),
        _beside_get_64(
            "get-64-keepalive", "get-64, on a connection with keepalive", "get_spread_kept_alive"
        ),
        _beside_get_64(
            "get-64-counted", "get-64, with a listener that counts", "get_spread_counted"
        ),
        *(
            Work(
                f"{name}-tls",
                f"{name}, over TLS",
                does,
                floor,
                share,
                ("blocking", "asyncio"),
                beside=name,
                tls=True,
            )
            for name, does, floor, share in (
                ("get", "get", "get", 0.02),
                ("scan-for", "scan_for", "scan", 0.4),
            )
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
        Work("feed", "changefeed delivery, one change at a time", "feed", "feed", 0.015),
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
            for feed, share in (("feed", 0.015), ("feed-burst", 0.1))
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
        *(
            Work(
                f"memory-{name}",
                f"memory of {title}",
                f"hold_{does}",
                f"hold_{does}",
                share,
                loops,
                field="remembered",
                unit="bytes",
                scale=1024,
            )
            for name, title, does, share, loops in (
                ("connection", "an idle connection", "connections", 0.1, ("asyncio",)),
                ("cursor", "an open feed", "feeds", 0.01, ("blocking", "asyncio", "twisted")),
                (
                    "query",
                    "a query in flight, with its task",
                    "queries",
                    0.1,
                    ("asyncio", "twisted"),
                ),
            )
        ),
        Work("build", "build a query of 20 terms", "build", None, 0.1, ("blocking",)),
        Work("dump", "`rethinkdb-dump`", "dump", None, 1, ("blocking",)),
        Work("restore", "`rethinkdb-restore`", "restore", None, 1, ("blocking",)),
    )
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
        replace(WORKS["feed"], does="feeds", floor="feeds"),
        (1, 10, 100, 1_000),
        ("asyncio", "twisted"),
        "spread",
    ),
)
