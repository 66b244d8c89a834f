"""Cursors: what a query gives whose answer is a sequence. Written once, for every loop.

`BaseCursor` has what all of them have. A loop's cursor adds one of the two ways to iterate:
`IterableCursor` for loops whose callers get values (blocking, gevent), `AsyncIterableCursor` for
those whose callers await. The sans-IO half, which talks to the server, is a `Stream`.
"""

from __future__ import annotations

import pprint
from collections import deque
from itertools import islice, repeat
from operator import methodcaller
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple

from rethinkdb.errors import ReqlCursorEmpty, ReqlDriverError

from .emitting import RowEvents
from .options import wait_limit
from .showing import offered
from .signals import raised_by_handler
from .stream import Stream
from .uncopyable import Uncopyable
from .waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self, TypeVar

    from .connection import BaseConnection

    #: What the rows are to type checkers: `AsyncioCursor[Hero]`. Anything, if nothing is said.
    Row = TypeVar("Row", default=Any)
else:
    from typing import TypeVar

    Row = TypeVar("Row")

__all__ = [
    "AsyncIterableCursor",
    "BaseCursor",
    "CursorEmpty",
    "CursorQuery",
    "IterableCursor",
    "Row",
]

_SHOWN_ITEMS = 10

_POPLEFT = methodcaller("popleft")


class CursorQuery(NamedTuple):
    """The query behind a cursor."""

    term: Any
    token: int
    global_optargs: Mapping[str, Any]


class CursorEmpty(ReqlCursorEmpty, StopIteration):
    """No further items, where cursors are plain iterators: it also ends a `for` loop."""


