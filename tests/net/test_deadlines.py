"""Deadlines: by when a query must be answered. The time is what these tests say."""

from __future__ import annotations

from collections import deque

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net import deadlines
from rethinkdb.net.deadlines import Deadline, Deadlines, outlined
from rethinkdb.net.options import ConnectOptions
from rethinkdb.net.outflow import MAX_UNSENT
from rethinkdb.net.protocol import LONG
from rethinkdb.ql2 import ResponseType

from .memory import MemoryConnection, Term
from .pair import (
    ATOM,
    CONTINUE,
    PARTIAL,
    SEQUENCE,
    START,
    STOP,
    Pair,
    failure,
    settled,
    start,
)
from .test_meanwhile import Once


def limited(pair, seconds, **options):
    """Starts a query that must be answered in so many seconds; its waiter and its token."""
    query = start(**options).with_deadline(Deadline.of(seconds))
    waiter = pair.session.start(query)
    return waiter, pair.session.last_token


def test_a_query_without_one_needs_no_clock():
    pair = Pair()
    pair.run()
    assert not pair.session.clock_wanted
    assert pair.session.tick(1e9) is None


def test_the_seconds_count_from_the_first_tick():
    pair = Pair()
    waiter, _ = limited(pair, 2)
    assert pair.session.clock_wanted
    assert pair.session.tick(100) == 102
    assert not pair.session.clock_wanted
    assert pair.session.tick(101.9) == 102
    assert not waiter.done()
    assert pair.types() == [START]
    assert pair.session.tick(102) is None
    error = failure(waiter)
    assert type(error) is ReqlTimeoutError
    assert str(error) == "No answer from db.example:28015 within 2 s to the query"
    assert pair.types() == [STOP]


def test_a_deadline_that_a_handler_adds_meanwhile(monkeypatch):
    some = Deadlines(lambda token: True)
    once = Once(lambda: some.add(1, 5.0), deque)
    monkeypatch.setattr(deadlines, "deque", once)
    some.add(2, 7.0)
    assert [*some.new] == [(5.0, 1), (7.0, 2)]


def test_an_answered_query_that_a_handler_forgets_meanwhile():
    """The handler looks at the clock. The deadline after it stays."""
    pending = {2, 3}
    is_pending = Once(lambda: some.due(1, pending), pending.__contains__)
    some = Deadlines(is_pending)
    for token in (1, 2, 3):
        some.add(token, float(token))
    assert some.due(0, {1, 2, 3}) is None
    assert some.due(1, {1, 2, 3}) is None
    assert not is_pending.actions
    assert some.next == 2
    assert some.due(2, pending) == 2


def test_a_deadline_that_a_handler_begins_meanwhile(monkeypatch):
    some = Deadlines({1, 2, 3}.__contains__)

    def handle():
        some.add(3, 3.0)
        some.due(0, {1, 2})

    once = Once(handle, deadlines.heappush)
    monkeypatch.setattr(deadlines, "heappush", once)
    some.add(1, 1.0)
    some.add(2, 2.0)
    assert some.due(0, {1, 2, 3}) is None
    assert not once.actions
    assert not some.new
    assert {token for _, token in some._heap} == {1, 2, 3}


def test_a_deadline_that_a_handler_adds_while_answered_ones_are_forgotten():
    pending = {0, 1000}

    def handle():
        some.add(1000, 7.0)
        some.due(0, pending)

    is_pending = Once(handle, pending.__contains__)
    some = Deadlines(is_pending)
    for token in range(200):
        some.add(token, 5.0 + token)
    some.due(0, pending)
    assert not is_pending.actions
    assert (7.0, 1000) in some._heap
    some.add(0, 5.0)
    some.due(0, pending)
    assert {token for _, token in some._heap} == pending


@pytest.mark.parametrize("keepalive", [None, 5.0])
def test_whether_unsent_bytes_must_be_counted(keepalive):
    assert Pair(keepalive=keepalive).session.unsent_wanted is (keepalive is not None)


def test_the_late_answer_is_dropped_and_the_token_retired():
    pair = Pair()
    waiter, token = limited(pair, 2)
    pair.session.tick(0)
    pair.session.tick(2)
    pair.answer(token, ATOM, 1)
    assert pair.session.tokens_in_use == 1
    pair.answer(token, SEQUENCE)
    assert pair.session.tokens_in_use == 0
    assert failure(waiter)
    assert pair.session.is_open


def test_an_answer_in_time_ends_it():
    pair = Pair()
    waiter, token = limited(pair, 2)
    assert pair.session.tick(0) == 2
    pair.answer(token, ATOM, 1)
    assert settled(waiter) == 1
    assert pair.session.tick(3) is None
    assert pair.types() == [START]


