"""Clients that are none: half handshakes, garbage, cuts at each byte, thousands of them."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import sys
from collections import Counter
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server, limits
from rethinkdb.net.client import ClientProtocol
from rethinkdb.net.events import HandshakeCompleted

from .support import PATIENCE, RawClient, embedded_only, frame, in_process, start

pytestmark = [
    embedded_only,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets and signals of POSIX systems"),
]


@pytest.fixture
def raw(raw_on_one_server: RawClient) -> RawClient:
    return raw_on_one_server


def connect(server: Server) -> Any:
    return r.connect(host=server.host, port=server.port)


MAGIC = b"\xc3\xbd\xc2\x34"
FIRST = {
    "protocol_version": 0,
    "authentication_method": "SCRAM-SHA-256",
    "authentication": "n,,n=admin,r=rOprNGfwEbeRWgbNEkqO",
}
HANDSHAKE = MAGIC + json.dumps(FIRST).encode() + b"\0"

HOSTILE = {
    "web": b"GET / HTTP/1.1\r\n\r\n",
    "zeros": bytes(5000),
    "long line": MAGIC + b"x" * 100_000,
    "garbage for JSON": MAGIC + b"\xff\xfe\0",
    "deep JSON": MAGIC + b"[" * 1000 + b"\0",
    "number for JSON": MAGIC + b"1e999\0",
    "wrong protocol": MAGIC + b'{"protocol_version":7}\0',
    "no authentication": MAGIC + b'{"protocol_version":0}\0',
    "wrong types": MAGIC
    + b'{"protocol_version":0,"authentication_method":[],"authentication":{}}\0',
    "broken SCRAM": HANDSHAKE.replace(b"n,,n=admin", b"y"),
    "garbage for the proof": HANDSHAKE + b"{}\0",
    "list for the proof": HANDSHAKE + b"[1]\0",
    "wrong proof": HANDSHAKE + b'{"authentication":"c=biws,r=x,p=y"}\0',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_handshakes(
    one_server: Server, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """They are told so, if they can be, and hung up on; the others are served."""
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(
                socket.create_connection((one_server.host, one_server.port), timeout=PATIENCE)
            )
            for _ in range(3)
        ]
        clients[0].sendall(data)
        with contextlib.suppress(ConnectionError):
            while clients[0].recv(65536):
                pass
        with contextlib.suppress(ConnectionError):
            for place in range(min(len(data), 500)):
                clients[1].sendall(data[place : place + 1])
        clients[2].sendall(data)
    assert_serves(one_server)
    assert "bug" not in caplog.text


def assert_serves(server: Server) -> None:
    with connect(server) as conn:
        assert r.expr(1).run(conn) == 1


def whole_conversation(server: Server) -> bytes:
    """What a client says from its first byte to the last."""
    said = bytearray()
    protocol = ClientProtocol("admin", "", host=server.host, port=server.port)
    with socket.create_connection((server.host, server.port), timeout=PATIENCE) as client:
        while not any(isinstance(event, HandshakeCompleted) for event in protocol.events):
            said += (data := protocol.data_to_send())
            client.sendall(data)
            protocol.receive_data(client.recv(65536))
        said += protocol.data_to_send()
    said += frame(1, start(r.range(5).map(lambda x: x + 1).build()))
    said += frame(2, start(r.range().build(), max_batch_rows=3))
    return bytes(said + frame(2, b"[2]") + frame(2, b"[3]") + frame(3, b"[4]") + frame(3, b"[5]"))


def test_cuts_at_each_byte(one_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    said = whole_conversation(one_server)
    queries = said[said.rindex(b"\0", 0, said.index(frame(1, b"")[:8])) + 1 :]
    for place in range(len(said)):
        with socket.create_connection((one_server.host, one_server.port)) as client:
            client.sendall(said[:place])
    for place in range(len(queries)):
        with RawClient(one_server.host, one_server.port) as client:
            client.socket.sendall(queries[:place])
    assert_serves(one_server)
    assert "bug" not in caplog.text


@pytest.mark.parametrize("length", [2**27, 2**31, 2**32 - 1])
def test_giant_lengths(raw: RawClient, one_server: Server, length: int) -> None:
    raw.socket.sendall(struct.pack("<QI", 7, length))
    if length < 2**30:
        with contextlib.suppress(ConnectionError):
            for _ in range(length // 2**20):
                raw.socket.sendall(bytes(2**20))
    token, reply = raw.receive()
    assert token == 7
    assert reply["r"] == [f"Query size ({length}) greater than maximum ({2**27 - 1})."]
    assert_serves(one_server)


def test_a_query_and_a_giant_length_at_once(raw: RawClient, one_server: Server) -> None:
    raw.socket.sendall(frame(6, start(r.expr(1).build())) + struct.pack("<QI", 7, 2**31))
    token, reply = raw.receive()
    assert token == 7  # the reply to the other is dropped, as the connection ends
    assert reply["r"] == [f"Query size ({2**31}) greater than maximum ({2**27 - 1})."]


PIECES = [b"", b"[", b"]", b"{", b"}", b"1", b"-", b"e99", b'"', b",", b"null", b"\xff"]


def test_garbage_for_queries(one_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Each is answered, with an error or not; none is a bug."""
    source = random.Random(7)
    valid = [
        start(r.range(5).map(lambda x: {"a": x}).order_by("a").build(), max_batch_rows=2),
        start(r.expr([1, 2]).reduce(lambda a, b: a + b).build(), array_limit=5),
        b"[2]",
        b"[3]",
        b"[5]",
    ]
    with RawClient(one_server.host, one_server.port) as raw:
        for number in range(1500):
            body = bytearray(source.choice(valid))
            for _ in range(source.randrange(1, 4)):
                place = source.randrange(len(body) + 1)
                body[place : place + source.randrange(3)] = source.choice(PIECES)
            raw.socket.sendall(frame(number, bytes(body)))
            token, _ = raw.receive()
            assert token == number
    assert_serves(one_server)
    assert "bug" not in caplog.text


