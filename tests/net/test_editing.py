"""Queries that are sent in another form than written, and whose replies are changed."""

from __future__ import annotations

from typing import Any

import pytest

import rethinkdb as r
from rethinkdb.errors import ReqlDriverError, ReqlTypeError
from rethinkdb.net.editing import EditedQuery
from rethinkdb.net.query import Query
from rethinkdb.net.stream import Stream
from rethinkdb.ql2 import QueryType

from .memory import MemoryConnection, Term
from .pair import ATOM
from .test_connection import answer, last_query


def rewritten(body: list[Any]) -> list[Any]:
    return [body[0], ["more", body[1]], body[2]]


def edited(reply: Any, _: bytes) -> bool:
    time = {"$reql_type$": "TIME", "epoch_time": 0, "timezone": "+00:00"}
    reply["r"] = [[*reply["r"], time]]
    return True


@pytest.mark.parametrize("decoder", [None, r.ReQLDecoder, type("Own", (r.ReQLDecoder,), {})])
def test_the_query_and_its_replies_are_edited(decoder: Any) -> None:
    conn = MemoryConnection.make("db", json_decoder=decoder)
    conn.answers.append(answer(ATOM, 5))
    found = conn.run(EditedQuery(Term("x"), rewritten, edited))
    assert last_query(conn) == [1, ["more", "x"], {}]
    assert found[0] == 5
    assert found[1].year == 1970


def test_replies_may_be_left_alone() -> None:
    conn = MemoryConnection.make("db")
    for edit in (None, lambda reply, payload: False):
        conn.answers.append(answer(ATOM, 5))
        assert conn.run(EditedQuery(Term("x"), rewritten, edit)) == 5
    query = conn._query(EditedQuery(Term("x"), rewritten), {})
    assert type(query.term) is Term  # errors show what the user wrote


def test_errors_tell_where_in_the_query_a_value_is() -> None:
    conn = MemoryConnection.make("db")
    query = r.table("t").filter({"a": r.expr("\ud800")})
    with pytest.raises((UnicodeEncodeError, ReqlTypeError), match="surrogate"):
        conn.run(EditedQuery(query, lambda body: body))


def test_a_follower_of_a_stream_hears_of_all_that_comes() -> None:
    conn = MemoryConnection.make("db")
    heard = []
    stream = Stream(Query(QueryType.START, b"", conn._decode_plainly), 1, int, int)  # type: ignore[arg-type]
    stream.follower = lambda: heard.append(stream.finished)
    stream.serve()
    stream.close()
    assert heard == [False, True]


def test_feeds_of_a_connection_end_with_it() -> None:
    conn = MemoryConnection.make("db")
    with pytest.raises(ReqlDriverError, match=r"Write query\.run\(pool"):
        conn.run(Term(), resume="diff")
    with pytest.raises(ReqlDriverError, match="goes with"):
        conn.run(Term(), remember="rows")
    conn.answers.append(answer(ATOM, 5))
    assert conn.run(Term("x"), resume=None, remember=None) == 5
    assert last_query(conn) == [1, "x", {}]


def test_feeds_of_a_connection_to_several_hosts_want_a_pool_of_its_loop() -> None:
    class Hosted(MemoryConnection):
        TRIES_HOSTS = True

    conn = Hosted(hosts=["a", "b"])
    with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
        conn.run(Term(), resume="diff")
    conn.connect()
    with pytest.raises(ReqlDriverError, match="offers none"):
        conn.run(Term(), resume="diff")

    class Pool:
        closed = False

        def run(self, term: Any, **options: Any) -> Any:
            return term, options

    vars(conn)["_own_pool"] = Pool()
    term = Term()
    assert conn.run(term, resume="diff") == (term, {"resume": "diff"})


def test_whoever_wants_hears_of_each_session() -> None:
    conn = MemoryConnection("db")
    sessions: list[Any] = []
    conn._watched_by = sessions.append
    conn._new_session()
    assert sessions == [conn._session]
