"""The quick way of most replies gives what the ordinary way of all replies gives."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext, suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb.codec import Codec
from rethinkdb.net import quick
from rethinkdb.net.frames import frame_header
from rethinkdb.net.stream import Stream
from rethinkdb.net.violations import LocalProtocolError
from rethinkdb.net.waiter import Waiter

from .interrupts import Interrupt
from .pair import (
    ATOM,
    CONTINUE,
    PARTIAL,
    RUNTIME_ERROR,
    SEQUENCE,
    WAIT_COMPLETE,
    Pair,
    failure,
    reply_body,
    settled,
    start,
)
from .test_meanwhile import Once
from .test_observing import Diary
from .test_waiter import Future

TIME = {"$reql_type$": "TIME", "epoch_time": 1, "timezone": "+00:00"}

BODIES = st.one_of(
    st.builds(
        reply_body,
        st.sampled_from([ATOM, ATOM, ATOM, SEQUENCE, PARTIAL, RUNTIME_ERROR, WAIT_COMPLETE, 99]),
        st.sampled_from(["text", 1, None, [], {"a": 1}, TIME, {"$reql_type$": "?"}]),
    ),
    st.sampled_from(
        [
            reply_body(ATOM),
            reply_body(ATOM, 1, 2),
            reply_body(ATOM, 1, p=[{"took": 1}]),
            reply_body(ATOM, 1, n=[1]),
            reply_body(PARTIAL, 1, n=[1]),
            reply_body(PARTIAL, 1, 2, n=[1, 4]),
            reply_body(PARTIAL, 1, n=[True]),
            reply_body(PARTIAL, 1, n={"1": 2}),
            b'{"t":true,"r":[1]}',
            b'{"t":1.0,"r":[1]}',
            b'{"t":1,"r":2}',
            b"[1]",
            b"[",
        ]
    ),
)


class OrdinaryWaiter(Waiter[Any]):
    """As it is no plain `Waiter`, its reply goes the ordinary way."""

    __slots__ = ()


class Way:
    """A session with five queries, and what becomes of these."""

    def __init__(self, ordinary: bool) -> None:
        pair = Pair()
        self.session = pair.session
        asked = [pair.run() for _ in range(5)]
        self.tokens = [token for _, token in asked] + [1000]  # nobody has sent the last one
        self.ends: list[tuple[int, str]] = []
        self.futures: list[Future] = []
        for waiter, token in asked:
            if ordinary:
                waiter.__class__ = OrdinaryWaiter
            waiter.future = Future()
            self.futures.append(waiter.future)
            waiter.add_done_callback(lambda waiter, token=token: self._end(token, waiter))

    def _end(self, token: int, waiter: Waiter[Any]) -> None:
        error = waiter.exception()
        value = None if error else waiter.peek()
        self.ends.append((token, repr(error or getattr(value, "buffer", value))))

    def seen(self, pieces: list[bytes], usual_first: bool = False) -> Any:
        """What can be seen when these bytes have arrived."""
        session = self.session
        for piece in pieces:
            if not (usual_first and session.receive_usual(piece)):
                session.receive_data(b"" if usual_first else piece)
        woken = [future.results for future in self.futures]
        return self.ends, woken, repr(session.cause), session.tokens_in_use, session.data_to_send()


@given(st.lists(st.tuples(st.integers(0, 5), BODIES), min_size=1, max_size=6), st.data())
def test_both_ways_lead_to_the_same(replies: list[tuple[int, bytes]], data: st.DataObject) -> None:
    quick, usual, ordinary = Way(ordinary=False), Way(ordinary=False), Way(ordinary=True)
    assert quick.tokens == usual.tokens == ordinary.tokens
    stream = b"".join(
        frame_header(quick.tokens[number], len(body)) + body for number, body in replies
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    pieces = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    seen = ordinary.seen(pieces)
    assert quick.seen(pieces) == seen
    assert usual.seen(pieces, usual_first=True) == seen


CHANGE = reply_body(PARTIAL, 1, n=[1])
ODD_CHANGES = [
    reply_body(PARTIAL, n=[1]),
    reply_body(PARTIAL, 1),
    reply_body(PARTIAL, 1, n=[2]),
    reply_body(PARTIAL, 1, n=[True]),
    reply_body(PARTIAL, 1, n=[1.0]),
    reply_body(PARTIAL, 1, n=[1, 1]),
    reply_body(PARTIAL, 1, n={"1": 1}),
    reply_body(PARTIAL, 1, n=1),
    reply_body(PARTIAL, 1, n=[1], p=[]),
    reply_body(SEQUENCE, 1, n=[1]),
    reply_body(RUNTIME_ERROR, "no more", n=[1]),
    b'{"t":3.0,"r":[1],"n":[1]}',
    b'{"t":3,"r":{},"n":[1]}',
    b"[1,2,3]",
]
CHANGES = st.one_of(
    st.builds(lambda rows: reply_body(PARTIAL, *rows, n=[1]), st.lists(st.integers(), max_size=3)),
    st.sampled_from(ODD_CHANGES),
)


class Feed:
    """A changefeed, and what becomes of those who wait for it."""

    def __init__(self, ordinary: bool, notes: tuple[int, ...] = (1,), passes: Any = None) -> None:
        pair = Pair()
        self.session = session = pair.session
        query = start(printable="the term")
        query.passes = passes
        waiter = session.start(query)
        self.token = pair.asked()
        pair.answer(self.token, PARTIAL, n=[*notes])
        self.exchange = session._exchanges[self.token]
        self.stream = settled(waiter)
        self.exchange.plain = not ordinary
        self.ends: list[str] = []
        self.waiting: list[Waiter[Any]] = []
        self.futures: list[Future] = []

    def do(self, action: str | bytes) -> Any:
        """Do one thing; returns what can be seen then."""
        stream, session = self.stream, self.session
        if isinstance(action, bytes):
            if self.exchange.owed:
                session.receive_data(frame_header(self.token, len(action)) + action)
        elif action == "abandon":
            for waiter in self.waiting[:1]:
                waiter.abandon()
        elif action == "take":
            self.ends += map(repr, stream.take_batch())
        else:
            waiter = stream.next() if action == "next" else stream.has_next()
            self.waiting.insert(0, waiter)
            waiter.future = Future()
            self.futures.append(waiter.future)
            waiter.add_done_callback(lambda waiter: self.ends.append(repr(_outcome(waiter))))
        state = stream.low_water, stream.received, stream.notes, stream.error, self.exchange.owed
        woken = [future.results for future in self.futures]
        return self.ends, list(stream.buffer), repr(state), session.data_to_send(), woken


def _outcome(waiter: Waiter[Any]) -> Any:
    return waiter.exception() or waiter.peek()


@given(
    st.lists(
        st.one_of(CHANGES, CHANGES, st.sampled_from(["next", "next", "has", "abandon", "take"])),
        max_size=12,
    )
)
def test_both_ways_of_a_changefeed_lead_to_the_same(actions: list[str | bytes]) -> None:
    quick, ordinary = Feed(ordinary=False), Feed(ordinary=True)
    for action in actions:
        assert quick.do(action) == ordinary.do(action)


@pytest.mark.parametrize("before", [[], ["next"], ["has"], ["next", "next"], [CHANGE]])
@pytest.mark.parametrize("body", [CHANGE, reply_body(PARTIAL, 1, 2, n=[1]), *ODD_CHANGES])
def test_both_ways_of_each_kind_of_change(before: list[str | bytes], body: bytes) -> None:
    quick, ordinary = Feed(ordinary=False), Feed(ordinary=True)
    for action in [*before, body, "next"]:
        assert quick.do(action) == ordinary.do(action)


def test_changes_of_a_feed_with_states() -> None:
    quick, ordinary = (Feed(ordinary, notes=(1, 5)) for ordinary in (False, True))
    for action in ("next", reply_body(PARTIAL, 1, n=[1, 5]), CHANGE, "next"):
        assert quick.do(action) == ordinary.do(action)


@pytest.mark.parametrize("pass_", [True, False])
def test_changes_that_are_looked_at_before_they_pass(pass_: bool) -> None:
    """Those that do not pass are decoded in the ordinary way, which edits them."""
    seen: list[Any] = []
    decoded: list[bytes] = []

    def passes(rows: list[Any]) -> bool:
        seen.append(rows)
        return pass_

    feed = Feed(ordinary=False, passes=passes)
    decode = feed.exchange.query.decode
    feed.exchange.query.decode = lambda payload: decoded.append(payload) or decode(payload)  # type: ignore[func-returns-value]
    assert feed.do("next")[0] == []
    assert feed.do(CHANGE)[0] == ["1"]
    assert seen == [[1]] * (1 if pass_ else 2)
    assert decoded == ([] if pass_ else [CHANGE])
    feed.do(reply_body(PARTIAL, 1, n=[2]))  # for which the ordinary decoder is asked, if need be
    assert feed.do(CHANGE)[1] == [1, 1]  # though nobody has taken the one before
    assert seen == [[1]] * (3 if pass_ else 4)
    assert len(decoded) == (0 if pass_ else 3)


class Before(Stream):
    """A stream whose rows come by another one."""

    def __init__(self, stream: Stream, shared: bool) -> None:
        super().__init__(stream.query, stream.token, int, int)  # type: ignore[arg-type]
        self.shared = shared
        self.told = 0
        stream.buffer = self.buffer
        stream.follower, stream.front = self.serve, self

    def heard(self) -> None:
        self.told += 1


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_changes_for_another_stream(waits: bool, shared: bool) -> None:
    """If threads share it, those who wait for it are served under its lock: by the follower."""
    feed = Feed(ordinary=False)
    front = Before(feed.stream, shared)
    waiter = front.next() if waits else None
    assert feed.do(CHANGE)[0] == []
    assert [settled(waiter)] == [1] if waiter else list(front.buffer) == [1]
    assert front.told == (not (waits and shared))


def test_a_change_that_nobody_is_told_of() -> None:
    feed = Feed(ordinary=False)
    waiter = feed.stream.next()
    feed.do(CHANGE)
    assert settled(waiter) == 1


def test_a_change_whose_receiver_reads_on() -> None:
    """In a callback: another answer is settled within the delivery of the change."""
    feed = Feed(ordinary=False)
    query = feed.session.start(start())
    body = reply_body(ATOM, "value")
    answer = frame_header(feed.session.last_token, len(body)) + body
    waiter = feed.stream.next()
    waiter.add_done_callback(lambda _: feed.session.receive_data(answer))
    feed.do(CHANGE)
    assert (settled(waiter), settled(query)) == (1, "value")


@pytest.mark.parametrize("waits", [False, True])
def test_a_change_that_is_handled_while_it_is_read(
    waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler uses the connection just before the step."""
    feed = Feed(ordinary=False)
    if waits:
        feed.do("next")
    once = Once(lambda: feed.session.receive_data(b""), quick.frame_header)
    monkeypatch.setattr(quick, "frame_header", once)
    ends, buffer, _, sent, _ = feed.do(CHANGE)
    assert not once.actions
    assert ends + list(map(repr, buffer)) == ["1"]
    assert json.loads(sent[12:]) == [CONTINUE]


