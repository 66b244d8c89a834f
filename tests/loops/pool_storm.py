"""Threads hammer a blocking pool while its server restarts: `python -m tests.loops.pool_storm`.

Every query ends with its own answer, or with an error that says why. None hangs, nothing leaks.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rethinkdb import query as r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlConnectionLostError
from rethinkdb.loops.blocking import ConnectionPool
from rethinkdb.pool import PoolTimeoutError
from rethinkdb.testing.proxy import FaultProxy

__all__ = ["storm"]

_ROOT = Path(__file__).parents[2]

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
    before, files = set(threading.enumerate()), _open_files()
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    lock = threading.Lock()
    until = float("inf")

    def work(thread: int) -> None:
        for number in range(queries):
            if time.monotonic() > until or wrong:
                return
            outcome = _outcome(pool, thread * queries + number)
            with lock:
                outcomes[outcome] += 1
                if outcome.startswith("wrong"):
                    wrong.append(outcome)

    with _restarting(pause) as (host, port):
        pool = ConnectionPool(host, port, max_size=4, per_connection=8)
        workers = [
            threading.Thread(target=work, args=(number,), daemon=True) for number in range(threads)
        ]
        until = time.monotonic() + seconds
        for thread in workers:
            thread.start()
        _joined(workers, outcomes)
        assert not wrong, wrong
        stats = pool.stats()
        assert (stats.in_flight, stats.waiting, stats.lent) == (0, 0, 0), stats
        assert stats.size <= 4, stats
        outcomes["restarts noticed"] = stats.lost
        pool.close()
        assert pool.stats().size == 0
    _all_ended(before, files)
    return outcomes


@contextmanager
def _restarting(pause: float) -> Iterator[tuple[str, int]]:
    """A server that restarts, as its clients see it.

    It has a process of its own. In one process all threads of both would wait for each other, and
    a storm takes four times as long.
    """
    command = [sys.executable, "-m", "tests.loops.pool_storm", "--serve", "--pause", str(pause)]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().split()
        try:
            yield host, int(port)
        finally:
            process.communicate("")


def _serve(pause: float) -> None:
    """Be that process, until its input ends."""
    over = threading.Event()

    def restart() -> None:
        while not over.wait(pause):
            proxy.stop()
            proxy.start()

    with Server() as server, FaultProxy(server.host, server.port) as proxy:
        print(proxy.host, proxy.port, flush=True)
        restarting = threading.Thread(target=restart)
        restarting.start()
        sys.stdin.read()
        over.set()
        restarting.join()


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


def _all_ended(before: set[threading.Thread], files: int) -> None:
    """Check that no thread and no socket is left."""
    deadline = time.monotonic() + _HANGS
    while (left := set(threading.enumerate()) - before) or _open_files() > files:
        assert time.monotonic() < deadline, (left, _open_files() - files)
        time.sleep(0.01)


def _open_files() -> int:
    """How many this process has open, sockets included; 0 where the system does not tell."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def main() -> int:
    """Tell how it went."""
    parser = argparse.ArgumentParser("python -m tests.loops.pool_storm", description=__doc__)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--queries", type=int, default=10_000, help="of each thread")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between restarts")
    parser.add_argument("--serve", action="store_true", help="be the server")
    options = parser.parse_args()
    if options.serve:
        _serve(options.pause)
        return 0
    begun = time.monotonic()
    outcomes = storm(options.threads, options.queries, options.pause)
    print(dict(outcomes), f"in {time.monotonic() - begun:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
