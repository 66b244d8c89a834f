"""Databases, tables, and rows picked by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlNonExistenceError, ReqlOpFailedError, ReqlQueryLogicError
from rethinkdb.ql2 import TermType

from .support import Failure, RawClient, outcome

BAD_NAME = "invalid (Use A-Z, a-z, 0-9, _ and - only)."

Query = Callable[[Any], Any]
"""From a table to a query on it."""


@pytest.fixture(scope="module")
def films(server: Any) -> Iterator[Any]:
    """A table: five rows, an index on `n`, a multi index on `tags`, a compound one, a geo one."""
    name = "selecting_films"
    with r.connect(host=server.host, port=server.port) as conn:
        table = r.table(name)
        r.table_create(name).run(conn)
        table.index_create("n").run(conn)
        table.index_create("tags", multi=True).run(conn)
        table.index_create("pair", [r.row["n"], r.row["id"]]).run(conn)
        table.index_create("place", geo=True).run(conn)
        table.index_wait().run(conn)
        table.insert(
            [{"id": id_, "n": id_ % 2, "tags": ["a"] * id_} for id_ in range(1, 5)] + [{"id": "x"}]
        ).run(conn)
        yield table
        r.table_drop(name).run(conn)


def ids(query: Any) -> Any:
    return query.map(lambda row: row["id"]).coerce_to("array")


PICKED: dict[str, tuple[Query, Any]] = {
    "one row": (lambda t: t.get(1)["n"], 1),
    "no row": (lambda t: t.get(9), None),
    "no row, as an object": (
        lambda t: t.get(9)["n"],
        Failure(
            ReqlNonExistenceError, "Cannot perform bracket on a non-object non-sequence `null`."
        ),
    ),
    "several keys": (lambda t: ids(t.get_all(3, 1).order_by("id")), [1, 3]),
    "a key as often as it is named": (lambda t: ids(t.get_all(2, 2, 9)), [2, 2]),
    "no keys": (lambda t: ids(t.get_all()), []),
    "by an index": (lambda t: ids(t.get_all(1, index="n").order_by("id")), [1, 3]),
    "by a multi index": (
        lambda t: ids(t.get_all("a", index="tags").order_by("id")),
        [1] + [2] * 2 + [3] * 3 + [4] * 4,
    ),
    "by a compound index": (lambda t: ids(t.get_all([0, 4], index="pair")), [4]),
    "between": (lambda t: ids(t.between(2, 4).order_by("id")), [2, 3]),
    "between, bounds turned around": (
        lambda t: ids(t.between(2, 4, left_bound="open", right_bound="closed").order_by("id")),
        [3, 4],
    ),
    "between, one side": (lambda t: ids(t.between(4, r.maxval).order_by("id")), [4, "x"]),
    "between by an index": (
        lambda t: ids(t.between(0, 1, index="n").order_by("id")),
        [2, 4],
    ),
    "between by part of a compound index": (
        lambda t: ids(t.between([1, r.minval], [1, r.maxval], index="pair").order_by(index="pair")),
        [1, 3],
    ),
    "between, empty": (lambda t: t.between(4, 2).count(), 0),
    "between, empty by an index there is not": (lambda t: t.between(2, 1, index="?").count(), 0),
    "a key that is too long, as a bound": (lambda t: t.between("x" * 300, "y").count(), 0),
}


@pytest.mark.parametrize(("query", "expected"), PICKED.values(), ids=PICKED)
def test_picking_rows(conn: Any, films: Any, query: Query, expected: Any) -> None:
    assert outcome(conn, query(films)) == expected


def test_to_old_drivers_null_is_no_bound(raw: RawClient, films: Any) -> None:
    between = [TermType.BETWEEN_DEPRECATED, [[TermType.TABLE, ["selecting_films"]], None, 3]]
    assert raw.run(1, [TermType.COUNT, [between]])["r"] == [2]


def failed(kind: type[Exception], message: str, *frames: Any) -> Failure:
    return Failure(kind, message, frames)  # type: ignore[arg-type]  # a Reql error, all of them


NOT_A_KEY = "Primary keys must be either a number, string, bool, pseudotype or array (got type {})"

REFUSED: dict[str, tuple[Query, Failure]] = {
    "get null": (
        lambda t: t.get(None),
        failed(ReqlNonExistenceError, NOT_A_KEY.format("NULL") + ":\nnull"),
    ),
    "get an object": (
        lambda t: t.get({}),
        failed(ReqlQueryLogicError, NOT_A_KEY.format("OBJECT") + ":\n{}"),
    ),
    "get_all null": (
        lambda t: t.get_all(1, None),
        failed(ReqlNonExistenceError, "Keys cannot be NULL.", 2),
    ),
    "get_all a geometry": (
        lambda t: t.get_all(r.point(1, 2)),
        failed(
            ReqlQueryLogicError,
            "Cannot use a geospatial index with `get_all`. Use `get_intersecting` instead.",
            1,
        ),
    ),
    "get_all an object": (
        lambda t: t.get_all({}).count(),
        failed(ReqlQueryLogicError, NOT_A_KEY.format("OBJECT") + ":\n{}", 0),
    ),
    "get_all an object by an index": (
        lambda t: t.get_all({}, index="n").count(),
        failed(
            ReqlQueryLogicError,
            "Secondary keys must be a number, string, bool, pseudotype, or array (got {} of type"
            " OBJECT).",
        ),
    ),
    "an index there is not": (
        lambda t: t.get_all(1, index="?").count(),
        failed(ReqlOpFailedError, "Index `?` was not found on table `test.selecting_films`."),
    ),
    "a geo index": (
        lambda t: t.between(1, 2, index="place").count(),
        failed(
            ReqlQueryLogicError,
            "Index `place` is a geospatial index.  Only get_nearest and get_intersecting can use a"
            " geospatial index.",
        ),
    ),
    "between null": (
        lambda t: t.between(1, None),
        failed(
            ReqlQueryLogicError,
            "Cannot use `null` in BETWEEN, use `r.minval` or `r.maxval` to denote unboundedness.",
            2,
        ),
    ),
    "between twice": (
        lambda t: t.between(1, 4).between(2, 3),
        failed(ReqlQueryLogicError, "Cannot perform multiple BETWEENs on the same table.", 0, 0),
    ),
    "between by another index": (
        lambda t: t.order_by(index="n").between(1, 2, index="tags"),
        failed(
            ReqlQueryLogicError,
            "Cannot call BETWEEN on index `tags` after ordering on index `n`.",
            0,
            0,
        ),
    ),
    "bounds of another kind": (
        lambda t: t.between(1, 2, left_bound="ajar"),
        failed(
            ReqlQueryLogicError,
            'Expected `open` or `closed` for optarg `left_bound` (got `"ajar"`).',
        ),
    ),
    "read mode": (
        lambda t: r.table("selecting_films", read_mode="fast"),
        failed(
            ReqlQueryLogicError,
            'Read mode `fast` unrecognized (options are "majority", "single", and "outdated").',
        ),
    ),
    "identifier format": (
        lambda t: r.table("selecting_films", identifier_format="number"),
        failed(
            ReqlQueryLogicError,
            'Identifier format `number` unrecognized (options are "name" and "uuid").',
        ),
    ),
    "the old read mode": (
        lambda t: r.table("selecting_films", use_outdated=True),
        failed(
            ReqlQueryLogicError,
            "The `use_outdated` optarg is no longer supported.  Use the `read_mode` optarg"
            " instead.",
        ),
    ),
    "a table there is not": (
        lambda t: r.table("selecting_nothing").count(),
        failed(ReqlOpFailedError, "Table `test.selecting_nothing` does not exist.", 0),
    ),
    "a system table there is not": (
        lambda t: r.db("rethinkdb").table("nothing"),
        failed(ReqlOpFailedError, "Table `rethinkdb.nothing` does not exist."),
    ),
    "a database there is not": (
        lambda t: r.db("nothing_at_all").table("a"),
        failed(ReqlOpFailedError, "Database `nothing_at_all` does not exist.", 0),
    ),
    "a table name": (
        lambda t: r.db("test").table("a b"),
        failed(ReqlQueryLogicError, f"Table name `a b` {BAD_NAME}", 1),
    ),
    "a database name": (
        lambda t: r.db("").table("a"),
        failed(ReqlQueryLogicError, f"Database name `` {BAD_NAME}", 0, 0),
    ),
}


@pytest.mark.parametrize(("query", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_picked(conn: Any, films: Any, query: Query, expected: Failure) -> None:
    assert outcome(conn, query(films)) == expected


def test_the_database_of_the_connection_and_of_the_run(conn: Any, database: str) -> None:
    r.db(database).table_create("a").run(conn)
    assert r.table("a").count().run(conn, db=database) == 0
    conn.use(database)
    assert r.table("a").count().run(conn) == 0
    assert r.table_list().run(conn) == ["a"]