FEEDS = [
    lambda table: table.changes(include_initial=True, include_states=True),
    lambda table: table.changes(squash=True),
    lambda table: table.changes(squash=60),
    lambda table: table.get(1).changes(),
    lambda table: table.order_by(index="id").limit(2).changes(include_initial=True),
    lambda table: table.get_all(1, index="a").changes(),
    lambda table: table.filter(r.row["a"] > 1).changes().map(lambda change: change["new_val"]["a"]),
    lambda table: table.changes().limit(3),
    lambda table: table.union(table).changes(),
    lambda table: table.config().changes(),
    lambda table: table.status().changes(include_initial=True),
    lambda table: r.db("rethinkdb").table("jobs").changes(),
]
CREATIONS = [
    lambda table: r.db_create("test"),
    lambda table: r.table_create("fed"),
    lambda table: table.index_create("a"),
]
WRITES = [
    lambda table: table.insert([{"id": number, "a": number} for number in range(4)]),
    lambda table: table.update({"a": r.row["a"] + 1}),
    lambda table: table.delete(),
]
ALTERATIONS = [
    lambda table: table.config().update({"name": "other"}),
    lambda table: table.reconfigure(shards=2, replicas=1),
    lambda table: table.rebalance(),
    lambda table: table.index_drop("a"),
    lambda table: table.config().delete(),
    lambda table: r.db_drop("test"),
]


REQUESTS = [b"[2]", b"[2]", b"[3]", b"[4]"]


def random_request(source: random.Random, place: int) -> tuple[int, bytes]:
    """A request about one of twenty feeds, or a query that writes or changes their table."""
    table, kind = r.table("fed"), source.random()
    if place < 10 or kind < 0.1:
        terms = CREATIONS
    elif kind < 0.3:
        terms = WRITES
    elif kind < 0.35:
        terms = ALTERATIONS
    else:
        begin = start(source.choice(FEEDS)(table).build())
        return source.randrange(20), source.choice([begin, *REQUESTS])
    return 100 + place, start(source.choice(terms)(table).build())


