"""A loop that ends while a changefeed is open: run by `test_ending.py`, one process per loop.

python -m tests.push.ending asyncio localhost 28015
"""

from __future__ import annotations

import sys
from typing import Any

from rethinkdb import loops, r


class Printer(r.Handler):
    def __init__(self, opened: Any) -> None:
        self._when_open = opened

    def on_open(self) -> None:
        print("open")
        self._when_open()

    def on_close(self) -> None:
        print("closed")

    def on_error(self, error: Exception) -> None:
        print(type(error).__name__, str(error).partition(" in:")[0])


FEED = r.db("rethinkdb").table("server_config").changes()


def opened_as(case: str, address: tuple[str, int], **options: Any) -> Any:
    """What runs the query: a connection as it comes about, or a pool."""
    loop = case.partition("-")[0]
    if case.endswith("-pool"):
        return r.ConnectionPool(*address, loop_type=loop, **options)
    return loops.load(loop).make(*address, **options)


async def in_turn(conn: Any) -> Any:
    return await conn if hasattr(conn, "__await__") else conn


def on_asyncio(case: str, address: tuple[str, int]) -> None:
    import asyncio

    async def main() -> None:
        conn = await in_turn(opened_as(case, address))
        opened = asyncio.Event()
        FEED.run_with(Printer(opened.set), conn)
        await opened.wait()

    asyncio.run(main())


def on_io_loop(case: str, address: tuple[str, int]) -> None:
    from tornado.ioloop import IOLoop
    from tornado.locks import Event

    async def main() -> None:
        conn = await in_turn(opened_as(case, address))
        opened = Event()
        FEED.run_with(Printer(opened.set), conn)
        await opened.wait()

    loop: Any = IOLoop(make_current=False)
    loop.run_sync(main)
    loop.run_sync(loop.asyncio_loop.shutdown_asyncgens)  # as asyncio.run() does by itself
    loop.close()


def on_twisted(case: str, address: tuple[str, int]) -> None:
    from twisted.internet import defer, reactor
    from twisted.internet.task import react

    async def main(_: Any) -> None:
        conn = await in_turn(opened_as(case, address))
        opened: Any = defer.Deferred()
        FEED.run_with(Printer(lambda: opened.callback(None)), conn)
        await opened

    react(lambda reactor: defer.ensureDeferred(main(reactor)), _reactor=reactor)


def on_trio(case: str, address: tuple[str, int]) -> None:
    import trio

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            conn = await in_turn(opened_as(case, address, nursery=nursery))
            opened = trio.Event()
            FEED.run_with(Printer(opened.set), conn)
            await opened.wait()
            nursery.cancel_scope.cancel()

    trio.run(main)


def on_gevent(case: str, address: tuple[str, int]) -> None:
    from gevent.event import Event

    conn = opened_as(case, address)
    opened = Event()
    FEED.run_with(Printer(opened.set), conn)
    opened.wait()


def on_blocking(case: str, address: tuple[str, int]) -> None:
    from threading import Event

    conn = opened_as(case, address)
    opened = Event()
    FEED.run_with(Printer(opened.set), conn)
    opened.wait()


#: By the name of the loop, and what else tells the case from others of it.
LOOPS = {
    "blocking": on_blocking,
    "asyncio": on_asyncio,
    "tornado": on_asyncio,
    "tornado-loop": on_io_loop,
    "twisted": on_twisted,
    "trio": on_trio,
    "gevent": on_gevent,
}
LOOPS |= {f"{case}-pool": function for case, function in LOOPS.items()}

if __name__ == "__main__":
    case, host, port = sys.argv[1:]
    LOOPS[case](case, (host, int(port)))
