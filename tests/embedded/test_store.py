"""Tables without any query: reading in order while others write, indexes, watching, keys."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from rethinkdb.embedded import limits
from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL
from rethinkdb.embedded.data.values import TableSlice
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.language.evaluation import Environment
from rethinkdb.embedded.storage import keys, tables
from rethinkdb.embedded.storage.indexes import CHUNK_SIZE, Index, IndexDefinition, Range
from rethinkdb.embedded.storage.store import Store, StoredTable
from rethinkdb.embedded.storage.tables import BUILT_AT_ONCE, build_index
from rethinkdb.embedded.storage.watchers import Change, Where
from rethinkdb.embedded.system.catalogue import SYSTEM_TABLES

from .support import PATIENCE


@pytest.fixture
def store() -> Store:
    return Store(SYSTEM_TABLES)


@pytest.fixture
def heroes(store: Store) -> StoredTable:
    return store.create_table("test", "heroes")


def put(table: StoredTable, *rows: dict[str, Any]) -> None:
    for row in rows:
        key = keys.primary_key(row["id"])
        with table.lock:
            table.put(key, table.rows.get(key), row)


def remove(table: StoredTable, key: Any) -> None:
    row_key = keys.primary_key(key)
    with table.lock:
        table.put(row_key, table.rows[row_key], None)


def ids(chunks: Iterable[list[Any]]) -> list[Any]:
    return [row["id"] for chunk in chunks for row in chunk]


def by(field: str, **properties: bool) -> Index:
    def value(row: Any) -> Any:
        if field not in row:
            raise QueryFailure(None, "no such field")  # type: ignore[arg-type]  # caught by the index
        return row[field]

    return Index(field, IndexDefinition(value, **properties))


def indexed(table: StoredTable, index: Index) -> Index:
    with table.lock:
        build_index(table, index)
    assert index.wait(PATIENCE)
    return index


class Watcher:
    """Notes what a table tells."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.dropped = False

    def __call__(self, change: Change) -> None:
        self.changes.append(change)

    def table_dropped(self) -> None:
        self.dropped = True


# -- rows in the order of their keys


def test_rows_come_in_the_order_of_their_keys(heroes: StoredTable) -> None:
    put(heroes, *({"id": key} for key in (b"x", "a", 2, 1.5, True, [1], -1)))
    assert ids(heroes.in_order()) == [[1], True, -1, 1.5, 2, b"x", "a"]
    assert ids(heroes.in_order(descending=True)) == ["a", b"x", 2, 1.5, -1, True, [1]]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Range(2, True, 4, False), [2, 3]),
        (Range(2, False, 4, True), [3, 4]),
        (Range(MINVAL, True, 2, True), [1, 2]),
        (Range(4, True, MAXVAL, True), [4, 5]),
        (Range(2.5, True, 2.6, True), []),
    ],
)
def test_ranges(heroes: StoredTable, bounds: Range, expected: list[int]) -> None:
    put(heroes, *({"id": key} for key in range(1, 6)))
    assert ids(heroes.in_order(bounds)) == expected
    assert ids(heroes.in_order(bounds, descending=True)) == expected[::-1]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("count", [CHUNK_SIZE - 1, CHUNK_SIZE, 3 * CHUNK_SIZE + 1])
def test_long_reads_take_no_row_twice(heroes: StoredTable, count: int, descending: bool) -> None:
    put(heroes, *({"id": key} for key in range(count)))
    found = ids(heroes.in_order(descending=descending))
    assert found == sorted(range(count), reverse=descending)


def test_a_read_goes_on_after_the_last_row_whatever_is_written(heroes: StoredTable) -> None:
    put(heroes, *({"id": key} for key in range(2 * CHUNK_SIZE)))
    chunks = heroes.in_order()
    first = next(chunks)
    remove(heroes, first[-1]["id"])
    remove(heroes, 2 * CHUNK_SIZE - 1)
    put(heroes, {"id": -1}, {"id": 5 * CHUNK_SIZE})
    assert ids(chunks) == [*range(CHUNK_SIZE, 2 * CHUNK_SIZE - 1), 5 * CHUNK_SIZE]


def test_rows_removed_before_and_after_a_read(heroes: StoredTable) -> None:
    put(heroes, {"id": 1}, {"id": 2}, {"id": 3})
    remove(heroes, 1)
    assert ids(heroes.in_order()) == [2, 3]
    remove(heroes, 3)
    put(heroes, {"id": 0})
    assert ids(heroes.in_order()) == [0, 2]


