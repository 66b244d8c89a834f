"""Runs work for several tables, or indexes, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from rethinkdb.tools.running import Runner, Stopped

__all__ = ["in_threads"]

N = TypeVar("N")
T = TypeVar("T")


def in_threads(runner: Runner, work: Callable[[N], T], names: Iterable[N], clients: int) -> list[T]:
    """Calls `work` for each name, several at once. The first error stops all of them."""
    with ThreadPoolExecutor(clients) as pool:
        parts = [pool.submit(work, name) for name in names]
        try:
            done, _ = wait(parts, return_when=FIRST_EXCEPTION)
            failed = [error for part in done if (error := part.exception()) is not None]
            if failed:
                raise next((e for e in failed if not isinstance(e, Stopped)), failed[0])
        except BaseException:
            runner.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        return [part.result() for part in parts]
