"""Closes connections and pools when the process ends, on loops without an end of their own.

These are the threads of blocking programs, and gevent. Closing tells the callbacks that are still
in use, and the server.
"""

from __future__ import annotations

import atexit
import time
from weakref import WeakSet

from rethinkdb.push.runner import LINGER, Runner

__all__ = ["close_at_exit"]

_POLL = 0.001

_runners: WeakSet[Runner] = WeakSet()


def close_at_exit(runner: Runner) -> None:
    """Close the runner's connection or pool before the process ends, if callbacks are in use."""
    _runners.add(runner)


@atexit.register
def _close_all() -> None:
    for runner in list(_runners):
        if runner.live and runner.is_open:
            close(runner)


def close(runner: Runner) -> None:
    """Close the runner's connection or pool, and let the last callbacks run."""
    runner.close()
    limit = time.monotonic() + LINGER
    while runner.live and time.monotonic() < limit:
        runner.rest(_POLL)
