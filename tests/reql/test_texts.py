"""Texts that Python makes of a function's parameters: a warning, as all rows would get the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r

MISTAKES: dict[str, Callable[[Any], Any]] = {
    "an f-string": lambda row: f"{row['name']}!",
    "str": lambda row: "Hi " + str(row["name"]),
    "format": lambda row: "{}".format(row["name"]),
    "percent": lambda row: "%s" % row["name"],  # noqa: UP031
    "repr": lambda row: {"is": repr(row)},
    "in a document": lambda row: {"a": [1, {"b": f"{row['name']}"}]},
    "as a key": lambda row: {f"{row['name']}": 1},
    "in a term": lambda row: row.merge({"label": f"{row['name']}"}),
    "in an option": lambda row: r.table("t").get_all(1, index=f"{row['name']}"),
    "in an inner function": lambda row: row["all"].map(lambda one: one + f"{row['name']}"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_text_of_a_parameter_is_told(mistake: str) -> None:
    with pytest.warns(UserWarning, match=r"holds the text .*var_\d+.*coerce_to") as caught:
        r.table("t").map(MISTAKES[mistake])
    assert len(caught) == 1
    assert caught[0].filename == __file__


def printing(row: Any) -> Any:
    """A program that looks for its mistakes."""
    assert str(row["name"])
    return row["name"]


RIGHT: dict[str, Callable[[Any], Any]] = {
    "a sum": lambda row: row["name"] + "!",
    "printed": printing,
    "another query": lambda row: row.merge({"query": str(r.table("t").map(lambda one: one))}),
    "a text like it": lambda row: (row["name"] + "var_x", str(row)[:0]),
    "no parameters": lambda: [str(r.row), "var_1", "var_"],
}


@pytest.mark.parametrize("use", RIGHT)
def test_what_is_no_mistake_is_not_told(use: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        r.table("t").map(RIGHT[use])
