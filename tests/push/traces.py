"""The traces of handlers: what is called, in which order. Scenarios for every loop."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlNonExistenceError,
    ReqlOpFailedError,
    ReqlQueryLogicError,
    ReqlRuntimeError,
)
from rethinkdb.push import Handler, noreply_wait_with
from rethinkdb.ql2 import QueryType
from rethinkdb.repl import Repl
from rethinkdb.testing.conformance import Scenario, Trial, complete
from rethinkdb.testing.conformance.trial import SMALL_BATCHES

from .recording import (
    CLOSE,
    FAILS_AFTER_TWO_ROWS,
    OPEN,
    FeedRecorder,
    Recorder,
    feed_of_rows,
    finished,
    insert_rows,
    nothing_runs,
    noting,
    values,
)


async def called(trial: Trial, term: Any, handler: Any, conn: Any, **options: Any) -> Any:
    """Run a query to its end; the calls of its handler."""
    handle = term.run_with(handler, conn, **options)
    await finished(trial, handle)
    assert handle.closed
    return handler.calls


async def t1_single_values(trial: Trial) -> None:
    """An atom, null, an array, an empty array."""
    conn = await trial.connect()
    for term, given in (
        (r.expr({"a": 1}), [{"a": 1}]),
        (r.expr(None), [None]),
        (r.expr([1, 2, 3]), [1, 2, 3]),
        (r.expr([]), []),
    ):
        assert await called(trial, term, Recorder(), conn) == [OPEN, *values(*given), CLOSE]


async def t2_sequences(trial: Trial) -> None:
    """One final sequence, several batches, an empty sequence."""
    conn = await trial.connect()
    table = trial.table.order_by(index="id")
    assert await called(trial, table, Recorder(), conn) == [OPEN, CLOSE]
    rows = [{"id": number} for number in range(35)]
    trial.insert(*rows)
    everything = [OPEN, *values(*rows), CLOSE]
    assert await called(trial, table, Recorder(), conn) == everything
    assert await called(trial, table, Recorder(), conn, **SMALL_BATCHES) == everything
    await trial.nothing_leaked(conn)


async def t3_arrays(trial: Trial) -> None:
    """What gets an array depends on which methods there are."""
    conn = await trial.connect()

    class Atoms(Recorder):
        on_atom = noting("atom", 1)
        on_stream_val = noting("stream", 1)

    class Arrays(Atoms):
        on_array = noting("array", 1)

    class Streams(Recorder):
        on_stream_val = noting("stream", 1)

    class Super(Recorder):
        def on_array(self, array: Any) -> None:
            super().on_array([*array, 3])

    array = r.expr([1, 2])
    assert await called(trial, array, Atoms(), conn) == [OPEN, ("atom", [1, 2]), CLOSE]
    assert await called(trial, array, Arrays(), conn) == [OPEN, ("array", [1, 2]), CLOSE]
    elements = [OPEN, ("stream", 1), ("stream", 2), CLOSE]
    assert await called(trial, array, Streams(), conn) == elements
    assert await called(trial, array, Super(), conn) == [OPEN, *values(1, 2, 3), CLOSE]
    assert await called(trial, r.expr(1), Atoms(), conn) == [OPEN, ("atom", 1), CLOSE]
    trial.insert({"id": 1})
    assert await called(trial, trial.table, Atoms(), conn) == [OPEN, ("stream", {"id": 1}), CLOSE]


FEED_ROWS = (
    {"state": "initializing"},
    {"new_val": 1},
    {"old_val": 2},
    {"state": "ready"},
    {"old_val": None, "new_val": 3},
    {"old_val": 3, "new_val": None},
    {"error": "dropped"},
    {"other": 4},
)


async def from_feed(trial: Trial, handler: Any, *rows: Any, **options: Any) -> Any:
    """What a handler is told of a changefeed with these rows, between open and close."""
    conn = await trial.connect()
    handle = feed_of_rows(trial).run_with(handler, conn, **options)
    await trial.until(lambda: handler.calls == [OPEN])
    insert_rows(trial, *rows)
    await trial.until(lambda: len(handler.calls) > len(rows))
    assert handle.close()
    await finished(trial, handle)
    assert (handler.calls[0], handler.calls[-1]) == (OPEN, CLOSE)
    await trial.nothing_leaked(conn)
    return handler.calls[1:-1]


async def t4_feed_rows(trial: Trial) -> None:
    """Each kind of row goes to its method."""
    assert await from_feed(trial, FeedRecorder(), *FEED_ROWS) == [
        ("state", "initializing"),
        ("initial", 1),
        ("uninitial", 2),
        ("state", "ready"),
        ("change", None, 3),
        ("change", 3, None),
        ("change_error", "dropped"),
        ("unhandled", {"other": 4}),
    ]


async def t5_feed_rows_without_methods(trial: Trial) -> None:
    """Rows of kinds that have no method go to the fall-back, whole."""

    class Changes(Recorder):
        on_change = noting("change", 2)
        on_stream_val = noting("stream", 1)

    others = [("stream", row) for row in FEED_ROWS]
    others[4:6] = [("change", None, 3), ("change", 3, None)]
    assert await from_feed(trial, Changes(), *FEED_ROWS) == others


async def t6_feed_rows_of_other_types(trial: Trial) -> None:
    """A feed may be mapped to anything."""
    unhandled = [("unhandled", row) for row in (1, None, "a", [2])]
    assert await from_feed(trial, FeedRecorder(), 1, None, "a", [2]) == unhandled
    assert await from_feed(trial, Recorder(), 1, None) == values(1, None)


GAP = {"state": "gap", "since": 1, "until": 2, "cause": "cut"}


async def t6_gaps(trial: Trial) -> None:
    """A gap goes to `on_gap`, else to `on_state`; what only looks like one goes elsewhere."""

    class Gaps(FeedRecorder):
        def on_gap(self, since: Any, until: Any, cause: Any) -> None:
            self.calls.append(("gap", since, until, cause))

    alike = {"since": 1, "until": 2, "cause": "a row of the program's"}
    told = await from_feed(trial, Gaps(), GAP, alike, {"state": "ready"})
    assert told == [("gap", 1, 2, "cut"), ("unhandled", alike), ("state", "ready")]
    assert await from_feed(trial, FeedRecorder(), GAP) == [("state", "gap")]
    assert await from_feed(trial, Recorder(), GAP) == values(GAP)


async def t7_errors(trial: Trial) -> None:
    """At once, after two rows, and of a feed whose table is dropped."""
    conn = await trial.connect()
    opened, (_, error), closed = await called(trial, r.expr({})["a"], Recorder(), conn)
    assert (opened, closed) == (OPEN, CLOSE)
    assert isinstance(error, ReqlNonExistenceError)
    assert "^^^" in str(error)

    handler = Recorder()
    handle = FAILS_AFTER_TWO_ROWS.run_with(handler, conn, max_batch_rows=1)
    await finished(trial, handle)
    *before, (_, error), closed = handler.calls
    assert (before, closed) == ([OPEN, *values(2, 3)], CLOSE)
    assert isinstance(error, ReqlQueryLogicError)
    assert handle.error is error

    r.db(trial.db_name).table_create("other").run(trial.admin)
    feed = Recorder()
    handle = r.db(trial.db_name).table("other").changes().run_with(feed, conn)
    await trial.until(lambda: feed.calls)
    r.db(trial.db_name).table_drop("other").run(trial.admin)
    await finished(trial, handle)
    opened, (_, error), closed = feed.calls
    assert (opened, closed) == (OPEN, CLOSE)
    assert isinstance(error, ReqlOpFailedError)
    assert "aborted" in str(error), error


async def t8_parameter_counts(trial: Trial) -> None:
    """What a method is called with depends on its parameters."""
    conn = await trial.connect()
    calls: list[tuple[Any, ...]] = []

    class Nothing(Handler):
        def on_val(self) -> None:
            calls.append(())

    class Exact(Handler):
        def on_val(self, value: Any) -> None:
            calls.append((value,))

    class More(Handler):
        def on_val(self, value: Any, handle: Any) -> None:
            calls.append((value, handle))

    class Optional(Handler):
        def on_val(self, value: Any, handle: Any = None) -> None:
            calls.append((value, handle))

    class Variadic(Handler):
        @staticmethod
        def on_val(*args: Any) -> None:
            calls.append(args)

    class Named(Handler):
        def on_val(self, value: Any, *, row: Any, handle: Any) -> None:
            calls.append((value, row, handle))

    wants = {Nothing: 0, Exact: 1, More: 2, Optional: 2, Variadic: 2, Named: 3}
    for kind, count in wants.items():
        calls.clear()
        handle = r.expr(5).run_with(kind, conn)
        await finished(trial, handle)
        assert calls == [((5, handle), (5, 5, handle))[count == 3][:count]]


async def t8_methods_that_cannot_be_called(trial: Trial) -> None:
    """Too few parameters, or too many, are refused when the handler is attached."""
    conn = await trial.connect()

    class TooFew(Recorder):
        def on_change(self, old: Any) -> None: ...

    class TooMany(Recorder):
        def on_open(self, handle: Any, more: Any) -> None: ...

    class WrongName(Recorder):
        def on_val(self, value: Any, *, size: int) -> None: ...

    class NoMethod(Recorder):
        on_val = 5  # type: ignore[assignment]  # that is what is tried

    for kind, name in (
        (TooFew, "TooFew.on_change"),
        (TooMany, "TooMany.on_open"),
        (WrongName, "size"),
        (NoMethod, "NoMethod.on_val"),
    ):
        with pytest.raises(ReqlDriverError, match=name):
            r.expr(1).run_with(kind(), conn)
    with pytest.raises(ReqlDriverError, match="must take"):
        r.expr(1).run_with(lambda a, b, c: None, conn)
    await trial.nothing_leaked(conn)


class Broken(Exception):
    """What handlers raise here."""


async def t9_handlers_that_raise(trial: Trial) -> None:
    """The handler is stopped, its queries too; awaiting the handle shows the error."""
    conn = await trial.connect()
    trial.insert(*({"id": number} for number in range(100)))

    class InOpen(Recorder):
        def on_open(self) -> None:
            raise Broken

    class InRow(Recorder):
        def on_val(self, value: Any) -> None:
            super().on_val(value)
            raise Broken

    class InClose(Recorder):
        def on_close(self) -> None:
            raise Broken

    for kind, count in ((InOpen, 0), (InRow, 2), (InClose, 101)):
        handler = kind()
        other = feed_of_rows(trial).run_with(handler, conn) if kind is not InOpen else None
        if other is not None:
            await trial.until(lambda handler=handler: handler.calls == [OPEN])
            handler.calls.clear()
        handle = trial.table.run_with(handler, conn, **SMALL_BATCHES)
        await trial.fails(Broken, "", handle.wait)
        assert len(handler.calls) == count
        assert handler.stopped
        assert handle.closed
        assert isinstance(handle.error, Broken)
        if other is not None:
            assert other.closed
            assert other.error is None
            await finished(trial, other)
        await nothing_runs(trial, conn)


async def t9_no_on_error(trial: Trial) -> None:
    """The query's own error then is what awaiting the handle raises."""
    conn = await trial.connect()
    handle = r.expr({})["a"].run_with(Handler, conn)
    await trial.fails(ReqlNonExistenceError, "No attribute `a`", handle.wait)
    assert isinstance(handle.error, ReqlNonExistenceError)
    await nothing_runs(trial, conn)


