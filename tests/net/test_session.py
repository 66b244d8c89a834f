"""Queries, waiters, close and loss. Streams have a module of their own."""

from __future__ import annotations

import json
import logging

import pytest

from rethinkdb.codec import Codec
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlNonExistenceError,
    ReqlOpFailedError,
    ReqlRuntimeError,
    ReqlServerCompileError,
)
from rethinkdb.net.frames import MAX_QUERY_SIZE, frame_header
from rethinkdb.net.query import Query
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.violations import RemoteProtocolError
from rethinkdb.ql2 import QueryType

from .pair import (
    ATOM,
    CLIENT_ERROR,
    COMPILE_ERROR,
    CONTINUE,
    INFO,
    NOREPLY_WAIT,
    PARTIAL,
    RUNTIME_ERROR,
    SEQUENCE,
    SERVER_INFO,
    START,
    STOP,
    WAIT_COMPLETE,
    Pair,
    byte_by_byte,
    failure,
    reply_body,
    settled,
    start,
    whole,
)

splits = pytest.mark.parametrize("split", [whole, byte_by_byte])


def frame(token, body):
    return frame_header(token, len(body)) + body


def lost(waiter, cause=None):
    """Asserts that it failed as all waiters do when the link is lost or closed under them."""
    error = failure(waiter)
    assert type(error) is ReqlConnectionLostError
    assert not isinstance(error, ReqlRuntimeError)
    assert error.message == "Connection is closed."
    assert str(error).startswith("Connection is closed. ")
    assert f"{error.host}:{error.port}" in str(error)
    assert str(cause or "This side closed the link").rstrip(".") in str(error)
    assert error.__cause__ is cause
    return True


def refused(waiter):
    """Asserts that it failed as what is started on a closed connection does."""
    error = failure(waiter)
    assert type(error) is ReqlDriverError
    assert str(error) == "Connection is closed."
    assert error.__cause__ is None
    return True


# Queries and their answers.


@splits
def test_a_value(split):
    pair = Pair(split=split)
    waiter = pair.session.start(start("term"))
    [(token, query)] = pair.received()
    assert query == [START, "term", {}]
    assert not waiter.done()
    pair.answer(token, ATOM, {"id": 1})
    assert settled(waiter) == {"id": 1}
    assert pair.session.tokens_in_use == 0


def test_answers_in_any_order():
    pair = Pair()
    waiters = [pair.session.start(start(n)) for n in range(5)]
    queries = pair.received()
    assert [query[1] for _, query in queries] == list(range(5))
    for token, query in reversed(queries):
        pair.reply(token, ATOM, query[1])
    pair.move()
    assert [settled(waiter) for waiter in waiters] == list(range(5))


def test_many_queries_are_one_write():
    pair = Pair()
    for n in range(10):
        pair.session.start(start(n))
    data = pair.session.data_to_send()
    pair.server.receive_data(data)
    assert len(pair.server.events_received()) == 10
    assert pair.session.data_to_send() == b""


@pytest.mark.parametrize(
    ("type", "extra", "error"),
    [
        (CLIENT_ERROR, {}, ReqlDriverError),
        (COMPILE_ERROR, {"b": []}, ReqlServerCompileError),
        (RUNTIME_ERROR, {"b": [], "e": 3100000}, ReqlNonExistenceError),
        (RUNTIME_ERROR, {"b": [0, "x"], "e": 4100000}, ReqlOpFailedError),
        (RUNTIME_ERROR, {"b": []}, ReqlRuntimeError),
    ],
)
def test_error_replies(type, extra, error):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, type, "It failed.", **extra)
    assert type is not None
    assert failure(waiter).__class__ is error
    assert failure(waiter).message == "It failed."
    assert failure(waiter).frames == extra.get("b")
    assert pair.session.tokens_in_use == 0
    assert pair.session.is_open


def test_an_error_without_a_text():
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, CLIENT_ERROR)
    assert str(failure(waiter)) == ""


@pytest.mark.parametrize("type", [WAIT_COMPLETE, INFO, 0, 99])
def test_replies_of_other_types_fail_the_query(type):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, type, 1)
    assert str(failure(waiter)) == f"Unknown Response type {type} encountered in a response."
    assert pair.session.is_open


