"""Random queries, replies, abandons, closes and losses, over a network that splits at random.

The machine plays users and server. The server checks that the client keeps the protocol's rules;
the users check that every waiter ends, that each item arrives once and in order, and that no token
leaks.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rethinkdb.codec import Codec
from rethinkdb.errors import ReqlCursorEmpty, ReqlError
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .pair import (
    ATOM,
    CLIENT_ERROR,
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
    start,
)

UNDECODABLE = "cannot be decoded"

plain = Codec().decoder({})


def decode(payload: bytes) -> Any:
    if UNDECODABLE.encode() in payload:
        raise OverflowError(UNDECODABLE)
    return plain(payload)


class Connection(RuleBasedStateMachine):
    @initialize(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5))
    def connect(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.pair = Pair("bob", "pass,=phräse", split=self.split)
        self.session = self.pair.session
        self.over = False
        self.waiters: list[Waiter[Any]] = []
        self.owed: list[tuple[int, int]] = []  # what the server must still answer: token, type
        self.answered: dict[int, str] = {}  # per token: how the query stands on the server
        self.sent: dict[int, list[int]] = {}  # items per token
        self.taken: dict[int, list[int]] = {}
        self.known: list[Stream] = []
        self.asking: list[tuple[Waiter[Any], Stream]] = []
        self.count = 0

    def split(self, data: bytes) -> Any:
        position = turn = 0
        while position < len(data):
            size = self.sizes[turn % len(self.sizes)]
            yield data[position : position + size]
            position, turn = position + size, turn + 1

    # The server.

    def listen(self) -> None:
        """Take in queries, and check that the client may send them."""
        for token, (type, *_) in self.pair.received():
            state = self.answered.get(token)
            if type == CONTINUE:
                assert state == "partial"
                self.answered[token] = "continuing"
            elif type == STOP:
                assert state != "stopped"
                assert state is not None
                self.answered[token] = "stopped"
            else:
                assert state is None
                self.answered[token] = "started"
            if not token >> 62:  # noreply
                self.owed.append((token, type))

    @precondition(lambda self: self.owed and not self.over)
    @rule(data=st.data(), times=st.integers(1, 4))
    def answer(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            if self.owed and not self.over:
                index = data.draw(st.integers(0, len(self.owed) - 1))
                self.answer_one(*self.owed.pop(index), data)

    def answer_one(self, token: int, type: int, data: st.DataObject) -> None:
        stopped = self.answered[token] == "stopped"
        if type == NOREPLY_WAIT:
            self.pair.answer(token, WAIT_COMPLETE)
        elif type == SERVER_INFO:
            self.pair.answer(token, INFO, {"id": "x", "proxy": False})
        elif type == STOP:
            self.pair.answer(token, data.draw(st.sampled_from([SEQUENCE, CLIENT_ERROR])))
        else:
            self.answer_query(token, type, stopped, data)
        self.listen()
        self.over = self.session.closed.done()

    def answer_query(self, token: int, type: int, stopped: bool, data: st.DataObject) -> None:
        kinds = [PARTIAL] * 5 + [SEQUENCE, RUNTIME_ERROR, UNDECODABLE]
        kind = data.draw(st.sampled_from([*kinds, ATOM] if type == START else kinds))
        if not stopped:
            self.answered[token] = "partial" if kind in (PARTIAL, UNDECODABLE) else "complete"
        if kind == UNDECODABLE:
            self.pair.answer(token, PARTIAL, UNDECODABLE)
        elif kind == ATOM:
            self.pair.answer(token, ATOM, "value")
        elif kind == RUNTIME_ERROR:
            self.pair.answer(token, RUNTIME_ERROR, "failed", b=[])
        else:
            items = [self.number() for _ in range(data.draw(st.integers(0, 3)))]
            if not stopped:
                self.sent.setdefault(token, []).extend(items)
            self.pair.answer(token, kind, *items)

    def number(self) -> int:
        self.count += 1
        return self.count

    # The users.

    def wait(self, waiter: Waiter[Any]) -> None:
        self.waiters.append(waiter)
        self.listen()

    @rule()
    def start(self) -> None:
        waiter = self.session.start(start(decode=decode))
        waiter.add_done_callback(self.started)
        self.wait(waiter)

    @precondition(lambda self: not self.over)
    @rule(size=st.integers(0, 3))
    def start_stream(self, size: int) -> None:
        self.start()
        if self.owed and self.owed[-1][1] == START:
            token, _ = self.owed.pop()
            items = [self.number() for _ in range(size)]
            self.sent[token] = items
            self.answered[token] = "partial"
            self.pair.answer(token, PARTIAL, *items)
            self.listen()

    def started(self, waiter: Waiter[Any]) -> None:
        if waiter.exception() is None and isinstance(waiter.result(), Stream):
            self.known.append(waiter.result())

    @rule(noreply=st.sampled_from(["start", "wait", "server"]))
    def other_operation(self, noreply: str) -> None:
        if noreply == "start":
            self.wait(self.session.start(start(noreply=True)))
        elif noreply == "wait":
            self.wait(self.session.noreply_wait())
        else:
            self.wait(self.session.server())

    @precondition(lambda self: self.known)
    @rule(data=st.data(), spare=st.integers(-2, 3))
    def next(self, data: st.DataObject, spare: int) -> None:
        stream = data.draw(st.sampled_from(self.known))
        for _ in range(len(stream.buffer) + spare):
            waiter = stream.next()
            waiter.add_done_callback(lambda waiter: self.got(stream, waiter))
            self.asking.append((waiter, stream))
            self.wait(waiter)

    def got(self, stream: Stream, waiter: Waiter[Any]) -> None:
        error = waiter.exception()
        if error is None:
            self.taken.setdefault(stream.token, []).append(waiter.result())
        else:
            assert isinstance(error, (ReqlError, ReqlCursorEmpty, OverflowError))
            assert not stream.buffer
            assert stream.finished

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def has_next(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(self.known))
        self.wait(stream.has_next())

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def take_all(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(self.known))
        self.taken.setdefault(stream.token, []).extend(stream.take_batch())
        self.listen()

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def close_stream(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(self.known))
        self.wait(stream.close())
        assert stream.finished

    @precondition(lambda self: self.pending())
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.pending())).abandon()
        self.listen()

    @precondition(lambda self: any(not waiter.done() for waiter, _ in self.asking))
    @rule()
    def abandon_next(self) -> None:
        next(waiter for waiter, _ in self.asking if not waiter.done()).abandon()

    def pending(self) -> list[Waiter[Any]]:
        return [waiter for waiter in self.waiters if not waiter.done()]

    # The end.

    @precondition(lambda self: self.count % 5 == 4)  # not too often, or little else happens
    @rule(how=st.sampled_from(["close", "close at once", "eof", "reset"]))
    def end(self, how: str) -> None:
        if how.startswith("close"):
            self.wait(self.session.close(noreply_wait=how == "close"))
        else:
            self.session.receive_eof(OSError("reset") if how == "reset" else None)
        self.over = self.session.closed.done()

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "session"):
            return
        self.over = self.session.closed.done()
        if self.over:
            assert all(waiter.done() for waiter in self.waiters)
            assert self.session.tokens_in_use == 0
            assert self.session.close_requested
            assert all(stream.finished for stream in self.known)
        else:
            live = {token for token, state in self.answered.items() if state == "partial"}
            owing = {token for token, _ in self.owed}
            assert self.session.tokens_in_use == len(live | owing)
        for waiter, stream in self.asking:
            assert waiter.done() or not (stream.buffer or stream.finished)
        for stream in self.known:
            arrived = [*self.taken.get(stream.token, []), *stream.buffer]
            sent = self.sent.get(stream.token, [])
            assert arrived == sent[: len(arrived)]
            if not stream.finished:
                assert arrived == sent
            elif not self.over:
                assert self.answered[stream.token] in ("complete", "stopped")

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        self.session.close(noreply_wait=False)
        self.check()
        assert not isinstance(self.session.cause, ReqlError)


TestConnection = Connection.TestCase
TestConnection.settings = settings(max_examples=100, stateful_step_count=40)
