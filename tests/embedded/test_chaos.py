"""Trouble on order: what `server.chaos` does to clients, and what it leaves alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster, Server
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlNonExistenceError,
    ReqlOpFailedError,
    ReqlOpIndeterminateError,
    ReqlPermissionError,
    ReqlTimeoutError,
    ReqlUserError,
)
from rethinkdb.testing.chaos import Chaos, Question
from rethinkdb.testing.proxy import FaultProxy
from tests.clusters import connect as connect_to
from tests.clusters import connected

from .support import PATIENCE, RawClient


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """A server without trouble, at first and at last."""
    running.chaos.seed(1)
    yield running
    running.chaos.end()
    assert running.chaos.troubles == []


@pytest.fixture
def chaos(server: Server) -> Chaos:
    return server.chaos


def connect(server: Server, **options: Any) -> Any:
    return r.connect(server.host, server.port, **options)


@pytest.fixture
def conn(server: Server) -> Iterator[Any]:
    conn = connect(server)
    yield conn
    conn.close(noreply_wait=False)


@pytest.fixture
def table(server: Server) -> Iterator[Any]:
    with connect(server) as own:
        r.table_create("t").run(own)
    yield r.table("t")
    server.chaos.end()
    with connect(server) as own:
        r.table_drop("t").run(own)


# -- errors


def test_the_next_query_fails(chaos: Chaos, conn: Any, table: Any) -> None:
    trouble = chaos.fail(ReqlOpFailedError)
    with pytest.raises(ReqlOpFailedError, match="Cannot perform write: primary replica"):
        table.insert({"id": 1}).run(conn)
    assert (trouble.struck, trouble.active) == (1, False)
    assert table.count().run(conn) == 0


@pytest.mark.parametrize(
    ("error", "message", "kind", "said"),
    [
        ("op_indeterminate", None, ReqlOpIndeterminateError, "lost contact with primary"),
        ("not available", None, ReqlOpFailedError, "Cannot perform read: primary replica"),
        (ReqlUserError, "Out of {stock}", ReqlUserError, "Out of {stock}"),
        (ReqlPermissionError("Go away."), None, ReqlPermissionError, "Go away."),
        (ReqlNonExistenceError, None, ReqlNonExistenceError, "Made up by a test."),
    ],
)
def test_any_error(
    chaos: Chaos, conn: Any, error: Any, message: str | None, kind: Any, said: str
) -> None:
    chaos.fail(error, message)
    with pytest.raises(kind) as failed:
        r.expr(1).run(conn)
    assert type(failed.value) is kind
    assert said in failed.value.message
    assert r.expr(1).run(conn) == 1


def test_whether_it_was_done_all_the_same(chaos: Chaos, conn: Any, table: Any) -> None:
    chaos.fail(ReqlOpIndeterminateError, done=True)
    with pytest.raises(ReqlOpIndeterminateError):
        table.insert({"id": 1}).run(conn)
    assert table.count().run(conn) == 1
    with chaos.fail(ReqlOpIndeterminateError, done=None, times=None, term="insert"):
        for number in range(20):
            with pytest.raises(ReqlOpIndeterminateError):
                table.insert({"n": number}).run(conn)
    assert 1 < table.count().run(conn) < 21


def test_a_cursor_that_was_carried_out_all_the_same(chaos: Chaos, conn: Any, table: Any) -> None:
    table.insert([{"id": number} for number in range(10)]).run(conn)
    chaos.fail("op_failed", done=True)
    with pytest.raises(ReqlOpFailedError):
        table.run(conn, max_batch_rows=2)
    assert only_query(conn)


def test_conditions(chaos: Chaos, conn: Any, table: Any) -> None:
    seen: list[Question] = []

    def reads(question: Question) -> bool:
        seen.append(question)
        return not question.writes

    with chaos.fail("op_failed", times=None, table="t", match=reads) as trouble:
        r.expr(1).run(conn)
        table.insert({"id": 1}).run(conn)
        for query in (table.get(1), table.filter({"a": 1}).order_by("a")):
            with pytest.raises(ReqlOpFailedError):
                query.run(conn)
    assert trouble.struck == 2
    assert [each.writes for each in seen] == [True, False, False]
    assert seen[2].terms >= {"table", "filter", "order_by"}
    assert seen[2].tables == {"t"}
    assert 'r.table("t").get(1)' in repr(seen[1])
    with chaos.fail("op_failed", term="order_by"):
        assert table.get(1).run(conn) == {"id": 1}


def test_a_condition_that_fails(chaos: Chaos, conn: Any) -> None:
    with (
        pytest.raises(RuntimeError, match="`match` of a trouble failed") as failed,
        chaos.fail("op_failed", match=lambda question: {}["nothing"]),
    ):
        assert r.expr(1).run(conn) == 1
    assert isinstance(failed.value.__cause__, KeyError)


def test_the_same_seed_gives_the_same_troubles(chaos: Chaos, conn: Any) -> None:
    def outcomes() -> list[bool]:
        chaos.seed(7)
        found = []
        with chaos.fail("op_failed", times=None, chance=0.5):
            for _ in range(30):
                try:
                    r.expr(1).run(conn)
                    found.append(True)
                except ReqlOpFailedError:
                    found.append(False)
        return found

    first = outcomes()
    assert first == outcomes()
    assert {True, False} == set(first)


def test_queries_without_replies(chaos: Chaos, conn: Any, table: Any) -> None:
    chaos.fail("op_failed")
    table.insert({"id": 1}).run(conn, noreply=True)
    chaos.fail("op_failed", done=True, term="insert")
    table.insert({"id": 2}).run(conn, noreply=True)
    conn.noreply_wait()
    assert list(table["id"].run(conn)) == [2]


# -- links


def test_links_are_cut_at_once(chaos: Chaos, server: Server, conn: Any) -> None:
    with connect(server) as other:
        r.expr(1).run(other)
        chaos.cut()
        for lost in (conn, other):
            with pytest.raises(ReqlConnectionLostError):
                r.expr(1).run(lost)
    with connect(server) as again:
        assert r.expr(1).run(again) == 1


@pytest.mark.parametrize(("at", "stored"), [("query", 0), ("reply", 1)])
def test_links_are_cut_where_it_hurts(
    chaos: Chaos, server: Server, conn: Any, table: Any, at: str, stored: int
) -> None:
    trouble = chaos.cut(at=at, term="insert", times=1)
    with pytest.raises(ReqlConnectionLostError):
        table.insert({"id": 1}).run(conn)
    assert trouble.struck == 1
    with connect(server) as again:
        assert table.count().run(again) == stored


def test_links_are_cut_now_and_then(chaos: Chaos, server: Server, conn: Any) -> None:
    def often() -> None:
        for _ in range(200):
            r.expr(1).run(conn)

    trouble = chaos.cut(chance=0.5)
    with pytest.raises(ReqlConnectionLostError):
        often()
    assert trouble.struck == 1


def test_links_are_cut_all_the_time(chaos: Chaos, server: Server) -> None:
    with chaos.cut():
        for _ in range(2):
            with connect(server) as lost, pytest.raises(ReqlConnectionLostError):
                r.expr(1).run(lost)
    with connect(server) as conn:
        assert r.expr(1).run(conn) == 1


def test_connections_are_refused(chaos: Chaos, server: Server, conn: Any) -> None:
    with chaos.refuse(), chaos.refuse():
        with pytest.raises(ReqlDriverError) as refused:
            connect(server)
        assert "refused" in str(refused.value)
        assert r.expr(1).run(conn) == 1  # it is in already
    with connect(server) as again:
        assert r.expr(1).run(again) == 1


def test_some_connections_are_refused(chaos: Chaos, server: Server) -> None:
    trouble = chaos.refuse(times=1)
    with pytest.raises(ReqlDriverError):
        connect(server)
    assert trouble.struck == 1
    with connect(server) as again:
        assert r.expr(1).run(again) == 1


def test_connections_wait(chaos: Chaos, server: Server) -> None:
    with chaos.delay(60, times=1), pytest.raises(ReqlTimeoutError):
        connect(server, timeout=0.05)
    began = time.monotonic()
    with chaos.delay(0.05), connect(server) as conn:
        assert r.expr(1).run(conn) == 1
    assert time.monotonic() - began >= 0.05


def test_silence(chaos: Chaos, server: Server, conn: Any) -> None:
    found: list[int] = []
    with chaos.mute():
        thread = threading.Thread(target=lambda: found.append(r.expr(1).run(conn)))
        thread.start()
        with pytest.raises(ReqlTimeoutError):
            connect(server, timeout=0.05)
        assert not found
    thread.join(PATIENCE)
    assert found == [1]


def test_silence_about_something(chaos: Chaos, conn: Any, table: Any) -> None:
    with chaos.mute(table="t"):
        assert r.expr(1).run(conn) == 1
        with pytest.raises(ReqlTimeoutError):
            table.count().run(conn, deadline=0.05)
    assert table.count().run(conn) == 0


def test_everything_is_slow(chaos: Chaos, conn: Any) -> None:
    with chaos.slow(0.05, jitter=0.01) as trouble:
        began = time.monotonic()
        assert r.expr(1).run(conn) == 1
        assert time.monotonic() - began >= 0.05
    assert trouble.struck == 1


# -- feeds


def test_feeds_end(chaos: Chaos, server: Server, conn: Any, table: Any) -> None:
    r.table_create("other").run(conn)
    waiting, read = table.changes().run(conn), table.changes().run(conn)
    spared = r.table("other").changes().run(conn)
    with pytest.raises(ReqlTimeoutError):
        waiting.next(wait=0.01)
    trouble = chaos.end_feeds(table="t")
    assert trouble.struck == 2
    for feed in (waiting, read):
        with pytest.raises(ReqlOpFailedError, match=r"^Changefeed aborted \(unavailable\)"):
            feed.next(wait=PATIENCE)
    r.table("other").insert({"id": 1}).run(conn)
    assert spared.next(wait=PATIENCE)["new_val"] == {"id": 1}
    spared.close()
    assert only_query(conn)
    r.table_drop("other").run(conn)


def test_feeds_that_are_opened_end_as_well(chaos: Chaos, conn: Any, table: Any) -> None:
    with chaos.end_feeds(), pytest.raises(ReqlOpFailedError, match=r"^Changefeed aborted"):
        table.changes().run(conn).next(wait=PATIENCE)
    feed = table.changes().run(conn)
    table.insert({"id": 1}).run(conn)
    assert feed.next(wait=PATIENCE)["new_val"] == {"id": 1}


def test_some_feeds_end(chaos: Chaos, conn: Any, table: Any) -> None:
    spared, ended = table.changes().run(conn), table.changes().run(conn)
    chaos.end_feeds(times=1)
    table.insert({"id": 1}).run(conn)
    found = []
    for feed in (spared, ended):
        try:
            found.append(feed.next(wait=PATIENCE)["new_val"])
        except ReqlOpFailedError:
            found.append(None)
    assert sorted(found, key=bool) == [None, {"id": 1}]


def test_feeds_that_were_there_before_chaos(table: Any) -> None:
    with Server() as fresh, connect(fresh) as conn:
        r.table_create("t").run(conn)
        feed = table.changes().run(conn)
        assert fresh.chaos.end_feeds().struck == 1
        with pytest.raises(ReqlOpFailedError, match=r"^Changefeed aborted"):
            feed.next(wait=PATIENCE)


def test_changes_are_dropped(chaos: Chaos, conn: Any, table: Any) -> None:
    feed = table.changes(include_initial=True, include_states=True).run(conn)
    assert [feed.next(wait=PATIENCE)["state"] for _ in range(2)] == ["initializing", "ready"]
    trouble = chaos.drop_changes(table="t")
    table.insert([{"id": 1}, {"id": 2}]).run(conn)
    error = feed.next(wait=PATIENCE)["error"]
    assert error.startswith("Changefeed cache over array size limit, skipped ")
    assert trouble.struck == 1
    table.insert({"id": 3}).run(conn)
    while (change := feed.next(wait=PATIENCE)).get("new_val") != {"id": 3}:
        assert change["new_val"] == {"id": 2}  # it came by itself
    feed.close()


def test_a_lost_link_ends_feeds_as_well(chaos: Chaos, conn: Any, table: Any) -> None:
    feed = table.changes().run(conn)
    chaos.cut()
    with pytest.raises(ReqlCursorLostError):
        feed.next(wait=PATIENCE)


# -- a cluster, mistakes, what is no query


def test_on_all_servers_of_a_cluster() -> None:
    with Cluster(2) as cluster:
        cluster.chaos.fail("op_failed", times=2)
        for n in range(2):
            with connected(cluster, n) as conn, pytest.raises(ReqlOpFailedError):
                r.expr(1).run(conn)
        with cluster.chaos.refuse():
            cluster.stop(1)
            cluster.start(1)
            with pytest.raises(ReqlDriverError):
                connect_to(cluster, 1)


def test_what_is_no_query_gets_through(chaos: Chaos, server: Server) -> None:
    with chaos.slow(0), RawClient(server.host, server.port) as raw:
        raw.send(1, b"nonsense")
        assert raw.receive()[1]["r"] == ["Client is buggy (failed to deserialize query)."]
        assert raw.ask(2, [5])["r"][0]["name"] == "embedded"
        assert raw.ask(3, [4])["t"] == 4


def test_mistakes(chaos: Chaos) -> None:
    with pytest.raises(ValueError, match="There is no error 'boom'"):
        chaos.fail("boom")
    with pytest.raises(ValueError, match="No server answers with a ReqlTimeoutError"):
        chaos.fail(ReqlTimeoutError)
    with pytest.raises(ValueError, match='`at` must be "query" or "reply"'):
        chaos.cut(at="noon")
    with pytest.raises(TypeError, match="`match` must be a function of a Question, not 'insert'"):
        chaos.fail("user", match="insert")  # type: ignore[arg-type]  # as an untyped program calls it
    with pytest.raises(ValueError, match="`chance` must be from 0 to 1, not 2"):
        chaos.slow(1, chance=2)
    with pytest.raises(ValueError, match="`times` must be 1 or more, not 0"):
        chaos.refuse(times=0)
    with pytest.raises(ValueError, match="Seconds must be 0 or more, not -1"):
        chaos.delay(-1)
    with pytest.raises(ValueError, match="Seconds must be 0 or more, not '1'"):
        chaos.slow("1")  # type: ignore[arg-type]  # as an untyped program calls it
    with pytest.raises(ValueError, match=r"no term 'insrt'\. Did you mean 'insert'\?"):
        chaos.fail("op_failed", term="insrt")
    with pytest.raises(ValueError, match=r"no term 'INSERT'\. Names are in small letters"):
        chaos.cut(at="query", term="INSERT")
    assert chaos.troubles == []


def only_query(conn: Any) -> bool:
    """Whether the server comes to have no query but the one that asks."""
    deadline = time.monotonic() + PATIENCE
    while r.db("rethinkdb").table("jobs").count().run(conn) != 1:
        if time.monotonic() > deadline:
            return False
    return True


# -- on any server, by a proxy


@pytest.fixture
def proxy(running: Server) -> Iterator[FaultProxy]:
    with FaultProxy(running.host, running.port) as proxy:
        assert proxy.chaos is proxy.chaos
        yield proxy


def test_a_proxy_makes_the_same_trouble(proxy: FaultProxy) -> None:
    chaos = proxy.chaos
    with r.connect(proxy.host, proxy.port) as conn:
        r.table_create("p").run(conn)
        table = r.table("p")
        chaos.fail("op_indeterminate", term="insert", done=True)
        with pytest.raises(ReqlOpIndeterminateError):
            table.insert({"id": 1}).run(conn)
        assert table.count().run(conn) == 1
        feed = table.changes().run(conn)
        with pytest.raises(ReqlTimeoutError):
            feed.next(wait=0.01)
        chaos.drop_changes()
        table.insert({"id": 2}).run(conn)
        assert "skipped 1 elements" in feed.next(wait=PATIENCE)["error"]
        chaos.end_feeds()
        with pytest.raises(ReqlOpFailedError, match=r"^Changefeed aborted"):
            feed.next(wait=PATIENCE)
        with chaos.slow(0.01):
            assert r.expr(1).run(conn) == 1
        with chaos.mute(), pytest.raises(ReqlTimeoutError):
            r.expr(1).run(conn, deadline=0.02)
        r.table_drop("p").run(conn)
        chaos.cut()
        with pytest.raises(ReqlConnectionLostError):
            r.expr(1).run(conn)


def test_a_proxy_lets_clients_wait_or_not_in(proxy: FaultProxy) -> None:
    with proxy.chaos.refuse(), pytest.raises(ReqlDriverError):
        r.connect(proxy.host, proxy.port)
    proxy.chaos.refuse(times=1)
    with pytest.raises(ReqlDriverError):
        r.connect(proxy.host, proxy.port)
    with proxy.chaos.delay(60), pytest.raises(ReqlTimeoutError):
        r.connect(proxy.host, proxy.port, timeout=0.05)
    with r.connect(proxy.host, proxy.port) as conn:
        assert r.expr(1).run(conn) == 1


def test_a_proxy_takes_over_connections(running: Server) -> None:
    with (
        FaultProxy(running.host, running.port) as proxy,
        r.connect(proxy.host, proxy.port) as conn,
    ):
        assert r.expr(1).run(conn) == 1
        proxy.chaos.fail("op_failed")
        with pytest.raises(ReqlOpFailedError):
            r.expr(1).run(conn)
