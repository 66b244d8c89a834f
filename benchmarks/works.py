"""What is measured: the works, and the loops that do them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

__all__ = ["DRIVERS", "LOOPS", "TABLES", "WORKS", "Task", "Work"]

#: The least client of a loop, this driver, and the `rethinkdb` package of PyPI.
DRIVERS = ("floor", "ours", "official")

#: Loops that a worker knows how to run; uvloop is asyncio's adapter on another event loop.
LOOPS = ("blocking", "asyncio", "uvloop", "tornado", "twisted", "trio", "gevent")

_ALL_BUT_BLOCKING = LOOPS[1:]
_BLOCKING = ("blocking",)
_ASYNCIO = ("asyncio",)
_TWO = ("blocking", "asyncio")

#: Tables that are read, each with the kind of document of that name; see `worker/documents.py`.
TABLES = ("plain", "dated", "small")


class Task(NamedTuple):
    """What one worker measures, as its arguments have it."""

    driver: str  # one of DRIVERS
    loop: str
    does: str
    items: int  # of each turn
    spread: int
    table: str  # one of TABLES
    tls: bool = False


@dataclass(frozen=True)
class Work:
    """One row group of the results.

    Attributes:
        does: the function of the worker modules that does it.
        floor: the function of the worker's floors that does it; None where there is no floor.
        share: the items of a turn, as a share of `--items`.
        loops: where it makes sense.
        table: which kind of document it reads or writes.
        spread: queries in flight, threads or feeds, as the work has them.
        turns: how often a worker measures it.
        starts: how often workers are started for it in each round.
        once: whether one round is enough, as it hardly varies.
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
    turns: int = 3
    starts: int = 1
    once: bool = False
    official: float = 1
    beside: str | None = None
    floors: tuple[str, ...] = LOOPS
    tls: bool = False
    field: str = "cpu"
    unit: str = "µs"
    scale: float = 1e6

    def items(self, base: int) -> int:
        """How many items one turn handles."""
        return max(1, int(base * self.share))

    def drivers(self, loop: str) -> tuple[str, ...]:
        """Who can do it on that loop."""
        can = {"floor": self.floor and loop in self.floors, "official": self.official}
        return tuple(driver for driver in DRIVERS if can.get(driver, True))

    def tasks(self, loop: str, items: int) -> list[Task]:
        """What to run for it on that loop."""
        return [self.task(driver, loop, items) for driver in self.drivers(loop)]

    def task(self, driver: str, loop: str, items: int) -> Task:
        """What to run for one driver on one loop."""
        if driver == "floor":
            does = self.floor or ""
            return Task(driver, loop, does, items, self.spread, self.table, self.tls)
        if driver == "official":
            items = max(1, int(items * self.official))
        return Task(driver, loop, self.does, items, self.spread, self.table, self.tls)


# Turns are short, a third of a second or so: the next client should not have to wait for long.
# Shares are thus large where an item is a document of many, and small where it is a round trip.

_IMPORT = Work(
    "import", "`import rethinkdb`", "imported", None, 0, _BLOCKING,
    turns=1, starts=4, unit="ms", scale=1e3,
)  # fmt: skip
_STARTING = [
    _IMPORT,
    replace(
        _IMPORT,
        name="import-query",
        title="import and build a first query",
        does="imported_query",
    ),
    Work("connect", "connect and close", "connect", "connect", 1e-3, floors=_BLOCKING, turns=5),
    Work("build", "build a query of 20 terms", "build", None, 0.02, _BLOCKING, turns=5),
]

_SCAN_FOR = Work("scan-for", "scan, `for` or `async for`", "scan_for", "scan", 0.15)
_SCAN_NEXT = Work("scan-next", "scan, `fetch_next()` and `next()`", "scan_next", "scan", 0.1)
_SCAN_LIST = Work("scan-list", "scan into a list", "scan_list", "scan_list", 0.1)
_SCANS = [
    _SCAN_FOR,
    _SCAN_NEXT,
    _SCAN_LIST,
    *(
        replace(
            _SCAN_LIST,
            name=f"scan-{name}",
            title=f"scan into a list of {title}",
            does=f"scan_{name}",
            loops=_TWO,
            official=0,
            beside="scan-list",
        )
        for name, title in (("structs", "msgspec structs"), ("dataclasses", "dataclasses"))
    ),
    *(
        replace(
            scan,
            name=f"{scan.name}-dated",
            title=f"{scan.name}, a datetime in each",
            share=0.06,
            table="dated",
        )
        for scan in (_SCAN_FOR, _SCAN_NEXT, _SCAN_LIST)
    ),
    replace(
        _SCAN_FOR,
        name="scan-for-small",
        title="scan-for, flat documents of 100 bytes",
        share=1,
        loops=_TWO,
        table="small",
    ),
    *(
        replace(
            scan,
            name=name,
            title=title,
            floor=None,
            beside=scan.name,
            field="peak",
            unit="KiB",
            scale=1,
        )
        for name, scan, title in (
            ("memory", _SCAN_FOR, "peak memory of scan-for"),
            ("memory-list", _SCAN_LIST, "peak memory of scan-list beside the list"),
        )
    ),
]

