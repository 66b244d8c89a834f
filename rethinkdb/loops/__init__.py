"""Loop adapters, a room each, found by name. `transport` has what several of them stand on.

An adapter is a class `Connection(BaseConnection)`. It moves bytes between a transport and the core
(`rethinkdb.net`), and turns the core's `Waiter` into what its callers hold: a value, a coroutine,
a Future, a Deferred. Names lead to classes through the entry-point group `rethinkdb.loops`, so
anybody can add a loop in a package of their own::

    [project.entry-points."rethinkdb.loops"]
    curio = "rethinkdb_curio:Connection"

`import rethinkdb` imports no loop library: `load` does, when that loop is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError, ReqlLoopTypeError
from rethinkdb.net.connection import BaseConnection

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["BUILT_IN", "GROUP", "LOOP_API", "chosen", "known_names", "load"]

GROUP = "rethinkdb.loops"

#: The contract between core and adapters (see `rethinkdb.net.connection`). An adapter says in its
#: own body which one it was written for; inheriting the base's would promise what nobody checked.
LOOP_API = 1

BLOCKING = "blocking"

#: The loops of this package, as pyproject.toml registers them: a source tree that is not installed
#: has no entry points.
BUILT_IN = {
    name: f"rethinkdb.loops.{name}:Connection"
    for name in (BLOCKING, "asyncio", "tornado", "twisted", "trio", "gevent")
}


def known_names() -> list[str]:
    """Names that `load` accepts: the built-in loops, then those that other packages registered."""
    return [*BUILT_IN, *sorted(_registered().keys() - BUILT_IN.keys())]


def load(name: str | None) -> type[BaseConnection]:
    """The connection class of a loop, imported now.

    Args:
        name: one of `known_names()`; None is the blocking driver.

    Raises:
        ReqlLoopTypeError: nobody registered that name (it is a ValueError too).
        ImportError: its library is not installed; the message names the extra to install.
        ReqlDriverError: an adapter from another package was written for another `LOOP_API`.
    """
    if name is None:
        name = BLOCKING
    if not isinstance(name, str):
        raise ReqlLoopTypeError(f"A loop type is a name or None, not {type(name).__name__}.")
    connection_type = _import(name) if name in BUILT_IN else _import_registered(name)
    if getattr(connection_type, "LOOP_API", None) != LOOP_API:
        raise ReqlDriverError(
            f"The loop type `{name}` ({connection_type!r}) was not written for LOOP_API {LOOP_API} "
            "of this driver: install a matching version of its package."
        )
    return connection_type


@cache
def chosen(name: str) -> Any:
    """`r` for programs that use one loop: `from rethinkdb.loops.asyncio import r`.

    It is a `RethinkDB` object whose loop type is this one. Type checkers see that its `connect`
    gives that loop's connection.

    Args:
        name: the loop type.

    Returns:
        The object, the same each time.

    Example:
        from rethinkdb.loops.asyncio import r

        async with r.connect("localhost") as conn: ...
    """
    # By its name, as it is above the loops: a program that asks for it here has chosen so.
    made = import_module("rethinkdb.namespace").RethinkDB()
    made.set_loop_type(name)
    return made


def _import(name: str) -> type[BaseConnection]:
    module, _, attribute = BUILT_IN[name].partition(":")
    try:
        loaded: type[BaseConnection] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as exc:
        raise ImportError(
            f"The loop type `{name}` needs {exc.name}: pip install 'rethinkdb-loops[{name}]'.",
            name=exc.name,
        ) from exc
    return loaded


def _import_registered(name: str) -> type[BaseConnection]:
    entry = _registered().get(name)
    if entry is None:
        known = ", ".join(known_names())
        raise ReqlLoopTypeError(
            f"Unknown loop type `{name}`. Known ones: {known}; None is {BLOCKING}."
        )
    loaded: type[BaseConnection] = entry.load()
    return loaded


def _registered() -> dict[str, EntryPoint]:
    """What installed packages, this one included, have registered."""
    # Imported late: it costs more than the rest of the driver, and few programs need it.
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}
