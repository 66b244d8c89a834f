"""For connections, cursors and pools: the loop's name in `repr()`, and the names in `dir()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

__all__ = ["loop_name", "offered", "shown_in_any_state"]

_LOOPS = "rethinkdb.loops."

# Public names for authors of adapters. Completion does not offer them to users.
_FOR_ADAPTERS = frozenset(
    {
        "KNOWN_AS",
        "LOOP_API",
        "LOOP_OPTIONS",
        "TRIES_HOSTS",
        "WHY_NO_COPIES",
        "connection_type",
        "cursor_type",
        "make",
    }
)


def shown_in_any_state(show: Callable[[Any], str]) -> Callable[[Any], str]:
    """Decorate a `__repr__`, so that debuggers can also show what was not set up.

    A subclass may fail before it calls `__init__`, and its object then stands in a traceback.
    """

    @wraps(show)
    def shown(self: Any) -> str:
        try:
            return show(self)
        except AttributeError:
            return f"<{type(self).__name__} not set up>"

    return shown


def offered(names: Iterable[str]) -> list[str]:
    """Select the names for `dir()`: the public names for users, and Python's own."""
    return [
        name
        for name in names
        if name not in _FOR_ADAPTERS and (name.startswith("__") or not name.startswith("_"))
    ]


def loop_name(kind: type[Any]) -> str:
    """The name of a class's loop, such as `asyncio`; for other packages, the module's name."""
    for base in kind.__mro__:
        if base.__module__.startswith(_LOOPS):
            name, _, _ = base.__module__.removeprefix(_LOOPS).partition(".")
            if name != "transport":
                return name
    return kind.__module__.rpartition(".")[2]
