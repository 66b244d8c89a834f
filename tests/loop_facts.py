"""What a loop's driver gives and takes, found out by using it.

    python -m tests.loop_facts asyncio 28015

prints the facts as JSON, under the names that `docs/topics/matrix.md` has for them.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from rethinkdb import monitoring, r
from rethinkdb.testing import fixtures
from rethinkdb.tools import ToolError
from rethinkdb.tools.running import Runner

YES, NO = "yes", "no"

Facts = dict[str, Any]

Native = Callable[[Any], Awaitable[tuple[str, str]]]


class Prober:
    """Collects facts.

    Args:
        facts: gets them, by name.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    async def gives(self, name: str, result: Any) -> Any:
        """Notes of what kind a call's result is; returns what becomes of it."""
        self.facts[name] = kind_of(result)
        return await result if self.facts[name] != "value" else result

    def has(self, name: str, thing: Any, method: str) -> None:
        """Notes whether something has a method."""
        self.facts[name] = YES if hasattr(type(thing), method) else NO


def kind_of(result: Any) -> str:
    """The kind of what a call returned, as the matrix names it."""
    if isinstance(result, Coroutine):
        return "coroutine"
    names = {kind.__name__ for kind in type(result).__mro__} & {"Future", "Deferred"}
    return names.pop() if names else "value"


async def probe(facts: Facts, port: int, options: dict[str, Any], ended: Native) -> None:
    """Uses a loop's driver; `ended` waits for a feed and is torn from it, and says how."""
    prober = Prober(facts)
    early = facts.pop("early")
    if early is not None:
        await in_turn((await in_turn(early)).close())
    facts["r.connect() before the loop runs"] = YES if early is not None else NO
    opening = r.connect("localhost", port, **options)
    prober.has("async with r.connect()", opening, "__aenter__")
    if not isinstance(opening, Coroutine):  # blocking connections have one of their own
        facts["async with r.connect()"] = NO
    conn = await prober.gives("r.connect()", opening)
    places = [("localhost", 1), ("localhost", port)]  # nobody listens at the first one
    one_of_two = await in_turn(r.connect(hosts=places, **options))
    facts["r.connect(hosts=[...])"] = YES if one_of_two.port == port else NO
    told: list[Any] = []
    with monitoring.listening(told.append, one_of_two):
        await in_turn(r.expr(1).run(one_of_two))
    facts["monitoring.register(listener, conn)"] = YES if told else NO
    await in_turn(one_of_two.close())
    await in_turn(r.table_create("t").run(conn))
    facts["query.run(conn) has begun"] = await begins_at_once(conn)
    cursor = await prober.gives("query.run(conn)", r.range(3).run(conn))
    await use(prober, conn, cursor)
    syntax(prober, conn, cursor)
    facts["ended by"], facts["the caller sees"] = await ended(conn)
    assert await in_turn(r.expr(1).run(conn)) == 1, "the connection is usable after that"
    await prober.gives("conn.server()", conn.server())
    await prober.gives("conn.noreply_wait()", conn.noreply_wait())
    await prober.gives("conn.reconnect()", conn.reconnect())
    await prober.gives("conn.close()", conn.close())
    facts["further options of r.connect()"] = ", ".join(type(conn).LOOP_OPTIONS) or "none"
    facts["rethinkdb.tools.dump(conn)"] = YES if takes_tools(conn) else NO
    for extra in ("open", "ConnectionPool"):
        facts[f"r.{extra}()"] = YES if hasattr(r, extra) else NO


def takes_tools(conn: Any) -> bool:
    """Whether the tools work on such a connection."""
    try:
        Runner(conn)
    except ToolError:
        return False
    return True


async def in_turn(result: Any) -> Any:
    """The value of a result of whatever kind."""
    return result if kind_of(result) == "value" else await result


async def begins_at_once(conn: Any) -> str:
    """Whether a query is sent before its result is waited for."""
    first = r.table("t").insert({"id": 1}).run(conn)
    is_there = await in_turn(r.table("t").get(1).ne(None).run(conn))
    await in_turn(first)
    return YES if is_there else "when awaited"


async def use(prober: Prober, conn: Any, cursor: Any) -> None:
    """What the plain methods give."""
    await prober.gives("conn.use(db)", conn.use("test"))
    await prober.gives("conn.is_open()", conn.is_open())
    await prober.gives("cursor.fetch_next()", cursor.fetch_next())
    await prober.gives("cursor.next()", cursor.next())
    await prober.gives("cursor.to_list()", cursor.to_list())
    try:
        await in_turn(cursor.next())
    except r.ReqlCursorEmpty as end:
        is_stop = isinstance(end, StopIteration)
        prober.facts["the end of a cursor is a StopIteration, too"] = YES if is_stop else NO
    await prober.gives("cursor.close()", cursor.close())


