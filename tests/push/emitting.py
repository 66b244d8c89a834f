"""Cursors as event emitters. Scenarios for every loop."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlCursorEmpty,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlQueryLogicError,
)
from rethinkdb.net.waiter import Waiter
from rethinkdb.push.runner import runner_of
from rethinkdb.testing.conformance import Scenario, Skip, Trial
from rethinkdb.testing.conformance.trial import SMALL_BATCHES

from .recording import FAILS_AFTER_TWO_ROWS, feed_of_rows, insert_rows, nothing_runs
from .traces import FEED_ROWS, Broken


async def numbers(trial: Trial, conn: Any, count: int = 5, **options: Any) -> Any:
    """A cursor of 0, 1, 2 ..."""
    trial.insert(*({"id": number} for number in range(count)))
    return await trial.run(trial.table.order_by(index="id")["id"], conn, **options)


def noted(cursor: Any, *events: str) -> list[tuple[Any, ...]]:
    """What listeners to these events hear."""
    calls: list[tuple[Any, ...]] = []
    for event in events:
        cursor.on(event, lambda *args, event=event: calls.append((event, *args)))
    return calls


async def t13_listeners(trial: Trial) -> None:
    """Two listeners, once, removal, a late listener; the order of all."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn)
    calls: list[Any] = []
    once: list[Any] = []

    def first(row: Any) -> None:
        calls.append(("first", row))
        if row == 2:
            cursor.on("data", late)
            cursor.off("data", second)

    def second(row: Any) -> None:
        calls.append(("second", row))

    def late(row: Any) -> None:
        calls.append(("late", row))

    assert cursor.listeners("data") == []
    cursor.off("data", first)
    cursor.remove_all_listeners()
    assert cursor.on("data", first) is cursor
    cursor.add_listener("data", second).add_listener("data", second).remove_listener("data", second)
    cursor.once("data", once.append)
    assert cursor.listeners("data") == [first, second, once.append]
    ended = noted(cursor, "end", "close", "error")
    await trial.until(lambda: ("close",) in ended)
    assert ended == [("end",), ("close",)]
    assert once == [0]
    assert calls == [
        *(("first", 0), ("second", 0), ("first", 1), ("second", 1), ("first", 2), ("second", 2)),
        *(("first", 3), ("late", 3), ("first", 4), ("late", 4)),
    ]
    assert cursor.emit("mine", 1) is False
    mine = noted(cursor, "mine")
    assert cursor.emit("mine", 1) is True
    assert mine == [("mine", 1)]
    with pytest.raises(Broken):
        cursor.remove_all_listeners("error").emit("error", Broken())
    with pytest.raises(TypeError, match="callable"):
        cursor.on("data", 5)


async def t13_a_listener_that_raises(trial: Trial) -> None:
    """The flow ends, and the query on the server; the connection stays usable."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn, 100, **SMALL_BATCHES)
    rows: list[Any] = []

    def broken(row: Any) -> None:
        rows.append(row)
        raise Broken("meant to be reported")

    reported = reports(trial, conn)
    ended = noted(cursor, "end", "close", "error")
    cursor.on("data", broken)
    await trial.until(lambda: ended)
    assert (rows, ended) == ([0], [("close",)])
    assert [type(error) for error in reported] == [Broken]
    await nothing_runs(trial, conn)


async def t13_nobody_listens_to_errors(trial: Trial) -> None:
    """The error is reported as the loop reports errors."""
    conn = await trial.connect()
    cursor = await failing(trial, conn)
    reported = reports(trial, conn)
    ended = noted(cursor, "end", "close")
    await trial.until(lambda: ended)
    assert ended == [("close",)]
    assert [type(error) for error in reported] == [ReqlQueryLogicError]


def reports(trial: Trial, conn: Any) -> list[BaseException]:
    """Errors that are reported for want of anybody who waits for them."""
    reported: list[BaseException] = []
    runner_of(conn).report = (  # type: ignore[method-assign]  # each loop's own is tried elsewhere
        lambda error, text: reported.append(error)
    )
    return reported


async def failing(trial: Trial, conn: Any) -> Any:
    """A cursor of 2, 3, then an error."""
    return await trial.run(FAILS_AFTER_TWO_ROWS, conn, max_batch_rows=1)


async def t14_pulling_from_an_emitter(trial: Trial) -> None:
    """Every pull method raises, and no row is lost."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn)
    calls = noted(cursor, "data", "close")
    for method in (cursor.next, cursor.fetch_next, cursor.to_list, cursor.to_array):
        await trial.fails(ReqlDriverError, "listeners", method)
    await trial.fails(ReqlDriverError, "listeners", cursor.each_async, print)
    with pytest.raises(ReqlDriverError, match="listeners"):
        cursor.each(print)
    step = getattr(cursor, "__next__", None) or cursor.__anext__
    await trial.fails(ReqlDriverError, "listeners", step)
    await trial.until(lambda: ("close",) in calls)
    assert calls == [*(("data", number) for number in range(5)), ("close",)]