_GET = Work("get", "get by key, one at a time", "get", "get", 0.005, turns=8)
_GET_64 = Work(
    "get-64", "get by key, 64 in flight", "get_spread", "get_spread", 0.015, _ALL_BUT_BLOCKING,
    spread=64, turns=6,
)  # fmt: skip
#: What a get or many in flight can have more: the end of their names, what it is, on which loops
#: a lone get is measured with it, and the functions that do it.
_WITH = (
    ("pool", "on a pool", LOOPS, "{}_on_pool"),
    ("deadline", "each with a deadline", _BLOCKING, "{}_by_deadline"),
    ("keepalive", "on a connection with keepalive", _BLOCKING, "{}_kept_alive"),
    ("counted", "with a listener that counts", _BLOCKING, "{}_counted"),
)
_GETS = [
    _GET,
    _GET_64,
    *(
        replace(
            plain,
            name=f"{plain.name}-{name}",
            title=f"{plain.name}, {words}",
            does=does.format(plain.does),
            loops=loops if plain is _GET else plain.loops,
            official=0,
            beside=plain.name,
        )
        for plain in (_GET, _GET_64)
        for name, words, loops, does in _WITH
    ),
    *(
        replace(
            plain,
            name=f"{plain.name}-tls",
            title=f"{plain.name}, over TLS",
            loops=_TWO,
            beside=plain.name,
            tls=True,
        )
        for plain in (_GET, _SCAN_FOR)
    ),
    # No floor: many threads on one connection can wait in more than one way.
    Work(
        "get-threads", "get by key, 8 threads on one connection", "get_spread", None, 0.01,
        _BLOCKING, spread=8,
    ),
    Work(
        "listener", "what a listener that counts adds to a query", "listener", None, 1, _BLOCKING,
        turns=1, official=0, field="added",
    ),
]  # fmt: skip

_INSERT = Work(
    "insert-batch",
    "insert, batches of 1,000",
    "insert_batch",
    "insert_batch",
    0.04,
    turns=2,
    official=0.25,
)
_INSERTS = [
    _INSERT,
    replace(
        _INSERT,
        name="insert-batch-dated",
        title="insert-batch, a datetime in each",
        table="dated",
    ),
    replace(
        _INSERT,
        name="insert-batch-small",
        title="insert-batch, flat documents of 100 bytes",
        loops=_TWO,
        table="small",
    ),
    Work("insert-one", "insert, one at a time", "insert_one", "insert_one", 0.004),
]

# A feed stays open in its worker, so a worker has one turn only.
_FEED = Work(
    "feed", "changefeed delivery, one change at a time", "feed", "feed", 0.0075, turns=1, starts=3
)
# With fewer changes a turn is so short that the machine's noise decides. No more than half of the
# 100,000 that a server keeps for a feed: then it keeps them all, whatever else comes meanwhile.
_BURST = Work(
    "feed-burst", "changefeed delivery, many at once", "feed_burst", "feed_burst", 0.5,
    turns=1, starts=3,
)  # fmt: skip
_FEEDS = [
    _FEED,
    _BURST,
    *(
        replace(
            feed,
            name=f"{feed.name}-{way}",
            title=f"{feed.name}, {told}",
            does=f"{feed.does}_{way}",
            loops=_TWO,
            official=0,
            beside=feed.name,
        )
        for feed in (_FEED, _BURST)
        for way, told in (
            ("restart", '`resume="restart"`'),
            ("diff", '`resume="diff"`'),
            ("digests", '`remember="digests"`'),
        )
    ),
]


def _held(name: str, title: str, does: str, share: float, loops: tuple[str, ...]) -> Work:
    """A work whose memory is measured while it is held, in bytes for each."""
    return Work(
        name, title, does, does, share, loops,
        turns=1, once=True, field="remembered", unit="bytes", scale=1024,
    )  # fmt: skip


_HELD = [
    *(
        replace(
            _held(
                f"remember-{way}",
                f"memory of a row that a feed remembers, {way}",
                f"remember_{way}",
                1,
                _ASYNCIO,
            ),
            floor=None,
            table="small",
            official=0,
        )
        for way in ("rows", "digests")
    ),
    _held("memory-connection", "memory of an idle connection", "hold_connections", 0.1, _ASYNCIO),
    _held("memory-cursor", "memory of an open feed", "hold_feeds", 0.01, (*_TWO, "twisted")),
    _held(
        "memory-query", "memory of a query in flight, with its task", "hold_queries", 0.1,
        ("asyncio", "twisted"),
    ),
]  # fmt: skip

_COMMANDS = [
    Work("dump", "`rethinkdb-dump`", "dump", None, 0.5, _BLOCKING, turns=1),
    Work("restore", "`rethinkdb-restore`", "restore", None, 0.5, _BLOCKING, turns=1),
]

WORKS: dict[str, Work] = {
    work.name: work
    for work in (*_STARTING, *_SCANS, *_GETS, *_INSERTS, *_FEEDS, *_HELD, *_COMMANDS)
}
