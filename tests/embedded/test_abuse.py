"""Clients that flood, do not read, or never come to the point; scripts and queries that run wild.

For each the same rule: it gets an error or has to wait, it costs bounded memory, and nobody else
notices.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server, limits
from rethinkdb.embedded.language.registry import TERMS
from rethinkdb.errors import ReqlInternalError, ReqlResourceLimitError
from rethinkdb.ql2 import TermType

from .support import PATIENCE, RawClient, embedded_only, frame, in_process, start

pytestmark = [
    embedded_only,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets and signals of POSIX systems"),
]

ATOM, SEQUENCE, RUNTIME_ERROR = 1, 2, 18
START, CONTINUE, STOP, NOREPLY_WAIT = 1, [2], [3], [4]
NEVER_DONE = r.range().filter(lambda x: x < 0).build()
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own."""
    with Server() as fresh:
        yield fresh


@pytest.fixture
def conn(server: Server) -> Iterator[Any]:
    with connect(server) as connection:
        yield connection


def connect(server: Server, **options: Any) -> Any:
    return r.connect(host=server.host, port=server.port, **options)


# -- clients that do not read


def send_until_stalled(client: RawClient, body: bytes, server: Server) -> tuple[int, memoryview]:
    """Sends the same query again and again until the server does not take more.

    Gives how often it did, and what is left to send of the last time. Between two tries another
    client has answers, so the server has had its time.
    """
    count, left = 0, memoryview(frame(0, body))
    client.socket.setblocking(False)
    with connect(server) as other:
        stalled = 0
        while stalled < 50 and count < 5000:
            try:
                left = left[client.socket.send(left) :]
                stalled = 0
            except BlockingIOError:
                stalled += 1
                assert r.expr(stalled).run(other) == stalled
            if not left:
                count += 1
                left = memoryview(frame(count, body))
    client.socket.settimeout(PATIENCE)
    return count, left


ANSWER_SIZE = 200_000
FLOOD = f"""
import json, resource, sys
from rethinkdb.embedded import Server
from tests.embedded.support import RawClient
from tests.embedded.support import frame, start
from tests.embedded.test_abuse import ANSWER_SIZE, send_until_stalled

def peak():
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale

with Server() as server, RawClient(server.host, server.port) as client:
    before = peak()
    query = frame(99999, start({{"a": [2, ["x" * 100]]}}))  # warms up
    client.socket.sendall(query)
    client.receive()
    body = start("y" * {ANSWER_SIZE})
    sent, left = send_until_stalled(client, body, server)
    grown = peak() - before
    answers = [client.receive() for _ in range(sent)]
    client.socket.sendall(left)
    answers.append(client.receive())
    print(json.dumps({{
        "sent": sent,
        "grown": grown,
        "answered": sum(len(reply["r"][0]) == {ANSWER_SIZE} for _, reply in answers),
    }}))
"""


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    """Its queries wait, nothing is lost, and what is kept for it is bounded."""
    found = in_process(FLOOD)
    assert 0 < found["sent"] < 1000
    # All threads of its connection may have an answer at hand when the limit is reached, in three
    # forms: as rows, as a reply, as what waits for the socket. What has not been answered yet is
    # in the buffers of the system.
    most = limits.MOST_UNSENT + 6 * limits.MOST_THREADS_OF_CONNECTION * ANSWER_SIZE
    assert found["grown"] < most + 20_000_000
    assert found["answered"] == found["sent"] + 1


def test_feeds_whose_client_does_not_read(server: Server, conn: Any) -> None:
    """Others write on; of what was too much for the feed its client is told when it reads."""
    r.table_create("t").run(conn)
    table = r.table("t")
    text = "z" * 100_000
    with RawClient(server.host, server.port) as lazy:
        for token in range(20):
            lazy.send(token, [START, table.changes().build(), {"changefeed_queue_size": 10}])
            lazy.receive()
        for token in range(20):
            lazy.send(token, CONTINUE)
        for number in range(200):
            assert table.insert({"id": number, "text": text}).run(conn)["inserted"] == 1
        lazy.send(99, [START, 5, {}])
        found: dict[int, list[Any]] = {}
        while set(found) != {*range(20), 99}:  # in any order, as several threads answer
            token, reply = lazy.receive()
            found.setdefault(token, []).extend(reply["r"])
        lazy.send(0, CONTINUE)
        _, reply = lazy.receive()
        assert "skipped" in reply["r"][0]["error"]