async def t15_closing(trial: Trial) -> None:
    """Inside a listener and outside: nothing more but one `close`."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn, 50, **SMALL_BATCHES)
    calls = noted(cursor, "data", "end", "error", "close")
    closing: list[Any] = []
    cursor.once("data", lambda _: closing.append(cursor.close()))
    await trial.until(lambda: calls[-1:] == [("close",)])
    for result in closing:
        if hasattr(result, "__await__"):
            await result
    if not any(inspect.iscoroutine(result) for result in closing):
        assert calls == [("data", 0), ("close",)]  # where closing need not be awaited
    await nothing_runs(trial, conn)

    feed = await trial.run(feed_of_rows(trial), conn)
    calls = noted(feed, "data", "end", "error", "close")
    insert_rows(trial, 1)
    await trial.until(lambda: calls)
    await trial.do(feed.close)
    await trial.do(feed.close)
    await trial.until(lambda: len(calls) == 2)
    assert calls == [("data", 1), ("close",)]
    await nothing_runs(trial, conn)


async def t15_ends(trial: Trial) -> None:
    """Several batches; an error after rows; a lost connection."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn, 35, **SMALL_BATCHES)
    calls = noted(cursor, "data", "end", "error", "close")
    await trial.until(lambda: calls[-1:] == [("close",)])
    assert calls == [*(("data", number) for number in range(35)), ("end",), ("close",)]

    calls = noted(await failing(trial, conn), "data", "end", "error", "close")
    await trial.until(lambda: calls[-1:] == [("close",)])
    *rows, (event, error), _ = calls
    assert (rows, event, type(error)) == (
        [("data", 2), ("data", 3)],
        "error",
        ReqlQueryLogicError,
    )

    calls = noted(await trial.run(feed_of_rows(trial), conn), "data", "end", "error", "close")
    trial.proxy.cut()
    await trial.until(lambda: calls[-1:] == [("close",)])
    ((event, error), _) = calls
    assert (event, type(error)) == ("error", ReqlCursorLostError)


async def feed_events(trial: Trial) -> None:
    """Rows of a changefeed reach `data` and the listeners for their kind."""
    conn = await trial.connect()
    feed = await trial.run(feed_of_rows(trial), conn)
    events = ("change", "initial", "uninitial", "state", "change_error", "unhandled")
    rows, calls = noted(feed, "data"), noted(feed, *events)
    insert_rows(trial, *FEED_ROWS)
    await trial.until(lambda: len(calls) == len(FEED_ROWS))
    assert rows == [("data", row) for row in FEED_ROWS]
    assert calls == [
        ("state", "initializing"),
        ("initial", 1),
        ("uninitial", 2),
        ("state", "ready"),
        ("change", None, 3),
        ("change", 3, None),
        ("change_error", "dropped"),
        ("unhandled", {"other": 4}),
    ]
    await trial.do(feed.close)


