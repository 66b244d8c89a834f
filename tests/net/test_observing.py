"""What a session tells its observer, and when."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.net import frames, session
from rethinkdb.net.deadlines import Deadline
from rethinkdb.net.protocol import LONG
from rethinkdb.net.session import Session
from rethinkdb.net.telling import tell_failed
from rethinkdb.net.waiter import Waiter
from tests.net.interrupts import Interrupt
from tests.net.pair import (
    ATOM,
    PARTIAL,
    RUNTIME_ERROR,
    SEQUENCE,
    Pair,
    failure,
    settled,
    start,
)


class Diary:
    """Watches sessions and queries, and writes it all down."""

    def __init__(self):
        self.told = []

    def connecting(self, session):
        self.told.append("connecting")

    def opened(self, session):
        self.told.append("opened")

    def failed(self, session, error):
        self.told.append(("failed", error))

    def ended(self, session):
        self.told.append(("ended", session.cause))

    def asked(self, session, query):
        self.told.append(("asked", json.loads(query.payload)[1]))
        return self

    def replied(self, outcome, size):
        self.told.append(("replied", type(outcome).__name__, size))

    def valued(self, value, size):
        self.told.append(("valued", value, size))

    def settled(self, error, value):
        self.told.append(("settled", type(error).__name__, value))

    def given_up(self):
        self.told.append("given up")

    def take(self):
        told, self.told = self.told, []
        return told


@pytest.fixture
def diary():
    return Diary()


@pytest.fixture
def pair(diary):
    pair = Pair(opened=False)
    pair.session.observer = diary
    pair.move()
    assert diary.take() == ["opened"]
    return pair


def test_a_value(pair, diary):
    waiter, token = pair.run()
    assert diary.take() == [("asked", "t")]
    pair.answer(token, ATOM, 5)
    assert settled(waiter) == 5
    assert diary.take() == [("valued", 5, 18)]
    waiter.abandon()
    assert diary.take() == []


def test_a_value_that_goes_the_general_way(pair, diary):
    waiter, token = pair.run()
    pair.answer(token, ATOM, 5, p=[])
    assert settled(waiter) == {"value": 5, "profile": []}
    assert [entry[0] for entry in diary.take()] == ["asked", "replied", "settled"]


@pytest.mark.parametrize("more", [{}, {"p": []}])
def test_whoever_watches_is_told_before_whoever_waits(pair, diary, more):
    waiter, token = pair.run()
    waiter.add_done_callback(lambda _: diary.told.append("the caller"))
    pair.answer(token, ATOM, 5, **more)
    told = ["replied", "settled"] if more else ["valued"]
    assert [entry[0] for entry in diary.take()[:-1]] == ["asked", *told]


def test_a_long_query(pair, diary, monkeypatch):
    monkeypatch.setattr(session, "LONG", 1)
    waiter, token = pair.run()
    pair.answer(token, ATOM, 5)
    assert settled(waiter) == 5
    assert diary.take() == [("asked", "t"), ("valued", 5, 18)]


def test_a_value_whose_receiver_reads_on(pair, diary):
    """In a callback: another value is settled within the delivery of this one."""
    (first, first_token), (second, second_token) = pair.run(), pair.run()
    first.add_done_callback(lambda _: pair.answer(second_token, ATOM, 6))
    pair.answer(first_token, ATOM, 5)
    assert (settled(first), settled(second)) == (5, 6)
    assert diary.take()[2:] == [("valued", 5, 18), ("valued", 6, 18)]


@pytest.mark.parametrize("body", [b"{}", b'{"t":1,"r":[]}', b'{"t":1,"r":{"0":1}}', b"[1,2]"])
def test_an_odd_value(pair, diary, body):
    waiter, token = pair.run()
    pair.session.receive_data(frames.frame_header(token, len(body)) + body)
    assert isinstance(failure(waiter), ReqlDriverError)
    assert diary.take()[1][0] == "replied"


def interrupted(pair, diary, waiter, token, handler):
    """Answer; a signal handler comes while the observation is told, and raises."""

    def valued(value, size):
        handler()
        raise Interrupt

    diary.valued = valued
    waiter.add_done_callback(lambda _: diary.told.append("the caller"))
    with suppress(Interrupt):
        pair.answer(token, ATOM, 5)
    pair.session.receive_data(b"")


def test_an_interrupt_while_a_value_is_told(pair, diary):
    waiter, token = pair.run()
    interrupted(pair, diary, waiter, token, lambda: None)
    assert settled(waiter) == 5
    assert diary.take()[-1] == "the caller"
    assert pair.session.tokens_in_use == 0


def test_a_caller_that_goes_while_a_value_is_told(pair, diary):
    waiter, token = pair.run()
    interrupted(pair, diary, waiter, token, waiter.abandon)
    assert diary.take() == [("asked", "t")]
    assert waiter.done()


def test_a_caller_that_has_gone_while_a_value_is_told(pair, diary):
    waiter, token = pair.run()
    diary.valued = lambda value, size: waiter.abandon()
    pair.answer(token, ATOM, 5)
    assert waiter.done()
    assert pair.session.tokens_in_use == 0


@pytest.mark.parametrize("told", [False, True])
def test_a_value_after_an_interrupt_has_ended_the_wait(pair, diary, told):
    """Its deadline had passed; the interrupt came before it was stopped."""
    waiter, token = pair.run()
    if told:
        waiter.set_exception(TimeoutError("late"))
    else:
        waiter.observation = None
    diary.take()
    pair.answer(token, ATOM, 5)
    assert str(failure(waiter)) == "late" if told else settled(waiter) == 5
    assert [entry[0] for entry in diary.take()] == []


def test_an_error(pair, diary):
    waiter, token = pair.run()
    pair.answer(token, RUNTIME_ERROR, "no", b=[])
    assert failure(waiter)
    assert diary.take()[-1] == ("settled", "ReqlRuntimeError", None)


def test_a_stream(pair, diary):
    waiter, token = pair.run()
    pair.answer(token, PARTIAL, 1, 2)
    stream = settled(waiter)
    assert [entry[0] for entry in diary.take()] == ["asked", "replied", "settled"]
    pair.answer(token, SEQUENCE, 3)
    assert [entry[0] for entry in diary.take()] == ["replied"]
    assert stream.take_batch() == [1, 2, 3]


def test_a_reply_that_cannot_be_decoded(pair, diary):
    def refuse(payload):
        raise ValueError("no")

    _, token = pair.run(decode=refuse)
    pair.answer(token, ATOM, 5)
    assert [entry[:2] for entry in diary.take()] == [
        ("asked", "t"),
        ("replied", "ValueError"),
        ("settled", "ValueError"),
    ]


def test_what_is_given_up(pair, diary):
    waiter, token = pair.run()
    waiter.abandon()
    waiter.abandon()
    assert diary.take() == [("asked", "t"), "given up"]
    pair.answer(token, SEQUENCE)
    assert diary.take() == []


@pytest.mark.parametrize("long", [1, LONG])
def test_a_deadline(pair, diary, monkeypatch, long):
    monkeypatch.setattr(session, "LONG", long)
    waiter = pair.session.start(start().with_deadline(Deadline.of(1.0)))
    pair.session.tick(10.0)
    pair.session.tick(11.0)
    assert isinstance(failure(waiter), ReqlTimeoutError)
    assert diary.take() == [("asked", "t"), ("settled", "ReqlTimeoutError", None)]


def test_noreply(pair, diary):
    assert settled(pair.session.start(start(noreply=True))) is None
    assert diary.take() == [("asked", "t"), ("settled", "NoneType", None)]


def test_a_loss(pair, diary):
    waiter, _ = pair.run()
    diary.take()
    pair.session.receive_eof(OSError("gone"))
    assert isinstance(failure(waiter), ReqlConnectionLostError)
    ((name, cause), query) = diary.take()
    assert query == ("settled", "ReqlConnectionLostError", None)
    assert (name, str(cause)) == ("ended", "gone")


def test_closing(pair, diary):
    pair.session.close(noreply_wait=False)
    assert diary.take() == [("ended", None)]


def test_what_is_refused(pair, diary, monkeypatch):
    monkeypatch.setattr(session, "MAX_QUERY_SIZE", 1)
    monkeypatch.setattr(session, "LONG", 1)
    assert isinstance(failure(pair.session.start(start())), ReqlDriverError)
    monkeypatch.setattr(session, "MAX_QUERY_SIZE", frames.MAX_QUERY_SIZE)
    pair.session.close(noreply_wait=False)
    diary.take()
    assert isinstance(failure(pair.session.start(start())), ReqlDriverError)
    assert diary.take() == [("asked", "t"), ("settled", "ReqlDriverError", None)]


def test_a_link_that_is_lost_as_a_query_is_told(pair, diary, monkeypatch):
    """By a signal handler, say."""
    asked = diary.asked

    def lose(session, query):
        session.receive_eof(OSError("gone"))
        return asked(session, query)

    monkeypatch.setattr(diary, "asked", lose)
    assert isinstance(failure(pair.session.start(start())), ReqlConnectionLostError)
    assert diary.take()[1:] == [("asked", "t"), ("settled", "ReqlConnectionLostError", None)]


def test_only_queries_of_users_are_watched(pair, diary):
    pair.session.server()
    pair.session.noreply_wait()
    assert diary.take() == []


def test_a_session_that_never_opened_has_not_ended(diary):
    pair = Pair(opened=False)
    pair.session.observer = diary
    pair.session.close(noreply_wait=False)
    assert diary.take() == []


def test_a_session_that_could_not_open(diary):
    session, error = Pair(opened=False).session, ReqlDriverError("nobody listens")
    tell_failed(session, error)  # nobody watches it
    session.observer = diary
    tell_failed(session, error)
    assert diary.take() == [("failed", error)]


def test_one_of_the_class_watches_all_that_have_none(pair, diary, monkeypatch):
    everywhere = Diary()
    monkeypatch.setattr(Session, "observer", everywhere)
    other = Pair()
    other.run()
    pair.run()
    assert everywhere.take() == ["opened", ("asked", "t")]
    assert diary.take() == [("asked", "t")]


def test_nobody_watching_gives_plain_waiters():
    waiter, _ = Pair().run()
    assert type(waiter) is Waiter


def test_settling_twice_is_told_once(pair, diary):
    """As it is done anew when a signal handler has raised in between."""
    waiter, token = pair.run()
    pair.answer(token, ATOM, 5)
    diary.take()
    waiter.set_result(5)
    assert diary.take() == []
