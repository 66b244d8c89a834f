"""The three ways to import the driver give the same types."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

import rethinkdb as module
from rethinkdb import RethinkDB, r
from rethinkdb.ast import RqlQuery, Table
from rethinkdb.asyncio_net import net_asyncio
from rethinkdb.errors import ReqlDriverError
from rethinkdb.loops.asyncio import Connection as AsyncioConnection
from rethinkdb.loops.blocking import Connection
from rethinkdb.net import BaseConnection, BaseCursor, Repl
from rethinkdb.net import ReqlDriverError as DriverErrorOfNet
from rethinkdb.ql2 import TermType
from rethinkdb.ql2_pb2 import Term

own = RethinkDB()
assert_type(own, RethinkDB)
assert_type(r, RethinkDB)
assert_type(module.r, RethinkDB)
assert_type(module.rethinkdb, RethinkDB)
assert_type(module.__version__, str)

assert_type(module.table("t"), Table)
assert_type(r.table("t"), Table)
assert_type(own.table("t"), Table)

assert_type(module.row["a"], RqlQuery)
assert_type(r.row["a"], RqlQuery)
assert_type(own.row["a"], RqlQuery)

# The loop type that was chosen some time before, or that another package brings, is not known here.

assert_type(module.connect("localhost"), Any)
assert_type(r.connect("localhost", 28015, "blog", "key", "ada", "secret", 5.0), Any)
assert_type(own.connect("localhost", 28015, io_loop=None), Any)
anyio_options: dict[str, Any] = {"portal": None}
assert_type(r.connect("localhost", loop_type="anyio", **anyio_options), Any)

assert_type(module.connect("localhost", loop_type="blocking"), Connection)
assert_type(r.connect("localhost", loop_type=None), Connection)
assert_type(own.connect("localhost", loop_type="blocking"), Connection)


def configured(config: Any) -> Connection:
    return r.connect(config["host"], config["port"], loop_type=None, timeout=config["timeout"])


for chosen in (None, "asyncio", "tornado", "twisted", "trio", "gevent"):
    module.set_loop_type(chosen)
    r.set_loop_type(chosen)
    own.set_loop_type(chosen)

assert_type(module.DEFAULT_PORT, int)
assert_type(r.DEFAULT_PORT, int)
assert_type(module.ReqlDriverError("text"), ReqlDriverError)
assert_type(r.ReqlDriverError("text"), ReqlDriverError)


def known_by_either_name(found: object) -> None:
    if isinstance(found, module.Connection):
        assert_type(found, BaseConnection)
    elif isinstance(found, r.Cursor):
        assert_type(found, BaseCursor)


def raised_by_either_name() -> None:
    try:
        r.expr(1).run()
    except (module.ReqlTimeoutError, own.ReqlAuthError) as exc:
        assert_type(exc.message, str)


# Where programs for the official package find things.


def annotated(conn: net_asyncio.Connection) -> AsyncioConnection:
    assert_type(conn, AsyncioConnection)
    return conn


class Subclassed(net_asyncio.Connection):
    def label(self) -> str:
        return self.host


def caught() -> None:
    Repl.clear()
    try:
        r.expr(1).run()
    except DriverErrorOfNet as exc:
        assert_type(exc, ReqlDriverError)


number: TermType = Term.TermType.FILTER