def test_tops_that_nobody_reads(conn: Any) -> None:
    r.table_create("t").run(conn)
    table = r.table("t")
    top = table.order_by(index=r.desc("id")).limit(1)
    feed = top.changes(changefeed_queue_size=5).run(conn)
    for number in range(20):
        table.insert({"id": number}).run(conn)
    rows = [feed.next(wait=PATIENCE)]
    while "error" not in rows[-1]:
        rows.append(feed.next(wait=PATIENCE))
    assert len(rows) < 20
    table.insert({"id": 100}).run(conn)
    while (rows[-1].get("new_val") or {}).get("id") != 100:
        rows.append(feed.next(wait=PATIENCE))
    feed.close()


# -- floods


def test_a_flood_of_queries_leaves_threads_to_others(server: Server, conn: Any) -> None:
    with contextlib.ExitStack() as stack:
        floods = [stack.enter_context(RawClient(server.host, server.port)) for _ in range(3)]
        for flood in floods:
            flood.send_all([(token, [START, NEVER_DONE, {}]) for token in range(1000)])
        for number in range(3):
            assert r.expr(number).run(conn) == number
        with connect(server) as late:
            assert r.range(3).map(lambda x: x + 1).run(late) is not None
        for flood in floods:
            flood.send(0, STOP)
            assert flood.replies(2) == {0: [{"t": SEQUENCE, "r": [], "n": []}] * 2}


def test_a_flood_of_waits(raw: RawClient) -> None:
    """Waits for noreply queries count among what may be outstanding."""
    raw.send(1, [START, NEVER_DONE, {"noreply": True}])
    count = 3 * limits.MOST_OUTSTANDING
    sender = threading.Thread(
        target=raw.send_all, args=([(token, NOREPLY_WAIT) for token in range(2, count)],)
    )
    sender.start()
    sender.join()


@pytest.fixture
def raw(server: Server) -> Iterator[RawClient]:
    with RawClient(server.host, server.port) as client:
        yield client


