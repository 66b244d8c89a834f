"""What is remembered of rows, and which keys are one."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb.pool import remembering
from rethinkdb.pool.remembering import MEMORIES, Key, key_form, key_value

ROWS: list[Any] = [
    {"id": 1, "a": 1},
    {"id": 1, "a": True},
    {"id": 1, "a": "1"},
    {"id": 1, "a": None},
    {"id": 1, "a": [1, {"b": 2}]},
    {"id": 1, "a": "\ud800"},
    None,
]


@pytest.fixture(params=[True, False])
def with_own_hash(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:  # as on a 32-bit Python
        monkeypatch.setattr(remembering, "_hashed", remembering._long_digest)


@pytest.fixture(params=[True, False])
def with_orjson(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(remembering, "orjson", None)
        monkeypatch.setattr(remembering, "_dumps", remembering._dumps_slowly)


@pytest.mark.usefixtures("with_orjson", "with_own_hash")
@pytest.mark.parametrize("name", MEMORIES)
def test_rows_are_the_same_if_nothing_in_them_differs(name: str) -> None:
    packed, same, *_ = MEMORIES[name]
    for place, row in enumerate(ROWS):
        assert [same(packed(row), packed(other)) for other in ROWS] == [
            place == number for number in range(len(ROWS))
        ]
    assert same(packed({"a": 1, "b": {"c": 1, "d": 2}}), packed({"b": {"d": 2, "c": 1}, "a": 1}))


@pytest.mark.usefixtures("with_orjson")
def test_what_is_known_of_an_old_row() -> None:
    rows, digests = MEMORIES["rows"], MEMORIES["digests"]
    for row in ROWS:
        assert rows.restored(rows.packed(row), {"id": 1}) == row
        expected = None if row is None else {"id": 1}
        assert digests.restored(digests.packed(row), {"id": 1}) == expected


@pytest.mark.usefixtures("with_orjson", "with_own_hash")
@pytest.mark.parametrize("name", MEMORIES)
def test_changes_are_taken_in_as_rows_are_packed(name: str) -> None:
    memory = MEMORIES[name]
    known: dict[Any, Any] = {}
    one, other, listed = {"id": "a", "n": 1}, {"id": "a", "n": 2}, {"id": [1, "b"], "n": 1}
    changes = [
        {"old_val": None, "new_val": one},
        {"old_val": one, "new_val": other},
        {"old_val": None, "new_val": listed},
        {"old_val": None, "new_val": {"id": 7}},
        {"old_val": {"id": 7}, "new_val": None},
        {"old_val": {"id": [8]}, "new_val": None},
    ]
    for _ in range(2):
        memory.take_in(changes, known, "id")
        assert known == {"a": memory.packed(other), key_form([1, "b"]): memory.packed(listed)}
    for change in ({"state": "ready"}, {"old_val": None, "new_val": None}, {"new_val": {"n": 1}}):
        with pytest.raises((LookupError, TypeError)):
            memory.take_in([change], known, "id")


def test_keys() -> None:
    time = {"$reql_type$": "TIME", "epoch_time": 3, "timezone": "+00:00"}
    elsewhere = {**time, "timezone": "+02:00"}
    values: list[Any] = ["a", 1, 1.5, True, False, [1, "a"], [1, ["a"]], time, {"x": 1}]
    forms = [key_form(value) for value in values]
    assert len(set(forms)) == len(values)
    assert [key_value(form) for form in forms] == values
    assert key_form(1) == key_form(1.0)
    assert key_form(time) == key_form(elsewhere)
    assert key_form([time]) == key_form([elsewhere])
    assert Key(True) != 1