async def t10_stop(trial: Trial) -> None:
    """After `stop` no method is called, and nothing runs on the server."""
    conn = await trial.connect()

    class Stops(Recorder):
        def on_val(self, value: Any) -> None:
            super().on_val(value)
            if len(self.calls) == 3:
                self.stop()

    assert await called(trial, r.expr([1, 2, 3]), Stops(), conn) == [OPEN, *values(1, 2)]
    trial.insert(*({"id": number} for number in range(100)))
    handler = Stops()
    assert len(await called(trial, trial.table, handler, conn, **SMALL_BATCHES)) == 3
    await nothing_runs(trial, conn)
    with pytest.raises(ReqlDriverError, match="stopped"):
        r.expr(1).run_with(handler, conn)


async def t10_close(trial: Trial) -> None:
    """Closing in the midst of rows, before there is an answer, and twice."""
    conn = await trial.connect()

    class Closes(Recorder):
        def on_val(self, value: Any, handle: Any) -> None:
            super().on_val(value)
            self.calls.append((handle.close(), handle.closed, handle.close()))

    array = await called(trial, r.expr([1, 2, 3]), Closes(), conn)
    assert array == [OPEN, *values(1), CLOSE, (False, True, False)]
    trial.insert(*({"id": number} for number in range(100)))
    rows = await called(trial, trial.table.order_by(index="id"), Closes(), conn, **SMALL_BATCHES)
    assert rows == [OPEN, *values({"id": 0}), CLOSE, (True, True, False)]

    early = Recorder()
    handle = feed_of_rows(trial).run_with(early, conn)
    assert (handle.closed, handle.close(), handle.close(), handle.closed) == (
        *(False, True, False, True),
    )
    await finished(trial, handle)
    await nothing_runs(trial, conn)
    assert early.calls == []