def test_it_is_for_the_first_answer_only():
    pair = Pair()
    waiter, token = limited(pair, 2)
    pair.session.tick(0)
    pair.answer(token, PARTIAL, 1)
    assert pair.session.tick(3) is None
    stream = settled(waiter)
    assert not stream.finished
    assert pair.types() == [START, CONTINUE]


def test_an_abandoned_query_is_stopped_once():
    pair = Pair()
    waiter, _ = limited(pair, 2)
    pair.session.tick(0)
    waiter.abandon()
    assert pair.session.tick(3) is None
    assert pair.types() == [START, STOP]


def test_the_next_tick_is_that_of_the_earliest():
    pair = Pair()
    waiters = [limited(pair, seconds)[0] for seconds in (5, 2, 9, 2)]
    assert pair.session.tick(0) == 2
    assert pair.session.tick(2) == 5
    assert [waiter.done() for waiter in waiters] == [False, True, False, True]
    assert pair.session.tick(5) == 9
    limited(pair, 1)
    assert pair.session.clock_wanted
    assert pair.session.tick(6) == 7


def test_a_callback_may_run_the_next_query_and_tell_the_time():
    pair = Pair()
    first, _ = limited(pair, 1)
    again = []

    def run_again(_):
        again.append(limited(pair, 1)[0])
        assert pair.session.tick(1) == 2

    first.add_done_callback(run_again)
    pair.session.tick(0)
    assert pair.session.tick(1) == 2
    assert pair.session.tick(2) is None
    assert failure(again[0])
    assert pair.types() == [START, START, STOP, STOP]


def test_a_callback_may_close():
    pair = Pair()
    waiters = [limited(pair, 1)[0] for _ in range(2)]
    waiters[0].add_done_callback(lambda _: pair.session.close(noreply_wait=False))
    pair.session.tick(0)
    assert pair.session.tick(1) is None
    assert type(failure(waiters[0])) is ReqlTimeoutError
    assert type(failure(waiters[1])) is not ReqlTimeoutError


def test_what_a_signal_handler_raises_meanwhile_keeps_nobody_waiting():
    pair = Pair()
    waiters = [limited(pair, 1)[0] for _ in range(2)]

    def interrupt(_):
        raise KeyboardInterrupt

    waiters[0].add_done_callback(interrupt)
    pair.session.tick(0)
    with pytest.raises(KeyboardInterrupt):
        pair.session.tick(1)
    assert pair.session.tick(1) is None
    assert all(failure(waiter) for waiter in waiters)
    assert pair.types() == [START, START, STOP, STOP]


def test_after_the_end_nothing_is_due():
    pair = Pair()
    limited(pair, 1)
    pair.session.tick(0)
    pair.session.receive_eof()
    assert pair.session.tick(2) is None


def test_answered_queries_take_no_memory():
    pending = {0, 5000}
    deadlines = Deadlines(pending.__contains__)
    for token in range(10_000):
        deadlines.add(token, 3600 if token else 1)
        deadlines.due(0, pending)
        assert len(deadlines._heap) <= 2 * len(pending) + 100 + 1
    assert deadlines.due(1, pending) == 0
    assert deadlines.due(1, pending) == 0
    pending.remove(0)
    assert deadlines.due(1, pending) is None
    assert deadlines.next == 3600
    assert deadlines.due(3600, pending) == 5000


def test_a_part_of_it_may_be_spent():
    pair = Pair()
    waiter = pair.session.start(start().with_deadline(Deadline(left=0.5, seconds=2)))
    assert pair.session.tick(10) == 10.5
    pair.session.tick(11)
    assert "within 2 s" in str(failure(waiter))


@pytest.mark.parametrize("name", ["server", "noreply_wait"])
def test_what_is_no_query_is_not_stopped(name):
    pair = Pair()
    waiter = getattr(pair.session, name)(Deadline.of(2))
    pair.session.tick(10)
    pair.session.tick(12)
    error = failure(waiter)
    assert type(error) is ReqlTimeoutError
    assert str(error).endswith(f"within 2 s to {name}()")
    assert len(pair.types()) == 1
    pair.answer(pair.session.last_token, ResponseType.WAIT_COMPLETE)
    assert not pair.session.tokens_in_use


def test_a_noreply_query_waits_for_no_answer():
    pair = Pair()
    waiter, _ = limited(pair, 1, noreply=True)
    assert settled(waiter) is None
    assert not pair.session.clock_wanted