@pytest.mark.parametrize("seed", range(3))
def test_each_request_about_a_feed_is_answered_once(
    caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    """Whatever the order of requests, and whatever becomes of the table meanwhile."""
    source = random.Random(seed)
    requests: Counter[int] = Counter()
    answers: Counter[int] = Counter()
    with Server() as server, RawClient(server.host, server.port) as raw:
        for place in range(400):
            token, query = random_request(source, place)
            if source.random() < 0.5:  # as after it the server has most probably done the others
                token, query = 50, b"[1,5]"
            raw.send(token, query)
            requests[token] += 1
            while answers[50] < requests[50]:
                answers[raw.receive()[0]] += 1
        for token in range(20):
            raw.send(token, b"[3]")
            requests[token] += 1
        while answers.total() < requests.total():
            answers[raw.receive()[0]] += 1
        assert answers == requests
        assert raw.run(50, 5)["r"] == [5]
        assert_serves(server)
    assert "bug" not in caplog.text


DEEP_TEXT = json.dumps("[" * 100_000 + "]" * 100_000).encode()
DEEP = {
    "unclosed": (b"[" * 10_000, "Client is buggy"),
    "unclosed and too deep": (b"[" * 1_000_000, "nested too deeply"),
    "too deep": (b"[1," + b"[2,[" * 30_000 + b"1" + b"]]" * 30_000 + b"]", "nested too deeply"),
    "empty": (b"[" * 2000 + b"]" * 2000, "Server could not parse query"),
    "no term": (b"[1," + b"[" * 5000 + b"]" * 5000 + b"]", "Expected a TermType as a NUMBER"),
    "broken": (b"[1," + b'{"a":' * 5000 + b"?" + b"}" * 5000 + b"]", "Client is buggy"),
    "JSON": (b"[1,[98,[" + DEEP_TEXT + b"]]]", "nested too deeply"),
    "broken JSON": (b"[1,[98,[" + DEEP_TEXT[:-2] + b'"]]]', "nested too deeply"),
}


@pytest.mark.parametrize(("body", "message"), DEEP.values(), ids=DEEP)
def test_deep_garbage(one_server: Server, body: bytes, message: str) -> None:
    with RawClient(one_server.host, one_server.port) as raw:
        assert message in raw.ask(1, body)["r"][0]
        assert raw.run(1, 5)["r"] == [5]


# -- connections


def test_strangers_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_SECONDS", 0.2)
    with Server() as server, RawClient(server.host, server.port) as known:
        for data in (b"", MAGIC, HANDSHAKE):
            with socket.create_connection((server.host, server.port), timeout=PATIENCE) as client:
                client.sendall(data)
                while client.recv(65536):
                    pass
        assert known.run(1, 5)["r"] == [5]


THOUSANDS = """
import json, resource, socket
from rethinkdb import r
from rethinkdb.embedded import Server
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
count = 2000 if hard == resource.RLIM_INFINITY else min(2000, (hard - 100) // 2)
with Server() as server:
    clients = [socket.create_connection((server.host, server.port)) for _ in range(count)]
    with r.connect(host=server.host, port=server.port) as conn:
        answers = [r.expr(n).run(conn) for n in range(20)]
    for client in clients:
        client.close()
    with r.connect(host=server.host, port=server.port) as conn:
        answers.append(r.expr(20).run(conn))
print(json.dumps({"answers": answers}))
"""


def test_two_thousand_connections() -> None:
    assert in_process(THOUSANDS)["answers"] == list(range(21))


CROWD = """
import socket, sys
clients = [socket.create_connection(("127.0.0.1", {port})) for _ in range(60)]
print("open", flush=True)
sys.stdin.read()
"""
WITHOUT_DESCRIPTORS = f"""
import json, resource, socket, subprocess, sys, time
from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlDriverError

def late_answer():
    # Again and again: the client needs descriptors of the same process, for which the server, too,
    # waits.
    while True:
        try:
            with r.connect(host=server.host, port=server.port) as late:
                return r.expr(1).run(late)
        except ReqlDriverError:
            time.sleep(0.01)

with Server() as server:
    conn = r.connect(host=server.host, port=server.port)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    crowd = subprocess.Popen(
        [sys.executable, "-c", {CROWD!r}.format(port=server.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, hard))
    crowd.stdout.readline()
    before, began = time.process_time(), time.monotonic()
    answers = 0
    while time.monotonic() - began < 1:
        answers += r.expr(1).run(conn)
        time.sleep(0.1)
    busy = time.process_time() - before
    crowd.stdin.close()
    crowd.wait()
    answers += late_answer()
print(json.dumps({{"answers": answers, "busy": busy}}))
"""


def test_without_descriptors_it_waits_for_some() -> None:
    """Nobody is let in, no processor is kept busy, and it goes on once there are some."""
    found = in_process(WITHOUT_DESCRIPTORS)
    assert found["answers"] > 1
    assert found["busy"] < 0.5


# -- drivers from before 2016

V0_3, V0_4, JSON = 0x5F75E83E, 0x400C2D20, 0x7E6970C7


def old_client(server: Server, version: int, key: bytes, queries: list[bytes]) -> socket.socket:
    client = socket.create_connection((server.host, server.port), timeout=PATIENCE)
    data = struct.pack("<II", version, len(key)) + key + struct.pack("<I", JSON)
    client.sendall(data + b"".join(frame(token, body) for token, body in enumerate(queries)))
    return client


def received(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = client.recv(size - len(data))
        assert piece, "the server hung up"
        data += piece
    return data


def test_old_drivers_are_served() -> None:
    with Server(password="x") as server:
        with old_client(server, V0_4, b"x", [b"[1,5,{}]"]) as client:
            assert received(client, 8) == b"SUCCESS\0"
            assert received(client, 27) == frame(0, b'{"t":1,"r":[5]}')
        with old_client(server, V0_4, b"y", []) as client:
            assert client.recv(100) == b"ERROR: Incorrect authorization key.\n\0"


def test_the_oldest_drivers_have_their_answers_in_order(one_server: Server) -> None:
    slow = start(r.js("while (true) {}", timeout=0.2).build())
    for version, order in ((V0_3, [0, 1, 2]), (V0_4, [1, 2, 0])):
        with old_client(one_server, version, b"", [slow, b"[1,1]", b"[1,2]"]) as client:
            assert received(client, 8) == b"SUCCESS\0"
            found = []
            for _ in order:
                token, size = struct.unpack("<QI", received(client, 12))
                received(client, size)
                found.append(token)
            assert found[0] == order[0]
            assert sorted(found) == [0, 1, 2]
            assert (found.index(0) == 0) is (version == V0_3)
