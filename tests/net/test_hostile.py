"""Peers that send anything: real messages changed at random, and noise, cut anywhere.

Whatever comes, the core does not raise, every waiter ends, and what it ends with can be shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rethinkdb.codec import Codec, ReQLDecoder
from rethinkdb.errors import ReqlCursorEmpty, ReqlDriverError, ReqlError
from rethinkdb.net.client import ClientProtocol
from rethinkdb.net.events import ConnectionLost, FrameReceived
from rethinkdb.net.frames import frame_header
from rethinkdb.net.protocol import Protocol, State
from rethinkdb.net.server import ServerProtocol
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .pair import (
    ATOM,
    CLIENT_ERROR,
    INFO,
    PARTIAL,
    RUNTIME_ERROR,
    SEQUENCE,
    USERS,
    WAIT_COMPLETE,
    Pair,
    start,
)
from .test_handshake import (
    CHALLENGE,
    CLIENT_HELLO,
    CLIENT_PROOF,
    GREETING,
    NONCE,
    SERVER_NONCE,
    SIGNATURE,
)

# What a reply may say, apart from what it should.


class Raw:
    """JSON that is written as it is, whether it is valid or not."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Raw({self.text[:60]!r})"


def written(value: Any) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}:{written(member)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


def nested(depth: int, opening: str, closing: str) -> Raw:
    return Raw(opening * depth + "1" + closing * depth)


oddities = st.sampled_from(
    [
        *(Raw(text) for text in ("NaN", "-Infinity", "1e400", "-0.0", '"\\ud800"', '"\\u0000"')),
        *(Raw("9" * digits) for digits in (25, 400, 5000)),
        *(nested(depth, "[", "]") for depth in (900, 1100, 50_000)),
        *(nested(depth, '{"a":', "}") for depth in (900, 1100)),
        Raw("[" * 1000),
        Raw('"not closed'),
        Raw("\xff"),
        Raw(""),
    ]
)
pseudo_types = st.fixed_dictionaries(
    {"$reql_type$": st.sampled_from(["TIME", "BINARY", "GROUPED_DATA", "GEOMETRY", "NEW", 1, []])},
    optional={
        "epoch_time": st.sampled_from([0, 1e300, -1e300, "0", None, [], {}]),
        "timezone": st.sampled_from(["+00:00", "Z", "+99:99", 1, [], {}]),
        "data": st.sampled_from(["YWI=", "a", 1, [], [[1, 2]], [[[{}], 1]], [1], ["ab"], {"a": 1}]),
    },
)
scalars = st.sampled_from(
    [None, True, False, 0, 1, -1, 3, 16, 18, 2**63, 0.5, "", "x", "$reql_type$"]
)
anything = st.recursive(
    scalars | oddities | pseudo_types,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abr"), inner, max_size=3),
    max_leaves=6,
)

REPLIES: list[dict[str, Any]] = [
    {"t": ATOM, "r": [{"id": 1}]},
    {"t": ATOM, "r": [1], "p": [{"description": "x", "duration(ms)": 0.1}]},
    {"t": SEQUENCE, "r": [1, 2], "n": []},
    {"t": PARTIAL, "r": [1, {"new_val": {"id": 2}}], "n": [1]},
    {"t": WAIT_COMPLETE, "r": []},
    {"t": INFO, "r": [{"id": "x", "name": "y", "proxy": False}]},
    {"t": CLIENT_ERROR, "r": ["no"], "b": []},
    {"t": RUNTIME_ERROR, "r": ["no"], "b": [0, "x"], "e": 3000000},
]


@st.composite
def changed_replies(draw: st.DrawFn) -> bytes:
    """A reply with some of its fields changed, or missing, or with a further one."""
    reply: Any = dict(draw(st.sampled_from(REPLIES)))
    for name in draw(st.lists(st.sampled_from("tr" * 2 + "nbepx"), max_size=2)):
        reply[name] = draw(anything)
    for name in draw(st.lists(st.sampled_from("trnbep"), max_size=1)):
        reply.pop(name, None)
    if draw(st.integers(0, 9)) == 0:
        reply = draw(anything)
    return written(reply).encode("latin-1", "replace")


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with some of them changed, missing, or added."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 4)))
        data = data[:at] + draw(st.binary(max_size=4)) + data[end:]
    return data


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Bytes in pieces."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


class Plain(ReQLDecoder):
    """A decoder of the program's own."""


class Victim:
    """A client on which one of everything is pending."""

    def __init__(self, closing: bool) -> None:
        self.pair = pair = Pair(max_reply_size=1_000_000)
        self.session = session = pair.session
        self.waiters: list[Waiter[Any]] = []
        self.streams: list[Stream] = []
        for _ in range(2):  # one is waited for, one is not
            self.streams.append(pair.stream(1, 2)[0])
        stream = self.streams[0]
        self.watch(stream.next(), stream.next(), stream.next(), stream.has_next())
        self.watch(session.start(start()), session.noreply_wait(), session.server())
        self.watch(session.start(start(decode=Codec(json_decoder=Plain).decoder({}))))
        abandoned = session.start(start())
        abandoned.abandon()
        session.start(start(noreply=True))
        self.watch(session.stopped(session.last_token - 1), session.closed)
        if closing:
            self.watch(session.close())

    def watch(self, *waiters: Waiter[Any]) -> None:
        self.waiters.extend(waiters)

    def hear(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.session.receive_data(piece)
            self.session.data_to_send()
        self.session.receive_eof()

    def check(self) -> None:
        for waiter in self.waiters:
            assert waiter.done()
            error = waiter.exception()
            if error is not None:
                assert isinstance(error, (ReqlError, ReqlCursorEmpty)), repr(error)
                assert isinstance(str(error), str)
            elif isinstance(waiter.result(), Stream):
                self.streams.append(waiter.result())
        for stream in self.streams:
            assert stream.finished
            stream.take_batch()
            assert isinstance(stream.next().exception(), (ReqlError, ReqlCursorEmpty))
            assert isinstance(stream.is_feed, bool)
        assert self.session.tokens_in_use == 0
        assert isinstance(self.session.start(start()).exception(), ReqlDriverError)


def tokens() -> st.SearchStrategy[int]:
    return st.integers(1, 10) | st.sampled_from([0, 2**62 + 1, 2**62 + 9, 2**64 - 1])


@settings(max_examples=400)
@given(st.data(), st.lists(st.tuples(tokens(), changed_replies()), max_size=12), st.booleans())
def test_changed_replies(
    data: st.DataObject, replies: list[tuple[int, bytes]], closing: bool
) -> None:
    sent = b"".join(frame_header(token, len(body)) + body for token, body in replies)
    victim = Victim(closing)
    victim.hear(data.draw(cut(sent)))
    victim.check()


@settings(max_examples=200)
@given(
    st.data(), st.lists(st.tuples(tokens(), st.sampled_from(REPLIES)), max_size=12), st.booleans()
)
def test_damaged_frames(data: st.DataObject, replies: list[Any], closing: bool) -> None:
    bodies = [(token, written(reply).encode()) for token, reply in replies]
    sent = b"".join(frame_header(token, len(body)) + body for token, body in bodies)
    victim = Victim(closing)
    victim.hear(data.draw(cut(data.draw(damaged(sent)))))
    victim.check()


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_noise_after_the_handshake(pieces: list[bytes]) -> None:
    victim = Victim(closing=False)
    victim.hear(pieces)
    victim.check()


# The handshake.

LINES = [json.loads(line) for line in (GREETING + CHALLENGE + SIGNATURE).split(b"\0")[:-1]]
CODES = [*range(25), "12", 12.0, True, [12], {}, None]
LINE_FIELDS = (
    "success",
    "min_protocol_version",
    "max_protocol_version",
    "server_version",
    "authentication",
)


def changed_lines(
    lines: list[dict[str, Any]], fields: Iterable[str]
) -> st.SearchStrategy[list[bytes]]:
    """The lines of one side, one of them changed."""

    @st.composite
    def strategy(draw: st.DrawFn) -> list[bytes]:
        found: list[Any] = [dict(line) for line in lines]
        at = draw(st.integers(0, len(found) - 1))
        change = draw(st.integers(0, 3))
        if change == 0:
            found[at] = draw(anything)
        elif change == 1:
            found[at].pop(draw(st.sampled_from(list(found[at]))))
        elif change == 2:
            found[at][draw(st.sampled_from(list(fields)))] = draw(anything)
        else:
            refusal = {"success": False, "error": draw(anything)}
            found[at] = refusal | {"error_code": draw(st.sampled_from(CODES))}
        return [written(line).encode("latin-1", "replace") for line in found]

    return strategy()


def ended(protocol: Protocol) -> ConnectionLost:
    """The last event of a protocol whose transport has ended."""
    protocol.receive_eof()
    assert protocol.state is State.CLOSED
    *_, last = protocol.events_received()
    assert isinstance(last, ConnectionLost)
    assert str(last.cause)
    return last


@settings(max_examples=300)
@given(st.data(), changed_lines(LINES, LINE_FIELDS))
def test_changed_lines_of_a_server(data: st.DataObject, lines: list[bytes]) -> None:
    session = Session("user", "pencil", nonce=NONCE)
    for piece in data.draw(cut(b"\0".join(lines) + b"\0")):
        session.receive_data(piece)
    session.receive_eof()
    error = session.opened.exception()
    assert session.closed.done()
    assert error is None or isinstance(error, ReqlDriverError)
    assert error is None or "localhost:28015" in str(error)


CLIENT_LINES = [json.loads(line) for line in (CLIENT_HELLO[4:] + CLIENT_PROOF).split(b"\0")[:-1]]
CLIENT_FIELDS = ("protocol_version", "authentication_method", "authentication")


@settings(max_examples=300)
@given(st.data(), changed_lines(CLIENT_LINES, CLIENT_FIELDS))
def test_changed_lines_of_a_client(data: st.DataObject, lines: list[bytes]) -> None:
    protocol = ServerProtocol(USERS.get, nonce=SERVER_NONCE)
    for piece in data.draw(cut(CLIENT_HELLO[:4] + b"\0".join(lines) + b"\0")):
        protocol.receive_data(piece)
    ended(protocol)
    for line in protocol.data_to_send().split(b"\0")[:-1]:
        assert "success" in json.loads(line)


@given(st.data())
def test_damaged_handshakes(data: st.DataObject) -> None:
    client = ClientProtocol("user", "pencil", nonce=NONCE)
    server = ServerProtocol(USERS.get, nonce=SERVER_NONCE)
    from_server, from_client = GREETING + CHALLENGE + SIGNATURE, CLIENT_HELLO + CLIENT_PROOF
    for protocol, sent in ((client, from_server), (server, from_client)):
        for piece in data.draw(cut(data.draw(damaged(sent)))):
            protocol.receive_data(piece)
        ended(protocol)


@given(st.data(), st.lists(st.tuples(tokens(), st.binary(max_size=30)), max_size=5))
def test_frames_of_a_client(data: st.DataObject, frames: list[tuple[int, bytes]]) -> None:
    pair = Pair()
    sent = b"".join(frame_header(token, len(body)) + body for token, body in frames)
    for piece in data.draw(cut(data.draw(damaged(sent)))):
        pair.server.receive_data(piece)
    pair.server.receive_eof()
    *events, last = pair.server.events_received()
    assert all(type(event) is FrameReceived for event in events)
    assert isinstance(last, ConnectionLost)


@example({"t": 18, "r": ["boom"], "b": [], "e": [1]})
@example({"t": 18, "r": [nested(1000, "[", "]")], "b": []})
@example({"t": 18, "r": ["boom"], "b": nested(1000, "[", "]")})
@given(st.sampled_from(REPLIES))
def test_a_reply_to_one_query_concerns_that_one_or_all(reply: dict[str, Any]) -> None:
    pair = Pair()
    waiter, token = pair.run()
    other, other_token = pair.run()
    body = written(reply).encode()
    pair.server.send_frame(token, body)
    pair.answer(other_token, ATOM, 5)
    assert waiter.done()
    assert other.done()
    assert (other.exception() is None) == pair.session.is_open
