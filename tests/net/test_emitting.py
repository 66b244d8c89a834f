"""The methods by which cursors and connections emit: each hands on to what does the work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net import emitting
from rethinkdb.net.emitting import ConnectionEvents, RowEvents
from rethinkdb.ql2 import ResponseNote

from .memory import MemoryConnection, Term
from .pair import PARTIAL, SEQUENCE

PARTS = ("emitter", "pulling", "connection_events", "start")


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, MagicMock]:
    """The modules above this layer, by name, which take down what they are asked."""
    loaded = {name: MagicMock() for name in PARTS}
    monkeypatch.setattr(emitting, "_push", loaded.__getitem__)
    return loaded


def listener() -> None:
    """Is never called."""


@pytest.mark.parametrize("kind", [RowEvents, ConnectionEvents])
def test_listeners_are_handed_on(kind: Any, modules: dict[str, MagicMock]) -> None:
    source = kind()
    if kind is RowEvents:
        worker = modules["emitter"].emitter_of.return_value
    else:
        worker = modules["connection_events"].events_of.return_value
    assert source.on("data", listener) is source
    worker.add.assert_called_with(source, "data", listener, once=False)
    assert source.add_listener("data", listener) is source
    assert source.once("end", listener) is source
    worker.add.assert_called_with(source, "end", listener, once=True)
    assert source.remove_listener("data", listener) is source.off("data", listener) is source
    worker.listeners.remove.assert_called_with("data", listener)
    assert source.remove_all_listeners("data") is source
    worker.listeners.remove_all.assert_called_with("data")
    worker.listeners.of.return_value = [listener]
    assert source.listeners("data") == [listener]
    assert source.set_max_listeners(3) is source
    worker.listeners.allow.assert_called_with(3)
    worker.emit.return_value = True
    assert source.emit("mine", 1, 2) is True
    worker.emit.assert_called_with("mine", 1, 2)


def test_the_flow_of_rows_is_handed_on(modules: dict[str, MagicMock]) -> None:
    rows = RowEvents()
    worker, pulling = modules["emitter"].emitter_of.return_value, modules["pulling"]
    assert rows.pause() is rows.resume() is rows
    assert [call[0] for call in worker.method_calls] == ["pause", "resume"]
    rows.each(listener)
    pulling.Each.assert_called_with(rows, listener, None)
    pulling.Each.return_value.start.assert_called_once_with()
    assert rows.each_async(listener, concurrency=4) is pulling.EachAsync().outcome()
    pulling.EachAsync.assert_any_call(rows, listener, None, 4)


def test_a_query_with_a_handler_is_handed_on(modules: dict[str, MagicMock]) -> None:
    conn, term, options = ConnectionEvents(), object(), {"include_states": True}
    start = modules["start"].run_with
    assert conn._start_with(term, listener, conn, options) is start.return_value
    start.assert_called_once_with(term, listener, conn, options)


def test_modules_are_those_of_push() -> None:
    assert emitting._push("pulling").__name__ == "rethinkdb.push.pulling"


def answered(conn: MemoryConnection, type: int, *items: Any, **extra: Any) -> Any:
    conn.answers.append(lambda pair: pair.answer(pair.queries[-1][0], type, *items, **extra))
    return conn.run(Term())


def test_arrays_are_of_sequences_that_end() -> None:
    conn = MemoryConnection.make()
    assert answered(conn, SEQUENCE, 1, 2).to_array() == [1, 2]
    feed = answered(conn, PARTIAL, n=[ResponseNote.SEQUENCE_FEED])
    with pytest.raises(ReqlDriverError, match="never ends"):
        feed.to_array()


def test_whoever_listens_to_a_connection_hears_of_each_session() -> None:
    conn = MemoryConnection.make()
    watched: list[Any] = []
    conn._events = SimpleNamespace(watch=watched.append)
    session = conn._new_session()
    assert watched == [session]