class BaseCursor(RowEvents, Uncopyable, Generic[Row]):
    """A sequence that arrives batch by batch, perhaps for ever (a changefeed).

    The next batch is asked for while the items of this one are being taken, never more than one
    ahead. Items that have arrived are always delivered first; then comes the error, if there was
    one, or `ReqlCursorEmpty`; and it comes again on each later call. An error ends the cursor, not
    the connection.

    A cursor that nobody holds any more closes itself. So `break` in a loop over a query's result
    stops the query on the server, and a cursor in a variable can be gone on with after a `break`.

    Attributes:
        conn: the connection it came from.
    """

    #: The name that `str(cursor)` shows, of this class alone: where programs for the official
    #: package find it. Without one it is the class's own.
    KNOWN_AS: ClassVar[str] = ""

    WHY_NO_COPIES = (
        "its items come from a query that is under way on a connection, each of them once. "
        "Take them: list(cursor), or await cursor.to_list()."
    )

    def _instead_of_value(self) -> str | None:
        """What to write where a program has put it into a query; None if it may be there."""
        if self._stream.is_feed:
            return "It is a changefeed, which never ends. Take items from it, and use these."
        return (
            "Take its items, as in `rows = await cursor.to_list()`, and use these. Or leave out"
            " `.run(conn)` and put the query itself here: the server then does both."
        )

    def __init__(self, conn: BaseConnection, stream: Stream) -> None:
        self.conn = conn
        self._stream = stream
        self._items: deque[Row] = stream.buffer

    @property
    def items(self) -> deque[Row]:
        """The items that have arrived and nobody has taken yet."""
        return self._items

    @property
    def error(self) -> Exception | None:
        """How the stream ended: None while it goes on, `ReqlCursorEmpty` at a clean end.

        Items may still be buffered.
        """
        if self._stream.error is None and self._stream.finished:
            return ReqlCursorEmpty()
        return self._stream.error

    @property
    def query(self) -> CursorQuery:
        """The query's term, its token on the wire, and the options it was run with."""
        query = self._stream.query
        return CursorQuery(query.term, self._stream.token, query.options)

    def next(self, wait: bool | float | None = True) -> Any:
        """The next item, as this loop gives results.

        Args:
            wait: True waits without limit, False or 0 takes only what has arrived, a number is the
                seconds to wait.

        Raises:
            ReqlCursorEmpty: there is no further item.
            ReqlTimeoutError: none came in time. Nothing is lost: the cursor goes on.
            ReqlError: the query failed after the items already delivered.

        Cancelling it loses nothing either: the item goes to the next caller.
        """
        return self.conn._call(self._next, timeout=wait_limit(wait))

    def fetch_next(self, wait: bool | float | None = True) -> Any:
        """Whether `next()` has something: waits until that is known. Loops are driven with it.

        Args:
            wait: as for `next`.

        Returns:
            True when an item or an error is there, False at a clean end.
        """
        return self.conn._call(self._has_next, timeout=wait_limit(wait))

    def close(self) -> Any:
        """Tell the server to stop. Items that have arrived can still be taken.

        It does not wait for the server's answer, and does nothing when the stream has ended or the
        connection is closed.
        """
        self._keep_stream()
        return self.conn._call(self._stream.close)

    def _keep_stream(self) -> None:
        """The cursor is not to go on with another run of its query."""
        renewal, self._stream.renewal = self._stream.renewal, None
        if renewal is not None:
            renewal.forget()

    @property
    def _renewal(self) -> Any:
        return self._stream.renewal

    if TYPE_CHECKING:

        def to_list(self) -> Any:
            """All remaining items."""

    def to_array(self) -> Any:
        """All remaining items: JavaScript's name of `to_list()`."""
        return self.to_list()

    def _check_end(self) -> None:
        if self._stream.is_feed:
            raise ReqlDriverError("A changefeed never ends: there is no list of all its rows.")

    def _read_ahead(self) -> Any:
        return self.conn._call(self._stream.read_ahead)

    def _give_back(self, items: list[Any]) -> Any:
        return self.conn._call(self._stream.put_back, items)

    # While a waiter is pending somebody waits for this cursor, and so holds it. The stream sees to
    # that: a waiter that an interrupt keeps from being returned would take an item with it.

    def _next(self) -> Waiter[Any]:
        return self._stream.next(self._served)

    def _has_next(self) -> Waiter[bool]:
        return self._stream.has_next(self._served)

    def _served(self, _: Waiter[Any]) -> None:
        """What holds the cursor is the reference to this method."""

    def __del__(self) -> None:
        stream: Stream | None = getattr(self, "_stream", None)  # its __init__ may not have run
        if stream is not None and not stream.finished:
            self.conn._discard(stream)

    def __str__(self) -> str:
        error = self.error
        return self._describe(f"error: {error}" if error else "")

    def __repr__(self) -> str:
        error = self.error
        name = f"object at {id(self):#x} "
        return f"<{self._describe(f'error: {error!r}' if error else '', name)}>"

    def __dir__(self) -> list[str]:
        return offered(super().__dir__())

    def _describe(self, failure: str, identity: str = "") -> str:
        if isinstance(self.error, ReqlCursorEmpty):
            failure = "done streaming"
        kind = type(self)
        name = vars(kind).get("KNOWN_AS") or f"{kind.__module__}.{kind.__qualname__}"
        return f"{name} {identity}({failure or 'streaming'}): {_show(self._items)}"


