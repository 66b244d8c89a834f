"""An asyncio worker that takes jobs from a table.

    reql serve &
    python examples/asyncio_worker.py

Any number of workers may run: each job is claimed by one of them. A job is a document of the table
`jobs` with `state: "new"` and a `text`; this worker counts its words. A job that fails gets the
state "failed" and the reason. On SIGTERM or Ctrl-C the worker completes the jobs at hand and ends.
When the database goes away, it goes on as soon as the database is back.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from typing import Any

from rethinkdb import r

r.set_loop_type("asyncio")

# Between two attempts, when the database cannot be reached.
PAUSE = 1.0

log = logging.getLogger("worker")


class Worker:
    """Does jobs, some at a time.

    Args:
        pool: connections; all tasks share them.
        at_once: how many jobs to do at a time.
    """

    def __init__(self, pool: Any, at_once: int = 10) -> None:
        self._pool = pool
        self._slots = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        """Takes jobs as they come. Cancel it to end; the jobs at hand are completed then."""
        new_jobs = r.table("jobs").filter({"state": "new"})
        try:
            async for change in await new_jobs.changes(include_initial=True).run(self._pool):
                if change.get("new_val"):
                    await self._slots.acquire()
                    task = asyncio.create_task(self._handle(change["new_val"]))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        finally:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _handle(self, job: dict[str, Any]) -> None:
        try:
            if await self._claim(job):
                await r.table("jobs").get(job["id"]).update(self._done(job)).run(self._pool)
        except r.ReqlError as error:
            log.warning("job %r is left as it is: %s", job["id"], error)
        finally:
            self._slots.release()

    def _done(self, job: dict[str, Any]) -> dict[str, Any]:
        """The work itself: what it comes to."""
        try:
            return {"state": "done", "words": len(job["text"].split())}
        except Exception as error:  # a job of some other form must not end the worker
            log.exception("job %r failed", job["id"])
            return {"state": "failed", "reason": repr(error)}

    async def _claim(self, job: dict[str, Any]) -> bool:
        """Whether this worker was first: a document is changed by one query at a time."""
        claimed = r.branch(r.row["state"] == "new", {"state": "claimed"}, {})
        result = await r.table("jobs").get(job["id"]).update(claimed).run(self._pool)
        return bool(result["replaced"])


async def work(url: str) -> None:
    """Works until it is cancelled."""
    pool = r.ConnectionPool(url=url)
    try:
        while True:
            try:
                await prepare(pool)
                print("Waiting for jobs", flush=True)
                await Worker(pool).follow()
            except r.ReqlAuthError:
                raise
            except (r.ReqlDriverError, r.ReqlAvailabilityError) as error:
                log.warning("will begin again: %s", error)
                await asyncio.sleep(PAUSE)
    finally:
        await pool.close(timeout=5)


async def prepare(pool: Any) -> None:
    """Makes the table, if it is not there."""
    if "jobs" not in await r.table_list().run(pool):
        await r.table_create("jobs").run(pool)


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rethinkdb", default="rethinkdb://localhost", help="URL of the database")
    logging.basicConfig(level=logging.INFO)
    working = asyncio.create_task(work(parser.parse_args().rethinkdb))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


if __name__ == "__main__":
    asyncio.run(main())
