"""An asyncio worker that takes jobs from a table.

    reql serve &
    python examples/asyncio_worker.py

Any number of workers may run: each job is claimed by one of them. A job is a document of the table
`jobs` with `state: "new"` and a `text`; this worker counts its words. On SIGTERM or Ctrl-C it
completes the jobs at hand and ends. When the link to the database is lost, it connects again.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import Any

from rethinkdb import r

r.set_loop_type("asyncio")

RETRY_SECONDS = 1.0


class Worker:
    """Does jobs, some at a time.

    Args:
        conn: a connection; all tasks share it.
        at_once: how many jobs to do at a time.
    """

    def __init__(self, conn: Any, at_once: int = 10) -> None:
        self._conn = conn
        self._slots = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()

    async def follow(self) -> None:
        """Takes jobs as they come. Cancel it to end; the jobs at hand are completed then."""
        new_jobs = r.table("jobs").filter({"state": "new"})
        try:
            async for change in await new_jobs.changes(include_initial=True).run(self._conn):
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
                result = {"state": "done", "words": len(job["text"].split())}
                await r.table("jobs").get(job["id"]).update(result).run(self._conn)
        finally:
            self._slots.release()

    async def _claim(self, job: dict[str, Any]) -> bool:
        """Whether this worker was first: a document is changed by one query at a time."""
        claimed = r.branch(r.row["state"] == "new", {"state": "claimed"}, {})
        result = await r.table("jobs").get(job["id"]).update(claimed).run(self._conn)
        return bool(result["replaced"])


async def work(url: str) -> None:
    """Connects and works, again and again, until cancelled."""
    while True:
        try:
            async with await connected(url) as conn:
                if "jobs" not in await r.table_list().run(conn):
                    await r.table_create("jobs").run(conn)
                print("Waiting for jobs", flush=True)
                await Worker(conn).follow()
        except r.ReqlConnectionLostError as error:
            print(f"Will connect again: {error.message} {error.reason}", flush=True)


async def connected(url: str) -> Any:
    """A connection, as soon as the server can be reached."""
    while True:
        opening = r.connect(url=url)  # raises if the URL is wrong: that will not change by itself
        try:
            return await opening
        except r.ReqlAuthError:
            raise
        except r.ReqlDriverError as error:
            print(f"Will try again: {error}", flush=True)
        await asyncio.sleep(RETRY_SECONDS)


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rethinkdb", default="rethinkdb://localhost", help="URL of the database")
    working = asyncio.create_task(work(parser.parse_args().rethinkdb))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


if __name__ == "__main__":
    asyncio.run(main())