async def t10_waiting_for_the_end_of_a_closed_query(trial: Trial) -> None:
    """`aclose` gives what `close` gives, once the server has answered and `on_close` returned."""
    conn = await trial.connect()
    handler = Recorder()
    feed = feed_of_rows(trial)
    handle = feed.run_with(handler, conn)
    await trial.until(lambda: handler.calls)
    assert await trial.do(handle.aclose) is True
    assert handler.calls == [OPEN, CLOSE]
    assert conn._session.tokens_in_use == 0
    assert trial.proxy.sent(QueryType.STOP) == [handle.token]
    assert await trial.do(handle.aclose) is False

    early = feed.run_with(handler, conn)  # not answered yet
    assert await trial.do(early.aclose) is True
    assert conn._session.tokens_in_use == 0
    assert handler.calls == [OPEN, CLOSE]

    late = feed.run_with(handler, conn)
    await trial.until(lambda: len(handler.calls) == 3)
    assert late.close() is True
    assert await trial.do(late.aclose) is False
    assert conn._session.tokens_in_use == 0

    lost = feed.run_with(handler, conn)
    await trial.until(lambda: len(handler.calls) == 5)
    trial.proxy.hold()
    lost.close()
    await trial.do(conn.close, noreply_wait=False)
    assert await trial.do(lost.aclose) is False


