"""How a program starts on each loop, and runs several things at once there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

__all__ = ["LOOPS", "Loop"]

Main = Callable[..., Coroutine[Any, Any, None]]
Jobs = list[Callable[[], Coroutine[Any, Any, None]]]


def start_asyncio(main: Main) -> None:
    import asyncio

    asyncio.run(main())


async def together_asyncio(works: Jobs) -> None:
    import asyncio

    await asyncio.gather(*[work() for work in works])


def start_uvloop(main: Main) -> None:
    import uvloop

    uvloop.run(main())


def start_tornado(main: Main) -> None:
    from tornado.ioloop import IOLoop

    IOLoop().run_sync(main)


def start_trio(main: Main) -> None:
    import trio

    async def within() -> None:
        async with trio.open_nursery() as nursery:
            await main(nursery=nursery)
            nursery.cancel_scope.cancel()  # the connection's reader

    trio.run(within)


async def together_trio(works: Jobs) -> None:
    import trio

    async with trio.open_nursery() as nursery:
        for work in works:
            nursery.start_soon(work)


def start_twisted(main: Main) -> None:
    from importlib import import_module

    from twisted.internet.defer import ensureDeferred
    from twisted.python.failure import Failure

    reactor: Any = import_module("twisted.internet.reactor")
    ends: list[Any] = []

    def end(result: Any) -> None:
        ends.append(result)
        reactor.callLater(0, reactor.stop)  # it may not run yet

    ensureDeferred(main()).addBoth(end)
    reactor.run()
    if isinstance(ends[0], Failure):
        ends[0].raiseException()


async def together_twisted(works: Jobs) -> None:
    from twisted.internet.defer import ensureDeferred, gatherResults

    await gatherResults([ensureDeferred(work()) for work in works])


class Loop(NamedTuple):
    """How programs of one kind start, and run several things at once."""

    type: str  # for r.set_loop_type
    start: Callable[[Main], None]
    together: Callable[[Jobs], Awaitable[None]]


LOOPS = {
    "asyncio": Loop("asyncio", start_asyncio, together_asyncio),
    "uvloop": Loop("asyncio", start_uvloop, together_asyncio),
    "tornado": Loop("tornado", start_tornado, together_asyncio),
    "trio": Loop("trio", start_trio, together_trio),
    "twisted": Loop("twisted", start_twisted, together_twisted),
}
