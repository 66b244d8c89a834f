"""Cursors: the result of a query that returns a stream. Written once for all loops.

`BaseCursor` has what all cursors share. Each loop's cursor is one of its two subclasses:
`IterableCursor` where calls return values (blocking, gevent), `AsyncIterableCursor` where calls are
awaited. A cursor reads from a `Stream`, the sans-IO half, which asks the server for batches.

The module is long because it documents everything that users may call on a cursor of either kind.
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
from .showing import offered, shown_in_any_state
from .signals import raised_by_handler
from .stream import Stream
from .uncopyable import Uncopyable
from .waiter import Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self, TypeVar

    from .connection import BaseConnection

    #: The type of a row, for type checkers: `AsyncioCursor[Hero]`. The default is Any.
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
    """There are no further items. Where cursors are plain iterators, it also ends a `for` loop."""


class BaseCursor(RowEvents, Uncopyable, Generic[Row]):
    """The rows of a query, which arrive in batches. A changefeed's rows never end.

    While the program takes the items of one batch, the driver asks for the next one, and never for
    more than one in advance. Items that have arrived are delivered first. Then each call raises the
    query's error, or `ReqlCursorEmpty` after a clean end. An error ends the cursor, not the
    connection.

    A cursor closes itself when no variable refers to it. So `break` in
    `for row in query.run(conn):` stops the query on the server. If the cursor is in a variable, the
    program can go on reading it after the `break`.

    Attributes:
        conn: the connection that the query runs on.
    """

    #: The class name that `str(cursor)` shows: the one in the official package. It is not
    #: inherited; a class without it shows its own name.
    KNOWN_AS: ClassVar[str] = ""

    WHY_NO_COPIES = (
        "its items come from a query that is under way on a connection, each of them once. "
        "Take them: list(cursor), or await cursor.to_list()."
    )

    def _instead_of_value(self) -> str | None:
        """The advice in the error raised when a program puts a cursor into a query.

        None: a query may contain it.
        """
        if self._stream.is_feed:
            return "It is a changefeed, which never ends. Take items from it, and use these."
        return (
            "Take its items, as in `rows = await cursor.to_list()`, and use these. Or leave out"
            " `.run(conn)` and put the query itself here: the server then does both."
        )

    # Takes an item out of `_items` each time it is asked for one; only where calls return values.
    _taking: Iterator[Row] = iter(())

    def __init__(self, conn: BaseConnection, stream: Stream) -> None:
        self.conn = conn
        self._stream = stream
        self._items: deque[Row] = stream.buffer

    @property
    def items(self) -> deque[Row]:
        """The items that have arrived and were not taken yet."""
        return self._items

    @property
    def error(self) -> Exception | None:
        """How the query ended: None while it runs, `ReqlCursorEmpty` after a clean end.

        There may still be items to take in both cases.
        """
        if self._stream.error is None and self._stream.finished:
            return ReqlCursorEmpty()
        return self._stream.error

    @property
    def query(self) -> CursorQuery:
        """The query: its term, its token in the protocol, and the options it was run with."""
        query = self._stream.query
        return CursorQuery(query.term, self._stream.token, query.options)

    def next(self, wait: bool | float | None = True) -> Any:
        """Take the next item, and wait for it if none has arrived.

        Args:
            wait: True waits without a time limit. False or 0 does not wait: it takes an item only
                if one has arrived. A number is the longest wait in seconds.

        Returns:
            The item; on loops where callers wait for results, an awaitable, a Future or a Deferred
            of it.

        Raises:
            ReqlCursorEmpty: there are no further items.
            ReqlTimeoutError: no item came in time. The cursor can still be used; no item is lost.
            ReqlError: the query failed. All items before the failure have been delivered.

        Cancelling it loses no item: the next caller gets it.
        """
        return self.conn._call(self._next, timeout=self._limit(wait))

    def fetch_next(self, wait: bool | float | None = True) -> Any:
        """Wait until it is known whether there is a next item. `next()` then takes it.

        Args:
            wait: as in `next`.

        Returns:
            True if `next()` will return an item or raise the query's error, False after a clean
            end; on loops where callers wait for results, an awaitable, a Future or a Deferred of
            it.

        Raises:
            ReqlTimeoutError: nothing was known in time. The cursor can still be used.

        Example, where calls are awaited::

            while await cursor.fetch_next():
                print(await cursor.next())
        """
        return self.conn._call(self._has_next, timeout=self._limit(wait))

    def _limit(self, wait: bool | float | None) -> float | None:
        """The longest wait in seconds; None: no limit.

        With a limit there is no time to run a query again whose connection was lost. Then the rows
        that have arrived are given out, and after them the error.
        """
        limit = wait_limit(wait)
        over = limit is not None and self._stream.finished
        if over and not getattr(self._renewal, "under_way", False):
            self._keep_stream()
        return limit

    def close(self) -> Any:
        """Stop the query on the server. Items that have arrived can still be taken.

        It does not wait for the server's answer. It does nothing if the query has ended or the
        connection is closed.
        """
        self._keep_stream()
        return self.conn._call(self._stream.close)

    def _keep_stream(self) -> None:
        """From now on, do not run the query again after a lost connection (see `renewal`)."""
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
        """The same as `to_list()`. The JavaScript driver has this name."""
        return self.to_list()

    def _check_end(self) -> None:
        if self._stream.is_feed:
            raise ReqlDriverError("A changefeed never ends: there is no list of all its rows.")

    def _give_back(self, items: list[Any]) -> Any:
        return self.conn._call(self._stream.put_back, items)

    # The cursor is not garbage-collected while a caller waits: the stream holds it for so long.

    def _next(self) -> Waiter[Any]:
        return self._stream.next(self)

    def _has_next(self) -> Waiter[bool]:
        return self._stream.has_next(self)

    def __del__(self) -> None:
        stream: Stream | None = getattr(self, "_stream", None)  # its __init__ may not have run
        if stream is not None and not stream.finished:
            self.conn._discard(stream)

    def __str__(self) -> str:
        error = self.error
        return self._describe(f"error: {error}" if error else "")

    @shown_in_any_state
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
    """A cursor for `for` loops. Waiting blocks the calling thread or greenlet.

    Example::

        for row in r.table("heroes").run(conn):
            print(row)
    """

    def __init__(self, conn: BaseConnection, stream: Stream) -> None:
        super().__init__(conn, stream)
        self._taking = map(deque.popleft, repeat(self._items))

    def _instead_of_value(self) -> str | None:
        # As any iterable, it becomes an array in a query; a changefeed would never end.
        return super()._instead_of_value() if self._stream.is_feed else None

    # An item that has arrived is taken without a lock, a waiter or a call into the core: that takes
    # 0.2 µs instead of 2.7 (measured per item, with lock and channel). It is safe with several
    # threads, as a deque gives each item out once. It is fair, as nobody waits while there are
    # items.

    def next(self, wait: bool | float | None = True) -> Row:
        if wait is not True:
            return self._wait_next(wait)
        return self.__next__()

    next.__doc__ = BaseCursor.next.__doc__

    def fetch_next(self, wait: bool | float | None = True) -> bool:
        if wait is True and self._items:
            return True
        found: bool
        if self._renewal is not None and wait is True:
            found = self._renewal.asked(self, self._has_next)
        else:
            found = super().fetch_next(wait)
        return found

    fetch_next.__doc__ = BaseCursor.fetch_next.__doc__

    if TYPE_CHECKING:

        def close(self) -> None: ...

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Row:
        try:
            if len(self._items) > self._stream.low_water:  # no batch is to be asked for
                # `for` takes it in one step, with no call after it (see `steps`): when a handler
                # raises an error, the item is still there, or the caller has it.
                for item in self._taking:  # pragma: no branch, as it never ends
                    return item
        except IndexError as exc:  # another thread has taken it
            if raised_by_handler(exc):
                raise
        return self._wait_next(True)

    def _wait_next(self, wait: bool | float | None) -> Row:
        try:
            item: Row
            if wait is not True:
                item = super().next(wait)
            elif (renewal := self._stream.renewal) is not None:
                item = renewal.asked(self, self._next)
            else:
                item = self.conn._call(self._next)
            return item
        except ReqlCursorEmpty:
            raise CursorEmpty from None

    def to_list(self) -> list[Row]:
        """Take all remaining items.

        If the query fails or the caller is interrupted, the items go back to the cursor, and the
        next caller gets all of them.

        Returns:
            The items.

        Raises:
            ReqlDriverError: the cursor is a changefeed, which never ends.
            ReqlError: the query failed.
        """
        self._check_end()
        found: list[Row] = []
        stream = self._stream
        try:
            for item in self:  # the first of each batch, which asks for the next one
                found.append(item)
                # The rest of the batch, in C: 0.05 µs an item instead of 0.17. Another thread may
                # take items at the same time; each item goes to one of the two.
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
    """A cursor for `async for` loops and `await cursor.next()`.

    Example::

        async for row in await r.table("heroes").run(conn):
            print(row)
    """

    # While `_items` is longer than `low_water`, an item can be taken without a waiter and without a
    # call into the core: nobody waits, and the next batch need not be asked for yet. Otherwise the
    # core is called. Measured on asyncio, `fetch_next()` and `next()` of an item: 0.7 µs instead of
    # 6.0.

    def next(self, wait: bool | float | None = True) -> Any:
        return self._next_item(None if wait is True else self._limit(wait))

    next.__doc__ = BaseCursor.next.__doc__

    def fetch_next(self, wait: bool | float | None = True) -> Any:
        return self._has_item(None if wait is True else self._limit(wait))

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
        """Run `_next` or `_has_next`; `Stream.renewal` calls this."""
        return self.conn._call(operation)

    def _at_hand(self) -> bool:
        """Whether the next item can be taken from `_items` directly.

        Raises an error in another loop than the connection's.
        """
        if len(self._items) <= self._stream.low_water:
            return False
        self.conn._check_loop()
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        closing = self.close()
        if closing is not None:  # on some loops close() returns None
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
        """Take all remaining items.

        If the query fails or the caller is cancelled, the items go back to the cursor, and the next
        caller gets all of them.

        Returns:
            The items.

        Raises:
            ReqlDriverError: the cursor is a changefeed, which never ends.
            ReqlError: the query failed.
        """
        self._check_end()
        found: list[Row] = []
        stream = self._stream
        try:
            async for item in self:  # the first of each batch, which asks for the next one
                found.append(item)
                # The rest of the batch at once: 0.01 µs an item instead of 0.2. No other task runs
                # between these two lines.
                found += self._items
                self._items.clear()
        except BaseException as error:
            if found:
                await self._give_back(found)  # settled already: other tasks do not run here
            if self._renewal is None or not await self._renewal.begins(self, stream, error):
                raise
            return await self.to_list()
        return found


def _show(items: deque[Any]) -> str:
    """The first items, and "..." if there are more; on separate lines if they need several."""
    first = list(islice(items, _SHOWN_ITEMS))
    try:
        text = pprint.pformat([*first, _More()] if len(items) > _SHOWN_ITEMS else first)
    except RecursionError:  # nested deeper than can be shown
        return "[...]"
    return f"\n{text}" if "\n" in text else text


class _More:
    def __repr__(self) -> str:
        return "..."
