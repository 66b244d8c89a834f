"""What listeners are told, of sessions joined with a server in memory. The time is told."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import socket
from types import SimpleNamespace

import pytest

from rethinkdb import monitoring, r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlRuntimeError
from rethinkdb.loops import BUILT_IN
from rethinkdb.monitoring.audience import PROCESS, Audience
from rethinkdb.net.session import Session
from rethinkdb.testing.conformance import Trial
from tests.net.pair import ATOM, PARTIAL, RUNTIME_ERROR, SEQUENCE, Pair, start
from tests.trying import try_on

NOTES = {"n": [1]}  # that it is a changefeed


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def events():
    return []


@pytest.fixture
def audience(clock, events):
    audience = Audience(clock=clock)
    audience.add(events.append)
    return audience


@pytest.fixture
def pair(audience, events):
    pair = Pair(opened=False)
    pair.session.observer = audience
    audience.connecting(pair.session)
    pair.move()
    return pair


def names(events):
    return [type(event).__name__ for event in events]


def test_a_connection(pair, clock, events):
    clock.now = 5.0
    pair.session.close(noreply_wait=False)
    assert events == [
        monitoring.ConnectionOpened("db.example", 28015, None, 0.0),
        monitoring.ConnectionClosed("db.example", 28015, None, 5.0),
    ]


def test_a_loss(pair, events):
    cause = OSError("gone")
    pair.session.receive_eof(cause)
    assert events[1:] == [monitoring.ConnectionLost("db.example", 28015, None, 0.0, cause)]


@pytest.fixture(scope="module")
def server():
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("loop", BUILT_IN)
def test_a_failure_to_connect_on_each_loop(loop, server, events):
    """For each host that was tried, of connections and of pools. The password is in none of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]  # and nobody listens there any more

    async def scenario(trial: Trial):
        with monitoring.listening(events.append):
            await trial.fails(ReqlDriverError, "", trial.open, port=port)
            await trial.fails(ReqlAuthError, "", trial.open, user="eve", password="do not tell")
            host = (trial.proxy.host, trial.proxy.port)
            hosts = {"host": None, "port": None, "hosts": [("127.0.0.1", port), host]}
            await trial.fails(ReqlAuthError, "", trial.open, user="eve", **hosts)

    try_on(loop, scenario, server)
    failed = [event for event in events if isinstance(event, monitoring.ConnectionFailed)]
    refused = [event for event in failed if event.port == port]
    assert all(isinstance(event.error.__cause__, OSError) for event in refused)
    assert len(refused) in (1, 2)  # of the hosts, one is tried first by chance
    assert [type(event.error) for event in failed if event.port != port] == [ReqlAuthError] * 2
    assert all(0 <= event.seconds < 60 and event.pool is None for event in failed)
    assert "do not tell" not in repr(events)


@pytest.mark.parametrize("loop", BUILT_IN)
def test_a_listener_that_uses_the_connection_on_each_loop(loop, server, caplog):
    """It shall not, but nothing hangs: the query runs, or there is an error that says so."""

    async def scenario(trial: Trial):
        conn = await trial.connect()
        results = []

        def answered(event):
            if not results:
                results.append(None)  # not a second time, for the answer to this one
                results[0] = r.expr("from a listener").run(conn)

        with monitoring.listening(SimpleNamespace(query_answered=answered), conn):
            assert await trial.run(r.expr(5), conn) == 5
        result = results[0]
        if loop in ("blocking", "gevent"):
            assert result == "from a listener" or "must not run a query" in caplog.text
        else:
            assert await result == "from a listener"
        assert await trial.run(r.expr(6), conn) == 6

    try_on(loop, scenario, server)


def test_a_connection_that_was_open_already(audience, events):
    pair = Pair()
    pair.session.observer = audience
    pair.session.close(noreply_wait=False)
    assert events == [monitoring.ConnectionClosed("db.example", 28015, None, 0.0)]


def test_a_value(pair, clock, events):
    query = r.db("cave").table("heroes").get(1)
    _, token = pair.run(printable=query)
    clock.now = 2.0
    pair.answer(token, ATOM, {"id": 1})
    _, started, answered, finished = events
    assert names(events[1:]) == ["QueryStarted", "QueryAnswered", "QueryFinished"]
    assert started.query is answered.query is finished.query
    assert (finished.host, finished.port, finished.pool) == ("db.example", 28015, None)
    assert (finished.database, finished.table, finished.command) == ("cave", "heroes", "get")
    assert (finished.seconds, finished.rows) == (2.0, 1)
    assert (finished.sent, finished.received) == (len(start().payload), answered.received)
    assert "get(?)" in repr(finished)


