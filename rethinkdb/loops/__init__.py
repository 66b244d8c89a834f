"""Loop adapters: one subpackage for each event loop. `transport` has the code that several share.

An adapter is a class `Connection(BaseConnection)`. It moves bytes between a socket and the core
(`rethinkdb.net`), and turns the core's `Waiter` into what users of the loop get: a value, a
coroutine, a Future or a Deferred. The entry-point group `rethinkdb.loops` maps names to classes. So
any package can add a loop::

    [project.entry-points."rethinkdb.loops"]
    curio = "rethinkdb_curio:Connection"

`import rethinkdb` imports no loop library. `load` imports it when a program chooses that loop.
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

#: Version of the interface between core and adapters (see `rethinkdb.net.connection`). Each adapter
#: class states the version that it was written for. `BaseConnection` states none: an adapter that
#: inherited it would claim a version that nobody has checked.
LOOP_API = 1

BLOCKING = "blocking"

#: The loops of this package. pyproject.toml registers the same, but a source tree that is not
#: installed has no entry points.
BUILT_IN = {
    name: f"rethinkdb.loops.{name}:Connection"
    for name in (BLOCKING, "asyncio", "tornado", "twisted", "trio", "gevent")
}


def known_names() -> list[str]:
    """The names that `load` accepts: the built-in loops, then the loops of other packages."""
    return [*BUILT_IN, *sorted(_registered().keys() - BUILT_IN.keys())]


def load(name: str | None) -> type[BaseConnection]:
    """Import a loop's adapter.

    Args:
        name: one of `known_names()`; None means the blocking driver.

    Returns:
        The loop's connection class.

    Raises:
        ReqlLoopTypeError: there is no loop with this name. It is a ValueError too.
        ImportError: the loop's library is not installed. The message names the extra to install.
        ReqlDriverError: the adapter is from another package and was written for another `LOOP_API`.
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
    """The `r` for programs that use one loop: `from rethinkdb.loops.asyncio import r`.

    Type checkers know that its `connect` makes this loop's connection.

    Args:
        name: the loop type.

    Returns:
        A `RethinkDB` object with this loop type, the same object on each call.

    Example:
        from rethinkdb.loops.asyncio import r

        async with r.connect("localhost") as conn: ...
    """
    # Imported by name, as the namespace is a layer above this one.
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
    """The loops that installed packages have registered, this package included."""
    # Imported here: it takes longer than the rest of the driver, and few programs need it.
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}
