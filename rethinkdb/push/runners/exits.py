"""The end of the process, which is the end of loops that nobody ends: threads and greenlets.

What still calls back then hears that its connection or pool is closed, and so does the server.
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
    """See to it that the runner's connection or pool is closed before the process ends."""
    _runners.add(runner)


@atexit.register
def _close_all() -> None:
    for runner in list(_runners):
        if runner.live and runner.is_open:
            close(runner)


def close(runner: Runner) -> None:
    """Close its connection or pool, and let the last callbacks run."""
    runner.close()
    limit = time.monotonic() + LINGER
    while runner.live and time.monotonic() < limit:
        runner.rest(_POLL)
