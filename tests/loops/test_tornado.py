"""What is peculiar to Tornado. The rest is in the conformance suite."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest
from tornado import gen
from tornado.concurrent import Future, chain_future
from tornado.ioloop import IOLoop

from rethinkdb import RethinkDB
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorEmpty,
    ReqlDriverError,
    ReqlTimeoutError,
)
from rethinkdb.loops.tornado import Connection, ConnectionPool, TornadoCursor
from rethinkdb.loops.transport.renewing import AwaitingRenewal
from rethinkdb.ql2 import QueryType

from .scripted_server import PATIENCE, Command, ScriptedServer

SOON = 0.05

Test = Callable[..., Any]


def in_tornado(test: Test) -> Callable[..., None]:
    """Runs a coroutine of either kind in a loop of its own, until its last task is done."""

    async def main(*args: Any, **kwargs: Any) -> None:
        await test(*args, **kwargs)
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        loop = IOLoop(make_current=False)
        try:
            loop.run_sync(partial(main, *args, **kwargs), timeout=PATIENCE)
        finally:
            loop.close(all_fds=True)

    return run


async def until(condition: Callable[[], Any]) -> None:
    while not condition():
        await gen.sleep(0.001)


async def usable(conn: Connection) -> bool:
    return bool(await Command("atom", "still here").run(conn) == "still here")


@in_tornado
@gen.coroutine
def test_yield(server: ScriptedServer) -> Iterator[Any]:
    conn = yield Connection.make("localhost", server.port)
    assert (yield Command("atom", 1).run(conn)) == 1
    cursor = yield Command("batches", [1], [2]).run(conn)
    assert type(cursor) is TornadoCursor
    items = []
    while (yield cursor.fetch_next()):
        items.append((yield cursor.next()))
    assert items == [1, 2]
    with pytest.raises(ReqlCursorEmpty):
        yield cursor.next()
    yield conn.close()
    assert not conn.is_open()


@in_tornado
async def test_futures_are_tornados_and_under_way(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        running = [Command("atom", n).run(conn) for n in range(3)]
        assert all(type(future) is Future for future in running)
        assert conn._session.tokens_in_use == 3
        assert [await future for future in running] == [0, 1, 2]
        closing = conn.close()
        assert not conn.is_open()
        assert await closing is None


@in_tornado
async def test_to_list_is_under_way(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        cursor = await Command("batches", [1], [2], [3]).run(conn)
        everything = cursor.to_list()
        assert isinstance(everything, Future)
        await until(everything.done)  # though nobody waits for it
        assert everything.result() == [1, 2, 3]
        assert await cursor.to_list() == []


@in_tornado
async def test_to_list_given_up(server: ScriptedServer) -> None:
    """Cancelled or settled by the caller, it takes nothing from those who come after."""
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f", []).run(conn)
        cancelled, settled = feed.to_list(), feed.to_list()
        await until(lambda: len(feed._stream._requests) == 2)
        cancelled.cancel()
        settled.set_result(["mine"])
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert await settled == ["mine"]
        await until(lambda: not feed._stream._requests)
        await Command("push", "f", [1]).run(conn)
        assert await feed.next() == 1
        assert await usable(conn)


@in_tornado
async def test_to_list_elsewhere(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        cursor = await Command("feed", "f").run(conn)
        with pytest.raises(ReqlDriverError, match="belongs to another event loop"):
            await asyncio.to_thread(cursor.to_list)


@in_tornado
async def test_items_at_hand(server: ScriptedServer) -> None:
    """They come in finished Futures, each one of its own: programs keep Futures in sets."""
    with await Connection.make("localhost", server.port) as conn:
        cursor = await Command("batches", [1, 2, 3], []).run(conn)
        futures = [cursor.fetch_next(), cursor.fetch_next(), cursor.next(), cursor.next()]
        assert all(type(future) is Future and future.done() for future in futures)
        assert len(set(futures)) == len(futures)
        assert [future.result() for future in futures] == [True, True, 1, 2]
        with pytest.raises(ReqlDriverError, match="belongs to another event loop"):
            await asyncio.to_thread(cursor.next)
        assert await cursor.next() == 3


@in_tornado
async def test_with(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        with await Command("feed", "f").run(conn):
            pass
        assert await usable(conn)
        assert server.sent(QueryType.STOP)
    assert not conn.is_open()
    assert not server.sent(QueryType.NOREPLY_WAIT)


MODULE = """
from tornado import gen, ioloop
from rethinkdb import r
from tests.loops.scripted_server import Command

r.set_loop_type("tornado")
connection = r.connect(port={port})

@gen.coroutine
def main():
    conn = yield connection
    print((yield Command("atom", 5).run(conn)))
    yield conn.close()

