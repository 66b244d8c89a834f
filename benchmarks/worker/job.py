"""What a worker measures: its turns, keys and documents, the meter. The same for every driver."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from documents import documents

__all__ = ["BATCH", "DB", "ONE_BY_ONE", "Job", "Unsupported"]

DB = "rethinkdb_benchmarks"
BATCH = 1000

# Run options: each change comes in a message of its own. Else a driver that is slower to ask for
# more would get more at once, and look the faster for it.
ONE_BY_ONE = {"max_batch_rows": 1}

STATUS = Path("/proc/self/status")


class Unsupported(Exception):
    """This driver cannot do that on this loop."""


@dataclass
class Job:
    """What one worker measures, with what all drivers' code for it shares."""

    driver: str
    loop: str
    host: str
    port: int
    items: int
    spread: int
    table: str  # which scans read; its name is the kind of document, too
    result: dict[str, Any] = field(default_factory=dict)
    trusted: str | None = None  # the certificates for TLS; None: no TLS
    before: int | None = None  # resident memory, in KiB

    def turns(self) -> Iterator[None]:
        """Each turn in which to measure: it comes with a line of the standard input.

        It blocks a loop meanwhile, where nothing is under way.
        """
        print("{}", flush=True)  # ready
        for _ in sys.stdin:
            yield
            print(json.dumps(self.result), flush=True)

    @contextmanager
    def meter(self, held: bool = False) -> Iterator[None]:
        """Measure the body: CPU of this process only, wall time, memory at the peak.

        Args:
            held: what is held afterwards is measured, see `remembers`. Memory that is free now must
                not hide it.
        """
        gc.collect()
        if held:
            _give_back()
        before = self.before = _reset_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        self.result |= {"items": self.items, "cpu": cpu, "wall": wall}
        if before is not None:
            self.result["peak"] = _memory("VmHWM") - before

    def kept(self) -> None:
        """Memory of what the caller still holds is not the driver's."""
        if "peak" in self.result:
            peak = _memory("VmHWM")
            gc.collect()
            _give_back()
            self.result["peak"] = peak - _memory("VmRSS")

    def remembers(self) -> None:
        """What the process holds now, and did not before, is what it remembers."""
        if self.before is not None:
            gc.collect()
            _give_back()
            self.result["remembered"] = _memory("VmRSS") - self.before

    def allow_files(self) -> None:
        """Let this process hold a connection an item."""
        spare = 100
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        if most != resource.RLIM_INFINITY and most < self.items + spare:
            raise Unsupported(f"a process may hold {most} files, not {self.items + spare}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    async def hold_in_flight(
        self, together: Any, work: Callable[[int], Any], answered: list[Any]
    ) -> None:
        """Start the queries, and look at the memory in the same turn, before a reply is read."""

        async def look() -> None:
            self.remembers()
            self.check(self.items - len(answered))

        with self.meter(held=True):
            await together([*[partial(work, key) for key in range(self.items)], look])

    def warm_up(self) -> Job:
        """A little of the same, in which a pool opens its connections. That does not count."""
        return replace(self, items=4 * self.spread, result={})

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
        return [documents(f"{prefix}{n}-", size, self.table) for n, size in enumerate(sizes)]


def _reset_peak() -> int | None:
    """Resident memory now, in KiB, after setting the peak back to it; None where Linux is not."""
    if not STATUS.exists():
        return None
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _give_back() -> None:
    """Have the C library return what was freed, so that it does not count as in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc
        trim(0)


def _memory(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