@pytest.mark.parametrize("type", [PARTIAL, SEQUENCE, ATOM])
def test_replies_of_other_types_fail_other_operations(type):
    pair = Pair()
    for operation in (pair.session.server, pair.session.noreply_wait):
        waiter = operation()
        pair.answer(pair.asked(), type, 1)
        assert "Unknown Response type" in str(failure(waiter))
    assert pair.types() == []


def test_profile():
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, ATOM, 5, p=[{"description": "x"}])
    assert settled(waiter) == {"value": 5, "profile": [{"description": "x"}]}


def test_profile_of_a_stream():
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, SEQUENCE, 5, p=[])
    result = settled(waiter)
    assert result["profile"] == []
    assert isinstance(result["value"], Stream)


def test_server_info():
    pair = Pair()
    waiter = pair.session.server()
    [(token, query)] = pair.received()
    assert query == [SERVER_INFO]
    info = {"id": "5a2c", "name": "alpha", "proxy": False}
    pair.answer(token, INFO, info)
    assert settled(waiter) == info


def test_a_query_the_server_would_not_read_is_refused_here():
    class Huge(bytes):
        def __len__(self):
            return MAX_QUERY_SIZE + 1

    pair = Pair()
    query = Query(QueryType.START, Huge(), Codec().decoder({}))
    error = failure(pair.session.start(query))
    assert type(error) is ReqlDriverError
    assert "Query size (134217728) greater than maximum (134217727)." in str(error)
    assert pair.types() == []


def test_options_default_to_none():
    assert dict(start().options) == {}


# Noreply.


def test_noreply_is_settled_at_once():
    pair = Pair()
    assert settled(pair.session.start(start(noreply=True))) is None
    assert pair.types() == [START]
    assert pair.session.tokens_in_use == 0


def test_noreply_wait():
    pair = Pair()
    waiter = pair.session.noreply_wait()
    [(token, query)] = pair.received()
    assert query == [NOREPLY_WAIT]
    pair.answer(token, WAIT_COMPLETE)
    assert settled(waiter) is None


@pytest.mark.parametrize("log_values", [True, False])
def test_noreply_queries_the_server_cannot_parse_are_answered_all_the_same(caplog, log_values):
    pair = Pair(log_values=log_values)
    pair.session.start(start(noreply=True))
    token = pair.asked()
    with caplog.at_level(logging.WARNING, "rethinkdb.net"):
        pair.answer(token, CLIENT_ERROR, "Client is buggy.")
    assert ("Client is buggy." in caplog.text) == log_values
    assert "refused a noreply query" in caplog.text
    assert pair.session.is_open


def test_an_answer_to_a_noreply_query_never_sent_is_a_violation():
    pair = Pair()
    pair.session.start(start(noreply=True))
    pair.answer(pair.asked() + 1, CLIENT_ERROR, "x")
    assert not pair.session.is_open


# Abandoning.


@splits
@pytest.mark.parametrize(
    "replies",
    [
        [(ATOM, "late"), (CLIENT_ERROR, "Token 1 not in stream cache.")],
        [(PARTIAL, 1, 2), (SEQUENCE,)],
        [(SEQUENCE,), (SEQUENCE,)],
        [(RUNTIME_ERROR, "failed"), (CLIENT_ERROR, "Token 1 not in stream cache.")],
    ],
)
def test_an_abandoned_query_is_stopped_and_its_answers_dropped(replies, split):
    pair = Pair(split=split)
    waiter, token = pair.run()
    waiter.abandon()
    assert pair.received() == [(token, [STOP])]
    other, other_token = pair.run()
    for reply in replies:
        assert pair.session.tokens_in_use == 2
        pair.answer(token, *reply)
    assert pair.session.tokens_in_use == 1
    pair.answer(other_token, ATOM, "fine")
    assert settled(other) == "fine"
    assert pair.types() == []


def test_dropped_answers_are_not_decoded():
    pair = Pair()
    waiter, token = pair.run(decode=lambda payload: pytest.fail("decoded"))
    waiter.abandon()
    pair.answer(token, ATOM, 1)
    pair.answer(token, SEQUENCE)
    assert pair.session.is_open


@pytest.mark.parametrize(("operation", "type"), [("noreply_wait", WAIT_COMPLETE), ("server", INFO)])
def test_other_operations_have_nothing_to_stop(operation, type):
    pair = Pair()
    waiter = getattr(pair.session, operation)()
    token = pair.asked()
    waiter.abandon()
    assert pair.types() == []
    pair.answer(token, type, {})
    assert pair.session.tokens_in_use == 0
    assert pair.session.is_open


