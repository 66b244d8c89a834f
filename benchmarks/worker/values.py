"""Loops whose methods return values, blocking and gevent: this driver or the official package."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import queries
from blocking_floor import Writer, write_before
from commands import dump, restore  # noqa: F401  # works, found by their names
from job import Job
from queries import r

__all__ = ["measure"]


def measure(work: str, job: Job) -> None:
    if job.loop != "blocking":
        r.set_loop_type(job.loop)
    conn = queries.connect(job)
    for query in queries.warm_up():
        query.run(conn)
    for _ in job.turns():
        globals()[work](job, conn)
    conn.close()


def connect(job: Job, conn: Any) -> None:
    with job.meter():
        for _ in range(job.items):
            queries.connect(job).close()


def scan_for(job: Job, conn: Any) -> None:
    count = 0
    with job.meter():
        for _ in queries.scan(job).run(conn):
            count += 1
    job.check(count)


def scan_next(job: Job, conn: Any) -> None:
    count = 0
    with job.meter():
        cursor = queries.scan(job).run(conn)
        try:
            while True:
                cursor.next()
                count += 1
        except r.ReqlCursorEmpty:
            pass
    job.check(count)


def scan_list(job: Job, conn: Any) -> None:
    with job.meter():
        found = listed(queries.scan(job).run(conn))
    job.check(len(found))
    job.kept()


def scan_structs(job: Job, conn: Any) -> None:
    _scan_as(queries.struct(), job, conn)


def scan_dataclasses(job: Job, conn: Any) -> None:
    _scan_as(queries.Hero, job, conn)


def _scan_as(row_type: Any, job: Job, conn: Any) -> None:
    with job.meter():
        found = listed(queries.scan(job).run(conn, as_type=row_type))
    job.check(len(found))
    job.kept()


def listed(cursor: Any) -> list[Any]:
    """All rows, in the shortest way that the driver offers."""
    rows: list[Any] = cursor.to_list() if hasattr(cursor, "to_list") else list(cursor)
    return rows


def get(job: Job, conn: Any) -> None:
    with job.meter():
        for key in job.wanted_keys():
            queries.get(key).run(conn)


def get_on_pool(job: Job, conn: Any) -> None:
    with queries.pool(job) as pool:
        for part in (job.warm_up(), job):
            get(part, pool)


def get_spread_on_pool(job: Job, conn: Any) -> None:
    with queries.pool(job) as pool:
        for part in (job.warm_up(), job):
            get_spread(part, pool)


def get_by_deadline(job: Job, conn: Any) -> None:
    with queries.connect(job, deadline=60.0) as another:
        get(job, another)


def get_spread_by_deadline(job: Job, conn: Any) -> None:
    with queries.connect(job, deadline=60.0) as another:
        get_spread(job, another)


def get_kept_alive(job: Job, conn: Any) -> None:
    with queries.connect(job, keepalive=20.0) as another:
        get(job, another)


def get_spread_kept_alive(job: Job, conn: Any) -> None:
    with queries.connect(job, keepalive=20.0) as another:
        get_spread(job, another)


def get_counted(job: Job, conn: Any) -> None:
    with queries.counted(conn):
        get(job, conn)


def get_spread_counted(job: Job, conn: Any) -> None:
    with queries.counted(conn):
        get_spread(job, conn)


def listener(job: Job, conn: Any) -> None:
    import watching  # the official package has nothing of it

    watching.listener(job)


def get_spread(job: Job, conn: Any) -> None:
    keys = list(job.wanted_keys())
    # The official package's blocking connection serves one thread at a time.
    locked = job.driver == "official" and job.loop == "blocking"
    turn: AbstractContextManager[Any] = threading.Lock() if locked else nullcontext()

    def work(number: int) -> None:
        for key in keys[number :: job.spread]:
            with turn:
                queries.get(key).run(conn)

    with job.meter():
        together(job, work)


def together(job: Job, work: Callable[[int], None]) -> None:
    """Run `work` in `spread` threads or greenlets."""
    if job.loop == "gevent":
        from gevent import joinall, spawn

        joinall([spawn(work, number) for number in range(job.spread)], raise_error=True)
        return
    threads = [threading.Thread(target=work, args=(number,)) for number in range(job.spread)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def insert_batch(job: Job, conn: Any) -> None:
    inserted, given = 0, job.batches()
    with job.meter():
        for rows in given:
            inserted += queries.insert(rows).run(conn)["inserted"]
    job.check(inserted)


def insert_one(job: Job, conn: Any) -> None:
    inserted, rows = 0, job.rows()
    with job.meter():
        for row in rows:
            inserted += queries.insert(row).run(conn)["inserted"]
    job.check(inserted)


def feed(job: Job, conn: Any) -> None:
    cursor = queries.changes().run(conn, **queries.ONE_BY_ONE)
    writer = Writer(job)
    with job.meter():
        writer.start()
        for _ in range(job.items):
            next(cursor)
    writer.close()


def feed_burst(job: Job, conn: Any) -> None:
    cursor = queries.changes().run(conn)
    write_before(job)
    with job.meter():
        for _ in range(job.items):
            next(cursor)


def resumed(job: Job, options: dict[str, Any], wait: bool = False) -> None:
    with queries.pool(job) as pool:
        cursor = queries.own_changes().run(pool, **options)
        writer = Writer(job)
        if wait:
            write_before(job)
        with job.meter():
            if not wait:
                writer.start()
            for _ in range(job.items):
                next(cursor)
        writer.close()
        cursor.close()


def feed_restart(job: Job, conn: Any) -> None:
    resumed(job, {**queries.ONE_BY_ONE, **queries.WAYS["restart"]})


def feed_diff(job: Job, conn: Any) -> None:
    resumed(job, {**queries.ONE_BY_ONE, **queries.WAYS["diff"]})


def feed_digests(job: Job, conn: Any) -> None:
    resumed(job, {**queries.ONE_BY_ONE, **queries.WAYS["digests"]})


def feed_burst_restart(job: Job, conn: Any) -> None:
    resumed(job, queries.WAYS["restart"], wait=True)


def feed_burst_diff(job: Job, conn: Any) -> None:
    resumed(job, queries.WAYS["diff"], wait=True)


def feed_burst_digests(job: Job, conn: Any) -> None:
    resumed(job, queries.WAYS["digests"], wait=True)


def hold_feeds(job: Job, conn: Any) -> None:
    with job.meter(held=True):
        held = [queries.changes_of(key).run(conn) for key in range(job.items)]
    job.remembers()
    job.check(len(held))


def build(job: Job, conn: Any) -> None:
    with job.meter():
        for _ in range(job.items):
            queries.twenty_terms().build()
