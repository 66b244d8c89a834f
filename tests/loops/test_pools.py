"""Pools of connections: every loop passes the same scenarios."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlDriverError, ReqlServerCompileError
from rethinkdb.loops.blocking import ConnectionPool
from rethinkdb.pool import Dial
from rethinkdb.testing.conformance import Scenario, name_of, pooling
from rethinkdb.testing.conformance.drivers import DRIVERS
from rethinkdb.testing.conformance.trial import PATIENCE
from tests.trying import installed, try_on

from . import loop_storm, pool_storm


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("scenario", pooling.SCENARIOS, ids=name_of)
@pytest.mark.parametrize("loop", DRIVERS)
def test_scenario(loop: str, scenario: Scenario, server: Server) -> None:
    try_on(loop, scenario, server)


@pytest.mark.parametrize("trusted_for", [math.inf, -1.0], ids=["at-once", "after-a-look"])
def test_each_way_to_a_connection_counts_the_same(
    trusted_for: float, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectionPool, "_trusted_for", trusted_for)
    with ConnectionPool(server.host, server.port, max_size=1, retry=None) as pool:
        assert r.expr(1).run(pool) == 1
        assert r.expr(2).run(pool, profile=True)["value"] == 2
        with pytest.raises(ReqlServerCompileError, match="Unrecognized"):
            r.expr(3).run(pool, no_such_option=1)
        with pool.connection() as conn:
            assert r.expr(4).run(conn) == 4
        cursor = r.range().run(pool)
        assert next(cursor) == 0
        assert (pool.stats().cursors, pool.stats().idle) == (1, 0)
        cursor.close()
        stats = pool.stats()
        assert (stats.queries, stats.errors, stats.in_flight, stats.cursors) == (4, 1, 0, 0)
        assert (stats.size, stats.idle, stats.opened, stats.lost) == (1, 1, 1, 0)
    with pytest.raises(ReqlDriverError, match="closed"):
        r.expr(5).run(pool)


def test_storm() -> None:
    outcomes = pool_storm.storm(threads=32, queries=1000, pause=0.5, seconds=1.5)
    assert outcomes["answered"]


# A socket that is struck as it is made goes as garbage, and Python says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("loop", DRIVERS)
def test_storm_of_everything(loop: str) -> None:
    installed(loop)
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    loop_storm.storm(loop, seed, seconds=0.4)


def test_two_loops_in_one_process(server: Server) -> None:
    async def ask() -> Any:
        async with r.ConnectionPool(server.host, server.port, loop_type="asyncio") as pool:
            return await r.expr(2).run(pool)

    with r.ConnectionPool(server.host, server.port) as pool:
        assert r.expr(1).run(pool) == 1
        assert asyncio.run(ask()) == 2
        assert r.expr(3).run(pool) == 3


def test_the_loop_of_a_pool_has_ended(server: Server) -> None:
    pool = r.ConnectionPool(server.host, server.port, loop_type="asyncio")

    async def ask() -> Any:
        return await r.expr(1).run(pool)

    async def close() -> Any:
        await pool.close()

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(ask()) == 1
    for use in (ask, close):
        with pytest.raises(ReqlDriverError, match="This pool belongs to another event loop"):
            asyncio.run(use())
    loop.run_until_complete(close())
    loop.close()


def test_tornado_before_its_loop_runs(server: Server) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pool = r.ConnectionPool(server.host, server.port, loop_type="tornado")
    answer = r.expr(1).run(pool)

    async def rest() -> None:
        assert await answer == 1
        await pool.close()

    loop.run_until_complete(rest())
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.parametrize("loop", ["blocking", "asyncio", "tornado", "gevent"])
def test_the_interpreter_ends_with_open_pools(loop: str, server: Server) -> None:
    """It makes no noise, and does not hang."""
    assert run_program(_LEFT_OPEN, loop, str(server.port)) == "1\n"


def test_a_pool_stays_open_if_its_closing_time_is_no_number(server: Server) -> None:
    with r.ConnectionPool(server.host, server.port, loop_type="blocking") as pool:
        with pytest.raises(ReqlDriverError, match="`timeout` must be a number of seconds, not '2'"):
            pool.close(timeout="2")
        assert r.expr(1).run(pool) == 1

    async def awaited() -> None:
        async with r.ConnectionPool(server.host, server.port, loop_type="asyncio") as pool:
            with pytest.raises(ReqlDriverError, match="`timeout` must be a number of seconds"):
                await pool.close(timeout="2")
            assert await r.expr(1).run(pool) == 1

    asyncio.run(awaited())


@pytest.mark.parametrize("used", ["", "feed"])
def test_the_reactor_stops_with_an_open_pool(used: str, server: Server) -> None:
    """The pool closes its connections before, so that nobody is warned of their loss."""
    assert run_program(_REACTOR_STOPS, str(server.port), used) == "1\nstopped\n"


def test_a_closed_pool_is_no_concern_of_the_reactor(server: Server) -> None:
    assert run_program(_REACTOR_STOPS, str(server.port), "closed") == "1\nstopped\n"


@pytest.mark.parametrize("end", ["cancel", "raise", "block"])
def test_the_nursery_ends_with_an_open_pool(end: str, server: Server) -> None:
    """Whatever ends the nursery is not held up by the pool, nor changed."""
    assert run_program(_NURSERY_ENDS, str(server.port), end) == "1\nended\n"


@pytest.mark.parametrize("loop", ["blocking", "asyncio", "tornado", "gevent"])
def test_a_forked_child_opens_anew(loop: str, server: Server) -> None:
    assert run_program(_FORKED, loop, str(server.port)) == "parent 1 1\nchild 1 1\nparent 1 2\n"


def run_program(program: str, *words: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


_ASK = """
import os, sys
from rethinkdb import r
loop, port = sys.argv[1], int(sys.argv[2])
pool = r.ConnectionPool("127.0.0.1", port, min_size=2, loop_type=loop)
async def ask():
    await pool.open()
    return await r.expr(1).run(pool)