@pytest.mark.parametrize("value", [1, {"value": 1}])
def test_abandoning_what_is_answered_sends_nothing(value):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, ATOM, value)
    waiter.abandon()
    assert pair.types() == []
    assert pair.session.tokens_in_use == 0


@pytest.mark.parametrize("extra", [{}, {"p": []}])
def test_a_stream_nobody_received_is_closed(extra):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL, 1, **extra)
    assert pair.types() == [CONTINUE]
    waiter.abandon()
    assert pair.types() == [STOP]
    pair.answer(token, SEQUENCE)
    pair.answer(token, SEQUENCE)
    assert pair.session.tokens_in_use == 0


# Replies that cannot be decoded.


def test_a_reply_that_cannot_be_decoded_fails_its_query_alone():
    pair = Pair()
    error = OverflowError("year 10000")

    def decode(payload):
        raise error

    other, other_token = pair.run()
    waiter, token = pair.run(decode=decode)
    pair.answer(token, PARTIAL, 1)
    assert failure(waiter) is error
    assert pair.received() == [(token, [STOP])]
    pair.answer(token, SEQUENCE)
    assert pair.session.tokens_in_use == 1
    pair.answer(other_token, ATOM, 1)
    assert settled(other) == 1


def test_a_decoder_of_the_users_own_may_raise():
    pair = Pair()

    def decode(payload):
        raise ReqlDriverError("Unknown pseudo-type X")

    waiter, token = pair.run(decode=decode)
    pair.answer(token, ATOM, 1)
    pair.answer(token, CLIENT_ERROR, "Token 1 not in stream cache.")
    assert str(failure(waiter)) == "Unknown pseudo-type X"
    assert pair.session.tokens_in_use == 0
    assert pair.session.is_open


def test_an_undecodable_answer_to_another_operation_stops_nothing():
    pair = Pair()
    waiter = pair.session.server()
    pair.answer(pair.asked(), INFO, {"$reql_type$": "NEWS"})
    assert "NEWS" in str(failure(waiter))
    assert pair.types() == []
    assert pair.session.tokens_in_use == 0


# Violations.


@splits
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"not JSON", "malformed reply"),
        (b"[]", "malformed reply"),
        (b'{"t":1}', "malformed reply"),
        (b'{"r":[]}', "malformed reply"),
        (reply_body(ATOM), "a result without a value"),
        (reply_body(RUNTIME_ERROR, "no", e=[1]), "e is not a number"),
        (reply_body(CLIENT_ERROR, ["no"]), "an error whose text is none"),
        (reply_body(ATOM, 1, n=[[]]), "n is not a list of numbers"),
        (reply_body(ATOM, 1, b=[{}]), "b is not a list of positions and names"),
        (reply_body(ATOM, 1, p={}), "p is not a list"),
        (b'{"t":18,"r":[' + b"[" * 5000 + b"]" * 5000 + b"]}", "malformed reply"),
        (b'{"t":1,"r":["\xff"]}', "malformed reply"),
    ],
)
def test_malformed_replies_end_the_connection(body, text, split):
    pair = Pair(split=split)
    waiter, token = pair.run()
    other, other_token = pair.run()
    pair.server.send_frame(token, body)
    pair.answer(other_token, ATOM, "not looked at any more")
    cause = pair.session.cause
    assert isinstance(cause, RemoteProtocolError)
    assert text in str(cause)
    assert lost(waiter, cause)
    assert lost(other, cause)
    assert pair.session.close_requested


def test_a_server_that_does_not_say_who_it_is_ends_the_connection():
    pair = Pair()
    waiter = pair.session.server()
    pair.answer(pair.asked(), INFO, "alpha")
    assert "it does not say who it is" in str(pair.session.cause)
    assert lost(waiter, pair.session.cause)


@splits
def test_an_unknown_token_ends_the_connection(split):
    pair = Pair(split=split)
    waiter, token = pair.run()
    pair.reply(token + 1, ATOM, 1)
    pair.answer(token, ATOM, "not looked at any more")
    cause = pair.session.cause
    assert isinstance(cause, RemoteProtocolError)
    assert isinstance(cause, ReqlDriverError)
    assert str(cause).startswith("Unexpected response received. ")
    assert "db.example:28015" in str(cause)
    assert lost(waiter, cause)


