"""A service for twistd that keeps totals of orders up to date, from a changefeed.

    reql serve &
    twistd --nodaemon --python examples/twisted_service.py

Whenever an order comes, changes or goes, the document of its customer in the table `totals` is made
anew. When the link to the database is lost the service connects again, and goes through all orders
first. (A customer whose last order went meanwhile keeps an old total until the next order.)

The database's URL is in the environment variable RETHINKDB_URL.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.application.service import Application, Service
from twisted.internet import reactor, task
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from rethinkdb import r

r.set_loop_type("twisted")

RETRY_SECONDS = 1.0


class Totals(Service):
    """Follows the table `orders`.

    Args:
        url: of the database.
    """

    log = Logger()

    def __init__(self, url: str) -> None:
        self._url = url
        self._work: Deferred[None] | None = None

    def startService(self) -> None:  # noqa: N802  # Twisted's name
        super().startService()
        self._work = Deferred.fromCoroutine(self._run())

    def stopService(self) -> Deferred[None] | None:  # noqa: N802  # Twisted's name
        super().stopService()
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
        return work

    async def _run(self) -> None:
        while self.running:
            try:
                await self._connect_and_follow()
            except r.ReqlConnectionLostError as error:
                self.log.warn("will connect again: {error.message} {error.reason}", error=error)
            except CancelledError:
                return

    async def _connected(self) -> Any:
        """A connection, as soon as the server can be reached."""
        while True:
            try:
                return await r.connect(url=self._url)
            except r.ReqlAuthError:
                raise
            except r.ReqlDriverError as error:
                self.log.warn("will try again: {error}", error=error)
            await task.deferLater(reactor, RETRY_SECONDS)

    async def _connect_and_follow(self) -> None:
        with await self._connected() as conn:
            await self._prepare(conn)
            orders = await r.table("orders").changes(include_initial=True).run(conn)
            self.log.info("following the orders at {url}", url=self._url)
            async for change in orders:
                sides = (change.get("old_val"), change.get("new_val"))
                for customer in {order["customer"] for order in sides if order}:
                    await self._count(conn, customer)

    async def _prepare(self, conn: Any) -> None:
        """Makes the tables and the index, if they are not there."""
        there = await r.table_list().run(conn)
        for name in ("orders", "totals"):
            if name not in there:
                await r.table_create(name).run(conn)
        if "customer" not in await r.table("orders").index_list().run(conn):
            await r.table("orders").index_create("customer").run(conn)
        await r.table("orders").index_wait("customer").run(conn)

    async def _count(self, conn: Any, customer: str) -> None:
        total = r.table("orders").get_all(customer, index="customer").sum("amount")
        document = {"id": customer, "amount": total}
        await r.table("totals").insert(document, conflict="replace").run(conn)


application = Application("totals")
Totals(os.environ.get("RETHINKDB_URL", "rethinkdb://localhost")).setServiceParent(application)
