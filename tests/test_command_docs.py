"""The docstrings of commands: each has an example, and the examples do what they say."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rethinkdb import query, r
from rethinkdb.ast import DB, RqlQuery, Table
from rethinkdb.embedded import Server

SECTION = "Example:"

# Examples that need what a test does not have.
BUILT_ONLY = {
    "http": "another server",
    "changes": "an end",
    "format": "a server after 2.4.4",
}

POSTS = [
    {"id": 1, "author": "ada", "views": 3, "day": 2, "tags": ["a"], "label": "spam", "draft": True},
    {"id": 2, "author": "grace", "views": 20, "day": 1, "tags": ["b"], "label": "ham"},
]
GAMES = [
    {"id": 1, "player": "ada", "points": 3, "won": 2, "lost": 1},
    {"id": 2, "player": "grace", "points": 5, "won": 3, "lost": 3},
]
ADA = {"id": "ada", "name": "Ada", "age": 36, "email": "a", "tags": ["admin"], "password": "x"}


def commands() -> dict[str, Any]:
    """The public commands by name."""
    methods = [
        (name, getattr(owner, name))
        for owner in (RqlQuery, Table, DB)
        for name in dir(owner)
        if not name.startswith("_") and hasattr(getattr(owner, name), "command")
    ]
    functions = [(name, getattr(query, name)) for name in query.__all__]
    return dict(methods) | {
        f"r.{name}": function for name, function in functions if inspect.isfunction(function)
    }


COMMANDS = commands()


def example_of(command: Any) -> str:
    """The code below `Example:` in a docstring."""
    text = inspect.cleandoc(command.__doc__ or "")
    _, found, below = text.partition(f"\n{SECTION}\n")
    assert found, "no example"
    return inspect.cleandoc(below)


class Builder:
    """In place of a connection: builds what would be run on it."""

    def _start(self, term: Any, **options: Any) -> list[Any]:
        assert term.start_body(options, "test")
        return []


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.fixture
def conn(server: Server) -> Iterator[Any]:
    """A connection to what the examples are about, all of it new."""
    with r.connect(server.host, server.port) as conn:
        for name in ("blog", "test"):
            if name in r.db_list().run(conn):
                r.db_drop(name).run(conn)
            r.db_create(name).run(conn)
        r.db("blog").table_create("posts").run(conn)
        r.db("blog").table_create("drafts").run(conn)
        fill(conn)
        yield conn


def fill(conn: Any) -> None:
    """Makes the tables of the examples."""
    places = {"id": "a", "place": r.point(-117, 32), "shape": r.circle([-117, 32], 10)}
    users = [ADA | {"born": r.now()}, {"id": 1, "name": "B", "data": {}, "born": r.now(), "age": 1}]
    rows: dict[str, Any] = {
        "users": users,
        "posts": POSTS,
        "games": GAMES,
        "parks": places,
        "t": {"id": 0, "a": 1, "b": 2, "done": False},
        **{name: [] for name in ("heroes", "villains", "log", "files", "left", "right")},
    }
    for name, documents in rows.items():
        r.table_create(name).run(conn)
        r.table(name).insert(documents).run(conn)
    for name, index in INDEXES:
        r.table(name).index_create(index).run(conn)
    for index in ("place", "shape"):
        r.table("parks").index_create(index, geo=True).run(conn)
    r.table("posts").index_create("new", r.row["day"]).run(conn)
    for name in ("users", "posts", "games", "parks"):
        r.table(name).index_wait().run(conn)


INDEXES = (
    *(("posts", index) for index in ("author", "day", "views", "label")),
    ("users", "age"),
    ("games", "points"),
)


def names_for(conn: Any) -> dict[str, Any]:
    """The variables of the examples."""
    square = [[0, 0], [0, 9], [9, 9], [9, 0]]
    return {
        "r": r,
        "conn": conn,
        "datetime": datetime,
        "path": Path(__file__),
        "a": r.table("left"),
        "b": r.table("right"),
        "outer": r.polygon(*square),
        "inner": r.polygon([1, 1], [1, 2], [2, 2]),
        "area": r.circle([-117, 32], 1000),
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_can_be_built(name: str) -> None:
    exec(example_of(COMMANDS[name]), names_for(Builder()))


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name.split(".")[-1] not in BUILT_ONLY]
)
def test_the_example_does_what_it_says(name: str, conn: Any) -> None:
    prepare(name.split(".")[-1], conn)
    code = example_of(COMMANDS[name])
    result: Any = eval(code, names_for(conn))
    if isinstance(result, r.Cursor):
        result = result.to_list()  # type: ignore[attr-defined]  # that of a blocking one
    said = re.search(r"  # (.*)$", code)
    if said is not None:
        value = ast.literal_eval(said[1])
        assert result == (list(value) if isinstance(value, tuple) else value)


def prepare(name: str, conn: Any) -> None:
    """What an example takes for granted, or for absent."""
    match name:
        case "table_create":
            r.table_drop("users").run(conn)
        case "db_create":
            r.db_drop("blog").run(conn)
        case "index_drop" | "index_status":
            r.table("posts").index_create("by_day", [r.row["author"], r.row["day"]]).run(conn)
        case "grant":
            reader = {"id": "reader", "password": "secret"}
            r.db("rethinkdb").table("users").insert(reader, conflict="update").run(conn)
