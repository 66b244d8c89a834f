"""Changefeeds, from the outside: what a client sees of the writes of others."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import (
    ReqlOpFailedError,
    ReqlPermissionError,
    ReqlQueryLogicError,
    ReqlResourceLimitError,
    ReqlTimeoutError,
)

from .support import PATIENCE, Failure, RawClient, embedded_only, outcome

SEQUENCE_FEED, ATOM_FEED, ORDER_BY_LIMIT_FEED, UNIONED_FEED, INCLUDES_STATES = 1, 2, 3, 4, 5
LAST_BATCH = {"t": 2, "r": [], "n": []}

Watch = Callable[..., Callable[[int], list[Any]]]


def added(row: Any) -> dict[str, Any]:
    return {"old_val": None, "new_val": row}


def changed(old: Any, new: Any) -> dict[str, Any]:
    return {"old_val": old, "new_val": new}


def removed(row: Any) -> dict[str, Any]:
    return {"old_val": row, "new_val": None}


@pytest.fixture
def watch(server: Any) -> Iterator[Watch]:
    """Opens a feed on a connection of its own; what it gives takes so many rows of it."""
    connections = []

    def opened(term: Any, **options: Any) -> Callable[[int], list[Any]]:
        connection = r.connect(host=server.host, port=server.port)
        connections.append(connection)
        feed = term.run(connection, **options)
        return lambda count: [feed.next(wait=PATIENCE) for _ in range(count)]

    yield opened
    for connection in connections:
        connection.close(noreply_wait=False)


@pytest.fixture
def indexed(table: Any, conn: Any) -> Any:
    table.index_create("a").run(conn)
    table.index_create("m", multi=True).run(conn)
    table.index_wait().run(conn)
    return table


# -- ranges


def test_a_table(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.changes())
    table.insert({"id": 1, "a": 1}).run(conn)
    table.get(1).update({"a": 2}).run(conn)
    table.get(1).update({"a": 2}).run(conn)
    table.get(1).replace({"id": 1}).run(conn)
    table.get(1).delete().run(conn)
    assert rows(4) == [
        added({"id": 1, "a": 1}),
        changed({"id": 1, "a": 1}, {"id": 1, "a": 2}),
        changed({"id": 1, "a": 2}, {"id": 1}),
        removed({"id": 1}),
    ]


def test_rows_enter_and_leave_a_filter(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.filter(r.row["a"] > 1)["a"].changes())
    for a in (0, 2, 3, 1, 5):
        table.insert({"id": 1, "a": a}, conflict="replace").run(conn)
    table.get(1).update({"b": 1}).run(conn)
    table.get(1).replace({"id": 1}).run(conn)
    assert rows(5) == [added(2), changed(2, 3), removed(3), added(5), removed(5)]


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ({"a": 1}, [2, 7]),
        ({"a": True}, [3]),
        ({"a": "x"}, [4]),
        ({"a": None}, [5]),
        ({"a": {"b": 1}}, [6]),
        ({"a": 1, "c": {"d": 2}}, [7]),
        ({"c": {"d": 2}, "a": 1}, [7]),
        ({"id": 3}, [3]),
        (r.row["a"] == 1, [2, 7]),
        (lambda row: row.get_field("a") == "x", [4]),
        (r.row["a"].eq(True), [3]),
        (r.row["a"] == {"b": 1, "c": 2}, [6]),
        ((r.row["id"] > 1) & (r.row["a"] == 1), [2, 7]),
        ((r.row["id"] == 3) | (r.row["a"] == 1), [2, 3, 7]),
        (r.row["c"]["d"] == 2, [7]),
        (r.row["a"].default(1) == 1, [1, 2, 5, 7]),
        (r.row["a"].ne(1), [3, 4, 5, 6]),
        (lambda row: row["a"] == row["id"] - 1, [2]),
        ({}, [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_filter_by_fields(
    wanted: Any, seen: list[int], table: Any, conn: Any, watch: Watch
) -> None:
    rows = watch(table.filter(wanted).changes())
    for key, fields in enumerate(({}, {"a": 1}, {"a": True}, {"a": "x"}, {"a": None}), 1):
        table.insert({"id": key, **fields}).run(conn)
    table.insert({"id": 6, "a": {"b": 1, "c": 2}}).run(conn)
    table.insert({"id": 7, "a": 1.0, "c": {"d": 2}}).run(conn)
    assert [row["new_val"]["id"] for row in rows(len(seen))] == seen
    table.delete().run(conn)
    assert sorted(row["old_val"]["id"] for row in rows(len(seen))) == seen


def test_a_filter_by_fields_that_lets_rows_without_them_pass(
    table: Any, conn: Any, watch: Watch
) -> None:
    rows = watch(table.filter({"a": 1}, default=True).changes())
    mapped = watch(table.map(lambda row: {"a": row["b"]}).filter({"a": 1}).changes())
    table.insert({"id": 1, "b": 1}).run(conn)
    assert rows(1) == [added({"id": 1, "b": 1})]
    assert mapped(1) == [added({"a": 1})]


def test_feeds_on_the_same_rows_do_not_share_their_ends(
    table: Any, conn: Any, server: Any, watch: Watch
) -> None:
    terms = [table.changes(), table.get(1).changes(), table.filter({"a": 1}).changes()]
    other = r.connect(host=server.host, port=server.port)
    ended = [term.run(other) for term in terms]
    staying = [watch(term) for term in terms]
    table.insert({"id": 1, "a": 1}).run(conn)
    for feed in ended:
        assert feed.next(wait=PATIENCE) == added({"id": 1, "a": 1})
        feed.close()
    table.get(1).delete().run(conn)
    for rows in staying:
        assert rows(2) == [added({"id": 1, "a": 1}), removed({"id": 1, "a": 1})]
    other.close(noreply_wait=False)


def test_a_range_of_keys(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.between(3, 6, left_bound="open", right_bound="closed").changes())
    for number in range(8):
        table.insert({"id": number}).run(conn)
    assert rows(3) == [added({"id": number}) for number in (4, 5, 6)]


def test_a_range_of_an_index(indexed: Any, conn: Any, watch: Watch) -> None:
    rows = watch(indexed.between(3, 6, index="a").changes())
    for a in (1, 4, 5, 6, 3):
        indexed.insert({"id": 1, "a": a}, conflict="replace").run(conn)
    assert rows(4) == [
        added({"id": 1, "a": 4}),
        changed({"id": 1, "a": 4}, {"id": 1, "a": 5}),
        removed({"id": 1, "a": 5}),
        added({"id": 1, "a": 3}),
    ]


def test_keys_named_twice_tell_twice(indexed: Any, conn: Any, watch: Watch) -> None:
    by_id = watch(indexed.get_all(1, 1, 2).changes())
    by_index = watch(indexed.get_all(7, 7, index="a").changes())
    indexed.insert({"id": 0}).run(conn)
    indexed.insert({"id": 1, "a": 7}).run(conn)
    assert by_id(2) == [added({"id": 1, "a": 7})] * 2
    assert by_index(2) == [added({"id": 1, "a": 7})] * 2


def test_a_multi_index_tells_once_per_value(indexed: Any, conn: Any, watch: Watch) -> None:
    rows = watch(indexed.between(1, 3, index="m").changes())
    first, second = {"id": 1, "m": [1, 2, 5]}, {"id": 1, "m": [2]}
    indexed.insert(first).run(conn)
    indexed.get(1).replace(second).run(conn)
    assert rows(2) == [added(first)] * 2
    assert sorted(rows(2), key=repr) == sorted([changed(first, second), removed(first)], key=repr)


def test_no_keys_no_changes(table: Any, watch: Watch) -> None:
    rows = watch(table.get_all().changes(include_states=True, include_initial=True))
    assert rows(2) == [{"state": "initializing"}, {"state": "ready"}]


def test_functions_that_fail_drop_rows(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.map(lambda row: row["a"] + 1).changes())
    table.insert({"id": 1, "a": "x"}).run(conn)
    table.get(1).update({"a": 1}).run(conn)
    table.get(1).update({"a": None}).run(conn)
    assert rows(2) == [added(2), removed(2)]


# -- what can be included


def test_initial_values(table: Any, conn: Any, watch: Watch) -> None:
    table.insert([{"id": 1}, {"id": 2, "x": True}]).run(conn)
    rows = watch(table.changes(include_initial=True))
    assert sorted(rows(2), key=repr) == [{"new_val": {"id": 1}}, {"new_val": {"id": 2, "x": True}}]
    table.insert({"id": 3}).run(conn)
    assert rows(1) == [added({"id": 3})]


def test_states_and_types(table: Any, conn: Any, watch: Watch) -> None:
    table.insert({"id": 1}).run(conn)
    rows = watch(table.changes(include_initial=True, include_states=True, include_types=True))
    assert rows(3) == [
        {"state": "initializing", "type": "state"},
        {"new_val": {"id": 1}, "type": "initial"},
        {"state": "ready", "type": "state"},
    ]
    table.insert({"id": 2}).run(conn)
    table.get(2).update({"a": 1}).run(conn)
    table.get(2).delete().run(conn)
    assert [row["type"] for row in rows(3)] == ["add", "change", "remove"]


def test_options_as_run_options(table: Any, watch: Watch) -> None:
    rows = watch(table.changes(), include_states=True, include_types=True)
    assert rows(1) == [{"state": "ready", "type": "state"}]


def test_nothing_is_lost_or_doubled_between_initial_values_and_changes(
    table: Any, conn: Any, server: Any, watch: Watch
) -> None:
    count = 400
    table.insert([{"id": number, "n": 0} for number in range(count)]).run(conn)
    writer = threading.Thread(target=_increment_all, args=(server, table, count))
    writer.start()
    rows = watch(table.changes(include_initial=True), max_batch_rows=7)
    seen: dict[int, int] = {}
    while sum(seen.values()) < count:
        (row,) = rows(1)
        if row.get("old_val") is not None:
            assert seen[row["old_val"]["id"]] == row["old_val"]["n"]
        seen[row["new_val"]["id"]] = row["new_val"]["n"]
    writer.join()
    assert seen == dict.fromkeys(range(count), 1)


def _increment_all(server: Any, table: Any, count: int) -> None:
    with r.connect(host=server.host, port=server.port) as connection:
        for number in reversed(range(count)):
            table.get(number).update({"n": r.row["n"] + 1}).run(connection, noreply=True)
        connection.noreply_wait()


# -- one row


def test_a_point(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.get(1).changes(include_initial=True, include_states=True))
    assert rows(3) == [{"state": "initializing"}, {"new_val": None}, {"state": "ready"}]
    table.insert([{"id": 1}, {"id": 2}]).run(conn)
    table.get(1).delete().run(conn)
    assert rows(2) == [added({"id": 1}), removed({"id": 1})]


# -- the first rows of an order


def test_the_top_of_an_index(indexed: Any, conn: Any, watch: Watch) -> None:
    indexed.insert([{"id": number, "a": number * 10} for number in range(1, 5)]).run(conn)
    top = indexed.order_by(index=r.desc("a")).limit(2)
    rows = watch(top.changes(include_initial=True, include_offsets=True))
    first, second, third = ({"id": number, "a": number * 10} for number in (4, 3, 2))
    assert rows(2) == [
        {"new_val": first, "new_offset": 0},
        {"new_val": second, "new_offset": 1},
    ]
    best = {"id": 9, "a": 90}
    indexed.insert(best).run(conn)
    indexed.insert({"id": 0, "a": 0}).run(conn)
    indexed.get(4).delete().run(conn)
    indexed.get(3).update({"a": 100}).run(conn)
    assert rows(3) == [
        {**changed(second, best), "old_offset": 1, "new_offset": 0},
        {**changed(first, second), "old_offset": 1, "new_offset": 1},
        {**changed(second, {"id": 3, "a": 100}), "old_offset": 1, "new_offset": 0},
    ]
    indexed.get(9).delete().run(conn)
    assert rows(1) == [{**changed(best, third), "old_offset": 1, "new_offset": 1}]


def test_a_top_that_is_not_full(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.order_by(index="id").limit(3).changes(include_types=True))
    table.insert({"id": 2}).run(conn)
    table.insert({"id": 1}).run(conn)
    table.get(2).delete().run(conn)
    assert rows(3) == [
        {**added({"id": 2}), "type": "add"},
        {**added({"id": 1}), "type": "add"},
        {**removed({"id": 2}), "type": "remove"},
    ]


def test_a_filtered_top(table: Any, conn: Any, watch: Watch) -> None:
    table.insert([{"id": number, "odd": number % 2} for number in range(6)]).run(conn)
    top = table.order_by(index="id").filter({"odd": 1}).limit(2)
    rows = watch(top.changes(include_initial=True))
    assert rows(2) == [{"new_val": {"id": number, "odd": 1}} for number in (1, 3)]
    table.get(0).delete().run(conn)
    table.get(1).update({"odd": 0}).run(conn)
    assert rows(1) == [changed({"id": 1, "odd": 1}, {"id": 5, "odd": 1})]


@pytest.mark.parametrize(("method", "first", "then"), [("min", 1, 0), ("max", 3, 4)])
def test_extremes(
    indexed: Any, conn: Any, watch: Watch, method: str, first: int, then: int
) -> None:
    indexed.insert([{"id": number, "a": number} for number in (1, 2, 3)]).run(conn)
    rows = watch(getattr(indexed, method)(index="a").changes(include_initial=True))
    indexed.insert({"id": then, "a": then}).run(conn)
    before, after = {"id": first, "a": first}, {"id": then, "a": then}
    assert rows(2) == [{"new_val": before}, changed(before, after)]


# -- squash


def test_squash_merges_what_has_not_been_sent(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.changes(squash=0.3))
    r.expr(  # one query, so that a busy machine does not send the first change before the last
        [
            table.insert([{"id": 1}, {"id": 2}], durability="soft"),
            table.get(1).update({"a": 1}, durability="soft"),
            table.get(2).delete(durability="soft"),
            table.insert({"id": 3}, durability="soft"),
        ]
    ).run(conn)
    assert sorted(rows(2), key=repr) == [added({"id": 1, "a": 1}), added({"id": 3})]


def test_squash_on_a_top(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.order_by(index="id").limit(2).changes(squash=0.3))
    inserts = [table.insert({"id": number}, durability="soft") for number in (5, 4, 3, 2)]
    r.expr(inserts).run(conn)
    assert sorted(rows(2), key=repr) == [added({"id": 2}), added({"id": 3})]


def test_a_stop_ends_the_pause_of_squash(raw: RawClient, table: Any) -> None:
    start = table.changes(squash=1000).build()
    assert raw.run(1, start)["t"] == 3
    raw.send_all([(1, [2]), (1, [3])])
    assert raw.replies(2) == {1: [LAST_BATCH, LAST_BATCH]}


# -- what can follow `changes`


def test_transformations(table: Any, conn: Any, watch: Watch) -> None:
    feed = table.changes().filter(r.row["new_val"]["id"] > 1)["new_val"]
    rows = watch(feed.merge({"seen": True}).skip(1))
    table.insert([{"id": 1}]).run(conn)
    for number in (2, 3, 4):
        table.insert({"id": number}).run(conn)
    assert rows(2) == [{"id": number, "seen": True} for number in (3, 4)]


def test_a_limited_feed_ends(table: Any, conn: Any, server: Any) -> None:
    with r.connect(host=server.host, port=server.port) as other:
        feed = table.changes().limit(2)["new_val"]["id"].run(other)
        for number in range(3):
            table.insert({"id": number}).run(conn)
        assert list(feed) == [0, 1]


def test_an_error_ends_a_feed(table: Any, conn: Any, server: Any) -> None:
    with r.connect(host=server.host, port=server.port) as other:
        feed = table.changes().map(r.row["new_val"]["missing"]).run(other)
        table.insert({"id": 1}).run(conn)
        with pytest.raises(Exception, match="No attribute `missing`"):
            feed.next(wait=PATIENCE)


def test_unions(table: Any, conn: Any, watch: Watch) -> None:
    joined = table.filter({"a": 1}).union(table.filter({"a": 2}))
    rows = watch(joined.changes(include_states=True, include_initial=True))
    assert rows(2) == [{"state": "initializing"}, {"state": "ready"}]
    table.insert({"id": 1, "a": 2}).run(conn)
    assert rows(1) == [added({"id": 1, "a": 2})]


def test_a_union_of_feeds(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.changes().union(table.get(1).changes()))
    table.insert({"id": 1}).run(conn)
    assert rows(2) == [added({"id": 1})] * 2


def test_terms_that_pull_rows_in_their_own_way(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.changes()["new_val"]["id"].offsets_of(5))
    for number in (3, 4, 5, 6, 5 + 2):
        table.insert({"id": number}).run(conn)
    assert rows(1) == [2]


def test_a_row_does_not_wait_for_the_next_one(table: Any, conn: Any, watch: Watch) -> None:
    """Though there is news after it, of which no row comes."""
    rows = watch(table.changes()["new_val"]["n"].offsets_of(5))
    table.insert([{"id": number, "n": n} for number, n in enumerate((5, 6, 7))]).run(conn)
    assert len(rows(1)) == 1


# -- slow clients, ends


@pytest.mark.parametrize("term", [lambda t: t, lambda t: t.order_by(index="id").limit(3)])
def test_changes_that_wait_come_in_batches_of_the_size_asked_for(
    conn: Any, table: Any, raw: RawClient, table_name: str, term: Any
) -> None:
    feed = term(r.db(conn.db or "test").table(table_name)).changes().build()
    assert raw.run(1, feed, max_batch_rows=2)["r"] == []
    for number in (5, 4, 3):
        table.insert({"id": number}).run(conn)
    assert [len(raw.ask(1, [2])["r"]) for _ in range(2)] == [2, 1]


def test_changes_beyond_the_queue_are_skipped(table: Any, conn: Any, watch: Watch) -> None:
    rows = watch(table.changes(changefeed_queue_size=10), max_batch_rows=1)
    table.insert([{"id": number} for number in range(100)]).run(conn)
    errors = [row["error"] for row in rows(2) if "error" in row]
    assert errors
    assert errors[0].startswith("Changefeed cache over array size limit, skipped ")


def test_a_dropped_table_aborts_its_feeds(
    conn: Any, table: Any, table_name: str, watch: Watch
) -> None:
    feeds = [
        watch(term.changes())
        for term in (
            table,
            table.get(1),
            table.get_all(1, 2),
            table.get_all(),
            table.get_all().filter({"a": 1}),
            table.filter({"a": 1}),
        )
    ]
    table.wait().run(conn)
    r.table_drop(table_name).run(conn)
    for rows in feeds:
        with pytest.raises(ReqlOpFailedError, match=r"Changefeed aborted \(unavailable\)"):
            rows(1)


@pytest.mark.parametrize(
    ("transformed", "place"),
    [
        (lambda feed: feed, []),
        (lambda feed: feed.pluck("new_val").map(lambda row: row), []),
        (lambda feed: feed.skip(0), [0]),
        (lambda feed: feed.map(lambda row: row).limit(5), [0]),
        (lambda feed: feed.slice(0, 5).map(lambda row: row), [0, 0]),
        (lambda feed: feed.skip(0).skip(0), [0, 0]),
    ],
    ids=["plain", "rows", "skip", "rows and limit", "slice and rows", "skip twice"],
)
def test_where_an_aborted_feed_is_located(
    conn: Any, table: Any, table_name: str, raw: RawClient, transformed: Any, place: list[int]
) -> None:
    feed = transformed(r.db(conn.db or "test").table(table_name).changes())
    assert raw.run(1, feed.build())["t"] == 3
    raw.send(1, [2])
    table.wait().run(conn)
    r.table_drop(table_name).run(conn)
    assert raw.receive()[1]["b"] == place


def _shards(count: int) -> Any:
    one = r.db("rethinkdb").table("server_config").nth(0)["name"]
    return {"shards": [{"primary_replica": one, "replicas": [one]}] * count}


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        (lambda table: table.reconfigure(shards=1, replicas=1), True),
        (lambda table: table.reconfigure(shards=2, replicas=1), False),
        (lambda table: table.reconfigure(shards=3, replicas=1, dry_run=True), False),
        (lambda table: table.config().update(_shards(3), non_atomic=True), True),
        (lambda table: table.config().update({"durability": "soft"}), False),
        (lambda table: table.rebalance(), True),
    ],
    ids=["reconfigure", "unchanged", "dry run", "config", "durability", "rebalance"],
)
def test_feeds_end_when_the_rows_are_divided_anew(
    conn: Any, table: Any, watch: Watch, change: Any, ends: bool
) -> None:
    table.insert([{"id": number} for number in range(20)]).run(conn)
    table.reconfigure(shards=2, replicas=1).run(conn)
    table.wait().run(conn)
    rows = [watch(table.changes()), watch(table.get(1).changes(include_initial=True))]
    assert rows[1](1) == [{"new_val": {"id": 1}}]
    change(table).run(conn)
    table.wait().run(conn)
    table.get(1).update({"a": 1}).run(conn)
    for changes in rows:
        if ends:
            with pytest.raises(ReqlOpFailedError, match=r"Changefeed aborted \(unavailable\)"):
                changes(1)
        else:
            assert changes(1)[0]["new_val"] == {"id": 1, "a": 1}


def test_a_feed_ends_with_the_permission(conn: Any, table: Any, server: Any) -> None:
    users = r.db("rethinkdb").table("users")
    users.insert({"id": "watcher", "password": ""}).run(conn)
    table.grant("watcher", {"read": True}).run(conn)
    try:
        with r.connect(host=server.host, port=server.port, user="watcher") as other:
            feed = table.changes().run(other)
            table.insert({"id": 1}).run(conn)
            assert feed.next(wait=PATIENCE) == added({"id": 1})
            table.grant("watcher", {"read": False}).run(conn)
            table.insert([{"id": number} for number in range(2, 10)]).run(conn)
            with pytest.raises(ReqlPermissionError):
                [feed.next(wait=PATIENCE) for _ in range(8)]
    finally:
        users.get("watcher").delete().run(conn)


def test_a_feed_without_news(table: Any, conn: Any, watch: Watch) -> None:
    feed = table.changes().run(conn)
    with pytest.raises(ReqlTimeoutError):
        feed.next(wait=False)
    table.insert({"id": 1}).run(conn)
    assert feed.next(wait=PATIENCE) == added({"id": 1})
    feed.close()


@embedded_only
def test_many_feeds_of_a_connection_see_all_changes_in_order(
    server: Any, table: Any, conn: Any
) -> None:
    with RawClient(server.host, server.port) as client:
        feeds = range(1, 151)
        for token in feeds:
            client.run(token, table.changes().build())
        client.send_all([(token, [2]) for token in feeds])
        stopped = range(1, 151, 3)
        seen: dict[int, list[Any]] = {token: [] for token in feeds}
        ended = set()
        table.insert({"id": 0}).run(conn)
        client.send_all([(token, [3]) for token in stopped])
        table.insert([{"id": key} for key in range(1, 5)]).run(conn)
        staying = set(feeds) - set(stopped)
        while ended < set(stopped) or any(len(seen[token]) < 5 for token in staying):
            token, body = client.receive()
            seen[token] += [row["new_val"]["id"] for row in body["r"]]
            if body["t"] == 2:
                ended.add(token)
            elif token in staying:
                client.send(token, [2])
    assert ended == set(stopped)
    assert all(sorted(seen[token]) == [0, 1, 2, 3, 4] for token in staying)
    assert len({tuple(seen[token]) for token in staying}) == 1
    assert all(seen[token] == [*seen[min(staying)]][: len(seen[token])] for token in stopped)


def test_a_feed_that_takes_its_time_holds_up_no_other_of_its_connection(
    server: Any, table: Any, conn: Any
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reading.set()
            go_on.wait(PATIENCE)
            self.send_response(200)
            self.send_header("Content-Length", "1")
            self.end_headers()
            self.wfile.write(b"x")

        def log_message(self, *arguments: object) -> None: ...

    with (
        RawClient(server.host, server.port) as client,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as site,
    ):
        threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
        slow = table.changes().map(lambda row: r.http(f"http://127.0.0.1:{site.server_port}/"))
        client.run(1, slow.build())
        for token in range(2, 12):
            client.run(token, table.changes().build())
        client.send_all([(token, [2]) for token in range(1, 12)])
        table.insert({"id": 1}).run(conn)
        assert reading.wait(PATIENCE)
        assert sorted(client.replies(10)) == list(range(2, 12))
        go_on.set()
        assert client.receive()[0] == 1
        site.shutdown()


@embedded_only
def test_waiting_feeds_hold_no_thread(server: Any, table: Any, conn: Any) -> None:
    start = table.changes().filter(r.row["new_val"]["id"].eq(1)).build()
    before = threading.active_count()
    with RawClient(server.host, server.port) as other:
        for token in range(200):
            other.run(token, start)
            other.send(token, [2])
        table.insert({"id": 2}).run(conn)
        table.insert({"id": 1}).run(conn)
        answers = other.replies(200)
    assert all(reply["r"] == [added({"id": 1})] for (reply,) in answers.values())
    assert threading.active_count() < before + 100


# -- on the wire

NOTES: list[tuple[Callable[[Any], Any], list[int]]] = [
    (lambda t: t.changes(), [SEQUENCE_FEED]),
    (lambda t: t.changes(include_states=True), [SEQUENCE_FEED, INCLUDES_STATES]),
    (lambda t: t.changes(include_states=True).limit(5), [SEQUENCE_FEED]),
    (lambda t: t.changes(include_states=True).map(r.row), [SEQUENCE_FEED, INCLUDES_STATES]),
    (lambda t: t.get_all().changes(), [SEQUENCE_FEED]),
    (lambda t: t.get(1).changes(), [ATOM_FEED]),
    (lambda t: t.order_by(index="id").limit(1).changes(), [ORDER_BY_LIMIT_FEED]),
    (lambda t: t.order_by(index="id").changes(), [SEQUENCE_FEED]),
    (lambda t: t.min(index="id").changes(), [ORDER_BY_LIMIT_FEED]),
    (lambda t: t.changes().union(t.get(1).changes()), [UNIONED_FEED]),
    (lambda t: t.union(t).changes(include_states=True), [SEQUENCE_FEED]),
    (lambda t: r.range(1).union(t.changes()), [SEQUENCE_FEED]),
]


@pytest.mark.parametrize(("make", "notes"), NOTES)
def test_notes(raw: RawClient, table: Any, make: Callable[[Any], Any], notes: list[int]) -> None:
    reply = raw.run(1, make(table).build())
    assert reply["t"] == 3
    assert reply["n"] == notes
    assert raw.ask(1, [3]) == LAST_BATCH


def test_stop_answers_a_waiting_continue(raw: RawClient, table: Any) -> None:
    assert raw.run(1, table.changes().build()) == {"t": 3, "r": [], "n": [SEQUENCE_FEED]}
    raw.send_all([(1, [2]), (1, [3])])
    assert raw.replies(2) == {1: [LAST_BATCH, LAST_BATCH]}
    assert raw.run(1, 5) == {"t": 1, "r": [5]}


# -- refusals

EAGER = "Cannot call `changes` on an eager stream."
ENDLESS = (
    "Cannot call a terminal (`reduce`, `count`, etc.) on an infinite stream (such as a changefeed)."
)
REFUSED: list[tuple[Callable[[Any], Any], str, tuple[Any, ...]]] = [
    (lambda t: t.changes(squash=-1),
     "Expected BOOL or a positive NUMBER but found a negative NUMBER.", ("squash",)),
    (lambda t: t.changes(squash="x"), "Expected BOOL or NUMBER but found STRING.", ("squash",)),
    (lambda t: t.changes(changefeed_queue_size=0),
     "Illegal changefeed queue size `0`.  (Must be >= 1.)", ()),
    (lambda t: t.changes(include_offsets=True), "Cannot include offsets for range subs.", ()),
    (lambda t: t.get(1).changes(include_offsets=True),
     "Cannot include offsets for point subs.", ()),
    (lambda t: t.get_all().changes(include_offsets=True),
     "Cannot include offsets for empty subs.", ()),
    (lambda t: r.expr([1]).changes(), EAGER, (0,)),
    (lambda t: t.order_by("a").changes(), EAGER, (0,)),
    (lambda t: t.changes().changes(), EAGER, (0,)),
    (lambda t: r.expr(1).changes(), "Cannot convert NUMBER to SEQUENCE", ()),
    (lambda t: t.limit(1).changes(),
     "Cannot get changes on the first elements of an unordered stream.", ()),
    (lambda t: t.union(t).limit(1).changes(),
     "Cannot call `changes` on a slice of a union.", (0, 0)),
    (lambda t: t.map(lambda x: r.random()).changes(),
     "Cannot call `changes` after a non-deterministic function.", (0, 1, 1)),
    (lambda t: t.concat_map(lambda x: [x]).changes(),
     "Cannot call `changes` after `concat_map`.", ()),
    (lambda t: t.changes().count(), ENDLESS, (0,)),
    (lambda t: t.changes().order_by("a"), ENDLESS, (0,)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message", "frames"), REFUSED)
def test_refusals(
    conn: Any, table: Any, make: Callable[[Any], Any], message: str, frames: tuple[Any, ...]
) -> None:
    assert outcome(conn, make(table)) == Failure(ReqlQueryLogicError, message, frames)


def test_a_top_beyond_the_array_limit(conn: Any, table: Any) -> None:
    text = (
        "Array size limit `10` exceeded.  (`.limit(X).changes()` is illegal if X is larger"
        " than the array size limit.)"
    )
    failure = outcome(conn, table.order_by(index="id").limit(11).changes(), array_limit=10)
    assert failure == Failure(ReqlResourceLimitError, text, ())


def test_feeds_that_share_a_change_tell_it_each_in_its_way(conn: Any, table: Any) -> None:
    """The row of a change is made, and written as JSON, once for all feeds that tell it alike."""
    feeds = [
        table.changes().run(conn),
        table.changes(include_types=True).run(conn),
        table.changes()["new_val"]["n"].run(conn),
        table.changes().run(conn),
        table.changes(squash=0.01).run(conn),
        table.pluck("id").changes().run(conn),
    ]
    plain = [{"old_val": None, "new_val": {"id": key, "n": key * 2}} for key in (1, 2)]
    for key in (1, 2):
        table.insert({"id": key, "n": key * 2}).run(conn)
    seen = [[next(feed), next(feed)] for feed in feeds]
    assert seen[0] == seen[3] == seen[4] == plain
    assert seen[1] == [{**row, "type": "add"} for row in plain]
    assert seen[2] == [2, 4]
    assert seen[5] == [{"old_val": None, "new_val": {"id": key}} for key in (1, 2)]
    for feed in feeds:
        feed.close()
