"""Writing documents: what comes of it, what is reported, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import (
    ReqlNonExistenceError,
    ReqlQueryLogicError,
    ReqlServerCompileError,
    ReqlUserError,
)

from .cases import wrong
from .support import Failure, outcome

Query = Callable[[Any], Any]


def counts(**given: Any) -> dict[str, Any]:
    """A result: all zero but what is given."""
    zero = dict.fromkeys(("deleted", "errors", "inserted", "replaced", "skipped", "unchanged"), 0)
    return {**zero, **given}


def change(old: Any, new: Any, **error: str) -> dict[str, Any]:
    return {"old_val": old, "new_val": new, **error}


ADA = {"id": 1, "name": "Ada", "at": {"city": "Rome"}}
BOB = {"id": 2, "name": "Bob"}


@pytest.fixture
def people(conn: Any, table: Any) -> Any:
    """A table with two rows."""
    table.insert([ADA, BOB]).run(conn)
    return table


def rows(conn: Any, table: Any) -> list[Any]:
    return list(table.order_by(index="id").run(conn))


# -- inserting


def test_insert(conn: Any, table: Any) -> None:
    assert table.insert(ADA).run(conn) == counts(inserted=1)
    assert table.insert([BOB, {"id": 3}]).run(conn) == counts(inserted=2)
    assert table.insert(r.range(10, 12).map({"id": r.row})).run(conn) == counts(inserted=2)
    assert rows(conn, table) == [ADA, BOB, {"id": 3}, {"id": 10}, {"id": 11}]


def test_missing_keys_are_generated(conn: Any, table: Any) -> None:
    result = table.insert([{"a": 1}, {"id": 5}, {"a": 2}]).run(conn)
    assert result["inserted"] == 3
    assert [table.get(key)["a"].run(conn) for key in result["generated_keys"]] == [1, 2]


def test_generated_keys_beyond_the_array_limit_are_left_out(conn: Any, table: Any) -> None:
    result = table.insert(r.range(5).map(lambda i: {})).run(conn, array_limit=3)
    assert result["inserted"] == 5
    assert len(result["generated_keys"]) == 3
    assert result["warnings"] == ["Too many generated keys (5), array truncated to 3."]


def test_changes_beyond_the_array_limit_are_left_out(conn: Any, table: Any) -> None:
    query = table.insert(r.range(5).map({"id": r.row}), return_changes=True)
    result = query.run(conn, array_limit=3)
    assert result["inserted"] == 5
    assert len(result["changes"]) == 3
    assert result["warnings"] == ["Too many changes, array truncated to 3."]


DUPLICATE = 'Duplicate primary key `id`:\n{\n\t"id":\t2,\n\t"name":\t"Bob"\n}\n{\n\t"id":\t2\n}'
NO_OBJECT = "Expected type OBJECT but found NUMBER."

CONFLICTS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "error": ("error", {"id": 2}, counts(errors=1, first_error=DUPLICATE, changes=[])),
    "replace": (
        "replace",
        {"id": 2, "a": 1},
        counts(replaced=1, changes=[change(BOB, {"id": 2, "a": 1})]),
    ),
    "replace by the same": ("replace", BOB, counts(unchanged=1, changes=[])),
    "update": (
        "update",
        {"id": 2, "a": 1},
        counts(replaced=1, changes=[change(BOB, {**BOB, "a": 1})]),
    ),
    "update by nothing new": ("update", {"id": 2}, counts(unchanged=1, changes=[])),
    "a function": (
        lambda key, old, new: new.merge({"was": old["name"], "key": key}),
        {"id": 2},
        counts(replaced=1, changes=[change(BOB, {"id": 2, "was": "Bob", "key": "id"})]),
    ),
    "a function that deletes": (
        lambda key, old, new: None,
        {"id": 2},
        counts(deleted=1, changes=[change(BOB, None)]),
    ),
    "a function that fails": (
        lambda key, old, new: r.error("no"),
        {"id": 2},
        counts(errors=1, first_error="no", changes=[]),
    ),
}


@pytest.mark.parametrize(("conflict", "document", "expected"), CONFLICTS.values(), ids=CONFLICTS)
def test_conflicts(
    conn: Any, people: Any, conflict: Any, document: Any, expected: dict[str, Any]
) -> None:
    query = people.insert(document, conflict=conflict, return_changes=True)
    assert query.run(conn) == expected


def test_all_is_reported_on_demand(conn: Any, people: Any) -> None:
    query = people.insert([{"id": 3}, {"id": 2}, 7], return_changes="always")
    assert query.run(conn) == counts(
        inserted=1,
        errors=2,
        first_error=NO_OBJECT,
        changes=[
            change(None, {"id": 3}),
            change(BOB, BOB, error=DUPLICATE),
            change(None, None, error=NO_OBJECT),
        ],
    )


def test_nothing_to_insert_leaves_out_the_changes(conn: Any, table: Any) -> None:
    assert table.insert([], return_changes=True).run(conn) == counts()


def test_of_documents_that_all_are_refused_one_is_reported(conn: Any, table: Any) -> None:
    result = table.insert([1, 2], return_changes=True).run(conn)
    assert result == counts(
        errors=2, first_error=NO_OBJECT, changes=[change(None, None, error=NO_OBJECT)]
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (["a"], "Expected type OBJECT but found STRING."),
        (r.epoch_time(1), "Inserted object must have primary key `id`:\n"),
        ({"id": None}, "Primary keys must be either"),
        ({"id": "x" * 128}, "Primary key too long (max 127 characters)"),
        ({"id": 1, "a": r.minval}, "`r.minval` and `r.maxval` cannot be written to disk."),
    ],
)
def test_documents_that_cannot_be_stored(
    conn: Any, table: Any, document: Any, message: str
) -> None:
    result = table.insert(document).run(conn)
    assert result["errors"] == 1
    assert message in result["first_error"]
    assert rows(conn, table) == []


# -- changing


CHANGED: dict[str, tuple[Query, dict[str, Any]]] = {
    "update a row": (
        lambda t: t.get(2).update({"name": "Rob"}, return_changes=True),
        counts(replaced=1, changes=[change(BOB, {"id": 2, "name": "Rob"})]),
    ),
    "update deeply": (
        lambda t: t.get(1).update({"at": {"zip": 1}}, return_changes=True),
        counts(replaced=1, changes=[change(ADA, {**ADA, "at": {"city": "Rome", "zip": 1}})]),
    ),
    "update with a literal": (
        lambda t: t.get(1).update({"at": r.literal({"zip": 1})}, return_changes=True),
        counts(replaced=1, changes=[change(ADA, {**ADA, "at": {"zip": 1}})]),
    ),
    "update with an empty literal": (
        lambda t: t.get(1).update({"at": r.literal()}, return_changes=True),
        counts(replaced=1, changes=[change(ADA, {"id": 1, "name": "Ada"})]),
    ),
    "update by a function": (
        lambda t: t.update(lambda row: {"twice": row["id"] * 2}),
        counts(replaced=2),
    ),
    "update by r.row": (lambda t: t.get(1).update({"n": r.row["id"]}), counts(replaced=1)),
    "update by null": (lambda t: t.update(None), counts(unchanged=2)),
    "update by nothing new": (lambda t: t.update({"name": "Bob"}), counts(replaced=1, unchanged=1)),
    "update no row": (
        lambda t: t.get(9).update({"a": 1}, return_changes="always"),
        counts(skipped=1, changes=[change(None, None)]),
    ),
    "update by no object": (
        lambda t: t.get(1).update(5),
        counts(errors=1, first_error="Inserted value must be an OBJECT (got NUMBER):\n5"),
    ),
    "a literal as the whole": (
        lambda t: t.get(1).update(lambda row: r.literal({"a": 1})),
        counts(
            errors=1,
            first_error="Stray literal keyword found: literal is only legal inside of the object"
            " passed to merge or update and cannot nest inside other literals.",
        ),
    ),
    "failures of update are those of rows": (
        lambda t: t.update(r.error("no")),
        counts(errors=2, first_error="no"),
    ),
    "failed rows are reported on demand": (
        lambda t: (
            t.get(2).update(lambda row: row["x"], return_changes="always").without("first_error")
        ),
        counts(
            errors=1,
            changes=[
                change(
                    BOB,
                    BOB,
                    error='No attribute `x` in object:\n{\n\t"id":\t2,\n\t"name":\t"Bob"\n}',
                )
            ],
        ),
    ),
    "replace": (
        lambda t: t.get(2).replace({"id": 2}, return_changes=True),
        counts(replaced=1, changes=[change(BOB, {"id": 2})]),
    ),
    "replace all": (lambda t: t.replace(lambda row: row.pluck("id")), counts(replaced=2)),
    "replace no row": (lambda t: t.get(9).replace({"id": 9}), counts(inserted=1)),
    "replace by null": (
        lambda t: t.get(2).replace(None, return_changes=True),
        counts(deleted=1, changes=[change(BOB, None)]),
    ),
    "replace takes away the key": (
        lambda t: t.get(2).replace({"a": 1}),
        counts(
            errors=1, first_error='Inserted object must have primary key `id`:\n{\n\t"a":\t1\n}'
        ),
    ),
    "replace changes the key": (
        lambda t: t.get(2).replace({"id": 3}),
        counts(
            errors=1,
            first_error='Primary key `id` cannot be changed (`{\n\t"id":\t2,\n\t"name":\t"Bob"\n}`'
            ' -> `{\n\t"id":\t3\n}`).',
        ),
    ),
    "replace nothing under another key": (
        lambda t: t.get(9).replace({"id": 3}),
        counts(
            errors=1,
            first_error='Primary key `id` cannot be changed (null -> {\n\t"id":\t3\n})',
        ),
    ),
    "delete a row": (lambda t: t.get(1).delete(), counts(deleted=1)),
    "delete no row": (
        lambda t: t.get(9).delete(return_changes=True),
        counts(skipped=1, changes=[]),
    ),
    "delete some": (lambda t: t.filter({"name": "Bob"}).delete(), counts(deleted=1)),
    "delete all": (lambda t: t.delete(), counts(deleted=2)),
    "delete none": (lambda t: t.get_all(9).delete(return_changes=True), counts()),
    "rows in order": (lambda t: t.order_by("id").limit(1).delete(), counts(deleted=1)),
    "a row by its place": (lambda t: t.order_by("id").nth(1).delete(), counts(deleted=1)),
    "what is random, by each row anew": (
        lambda t: t.update({"x": r.uuid()}, non_atomic=True),
        counts(replaced=2),
    ),
    "what depends on other rows": (
        lambda t: t.get(1).update(lambda row: t.get(2).without("id"), non_atomic=True),
        counts(replaced=1),
    ),
    "what is not deterministic cannot delete": (
        lambda t: t.get(1).replace(
            lambda row: r.branch(r.random() < 2, None, row), non_atomic=True
        ),
        counts(errors=1, first_error="Expected type OBJECT but found NULL."),
    ),
    "soft durability": (lambda t: t.get(1).delete(durability="soft"), counts(deleted=1)),
}


@pytest.mark.parametrize(("query", "expected"), CHANGED.values(), ids=CHANGED)
def test_changing_rows(conn: Any, people: Any, query: Query, expected: Any) -> None:
    assert query(people).run(conn) == expected


def test_times_are_the_same_in_any_zone(conn: Any, table: Any) -> None:
    table.insert({"id": 1, "at": r.epoch_time(1)}).run(conn)
    moved = table.get(1).update({"at": r.epoch_time(1).in_timezone("+01:00")})
    assert moved.run(conn) == counts(unchanged=1)


NOT_ATOMIC = "Could not prove argument deterministic.  Maybe you want to use the non_atomic flag?"

REFUSED: dict[str, tuple[Query, Failure]] = {
    "not atomic": (lambda t: t.update({"a": r.random()}), wrong(NOT_ATOMIC)),
    "replace by an error": (lambda t: t.replace(r.error("no")), Failure(ReqlUserError, "no", (1,))),
    "a conflict there is not": (
        lambda t: t.insert({}, conflict="merge"),
        wrong(
            'Conflict option `merge` unrecognized (options are "error", "replace" and "update").',
            "conflict",
        ),
    ),
    "a conflict function of two": (
        lambda t: t.insert({}, conflict=lambda old, new: new),
        wrong("The conflict function passed to `insert` should expect 3 arguments."),
    ),
    "a random conflict function": (
        lambda t: t.insert({}, conflict=lambda key, old, new: r.random()),
        wrong("The conflict function passed to `insert` must be deterministic."),
    ),
    "durability": (
        lambda t: t.delete(durability="firm"),
        wrong(
            'Durability option `firm` unrecognized (options are "hard" and "soft").', "durability"
        ),
    ),
    "return_changes": (
        lambda t: t.delete(return_changes="never"),
        wrong(
            "Invalid return_changes value `never` (options are `true`, `false`, and `'always'`.)"
        ),
    ),
    "return_vals": (
        lambda t: t.delete(return_vals=True),
        wrong("Error: encountered obsolete optarg `return_vals`.  Use `return_changes` instead."),
    ),
    "an unknown option": (
        lambda t: t.delete(quickly=True),
        Failure(ReqlServerCompileError, "Unrecognized optional argument `quickly`.", ("quickly",)),
    ),
    "insert no object": (lambda t: t.insert("a"), wrong("Cannot convert STRING to SEQUENCE")),
    "update data": (
        lambda t: t.map(lambda row: row).update({}),
        wrong("Expected type SELECTION but found SEQUENCE:\nVALUE SEQUENCE", 0),
    ),
    "a row without a key": (
        lambda t: t.get(None).delete(),
        Failure(
            ReqlNonExistenceError,
            "Primary keys must be either a number, string, bool, pseudotype or array (got type"
            " NULL):\nnull",
            (),
        ),
    ),
    "a write in a function": (
        lambda t: t.map(lambda row: t.insert(row)),
        Failure(
            ReqlServerCompileError,
            "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.",
        ),
    ),
}


@pytest.mark.parametrize(("query", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(conn: Any, people: Any, query: Query, expected: Failure) -> None:
    assert outcome(conn, query(people)) == expected
    assert rows(conn, people) == [ADA, BOB]


# -- several writes


NO_WRITE = "FOR_EACH expects one or more basic write queries."

EACH: dict[str, tuple[Query, Any]] = {
    "a write": (
        lambda t: r.expr([5, 6]).for_each(lambda x: t.insert({"id": x})),
        counts(inserted=2),
    ),
    "several": (
        lambda t: t.for_each(
            lambda row: [t.get(row["id"]).delete(), t.insert({"id": row["id"] + 9})]
        ),
        counts(deleted=2, inserted=2),
    ),
    "nothing": (lambda t: r.expr([]).for_each(lambda x: 1), {}),
    "anything that adds up": (
        lambda t: r.expr([1, 2]).for_each({"n": 1, "l": [1], "s": "x"}),
        {"n": 2, "l": [1, 1], "s": "x"},
    ),
    "what does not add up": (
        lambda t: r.expr([1, 2]).for_each({"b": True}),
        wrong(f"{NO_WRITE}  Cannot merge statistics `true` (type BOOL) and `true` (type BOOL).", 1),
    ),
    "no object": (
        lambda t: r.expr([1]).for_each(lambda x: x),
        wrong(f"{NO_WRITE}  Expected type ARRAY but found NUMBER.", 1, 1),
    ),
    "no data": (lambda t: r.expr([1]).for_each(lambda x: t), wrong(NO_WRITE, 1, 1)),
}


@pytest.mark.parametrize(("query", "expected"), EACH.values(), ids=EACH)
def test_for_each(conn: Any, people: Any, query: Query, expected: Any) -> None:
    assert outcome(conn, query(people)) == expected


def test_sync(conn: Any, table: Any) -> None:
    assert table.sync().run(conn) == {"synced": 1}


# -- write hooks


def hooked(conn: Any, table: Any, hook: Any) -> None:
    table.set_write_hook(hook).run(conn)


def test_a_write_hook_sees_all_writes(conn: Any, people: Any) -> None:
    def hook(context: Any, old: Any, new: Any) -> Any:
        seen = {"key": context["primary_key"], "was": old["name"].default(None)}
        return r.branch(new.eq(None), None, new.merge(seen))

    hooked(conn, people, hook)
    people.insert({"id": 3}).run(conn)
    people.get(1).update({"a": 1}).run(conn)
    people.get(2).delete().run(conn)
    people.insert({"id": 4}, ignore_write_hook=True).run(conn)
    assert rows(conn, people) == [
        {**ADA, "a": 1, "key": 1, "was": "Ada"},
        {"id": 3, "key": 3, "was": None},
        {"id": 4},
    ]


@pytest.mark.parametrize(
    ("hook", "query", "message"),
    [
        (
            lambda context, old, new: r.error("no"),
            lambda t: t.insert({"id": 3}),
            "Error in write hook: no",
        ),
        (
            lambda context, old, new: None,
            lambda t: t.insert({"id": 3}),
            "A write hook function must not turn a replace/insert into a deletion.",
        ),
        (
            lambda context, old, new: old,
            lambda t: t.get(1).delete(),
            "A write hook function must not turn a deletion into a replace/insert.",
        ),
        (
            lambda context, old, new: {"id": 7},
            lambda t: t.insert({"id": 3}),
            'Primary key `id` cannot be changed (null -> {\n\t"id":\t7\n})',
        ),
    ],
)
def test_what_a_write_hook_must_not_do(
    conn: Any, people: Any, hook: Any, query: Query, message: str
) -> None:
    hooked(conn, people, hook)
    assert query(people).run(conn) == counts(errors=1, first_error=message)
    assert rows(conn, people) == [ADA, BOB]


def test_the_life_of_a_write_hook(conn: Any, table: Any) -> None:
    assert table.get_write_hook().run(conn) is None
    hook = table.set_write_hook(lambda context, old, new: new.merge({"hooked": True}))
    assert hook.run(conn) == {"created": 1}
    assert hook.run(conn) == {"replaced": 1}
    shown = table.get_write_hook().run(conn)
    assert shown["query"].endswith('.merge({"hooked": true}); })')
    assert table.config()["write_hook"].run(conn) == shown
    assert table.set_write_hook(None).run(conn) == {"deleted": 1}
    assert table.set_write_hook(shown["function"]).run(conn) == {"created": 1}
    table.insert({"id": 1}).run(conn)
    assert rows(conn, table) == [{"id": 1, "hooked": True}]


@pytest.mark.parametrize(
    ("hook", "kind", "message"),
    [
        (
            lambda old, new: new,
            ReqlQueryLogicError,
            "Write hook functions must expect 3 arguments.",
        ),
        (5, ReqlQueryLogicError, "Expected type FUNCTION but found DATUM:\n5"),
        (
            lambda context, old, new: r.now(),
            ReqlQueryLogicError,
            "Could not prove function deterministic.  Write hook functions must be deterministic.",
        ),
        (
            r.binary(b"hook"),
            ReqlQueryLogicError,
            "Cannot create a write hook except from a reql_write_hook_function returned from"
            " `get_write_hook`.",
        ),
    ],
)
def test_what_cannot_be_a_write_hook(
    conn: Any, table: Any, hook: Any, kind: Any, message: str
) -> None:
    assert outcome(conn, table.set_write_hook(hook)) == Failure(kind, message)
