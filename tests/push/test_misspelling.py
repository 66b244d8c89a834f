"""A misspelt event or method is warned of, where the program names it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from rethinkdb.loops.blocking import Connection
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.push.connection_events import events_of
from rethinkdb.push.emitter import emitter_of
from rethinkdb.push.handler import Handler, attach


def warned_of(function: Any, *args: Any) -> list[str]:
    """The texts of the warnings. They must be at the call that is in this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args)
    assert {warning.filename for warning in caught} <= {__file__}
    return [str(warning.message) for warning in caught]


class Misspelt(Handler):
    def on_value(self, value: object) -> None: ...

    def on_initail_val(self, value: object) -> None: ...

    def on_click(self) -> None: ...

    def only(self) -> None: ...


class Inheriting(Misspelt):
    def on_val(self, value: object) -> None: ...


class WellSpelt(Handler):
    def on_val(self, value: object) -> None: ...

    def on_atom(self, value: object) -> None: ...


@pytest.mark.parametrize("kind", [Misspelt, Inheriting])
def test_methods_of_a_handler(kind: type[Handler]) -> None:
    assert sorted(warned_of(attach, kind())) == [
        f"Nothing here calls {kind.__name__}'s method `on_initail_val`. "
        "Did you mean `on_initial_val`?",
        f"Nothing here calls {kind.__name__}'s method `on_value`. Did you mean `on_val`?",
    ]


def test_methods_that_are_right() -> None:
    assert warned_of(attach, WellSpelt()) == []


@pytest.fixture
def cursor() -> Any:
    class Cursor(BaseCursor[Any]):
        def __init__(self) -> None:
            self.conn = Connection()

        def __del__(self) -> None: ...

    return Cursor()


@pytest.mark.parametrize(("event", "meant"), [("clsoe", "close"), ("Errors", "error")])
def test_events_of_a_cursor(cursor: Any, event: str, meant: str) -> None:
    text = f"Nothing here calls a listener to the event `{event}`. Did you mean `{meant}`?"
    assert warned_of(cursor.on, event, print) == [text]
    assert emitter_of(cursor).listeners.of(event) == [print]  # the program may emit it itself


def test_events_of_a_connection() -> None:
    conn = Connection()
    text = "Nothing here calls a listener to the event `conect`. Did you mean `connect`?"
    assert warned_of(conn.once, "conect", print) == [text]
    assert events_of(conn).listeners.of("conect") == [print]


@pytest.mark.parametrize("event", ["close", "error", "my event", "saved"])
def test_events_that_exist_or_are_the_programs_own(cursor: Any, event: str) -> None:
    assert warned_of(cursor.on, event, print) == []
    assert warned_of(Connection().on, event, print) == []