ioloop.IOLoop.current().run_sync(main)
"""


def test_connect_before_the_loop_runs(server: ScriptedServer) -> None:
    """At the top of a module, as documents do; nothing is deprecated about that in this driver."""
    code = MODULE.format(port=server.port)
    deprecated = "ignore:There is no current event loop:DeprecationWarning:tornado.ioloop"
    command = [sys.executable, "-W", "error", "-W", deprecated, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("5\n", "")


def test_queries_before_the_loop_runs_again(server: ScriptedServer) -> None:
    """A connection of a loop that is standing still takes queries in the loop's thread."""
    asyncio.set_event_loop(None)  # else asyncio makes a loop, for Tornado to put back at the end
    loop = IOLoop(make_current=True)
    tornado = RethinkDB()
    tornado.set_loop_type("tornado")
    conn = loop.run_sync(lambda: tornado.connect("localhost", server.port))
    running = Command("atom", 5).run(conn)
    assert loop.run_sync(lambda: running) == 5
    failures: list[Exception] = []

    def elsewhere() -> None:
        try:
            conn.server()
        except ReqlDriverError as exc:
            failures.append(exc)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "belongs to another event loop" in str(failures[0])
    loop.run_sync(conn.close)
    loop.close(all_fds=True)


@in_tornado
async def test_io_loop(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port, io_loop=IOLoop.current()) as conn:
        assert await usable(conn)
    with await Connection.make(
        "localhost", server.port, io_loop=asyncio.get_running_loop()
    ) as conn:
        assert await usable(conn)


@in_tornado
async def test_reconnect(server: ScriptedServer) -> None:
    conn = await Connection.make("localhost", server.port)
    assert await conn.reconnect(timeout=PATIENCE) is conn
    server.hang_up()
    assert await conn.reconnect(noreply_wait=False) is conn
    assert await usable(conn)
    await conn.close()


# Futures that others settle.


@in_tornado
async def test_chain_future_loses_nothing(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        cancel: Future[str] = Future()
        item = feed.next()
        chain_future(cancel, item)
        cancel.set_result("cancelled")
        assert await item == "cancelled"
        await Command("push", "f", [1]).run(conn)
        assert await feed.next() == 1
        assert await usable(conn)


@in_tornado
async def test_settled_by_the_caller_just_before_the_item_comes(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        item = feed.next()
        # The item arrives before the loop has told the driver that its Future is settled.
        feed._stream._requests[0].waiter.add_done_callback(lambda _: None)
        waiter = feed._stream._requests[0].waiter
        waiter._callbacks = (lambda _: item.set_result("mine"), *waiter._callbacks)
        await Command("push", "f", [1]).run(conn)
        assert await item == "mine"
        assert await feed.next() == 1


@in_tornado
async def test_a_task_cancelled_as_its_item_arrives(server: ScriptedServer) -> None:
    """In the turn between the arrival of the item and the task's own: the next caller gets it."""
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)

        async def take() -> Any:
            return await feed.next()

        @gen.coroutine
        def take_by_yield() -> Iterator[Any]:
            item = yield from_task(take())
            return item

        def from_task(coroutine: Any) -> asyncio.Task[Any]:
            tasks.append(asyncio.ensure_future(coroutine))
            return tasks[-1]

        tasks: list[asyncio.Task[Any]] = []
        for start in (lambda: from_task(take()), take_by_yield):
            waiting = start()
            await until(lambda: feed._stream._requests)
            waiter = feed._stream._requests[0].waiter
            waiter.add_done_callback(lambda _: tasks[-1].cancel())
            await Command("push", "f", [1]).run(conn)
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await feed.next(wait=PATIENCE) == 1


@in_tornado
@pytest.mark.parametrize("end", ["cancelled", "cancelled late", "settled"])
@pytest.mark.parametrize("renewable", [False, True])
async def test_items_come_in_order_after_a_cancelled_one(
    server: ScriptedServer, end: str, renewable: bool
) -> None:
    """Items that arrive in the very turn in which the first of two waits ends."""
    conn = await Connection.make(port=server.port)
    cursor = await Command("feed", "in order").run(conn)
    stream = cursor._stream
    if renewable:
        stream.renewal = AwaitingRenewal.__new__(AwaitingRenewal)
        stream.renewal.forget = lambda: None
    first = cursor.next()
    await until(lambda: stream._requests)  # the task of a renewable one has begun

    def arrive() -> None:
        stream.buffer.extend(["a", "b", "c"])
        stream.serve()

    if end == "cancelled late":
        arrive()
        first.cancel()
        second = cursor.next()
    else:
        first.cancel() if end == "cancelled" else first.set_result("settled")
        second = cursor.next()
        arrive()
    assert [await second, await cursor.next(), await cursor.next()] == ["a", "b", "c"]
    await conn.close()


@in_tornado
async def test_an_item_belongs_to_who_has_read_it(server: ScriptedServer) -> None:
    """Whichever way: it is not given to the next caller, too, when the Future is cancelled."""
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        by_result, by_await, by_callback, by_chain = (feed.next() for _ in range(4))
        chained: Future[Any] = Future()
        chain_future(by_chain, chained)
        called: list[Any] = []
        by_callback.add_done_callback(lambda future: called.append(future.result()))
        await Command("push", "f", [1, 2, 3, 4, 5]).run(conn)
        assert by_result.result() == 1
        assert await by_await == 2  # it is done: nothing waits
        assert await chained == 4
        assert called == [3]
        for future in (by_result, by_await, by_callback, by_chain):
            assert not future.cancel()
            assert not future.cancelled()
        assert by_result.result() == 1
        assert by_result.exception() is None
        assert await feed.next() == 5


@in_tornado
async def test_an_item_that_nobody_has_read_goes_back(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        item = feed.next()
        await Command("push", "f", [1]).run(conn)
        await until(item.done)
        assert item.cancel()
        assert item.cancelled()
        assert item.done()
        for look in (item.result, item.exception):
            with pytest.raises(asyncio.CancelledError):
                look()
        with pytest.raises(asyncio.CancelledError):
            await item
        assert await feed.next() == 1


@in_tornado
async def test_a_cursor_that_arrives_as_its_task_is_cancelled_is_closed(
    server: ScriptedServer,
) -> None:
    with await Connection.make("localhost", server.port) as conn:

        async def run() -> Any:
            return await Command("feed", "f").run(conn)

        task = asyncio.ensure_future(run())
        await asyncio.sleep(0)  # it is sent in this turn, and answered in a later one
        (exchange,) = conn._session._exchanges.values()
        waiter: Any = exchange.receiver
        waiter.add_done_callback(lambda _: task.cancel())
        del waiter, exchange
        with pytest.raises(asyncio.CancelledError):
            await task
        gc.collect()
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)
        assert await usable(conn)


@in_tornado
async def test_cancel(server: ScriptedServer) -> None:
    with await Connection.make("localhost", server.port) as conn:
        running = Command("hold", "x").run(conn)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)
        assert await usable(conn)


