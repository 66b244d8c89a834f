"""Threads hammer a blocking pool while its server restarts: `python -m tests.loops.pool_storm`.

Every query ends with its own answer, or with an error that says why. None hangs, nothing leaks.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from typing import Any

from rethinkdb import query as r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlConnectionLostError
from rethinkdb.loops.blocking import ConnectionPool
from rethinkdb.pool import PoolTimeoutError
from rethinkdb.testing.proxy import FaultProxy

__all__ = ["storm"]

# What a query may end with instead of its answer.
_WHY = (ReqlConnectionLostError, PoolTimeoutError)

# Seconds without any query that ends, after which one of them hangs.
_HANGS = 60.0


def storm(threads: int, queries: int, pause: float, seconds: float = 1e9) -> Counter[str]:
    """Run queries in threads, and restart the server (a proxy) every `pause` seconds.

    Args:
        threads: how many at a time.
        queries: how many each thread runs.
        pause: seconds between restarts.
        seconds: when to run no more.

    Returns:
        How many ended in which way: "answered", or the name of an error's class.

    Raises:
        AssertionError: a wrong answer, an unexplained error, a query that hangs, or a leak.
    """
    before = set(threading.enumerate())
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    lock = threading.Lock()
    over = threading.Event()
    until = time.monotonic() + seconds

    def work(thread: int) -> None:
        for number in range(queries):
            if time.monotonic() > until or wrong:
                return
            outcome = _outcome(pool, thread * queries + number)
            with lock:
                outcomes[outcome] += 1
                if outcome.startswith("wrong"):
                    wrong.append(outcome)

    def restart() -> None:
        while not over.wait(pause):
            proxy.stop()
            proxy.start()

    with Server() as server, FaultProxy(server.host, server.port) as proxy:
        pool = ConnectionPool(proxy.host, proxy.port, max_size=4)
        workers = [
            threading.Thread(target=work, args=(number,), daemon=True) for number in range(threads)
        ]
        restarter = threading.Thread(target=restart, daemon=True)
        for thread in (*workers, restarter):
            thread.start()
        _joined(workers, outcomes)
        over.set()
        restarter.join()
        assert not wrong, wrong
        stats = pool.stats()
        assert (stats.in_flight, stats.waiting, stats.lent) == (0, 0, 0), stats
        assert stats.size <= 4, stats
        outcomes["restarts noticed"] = stats.lost
        pool.close()
        assert pool.stats().size == 0
    _all_ended(before)
    return outcomes


def _outcome(pool: Any, number: int) -> str:
    try:
        answer = r.expr(number).run(pool)
    except _WHY as exc:
        return type(exc).__name__
    except Exception as exc:
        return f"wrong: {exc!r}"
    return "answered" if answer == number else f"wrong: {answer} instead of {number}"


def _joined(workers: list[threading.Thread], outcomes: Counter[str]) -> None:
    """Wait for all, as long as any query ends."""
    seen, seen_at = 0, time.monotonic()
    while any(worker.is_alive() for worker in workers):
        time.sleep(0.1)
        if outcomes.total() != seen:
            seen, seen_at = outcomes.total(), time.monotonic()
        assert time.monotonic() - seen_at < _HANGS, f"a query hangs; {outcomes}"


def _all_ended(before: set[threading.Thread]) -> None:
    """Check that no thread is left."""
    deadline = time.monotonic() + _HANGS
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def main() -> int:
    """Tell how it went."""
    parser = argparse.ArgumentParser("python -m tests.loops.pool_storm", description=__doc__)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--queries", type=int, default=10_000, help="of each thread")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between restarts")
    options = parser.parse_args()
    begun = time.monotonic()
    outcomes = storm(options.threads, options.queries, options.pause)
    print(dict(outcomes), f"in {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
