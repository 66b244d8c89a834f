"""A RethinkDB driver for every event loop.

    from rethinkdb import r

    conn = r.connect("localhost")
    r.table("users").insert({"name": "Ada"}).run(conn)

`import rethinkdb as r` does as well: the module has all attributes that `r` has, and both are one
default `RethinkDB()`, whose loop type `set_loop_type` chooses. `RethinkDB()` makes another one.

Nothing is imported before it is used.
"""

from __future__ import annotations

from rethinkdb.version import __version__

TYPE_CHECKING = False  # type checkers know better; importing typing would be half of the cost

# For type checkers; at run time the same names come from __getattr__ below.
# ruff: noqa: F403, F405
if TYPE_CHECKING:
    from typing import Any

    from rethinkdb.ast import RqlQuery as RqlQuery
    from rethinkdb.codec import ReQLDecoder as ReQLDecoder
    from rethinkdb.codec import ReQLEncoder as ReQLEncoder
    from rethinkdb.errors import *
    from rethinkdb.namespace import RethinkDB, r
    from rethinkdb.net import DEFAULT_PORT as DEFAULT_PORT
    from rethinkdb.net import Connection as Connection
    from rethinkdb.net import Cursor as Cursor
    from rethinkdb.net import make_connection as make_connection
    from rethinkdb.push import Handler as Handler
    from rethinkdb.push import QueryHandle as QueryHandle
    from rethinkdb.query import *
    from rethinkdb.repl import Repl as Repl

    rethinkdb = r
    connect = r.connect
    set_loop_type = r.set_loop_type

# Commands are attributes, too, but a star import must not replace `map`, `min` and other builtins.
__all__ = [
    "ReqlAuthError",
    "ReqlAvailabilityError",
    "ReqlCompileError",
    "ReqlCursorEmpty",
    "ReqlDriverCompileError",
    "ReqlDriverError",
    "ReqlError",
    "ReqlInternalError",
    "ReqlLoopTypeError",
    "ReqlNonExistenceError",
    "ReqlOpFailedError",
    "ReqlOpIndeterminateError",
    "ReqlPermissionError",
    "ReqlQueryLogicError",
    "ReqlResourceLimitError",
    "ReqlRuntimeError",
    "ReqlServerCompileError",
    "ReqlTimeoutError",
    "ReqlTypeError",
    "ReqlUserError",
    "ReqlValueError",
    "RethinkDB",
    "RqlClientError",
    "RqlCompileError",
    "RqlCursorEmpty",
    "RqlDriverError",
    "RqlError",
    "RqlRuntimeError",
    "RqlTimeoutError",
    "__version__",
    "r",
    "rethinkdb",
]


_LOOPS = ("asyncio", "tornado", "twisted", "trio", "gevent")

_SUBMODULES = frozenset(
    {
        *("ast", "cli", "codec", "embedded", "errors", "loops", "namespace", "net"),
        *("pseudotypes", "push", "ql2", "ql2_pb2", "query", "repl", "testing"),
    }
)

# The official package has these as attributes once a loop type was chosen. They are not in `dir()`,
# as whoever goes through all names would import all loop libraries.
_LOOP_FACES = {f"{loop}_net": f"net_{loop}" for loop in _LOOPS}


def _find(name: str) -> Any:
    from importlib import import_module

    # `from rethinkdb import codec` asks here, too, and shall import that and no more.
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _LOOP_FACES:
        return _loop_face(name)
    if name.startswith("__"):  # asked for by import machinery and inspection
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    namespace = import_module("rethinkdb.namespace")
    if name == "RethinkDB":
        return namespace.RethinkDB
    if name in ("r", "rethinkdb"):  # 2.3 had both names for it
        return namespace.r
    return _of_default(namespace.r, name)


if not TYPE_CHECKING:  # they know all names, and shall refuse misspelt ones
    __getattr__ = _find


def _loop_face(name: str) -> Any:
    from importlib import import_module

    try:
        import_module(f"{__name__}.{name}.{_LOOP_FACES[name]}")
    except ModuleNotFoundError as exc:  # that loop's library is not installed
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {exc}") from exc
    return import_module(f"{__name__}.{name}")


def _of_default(r: RethinkDB, name: str) -> Any:
    try:
        return getattr(r, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from rethinkdb.namespace import r

    return sorted({*globals(), *__all__, *_SUBMODULES, *dir(r)})
