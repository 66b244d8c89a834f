"""Rows that nothing sorts: in a real server's own order, or in another one each time.

All expectations are answers of a real server 2.4.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.embedded.data import shards

from .support import RawClient, embedded_only, result

COUNT = 30

WHOLE = [
    *(20, 4, 5, 3, 0, 1, 6, 25, 10, 9, 2, 8, 7, 26, 11, 14, 15, 13, 22, 27, 12, 17, 23, 16),
    *(19, 24, 29, 18, 21, 28),
]
"""The order of a scan over the primary keys 0 to 29."""

BY_PARTS = [
    *(20, 4, 25, 26, 27, 5, 10, 11, 12, 16, 18, 28, 3, 9, 14, 0, 2, 15, 17, 29, 1, 8, 13, 19),
    *(21, 6, 7, 22, 23, 24),
]
"""The parts of the table one after the other."""


@pytest.fixture(scope="module")
def rows(server: Any) -> Iterator[Any]:
    """A table of 30 rows, each with an index."""
    with r.connect(host=server.host, port=server.port) as conn:
        name = "rows_in_order"
        if name in r.table_list().run(conn):
            r.table_drop(name).run(conn)
        r.table_create(name).run(conn)
        table = r.table(name)
        table.index_create("g").run(conn)
        table.index_create("m", multi=True).run(conn)
        table.index_wait().run(conn)
        table.insert([{"id": i, "g": i % 3, "m": [i % 4, i % 5]} for i in range(COUNT)]).run(conn)
        yield table
        r.table_drop(name).run(conn)


def test_scans(conn: Any, rows: Any) -> None:
    for term in (
        rows["id"],
        rows.map(lambda row: row["id"]),
        rows.concat_map(lambda row: [row["id"]]),
        rows["id"].limit(COUNT),
        rows["id"].skip(0),
        rows["id"].union([]),
        r.map(rows["id"], r.range(), lambda x, _: x),
        rows["id"].fold(0, lambda n, _: n + 1, emit=lambda n, x, m: [x]),
        rows.distinct(index="id"),
    ):
        assert result(term.run(conn)) == WHOLE, term
    assert rows["id"].fold([], lambda found, x: found.append(x)).run(conn) == WHOLE
    assert [rows["id"].nth(n).run(conn) for n in (0, 3, 17)] == [WHOLE[n] for n in (0, 3, 17)]


def test_filters_leave_holes_in_the_parts(conn: Any, rows: Any) -> None:
    found = rows.filter(lambda row: row["id"] % 2 == 0)["id"].run(conn)
    assert list(found) == [20, 4, 10, 14, 0, 8, 6, 26, 12, 2, 22, 16, 24, 18, 28]


def test_rows_by_key_and_index(conn: Any, rows: Any) -> None:
    assert list(rows.get_all(3, 1, 20, 29, 1, 14)["id"].run(conn)) == [20, 3, 29, 1, 14, 1]
    assert list(rows.get_all(1, 0, index="g")["id"].run(conn)) == [
        *(27, 12, 3, 0, 21, 6, 4, 18, 9, 15, 1, 24, 25, 10, 16, 7, 13, 28, 22, 19),
    ]
    assert list(rows.between(10, 20)["id"].run(conn)) == [10, 14, 15, 13, 11, 17, 12, 19, 16, 18]
    assert list(rows.between(0, 1, index="m")["id"].run(conn)) == [
        *(20, 4, 5, 0, 8, 24, 20, 25, 10, 0, 12, 15, 16, 28),
    ]


def test_aggregations_see_the_parts_one_after_the_other(conn: Any, rows: Any) -> None:
    assert rows["id"].coerce_to("array").run(conn) == BY_PARTS
    small = rows["id"].filter(lambda x: x < 14)
    assert small.reduce(lambda a, b: [a, b]).run(conn) == [
        [[[[4, [[[5, 10], 11], 12]], [3, 9]], [0, 2]], [[1, 8], 13]],
        [6, 7],
    ]
    groups = rows.group("g")["id"].run(conn)
    assert groups == {g: [x for x in BY_PARTS if x % 3 == g] for g in range(3)}
    groups = rows.group(index="g")["id"].run(conn)
    assert groups == {g: [x for x in BY_PARTS if x % 3 == g] for g in range(3)}
    assert rows.min(lambda row: row["g"])["id"].run(conn) == 27
    assert rows.max("g")["id"].run(conn) == 20


def test_sums_of_the_parts_are_added(conn: Any, rows: Any) -> None:
    parts: dict[int, float] = dict.fromkeys(range(8), 0.0)
    for x in range(COUNT):
        parts[shards.shard_of_bytes(shards.stored_key(x))] += (x + 0.1) * 0.1
    assert rows.sum(lambda row: (row["id"] + 0.1) * 0.1).run(conn) == sum(parts.values())


def test_sorting_keeps_the_order_of_what_is_equal(conn: Any, rows: Any) -> None:
    expected = sorted(WHOLE, key=lambda x: x % 3)
    assert [row["id"] for row in rows.order_by("g").run(conn)] == expected
    assert list(rows.order_by(index="g")["id"].run(conn)) == sorted(
        range(COUNT), key=lambda x: (x % 3, x)
    )


def test_joins(conn: Any, rows: Any) -> None:
    left = r.expr([{"a": a, "n": n} for n, a in enumerate([3, 1, 3, 1, 25, 3])])
    found = left.eq_join("a", rows).map(lambda x: [x["left"]["a"], x["left"]["n"]]).run(conn)
    assert list(found) == [[1, 1], [1, 3], [3, 0], [3, 2], [3, 5], [25, 4]]
    found = left.eq_join("a", rows, ordered=True)["left"]["n"].run(conn)
    assert list(found) == [0, 1, 2, 3, 4, 5]
    assert list(rows.eq_join("id", rows)["left"]["id"].run(conn)) == WHOLE[::-1]


def changed(conn: Any, write: Any) -> list[Any]:
    return [(row["new_val"] or row["old_val"])["id"] for row in write.run(conn)["changes"]]


def test_writes(conn: Any, rows: Any) -> None:
    update = rows.update({"u": r.random()}, non_atomic=True, return_changes=True)
    assert changed(conn, update) == WHOLE
    update = rows.update(lambda row: {"v": row["id"]}, return_changes="always")
    assert changed(conn, update) == BY_PARTS
    last = rows.order_by(index=r.desc("id")).limit(6)
    assert changed(conn, last.update({"w": 1}, return_changes=True)) == [27, 26, 25, 28, 29, 24]
    each = rows.for_each(lambda row: rows.get(row["id"]).update({"x": 1}, return_changes=True))
    assert changed(conn, each) == WHOLE
    failing_for_some = r.branch(r.row["id"] % 7 == 3, r.error(r.row["id"].coerce_to("string")), {})
    assert rows.update(failing_for_some).run(conn)["first_error"] == "10"
    assert "\t17\n" in rows.insert([{"id": 24}, {"id": 17}]).run(conn)["first_error"]


def test_a_row_that_is_reached_twice(conn: Any, table: Any) -> None:
    table.index_create("m", multi=True).run(conn)
    table.index_wait().run(conn)
    table.insert({"id": 1, "m": ["p", "q"]}).run(conn)
    outcome = table.get_all("p", "q", index="m").delete().run(conn)
    assert (outcome["deleted"], outcome["skipped"]) == (1, 1)


def test_small_batches(raw: RawClient, rows: Any) -> None:
    """Each is put together for itself: a row or more from each part."""
    term = rows["id"].build()
    reply = raw.run(1, term, max_batch_rows=3)
    found = list(reply["r"])
    while reply["t"] == 3:
        reply = raw.ask(1, [2])
        found += reply["r"]
    assert found == [
        *(20, 4, 5, 3, 0, 1, 6, 25, 10, 9, 2, 8, 7, 26, 11, 14, 15, 13, 22, 27, 12, 17, 19, 23),
        *(16, 29, 21, 24, 18, 28),
    ]


KEYS: dict[str, tuple[list[Any], list[int]]] = {
    "mixed": (
        [True, False, 1, 0, -1.5, 1e300, 2.5, "", "é", "日本"],
        [9, 1, 5, 3, 2, 4, 0, 6, 7, 8],
    ),
    "times": (
        [r.epoch_time(n * 1000.5) for n in range(20)],
        [18, 2, 9, 0, 5, 1, 3, 6, 13, 4, 8, 10, 7, 19, 14, 11, 17, 12, 15, 16],
    ),
    "bytes": (
        [r.binary(bytes([n, 0, 1, 255])) for n in range(20)],
        [0, 15, 1, 7, 2, 3, 6, 5, 9, 13, 8, 4, 14, 19, 11, 10, 17, 16, 12, 18],
    ),
    "arrays": (
        [[n, "a", True] for n in range(20)],
        [1, 0, 18, 5, 4, 2, 12, 3, 10, 7, 6, 15, 17, 8, 11, 9, 13, 14, 16, 19],
    ),
}


@pytest.mark.parametrize(("keys", "expected"), KEYS.values(), ids=KEYS)
def test_keys_of_all_types(conn: Any, table: Any, keys: list[Any], expected: list[int]) -> None:
    table.insert([{"id": key, "n": n} for n, key in enumerate(keys)]).run(conn)
    assert list(table["n"].run(conn)) == expected


def test_a_geospatial_index_holds_points_along_a_curve(conn: Any, table: Any) -> None:
    table.index_create("p", geo=True).run(conn)
    table.index_wait().run(conn)
    places = [((n * 37) % 7 - 3, (n * 11) % 5 - 2) for n in range(40)]
    table.insert([{"id": n, "p": r.point(*place)} for n, place in enumerate(places)]).run(conn)
    area = r.circle(r.point(0, 0), 250_000)
    assert list(table.get_intersecting(area, index="p")["id"].run(conn)) == [
        *(30, 33, 11, 9, 15, 1, 22, 27, 32, 29, 23, 26, 18, 36, 2, 6, 12, 8, 37, 16, 19, 5, 13),
    ]
    near = table.get_nearest(r.point(0, 0), index="p", max_dist=300_000)
    assert [row["doc"]["id"] for row in near.run(conn)] == [
        *(12, 33, 26, 2, 37, 22, 16, 1, 36, 8, 23, 5, 19, 27, 32, 30, 9, 15, 29, 11, 18, 13, 6),
    ]


# -- shuffled


@embedded_only
def test_another_order_each_time() -> None:
    with Server(order="shuffled") as server, r.connect(server.host, server.port) as conn:
        r.table_create("t").run(conn)
        table = r.table("t")
        table.index_create("g").run(conn)
        table.insert([{"id": n, "g": n % 2} for n in range(50)]).run(conn)
        for term in (table["id"], table.get_all(0, 1, index="g")["id"], table.between(0, 60)["id"]):
            found = [list(term.run(conn)) for _ in range(5)]
            assert all(sorted(ids) == list(range(50)) for ids in found)
            assert len({tuple(ids) for ids in found}) > 1
        assert list(table.order_by(index="id")["id"].run(conn)) == list(range(50))
        assert table.update({"x": 1}).run(conn)["replaced"] == 50


@embedded_only
def test_unknown_orders_are_refused() -> None:
    with pytest.raises(ValueError, match='`order` must be "real" or "shuffled", not \'sorted\''):
        Server(order="sorted")  # type: ignore[arg-type]  # as an untyped program calls it