def test_a_second_reply_is_an_unknown_token():
    pair = Pair()
    waiter, token = pair.run()
    pair.reply(token, ATOM, 1)
    pair.answer(token, ATOM, 2)
    assert settled(waiter) == 1
    assert "Unexpected response" in str(pair.session.cause)


def test_waiting_for_the_answer_to_a_stop():
    pair = Pair()
    waiter, token = pair.run()
    settled(pair.session.stopped(token))  # it goes on: nothing was stopped
    waiter.abandon()
    stopped = pair.session.stopped(token)
    assert pair.session.stopped(token) is stopped
    assert pair.types() == [STOP]
    pair.answer(token, ATOM, 1)
    assert not stopped.done()
    pair.answer(token, SEQUENCE)
    assert settled(stopped) is None
    assert pair.session.tokens_in_use == 0
    settled(pair.session.stopped(token))

    waiter = pair.session.noreply_wait()
    token = pair.asked()
    waiter.abandon()
    stopped = pair.session.stopped(token)
    pair.session.close(noreply_wait=False)
    assert lost(stopped)


def test_one_reply_too_many_after_a_stop():
    pair = Pair()
    waiter, token = pair.run()
    waiter.abandon()
    for _ in range(3):
        assert pair.session.is_open
        pair.answer(token, SEQUENCE)
    assert "Unexpected response" in str(pair.session.cause)


@splits
def test_two_violations_at_once(split):
    pair = Pair(split=split, max_reply_size=100)
    waiter, token = pair.run()
    for piece in split(frame(token + 1, b"{}") + frame_header(token, 101)):
        pair.session.receive_data(piece)
    assert "Unexpected response" in str(pair.session.cause)
    assert lost(waiter, pair.session.cause)


def test_a_reply_over_the_limit():
    pair = Pair(max_reply_size=100)
    waiter, token = pair.run()
    pair.answer(token, ATOM, "x" * 100)
    assert "Frame too large" in str(pair.session.cause)
    assert lost(waiter, pair.session.cause)


# Opening.


def test_not_open_yet():
    session = Session()
    assert not session.is_open
    assert not session.opened.done()
    for waiter in (session.start(start()), session.server(), session.noreply_wait()):
        assert "Connection is not open yet" in str(failure(waiter))


def test_giving_up_to_connect_ends_the_session():
    session = Session()
    session.opened.abandon()
    assert session.close_requested
    assert settled(session.closed) is None
    assert refused(session.start(start()))


def test_closing_while_connecting():
    session = Session()
    assert settled(session.close()) is None
    assert refused(session.opened)
    assert session.close_requested


@pytest.mark.parametrize("exc", [None, ConnectionResetError("reset by peer")])
def test_loss_while_connecting(exc):
    session = Session(host="db.example", port=1)
    session.receive_eof(exc)
    error = failure(session.opened)
    assert type(error) is ReqlDriverError
    assert "Could not connect to db.example:1. Error: Connection is closed." in str(error)
    assert str(error.__cause__) in str(error)
    assert isinstance(error.__cause__, exc.__class__ if exc else EOFError)


# Close.


@splits
def test_close_waits_for_noreply_queries(split):
    pair = Pair(split=split)
    closing = pair.session.close()
    [(token, query)] = pair.received()
    assert query == [NOREPLY_WAIT]
    assert not closing.done()
    assert not pair.session.is_open
    assert not pair.session.close_requested
    assert refused(pair.session.start(start()))
    assert refused(pair.session.noreply_wait())
    pair.answer(token, WAIT_COMPLETE)
    assert settled(closing) is None
    assert settled(pair.session.closed) is None
    assert pair.session.close_requested
    assert pair.session.cause is None


def test_queries_may_be_answered_while_close_waits():
    pair = Pair()
    first, first_token = pair.run()
    second, _ = pair.run()
    pair.session.close()
    token = pair.asked()
    pair.answer(first_token, ATOM, 1)
    pair.answer(token, WAIT_COMPLETE)
    assert settled(first) == 1
    assert lost(second)


