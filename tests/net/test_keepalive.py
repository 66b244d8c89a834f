"""Keepalive: silence while somebody waits is broken by a question. Time is what is said here."""

from __future__ import annotations

import pytest

from rethinkdb.errors import ReqlConnectionLostError, ReqlCursorLostError, ReqlDriverError
from rethinkdb.net.deadlines import Deadline
from rethinkdb.net.keepalive import Keepalive, Verdict
from rethinkdb.net.options import ConnectOptions

from .memory import MemoryConnection
from .pair import ATOM, INFO, PARTIAL, SEQUENCE, SERVER_INFO, START, STOP, Pair, failure, start

WAIT, ASK, LOST = Verdict


def ticking(pair, since, until, unsent=0):
    """Tells the time whenever that is wanted, from one moment to another; the moments."""
    moments = []
    now = since
    while now is not None and now <= until:
        moments.append(now)
        now = pair.session.tick(now, unsent)
        pair.move()
    return moments


@pytest.fixture
def pair():
    return Pair(keepalive=20)


def test_without_it_no_time_is_wanted():
    pair = Pair()
    pair.run()
    assert not pair.session.clock_wanted
    assert pair.session.tick(1000) is None
    assert pair.types() == []


def test_while_nobody_waits_no_time_is_wanted(pair):
    assert not pair.session.clock_wanted
    assert pair.session.tick(100) is None
    assert pair.session.tick(1000) is None
    assert pair.types() == []


def test_a_silent_server_is_asked_and_then_given_up(pair):
    waiter, _ = pair.run()
    assert pair.session.clock_wanted
    assert ticking(pair, 0, 19) == [0, 5, 10, 15]
    assert pair.types() == []
    assert pair.session.tick(20) == 25
    assert pair.types() == [SERVER_INFO]
    assert ticking(pair, 25, 39) == [25, 30, 35]
    assert not waiter.done()
    assert pair.session.tick(40) is None
    error = failure(waiter)
    assert type(error) is ReqlConnectionLostError
    assert "no sign of life from db.example:28015 for 40 s" in str(error)
    assert isinstance(error.__cause__, TimeoutError)
    assert pair.session.close_requested
    assert pair.session.data_to_send() == b""


def test_all_who_wait_are_told(pair):
    stream, _ = pair.stream(1)
    first, _ = pair.run()
    waiting = pair.session.noreply_wait()
    assert stream.next().result() == 1
    change = stream.next()
    ticking(pair, 0, 40)
    assert type(failure(change)) is ReqlCursorLostError
    assert type(failure(first)) is type(failure(waiting)) is ReqlConnectionLostError
    assert "no sign of life" in str(failure(change))


def test_an_answer_to_the_question_is_a_sign_of_life(pair):
    waiter, _ = pair.run()
    for begin in range(0, 1000, 25):
        moments = ticking(pair, begin, begin + 20)
        assert moments[-1] == begin + 20
        pair.answer(pair.asked(), INFO, {"id": "x", "proxy": False})
    assert not waiter.done()
    assert pair.session.tokens_in_use == 1


def test_whatever_arrives_is_a_sign_of_life(pair):
    waiter, _ = pair.run()
    _, other = pair.run()
    ticking(pair, 0, 14)
    pair.answer(other, ATOM, 1)
    assert ticking(pair, 15, 34) == [15, 20, 25, 30]
    assert pair.types() == []
    pair.session.tick(35)
    assert pair.types() == [SERVER_INFO]
    assert not waiter.done()


