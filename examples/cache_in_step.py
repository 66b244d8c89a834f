"""A cache that stays in step with a table while its servers come and go.

    reql serve &
    python examples/cache_in_step.py

It holds the rows of the table `products` and prints each that comes, changes or goes. While the
database is away the cache answers from what it knows. When the database is back, it gets what has
changed in the meantime, deletions too, and nothing else: so a search index or a web page can be
kept in step in the same way. On SIGTERM or Ctrl-C it ends. If the table itself is dropped, it ends
with an error, as a cache of nothing would only hide that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
from typing import Any

from rethinkdb import r

r.set_loop_type("asyncio")


class Cache:
    """The rows of a table, by their primary key."""

    def __init__(self, table: str) -> None:
        self.rows: dict[Any, dict[str, Any]] = {}
        self._table = table

    async def follow(self, pool: Any) -> None:
        """Keeps in step until it is cancelled."""
        changes = r.table(self._table).changes(include_initial=True)
        async with await changes.run(pool, resume="diff") as feed:
            async for change in feed:
                self.apply(change)

    def apply(self, change: dict[str, Any]) -> None:
        """Does what an item says. After all of them, in order, the rows are those of the table."""
        old, new = change.get("old_val"), change.get("new_val")
        if old is not None:
            del self.rows[old["id"]]
        if new is not None:
            self.rows[new["id"]] = new
            print(f"{new['id']} {json.dumps(new)}", flush=True)
        elif old is not None:
            print(f"{old['id']} is gone", flush=True)


async def work(url: str) -> None:
    """Works until it is cancelled."""
    # Tried for ever: a cache is of no use once it has given up.
    policy = r.RetryPolicy(feed_attempts=None)
    async with r.ConnectionPool(url=url, retry=policy) as pool:
        if "products" not in await r.table_list().run(pool):
            await r.table_create("products").run(pool)
        await Cache("products").follow(pool)


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rethinkdb", default="rethinkdb://localhost", help="URL of the database")
    logging.basicConfig(level=logging.WARNING)
    working = asyncio.create_task(work(parser.parse_args().rethinkdb))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    await asyncio.wait([working])
    if not working.cancelled():
        working.result()


if __name__ == "__main__":
    asyncio.run(main())