def test_close_at_once():
    pair = Pair()
    waiter, _ = pair.run()
    assert settled(pair.session.close(noreply_wait=False)) is None
    assert lost(waiter)
    assert pair.types() == []
    assert pair.session.close_requested
    assert refused(pair.session.start(start()))


def test_closing_twice():
    pair = Pair()
    pair.session.close(noreply_wait=False)
    assert settled(pair.session.close()) is None
    assert settled(pair.session.close(noreply_wait=False)) is None
    assert pair.types() == []


def test_closing_twice_at_a_time():
    pair = Pair()
    closings = [pair.session.close(), pair.session.close()]
    token = pair.asked()
    assert not any(closing.done() for closing in closings)
    pair.answer(token, WAIT_COMPLETE)
    assert [settled(closing) for closing in closings] == [None, None]


def test_closing_at_once_while_another_close_waits():
    pair = Pair()
    closing = pair.session.close()
    assert settled(pair.session.close(noreply_wait=False)) is None
    assert settled(closing) is None


def test_giving_up_to_wait_for_noreply_queries_closes_at_once():
    pair = Pair()
    waiter, _ = pair.run()
    closing = pair.session.close()
    closing.abandon()
    assert lost(waiter)
    assert settled(pair.session.closed) is None
    assert pair.session.close_requested


def test_close_succeeds_even_if_the_server_refuses_to_wait():
    pair = Pair()
    closing = pair.session.close()
    pair.answer(pair.asked(), CLIENT_ERROR, "no")
    assert settled(closing) is None


def test_replies_after_close_are_ignored():
    pair = Pair()
    waiter, token = pair.run()
    pair.session.close(noreply_wait=False)
    pair.answer(token, ATOM, 1)
    pair.answer(token, ATOM, 1)
    assert lost(waiter)
    pair.session.receive_eof()
    assert pair.session.cause is None


# Loss.


def everything(pair):
    """One of each waiter that may be pending."""
    session = pair.session
    stream, _ = pair.stream()
    waiters = [session.start(start()), session.noreply_wait(), session.server()]
    return waiters, stream.next(), stream.has_next()


@pytest.mark.parametrize("exc", [None, ConnectionResetError("reset by peer")])
def test_loss_fails_everything_at_once_with_the_same_cause(exc):
    pair = Pair()
    waiters, next_item, has_next = everything(pair)
    pair.session.receive_eof(exc)
    cause = pair.session.cause
    assert cause is exc or isinstance(cause, EOFError)
    assert all(lost(waiter, cause) for waiter in waiters)
    assert type(failure(next_item)) is ReqlCursorLostError
    assert failure(next_item).__cause__ is cause
    assert settled(has_next) is True
    assert settled(pair.session.closed) is None
    assert pair.session.close_requested
    assert pair.session.tokens_in_use == 0


def test_each_waiter_has_an_error_of_its_own():
    pair = Pair()
    first, _ = pair.run()
    second, _ = pair.run()
    pair.session.receive_eof()
    assert failure(first) is not failure(second)


def test_after_a_loss():
    pair = Pair()
    error = OSError("gone")
    pair.session.receive_eof(error)
    pair.session.receive_eof(OSError("later"))
    assert pair.session.cause is error
    assert settled(pair.session.close()) is None
    assert settled(pair.session.close()) is None
    for operation in (pair.session.server, pair.session.noreply_wait):
        assert lost(operation(), error)
    assert lost(pair.session.start(start()), error)
    assert lost(pair.session.start(start(noreply=True)), error)


def test_loss_while_close_waits():
    pair = Pair()
    closing = pair.session.close()
    pair.session.receive_eof(OSError("gone"))
    assert settled(closing) is None


def test_abandoning_after_a_loss_sends_nothing():
    pair = Pair()
    waiter, _ = pair.run()
    pair.session.receive_eof()
    waiter.abandon()
    assert pair.session.data_to_send() == b""


def test_what_arrived_before_the_loss_is_delivered():
    pair = Pair()
    waiter, token = pair.run()
    pair.session.receive_data(frame(token, reply_body(ATOM, 1)))
    pair.session.receive_eof()
    assert settled(waiter) == 1


# Re-entrancy: callbacks run inside receive_data.