def on_loop(ask):
    import asyncio
    runner = globals().setdefault("runner", asyncio.new_event_loop())
    runner.run_until_complete(ask())
"""

_LEFT_OPEN = (
    _ASK
    + """
if loop in ("blocking", "gevent"):
    pool.open()
    print(r.expr(1).run(pool))
else:
    async def show():
        print(await ask())
    on_loop(show)
"""
)

_REACTOR_STOPS = """
import sys
import threading
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from rethinkdb import r
r.set_loop_type("twisted")
pool = r.ConnectionPool("127.0.0.1", int(sys.argv[1]), min_size=2)
async def main():
    await pool.open()
    print(await r.expr(1).run(pool))
    if sys.argv[2] == "feed":
        feed = await r.table("users").changes().run(pool, db="rethinkdb")
        feed.next().addErrback(lambda failure: failure.trap(r.ReqlCursorLostError))
    if sys.argv[2] == "closed":
        await pool.close()
    reactor.stop()
ensureDeferred(main())
reactor.run()
print("stopped")
"""

_NURSERY_ENDS = """
import sys, trio
from rethinkdb import r
r.set_loop_type("trio")
port, end = int(sys.argv[1]), sys.argv[2]
async def given():
    async with trio.open_nursery() as nursery:
        pool = r.ConnectionPool("127.0.0.1", port, min_size=2, nursery=nursery)
        await pool.open()
        print(await r.expr(1).run(pool))
        if end == "raise":
            raise SystemExit
        nursery.cancel_scope.cancel()
async def block():
    async with trio.open_nursery() as nursery:
        async with r.ConnectionPool("127.0.0.1", port, min_size=2) as pool:
            print(await r.expr(1).run(pool))
            nursery.cancel_scope.cancel()
            await trio.sleep_forever()
try:
    trio.run(block if end == "block" else given)
except BaseException as error:
    error = getattr(error, "exceptions", [error])[0]
    if end != "raise" or type(error) is not SystemExit:
        raise
print("ended")
"""

_FORKED = (
    _ASK
    + """
def say(who):
    if loop in ("blocking", "gevent"):
        pool.open()
        print(who, r.expr(1).run(pool), pool.stats().queries, flush=True)
    else:
        async def show():
            print(who, await ask(), pool.stats().queries, flush=True)
        on_loop(show)
if loop == "gevent":
    from gevent import os
say("parent")
import os as system
child = os.fork()
if not child:
    globals().pop("runner", None)
    say("child")
    system._exit(0)
os.waitpid(child, 0)
say("parent")
"""
)


def test_a_connection_is_known_before_another_thread_may_close_it(server: Server) -> None:
    """What one thread is to dial another one may be told to close, before it is dialled."""
    dialled: list[Any] = []

    class Watched(ConnectionPool):
        def _do(self, effect: Any) -> None:
            if isinstance(effect, Dial):
                dialled.append(effect.member.connection)
            super()._do(effect)

    with Watched(server.host, server.port) as pool:
        assert r.expr(1).run(pool) == 1
    assert dialled
    assert None not in dialled


def test_both_threads_of_a_clerk_end_with_its_pool(server: Server) -> None:
    """After an interrupt there may be two. Only one of them hears that the pool has gone."""
    pool = r.ConnectionPool(server.host, server.port)
    clerk = pool._clerk
    threads = [threading.Thread(target=clerk._work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(clerk._threads) < len(threads):
        threads[0].join(0.001)
    del pool
    gc.collect()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
