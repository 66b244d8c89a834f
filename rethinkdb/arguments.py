"""What `connect()` takes by name, for type checkers: nothing here is needed at run time.

Each loop type has some of its own, so a class of them. `host`, `port` and `db` are not among them,
as they may be given by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

__all__ = [
    "AnyArguments",
    "ConnectArguments",
    "IOLoopArguments",
    "ReactorArguments",
    "TrioArguments",
]


class _Named(TypedDict, total=False):
    """Those of every loop that can be given by name only. `RethinkDB.connect` explains them."""

    json_encoder: Callable[..., Any] | None
    json_decoder: Callable[..., Any] | None
    deadline: float | None
    converters: Mapping[Any, Any] | None  # as checkers make `object` of a table's functions
    keepalive: float | None
    hosts: Sequence[str | tuple[str, int]] | str | None


class ConnectArguments(_Named, total=False):
    """Those of every loop."""

    auth_key: str | None
    user: str | None
    password: str | None
    timeout: float | str | None
    ssl: Any
    url: str | None


class IOLoopArguments(ConnectArguments, total=False):
    """Those of asyncio, Tornado and gevent."""

    io_loop: Any


class ReactorArguments(ConnectArguments, total=False):
    """Those of Twisted."""

    reactor: Any
    start_reactor: bool


class TrioArguments(ConnectArguments, total=False):
    """Those of trio."""

    nursery: Any


class AnyArguments(_Named, total=False):
    """Those of all loops of this package, where the loop type is not known."""

    io_loop: Any
    reactor: Any
    start_reactor: bool
    nursery: Any
