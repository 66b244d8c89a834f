"""A service for twistd that keeps totals of orders up to date, from a changefeed.

    reql serve &
    twistd --nodaemon --python examples/twisted_service.py

Whenever an order comes, changes or goes, the document of its customer in the table `totals` is made
anew. When the database goes away, the service begins again as soon as it is back, and goes through
all orders first. (A customer whose last order went meanwhile keeps an old total until the next
order.) An order that makes no sense is logged and passed over.

The database's URL is in the environment variable RETHINKDB_URL.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from twisted.application.service import Application, Service
from twisted.internet import reactor, task
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from rethinkdb import r

r.set_loop_type("twisted")

# Between two attempts, when the database cannot be reached.
PAUSE = 1.0


class Totals(Service):
    """Follows the table `orders`.

    Args:
        url: of the database.
    """

    log = Logger()

    def __init__(self, url: str) -> None:
        self._pool = r.ConnectionPool(url=url)
        self._work: Deferred[None] | None = None

    def startService(self) -> None:  # noqa: N802  # Twisted's name
        super().startService()
        self._work = Deferred.fromCoroutine(self._run())
        self._work.addErrback(lambda failure: self.log.failure("the service has failed", failure))

    async def stopService(self) -> None:  # noqa: N802  # Twisted's name
        super().stopService()
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
            await work
        await self._pool.close(timeout=5)

    async def _run(self) -> None:
        with suppress(CancelledError):  # of stopService, which may come during a pause, too
            while self.running:
                try:
                    await self._follow()
                except r.ReqlAuthError:
                    raise
                except (r.ReqlDriverError, r.ReqlAvailabilityError) as error:
                    self.log.warn("will begin again: {error}", error=error)
                    await task.deferLater(reactor, PAUSE)

    async def _follow(self) -> None:
        await self._prepare()
        orders = await r.table("orders").changes(include_initial=True).run(self._pool)
        self.log.info("following the orders")
        async for change in orders:
            sides = (change.get("old_val"), change.get("new_val"))
            for customer in {order.get("customer") for order in sides if order}:
                await self._count(customer, change)

    async def _prepare(self) -> None:
        """Makes the tables and the index, if they are not there."""
        there = await r.table_list().run(self._pool)
        for name in ("orders", "totals"):
            if name not in there:
                await r.table_create(name).run(self._pool)
        if "customer" not in await r.table("orders").index_list().run(self._pool):
            await r.table("orders").index_create("customer").run(self._pool)
        await r.table("orders").index_wait("customer").run(self._pool)

    async def _count(self, customer: Any, change: Any) -> None:
        total = r.table("orders").get_all(customer, index="customer").sum("amount")
        document = {"id": customer, "amount": total}
        try:
            await r.table("totals").insert(document, conflict="replace").run(self._pool)
        except r.ReqlQueryLogicError as error:  # an order without a customer, an amount in words
            self.log.error("passed over {change}: {error}", change=change, error=error.message)


application = Application("totals")
Totals(os.environ.get("RETHINKDB_URL", "rethinkdb://localhost")).setServiceParent(application)
