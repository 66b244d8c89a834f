"""Who sends more than the transport takes waits."""

from __future__ import annotations

import pytest

from rethinkdb.errors import ReqlConnectionLostError
from rethinkdb.net.outflow import MAX_UNSENT, Outflow
from rethinkdb.net.query import Query
from rethinkdb.ql2 import QueryType

from .pair import Pair


def query(size, noreply=True):
    return Query(QueryType.START, b"x" * size, lambda _: None, None, noreply, {})


def test_room_for_what_is_little():
    assert Outflow().room().done()


def test_a_transport_that_says_nothing_sends_at_once_what_it_is_given():
    pair = Pair()
    large = pair.session.start(query(MAX_UNSENT + 1))
    assert not large.done()
    pair.session.data_to_send()
    assert large.result() is None
    assert pair.session.start(query(MAX_UNSENT)).done()


def test_waiting_until_the_transport_has_sent_most():
    pair = Pair()
    session = pair.session
    session.held_back(0)
    small = session.start(query(MAX_UNSENT))
    large = session.start(query(1))
    assert small.done()
    assert not large.done()
    session.data_to_send()
    assert not large.done()
    session.held_back(MAX_UNSENT + 1)
    assert not large.done()
    assert not session.start(query(1)).done()
    assert session.outflow.unsent == MAX_UNSENT + 2
    session.data_to_send()
    session.held_back(MAX_UNSENT)
    assert large.result() is None
    assert not session.outflow.waiting


def test_what_waits_for_an_answer_counts_too():
    pair = Pair()
    ordinary = pair.session.start(query(MAX_UNSENT + 1, noreply=False))
    noreply = pair.session.start(query(1))
    assert not noreply.done()
    pair.session.data_to_send()
    assert noreply.done()
    assert not ordinary.done()


def test_giving_up_sends_the_query_nonetheless():
    pair = Pair()
    pair.session.data_to_send()
    given_up, other = (pair.session.start(query(MAX_UNSENT + 1)) for _ in range(2))
    given_up.abandon()
    assert len(pair.session.data_to_send()) > 2 * MAX_UNSENT
    assert other.done()


def test_those_who_wait_go_on_in_order_and_may_send_more():
    pair = Pair()
    session = pair.session
    session.held_back(MAX_UNSENT + 1)
    first, second = session.start(query(1)), session.start(query(1))
    session.data_to_send()
    order = []

    def send_more(_):
        order.append("first")
        session.start(query(MAX_UNSENT + 1)).add_done_callback(lambda _: order.append("third"))

    first.add_done_callback(send_more)
    second.add_done_callback(lambda _: order.append("second"))
    session.held_back(0)
    assert order == ["first"]
    session.data_to_send()
    session.held_back(0)
    assert order == ["first", "second", "third"]


def test_an_interrupt_forgets_nobody():
    pair = Pair()
    session = pair.session
    session.held_back(MAX_UNSENT + 1)
    first, second = session.start(query(1)), session.start(query(1))
    session.data_to_send()

    def interrupt(_):
        raise KeyboardInterrupt

    first.add_done_callback(interrupt)
    with pytest.raises(KeyboardInterrupt):
        session.held_back(0)
    session.held_back(0)
    assert second.done()


def test_callbacks_may_tell_of_room_again():
    pair = Pair()
    session = pair.session
    session.held_back(MAX_UNSENT + 1)
    first, second = session.start(query(1)), session.start(query(1))
    session.data_to_send()
    first.add_done_callback(lambda _: session.held_back(0))
    session.held_back(0)
    assert first.done()
    assert second.done()


def test_the_end_of_the_session_fails_those_who_wait():
    pair = Pair()
    session = pair.session
    first, second, third = (session.start(query(MAX_UNSENT + 1)) for _ in range(3))
    first.add_done_callback(lambda _: third.abandon())
    session.receive_eof(OSError("broken"))
    for waiter in (first, second):
        with pytest.raises(ReqlConnectionLostError, match="broken"):
            waiter.result()
    assert not session.outflow.waiting
