"""The queries of the works, said once; `r` is this driver's or the official package's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, get_type_hints

from documents import documents
from job import BATCH, DB, ONE_BY_ONE, Job

from rethinkdb import r

__all__ = ["ONE_BY_ONE", "WAYS", "connect", "pool", "r", "twenty_terms", "warm_up"]


def connect(job: Job, **options: Any) -> Any:
    """What `r.connect` gives on the job's loop."""
    if job.trusted is not None:
        options["ssl"] = {"ca_certs": job.trusted}
    return r.connect(host=job.host, port=job.port, db=DB, **options)


def pool(job: Job, **options: Any) -> Any:
    """A pool as it comes. The official package has none."""
    return r.ConnectionPool(host=job.host, port=job.port, db=DB, **options)


@contextmanager
def counted(conn: Any) -> Iterator[None]:
    """Have a listener count the queries of a connection."""
    from watching import Counter  # the official package has nothing of it

    from rethinkdb import monitoring

    counter = Counter()
    with monitoring.listening(counter, conn):
        yield
    assert counter.queries


def scan(job: Job) -> Any:
    return r.table(job.table).limit(job.items)


@dataclass
class Hero:
    """A plain document (see `documents.plain`) as an object."""

    id: int
    name: str
    about: str
    active: bool
    home: dict[str, Any]
    powers: list[str]
    wins: int
    scores: list[float]


def struct() -> Any:
    """The same as a struct of msgspec."""
    import msgspec

    return msgspec.defstruct("HeroStruct", [*get_type_hints(Hero).items()])


def get(key: int) -> Any:
    return r.table("plain").get(key)


def insert(rows: Any) -> Any:
    return r.table("written").insert(rows, durability="soft")


def changes() -> Any:
    return r.table("fed").changes()


def changes_of_items(job: Job) -> Any:
    """The changes of as many rows as the job has items: the table may have more, for curves."""
    return r.table(job.table).between(r.minval, job.items).changes()


def own_changes() -> Any:
    """The changes that this process causes: a feed that remembers rows begins with those it has."""
    return r.table("fed").filter({"writer": os.getpid()}).changes()


def changes_of(key: int) -> Any:
    return r.table("fed").get(key).changes()


#: Run options of feeds that go on.
WAYS: dict[str, dict[str, Any]] = {
    "restart": {"resume": "restart"},
    "diff": {"resume": "diff"},
    "digests": {"resume": "diff", "remember": "digests"},
}


def warm_up() -> list[Any]:
    """To run before anything is measured: what is loaded or compiled at its first use."""
    rows = documents(f"warm-{os.getpid()}-", BATCH, "dated")
    return [get(0), insert(rows)]


def twenty_terms() -> Any:
    """About what a page of an application asks for."""
    return (
        r.table("heroes")
        .get_all("Smallville", index="city")
        .filter((r.row["strength"] > 10) & (r.row["active"] == True))  # noqa: E712
        .merge({"rank": r.row["strength"] / 10})
        .order_by(r.desc("rank"))
        .skip(5)
        .limit(10)
    )