async def t11_the_user_closes_the_connection(trial: Trial) -> None:
    """Open handles hear of it: a runtime error, then the end."""
    conn = await trial.connect()
    handler = Recorder()
    handle = feed_of_rows(trial).run_with(handler, conn)
    await trial.until(lambda: handler.calls)
    await trial.do(conn.close)
    await finished(trial, handle)
    opened, (_, error), closed = handler.calls
    assert (opened, closed) == (OPEN, CLOSE)
    assert type(error) is ReqlCursorLostError
    assert error.message == "Connection is closed."
    with pytest.raises(ReqlDriverError, match="Connection is closed"):
        r.expr(1).run_with(handler, conn)


async def t11_the_server_drops_the_connection(trial: Trial) -> None:
    """A driver error, then the end; for those too that have not heard from the server yet."""
    conn = await trial.connect()
    handler, waiting = Recorder(), Recorder()
    handle = feed_of_rows(trial).run_with(handler, conn)
    await trial.until(lambda: handler.calls)
    slow = r.range(10**9).map(lambda n: n * n).sum().run_with(waiting, conn)
    trial.proxy.cut()
    await finished(trial, handle)
    await finished(trial, slow)
    opened, (_, error), closed = handler.calls
    assert (opened, closed) == (OPEN, CLOSE)
    assert type(error) is ReqlCursorLostError
    assert error.__cause__ is not None
    (_, error), closed = waiting.calls
    assert (type(error), closed) == (ReqlConnectionLostError, CLOSE)


async def t12_one_handler_for_two_queries(trial: Trial) -> None:
    """Handles are told apart; `stop` silences both."""
    conn = await trial.connect()

    class Named(Handler):
        def __init__(self) -> None:
            self.calls: dict[Any, list[Any]] = defaultdict(list)

        def on_open(self, handle: Any) -> None:
            self.calls[handle].append("open")

        def on_close(self, handle: Any) -> None:
            self.calls[handle].append("close")

        def on_val(self, value: Any, handle: Any) -> None:
            self.calls[handle].append(value)

    handler = Named()
    h1, h2 = r.expr(1).run_with(handler, conn), r.expr(2).run_with(handler, conn)
    await finished(trial, h1)
    await finished(trial, h2)
    assert handler.calls == {h1: ["open", 1, "close"], h2: ["open", 2, "close"]}

    handler = Named()
    h1, h2 = (feed_of_rows(trial).run_with(handler, conn) for _ in range(2))
    await trial.until(lambda: len(handler.calls) == 2)
    handler.stop()
    insert_rows(trial, 1)
    await finished(trial, h1)
    await finished(trial, h2)
    await nothing_runs(trial, conn)
    assert handler.calls == {h1: ["open"], h2: ["open"]}


async def t16_on_state_on_a_non_feed(trial: Trial) -> None:
    """The option it adds changes nothing for other queries."""
    conn = await trial.connect()
    trial.insert({"id": 1})
    row = [OPEN, *values({"id": 1}), CLOSE]
    assert await called(trial, trial.table, FeedRecorder(), conn) == row
    assert await called(trial, trial.table.get(1), FeedRecorder(), conn) == row