async def pausing(trial: Trial) -> None:
    """While it is paused nothing is given to listeners, nor asked for."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn, 500, **SMALL_BATCHES)
    calls = noted(cursor, "data", "end", "close")
    cursor.once("data", lambda _: cursor.pause())
    await trial.until(lambda: calls)
    for _ in range(5):
        await trial.usable(conn)
    assert calls == [("data", 0)]
    assert cursor.pause() is cursor
    assert cursor.resume() is cursor
    await trial.until(lambda: calls[-1:] == [("close",)])
    assert len(calls) == 502


async def asynchronous_listeners(trial: Trial) -> None:
    """They are awaited, one after the other."""
    conn = await trial.connect()
    if trial.driver.__class__.__name__ in ("BlockingDriver", "GeventDriver"):
        raise Skip("nothing is awaited")
    cursor = await numbers(trial, conn)
    calls: list[Any] = []

    async def slow(row: Any) -> None:
        calls.append(("slow", row))
        await trial.driver.sleep(0)
        calls.append(("slept", row))

    async def next_one(row: Any) -> None:
        calls.append(("next", row))

    ended = noted(cursor, "close")
    cursor.on("data", slow).on("data", next_one)
    await trial.until(lambda: ended)
    assert calls == [(name, row) for row in range(5) for name in ("slow", "slept", "next")]


async def too_many_listeners(trial: Trial) -> None:
    """A warning says that listeners may leak; the limit can be set."""
    conn = await trial.connect()
    cursor = await numbers(trial, conn)
    assert cursor.set_max_listeners(1) is cursor
    cursor.on("mine", print)
    with pytest.warns(ResourceWarning, match="2 listeners for 'mine'"):
        cursor.on("mine", print)
    cursor.set_max_listeners(0)
    for _ in range(20):
        cursor.on("other", print)
    await trial.do(cursor.close)


async def arrays(trial: Trial) -> None:
    """On request an array is a cursor, like any sequence; other values are what they are."""
    conn = await trial.connect()
    array = r.expr([1, [2], {"a": 3}])
    assert await trial.run(array, conn) == [1, [2], {"a": 3}]
    cursor = await trial.run(array, conn, as_cursor=True)
    assert await trial.do(cursor.to_array) == [1, [2], {"a": 3}]
    await trial.fails(ReqlCursorEmpty, "", cursor.next)
    calls = noted(await trial.run(r.expr([]), conn, as_cursor=True), "data", "end", "close")
    await trial.until(lambda: ("close",) in calls)
    assert calls == [("end",), ("close",)]
    calls = noted(await trial.run(array, conn, as_cursor=True), "data", "end", "close")
    await trial.until(lambda: ("close",) in calls)
    assert calls == [("data", 1), ("data", [2]), ("data", {"a": 3}), ("end",), ("close",)]
    rows: list[Any] = []
    cursor = await trial.run(array, conn, as_cursor=True)
    await trial.do(cursor.each_async, rows.append)
    assert rows == [1, [2], {"a": 3}]
    assert await trial.run(r.expr({"a": 1}), conn, as_cursor=True) == {"a": 1}
    cursor = await trial.run(r.range(3), conn, as_cursor=True)
    assert await trial.do(cursor.to_list) == [0, 1, 2]
    await trial.nothing_leaked(conn)


async def each(trial: Trial) -> None:
    """Rows, then `done`; False ends it and loses nothing; an error comes once."""
    conn = await trial.connect()
    calls: list[Any] = []

    def note(error: Any, row: Any) -> Any:
        calls.append((error, row))
        return False if row == 2 else None

    def done() -> None:
        calls.append("done")

    cursor = await numbers(trial, conn)
    cursor.each(note, done)
    assert calls == []
    await trial.until(lambda: "done" in calls)
    assert calls == [(None, 0), (None, 1), (None, 2), "done"]
    assert await trial.do(cursor.to_array) == [3, 4]

    calls.clear()
    cursor = await failing(trial, conn)
    cursor.each(lambda error, row: calls.append((type(error), row)), done)
    await trial.until(lambda: len(calls) == 3)
    await trial.usable(conn)
    assert calls == [(type(None), 2), (type(None), 3), (ReqlQueryLogicError, None)]

    reported = reports(trial, conn)
    cursor = await trial.run(trial.table, conn)

    def broken(error: Any, row: Any) -> None:
        raise Broken

    cursor.each(broken, done)
    await trial.until(lambda: reported)
    assert [type(error) for error in reported] == [Broken]
    await trial.do(cursor.close)
    await nothing_runs(trial, conn)


async def each_async(trial: Trial) -> None:
    """One row after the other; the end is awaited, or told to `final`; errors are raised there."""
    conn = await trial.connect()
    rows: list[Any] = []
    cursor = await numbers(trial, conn, 30, **SMALL_BATCHES)
    assert await trial.do(cursor.each_async, rows.append) is None
    assert rows == list(range(30))

    term = trial.table.order_by(index="id")["id"]
    final: list[Any] = []
    cursor = await trial.run(term, conn)
    assert cursor.each_async(rows.append, final.append) is None
    await trial.until(lambda: final)
    assert (len(rows), final) == (60, [None])

    cursor = await trial.run(term, conn)
    await trial.fails(ReqlDriverError, "must give nothing", cursor.each_async, lambda row: row + 1)
    assert await trial.do(cursor.next) == 1

    def broken(row: Any) -> None:
        raise Broken

    await trial.fails(Broken, "", cursor.each_async, broken)
    await trial.fails(ReqlDriverError, "positive", cursor.each_async, broken, concurrency=0)
    await trial.do(cursor.close)
    await nothing_runs(trial, conn)


async def each_async_with_completion(trial: Trial) -> None:
    """A callback of two parameters says when it is done; several may be at work at once."""
    conn = await trial.connect()
    waiting: list[Any] = []
    most = 0

    def work(row: Any, completed: Any) -> None:
        nonlocal most
        waiting.append(completed)
        most = max(most, len(waiting))
        if len(waiting) == 3:
            for each in tuple(waiting):
                waiting.remove(each)
                each()
                each()  # without effect

    cursor = await numbers(trial, conn, 9)
    await trial.do(cursor.each_async, work, concurrency=3)
    assert (most, waiting) == (3, [])

    cursor = await trial.run(trial.table, conn)
    fails = trial.fails(Broken, "", cursor.each_async, lambda row, completed: completed(Broken()))
    await fails
    cursor = await trial.run(trial.table.changes(), conn)
    final: list[Any] = []
    cursor.each_async(lambda row: None, final.append)
    await trial.do(cursor.close)
    await trial.until(lambda: final)
    assert str(final[0]) == "Cursor is closed."
    feed = await trial.run(trial.table.changes(), conn)
    for method in (feed.to_array, feed.to_list):
        await trial.fails(ReqlDriverError, "never ends", method)
    await trial.do(feed.close)
    await nothing_runs(trial, conn)


async def each_async_that_fails(trial: Trial) -> None:
    """Errors of the query and of the callback are raised, or told to `final`; rows come first."""
    conn = await trial.connect()
    rows: list[Any] = []
    finals: list[Any] = []

    cursor = await failing(trial, conn)
    await trial.fails(ReqlQueryLogicError, "STRING", cursor.each_async, rows.append)
    assert rows == [2, 3]
    cursor = await failing(trial, conn)
    assert cursor.each_async(rows.append, finals.append) is None
    await trial.until(lambda: finals)
    assert (rows, type(finals[0])) == ([2, 3, 2, 3], ReqlQueryLogicError)

    def returns_something(row: Any, completed: Any) -> Any:
        return row + 1

    def completes_with_something(row: Any, completed: Any) -> None:
        completed("something")

    for callback in (returns_something, completes_with_something):
        cursor = await numbers_again(trial, conn)
        await trial.fails(ReqlDriverError, "must give nothing", cursor.each_async, callback)
        assert await trial.do(cursor.to_list) == [1, 2]  # not lost

    held: list[Any] = []
    cursor = await numbers_again(trial, conn)
    cursor.each_async(lambda row, completed: held.append(completed), finals.append, concurrency=3)
    await trial.until(lambda: len(held) == 3)
    held[1](Broken())
    for _ in range(3):
        await trial.usable(conn)
    assert len(finals) == 1  # two are still at work
    held[0]()
    held[2]()
    await trial.until(lambda: len(finals) == 2)
    assert type(finals[1]) is Broken
    await trial.usable(conn)
    assert len(finals) == 2
    await nothing_runs(trial, conn)


async def numbers_again(trial: Trial, conn: Any) -> Any:
    """A cursor of 0, 1, 2, of no table."""
    return await trial.run(r.range(3), conn)


async def each_async_awaits(trial: Trial) -> None:
    """What the callback returns is awaited, as many at once as allowed."""
    conn = await trial.connect()
    if trial.driver.__class__.__name__ in ("BlockingDriver", "GeventDriver"):
        raise Skip("nothing is awaited")
    running = most = 0

    async def work(row: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trial.driver.sleep(0.001)
        running -= 1

    cursor = await numbers(trial, conn, 20)
    await cursor.each_async(work, concurrency=4)
    assert (running, most) == (0, 4)


async def connection_events(trial: Trial) -> None:
    """Closing, connecting again, losing the link: each is told once, with the reason."""
    conn = await trial.connect()
    calls = noted(conn, "connect", "close", "error", "timeout")
    await trial.do(conn.close)
    await trial.do(conn.close)
    await trial.until(lambda: calls)
    assert calls == [("close", None)]
    assert noted(conn, "close") == []  # closed long ago
    await trial.do(conn.reconnect)
    await trial.until(lambda: len(calls) == 2)
    assert calls[1:] == [("connect",)]
    await trial.fails(ReqlQueryLogicError, "", trial.run, r.expr(1) + "a", conn)
    trial.proxy.cut()  # which is noticed though nobody asks for anything
    await trial.until(lambda: len(calls) == 4)
    (error, reason), (close, same) = calls[2:]
    assert (error, close) == ("error", "close")
    assert reason is same
    assert isinstance(reason, Exception)
    await trial.do(conn.reconnect)
    await trial.until(lambda: len(calls) == 5)
    await trial.do(conn.reconnect)
    await trial.until(lambda: len(calls) == 7)
    assert calls[4:] == [("connect",), ("close", None), ("connect",)]


async def connection_time_out(trial: Trial) -> None:
    """`timeout`, `error` and `close`, once each; and what is pending fails."""
    conn = await trial.connect()
    calls = noted(conn, "connect", "close", "error", "timeout")
    rows = noted(await trial.run(trial.table.changes(), conn), "data", "end", "error", "close")
    reason = TimeoutError("the network is gone")

    def time_out() -> Waiter[None]:
        conn._session.receive_eof(reason)
        return Waiter.succeeded(None)

    runner_of(conn).begin(time_out)
    await trial.until(lambda: calls[-1:] == [("close", reason)] and rows[-1:] == [("close",)])
    assert calls == [("timeout", reason), ("error", reason), ("close", reason)]
    ((event, error), _) = rows
    assert (event, type(error), error.__cause__) == ("error", ReqlCursorLostError, reason)


async def connection_listeners_that_fail(trial: Trial) -> None:
    """Their errors are reported, those of asynchronous ones too; closing is not disturbed."""
    conn = await trial.connect()
    awaits = runner_of(conn).awaits
    reported = reports(trial, conn)

    def broken(reason: Any) -> None:
        raise Broken

    async def broken_later(reason: Any) -> None:
        await trial.driver.sleep(0)
        raise Broken

    if awaits:
        conn.on("close", broken_later)
    else:
        with pytest.raises(ReqlDriverError, match="asynchronous"):
            conn.on("close", broken_later)
    conn.on("close", broken)
    await trial.do(conn.close)
    await trial.until(lambda: len(reported) == 1 + awaits)
    assert {type(error) for error in reported} == {Broken}


SCENARIOS: tuple[Scenario, ...] = (
    t13_listeners,
    t13_a_listener_that_raises,
    t13_nobody_listens_to_errors,
    t14_pulling_from_an_emitter,
    t15_closing,
    t15_ends,
    feed_events,
    pausing,
    asynchronous_listeners,
    too_many_listeners,
    arrays,
    each,
    each_async,
    each_async_with_completion,
    each_async_that_fails,
    each_async_awaits,
    connection_events,
    connection_time_out,
    connection_listeners_that_fail,
)
