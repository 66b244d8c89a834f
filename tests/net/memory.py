"""A loop without a loop: an adapter whose transport is a `Pair`, its results there at once.

What the server says while an operation waits is scripted beforehand: `conn.answers` holds functions
of the pair, one for each operation that would have to wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.cursor import AsyncIterableCursor, IterableCursor
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .pair import Pair


class Term:
    """Stands for a term: what the core knows of one."""

    def __init__(self, wire: Any = "t") -> None:
        self.wire = wire

    def start_body(
        self, options: Mapping[str, Any], db: str | None, values: Any = None
    ) -> list[Any]:
        sent = {name: options[name] for name in options if not name.startswith("json_")}
        return [1, self.wire, {**({"db": db} if db else {}), **sent}]

    def explain(self, error: Exception) -> None:
        if isinstance(error, UnicodeEncodeError):
            error.reason += " in a test"

    def render(
        self, frames: Any = None, enough: Any = None, values: bool = True
    ) -> tuple[str, tuple[int, int]]:
        return "term()", (0, 6)


class MemoryConnection(BaseConnection):
    """Its results are values; what would block is a bug of the test."""

    LOOP_API = 1
    LOOP_OPTIONS = ("flavour",)
    cursor_type = IterableCursor

    pair: Pair

    def _init_loop(self, flavour: str = "plain") -> None:
        self.flavour = flavour
        self.answers: deque[Callable[[Pair], object]] = deque()
        self.timeouts: list[float | None] = []
        self.discarded: list[Stream] = []
        self.elsewhere = False

    def connect(self) -> Any:
        self.pair = Pair()
        self._session = self.pair.session
        return self

    def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Any:
        self.close(noreply_wait)
        return self.connect()

    def _call(
        self, operation: Callable[..., Waiter[Any]], *args: Any, timeout: float | None = None
    ) -> Any:
        self.timeouts.append(timeout)
        waiter = operation(*args)
        self.pair.move()
        try:
            while not waiter.done():
                self.answers.popleft()(self.pair)
        except BaseException:
            waiter.abandon()
            raise
        return self._outcome(waiter)

    def _discard(self, stream: Stream) -> None:
        self.discarded.append(stream)

    def _local_address(self) -> tuple[str, int] | None:
        return ("127.0.0.1", 5) if self.is_open() else None


class AsyncMemoryConnection(MemoryConnection):
    """Its results are awaitables, complete from the start."""

    cursor_type = AsyncIterableCursor  # type: ignore[assignment]  # another style on purpose

    async def _call(self, *args: Any, **kwargs: Any) -> Any:
        return super()._call(*args, **kwargs)

    def _check_loop(self) -> None:
        if self.elsewhere:
            raise ReqlDriverError("This connection belongs elsewhere.")