class IterableCursor(BaseCursor[Row]):
    """A cursor for `for`, where waiting blocks the caller (a thread, a greenlet)."""

    def _instead_of_value(self) -> str | None:
        # Like any iterable it is an array in a query.
        return super()._instead_of_value() if self._stream.is_feed else None

    # Mostly the item is here, and taking it needs no lock, no waiter and no call into the core:
    # 0.2 µs in place of 2.7 (measured per item, lock and channel included). It is safe among
    # threads, as a deque gives each item once; and fair, as nobody waits while there are items.

    def next(self, wait: bool | float | None = True) -> Row:
        if wait is not True:
            return self._wait_next(wait)
        return self.__next__()

    next.__doc__ = BaseCursor.next.__doc__

    def fetch_next(self, wait: bool | float | None = True) -> Any:
        if wait is True and self._items:
            return True
        if self._renewal is not None and wait is True:
            return self._renewal.asked(self, self._has_next)
        return super().fetch_next(wait)

    fetch_next.__doc__ = BaseCursor.fetch_next.__doc__

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row:
        items = self._items
        try:
            item = items.popleft()
        except IndexError as exc:
            if raised_by_handler(exc):
                raise
            return self._wait_next(True)
        if len(items) < self._stream.low_water:
            self._read_ahead()
        return item

    def _wait_next(self, wait: bool | float | None) -> Row:
        try:
            if self._renewal is not None and wait is True:
                found: Row = self._renewal.asked(self, self._next)
                return found
            item: Row = super().next(wait)
            return item
        except ReqlCursorEmpty:
            raise CursorEmpty from None

    def to_list(self) -> list[Row]:
        """All remaining items.

        If the query fails, or the caller is interrupted, the items go back to the cursor: the next
        caller gets them all.

        Raises:
            ReqlDriverError: it is a changefeed, which never ends.
            ReqlError: the query failed.
        """
        self._check_end()
        found: list[Row] = []
        stream = self._stream
        try:
            for item in self:  # the first of each batch, which asks for the next one
                found.append(item)
                # The others at the speed of C: 0.05 µs each in place of 0.17. An item that another
                # thread takes is not taken here.
                try:
                    found.extend(map(_POPLEFT, repeat(self._items)))
                except IndexError as exc:
                    if raised_by_handler(exc):
                        raise
        except BaseException as error:
            if found:
                self._give_back(found)
            if self._renewal is None or not self._renewal.begins(self, stream, error):
                raise
            return self.to_list()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncIterableCursor(BaseCursor[Row]):
    """A cursor for `async for`, and for `await cursor.next()`."""

    # While there are more items than `low_water`, one can be taken without a waiter and without a
    # call into the core: nobody waits, and no batch is due. The rest goes the long way. Measured on
    # asyncio, `fetch_next()` and `next()` of an item: 0.7 µs in place of 6.0.

    def next(self, wait: bool | float | None = True) -> Any:
        return self._next_item(wait_limit(wait))

    next.__doc__ = BaseCursor.next.__doc__

    def fetch_next(self, wait: bool | float | None = True) -> Any:
        return self._has_item(wait_limit(wait))

    fetch_next.__doc__ = BaseCursor.fetch_next.__doc__

    async def _next_item(self, timeout: float | None) -> Any:
        if self._at_hand():
            return self._items.popleft()
        if self._renewal is not None and timeout is None:
            return await self._renewal.asked(self, self._next)
        return await self.conn._call(self._next, timeout=timeout)

    async def _has_item(self, timeout: float | None) -> Any:
        if self._items:
            return True
        if self._renewal is not None and timeout is None:
            return await self._renewal.asked(self, self._has_next)
        return await self.conn._call(self._has_next, timeout=timeout)

    def _asked(self, operation: Callable[[], Waiter[Any]]) -> Any:
        """For a renewal: run `_next` or `_has_next`."""
        return self.conn._call(operation)

    def _at_hand(self) -> bool:
        """Whether the next item may be taken from `_items`; raises in another loop."""
        if len(self._items) <= self._stream.low_water:
            return False
        self.conn._check_loop()
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        closing = self.close()
        if closing is not None:  # as on loops where closing gives nothing to wait for
            await closing

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row:
        items = self._items
        if len(items) > self._stream.low_water:
            return items.popleft()
        try:
            item: Row = await self.next()
            return item
        except ReqlCursorEmpty:
            raise StopAsyncIteration from None

    async def to_list(self) -> list[Row]:
        """All remaining items.

        If the query fails, or the caller is cancelled, the items go back to the cursor: the next
        caller gets them all.

        Raises:
            ReqlDriverError: it is a changefeed, which never ends.
            ReqlError: the query failed.
        """
        self._check_end()
        found: list[Row] = []
        stream = self._stream
        try:
            async for item in self:  # the first of each batch, which asks for the next one
                found.append(item)
                # Nobody comes in between here: 0.01 µs an item in place of 0.2.
                found += self._items
                self._items.clear()
        except BaseException as error:
            if found:
                await self._give_back(found)  # it does not wait
            if self._renewal is None or not await self._renewal.begins(self, stream, error):
                raise
            return await self.to_list()
        return found


def _show(items: deque[Any]) -> str:
    """The first items, and a sign that there are more; on lines of their own if needed."""
    first = list(islice(items, _SHOWN_ITEMS))
    try:
        text = pprint.pformat([*first, _More()] if len(items) > _SHOWN_ITEMS else first)
    except RecursionError:  # nested deeper than can be shown
        return "[...]"
    return f"\n{text}" if "\n" in text else text


class _More:
    def __repr__(self) -> str:
        return "..."