async def states(trial: Trial) -> None:
    """`on_state` asks for the rows; an explicit False does not."""
    conn = await trial.connect()
    trial.insert({"id": 1})
    feed = trial.table.changes(include_initial=True)
    handler = FeedRecorder()
    handle = feed.run_with(handler, conn)
    await trial.until(lambda: len(handler.calls) == 4)
    handle.close()
    assert handler.calls[1:4] == [
        ("state", "initializing"),
        ("initial", {"id": 1}),
        ("state", "ready"),
    ]
    handler = FeedRecorder()
    handle = trial.table.changes(include_initial=True).run_with(handler, conn, include_states=False)
    await trial.until(lambda: len(handler.calls) == 2)
    handle.close()
    assert handler.calls[1] == ("initial", {"id": 1})


async def callables(trial: Trial) -> None:
    """Functions of no, one and two parameters."""
    conn = await trial.connect()
    calls: list[tuple[Any, ...]] = []

    async def of(function: Any, term: Any) -> list[tuple[Any, ...]]:
        calls.clear()
        await finished(trial, term.run_with(function, conn))
        return list(calls)

    array = r.expr([1, 2])
    assert await of(lambda: calls.append(()), array) == [(), ()]
    assert await of(lambda value: calls.append((value,)), array) == [(1,), (2,)]
    assert await of(lambda value, more=7: calls.append((value, more)), array) == [(1, 7), (2, 7)]
    assert await of(lambda *args: calls.append(args), array) == [(1,), (2,)]
    assert await of(lambda error, value: calls.append((error, value)), array) == [
        (None, 1),
        (None, 2),
    ]


async def callables_and_errors(trial: Trial) -> None:
    """With two parameters the error is the last thing it gets; with others awaiting raises it."""
    conn = await trial.connect()
    missing = r.expr([1, 2]).map(lambda n: r.branch(n == 1, n, r.error("no")))
    for function in (lambda: None, lambda value: None):
        handle = missing.run_with(function, conn)
        await trial.fails(ReqlRuntimeError, "no", handle.wait)
    calls: list[Any] = []
    handle = missing.run_with(lambda error, value: calls.append((error, value)), conn)
    await finished(trial, handle)
    ((error, value),) = calls
    assert (type(error).__name__, value) == ("ReqlUserError", None)


async def refusals(trial: Trial) -> None:
    """What `run_with` and `run` will not take; nothing is sent."""
    conn = await trial.connect()
    term = r.expr(1)
    for arguments, text in (
        ((None, conn), "needs a handler"),
        ((5, conn), "got int"),
        ((conn, conn), "one connection"),
        ((print, print), "one handler"),
        ((conn,), "needs a handler"),
        ((print,), "needs a connection"),
    ):
        with pytest.raises(ReqlDriverError, match=text):
            term.run_with(*arguments)
    with pytest.raises(ReqlDriverError, match="noreply"):
        term.run_with(print, conn, noreply=True)
    with pytest.raises(ReqlDriverError, match="as_cursor"):
        term.run_with(print, conn, as_cursor=True)
    for handler in (Recorder, Recorder(), print):
        with pytest.raises(ReqlDriverError, match="run_with"):
            term.run(handler)
    await trial.nothing_leaked(conn)


async def any_order(trial: Trial) -> None:
    """`em_run` is `run_with`; the connection may come first, or be the default one."""
    conn = await trial.connect()
    seen: list[Any] = []

    class Class(Handler):
        def on_val(self, value: Any) -> None:
            seen.append(value)

    await finished(trial, r.expr(1).em_run(conn, Class))
    assert seen == [1]
    conn.repl()
    try:
        handle = r.expr(2).run_with(Class)
    finally:
        Repl.clear()
    await finished(trial, handle)
    assert seen == [1, 2]
    assert repr(handle) == "<QueryHandle closed: 2>"


async def profiles(trial: Trial) -> None:
    """The handle keeps them."""
    conn = await trial.connect()
    trial.insert({"id": 1})
    for term, value in ((r.expr(1), 1), (trial.table, {"id": 1})):
        handler = Recorder()
        handle = term.run_with(handler, conn, profile=True)
        assert handle.profile is None
        await finished(trial, handle)
        assert handler.calls == [OPEN, *values(value), CLOSE]
        assert isinstance(handle.profile, list)
        assert handle.query is term
        assert handle.token > 0