def syntax(prober: Prober, conn: Any, cursor: Any) -> None:
    """What can be written with them."""
    prober.has("for item in cursor", cursor, "__iter__")
    prober.has("async for item in cursor", cursor, "__aiter__")
    for name, thing in (("conn", conn), ("cursor", cursor)):
        prober.has(f"with {name}", thing, "__enter__")
        prober.has(f"async with {name}", thing, "__aenter__")


def connected_early(port: int) -> Any:
    """What `r.connect()` gives here, where no loop runs; None if it does nothing, or refuses."""
    try:
        early = r.connect("localhost", port)
    except r.ReqlDriverError:  # trio's needs a nursery
        return None
    if isinstance(early, Coroutine):
        early.close()
        return None
    return early


# --- one function for each loop ------------------------------------------------------------------


def on_blocking(facts: Facts, port: int) -> None:
    async def ended(conn: Any) -> tuple[str, str]:
        feed = r.table("t").changes().run(conn)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        try:
            feed.next()
        except KeyboardInterrupt as interrupt:
            return "a signal (Ctrl-C)", type(interrupt).__name__
        raise AssertionError("no interrupt")

    complete(probe(facts, port, {}, ended))


def on_gevent(facts: Facts, port: int) -> None:
    import gevent

    async def ended(conn: Any) -> tuple[str, str]:
        feed = r.table("t").changes().run(conn)
        with gevent.Timeout(0.02, False):  # type: ignore[arg-type]  # the stubs lack False
            feed.next()
        waiting = gevent.spawn(feed.next)
        gevent.sleep()
        waiting.kill()
        return "kill(), gevent.Timeout", type(waiting.value).__name__

    complete(probe(facts, port, {}, ended))


def complete(program: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine that waits for nothing."""
    try:
        program.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")


def on_asyncio(facts: Facts, port: int) -> None:
    import asyncio

    async def ended(conn: Any) -> tuple[str, str]:
        feed = await r.table("t").changes().run(conn)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(feed.next(), 0.02)
        task = asyncio.create_task(feed.next())
        await asyncio.sleep(0)
        task.cancel()
        outcomes: Any = await asyncio.gather(task, return_exceptions=True)
        return "task.cancel(), asyncio.wait_for()", type(outcomes[0]).__name__

    asyncio.run(probe(facts, port, {}, ended))


def on_tornado(facts: Facts, port: int) -> None:
    from asyncio import CancelledError

    from tornado.ioloop import IOLoop

    async def ended(conn: Any) -> tuple[str, str]:
        feed = await r.table("t").changes().run(conn)
        item = feed.next()
        item.cancel()
        try:
            await item
        except CancelledError as cancelled:
            return "future.cancel()", type(cancelled).__name__
        raise AssertionError("not cancelled")

    IOLoop.current().run_sync(lambda: probe(facts, port, {}, ended))


def on_twisted(facts: Facts, port: int) -> None:
    from twisted.internet import defer, reactor, task

    async def ended(conn: Any) -> tuple[str, str]:
        feed = await r.table("t").changes().run(conn)
        with suppress(defer.TimeoutError):
            await feed.next().addTimeout(0.02, reactor)
        item = feed.next()
        item.cancel()
        try:
            await item
        except defer.CancelledError as cancelled:
            return "d.cancel(), d.addTimeout()", type(cancelled).__name__
        raise AssertionError("not cancelled")

    def main(reactor: Any) -> Any:
        return defer.ensureDeferred(probe(facts, port, {}, ended))

    try:
        task.react(main)
    except SystemExit as end:
        if end.code:
            raise


def on_trio(facts: Facts, port: int) -> None:
    import trio

    async def ended(conn: Any) -> tuple[str, str]:
        feed = await r.table("t").changes().run(conn)
        seen = ""
        with trio.move_on_after(0.02):
            try:
                await feed.next()
            except trio.Cancelled as cancelled:
                seen = type(cancelled).__name__
                raise
        return "a cancel scope", seen

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await probe(facts, port, {"nursery": nursery}, ended)

    trio.run(main)


LOOPS = {
    "blocking": on_blocking,
    "asyncio": on_asyncio,
    "tornado": on_tornado,
    "twisted": on_twisted,
    "trio": on_trio,
    "gevent": on_gevent,
}


def main() -> None:
    """Prints the facts of the loop that the command line names."""
    loop, port = sys.argv[1], int(sys.argv[2])
    r.set_loop_type(loop)
    facts = {"early": connected_early(port)}
    LOOPS[loop](facts, port)
    fixture = f"{loop}_connection"
    facts["in rethinkdb.testing.fixtures"] = fixture if fixture in fixtures.__all__ else NO
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