def test_open_cursors_are_limited(raw: RawClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_OPEN", 20)
    endless = r.range().build()
    for token in range(20):
        assert raw.run(token, endless)["t"] == 3
    refused = raw.run(20, endless)
    assert refused["t"] == RUNTIME_ERROR
    assert "queries are open on this connection" in refused["r"][0]
    raw.ask(3, STOP)
    assert raw.run(20, 5) == {"t": ATOM, "r": [5]}


def test_long_queries_are_bounded_in_bytes(
    server: Server, raw: RawClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them are read once the first are done."""
    monkeypatch.setattr(limits, "MOST_OUTSTANDING_BYTES", 300_000)
    count = 20
    body = start("x" * 100_000)
    sender = threading.Thread(
        target=raw.socket.sendall, args=(b"".join(frame(n, body) for n in range(count)),)
    )
    sender.start()
    answers = raw.replies(count)
    sender.join()
    assert set(answers) == set(range(count))


# -- threads that wait for something outside


def test_what_waits_outside_takes_no_thread_from_others(server: Server, conn: Any) -> None:
    """More feeds that hold a thread than there are threads for work."""
    r.table_create("t").run(conn)
    fold = (
        r.table("t")
        .changes()
        .map(lambda x: 1)
        .fold(0, lambda total, x: total + x, emit=lambda old, x, new: [new])
    )
    count = limits.MOST_THREADS + 6
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.host, server.port)) for _ in range(4)]
        for client in clients:
            for token in range(count // len(clients) + 1):
                client.run(token, fold.build())
                client.send(token, CONTINUE)
        for number in range(20):
            assert r.expr(number).run(conn) == number
        r.table("t").insert({"id": 1}).run(conn)
        for client in clients:
            replies = client.replies(count // len(clients) + 1)
            assert all(reply["r"] == [1] for (reply,) in replies.values())


@pytest.fixture
def silent_site() -> Iterator[str]:
    """The address of a site that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_stop_ends_a_request_to_the_web(raw: RawClient, silent_site: str) -> None:
    raw.send(1, [START, r.http(silent_site, timeout=1000).build(), {}])
    assert raw.run(2, 5) == {"t": ATOM, "r": [5]}
    raw.send(1, STOP)
    assert raw.replies(2) == {1: [{"t": SEQUENCE, "r": [], "n": []}] * 2}


def test_stopping_the_server_ends_what_waits(silent_site: str) -> None:
    threads = set(threading.enumerate())
    server = Server().start()
    with RawClient(server.host, server.port) as client:
        client.send(1, [START, r.http(silent_site, timeout=1000).build(), {}])
        client.send(2, [START, r.js("while (true) {}", timeout=1e6).build(), {}])
        client.send(3, [START, NEVER_DONE, {}])
        assert client.run(4, 5) == {"t": ATOM, "r": [5]}
        server.stop()
    assert set(threading.enumerate()) <= threads


# -- bugs


def test_a_bug_ends_its_query_only(
    conn: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: Any) -> Any:
        raise ZeroDivisionError("a bug")

    rules = dataclasses.replace(TERMS[TermType.UUID], implementation=broken)
    monkeypatch.setitem(TERMS, TermType.UUID, rules)
    r.table_create("t").run(conn)
    broken_feed = r.table("t").filter(lambda row: r.uuid(row["name"]) != 1).changes().run(conn)
    feed = r.table("t").changes().run(conn)
    rows = r.range().map(lambda x: r.branch(x < 3, x, r.uuid("x"))).run(conn, max_batch_rows=2)
    with pytest.raises(ReqlInternalError, match="in UUID: ZeroDivisionError: a bug"):
        list(rows)
    assert r.table("t").insert({"id": 1, "name": "x"}).run(conn)["inserted"] == 1
    with pytest.raises(ReqlInternalError, match="in UUID: ZeroDivisionError: a bug"):
        broken_feed.next(wait=PATIENCE)
    assert feed.next(wait=PATIENCE)["new_val"]["id"] == 1
    assert r.expr(1).run(conn) == 1
    assert caplog.text.count("bug of the embedded server in UUID") == 2


@pytest.mark.parametrize("exc", [MemoryError(), StopIteration(), KeyError("x"), AssertionError()])
def test_any_exception_of_an_implementation(
    conn: Any, monkeypatch: pytest.MonkeyPatch, exc: Exception
) -> None:
    def failing(call: Any) -> Any:
        raise exc

    rules = dataclasses.replace(TERMS[TermType.UUID], implementation=failing)
    monkeypatch.setitem(TERMS, TermType.UUID, rules)
    for term in (r.uuid("x"), r.range(3).map(lambda x: r.uuid("x"))):
        with pytest.raises(ReqlInternalError, match="Internal error of the embedded server in"):
            list(term.run(conn))
    assert r.expr(1).run(conn) == 1


# -- ending it

SERVES = """
import threading
from rethinkdb.embedded import Server
from tests.embedded.support import RawClient
from tests.embedded.test_abuse import NEVER_DONE
with Server() as server:
    client = RawClient(server.host, server.port)
    client.send(1, [1, NEVER_DONE, {}])
    client.run(2, 5)
    print("ready", flush=True)
    # Again and again: Python does not hear a signal that comes as it is about to wait.
    while not threading.Event().wait(0.05):
        pass
"""


@pytest.mark.parametrize("signals", [1, 2, 5])
def test_ctrl_c_ends_a_program_with_a_server_at_once(signals: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVES],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=PATIENCE / 2)
        finally:
            process.kill()  # otherwise `with` would wait for it for ever
    assert "KeyboardInterrupt" in errors


def test_a_string_that_doubles_again_and_again(conn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LONGEST_STRING", 10_000)
    doubled = r.range(40).fold("x" * 10, lambda text, _: text + text)
    with pytest.raises(ReqlResourceLimitError, match="would have 10240 characters"):
        doubled.run(conn)
    assert r.expr("x" * 10_000).add("").count().run(conn) == 10_000


def _chain(rounds: int, function: Any) -> Any:
    value = r.expr([1])
    for _ in range(rounds):
        value = value.do(function)
    return value


def _folded(function: Any) -> Any:
    return r.range(40).fold({"v": [1]}, function)


_PAIRS = _folded(lambda value, _: [value, value])

DOUBLING = {
    "array": _PAIRS,
    "object": _folded(lambda value, _: {"a": value, "b": value}),
    "field": _folded(lambda value, _: {"v": [value["v"], value["v"]]}),
    "merge": _folded(lambda value, _: r.expr({"a": value}).merge({"b": value})),
    "append": _folded(lambda value, _: r.expr([]).append(value).append(value)),
    "map": _folded(lambda value, _: r.expr([1, 2]).map(lambda _: value)),
    "concat_map": _folded(lambda value, _: r.expr([[1], [2]]).concat_map(lambda _: [value])),
    "union": _folded(lambda value, _: r.expr([value]).union([value])),
    "join": _folded(lambda value, _: r.expr([value]).inner_join([1, 2], lambda *_: True)),
    "inner do": _folded(lambda value, _: r.do(value, lambda inner: [inner, inner])),
    "args": _folded(lambda value, _: [r.args([value, value])]),
    "reduce": r.expr([[1]] * 40).reduce(lambda left, _: [left, left]),
    "do": _chain(40, lambda value: [value, value]),
    "do with objects": _chain(40, lambda value: {"a": value, "b": value}),
    "a loop in a loop": r.range(50_000)
    .map(lambda _: 1)
    .coerce_to("array")
    .do(lambda items: r.range(50_000).map(lambda _: items).coerce_to("array")),
    "text": _folded(lambda value, _: ["x" * 1000, value, value]),
    "to a string": _PAIRS.coerce_to("string"),
    "to JSON": _PAIRS.to_json_string(),
    "comparison": _PAIRS.eq(_PAIRS),
    "group": r.expr([_PAIRS, _PAIRS]).group(lambda item: item).count(),
    "distinct": r.expr([_PAIRS, _PAIRS]).distinct(),
    "error text": _PAIRS.add(1),
}


@pytest.mark.parametrize("name", DOUBLING)
def test_a_value_that_doubles_again_and_again(
    conn: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(limits, "HEAVIEST_VALUE", 200_000)
    with pytest.raises(ReqlResourceLimitError, match="The result would consist of"):
        DOUBLING[name].run(conn)


@pytest.mark.parametrize(
    "write",
    [
        lambda table, twice: table.insert({"id": 0, "v": twice}, conflict="replace"),
        lambda table, twice: table.insert({"id": table.count(), "v": twice}),
        lambda table, twice: table.get(0).update({"v": twice}, non_atomic=True),
        lambda table, twice: table.get(0).replace({"id": 0, "v": twice}, non_atomic=True),
        lambda table, twice: table.get(0).update(lambda row: {"v": [row["v"], row["v"]]}),
        lambda table, twice: table.get(0).update({"v": {"a": r.row["v"], "b": r.row["v"]}}),
        lambda table, twice: table.get(0).update({"v": [r.row["v"], r.row["w"]], "w": r.row["v"]}),
    ],
    ids=["insert", "new rows", "update", "replace", "function", "r.row", "fields"],
)
def test_a_value_that_doubles_through_the_table(
    conn: Any, table: Any, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    table.insert({"id": 0, "v": [1], "w": [1]}).run(conn)
    last = table.get(table.count() - 1)["v"]
    _check_doubling(conn, monkeypatch, write(table, [last, last]))


def test_a_value_that_a_write_hook_doubles(
    conn: Any, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.insert({"id": 1, "v": [1], "n": 0}).run(conn)
    table.set_write_hook(lambda _, old, new: new.merge({"v": [old["v"], old["v"]]})).run(conn)
    _check_doubling(conn, monkeypatch, table.get(1).update({"n": r.row["n"] + 1}))


def _check_doubling(conn: Any, monkeypatch: pytest.MonkeyPatch, write: Any) -> None:
    monkeypatch.setattr(limits, "LARGEST_DOCUMENT", 80_000)
    results = [write.run(conn) for _ in range(25)]
    assert "The document would have more than 80000 characters" in results[-1]["first_error"]
    assert results[5]["errors"] == 0


def test_values_that_are_used_often_but_stay_small(conn: Any) -> None:
    grown = r.range(10).fold([1], lambda value, _: [value, value])
    assert len(grown.to_json_string().run(conn)) == 2**10 * 3 + (2**10 - 1) * 3
    assert grown.eq(grown).run(conn) is True
