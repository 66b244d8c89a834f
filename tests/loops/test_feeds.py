"""Changefeeds that go on: every loop passes the same scenarios."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.loops.blocking import ConnectionPool
from rethinkdb.net.stream import Stream
from rethinkdb.testing.conformance import Scenario, ending_feeds, name_of, resuming
from rethinkdb.testing.conformance.drivers import DRIVERS
from rethinkdb.testing.conformance.trial import PATIENCE
from tests.trying import try_on


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("scenario", [*resuming.SCENARIOS, *ending_feeds.SCENARIOS], ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_scenario(loop: str, scenario: Scenario, server: Server) -> None:
    try_on(loop, scenario, server)


def readers() -> int:
    gc.collect()
    return sum("rethinkdb reading" in thread.name for thread in threading.enumerate())


def test_a_feed_with_a_handler_leaves_no_thread_when_it_ends(server: Server) -> None:
    """Of the blocking driver, where a thread reads for each such feed."""
    before = readers()
    with ConnectionPool(server.host, server.port) as pool:
        for number in range(3):
            name = f"watched_{number}"
            r.table_create(name).run(pool)
            rows: list[object] = []
            feed = r.table(name).changes(include_initial=True)
            handle = feed.run_with(rows.append, pool, resume="diff")
            r.table(name).insert({"id": number}).run(pool)
            deadline = time.monotonic() + PATIENCE
            while not rows:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            handle.close()
            handle.wait(PATIENCE)
            del handle
            while readers() > before:
                assert time.monotonic() < deadline
                time.sleep(0.002)


Ticking = tuple[Any, ConnectionPool, Callable[[int], None]]


@pytest.fixture(params=[{"resume": "restart"}, {"resume": "diff", "remember": "digests"}])
def ticking(request: pytest.FixtureRequest, server: Server) -> Iterator[Ticking]:
    """A feed, its pool, and what causes a change."""
    name = "_".join(request.param.values())
    table = r.table(name)
    with (
        r.connect(server.host, server.port) as conn,
        ConnectionPool(server.host, server.port) as pool,
    ):
        r.table_create(name).run(conn)
        feed = table.changes().run(pool, **request.param)
        yield feed, pool, lambda n: table.insert({"id": 1, "n": n}, conflict="replace").run(conn)
        feed.close()
        r.table_drop(name).run(conn)


def number_in(item: Any) -> int:
    number: int = item["new_val"]["n"]
    return number


def test_a_thread_reads_the_changes_of_its_feed_itself(
    ticking: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a waiter, as those of a plain feed."""
    feed, _, tick = ticking
    monkeypatch.delattr(Stream, "next")
    for number in range(3):
        tick(number)
        assert number_in(next(feed)) == number


def test_threads_share_a_feed_that_one_of_them_reads(ticking: Ticking) -> None:
    feed, _, tick = ticking
    with ThreadPoolExecutor(3) as threads:
        takes = [threads.submit(lambda: [number_in(next(feed)) for _ in range(10)])]
        takes += [threads.submit(lambda: [number_in(feed.next()) for _ in range(10)])]
        takes += [threads.submit(lambda: [number_in(feed.next(wait=PATIENCE)) for _ in range(10)])]
        for number in range(30):
            tick(number)
        taken = [take.result(PATIENCE) for take in takes]
    assert all(numbers == sorted(numbers) for numbers in taken)
    assert sorted(chain(*taken)) == list(range(30))


def reads(feed: Any) -> bool:
    """Whether a thread waits for the feed's connection."""
    return feed._stream.cursor.conn._channel._turns.leader is not None


def test_a_feed_is_closed_while_a_thread_reads_it(ticking: Ticking) -> None:
    feed, _, _ = ticking
    with ThreadPoolExecutor(1) as threads:
        rest = threads.submit(list, iter(feed))
        while not reads(feed):
            time.sleep(0.001)
        feed.close()
        assert rest.result(PATIENCE) == []


def test_a_feed_is_lost_while_a_thread_reads_it(ticking: Ticking) -> None:
    feed, _, tick = ticking
    with ThreadPoolExecutor(1) as threads:
        change = threads.submit(lambda: next(item for item in feed if "new_val" in item))
        while not reads(feed):
            time.sleep(0.001)
        first = feed._stream.cursor
        first.conn._channel.drop()
        while feed._stream.cursor in (None, first):
            time.sleep(0.001)
        tick(7)
        assert number_in(change.result(PATIENCE)) == 7


def test_background_work_that_is_thrown_away_is_not_cancelled_from_within() -> None:
    """As when a reactor stops: a coroutine that runs right now cannot be cancelled, too."""
    pool = ConnectionPool("localhost", 1)
    feed, _ = pool._new_feed(r.table("t").changes(), {"resume": "restart"}, None)
    opened = feed.open()
    feed.effects.clear()
    cancelled: list[int] = []
    pool._courses[feed] = lambda: cancelled.append(1)
    pool._feed_failed(feed, GeneratorExit())
    assert feed.finished
    assert not cancelled
    assert isinstance(opened.exception(), r.ReqlDriverError)