def test_a_callback_may_start_a_query():
    pair = Pair()
    started = []
    waiter, token = pair.run()
    waiter.add_done_callback(lambda _: started.append(pair.session.start(start("next"))))
    pair.answer(token, ATOM, 1)
    [(token, query)] = pair.received()
    assert query == [START, "next", {}]
    pair.answer(token, ATOM, 2)
    assert settled(started[0]) == 2


@pytest.mark.parametrize("noreply_wait", [True, False])
def test_a_callback_may_close(noreply_wait):
    pair = Pair()
    first, first_token = pair.run()
    second, second_token = pair.run()
    first.add_done_callback(lambda _: pair.session.close(noreply_wait))
    pair.reply(first_token, ATOM, 1)
    pair.answer(second_token, ATOM, 2)
    assert settled(first) == 1
    if noreply_wait:
        assert settled(second) == 2
    else:
        assert lost(second)
    assert not pair.session.is_open


def test_a_callback_may_feed_the_session():
    pair = Pair()
    first, first_token = pair.run()
    second, second_token = pair.run()
    later = frame(second_token, reply_body(ATOM, 2))
    first.add_done_callback(lambda _: pair.session.receive_data(later))
    pair.answer(first_token, ATOM, 1)
    assert settled(second) == 2


def test_a_callback_may_report_the_end():
    pair = Pair()
    first, first_token = pair.run()
    second, second_token = pair.run()
    third, _ = pair.run()
    first.add_done_callback(lambda _: pair.session.receive_eof())
    pair.reply(first_token, ATOM, 1)
    pair.answer(second_token, ATOM, 2)
    assert settled(second) == 2  # had arrived before
    assert failure(third).__cause__ is pair.session.cause


def test_a_callback_of_a_loss_finds_everything_over():
    pair = Pair()
    first, _ = pair.run()
    second, _ = pair.run()
    seen = []

    def look(_):
        seen.append(pair.session.is_open)
        seen.append(lost(pair.session.start(start()), pair.session.cause))
        seen.append(settled(pair.session.close()))
        second.abandon()

    first.add_done_callback(look)
    pair.session.receive_eof()
    assert seen == [False, True, None]
    assert second.done()
    assert settled(pair.session.closed) is None


def test_starting_when_the_end_has_arrived_but_is_not_handled_yet():
    pair = Pair(max_reply_size=100)
    waiter, token = pair.run()
    later = []
    waiter.add_done_callback(lambda _: later.append(pair.session.start(start())))
    pair.session.receive_data(frame(token, reply_body(ATOM, 1)) + frame_header(9, 101))
    assert settled(waiter) == 1
    assert lost(later[0], pair.session.cause)


def test_a_handshake_that_failed_is_no_loss():
    pair = Pair(password="wrong", opened=False)
    pair.move()
    error = failure(pair.session.start(start()))
    assert type(error) is ReqlDriverError
    assert error.__cause__ is pair.session.cause


def test_a_callback_of_a_loss_may_feed_the_session():
    pair = Pair()
    first, _ = pair.run()
    second, _ = pair.run()
    first.add_done_callback(lambda _: pair.session.receive_data(b"more"))
    pair.session.receive_eof()
    assert lost(second, pair.session.cause)
    assert settled(pair.session.closed) is None


# What was not foreseen.


def test_an_error_of_our_own_ends_the_session(monkeypatch):
    pair = Pair()
    first, first_token = pair.run()
    second, second_token = pair.run()
    error = RuntimeError("a bug")

    def fail(*args):
        raise error

    monkeypatch.setattr(pair.session, "_read_quickly", fail)
    pair.reply(first_token, ATOM, 1)
    pair.answer(second_token, ATOM, 2)
    cause = pair.session.cause
    assert isinstance(cause, RemoteProtocolError)
    assert cause.__cause__ is error
    assert lost(first, cause)
    assert lost(second, cause)
    assert settled(pair.session.closed) is None


def test_an_error_of_our_own_while_the_session_ends(monkeypatch):
    pair = Pair()
    waiters = [pair.run()[0] for _ in range(2)]
    fail, errors = pair.session._fail, [RuntimeError("a bug")]

    def fail_once(receiver):
        if errors:
            raise errors.pop()
        fail(receiver)

    monkeypatch.setattr(pair.session, "_fail", fail_once)
    pair.session.close(noreply_wait=False)
    assert all(lost(waiter) for waiter in waiters)
    assert settled(pair.session.closed) is None


