"""Helpers for the scenarios of pools."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import ReqlConnectionLostError

from ..trial import PATIENCE, SOON, Trial

__all__ = [
    "CLOSED",
    "NEVER",
    "TRIES",
    "closes",
    "ended",
    "entered",
    "is_closed",
    "quiet",
    "tried_until",
]

NEVER = 3600.0
"""Seconds of a time limit that is not meant to pass."""

CLOSED = r"^The pool is closed\.$"

TRIES = 20
"""How often a step is tried that may fail on a slow machine, or by an unnoticed loss."""


@asynccontextmanager
async def entered(thing: Any) -> AsyncIterator[Any]:
    """`async with`, or `with` on loops that use it."""
    if hasattr(thing, "__aenter__"):
        async with thing as same:
            yield same
    else:
        with thing as same:
            yield same


def is_closed(conn: Any) -> bool:
    return not conn.is_open()


async def tried_until(trial: Trial, pool: Any, condition: Callable[[], Any]) -> None:
    """Run queries until a condition is true. Queries that fail by a loss are tried again. Some
    losses are only noticed while a query waits for the server, so this finds them, too."""
    deadline = time.monotonic() + PATIENCE
    in_a_row = 0
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        try:
            assert await trial.run(r.expr("try"), pool) == "try"
            in_a_row = 0
        except ReqlConnectionLostError:
            in_a_row += 1
            assert in_a_row < TRIES, "no query succeeds any more"
        await trial.driver.sleep(SOON)


async def quiet(trial: Trial, pool: Any) -> None:
    """Wait until the pool has no feeds and no running queries."""

    def is_quiet() -> bool:
        stats = pool.stats()
        return not (stats.feeds or stats.in_flight)

    await trial.until(is_quiet)


async def closes(trial: Trial, pool: Any) -> None:
    """Check that closing leaves nothing behind."""
    await trial.do(pool.close)
    await ended(trial, pool)


async def ended(trial: Trial, pool: Any) -> None:
    await trial.until(lambda: not (trial.proxy.clients or pool.stats().size))
    stats = pool.stats()
    left = stats.size, stats.in_flight, stats.waiting, stats.cursors, stats.feeds, stats.lent
    assert not any(left), stats
