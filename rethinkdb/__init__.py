"""A RethinkDB driver for every event loop.

    from rethinkdb import r

    conn = r.connect("localhost")
    r.table("users").insert({"name": "Ada"}).run(conn)

`import rethinkdb as r` does as well: the module has all attributes that `r` has, and both are one
default `RethinkDB()`, whose loop type `set_loop_type` chooses. `RethinkDB()` makes another one.

Nothing is imported before it is used.
"""

from __future__ import annotations

from os.path import exists as _exists

from rethinkdb.version import __version__ as __version__

# By this name `net` knows that this file is not the one of the official package.
_DISTRIBUTION = "rethinkdb-loops"

# A file that the official package has and this one cannot have, as it has a directory of that name.
# To look takes 2 µs.
if _exists(f"{__path__[0]}/net.py"):
    from rethinkdb import installation as _installation

    _installation.warn(__path__[0])

# Type checkers know the names of this module by `__init__.pyi`; at run time they are found below.

_LOOPS = ("asyncio", "tornado", "twisted", "trio", "gevent")

_SUBMODULES = frozenset(
    {
        *("ast", "cli", "codec", "embedded", "errors", "loops", "namespace", "net"),
        *("pseudotypes", "push", "ql2", "ql2_pb2", "query", "repl", "reql", "testing", "tools"),
        "typed",
    }
)

# The official package has these as attributes once a loop type was chosen. They are not in `dir()`,
# as whoever goes through all names would import all loop libraries.
_LOOP_FACES = {f"{loop}_net": f"net_{loop}" for loop in _LOOPS}


def __getattr__(name: str) -> object:
    from importlib import import_module

    # `from rethinkdb import codec` asks here, too, and shall import that and no more.
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _LOOP_FACES:
        return _loop_face(name)
    if name == "__all__":
        return _for_star_import()
    if name.startswith("__"):  # asked for by import machinery and inspection
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    namespace = import_module("rethinkdb.namespace")
    if name == "RethinkDB":
        return namespace.RethinkDB
    if name in ("r", "rethinkdb"):  # 2.3 had both names for it
        return namespace.r
    return _of_default(namespace.r, name)


def _for_star_import() -> list[str]:
    """All names but those of commands, as a star import must not replace `map` and `min`."""
    from rethinkdb.namespace import ERRORS

    return sorted([*ERRORS, "RethinkDB", "__version__", "r", "rethinkdb"])


def _loop_face(name: str) -> object:
    from importlib import import_module

    try:
        import_module(f"{__name__}.{name}.{_LOOP_FACES[name]}")
    except ModuleNotFoundError as exc:  # that loop's library is not installed
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: {exc}") from exc
    return import_module(f"{__name__}.{name}")


def _of_default(r: object, name: str) -> object:
    try:
        return getattr(r, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from rethinkdb.namespace import r

    return sorted({*globals(), "__all__", *_for_star_import(), *_SUBMODULES, *dir(r)})