@pytest.mark.parametrize(("value", "rows"), [(None, 0), (7, 1), ([1, 2, 3], 3), ({"a": 1}, 1)])
def test_rows_of_a_value(pair, events, value, rows):
    _, token = pair.run()
    pair.answer(token, ATOM, value)
    assert events[-1].rows == rows


def test_an_error(pair, events):
    _, token = pair.run()
    pair.answer(token, RUNTIME_ERROR, "no", b=[])
    assert names(events[1:]) == ["QueryStarted", "QueryAnswered", "QueryFailed"]
    assert isinstance(events[-1].error, ReqlRuntimeError)


def test_what_is_cancelled(pair, events):
    waiter, token = pair.run()
    waiter.abandon()
    pair.answer(token, SEQUENCE)
    assert names(events[1:]) == ["QueryStarted", "QueryCancelled"]


def test_noreply(pair, events):
    pair.session.start(start(noreply=True))
    assert names(events[1:]) == ["QueryStarted", "QueryFinished"]


def test_what_is_refused(pair, events):
    pair.session.close(noreply_wait=False)
    pair.session.start(start())
    assert names(events[2:]) == ["QueryStarted", "QueryFailed"]


def test_a_cursor(pair, events):
    stream, token = pair.stream(1, 2)
    pair.answer(token, SEQUENCE, 3)
    assert names(events[1:]) == [
        "QueryStarted",
        "QueryAnswered",
        "CursorBatch",
        "CursorBatch",
        "CursorClosed",
        "QueryFinished",
    ]
    assert [event.rows for event in events if isinstance(event, monitoring.CursorBatch)] == [2, 1]
    closed = events[-2]
    assert (closed.rows, closed.batches, closed.error) == (3, 2, None)
    assert closed.complete
    assert not closed.feed
    assert stream.take_batch() == [1, 2, 3]


def test_a_cursor_of_one_batch(pair, events):
    _, token = pair.run()
    pair.answer(token, SEQUENCE, 1, 2)
    assert names(events[-3:]) == ["CursorBatch", "CursorClosed", "QueryFinished"]


def test_a_cursor_with_a_profile(pair, events):
    _, token = pair.run()
    pair.answer(token, SEQUENCE, 1, p=["slow"])
    assert names(events[-2:]) == ["CursorClosed", "QueryFinished"]


def test_a_cursor_that_is_closed(pair, events):
    stream, _ = pair.stream(1)
    stream.close()
    assert names(events[-2:]) == ["CursorClosed", "QueryFinished"]
    assert not events[-2].complete


def test_a_cursor_that_fails(pair, events):
    _, token = pair.stream(1)
    pair.answer(token, RUNTIME_ERROR, "no", b=[])
    assert names(events[-2:]) == ["CursorClosed", "QueryFailed"]
    assert events[-2].error is events[-1].error


def test_a_feed(pair, events):
    _, token = pair.run()
    pair.answer(token, PARTIAL, 1, **NOTES)
    pair.answer(token, PARTIAL, 2, **NOTES)
    pair.session.receive_eof(OSError("gone"))
    closed = next(event for event in events if isinstance(event, monitoring.CursorClosed))
    assert (closed.feed, closed.rows, closed.batches) == (True, 2, 2)
    assert names(events).index("QueryFailed") > names(events).index("CursorClosed")


def test_events_are_frozen(pair, events):
    with pytest.raises(dataclasses.FrozenInstanceError):
        events[0].host = "elsewhere"


def test_a_listener_that_fails_harms_nothing(pair, audience, events, caplog):
    class Broken(monitoring.Listener):
        def query_started(self, event):
            raise ZeroDivisionError("mine")

    audience.add(Broken())
    with caplog.at_level(logging.ERROR, "rethinkdb.monitoring"):
        waiter, token = pair.run()
    pair.answer(token, ATOM, 1)
    assert waiter.result() == 1
    assert names(events[1:]) == ["QueryStarted", "QueryAnswered", "QueryFinished"]
    assert "mine" in caplog.text


class Raising(monitoring.Listener):
    """Raises once, for one kind of event."""

    def __init__(self, name, error):
        self.error = error
        setattr(self, name, self.fail)

    def fail(self, event):
        error, self.error = self.error, None
        if error is not None:
            raise error


class OwnBase(BaseException):
    """No Exception, as pytest's failures are none."""