def test_a_noreply_query_waits_for_the_transport_no_longer_than_that():
    pair = Pair()
    session = pair.session
    session.outflow.held_back(MAX_UNSENT + 1)
    late, _ = limited(pair, 2, noreply=True)
    in_time, _ = limited(pair, 3, noreply=True)
    unlimited = session.start(start(noreply=True))
    assert session.clock_wanted
    assert session.tick(0) == 2
    assert session.tick(2) == 3
    error = failure(late)
    assert type(error) is ReqlTimeoutError
    assert str(error) == "db.example:28015 did not take all of the query within 2 s"
    assert [*session.outflow.waiting] == [in_time, unlimited]
    pair.move()  # it is sent all the same
    assert pair.types() == [START] * 3
    session.outflow.held_back(0)
    assert settled(in_time) is None
    assert settled(unlimited) is None
    assert session.tick(3) is None


def test_noreply_queries_that_have_waited_are_forgotten():
    pair = Pair()
    session = pair.session
    for _ in range(1000):
        session.outflow.held_back(MAX_UNSENT + 1)
        waiter, _ = limited(pair, 5, noreply=True)
        session.tick(0)
        session.data_to_send()
        session.outflow.held_back(0)
        assert settled(waiter) is None
    assert len(session._senders) < 250


class Long(Term):
    def render(self, frames=None, enough=None):
        return "x" * 1000, None


def test_the_text_has_the_beginning_of_the_query():
    query = start(printable=Long()).with_deadline(Deadline.of(0.25))
    text = f"No answer from here:1 within 0.25 s to {'x' * 100}..."
    assert str(query.late("here", 1)) == text


def test_the_text_for_whoever_sends_a_noreply_query():
    query = start(printable=Term(), noreply=True).with_deadline(Deadline.of(3))
    assert str(query.late("here", 1)) == "here:1 did not take all of term() within 3 s"


# The options.


@pytest.fixture
def conn():
    return MemoryConnection().connect()


def deadline_of(conn, **options):
    return conn._query(Term(), options).deadline


def test_the_run_option_is_not_sent(conn):
    options = {"deadline": 2, "time_format": "raw"}
    query = conn._query(Term(), options)
    assert query.deadline == (2, 2)
    assert b"deadline" not in query.payload
    assert "deadline" not in query.options


def test_the_default_of_the_connection():
    conn = MemoryConnection(deadline=7).connect()
    assert deadline_of(conn) == (7, 7)
    assert deadline_of(conn, noreply=False) == (7, 7)
    assert deadline_of(conn, deadline=1.5) == (1.5, 1.5)
    assert deadline_of(conn, deadline=None) is None


def test_without_a_default_there_is_no_limit(conn):
    assert deadline_of(conn) is None
    assert ConnectOptions.from_arguments().deadline is None


def test_one_of_which_a_part_is_spent_stays_so(conn):
    assert deadline_of(conn, deadline=Deadline(1, 2)) == (1, 2)


def test_a_noreply_query_limits_the_sending(conn):
    conn._session.outflow.held_back(MAX_UNSENT + 1)
    conn.answers.append(lambda pair: (pair.session.tick(0), pair.session.tick(2)))
    text = r"^db.example:28015 did not take all of term\(\) within 2 s$"
    with pytest.raises(ReqlTimeoutError, match=text):
        conn.run(Term(), noreply=True, deadline=2)


@pytest.mark.parametrize("wrong", [0, -1, True, False, float("nan"), "2", [], "", -0.0])
def test_wrong_values(conn, wrong):
    with pytest.raises(ReqlDriverError) as raised:
        deadline_of(conn, deadline=wrong)
    text = f"`deadline` must be a number of seconds above 0, or None, not {wrong!r}."
    assert str(raised.value) == text
    with pytest.raises(ReqlDriverError, match="`deadline` must be"):
        ConnectOptions.from_arguments(deadline=wrong)


@pytest.mark.parametrize("long", [float("inf"), 10**400, 1e300])
def test_long_ones_are_as_good_as_for_ever(conn, long):
    assert deadline_of(conn, deadline=long).seconds == 2_000_000


def test_queries_in_logs_have_no_values():
    assert outlined(None) == "the query"
    assert outlined(r.table("heroes").get("secret")) == "r.table('heroes').get(?)"
    assert outlined(r.expr(["secret"] * 100 + [r.now()])).startswith("[?, ?")
    assert len(outlined(r.expr(["secret"] * 100 + [r.now()]))) == 103


def test_a_long_query_has_a_deadline_too() -> None:
    """It goes another way, so that it is not copied."""
    pair = Pair()
    query = start().with_deadline(Deadline.of(3))
    query.payload = b"[1,%s1]" % (b" " * LONG)
    waiter = pair.session.start(query)
    assert pair.session.clock_wanted
    pair.session.tick(10.0)
    pair.session.tick(13.0)
    assert isinstance(failure(waiter), ReqlTimeoutError)
