"""The public operations of a connection, without a loop."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import types
from collections.abc import Mapping
from typing import Any

import pytest

import rethinkdb.net
from rethinkdb import r
from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError, ReqlTypeError
from rethinkdb.net.connection import BaseConnection, make_connection
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.options import ReqlUnknownOptionError
from rethinkdb.repl import Repl
from rethinkdb.typed.state import state

from .memory import MemoryConnection, Term
from .pair import ATOM, INFO, SEQUENCE, WAIT_COMPLETE


@pytest.fixture
def conn() -> MemoryConnection:
    connection: MemoryConnection = MemoryConnection.make("db.example", 28015)
    return connection


def answer(type: int, *results: Any, **extra: Any) -> Any:
    """The server answers the last query so."""
    return lambda pair: pair.answer(pair.queries[-1][0], type, *results, **extra)


def last_query(conn: MemoryConnection) -> Any:
    return conn.pair.queries[-1][1]


def test_make_connection_is_the_other_way_to_connect() -> None:
    conn = make_connection(MemoryConnection, "db.example", flavour="salty")
    assert (conn.host, conn.flavour, conn.is_open()) == ("db.example", "salty", True)


def test_attributes() -> None:
    conn = MemoryConnection("h", "1234", db="d", timeout=5, ssl={"ca_certs": "/ca.pem"})
    assert (conn.host, conn.port, conn.db, conn.connect_timeout) == ("h", 1234, "d", 5.0)
    assert conn.ssl == {"ca_certs": "/ca.pem"}
    assert MemoryConnection().ssl is None


def test_unknown_option_names_those_of_the_loop() -> None:
    with pytest.raises(ReqlUnknownOptionError, match=r"Did you mean `flavour`\?"):
        MemoryConnection(flavor="x")


def test_before_connect_it_is_closed() -> None:
    conn = MemoryConnection()
    assert not conn.is_open()
    with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
        conn.check_open()
    assert conn.client_port() is None
    assert conn.client_address() is None


def test_run(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, {"id": 1}))
    assert conn.run(Term("x")) == {"id": 1}
    assert last_query(conn) == [1, "x", {}]


def test_start_is_what_terms_call(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, 5))
    assert conn._start(Term()) == 5


def test_run_options_are_sent(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, 5))
    conn.run(Term(), time_format="raw")
    assert last_query(conn) == [1, "t", {"time_format": "raw"}]


def test_the_database(conn: MemoryConnection) -> None:
    conn.answers += [answer(ATOM, 1), answer(ATOM, 2)]
    conn.use("heroes")
    conn.run(Term())
    assert last_query(conn) == [1, "t", {"db": "heroes"}]
    with pytest.raises(ReqlDriverError, match="`db` must be a string, not int"):
        conn.use(3)  # type: ignore[arg-type]  # a program's mistake
    conn.db = None
    conn.run(Term())
    assert last_query(conn) == [1, "t", {}]


@pytest.mark.parametrize("true", [True, 1, "yes"])
def test_noreply_reaches_the_server_as_true(conn: MemoryConnection, true: Any) -> None:
    assert conn.run(Term(), noreply=true) is None
    assert last_query(conn) == [1, "t", {"noreply": True}]


def test_noreply_false_is_an_ordinary_query(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, 5))
    assert conn.run(Term(), noreply=False) == 5


def test_a_sequence_is_a_cursor_of_the_loop(conn: MemoryConnection) -> None:
    conn.answers.append(answer(SEQUENCE, 1, 2))
    cursor = conn.run(Term())
    assert type(cursor) is conn.cursor_type
    assert cursor.conn is conn
    assert list(cursor) == [1, 2]


def test_profile_of_a_value(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, 5, p=[{"took": 1}]))
    assert conn.run(Term(), profile=True) == {"value": 5, "profile": [{"took": 1}]}


def test_profile_of_a_sequence(conn: MemoryConnection) -> None:
    conn.answers.append(answer(SEQUENCE, 1, 2, p=[{"took": 1}]))
    result = conn.run(Term(), profile=True)
    assert result["profile"] == [{"took": 1}]
    assert list(result["value"]) == [1, 2]


def test_a_document_with_a_field_named_value(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, {"value": [1]}))
    assert conn.run(Term()) == {"value": [1]}


@pytest.mark.parametrize(("value", "found"), [([1, [2]], [1, [2]]), ([], [])])
def test_an_array_as_a_cursor(conn: MemoryConnection, value: Any, found: Any) -> None:
    conn.answers += [answer(ATOM, value), answer(ATOM, value)]
    assert conn.run(Term(), as_cursor=False) == value
    cursor = conn.run(Term(), as_cursor=True)
    assert isinstance(cursor, BaseCursor)
    assert (list(cursor.items), cursor._stream.finished) == (found, True)
    assert last_query(conn)[2] == {}
    conn.answers.append(answer(ATOM, value, p=["slow"]))
    profiled = conn.run(Term(), as_cursor=True)
    assert (list(profiled["value"].items), profiled["profile"]) == (found, ["slow"])


def test_nothing_else_is_made_a_cursor(conn: MemoryConnection) -> None:
    for value in (None, 1, "text", {"a": [1]}):
        conn.answers.append(answer(ATOM, value))
        assert conn.run(Term(), as_cursor=True) == value
    conn.answers.append(answer(SEQUENCE, [1], [2]))
    assert list(conn.run(Term(), as_cursor=True).items) == [[1], [2]]
    conn.answers.append(answer(ATOM))
    with pytest.raises(ReqlDriverError):
        conn.run(Term(), as_cursor=True)


def test_options_of_decoding(conn: MemoryConnection) -> None:
    time = {"$reql_type$": "TIME", "epoch_time": 0, "timezone": "+00:00"}
    conn.answers.append(answer(ATOM, time))
    assert conn.run(Term(), time_format="raw") == time


class Encoder:
    def encode(self, query: Any) -> str:
        query[1] = "encoded"
        return json.dumps(query)


class Decoder:
    def __init__(self, options: Any) -> None:
        self.options = options

    def decode(self, text: str) -> Any:
        return {"t": 1, "r": [["decoded", dict(self.options)]]}


def test_encoder_and_decoder_of_a_query(conn: MemoryConnection) -> None:
    conn.answers += [answer(ATOM, 1)] * 3
    assert conn.run(Term(), json_encoder=Encoder) == 1
    assert last_query(conn) == [1, "encoded", {}]
    assert conn.run(Term(), json_decoder=Decoder)[0] == "decoded"
    assert last_query(conn) == [1, "t", {}]
    assert conn.run(Term()) == 1


@pytest.mark.parametrize("option", ["json_encoder", "json_decoder"])
def test_an_encoder_or_decoder_that_cannot_be_called(conn: MemoryConnection, option: str) -> None:
    with pytest.raises(ReqlDriverError, match=f"`{option}` must be a class .* not int"):
        conn.run(Term(), **{option: 3})


def test_encoder_and_decoder_of_a_connection() -> None:
    conn = MemoryConnection.make(json_encoder=Encoder, json_decoder=Decoder)
    conn.answers += [answer(ATOM, 1)] * 2
    assert conn.run(Term()) == ["decoded", {}]
    assert last_query(conn) == [1, "encoded", {}]
    assert conn.run(Term(), array_limit=5) == ["decoded", {"array_limit": 5}]


class Converting(Term):
    """A term that asks for what becomes of complex numbers."""

    def start_body(
        self, options: Mapping[str, Any], db: str | None, values: Any = None
    ) -> list[Any]:
        converter = values and values.converters.find(1j)
        return [1, [converter and converter(1j), values and values.own_encoder], {}]


def test_converters_of_a_connection(conn: MemoryConnection) -> None:
    own = MemoryConnection.make(converters={complex: str})
    for connection in (conn, own):
        connection.answers += [answer(ATOM, 1)] * 2
    own.run(Converting())
    assert last_query(own) == [1, ["1j", False], {}]
    conn.run(Converting())
    assert last_query(conn) == [1, [None, None], {}]
    own.run(Converting(), json_encoder=json.JSONEncoder)
    assert last_query(own) == [1, ["1j", True], {}]
    conn.run(Converting(), json_encoder=json.JSONEncoder)
    assert last_query(conn) == [1, [None, True], {}]


@pytest.mark.parametrize("size", [1, 5000])
@pytest.mark.parametrize("db", [None, "d"])
def test_a_query_that_encodes_itself(conn: MemoryConnection, db: str | None, size: int) -> None:
    conn.answers.append(answer(ATOM, 1))
    if db is not None:
        conn.use(db)
    assert conn.run(r.table("t" * size)) == 1
    assert last_query(conn) == [1, [15, ["t" * size]], {"db": [14, [db]]} if db else {}]


def test_a_query_that_cannot_be_encoded_costs_nothing(conn: MemoryConnection) -> None:
    with pytest.raises(Exception, match="not JSON serializable"):
        conn.run(Term(object()))
    assert conn.pair.queries == []
    assert conn.is_open()


def test_a_text_that_cannot_be_sent_costs_nothing(conn: MemoryConnection) -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed in a test"):
        conn.run(Term("\ud800"))
    assert conn.pair.queries == []
    assert conn.is_open()


def test_a_connection_is_no_value(conn: MemoryConnection) -> None:
    with pytest.raises(ReqlTypeError, match=r"query\.run\(conn\)"):
        r.expr([conn])


def test_a_value_is_no_query(conn: MemoryConnection) -> None:
    with pytest.raises(ReqlDriverError, match=r"takes a query, not 1\. Write query\.run\(conn\)"):
        conn.run(1)


def test_noreply_wait_and_server(conn: MemoryConnection) -> None:
    info = {"id": "i", "name": "n", "proxy": False}
    conn.answers += [answer(WAIT_COMPLETE), answer(INFO, info)]
    assert conn.noreply_wait() is None
    assert conn.server() == info


def test_close_waits_for_noreply_queries(conn: MemoryConnection) -> None:
    conn.answers.append(answer(WAIT_COMPLETE))
    conn.close()
    assert last_query(conn) == [4]
    assert not conn.is_open()
    assert conn.close() is None


def test_close_without_waiting(conn: MemoryConnection) -> None:
    conn.close(noreply_wait=False)
    assert conn.pair.queries == []
    with pytest.raises(ReqlDriverError, match=r"^Connection is closed\.$"):
        conn.run(Term())


def test_reconnect_keeps_the_object_and_its_database(conn: MemoryConnection) -> None:
    conn.use("d")
    assert conn.reconnect(noreply_wait=False) is conn
    assert (conn.is_open(), conn.db) == (True, "d")


def test_addresses(conn: MemoryConnection) -> None:
    assert (conn.client_address(), conn.client_port()) == ("127.0.0.1", 5)


def test_a_check_open_of_the_programs_own_is_asked_before_each_query() -> None:
    class Mended(MemoryConnection):
        def check_open(self) -> None:
            if not self.is_open():
                self.reconnect()

    conn = Mended.make()
    conn.close(noreply_wait=False)
    conn.answers.append(answer(ATOM, 1))
    assert conn.run(Term()) == 1


def test_a_check_open_assigned_to_a_connection_may_refuse(conn: MemoryConnection) -> None:
    def check_open() -> None:
        raise PermissionError("not today")

    conn.check_open = check_open  # type: ignore[method-assign]
    with pytest.raises(PermissionError, match="not today"):
        conn.run(Term())
    assert conn.pair.queries == []


def test_a_check_open_to_be_awaited_where_nothing_is(conn: MemoryConnection) -> None:
    conn.check_open = threading.Event  # type: ignore[method-assign,assignment]
    conn.answers.append(answer(ATOM, 1))
    assert conn.run(Term()) == 1
    conn.check_open = _Awaitable  # type: ignore[method-assign,assignment]
    with pytest.raises(ReqlDriverError, match=r"^check_open\(\) returned something to await"):
        conn.run(Term())


class _Awaitable:
    def __await__(self) -> Any:
        """Nobody gets here."""


def test_check_open_is_silent_when_open(conn: MemoryConnection) -> None:
    conn.check_open()


def test_repl_is_per_thread(conn: MemoryConnection) -> None:
    Repl.clear()
    assert (Repl.get(), Repl.active) == (None, False)
    assert conn.repl() is conn
    elsewhere: list[Any] = []
    thread = threading.Thread(target=lambda: elsewhere.append((Repl.get(), Repl.active)))
    thread.start()
    thread.join()
    assert elsewhere == [(None, True)]
    assert Repl.get() is conn
    Repl.clear()


def test_connect_errors() -> None:
    conn = MemoryConnection("h", 1234)
    refused = conn._connect_error(ConnectionRefusedError("Connection refused"))
    assert str(refused).startswith("Could not connect to h:1234. Error: Connection refused. Is the")
    assert "OSError" in str(conn._connect_error(OSError()))
    unknown = conn._connect_error(type("gaierror", (OSError,), {})("Name or service not known"))
    assert str(unknown).endswith("Is the name of the host right?")
    timeout = conn._connect_error(TimeoutError())
    assert isinstance(timeout, ReqlTimeoutError)
    assert str(timeout) == "Could not connect to h:1234, Operation timed out."


def test_the_public_names() -> None:
    assert rethinkdb.net.Connection is BaseConnection
    assert rethinkdb.net.Cursor is BaseCursor
    assert rethinkdb.net.DEFAULT_PORT == 28015
    for name in rethinkdb.net.__all__:
        assert getattr(rethinkdb.net, name)


def test_it_refuses_to_be_part_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    other = types.ModuleType("rethinkdb")
    other.__path__ = rethinkdb.__path__
    monkeypatch.setitem(sys.modules, "rethinkdb", other)
    with pytest.raises(ImportError, match="official `rethinkdb` package was installed over"):
        importlib.reload(sys.modules["rethinkdb.net"])


def test_the_officials_names() -> None:
    assert issubclass(rethinkdb.net.DefaultConnection, BaseConnection)
    assert issubclass(rethinkdb.net.DefaultCursor, BaseCursor)
    assert issubclass(rethinkdb.net.DefaultCursorEmpty, StopIteration)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = rethinkdb.net.Nonsense


def test_a_connection_may_be_opened_to_one_of_several_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ReqlDriverError, match=r"`hosts`: .* goes to one host only"):
        MemoryConnection(hosts=["a", "b:5"])
    monkeypatch.setattr(MemoryConnection, "TRIES_HOSTS", True)
    conn = MemoryConnection(hosts=["a", "b:5"], user="u")
    assert (conn.host, conn.port) == ("a", 28015)
    conn._go_to(("b", 5))
    assert (conn.host, conn.port, conn.options.user) == ("b", 5, "u")
    assert conn.options.places == (("a", 28015), ("b", 5))
    conn._settle_at(("b", 5))
    assert conn.options.places == (("b", 5),)


def test_what_was_refused_was_not_sent(conn: MemoryConnection) -> None:
    conn.close(noreply_wait=False)
    with pytest.raises(ReqlDriverError, match="Connection is closed") as caught:
        conn.run(Term("x"))
    assert caught.value.unsent
    assert not ReqlDriverError("any other").unsent


def test_idempotent_is_not_sent(conn: MemoryConnection) -> None:
    conn.answers.append(answer(ATOM, 1))
    assert conn.run(Term("x"), idempotent=True) == 1
    assert "idempotent" not in json.dumps(last_query(conn))


class Watcher:
    """Watches connections."""

    def __init__(self) -> None:
        self.pools: list[str | None] = []

    def connecting(self, session: Any) -> None:
        self.pools.append(session.pool_name)

    def opened(self, session: Any) -> None:
        pass

    ended = opened


def test_a_connection_is_watched_by_its_own_observer_or_by_its_pool_s() -> None:
    own, common = Watcher(), Watcher()
    pool = types.SimpleNamespace(options=types.SimpleNamespace(name="web"), _observer=common)
    conn = MemoryConnection("db.example", 28015)
    conn._pool = pool
    conn._new_session()
    assert (common.pools, conn._session.observer) == (["web"], common)
    conn._observe(own)
    assert conn._session.observer is own
    conn._observe(None)
    assert conn._session.observer is common
    pool._observer = None
    conn._observe_as_told()
    assert conn._session.observer is None


def test_queries_know_the_database_of_their_connection(conn: MemoryConnection) -> None:
    conn.use("cave")
    assert conn._query(Term(), {}).db == "cave"


def test_slow_queries_are_logged_if_wanted() -> None:
    conn = MemoryConnection("db.example", slow_query=0.5)
    assert conn._new_session().observer is not None
    assert conn._new_session().observer is conn._observer


@pytest.mark.parametrize("size", [1, 5000])
def test_a_query_that_is_encoded_by_one_call_sends_what_it_sends_otherwise(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "tables", False)  # another test may have made a typed table
    conn = MemoryConnection("db.example", db="comics")
    term = r.table("heroes").get("x" * size)
    plainly = conn._codec.encode(term.start_body({}, "comics"))
    assert conn._query(term, {}).payload == plainly