def test_reading_through_the_store(store: Store) -> None:
    table = store.create_table("test", "t")
    put(table, *({"id": key, "n": key % 2} for key in range(4)))
    opened, environment = store.open_table("test", "t"), Environment(store, now=None)
    indexed(table, by("n"))

    def read(**slice_: Any) -> list[int]:
        return [row["id"] for row in store.read(TableSlice(opened, **slice_), environment)]

    assert sorted(read(keys=(3, 1, 3, 9))) == [1, 3, 3]
    assert sorted(read(index="n", keys=(1,))) == [1, 3]
    assert read(index="n", sorting="desc") == [3, 1, 2, 0]
    assert read(left=3, right=1) == []


# -- indexes


def test_an_index_follows_writes(heroes: StoredTable) -> None:
    index = indexed(heroes, by("n"))
    put(heroes, {"id": 1, "n": 5}, {"id": 2, "n": 5}, {"id": 3}, {"id": 4, "n": None})
    assert ids(heroes.in_index_order(index)) == [1, 2]
    put(heroes, {"id": 1, "n": 9})
    remove(heroes, 2)
    put(heroes, {"id": 3, "n": 7})
    assert ids(heroes.in_index_order(index, descending=True)) == [1, 3]
    assert heroes.under(index, 9) == [{"id": 1, "n": 9}]


@pytest.mark.parametrize(
    ("value", "multi", "expected"),
    [
        (1, False, [1]),
        ([1, "a"], False, [[1, "a"]]),
        ([1, None], False, []),
        ([1, None, {}, 1], True, [1, 1]),
        ({"a": 1}, False, []),
        (None, True, []),
        ("x" * 1000, False, ["x" * 1000]),
        (MINVAL, False, []),
    ],
)
def test_what_is_indexed(value: Any, multi: bool, expected: list[Any]) -> None:
    assert by("n", multi=multi).values({"id": 1, "n": value}) == expected


def test_a_row_stands_under_each_value_of_a_multi_index(heroes: StoredTable) -> None:
    index = indexed(heroes, by("tags", multi=True))
    put(heroes, {"id": 1, "tags": ["b", "a", "b"]}, {"id": 2, "tags": "a"})
    assert ids(heroes.in_index_order(index)) == [1, 2, 1, 1]
    put(heroes, {"id": 1, "tags": []})
    assert ids(heroes.in_index_order(index)) == [2]


