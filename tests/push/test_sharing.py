"""Threads that start queries with handlers at the same time, on one connection or pool."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rethinkdb import query as r
from rethinkdb.loops.blocking import Connection, ConnectionPool
from rethinkdb.push.runner import runner_of_pool
from rethinkdb.testing.conformance.trial import PATIENCE, ServerAddress

THREADS = 8


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("connect", [Connection.make, ConnectionPool])
def test_one_thread_runs_all_callbacks(connect: Callable[..., Any], server: ServerAddress) -> None:
    together = threading.Barrier(THREADS)
    callers: list[int] = []

    def use(conn: Any) -> None:
        together.wait(PATIENCE)
        handle = r.expr(1).run_with(lambda _: callers.append(threading.get_ident()), conn)
        handle.wait(PATIENCE)

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in range(5):
            callers.clear()
            with connect(server.host, server.port) as conn:
                for used in [threads.submit(use, conn) for _ in range(THREADS)]:
                    used.result(PATIENCE)
            assert len(callers) == THREADS
            assert len(set(callers)) == 1


def test_callbacks_go_on_while_a_connection_has_them(server: ServerAddress) -> None:
    """The pool's own runner is gone, and one of its connections still has callbacks to run."""
    called = threading.Event()
    with ConnectionPool(server.host, server.port) as pool, pool.connection() as conn:
        of_conn = runner_of_pool(pool).on(conn)
        del vars(pool)["_runner"]
        gc.collect()
        of_conn.soon(called.set)
        assert called.wait(PATIENCE)