@pytest.mark.parametrize("kind", [OwnBase, asyncio.CancelledError, GeneratorExit, StopIteration])
@pytest.mark.parametrize("name", ["query_started", "query_answered", "query_finished"])
def test_an_error_of_any_class_harms_nothing(pair, audience, events, caplog, name, kind):
    """A CancelledError comes of asking a cancelled Future for its result, say."""
    audience.add(Raising(name, kind("mine")))
    audience.add(later := [].append)
    with caplog.at_level(logging.ERROR, "rethinkdb.monitoring"):
        waiter, token = pair.run()
        pair.answer(token, ATOM, 1)
    assert waiter.result() == 1
    assert names(events[1:]) == ["QueryStarted", "QueryAnswered", "QueryFinished"]
    assert names(later.__self__) == names(events[1:])
    assert "mine" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_what_ends_the_program_is_passed_on_and_told_to_all(pair, audience, events, caplog, error):
    """If it comes at the start, the query is not sent, so its end is told at once."""
    audience.add(Raising("query_started", error))
    audience.add(later := [].append)
    with pytest.raises(type(error)):
        pair.run()
    assert names(events[1:]) == ["QueryStarted", "QueryCancelled"]
    assert names(later.__self__) == names(events[1:])
    assert not caplog.text


def test_what_ends_a_greenlet_is_passed_on(pair, audience, events):
    gevent = pytest.importorskip("gevent")

    class OwnTimeout(gevent.Timeout):
        pass

    for error in (gevent.GreenletExit(), gevent.Timeout(), OwnTimeout()):
        audience.add(Raising("query_started", error))
        with pytest.raises(type(error)):
            pair.run()
    assert names(events[1:]) == ["QueryStarted", "QueryCancelled"] * 3


def test_a_listener_gets_what_it_has_methods_for():
    class Finished(monitoring.Listener):
        seen = 0

        def query_finished(self, event):
            self.seen += 1

    audience, listener = Audience(), Finished()
    audience.add(listener)
    assert audience.query_started == ()
    pair = Pair()
    pair.session.observer = audience
    _, token = pair.run()
    pair.answer(token, ATOM, 1)
    assert listener.seen == 1


def test_the_process_listens(events):
    pair = Pair()
    with monitoring.listening(events.append):
        _, token = pair.run()
    assert Session.observer is None
    pair.answer(token, ATOM, 1)
    pair.run()
    assert names(events) == ["QueryStarted"]


def test_a_listener_may_be_registered_twice(events):
    with monitoring.listening(events.append), monitoring.listening(events.append):
        Pair().run()
    assert names(events).count("QueryStarted") == 2
    assert PROCESS.own == []


@pytest.mark.parametrize("listener", [5, None, monitoring.Listener.__base__, "print"])
def test_what_is_no_listener(listener):
    with pytest.raises(ReqlDriverError, match="A listener is"):
        monitoring.register(listener)


def test_where_nothing_can_be_registered():
    for does in (monitoring.register, monitoring.unregister):
        with pytest.raises(ReqlDriverError, match="at a connection or at a pool"):
            does(print, "localhost")


def test_a_connection_and_the_process(events):
    conn = r.connection_type("db.example")
    everything = []
    monitoring.unregister(print, conn)
    with monitoring.listening(events.append, conn), monitoring.listening(everything.append):
        assert conn._session.observer.parent is PROCESS
        conn._session.start(start())
    assert names(events) == names(everything) == ["QueryStarted", "QueryFailed"]
    assert conn._session.observer is None


@pytest.mark.parametrize(
    ("query", "database", "table", "command"),
    [
        (r.table("heroes"), "test", "heroes", "table"),
        (r.db("cave").table("heroes").filter(r.row["a"] > 1).count(), "cave", "heroes", "count"),
        (r.table("heroes").get(1).do(lambda hero: hero["name"]), "test", "heroes", "do"),
        (r.db("cave").table_list(), "cave", None, "table_list"),
        (r.table("heroes")["name"], "test", "heroes", "bracket"),
        (r.expr(1) + 1, "test", None, "add"),
        (r.expr(1), "test", None, "expr"),
        (r.table(r.args(["heroes"])), "test", None, "table"),
        (r.now(), "test", None, "now"),
        (None, "test", None, "expr"),
    ],
    ids=str,
)
def test_what_a_query_tells(query, database, table, command):
    asked = start(printable=query)
    asked.db = "test"
    info = monitoring.QueryInfo(Pair().session, asked)
    assert (info.database, info.table, info.command) == (database, table, command)


@pytest.mark.parametrize("db", ["cave", r.db("cave")], ids=str)
def test_the_database_of_the_run_options(db):
    query = start(printable=r.table("heroes"))
    query.options, query.db = {"db": db}, "test"
    assert monitoring.QueryInfo(Pair().session, query).database == "cave"


def test_the_text_of_a_query():
    info = monitoring.QueryInfo(Pair().session, start(printable=r.table("heroes").get("secret")))
    assert info.text() == "r.table('heroes').get(?)"
    assert info.text(values=True) == "r.table('heroes').get('secret')"
    assert info.text(limit=5) == "r.tab..."
    assert "secret" not in repr(info)
    assert monitoring.QueryInfo(Pair().session, start()).text() == "?"
