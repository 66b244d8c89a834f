"""Changefeeds that go on: every loop passes the same scenarios."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.loops.blocking import ConnectionPool
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
