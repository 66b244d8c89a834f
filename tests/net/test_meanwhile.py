"""A signal handler or a finalizer that uses the connection in the midst of one of the core's steps.

What it does is done: the step that it came into does not do it again. Each test lets it come where
the step calls something, at the first call.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb.codec import Codec
from rethinkdb.errors import ReqlDriverError, ReqlRowError
from rethinkdb.net import exchange, frames, observing, protocol, reception, stream
from rethinkdb.net import session as session_module
from rethinkdb.net.events import FrameReceived, HandshakeCompleted
from rethinkdb.net.frames import MAX_REPLY_SIZE, FrameReader, frame_header
from rethinkdb.net.protocol import LONG
from rethinkdb.net.stream import Stream
from rethinkdb.net.violations import RemoteProtocolError
from rethinkdb.net.waiter import Waiter

from .interrupts import Interrupt
from .pair import (
    ATOM,
    INFO,
    PARTIAL,
    SEQUENCE,
    START,
    STOP,
    WAIT_COMPLETE,
    Pair,
    failure,
    settled,
    start,
)


class Once:
    """Does something at its first call, then calls a function."""

    def __init__(self, action: Callable[[], object], function: Callable[..., Any]) -> None:
        self.actions = [action]
        self.function = function

    def __call__(self, *args: Any) -> Any:
        if self.actions:
            self.actions.pop()()
        return self.function(*args)


class Bytes(bytes):
    """In the midst of being put behind others, something is done."""

    once: Once

    def __radd__(self, other: bytes) -> bytes:
        joined: bytes = self.once(other, bytes(self))
        return joined


class Callbacks(tuple[Any, ...]):
    """In the midst of being read, something is done."""

    once: Once

    def __getitem__(self, index: Any) -> Any:
        return self.once(index)


def handled(error: BaseException) -> Callable[[], None]:
    """What raises an error as a signal handler does."""

    def handler(signum: int, frame: Any) -> None:
        raise error

    return lambda: handler(0, sys._getframe())


def frame(token: int, body: bytes) -> bytes:
    return frame_header(token, len(body)) + body


# Bytes and frames.


def test_bytes_are_added_once() -> None:
    reader, data = FrameReader(MAX_REPLY_SIZE), Bytes(frame(1, b"{}"))
    chunks: deque[bytes] = deque((data,))
    data.once = Once(lambda: reader.feed_from(chunks), lambda left, right: left + right)
    reader.feed_from(chunks)
    assert [*iter(reader.next_frame, None)] == [FrameReceived(1, b"{}")]
    assert not chunks


def test_frames_are_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, cut = FrameReader(MAX_REPLY_SIZE), list[Any]()
    reader.feed(frame(1, b"{}") + frame(2, b"[]"))
    once = Once(lambda: cut.append(reader.next_frame()), FrameReceived)
    monkeypatch.setattr(frames, "FrameReceived", once)
    cut.append(reader.next_frame())
    assert cut == [FrameReceived(1, b"{}"), FrameReceived(2, b"[]")]
    assert reader.next_frame() is None


def test_a_handshake_that_is_closed_as_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(opened=False)
    session = pair.session
    once = Once(lambda: session.close(noreply_wait=False), bytes)

    def last(line: bytes) -> Any:
        try:
            return handshake.send(line)
        except StopIteration:
            monkeypatch.setattr(protocol, "bytes", once, raising=False)
            raise

    handshake = session._protocol._handshake
    session._protocol._handshake = type("Handshake", (), {"send": staticmethod(last)})()
    pair.move()
    assert not once.actions
    assert isinstance(failure(session.opened), ReqlDriverError)
    assert settled(session.closed) is None
    assert not any(isinstance(event, HandshakeCompleted) for event in session._events)


def test_an_interrupt_of_who_hears_that_the_session_is_open() -> None:
    pair = Pair(opened=False)

    def interrupted(_: Waiter[None]) -> None:
        raise Interrupt

    pair.session.opened.add_done_callback(interrupted)
    with pytest.raises(Interrupt):
        pair.move()
    pair.move()
    waiter, token = pair.run()
    pair.answer(token, ATOM, 1)
    assert settled(waiter) == 1


# Replies.


def test_a_decoder_that_handles_its_own_reply() -> None:
    pair = Pair()
    decode = Codec().decoder({})
    once = Once(lambda: pair.session.receive_data(b""), decode)
    waiter = pair.session.start(start(decode=once))
    seen: list[Any] = []
    waiter.add_done_callback(seen.append)
    pair.answer(pair.asked(), ATOM, 1)
    assert settled(waiter) == 1
    assert len(seen) == 1
    assert pair.session.tokens_in_use == 0


def test_what_a_handler_raises_in_a_decoder_comes_out() -> None:
    pair = Pair()
    once = Once(handled(TimeoutError("the handler's")), Codec().decoder({}))
    waiter = pair.session.start(start(decode=once))
    with pytest.raises(TimeoutError, match="the handler's"):
        pair.answer(pair.asked(), ATOM, 1)
    assert settled(waiter) == 1


def test_what_a_handler_raises_in_a_decoder_is_no_error_of_the_decoders() -> None:
    pair = Pair()
    handler = handled(ValueError("the handler's"))

    def decode(payload: bytes) -> Any:
        try:
            handler()
        except ValueError as exc:
            raise ReqlDriverError("bad JSON") from exc

    waiter = pair.session.start(start(decode=Once(lambda: decode(b""), Codec().decoder({}))))
    with pytest.raises(ValueError, match="the handler's"):
        pair.answer(pair.asked(), ATOM, 1)
    assert settled(waiter) == 1


def test_a_reply_to_nothing_ends_the_session_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    session = pair.session
    once = Once(lambda: session.receive_data(b""), session._unexpected)
    monkeypatch.setattr(session, "_unexpected", once)
    pair.answer(77, ATOM, 1)
    assert isinstance(session.cause, RemoteProtocolError)
    assert "77" in str(session.cause)


def test_a_stream_begins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    waiter, token = pair.run()
    once = Once(lambda: pair.session.receive_data(b""), Stream)
    monkeypatch.setattr(reception, "Stream", _kind(once))
    pair.answer(token, SEQUENCE, 1, 2)
    assert not once.actions
    assert settled(waiter).take_batch() == [1, 2]


def _kind(once: Once) -> Any:
    """A class, to `isinstance`, that makes its instances by `once`."""

    class Kind(type):
        def __call__(cls, *args: Any) -> Any:
            return once(*args)

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, Stream)

    return Kind("Stream", (), {})


def test_closing_while_the_server_breaks_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    close = pair.session.close
    once = Once(lambda: close(noreply_wait=False), reception.chained)
    monkeypatch.setattr(reception, "chained", once)
    pair.answer(77, ATOM, 1)
    assert pair.session.cause is None
    assert settled(pair.session.closed) is None


# Operations.


@pytest.mark.parametrize("term", ["short", "long" * LONG])
def test_closing_while_a_query_is_being_sent(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    pair = Pair()
    session = pair.session
    once = Once(lambda: session.close(noreply_wait=False), exchange.Exchange)
    for module in (session_module, observing):
        monkeypatch.setattr(module, "Exchange", once)
    waiter = session.start(start(term))
    assert str(failure(waiter)) == "Connection is closed."
    assert session.tokens_in_use == 0
    pair.move()
    assert pair.queries == []


def test_closing_when_all_is_done_before_the_session_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair()
    noreply_wait = pair.session.noreply_wait

    def answered() -> Waiter[None]:
        waiter = noreply_wait()
        pair.answer(pair.asked(), WAIT_COMPLETE)
        return waiter

    monkeypatch.setattr(pair.session, "noreply_wait", answered)
    assert settled(pair.session.close()) is None
    assert settled(pair.session.closed) is None


def test_an_interrupt_after_a_query_was_sent_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    other, token = pair.run()
    send = pair.session._send

    def interrupted(*args: Any) -> None:
        send(*args)
        raise Interrupt

    monkeypatch.setattr(pair.session, "_send", interrupted)
    with pytest.raises(Interrupt):
        pair.session.start(start("long" * LONG))
    pair.move()
    assert [query[0] for _, query in pair.queries] == [START, STOP]
    pair.answer(token, ATOM, 1)
    assert settled(other) == 1


def test_an_answer_while_its_waiter_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    waiter = pair.session.server()
    token = pair.asked()
    once = Once(lambda: pair.answer(token, INFO, {"id": "x", "proxy": False}), Waiter)
    monkeypatch.setattr(exchange, "Waiter", once)
    waiter.abandon()
    assert settled(waiter) == {"id": "x", "proxy": False}
    assert pair.session.tokens_in_use == 0


# Waiting for items.


@pytest.mark.parametrize("operation", [Stream.next, Stream.has_next])
def test_an_interrupt_of_standing_in_line(
    operation: Callable[[Stream], Waiter[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL)
    feed = settled(waiter)
    stand = Stream._stand_in_line

    def interrupted(*args: Any) -> None:
        stand(*args)
        raise Interrupt

    monkeypatch.setattr(Stream, "_stand_in_line", interrupted)
    with pytest.raises(Interrupt):
        operation(feed)
    monkeypatch.undo()
    pair.answer(token, PARTIAL, 1)
    assert settled(feed.next()) == 1


def test_the_row_before_one_that_does_not_fit_is_taken_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = Stream(start(), 1, int, int)  # type: ignore[arg-type]  # `int` sends nothing
    misfit = ReqlRowError("no Hero")
    feed.add([1, misfit, 2], misfits=True)
    once = Once(feed.take, map)
    monkeypatch.setattr(stream, "map", once, raising=False)
    assert failure(feed.next()) is misfit
    assert not once.actions
    assert settled(feed.next()) == 2


def test_giving_up_while_an_item_is_being_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL)
    feed = settled(waiter)
    first, second = feed.next(), feed.next()
    once = Once(first.abandon, map)
    monkeypatch.setattr(stream, "map", once, raising=False)
    pair.answer(token, PARTIAL, 1)
    assert not once.actions
    assert settled(second) == 1


def test_an_index_error_of_a_handlers_is_no_empty_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, SEQUENCE, 1)
    items = settled(waiter)
    once = Once(handled(IndexError("the handler's")), stream._POPLEFT)
    monkeypatch.setattr(stream, "_POPLEFT", once)
    with pytest.raises(IndexError, match="the handler's"):
        items.next()
    assert settled(items.next()) == 1


# Callbacks.


def test_a_callback_runs_once() -> None:
    waiter: Waiter[int] = Waiter()
    called: list[str] = []
    waiter.add_done_callback(lambda _: called.append("first"))
    waiter.add_done_callback(lambda _: called.append("second"))
    callbacks = Callbacks(waiter._callbacks)
    callbacks.once = Once(waiter._run, waiter._callbacks.__getitem__)
    waiter._callbacks = callbacks
    waiter.set_result(1)
    assert called == ["first", "second"]


def test_what_a_handler_raises_in_a_callback_comes_out_after_the_others() -> None:
    waiter: Waiter[int] = Waiter()
    called: list[Waiter[int]] = []
    waiter.add_done_callback(lambda _: strike())
    waiter.add_done_callback(called.append)
    strike = handled(TimeoutError("the handler's"))
    with pytest.raises(TimeoutError, match="the handler's"):
        waiter.set_result(1)
    assert called == [waiter]
