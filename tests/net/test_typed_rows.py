"""Rows that do not fit their type, on their way from the reply to who asks for them."""

from __future__ import annotations

import json
from collections import deque

import pytest

import rethinkdb as r
from rethinkdb.codec import Response
from rethinkdb.errors import ReqlCursorEmpty, ReqlRowError
from rethinkdb.net.editing import EditedQuery
from rethinkdb.net.stream import Stream
from rethinkdb.ql2 import ResponseType
from rethinkdb.reql.term import RqlQuery
from rethinkdb.typed import Change
from rethinkdb.typed.state import state

from .memory import MemoryConnection, Term
from .pair import ATOM, CONTINUE, PARTIAL, SEQUENCE, Pair, failure, settled
from .test_connection import answer, last_query

pytest.importorskip("msgspec")

BAD = "bad"


def decode(payload: bytes) -> Response:
    """A row that is "bad" does not fit."""
    reply = json.loads(payload)
    rows = [ReqlRowError("no", row) if str(row).startswith(BAD) else row for row in reply["r"]]
    misfits = any(type(row) is ReqlRowError for row in rows)
    return Response(ResponseType(reply["t"]), rows, misfits=misfits)


@pytest.fixture
def pair() -> Pair:
    return Pair()


def taken(stream: Stream) -> object:
    """The next item, or the key of the error in its place."""
    waiter = stream.next()
    error = failure(waiter)
    if error is None:
        return settled(waiter)
    assert isinstance(error, ReqlRowError), error
    return error.key


def started(pair: Pair, kind: int, *rows: object) -> tuple[Stream, int]:
    waiter, token = pair.run(decode=decode)
    pair.answer(token, kind, *rows)
    pair.received()
    return settled(waiter), token


@pytest.mark.parametrize(
    "rows",
    [[BAD], [BAD, 1], [1, BAD], [1, BAD, 2], [BAD, "bad2", 3], [1, BAD, 2, "bad2"], [1, 2]],
    ids=str,
)
def test_each_row_has_its_turn_and_the_stream_goes_on_after_one_that_does_not_fit(pair, rows):
    stream, _ = started(pair, SEQUENCE, *rows)
    for row in rows:
        assert settled(stream.has_next()) is True
        assert taken(stream) == row
    assert settled(stream.has_next()) is False
    assert isinstance(failure(stream.next()), ReqlCursorEmpty)


def test_the_next_batch_comes_after_what_is_held_and_is_asked_for_in_time(pair):
    stream, token = started(pair, PARTIAL, 1, BAD, 2)
    assert taken(stream) == 1  # the last batch is begun: the next one is due
    assert pair.types() == [CONTINUE] or not stream.low_water
    pair.answer(token, PARTIAL, 3, "bad2", 4)
    assert not pair.types()  # two batches are here: no more are asked for
    assert [taken(stream) for _ in range(2)] == [BAD, 2]
    assert not pair.types()
    assert taken(stream) == 3
    assert pair.types() == [CONTINUE]
    assert [taken(stream) for _ in range(2)] == ["bad2", 4]


def test_who_waits_gets_the_error_and_the_next_one_the_row(pair):
    stream, token = started(pair, PARTIAL)
    first, second = stream.next(), stream.next()
    pair.answer(token, PARTIAL, BAD, 1)
    assert failure(first).key == BAD
    assert settled(second) == 1


def test_an_error_that_nobody_has_read_goes_to_the_next_caller(pair):
    stream, _ = started(pair, SEQUENCE, BAD, 1, "bad2", 2)
    stream.next().abandon()
    assert [taken(stream) for _ in range(4)] == [BAD, 1, "bad2", 2]


def test_an_error_that_was_read_does_not_come_again(pair):
    stream, _ = started(pair, SEQUENCE, BAD, 1)
    waiter = stream.next()
    with pytest.raises(ReqlRowError):
        waiter.result()
    waiter.abandon()
    assert taken(stream) == 1


def test_an_error_of_the_whole_stream_is_given_back_to_nobody(pair):
    stream, _ = started(pair, SEQUENCE)
    stream.next().abandon()
    assert isinstance(failure(stream.next()), ReqlCursorEmpty)