def test_usual_replies_alone() -> None:
    """Until something comes that is no usual reply; an unfinished one is none."""
    pair = Pair()
    session = pair.session
    frames = [frame_header(pair.run()[1], len(body)) + body for body in [reply_body(ATOM, 1)] * 4]
    assert session.receive_usual(frames[0])
    assert session.receive_usual(frames[1] + frames[2])
    assert session.tokens_in_use == 1
    assert not session.receive_usual(frames[3][:20])
    session.receive_data(b"")
    assert not session.receive_usual(frames[3][20:])
    session.receive_data(b"")
    assert session.tokens_in_use == 0


def test_receiving_usual_replies_calls_no_code_of_the_program() -> None:
    pair = Pair()
    session = pair.session
    called: list[Any] = []

    def decode(payload: bytes) -> Any:
        called.append(payload)
        return Codec().decoder({})(payload)

    plain, plain_token = pair.run()
    waiter, token = pair.run(decode=decode)
    body = reply_body(ATOM, "value")
    arrived = [frame_header(number, len(body)) + body for number in (plain_token, token)]
    assert not session.receive_usual(b"".join(arrived))
    assert (settled(plain), waiter.done(), called) == ("value", False, [])
    session.receive_data(b"")
    assert (settled(waiter), called) == ("value", [body])


