"""Noreply queries wait while more bytes wait to be sent than the transport takes."""

from __future__ import annotations

import pytest

from rethinkdb.errors import ReqlConnectionLostError
from rethinkdb.net.outflow import MAX_UNSENT
from rethinkdb.net.query import Query
from rethinkdb.ql2 import QueryType

from .pair import Pair, settled


def query(size, noreply=True):
    return Query(QueryType.START, b"x" * size, lambda _: None, None, noreply, {})


@pytest.fixture
def session():
    session = Pair().session
    session.outflow.held_back(0)
    return session


def test_an_adapter_that_does_not_tell_makes_nobody_wait():
    session = Pair().session
    assert settled(session.start(query(2 * MAX_UNSENT))) is None
    assert settled(session.start(query(2 * MAX_UNSENT))) is None


def test_few_bytes_do_not_wait(session):
    assert session.start(query(MAX_UNSENT - 100)).done()
    assert session.start(query(10)).done()


def test_many_bytes_wait_until_the_transport_has_sent_most(session):
    large = session.start(query(MAX_UNSENT + 1))
    session.data_to_send()
    session.outflow.held_back(MAX_UNSENT + 1)
    assert not large.done()
    assert not session.start(query(1)).done()
    session.data_to_send()
    session.outflow.held_back(MAX_UNSENT)
    assert settled(large) is None
    assert not session.outflow.waiting


def test_what_was_not_given_to_the_transport_counts_too(session):
    ordinary = session.start(query(MAX_UNSENT + 1, noreply=False))
    noreply = session.start(query(1))
    session.outflow.held_back(0)
    assert not noreply.done()
    session.data_to_send()
    session.outflow.held_back(0)
    assert noreply.done()
    assert not ordinary.done()


def test_others_get_a_turn_though_the_transport_takes_all(session):
    sent = 0
    while (waiter := session.start(query(1000))).done():
        session.data_to_send()
        sent += 1000
    assert MAX_UNSENT - 1000 < sent <= MAX_UNSENT
    session.data_to_send()
    session.outflow.held_back(0)
    assert settled(waiter) is None
    assert session.start(query(1000)).done()


def test_a_caller_that_gives_up_has_sent_the_query(session):
    given_up, other = (session.start(query(MAX_UNSENT + 1)) for _ in range(2))
    given_up.abandon()
    assert [*session.outflow.waiting] == [other]
    assert len(session.data_to_send()) > 2 * MAX_UNSENT
    session.outflow.held_back(0)
    assert other.done()


def test_callers_go_on_in_order_and_may_send_more(session):
    session.outflow.held_back(MAX_UNSENT + 1)
    first, second = session.start(query(1)), session.start(query(1))
    session.data_to_send()
    order = []

    def send_more(_):
        order.append("first")
        session.start(query(MAX_UNSENT + 1)).add_done_callback(lambda _: order.append("third"))

    first.add_done_callback(send_more)
    second.add_done_callback(lambda _: order.append("second"))
    session.outflow.held_back(0)
    assert order == ["first"]
    session.data_to_send()
    session.outflow.held_back(0)
    assert order == ["first", "second", "third"]


def test_an_interrupt_forgets_nobody(session):
    session.outflow.held_back(MAX_UNSENT + 1)
    first, second = session.start(query(1)), session.start(query(1))
    session.data_to_send()

    def interrupt(_):
        raise KeyboardInterrupt

    first.add_done_callback(interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.outflow.held_back(0)
    session.outflow.held_back(0)
    assert second.done()
    assert not session.outflow.waiting


def test_callbacks_may_tell_of_room_again(session):
    session.outflow.held_back(MAX_UNSENT + 1)
    first, second = session.start(query(1)), session.start(query(1))
    session.data_to_send()
    first.add_done_callback(lambda _: session.outflow.held_back(0))
    session.outflow.held_back(0)
    assert first.done()
    assert second.done()
    assert not session.outflow.waiting


def test_the_end_of_the_session_fails_those_that_wait(session):
    first, second, third = (session.start(query(MAX_UNSENT + 1)) for _ in range(3))
    first.add_done_callback(lambda _: third.abandon())
    session.receive_eof(OSError("broken"))
    for waiter in (first, second):
        with pytest.raises(ReqlConnectionLostError, match="broken"):
            waiter.result()
    assert not session.outflow.waiting


class Observation:
    def __init__(self, told):
        self.told = told

    def settled(self, error, value):
        self.told.append(error)


class Observer:
    def __init__(self):
        self.told = []

    def asked(self, session, query):
        return Observation(self.told)


def test_observers_are_told_when_it_ends(session):
    session.observer = observer = Observer()
    session.start(query(1))
    waiter = session.start(query(MAX_UNSENT))
    assert observer.told == [None]
    session.data_to_send()
    session.outflow.held_back(0)
    assert waiter.done()
    assert observer.told == [None, None]


def test_a_limit_of_nothing_makes_each_query_wait_until_it_is_sent(session):
    session.outflow.limit = 0
    first = session.start(query(1))
    session.outflow.held_back(0)
    assert not first.done()
    session.data_to_send()
    session.outflow.held_back(0)
    assert settled(first) is None
