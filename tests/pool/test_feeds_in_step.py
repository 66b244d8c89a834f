"""The promise of `resume="diff"`: apply all items in order, and you hold exactly the server's rows.

Links are cut, primaries are lost, changes are dropped, runs are refused, the consumer stands still,
all in any order. And without a loss the items are exactly those of the plain feed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rethinkdb as r
from rethinkdb.errors import ReqlOpFailedError
from rethinkdb.net.query import Query
from rethinkdb.pool import views
from rethinkdb.ql2 import QueryType

from .feed_world import Changes, Link, Row, Server, World

KEYS = "abcde"

VALUES = st.sampled_from(
    [
        {"n": 1},
        {"n": 2},
        {"n": True},
        {"n": 3, "at": {"$reql_type$": "TIME", "epoch_time": 1, "timezone": "+00:00"}},
        {"n": 2, "deep": [{"x": [1, None]}]},
        {"n": 0, "hidden": True},
    ]
)

WRITES = st.tuples(st.just("write"), st.sampled_from(KEYS), st.none() | VALUES)

CALM = st.one_of(
    WRITES,
    WRITES,
    st.tuples(st.just("serve"), st.integers(1, 4)),
    st.tuples(st.just("take"), st.integers(1, 4)),
)

STORM = st.one_of(
    CALM,
    st.tuples(st.just("lose")),
    st.tuples(st.just("abort")),
    st.tuples(st.just("skip")),
    st.tuples(st.just("refuse"), st.integers(1, 2)),
)

KINDS = st.sampled_from(["table", "point", "limit", "index", "filter"])

REFUSAL = ReqlOpFailedError("Cannot perform read: primary replica for shard [-, +) not available")


def shown(row: Row) -> bool:
    return "hidden" not in row


def made(key: str, value: Row | None) -> Row | None:
    return None if value is None else {"id": key, **value}


def world_of(kind: str, remember: str = "rows", **options: Any) -> World:
    """A world with two rows in it, whose feed is open."""
    world = World(
        remember=remember,
        kind="table" if kind == "filter" else kind,
        shows=shown if kind == "filter" else lambda row: True,
        **options,
    )
    world.batch = 2
    for key in "ab":
        world.server.write(key, {"id": key, "n": 1})
    world.follows_at_once = True
    return world.open()


class Copy:
    """What a consumer holds that applies all items, as the documentation says."""

    def __init__(self, kind: str, rows: dict[str, Any], exact: bool = True) -> None:
        self.kind = kind
        self.rows = dict(rows)
        self.exact = exact

    def apply(self, item: Row) -> None:
        old, new = item.get("old_val"), item.get("new_val")
        if "old_val" not in item and "new_val" not in item:
            assert item["state"] in ("initializing", "ready")
            return
        if "old_val" in item and "new_val" in item:
            assert json.dumps(old, default=str) != json.dumps(new, default=str)
        if old is not None:
            held = self.rows.pop(old["id"])
            if self.exact:
                assert held == old
        if new is not None:
            if old is None and "old_val" in item:
                assert new["id"] not in self.rows
            self.rows[new["id"]] = new

    def is_in_step(self, world: World) -> None:
        kind = "limit" if self.kind == "limit" else "table"
        final = Changes(world.server, {}, kind, world._shows)
        rows = final._now_in_window() if kind == "limit" else final._visible()
        if self.kind == "point":
            rows = [row for row in rows if row["id"] == "a"]
        wanted = {row["id"]: json.dumps(row, sort_keys=True) for row in rows}
        assert {key: packed(row) for key, row in self.rows.items()} == wanted


def packed(row: Row) -> str:
    """A row as JSON: times were raw, and `1` and `True` differ."""
    return json.dumps(row, sort_keys=True)


def do(world: World, action: tuple[Any, ...], items: list[Any]) -> None:
    name, *args = action
    if name == "write":
        world.server.write(args[0], made(*args))
    elif name == "take":
        items += world.take(args[0])
    elif name == "skip":
        link = world.link
        if link is not None and not link.stream.finished:
            link.changes.queue[:] = [{"error": "Changefeed cache over array size limit"}]
            link.changes._scanning = False
            world.server.feeds = []
            world.serve()
    elif name == "refuse":
        world.errors.extend([REFUSAL] * args[0])
    else:
        getattr(world, name)(*args)


RAW = {"time_format": "raw"}


@settings(max_examples=100)
@given(
    kind=KINDS,
    remember=st.sampled_from(["rows", "digests"]),
    initial=st.booleans(),
    actions=st.lists(STORM, max_size=40),
)
def test_whoever_applies_all_items_is_in_step(
    kind: str, remember: str, initial: bool, actions: list[Any]
) -> None:
    world = world_of(kind, remember, include_initial=initial, run_options=RAW)
    before: dict[str, Any] = {}
    if not initial:
        # The feed is open once the driver knows all rows: what there is then the program reads.
        assert not world.take()
        while not world.feed.opened.done():
            world.serve()
        visible = Changes(world.server, {}, "table", world._shows)
        rows = visible._now_in_window() if kind == "limit" else visible._visible()
        if kind == "limit":
            changes = Changes(world.server, {}, "limit", world._shows)
            rows = changes._now_in_window()
        before = {row["id"]: row for row in rows if kind != "point" or row["id"] == "a"}
    copy = Copy(kind, before, exact=remember == "rows")
    items: list[Any] = []
    for action in actions:
        do(world, action, items)
    items += world.settle()
    for item in items:
        copy.apply(item)
    copy.is_in_step(world)


class Plain:
    """The same feed without `resume`, of the same server."""

    def __init__(self, world: World, options: Row) -> None:
        changes = Changes(world.server, options, world._kind, world._shows)
        world.server.feeds.append(changes)
        decode = world._codec.decoder({})
        self.link = Link(changes, Query(QueryType.START, b"", decode))
        self.items: list[Any] = []

    def take_all(self) -> list[Any]:
        self.link.changes.scan(1000)
        while self.link.changes.queue:
            self.link.owed = True
            self.link.send(100)
        return self.link.stream.take_batch()


@settings(max_examples=70)
@given(
    kind=KINDS,
    chosen=st.fixed_dictionaries(
        {
            "include_initial": st.booleans(),
            "include_states": st.booleans(),
            "include_types": st.booleans(),
        }
    ),
    actions=st.lists(CALM, max_size=30),
)
def test_without_a_loss_the_items_are_those_of_the_plain_feed(
    kind: str, chosen: dict[str, bool], actions: list[Any]
) -> None:
    options: Row = dict(chosen)
    world = world_of(kind, **options)
    while not world.feed.opened.done():
        world.serve()
    assert world.link is not None
    run = world.link.changes
    if chosen["include_initial"]:
        run.scan(1000)
    plain = Plain(world, chosen)
    plain.link.changes.scan(1000)
    items: list[Any] = []
    for action in actions:
        do(world, action, items)
    items += world.settle()
    assert [json.dumps(item, default=str, sort_keys=True) for item in items] == [
        json.dumps(item, default=str, sort_keys=True) for item in plain.take_all()
    ]


@pytest.mark.parametrize("remember", ["rows", "digests"])
def test_what_has_changed_meanwhile_is_told_and_nothing_else(remember: str) -> None:
    world = World(remember=remember, include_types=True)
    for key in "abcd":
        world.server.write(key, {"id": key, "n": 1})
    world.open()
    while not world.feed.opened.done():
        world.serve()
    world.lose()
    world.server.write("a", {"id": "a", "n": 2})
    world.server.write("b", None)
    world.server.write("e", {"id": "e", "n": 5})
    told = {(item["old_val"] or item["new_val"])["id"]: item for item in world.settle()}
    full = remember == "rows"
    assert told == {
        "a": {
            "old_val": {"id": "a", "n": 1} if full else {"id": "a"},
            "new_val": {"id": "a", "n": 2},
            "type": "change",
        },
        "b": {
            "old_val": {"id": "b", "n": 1} if full else {"id": "b"},
            "new_val": None,
            "type": "remove",
        },
        "e": {"old_val": None, "new_val": {"id": "e", "n": 5}, "type": "add"},
    }


def test_rows_of_a_limit_come_and_go_in_one_change() -> None:
    world = World(kind="limit", include_initial=True).open()
    copy = Copy("limit", {})
    for key, n in [("a", 5), ("b", 6), ("c", 1), ("d", 2), ("c", 0), ("d", 9), ("e", -1)]:
        world.server.write(key, {"id": key, "n": n})
        for item in world.settle():
            copy.apply(item)
        copy.is_in_step(world)
    world.lose()
    world.server.write("e", None)
    for item in world.settle():
        copy.apply(item)
    copy.is_in_step(world)


def compared(*batches: list[Any]) -> list[Any]:
    """What a program is told that knows rows a and b, when a new run sends this."""
    world = World(include_initial=True)
    for key in "ab":
        world.server.write(key, {"id": key, "n": 1})
    world.open()
    world.settle()
    view = world.feed._view
    assert view is not None
    view.begin()
    told: list[Any] = []
    for number, batch in enumerate(batches):
        reply: Row = {"t": 3, "r": batch}
        assert view.edit(reply, b"%d" % number)
        told += reply["r"]
    return told


A, B, C = ({"id": key, "n": 1} for key in "abc")
INITIALIZING, READY = {"state": "initializing"}, {"state": "ready"}


def test_rows_that_leave_the_scanned_part_may_come_again() -> None:
    moved = {"id": "a", "n": 9}
    scan = [INITIALIZING, {"new_val": A}, {"new_val": B}, {"old_val": A}]
    assert compared([*scan, {"new_val": moved}, READY]) == [{"old_val": A, "new_val": moved}]
    assert compared(scan, [{"new_val": A}, READY]) == []
    gone = [{"old_val": A, "new_val": None}]
    assert compared(scan, [READY]) == gone
    assert compared([*scan, READY]) == gone
    assert compared([INITIALIZING, {"old_val": C}, {"new_val": B}, {"new_val": A}, READY]) == []


def test_changes_in_the_midst_of_a_scan() -> None:
    other = {"id": "a", "n": 2}
    change = {"old_val": A, "new_val": other}
    assert compared([INITIALIZING, {"new_val": A}, change, {"new_val": B}, READY]) == [change]
    gone = {"old_val": A, "new_val": None}
    assert compared([{"new_val": A}, gone, {"new_val": B}, READY]) == [gone]
    unknown = {"old_val": C, "new_val": None}
    assert compared([{"new_val": A}, unknown, {"new_val": B}, READY]) == []
    swap = {"old_val": A, "new_val": C}
    assert compared([{"new_val": A}, swap, {"new_val": B}, READY]) == [
        gone,
        {"old_val": None, "new_val": C},
    ]


def test_one_document_that_comes_and_goes() -> None:
    for remember in ("rows", "digests"):
        world = World(kind="point", remember=remember, include_initial=True, include_types=True)
        world.open()
        assert world.take() == [{"new_val": None, "type": "initial"}]
        world.lose()
        world.server.write("a", {"id": "a", "n": 1})
        assert world.settle() == [{"old_val": None, "new_val": {"id": "a", "n": 1}, "type": "add"}]
        world.lose()
        assert world.settle() == []
        world.server.write("a", {"id": "a", "n": 2})
        world.settle()
        world.lose()
        world.server.write("a", None)
        (gone,) = world.settle()
        old = {"id": "a", "n": 2} if remember == "rows" else {"id": "a"}
        assert gone == {"old_val": old, "new_val": None, "type": "remove"}


def test_a_feed_that_shows_no_initial_values_opens_when_all_are_known() -> None:
    world = World()
    for key in "abcde":
        world.server.write(key, {"id": key, "n": 1})
    world.open()
    assert not world.feed.opened.done()
    world.server.write("e", {"id": "e", "n": 2})
    world.serve()
    assert world.feed.opened.result() is world.feed
    assert world.settle() == []
    world.server.write("e", {"id": "e", "n": 3})
    (item,) = world.settle()
    assert item == {"old_val": {"id": "e", "n": 2}, "new_val": {"id": "e", "n": 3}}


def test_a_loss_before_all_initial_values_were_seen() -> None:
    world = World(include_initial=True, include_states=True, include_types=True)
    for key in "abcde":
        world.server.write(key, {"id": key, "n": 1})
    world.open()
    seen = world.take()
    assert [item["type"] for item in seen] == ["state", "initial", "initial"]
    world.lose()
    world.server.write("a", None)
    world.server.write("b", {"id": "b", "n": 2})
    items = world.settle()
    kinds = [(item["type"], (item.get("new_val") or {}).get("id")) for item in items]
    assert kinds == [
        ("change", "b"),
        ("initial", "c"),
        ("initial", "d"),
        ("initial", "e"),
        ("remove", None),
        ("state", None),
    ]
    assert items[-1]["state"] == "ready"
    world.lose()
    assert world.settle() == []


def test_many_rows_that_have_gone_are_told_as_the_consumer_takes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views, "GONE_AT_ONCE", 10)
    world = World(include_initial=True, include_states=True)
    world.batch = 40
    rows = {f"{number:02}": {"id": f"{number:02}", "n": 1} for number in range(35)}
    world.server.rows.update(rows)
    world.open()
    assert len(world.settle()) == 37
    world.lose()
    world.server.rows.clear()
    world.server.write("new", {"id": "new", "n": 1})
    items = world.take(1)
    most = 0
    while taken := world.take(1):
        most = max(most, len(world.feed.buffer))
        items += taken
        if len(items) == 5:
            world.server.write("09", {"id": "09", "n": 7})
            world.server.write("34", {"id": "34", "n": 7})
            world.serve()
    assert most <= 22
    copy = Copy("table", rows)
    for item in items:
        copy.apply(item)
    copy.is_in_step(world)


def test_a_consumer_that_stands_still_holds_two_batches_however_often_links_are_lost() -> None:
    for resume in ("diff", "restart"):
        world = World(resume=resume, include_initial=True)
        world.batch = 10
        for number in range(100):
            world.server.write(f"{number:03}", {"id": f"{number:03}", "n": 1})
        world.open()
        world.serve(10)
        for _ in range(50):
            world.lose()
            world.serve(10)
        assert len(world.feed.buffer) <= 42
        assert world.runs <= 3


def test_a_batch_decoded_twice_is_told_once() -> None:
    """A signal handler may raise in the midst of it: then the same payload is decoded again."""
    world = World(include_initial=True)
    for key in "ab":
        world.server.write(key, {"id": key, "n": 1})
    world.open()
    world.settle()
    world.lose()
    world.server.write("a", {"id": "a", "n": 2})
    world.follows_at_once = True
    waiter = world.feed.next()
    world.act()
    assert waiter.result()["new_val"] == {"id": "a", "n": 2}
    assert world.link is not None
    decode = world.link.stream.query.decode
    world.lose()
    world.server.write("a", {"id": "a", "n": 3})
    world.server.write("b", None)
    view = world.feed._view
    assert view is not None
    view.begin()
    batches = [
        b'{"t":3,"r":[{"state":"initializing"},{"new_val":{"id":"a","n":3}},{"state":"ready"}]}',
        b'{"t":3,"r":[]}',
    ]
    for payload in batches:
        first, second = decode(payload).results, decode(payload).results
        assert first == second
        if payload is batches[0]:
            assert [item["new_val"] for item in first] == [{"id": "a", "n": 3}, None]


def test_servers_model_knows_uninitial_rows() -> None:
    """The model does what a real server does, so that the tests above mean something."""
    server = Server()
    for key in "ab":
        server.write(key, {"id": key, "n": 1})
    changes = Changes(server, {"include_initial": True}, "index", lambda row: True)
    server.feeds.append(changes)
    changes.scan(1)
    server.write("a", {"id": "a", "n": 9})
    changes.scan(5)
    assert [sorted(item) for item in changes.queue] == [
        ["new_val"],
        ["old_val"],
        *[["new_val"]] * 2,
    ]


def test_a_decoder_of_the_program_gets_what_is_told() -> None:
    class Decoder(r.ReQLDecoder):
        def convert_time(self, obj: Any) -> Any:
            return obj["epoch_time"]

    time = {"$reql_type$": "TIME", "epoch_time": 5, "timezone": "+00:00"}
    world = World(decoder=Decoder, include_initial=True)
    world.server.write("a", {"id": "a", "at": time, "n": 1})
    world.open()
    assert world.settle() == [{"new_val": {"id": "a", "at": 5, "n": 1}}]
    world.lose()
    world.server.write("a", {"id": "a", "at": {**time, "epoch_time": 6}, "n": 1})
    assert world.settle() == [
        {"old_val": {"id": "a", "at": 5, "n": 1}, "new_val": {"id": "a", "at": 6, "n": 1}}
    ]