@in_tornado
async def test_with_timeout(server: ScriptedServer) -> None:
    """Tornado's own time limit leaves the Future running; nothing breaks when it is answered."""
    with await Connection.make("localhost", server.port) as conn:
        feed = await Command("feed", "f").run(conn)
        item = feed.next()
        loop = IOLoop.current()
        with pytest.raises(gen.TimeoutError):
            await gen.with_timeout(loop.time() + SOON, item)
        await Command("push", "f", [1]).run(conn)
        assert await item == 1
        with pytest.raises(ReqlTimeoutError):
            await feed.next(wait=SOON)


@pytest.mark.parametrize(
    "settle",
    [
        Future.cancel,
        lambda future: future.set_result("mine"),
        lambda future: future.set_exception(ReqlConnectionLostError("mine")),
    ],
    ids=["cancelled", "result", "error"],
)
@in_tornado
async def test_a_pools_future_settled_by_its_caller(
    server: ScriptedServer, settle: Callable[[Future[Any]], object]
) -> None:
    """The query is stopped. The caller's own error is no reason to run it again."""
    async with ConnectionPool("localhost", server.port) as pool:
        running = Command("hold", "x").run(pool, idempotent=True)
        settle(running)
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)
        assert running.cancelled() or running.exception() or running.result() == "mine"
        assert await Command("atom", 1).run(pool) == 1
        stats = pool.stats()
        assert (stats.queries, stats.errors, stats.in_flight, stats.retried) == (2, 1, 0, 0)


@in_tornado
async def test_a_pools_query_that_is_answered_as_its_caller_settles_it(
    server: ScriptedServer,
) -> None:
    async with ConnectionPool("localhost", server.port) as pool:
        await Command("atom", 1).run(pool)
        (member,) = pool._pool.members
        answer = Command("batches", [1], [2]).run(pool)
        (exchange,) = member.connection._session._exchanges.values()
        waiter = exchange.receiver
        waiter._callbacks = (lambda _: answer.set_result("mine"), *waiter._callbacks)
        assert await answer == "mine"
        await asyncio.to_thread(server.wait_for_sent, QueryType.STOP)  # of the unclaimed cursor
        assert await Command("atom", 1).run(pool) == 1
        stats = pool.stats()
        assert (stats.queries, stats.errors, stats.in_flight, stats.cursors) == (3, 1, 0, 0)


@in_tornado
async def test_connect_settled_by_the_caller(server: ScriptedServer) -> None:
    connecting: Future[Any] = Connection.make("localhost", server.port)
    connecting.set_result("never mind")
    assert await connecting == "never mind"
    await asyncio.to_thread(server.wait_for_silence)


@in_tornado
async def test_cancelled_connect(server: ScriptedServer) -> None:
    connecting = Connection.make("localhost", server.port)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


@in_tornado
async def test_tasks_that_are_cancelled_from_outside() -> None:
    """What cancels all tasks of the loop ends the wait for a connection, too."""
    with ScriptedServer(on_connect=lambda sock: sock.recv(1000) and sock.recv(1)) as server:
        connecting = Connection.make("localhost", server.port)
        await until(lambda: server.connections)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting


@in_tornado
async def test_connect_fails_after_the_caller_settled_it(unused_port: int) -> None:
    connecting: Future[Any] = Connection.make("127.0.0.1", unused_port)
    connecting.set_result(None)
    assert await connecting is None


@pytest.fixture
def unused_port() -> int:
    with ScriptedServer() as server:
        return server.port