@pytest.mark.parametrize("extra", [{}, {"p": [{"took": 1}]}])
def test_a_reply_that_is_handled_while_it_is_decoded(extra: dict[str, Any]) -> None:
    """By a signal handler that uses the connection, say."""
    pair = Pair()
    session = pair.session
    decode = Once(lambda: session.receive_data(b""), Codec().decoder({}))
    waiter, token = pair.run(decode=decode)
    ends: list[Any] = []
    waiter.add_done_callback(lambda waiter: ends.append(waiter.result()))
    pair.answer(token, ATOM, "value", **extra)
    assert not decode.actions
    assert ends == [{"value": "value", "profile": extra["p"]} if extra else "value"]
    assert session.is_open


def test_a_batch_that_is_handled_while_it_is_decoded() -> None:
    decode = Once(lambda: None, Codec().decoder({}))
    pair = Pair()
    stream, token = pair.stream(decode=decode)
    assert pair.received() == []
    decode.actions.append(lambda: pair.session.receive_data(b""))
    pair.answer(token, PARTIAL, "row")
    assert not decode.actions
    assert stream.take_batch() == ["row"]
    assert pair.types() == [CONTINUE]


@pytest.mark.parametrize(
    ("batch", "observed"), [(False, False), (True, False), (False, True)]
)  # batches that are observed go the general way
def test_a_usual_reply_that_is_handled_while_it_is_read(
    batch: bool, observed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair()
    pair.session.observer = Diary() if observed else None
    waiter, token = pair.run()
    if batch:
        pair.answer(token, PARTIAL)
        stream = waiter.result()
        waiter = stream.next()
    once = Once(lambda: pair.session.receive_data(b""), quick.loads_quickly)
    monkeypatch.setattr(quick, "loads_quickly", once)
    pair.answer(token, PARTIAL if batch else ATOM, "value")
    assert not once.actions
    assert settled(waiter) == "value"
    assert pair.session.is_open


def test_what_a_handler_raises_is_no_error_of_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(number: int, frame: Any) -> None:
        raise ValueError("of the handler")

    pair = Pair()
    waiter, token = pair.run()
    once = Once(lambda: handler(1, sys._getframe()), quick.loads_quickly)
    monkeypatch.setattr(quick, "loads_quickly", once)
    with pytest.raises(ValueError, match="of the handler"):
        pair.answer(token, ATOM, "value")
    assert settled(waiter) == "value"


@pytest.mark.parametrize("error", [Interrupt, RuntimeError])
def test_an_error_while_usual_replies_are_read(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt is raised. What the driver itself has done wrong, the general way tells."""

    def fail() -> None:
        raise error

    pair = Pair()
    session = pair.session
    waiter, token = pair.run()
    body = reply_body(ATOM, "value")
    monkeypatch.setattr(quick, "loads_quickly", Once(fail, quick.loads_quickly))
    with pytest.raises(Interrupt) if error is Interrupt else nullcontext():
        assert not session.receive_usual(frame_header(token, len(body)) + body)
    assert not session.receive_usual(b"")
    session.receive_data(b"")
    assert settled(waiter) == "value"


def test_the_answer_to_a_query_whose_waiter_has_failed_already() -> None:
    """An interrupt came after its deadline had passed, before it was stopped."""
    pair = Pair()
    waiter, token = pair.run()
    waiter.set_exception(TimeoutError("late"))
    pair.answer(token, ATOM, "value")
    assert str(failure(waiter)) == "late"
    assert pair.session.tokens_in_use == 0


@pytest.mark.parametrize("outer_too", [False, True])
def test_callbacks_that_swallow_an_interrupt(
    outer_too: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came before the callbacks of another waiter, which run all the same."""
    pair = Pair()
    session = pair.session
    outer, outer_token = pair.run()
    inner, inner_token = pair.run()
    struck = {inner, outer} if outer_too else {inner}
    ends: list[Any] = []
    run = Waiter._run

    def strike(waiter: Waiter[Any]) -> None:
        if waiter in struck:
            struck.remove(waiter)
            raise Interrupt
        run(waiter)

    def swallow(waiter: Waiter[Any]) -> None:
        ends.append(waiter.result())
        body = reply_body(ATOM, "inner")
        session.incoming.append(frame_header(inner_token, len(body)) + body)
        with suppress(Interrupt):
            session.proceed()

    monkeypatch.setattr(Waiter, "_run", strike)
    outer.add_done_callback(swallow)
    inner.add_done_callback(lambda waiter: ends.append(waiter.result()))
    with suppress(Interrupt):
        pair.answer(outer_token, ATOM, "outer")
    session.receive_data(b"")
    assert ends == ["outer", "inner"]
    assert not struck


def test_how_many_queries_are_in_flight_with_the_last_one() -> None:
    pair = Pair()
    session = pair.session
    assert session.in_flight == 0
    _, first = pair.run()
    assert session.in_flight == 1
    _, second = pair.run()
    assert session.in_flight == 2
    pair.answer(first, ATOM, 1)
    assert session.in_flight == 1
    pair.run()
    session.start(start(noreply=True))
    assert session.in_flight == 0
    pair.answer(second, ATOM, 2)
    assert session.in_flight == 0


@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize("done", [False, True])
def test_a_future_is_settled_with_the_reply(done: bool, observed: bool) -> None:
    pair = Pair()
    pair.session.observer = Diary() if observed else None
    waiter, token = pair.run()
    waiter.future = future = Future(done)
    pair.answer(token, ATOM, "value")
    assert future.results == [None] * (not done)
    assert done or waiter.result() == "value"
    if done:  # nobody waits
        with pytest.raises(LocalProtocolError, match="abandoned"):
            waiter.peek()


@pytest.mark.parametrize("done", [False, True])
def test_a_future_is_settled_with_the_change(done: bool) -> None:
    feed = Feed(ordinary=False)
    feed.do("next")
    feed.waiting[0].future = future = Future(done)
    feed.do(CHANGE)
    assert future.results == [None] * (not done)
    # If nobody waits, the change goes back, for the next one that asks.
    assert list(feed.stream.buffer) == ([1] if done else [])


def test_a_future_is_settled_after_an_interrupt() -> None:
    def interrupt() -> None:
        raise Interrupt

    pair = Pair()
    waiter, token = pair.run()
    waiter.future = future = Future()
    future.looked.append(interrupt)
    with pytest.raises(Interrupt):
        pair.answer(token, ATOM, "value")
    assert future.results == [None]
    assert waiter.result() == "value"