def test_an_error_of_our_own_that_comes_again_and_again_is_raised(monkeypatch):
    pair = Pair()
    pair.run()

    def fail():
        raise RuntimeError("a bug")

    monkeypatch.setattr(pair.session, "_advance", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        pair.session.receive_data(b"")
    assert pair.session.close_requested


def test_a_log_that_fails_ends_the_session(caplog):
    class Full(logging.Filter):
        def filter(self, record):
            raise OSError("disk full")

    pair = Pair()
    waiter, _ = pair.run()
    pair.session.start(start(noreply=True))
    token = pair.asked()
    log, full = logging.getLogger("rethinkdb.net"), Full()
    log.addFilter(full)
    try:
        pair.answer(token, CLIENT_ERROR, "Client is buggy.")
    finally:
        log.removeFilter(full)
    assert isinstance(pair.session.cause.__cause__, OSError)
    assert lost(waiter, pair.session.cause)


# Interrupts.


def test_an_interrupt_in_decoding_loses_no_reply():
    pair = Pair()
    plain = Codec().decoder({})
    interrupts = [KeyboardInterrupt()]

    def decode(payload):
        if interrupts:
            raise interrupts.pop()
        return plain(payload)

    first, first_token = pair.run(decode=decode)
    second, second_token = pair.run()
    pair.reply(first_token, ATOM, 1)
    pair.reply(second_token, ATOM, 2)
    with pytest.raises(KeyboardInterrupt):
        pair.move()
    assert settled(first) == 1
    assert settled(second) == 2
    assert pair.session.tokens_in_use == 0


@pytest.mark.parametrize("replies", [1, 200])
def test_a_decoder_that_always_interrupts_fails_its_queries(replies):
    def decode(payload):
        raise KeyboardInterrupt

    pair = Pair()
    waiters = [pair.session.start(start(decode=decode)) for _ in range(replies)]
    other = pair.session.start(start())
    for token, _ in pair.received():
        pair.reply(token, ATOM, 1)
    with pytest.raises(KeyboardInterrupt):
        pair.move()
    for waiter in waiters:
        assert "KeyboardInterrupt kept the reply from being decoded" in str(failure(waiter))
        assert isinstance(failure(waiter).__cause__, KeyboardInterrupt)
    assert settled(other) == 1
    assert pair.session.is_open


def test_interrupts_by_many_callbacks():
    def interrupt(_):
        raise KeyboardInterrupt

    pair = Pair()
    waiters = [pair.session.start(start()) for _ in range(2000)]
    for waiter in waiters:
        waiter.add_done_callback(interrupt)
    pair.move()
    with pytest.raises(KeyboardInterrupt):
        pair.session.receive_eof()
    assert all(lost(waiter, pair.session.cause) for waiter in waiters)


def test_an_interrupt_in_a_callback_of_a_loss():
    pair = Pair()

    def interrupt(_):
        raise KeyboardInterrupt

    waiters = [pair.run()[0] for _ in range(3)]
    waiters[0].add_done_callback(interrupt)
    with pytest.raises(KeyboardInterrupt):
        pair.session.receive_eof()
    assert all(lost(waiter, pair.session.cause) for waiter in waiters)
    assert settled(pair.session.closed) is None


def test_the_body_of_a_query_is_sent_as_it_is():
    pair = Pair()
    pair.session.start(start({"ä": "\x00"}))
    data = pair.session.data_to_send()
    assert json.loads(data[12:]) == [START, {"ä": "\x00"}, {}]


def test_continue_is_not_a_violation_of_counting():
    pair = Pair()
    stream, token = pair.stream(1)
    assert stream.take() == 1
    pair.answer(token, PARTIAL, 2, 3)
    assert pair.types() == [CONTINUE]
    assert list(stream.buffer) == [2, 3]


def test_output_pending_tells_whether_the_transport_is_needed():
    pair = Pair()
    assert not pair.session.output_pending
    pair.session.start(start())
    assert pair.session.output_pending
    assert pair.session.data_to_send()
    assert not pair.session.output_pending
    assert pair.session.data_to_send() == b""
    pair.session.close(noreply_wait=False)
    assert pair.session.output_pending


def test_last_token_is_that_of_the_query_started_last():
    pair = Pair()
    pair.session.start(start())
    [(token, _)] = pair.received()
    assert pair.session.last_token == token