def test_bounds_of_an_index_take_or_leave_all_rows_of_a_value(heroes: StoredTable) -> None:
    index = indexed(heroes, by("n"))
    put(heroes, *({"id": key, "n": key // 2} for key in range(6)))
    assert ids(heroes.in_index_order(index, Range(0, False, 2, False))) == [2, 3]
    assert ids(heroes.in_index_order(index, Range(1, True, 2, True))) == [2, 3, 4, 5]


def test_a_large_index_is_built_while_others_write(heroes: StoredTable) -> None:
    count = BUILT_AT_ONCE + 2 * CHUNK_SIZE
    put(heroes, *({"id": key, "n": 0} for key in range(count)))
    index = by("n")
    with heroes.lock:  # nothing is built while we hold it
        build_index(heroes, index)
        assert not index.ready
        assert index.progress < 1
        put(heroes, {"id": 0, "n": 1}, {"id": -5, "n": 1})
        remove(heroes, count - 1)
    assert index.wait(PATIENCE)
    assert index.progress == 1
    assert ids(heroes.in_index_order(index)) == [*range(1, count - 1), -5, 0]


def test_building_stops_for_an_index_that_is_dropped(heroes: StoredTable) -> None:
    put(heroes, *({"id": key} for key in range(BUILT_AT_ONCE + 1)))
    index = by("id")
    with heroes.lock:
        build_index(heroes, index)
        del heroes.indexes["id"]
    for thread in threading.enumerate():
        if thread.name == "rethinkdb-index-id":
            thread.join(PATIENCE)
    assert not index.ready


# -- watching


def test_watching(heroes: StoredTable) -> None:
    first, second = Watcher(), Watcher()
    unwatch = heroes.watch(first)
    heroes.watch(second)
    put(heroes, {"id": 1, "n": 1}, {"id": 1, "n": 2})
    unwatch()
    unwatch()
    remove(heroes, 1)
    changes = [
        Change(1, None, {"id": 1, "n": 1}),
        Change(1, {"id": 1, "n": 1}, {"id": 1, "n": 2}),
        Change(1, {"id": 1, "n": 2}, None),
    ]
    assert first.changes == changes[:2]
    assert second.changes == changes


def test_watching_some_rows(heroes: StoredTable) -> None:
    one, two_or_three, named = Watcher(), Watcher(), Watcher()
    unwatch = heroes.watch(one, Where(None, frozenset({datum.order_key(1)})))
    heroes.watch(two_or_three, Where(None, frozenset(map(datum.order_key, (2, 3)))))
    heroes.watch(named, Where("name", frozenset({datum.order_key("x")})))
    put(heroes, {"id": 1, "name": "x"}, {"id": 1, "name": "y"}, {"id": 1, "name": ["x"]})
    put(heroes, {"id": 3, "name": "x"}, {"id": 3, "name": "x", "n": 1}, {"id": 4})
    unwatch()
    unwatch()
    remove(heroes, 1)
    assert [change.new for change in one.changes] == [
        {"id": 1, "name": "x"},
        {"id": 1, "name": "y"},
        {"id": 1, "name": ["x"]},
    ]
    assert [change.key for change in two_or_three.changes] == [3, 3]
    assert [(change.old, change.new) for change in named.changes] == [
        (None, {"id": 1, "name": "x"}),
        ({"id": 1, "name": "x"}, {"id": 1, "name": "y"}),
        (None, {"id": 3, "name": "x"}),
        ({"id": 3, "name": "x"}, {"id": 3, "name": "x", "n": 1}),
    ]
    heroes.end_feeds()
    assert (one.dropped, two_or_three.dropped, named.dropped) == (False, True, True)
    assert not heroes.watched


def test_dropping_tells_those_who_watch(store: Store) -> None:
    watchers = [Watcher(), Watcher()]
    store.create_database("films")
    for name, watcher in zip("ab", watchers, strict=True):
        store.create_table("films", name).watch(watcher)
    store.drop_table("films", "a")
    assert [watcher.dropped for watcher in watchers] == [True, False]
    store.drop_database("films")
    assert [watcher.dropped for watcher in watchers] == [True, True]


def test_system_tables_tell_what_has_changed(store: Store) -> None:
    watcher = Watcher()
    store.system_table("db_config").watch(watcher)
    created = store.create_database("films")
    store.create_table("films", "a")
    row = {"id": created.id, "name": "films"}
    assert watcher.changes == [Change(created.id, None, row)]


# -- keys


@pytest.mark.parametrize(
    "value",
    ["", "x" * 127, "é" * 63, 0, -0.0, 1.5, True, b"\0", [], [1, ["a", True]], b"x" * 120],
)
def test_primary_keys(value: Any) -> None:
    assert keys.primary_key(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x" * 128, "Primary key too long (max 127 characters)"),
        ("é" * 64, "Primary key too long"),
        ([1] * 10, "Primary key too long"),
        ("a\0b", 'String "a\\x00b" (truncated) contains NULL byte at offset 1 in index key.'),
        (["\0"], "contains NULL byte at offset 0"),
        (None, "Primary keys must be either a number"),
        ({"a": 1}, "(got type OBJECT)"),
        ([None], "Array keys can only contain"),
        ([{}], "(got {} of type OBJECT)"),
        ({"$reql_type$": "GEOMETRY"}, "Cannot use a geometry value as a key value"),
    ],
)
def test_what_cannot_be_a_primary_key(value: Any, message: str) -> None:
    with pytest.raises(QueryFailure) as caught:
        keys.primary_key(value)
    assert message in caught.value.message


def test_generated_keys_are_random_uuids() -> None:
    found = {keys.new_uuid() for _ in range(100)}
    assert len(found) == 100
    assert all(len(key) == 36 and key[14] == "4" and key[19] in "89ab" for key in found)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": 1, "a": [{"b": "c"}], "d": b"x", "e": None}, None),
        ({"a": [{"b": MINVAL}]}, "`r.minval` and `r.maxval` cannot be written to disk."),
        ({"a": {"b": [0] * 100_001}}, "Array too large for disk writes (limit 100,000 elements)."),
        ({"a": [0] * 100_000}, None),
    ],
)
def test_what_can_be_stored(row: Any, problem: str | None) -> None:
    if problem is None:
        tables.check_storable(row)
        return
    with pytest.raises(QueryFailure) as caught:
        tables.check_storable(row)
    assert caught.value.message == problem


def _doubled(value: Any) -> Any:
    for _ in range(200):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    "row",
    [
        {"a": "x" * 60_000, "b": ["x" * 60_000]},
        {"a": b"x" * 110_000},
        {"a" * 110_000: 1},
        {"a": [0] * 60_000},
        {"a": _doubled(0)},
        {"a": {"b": _doubled("x")}},
    ],
    ids=["texts", "bytes", "name", "numbers", "doubled", "doubled text"],
)
def test_documents_that_are_too_large(row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_DOCUMENT", 100_000)
    with pytest.raises(QueryFailure) as caught:
        tables.check_storable(row)
    assert "The document would have more than 100000 characters" in caught.value.message


def test_large_documents_that_can_be_stored() -> None:
    part = ["x" * 1000] * 1000
    tables.check_storable({"a": part, "b": [part, part], "c": [0] * 100_000})