async def waiting_for_noreply(trial: Trial) -> None:
    """`on_wait_complete` is called when the noreply queries are done."""
    conn = await trial.connect()

    class Waits(Recorder):
        def on_wait_complete(self) -> None:
            self.calls.append(("complete",))

    handler = Waits()
    await finished(trial, noreply_wait_with(handler, conn))
    assert handler.calls == [OPEN, ("complete",), CLOSE]


async def asynchronous_methods(trial: Trial) -> None:
    """They are awaited, in order; on loops that cannot, they are refused."""
    conn = await trial.connect()
    trial.insert(*({"id": number} for number in range(30)))

    class Slow(Recorder):
        running = False

        async def on_val(self, value: Any) -> None:
            assert not self.running
            self.running = True
            await trial.driver.sleep(0.0001)
            self.calls.append(("val", value["id"]))
            self.running = False

        async def on_close(self) -> None:
            await trial.driver.sleep(0.0001)
            self.calls.append(CLOSE)

    async def function(value: Any) -> None:
        await trial.driver.sleep(0)
        calls.append(value)

    calls: list[Any] = []
    term = trial.table.order_by(index="id")
    if trial.driver.__class__.__name__ in ("BlockingDriver", "GeventDriver"):
        for handler in (Slow(), function):
            with pytest.raises(ReqlDriverError, match="asynchronous"):
                term.run_with(handler, conn)
        handle = term.run_with(lambda value: function(value), conn)
        await trial.fails(ReqlDriverError, "to await", handle.wait)
        return
    slow = Slow()
    assert await called(trial, term, slow, conn, **SMALL_BATCHES) == [
        OPEN,
        *values(*range(30)),
        CLOSE,
    ]
    handle = r.expr([1, 2]).run_with(function, conn)
    await handle
    assert calls == [1, 2]

    async def broken(value: Any) -> None:
        await trial.driver.sleep(0)
        raise Broken

    handle = term.run_with(broken, conn)
    await trial.fails(Broken, "", handle.wait)
    await nothing_runs(trial, conn)


async def a_slow_handler_holds_back_the_server(trial: Trial) -> None:
    """Over 100,000 rows, no more wait here than the batches of the read-ahead."""
    conn = await trial.connect()
    most = seen = 0

    async def rest(handle: Any) -> None:
        nonlocal most
        for _ in range(3):  # time for the server to send what it may
            await trial.usable(conn)
        most = max(most, len(handle._stream.buffer))

    class Slow(Handler):
        def on_val(self, value: Any, handle: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen % 5000:
                return None
            return rest(handle) if handle._runner.awaits else complete(rest(handle))

    numbers = r.range(100_000)
    await finished(trial, numbers.run_with(Slow, conn, max_batch_rows=500))
    assert seen == 100_000
    assert most <= 1500


async def cancelling_the_wait(trial: Trial) -> None:
    """Whoever waits for a handle is cancelled: it closes. A time limit leaves it alone."""
    conn = await trial.connect()
    handler = Recorder()
    handle = feed_of_rows(trial).run_with(handler, conn)
    await trial.until(lambda: handler.calls)
    await trial.fails(TimeoutError, "", handle.wait, 0.01)
    assert not handle.closed
    waiting = []

    async def wait() -> None:
        waiting.append(1)
        await trial.do(handle.wait)

    await trial.driver.cancel(wait, lambda: waiting)
    await trial.until(lambda: handle.closed)
    await trial.until(lambda: handler.calls[-1] == CLOSE)
    await nothing_runs(trial, conn)


SCENARIOS: tuple[Scenario, ...] = (
    t1_single_values,
    t2_sequences,
    t3_arrays,
    t4_feed_rows,
    t5_feed_rows_without_methods,
    t6_feed_rows_of_other_types,
    t6_gaps,
    t7_errors,
    t8_parameter_counts,
    t8_methods_that_cannot_be_called,
    t9_handlers_that_raise,
    t9_no_on_error,
    t10_stop,
    t10_close,
    t10_waiting_for_the_end_of_a_closed_query,
    t11_the_user_closes_the_connection,
    t11_the_server_drops_the_connection,
    t12_one_handler_for_two_queries,
    t16_on_state_on_a_non_feed,
    states,
    callables,
    callables_and_errors,
    refusals,
    any_order,
    profiles,
    waiting_for_noreply,
    asynchronous_methods,
    a_slow_handler_holds_back_the_server,
    cancelling_the_wait,
)
