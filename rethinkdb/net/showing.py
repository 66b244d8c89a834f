"""How connections and their kin show themselves: in `repr()`, and to who completes a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["loop_name", "offered"]

_LOOPS = "rethinkdb.loops."

# Public names that are there for those who write adapters, not for users.
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


def offered(names: Iterable[str]) -> list[str]:
    """Those of an object's names that its users may use, and Python's own."""
    return [
        name
        for name in names
        if name not in _FOR_ADAPTERS and (name.startswith("__") or not name.startswith("_"))
    ]


def loop_name(kind: type[Any]) -> str:
    """The loop that a class is for: `asyncio`; of another package's, the name of its module."""
    for base in kind.__mro__:
        if base.__module__.startswith(_LOOPS):
            name, _, _ = base.__module__.removeprefix(_LOOPS).partition(".")
            if name != "transport":
                return name
    return kind.__module__.rpartition(".")[2]
