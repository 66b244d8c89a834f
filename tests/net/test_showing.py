"""What connections show of themselves."""

from __future__ import annotations

from rethinkdb.net.showing import loop_name

from .memory import MemoryConnection, Term
from .pair import PARTIAL


def test_a_connection() -> None:
    conn = MemoryConnection("db.example", db="test", password="hunter2")
    assert repr(conn) == "<MemoryConnection memory db.example:28015 db='test' closed>"
    conn._new_session()
    assert repr(conn).endswith(" connecting>")
    conn.connect()
    assert repr(conn).endswith(" open, 0 in flight>")
    conn.answers.append(lambda pair: pair.answer(pair.queries[-1][0], PARTIAL, 1))
    cursor = conn.run(Term())
    assert repr(conn).endswith(" open, 1 in flight>")
    conn._session.receive_eof(OSError("gone"))
    assert repr(conn).endswith(" lost: gone>")
    assert "hunter2" not in repr(conn)
    assert repr(MemoryConnection()) == "<MemoryConnection memory localhost:28015 closed>"
    assert cursor.items


def test_what_was_not_set_up() -> None:
    """Debuggers show it, if a subclass fails before it calls `__init__`."""
    for kind in (MemoryConnection, MemoryConnection.cursor_type):
        assert repr(kind.__new__(kind)) == f"<{kind.__name__} not set up>"


def test_completion_offers_what_users_may_use() -> None:
    conn = MemoryConnection()
    assert {"run", "close", "is_open", "db", "host"} <= set(dir(conn))
    assert not {"LOOP_API", "cursor_type", "make", "_session", "_call"} & set(dir(conn))
    conn.connect()
    conn.answers.append(lambda pair: pair.answer(pair.queries[-1][0], PARTIAL, 1))
    cursor = conn.run(Term())
    assert {"next", "close", "to_list", "conn"} <= set(dir(cursor))
    assert not {"KNOWN_AS", "_stream"} & set(dir(cursor))


def test_the_loop_of_a_class() -> None:
    def kind(module: str, *bases: type) -> type:
        return type("Connection", bases, {"__module__": module})

    asyncio = kind("rethinkdb.loops.asyncio", kind("rethinkdb.loops.transport.event_loop"))
    assert loop_name(asyncio) == "asyncio"
    assert loop_name(kind("app.db", asyncio)) == "asyncio"
    curio = kind("rethinkdb_curio", kind("rethinkdb.loops.transport.wired"))
    assert loop_name(curio) == "rethinkdb_curio"
