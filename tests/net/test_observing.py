"""What a session tells its observer, and when."""

from __future__ import annotations

import json

import pytest

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.net import frames, session
from rethinkdb.net.deadlines import Deadline
from rethinkdb.net.session import Session
from rethinkdb.net.telling import tell_failed
from rethinkdb.net.waiter import Waiter
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
    assert diary.take() == [("replied", "Response", 18), ("settled", "NoneType", 5)]
    waiter.abandon()
    assert diary.take() == []


def test_whoever_watches_is_told_before_whoever_waits(pair, diary):
    waiter, token = pair.run()
    waiter.add_done_callback(lambda _: diary.told.append("the caller"))
    pair.answer(token, ATOM, 5)
    assert [entry[0] for entry in diary.take()[:-1]] == ["asked", "replied", "settled"]


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


def test_a_deadline(pair, diary):
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
    assert isinstance(failure(pair.session.start(start())), ReqlDriverError)
    monkeypatch.setattr(session, "MAX_QUERY_SIZE", frames.MAX_QUERY_SIZE)
    pair.session.close(noreply_wait=False)
    diary.take()
    assert isinstance(failure(pair.session.start(start())), ReqlDriverError)
    assert diary.take() == [("asked", "t"), ("settled", "ReqlDriverError", None)]


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
