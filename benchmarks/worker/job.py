"""What a measurement works on: the tables, the queries, the meter. The same for every driver."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

__all__ = ["BATCH", "DB", "Job", "Unsupported", "documents"]

DB = "rethinkdb_benchmarks"
BATCH = 1000

EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)
STATUS = Path("/proc/self/status")


class Unsupported(Exception):
    """This driver cannot do that on this loop."""


def documents(first: int | str, count: int, dated: bool) -> list[dict[str, Any]]:
    """Documents as an application has them: a few short strings and numbers, about 100 bytes.

    Args:
        first: the first key, or what all keys begin with.
    """
    if isinstance(first, str):
        return [_document(f"{first}{i}", i, dated) for i in range(count)]
    return [_document(i, i, dated) for i in range(first, first + count)]


def _document(key: Any, i: int, dated: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": key,
        "name": f"hero number {i}",
        "city": "Smallville",
        "strength": i * 0.25,
        "wins": i % 1000,
        "active": i % 3 == 0,
    }
    if dated:
        document["joined"] = EPOCH + timedelta(seconds=i)
    return document


@dataclass
class Job:
    """One measurement to make, with what all drivers' code for it shares."""

    driver: str
    loop: str
    host: str
    port: int
    items: int
    spread: int
    dated: bool
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table that scans and gets read."""
        return "dated" if self.dated else "plain"

    @contextmanager
    def meter(self) -> Iterator[None]:
        """Measure the body: CPU of this process only, wall time, memory at the peak."""
        gc.collect()
        before = _reset_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        self.result = {"items": self.items, "cpu": cpu, "wall": wall}
        if before is not None:
            self.result["peak"] = _memory("VmHWM") - before

    def check(self, count: int) -> None:
        """Fail unless all items were handled: half the work would be half the cost."""
        if count != self.items:
            raise RuntimeError(f"{self.driver}: {count} items handled, not {self.items}.")

    def wanted_keys(self) -> Iterator[int]:
        """Keys to get, spread over a table that has at least `items` documents."""
        return iter([(i * 7919) % self.items for i in range(self.items)])

    def rows(self) -> list[dict[str, Any]]:
        """As `batches`, one by one."""
        return [row for batch in self.batches() for row in batch]

    def batches(self) -> list[list[dict[str, Any]]]:
        """All documents to insert, under keys that no other process uses."""
        prefix = f"{os.getpid()}-{time.time_ns()}-"
        sizes = [BATCH] * (self.items // BATCH) + [self.items % BATCH] * (self.items % BATCH > 0)
        return [documents(f"{prefix}{n}-", size, self.dated) for n, size in enumerate(sizes)]


def _reset_peak() -> int | None:
    """Resident memory now, in KiB, after setting the peak back to it; None where Linux is not."""
    if not STATUS.exists():
        return None
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
