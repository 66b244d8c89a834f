"""What memory a slow handler needs: run by `test_memory.py`, one process per loop.

python -m tests.push.memory asyncio localhost 28015

Prints the peak of the bytes that Python allocates while 100,000 rows go to a handler that is slower
than the server; then that of a list of these rows, which is what would gather here if the handler
did not hold back the server.
"""

from __future__ import annotations

import sys
import tracemalloc
from types import SimpleNamespace
from typing import Any

from rethinkdb import loops, r
from rethinkdb.push.runner import runner_of
from rethinkdb.testing.conformance import Driver, complete
from rethinkdb.testing.conformance.drivers import DRIVERS

COUNT = 100_000
BATCHES = {"max_batch_rows": 500}

ROWS = r.range(COUNT).map(lambda n: {"id": n, "text": "row"})

# The handler rests after so many rows, twenty times: time for the server to send all the others, if
# it were asked for them.
PER_REST = 500
RESTS = 20
REST = 0.05


def slow_handler(driver: Driver, seen: SimpleNamespace, awaits: bool) -> Any:
    """A function for `run_with` that rests as its loop does."""

    def take(row: Any) -> Any:
        seen.rows += 1
        if seen.rows % PER_REST or seen.rows > RESTS * PER_REST:
            return None
        return driver.sleep(REST) if awaits else complete(driver.sleep(REST))

    return take


async def measure(driver: Driver, loop: str, address: tuple[str, int]) -> None:
    async def done(result: Any) -> Any:
        return await result if hasattr(result, "__await__") else result

    conn = await done(loops.load(loop).make(*address, **driver.options()))
    seen = SimpleNamespace(rows=0)
    handler = slow_handler(driver, seen, runner_of(conn).awaits)
    await done(r.range(10).run_with(handler, conn).wait())  # loads modules
    seen.rows = 0

    tracemalloc.start()
    await done(ROWS.run_with(handler, conn, **BATCHES).wait())
    _, peak = tracemalloc.get_traced_memory()
    assert seen.rows == COUNT
    tracemalloc.stop()

    cursor = await done(ROWS.run(conn, **BATCHES))
    tracemalloc.start()
    await done(cursor.to_list())
    _, everything = tracemalloc.get_traced_memory()
    print(peak, everything)
    await done(conn.close(noreply_wait=False))


def main(loop: str, host: str, port: str) -> None:
    driver = DRIVERS[loop]()
    driver.run(lambda: measure(driver, loop, (host, int(port))))


if __name__ == "__main__":
    main(*sys.argv[1:])
