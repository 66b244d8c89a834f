"""The floor of the blocking loop: a bare socket, hand-made frames, orjson.

It makes the tables that all drivers read, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from bare import CONTINUE, PARTIAL, START, Client
from documents import documents
from job import BATCH, DB, ONE_BY_ONE, Job

__all__ = [
    "Writer",
    "changing",
    "changing_of",
    "getting",
    "insertion",
    "measure",
    "scanning",
    "warm_up",
    "write_before",
]

# Terms, by their numbers in the protocol.
VAR, MAKE_ARRAY, DB_TERM, TABLE, GET, MOD, MAP = 10, 2, 14, 15, 16, 28, 38
INSERT, DB_CREATE, DB_DROP, DB_LIST, TABLE_CREATE = 56, 57, 58, 59, 60
FOR_EACH, FUNC, LIMIT, JSON, CHANGES, RANGE = 68, 69, 71, 98, 152, 173

POSITION = [VAR, [1]]  # the argument of `function`


def measure(work: str, job: Job) -> None:
    client = Client(job.host, job.port, job.trusted)
    if work not in HELPERS:
        for query in warm_up():
            client.ask(query)
    for _ in job.turns():
        globals()[work](job, client)
    client.close()


#: What the bench itself needs, also when there are no tables.
HELPERS = ("batch", "fill", "prepare", "remove")


def start(term: Any, **options: Any) -> bytes:
    return orjson.dumps([START, term, {"db": [DB_TERM, [DB]], **options}])


def table(name: str) -> list[Any]:
    return [TABLE, [name]]


# Queries


def scanning(job: Job) -> bytes:
    return start([LIMIT, [table(job.table), job.items]])


def getting(key: int) -> bytes:
    return start([GET, [table("plain"), key]])


def changing(**options: Any) -> bytes:
    return start([CHANGES, [table("fed")]], **options)


def changing_of(key: int, **options: Any) -> bytes:
    return start([CHANGES, [[GET, [table("fed"), key]]]], **options)


def warm_up() -> list[bytes]:
    """What the drivers run before they are measured: it leaves memory that is ready for use."""
    return [getting(0), insertion("written", documents(f"warm-{os.getpid()}-", BATCH, "dated"))]


# Tables


def prepare(job: Job, client: Client) -> None:
    """Make the database and its tables, and say which server that is."""
    remove(job, client)
    client.run(start([DB_CREATE, [DB]]))
    for name in ("plain", "dated", "small", "written", "fed"):
        client.run(start([TABLE_CREATE, [name]]))
    job.result = {"server_version": client.server_version}


def fill(job: Job, client: Client) -> None:
    """Put `items` documents into the table that is read."""
    for first in range(0, job.items, BATCH):
        rows = documents(first, min(BATCH, job.items - first), job.table)
        client.run(insertion(job.table, rows))


def remove(job: Job, client: Client) -> None:
    """Drop the database, if it is there."""
    if DB in client.run(start([DB_LIST])):
        client.run(start([DB_DROP, [DB]]))


def insertion(name: str, rows: Any) -> bytes:
    """A document tree as one JSON text: one term for the server, one call for us."""
    text = orjson.dumps(rows, default=pseudo_type, option=orjson.OPT_PASSTHROUGH_DATETIME)
    return start([INSERT, [table(name), [JSON, [text.decode()]]]], durability="soft")


def pseudo_type(value: datetime) -> dict[str, Any]:
    return {"$reql_type$": "TIME", "epoch_time": value.timestamp(), "timezone": "+00:00"}


class Writer:
    """Lets the server write `items` rows into `fed`, one by one, from `start` on.

    The server stops writing when this closes.

    Args:
        keys: number of keys that are written in turn; 0 writes a new row each time.
    """

    def __init__(self, job: Job, keys: int = 0) -> None:
        row = fed_row()
        if keys:
            row["id"] = [MOD, [POSITION, keys]]
        write = [INSERT, [table("fed"), row], {"conflict": "replace"}]
        self._query = start(
            [FOR_EACH, [[RANGE, [job.items]], function(write)]], durability="soft", noreply=True
        )
        self._client = Client(job.host, job.port)

    def start(self) -> None:
        self._client.send(self._query)

    def close(self) -> None:
        self._client.close()


def write_before(job: Job) -> None:
    """Have the server write `items` rows into `fed`, many at a time.

    It returns when another feed has got them all, so that nobody has to wait for one afterwards.
    """
    rows = [MAP, [[RANGE, [job.items]], function(fed_row())]]
    writer, feed = Client(job.host, job.port), Client(job.host, job.port)
    feed.ask(changing())
    writer.run(start([INSERT, [table("fed"), rows]], durability="soft"))
    writer.close()
    left = job.items
    while left > 0:
        feed.send(CONTINUE)
        left -= feed.receive().count(b'"new_val"')  # decoding would count as instructions
    feed.close()


def fed_row() -> dict[str, Any]:
    return {"n": POSITION, "writer": os.getpid(), "text": "something of some length"}


def function(body: Any) -> list[Any]:
    return [FUNC, [[MAKE_ARRAY, [1]], body]]


# Works

# Of a batch, so that what the decoder needs for a moment hardly counts.
COPIES = 10


def connect(job: Job, client: Client) -> None:
    with job.meter():
        for _ in range(job.items):
            Client(job.host, job.port).close()


def scan(job: Job, client: Client) -> None:
    count = 0
    with job.meter():
        for rows in batches(client, job):
            for _ in rows:
                count += 1
            del rows  # before the next are decoded: memory that is new costs more
    job.check(count)


def scan_list(job: Job, client: Client) -> None:
    found: list[Any] = []
    with job.meter():
        for rows in batches(client, job):
            found += rows
            del rows
    job.check(len(found))
    job.kept()


def batch(job: Job, client: Client) -> None:
    """The largest batch of a scan: KiB of its bytes, and with them of the objects in it."""
    client.send(scanning(job))
    largest = payload = client.receive()
    while orjson.loads(payload)["t"] == PARTIAL:
        client.send(CONTINUE)
        payload = client.receive()
        largest = max(largest, payload, key=len)
    with job.meter():
        copies = [orjson.loads(largest) for _ in range(COPIES)]
    del payload
    raw = len(largest) / 1024
    job.result["raw"] = raw
    job.result["batch"] = raw + job.result["peak"] / len(copies)


def batches(client: Client, job: Job) -> Iterator[list[Any]]:
    reply = client.ask(scanning(job))
    while reply["t"] == PARTIAL:
        client.send(CONTINUE)  # before the rows are taken: the server works meanwhile
        yield reply.pop("r")
        reply = orjson.loads(client.receive())
    yield reply.pop("r")


def get(job: Job, client: Client) -> None:
    with job.meter():
        for key in job.wanted_keys():
            client.ask(getting(key))["r"][0]


def insert_batch(job: Job, client: Client) -> None:
    inserted, given = 0, job.batches()
    with job.meter():
        for rows in given:
            inserted += client.ask(insertion("written", rows))["r"][0]["inserted"]
    job.check(inserted)


def insert_one(job: Job, client: Client) -> None:
    inserted, rows = 0, job.rows()
    with job.meter():
        for row in rows:
            inserted += client.ask(insertion("written", row))["r"][0]["inserted"]
    job.check(inserted)


def feed(job: Job, client: Client) -> None:
    client.ask(changing(**ONE_BY_ONE))
    writer = Writer(job)
    with job.meter():
        writer.start()
        take_changes(job, client)
    writer.close()


def feed_burst(job: Job, client: Client) -> None:
    client.ask(changing())
    write_before(job)
    with job.meter():
        take_changes(job, client)


def take_changes(job: Job, client: Client) -> None:
    count = 0
    client.send(CONTINUE)
    while count < job.items:
        payload = client.receive()
        client.send(CONTINUE)  # before it is decoded: the server works meanwhile
        for _ in orjson.loads(payload)["r"]:
            count += 1


def hold_feeds(job: Job, client: Client) -> None:
    with job.meter(held=True):
        for key in range(job.items):
            client.send(changing_of(key), token=key + 1)
            client.receive()
            client.send(CONTINUE, token=key + 1)
    job.remembers()