def test_a_part_of_an_answer_is_one_too(pair):
    _, token = pair.run()
    pair.reply(token, ATOM, "x" * 1000)
    data = pair.server.data_to_send()
    for begin in range(0, 400, 5):
        pair.session.receive_data(data[begin // 5 : begin // 5 + 1])
        pair.session.tick(begin)
    assert pair.types() == []


def test_a_server_that_takes_what_is_sent_is_alive(pair):
    waiter, _ = pair.run()
    for begin in range(0, 400, 5):
        pair.session.tick(begin, 10_000 - begin)
    assert pair.types() == []
    assert ticking(pair, 400, 414, unsent=9_000) == [400, 405, 410]
    assert ticking(pair, 415, 420, unsent=9_000) == [415, 420]
    assert pair.types() == [SERVER_INFO]
    assert ticking(pair, 425, 435, unsent=8_000)[-1] == 435  # the question is on its way
    assert ticking(pair, 440, 444, unsent=8_000) == [440]
    assert not waiter.done()
    pair.session.tick(445, 8_000)
    assert "for 445 s" in str(failure(waiter))


def test_nobody_waits_any_longer(pair):
    _, token = pair.run()
    pair.session.tick(0)
    pair.session.tick(5)
    pair.answer(token, ATOM, 1)
    assert ticking(pair, 10, 1000) == [10, 15]
    assert not pair.session.clock_wanted
    _, token = pair.run()
    assert pair.session.clock_wanted
    assert ticking(pair, 2000, 2019) == [2000, 2005, 2010, 2015]
    assert pair.types() == []


def test_a_consumer_that_stands_still_waits_for_nothing(pair):
    stream, token = pair.stream(1, 2, 3)
    pair.answer(token, PARTIAL, 4, 5, 6)
    assert pair.types() == []
    now = 0
    while now < 1000:
        now = pair.session.tick(now) or now + 5
    assert pair.types() == []
    assert len(stream.buffer) == 6
    assert not pair.session.close_requested


def test_a_stop_waits_too(pair):
    waiter, _ = pair.run()
    waiter.abandon()
    pair.move()
    ticking(pair, 0, 40)
    assert pair.types() == [STOP, SERVER_INFO]
    assert pair.session.close_requested


def test_after_a_long_time_without_a_look_the_silence_begins_anew(pair):
    waiter, _ = pair.run()
    ticking(pair, 0, 25)
    assert pair.types() == [SERVER_INFO]
    assert pair.session.tick(5000) == 5005
    assert ticking(pair, 5005, 5019) == [5005, 5010, 5015]
    assert not waiter.done()
    pair.session.tick(5020)
    assert failure(waiter)


def test_a_look_between_two_looks_changes_nothing(pair):
    pair.run()
    assert pair.session.tick(0) == 5
    for now in (1, 2, 3, 4):
        assert pair.session.tick(now) == 5
    assert ticking(pair, 5, 20)[-1] == 20
    assert pair.types() == [SERVER_INFO]


def test_the_next_look_or_the_next_deadline_whatever_is_first(pair):
    pair.run()
    query = start().with_deadline(Deadline.of(3))
    waiter = pair.session.start(query)
    assert pair.session.tick(0) == 3
    assert pair.session.tick(3) == 5
    assert failure(waiter)
    assert pair.types() == [START, STOP]
    assert ticking(pair, 5, 20)[-1] == 20
    assert pair.types() == [SERVER_INFO]


def test_a_deadline_while_nothing_else_is_due(pair):
    query = start().with_deadline(Deadline.of(3))
    pair.session.start(query)
    assert pair.session.tick(0) == 3
    pair.answer(pair.asked(), ATOM, 1)
    pair.session.start(query.with_deadline(Deadline.of(100)))
    token = pair.asked()
    pair.session.tick(5)
    pair.answer(token, SEQUENCE)
    assert pair.session.tick(10) == 15
    assert pair.session.tick(15) is None


def test_a_session_that_is_closing_is_asked_too(pair):
    closing = pair.session.close()
    ticking(pair, 0, 20)
    assert SERVER_INFO in pair.types()
    ticking(pair, 25, 40)
    assert closing.done()
    assert pair.session.tick(45) is None


def test_a_question_that_was_interrupted_is_asked_again():
    keepalive = Keepalive(4)
    assert keepalive.look(0, False, True, 0) is WAIT
    for now in (1, 2, 3):
        assert keepalive.look(now, False, True, 0) is WAIT
    assert keepalive.look(4, False, True, 0) is ASK
    assert keepalive.look(4, False, True, 0) is ASK
    keepalive.asked(4)
    assert keepalive.look(5, False, True, 0) is WAIT
    assert keepalive.silence(5) == 5
    for now in (6, 7):
        assert keepalive.look(now, False, True, 0) is WAIT
    assert keepalive.look(8, False, True, 0) is LOST
    assert keepalive.silence(8) == 8


# The option.


def test_the_option_of_connect():
    assert ConnectOptions.from_arguments().keepalive is None
    conn = MemoryConnection(keepalive=2.5)
    assert conn.options.keepalive == 2.5
    assert conn._new_session()._keepalive.seconds == 2.5


@pytest.mark.parametrize("wrong", [0, -1, True, float("nan"), "20"])
def test_wrong_values(wrong):
    with pytest.raises(ReqlDriverError, match=r"^`keepalive` must be a number of seconds above 0"):
        ConnectOptions.from_arguments(keepalive=wrong)