def test_rows_that_are_put_back_come_before_what_is_held(pair):
    stream, _ = started(pair, SEQUENCE, 1, 2, BAD, 3)
    items = stream.take_batch()
    assert items == [1, 2]
    stream.put_back(items)
    assert [taken(stream) for _ in range(4)] == [1, 2, BAD, 3]


def test_what_is_at_hand_remains_when_it_is_closed(pair):
    stream, _ = started(pair, PARTIAL, 1, BAD, 2)
    stream.close()
    assert [taken(stream) for _ in range(3)] == [1, BAD, 2]
    assert isinstance(failure(stream.next()), ReqlCursorEmpty)


def test_taking_without_a_waiter_stops_before_it(pair):
    stream, _ = started(pair, SEQUENCE, 1, BAD, 2)
    assert stream.take() == 1
    with pytest.raises(IndexError):
        stream.take()
    assert [taken(stream), stream.take()] == [BAD, 2]


def test_another_thread_takes_the_last_row_before_it(pair):
    """Between the look at the buffer and the taking: then the error is next."""
    stream, _ = started(pair, SEQUENCE, 1, BAD)
    looks = iter([True, True])

    class Emptied(deque):
        def __bool__(self):
            self.clear()
            return next(looks, False)

    stream.buffer = Emptied(stream.buffer)
    assert failure(stream.next()).key == BAD


# The run option.


def test_as_type_makes_the_rows_and_is_not_sent():
    conn = MemoryConnection.make("db")
    heroes = r.table("t")
    conn.answers.append(answer(SEQUENCE, 1, "x", 2))
    cursor = conn.run(heroes, as_type=int)
    assert next(cursor) == 1
    with pytest.raises(ReqlRowError, match="'x' does not fit int"):
        next(cursor)
    assert next(cursor) == 2
    assert last_query(conn) == [1, heroes.build(), {}]
    assert cursor.query.global_optargs == {"as_type": int}


def test_feeds_tell_what_each_change_is():
    conn = MemoryConnection.make("db")
    conn.answers.append(answer(SEQUENCE, {"new_val": 1, "type": "initial"}))
    assert next(conn.run(r.table("t", of=int).changes())) == Change(new_val=1, type="initial")
    assert last_query(conn)[2] == {"include_types": True}


def test_tables_without_a_type_and_terms_of_others_give_plain_rows():
    assert r.table("t", of=int) is not None  # from now on tables are looked at
    conn = MemoryConnection.make("db")
    for term in (r.table("t"), Term("x")):
        conn.answers.append(answer(ATOM, "x"))
        assert conn.run(term) == "x"
    conn.answers.append(answer(ATOM, "x"))
    assert conn.run(r.table("t"), as_type=None) == "x"


def test_what_a_feed_asks_for_itself_has_no_type():
    conn = MemoryConnection.make("db")
    for edit, found in ((None, ["x"]), (lambda reply, payload: False, [5])):
        conn.answers.append(answer(ATOM, found))
        term = EditedQuery(r.table("t", of=int).coerce_to("array"), lambda body: body, edit)
        assert conn.run(term) == found


@pytest.mark.parametrize("passes", [None, lambda rows: False])
def test_rows_of_a_feed_are_edited_before_objects_are_made_of_them(passes):
    def edit(reply, payload):
        reply["r"] = [{"new_val": row["new_val"] + 1} for row in reply["r"]]
        return True

    conn = MemoryConnection.make("db")
    reply = b'{"t":2,"r":[{"new_val":4,"old_val":null}]}'  # as a server writes it

    def answer(pair):
        pair.server.send_frame(pair.queries[-1][0], reply)
        pair.move()

    conn.answers.append(answer)
    term = EditedQuery(r.table("t", of=int).changes(), lambda body: body, edit, passes)
    assert [change.new_val for change in conn.run(term)] == [5]


def test_while_no_table_has_a_type_nobody_looks_for_one(monkeypatch):
    monkeypatch.setattr(state, "tables", False)
    monkeypatch.setattr(RqlQuery, "_row_type", None)  # calling it would fail
    conn = MemoryConnection.make("db")
    conn.answers.append(answer(ATOM, "x"))
    assert conn.run(r.table("t")) == "x"
