"""Takes a cursor over: while its rows go to callbacks, nobody else can take rows from it."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

__all__ = ["Owner", "Takeover"]


class Owner(Protocol):
    """The object that gets the rows."""

    def cursor_closed(self) -> None:
        """The cursor was closed. Called at a time when the core may be used directly."""


class Takeover:
    """Takes the stream of a cursor. It keeps a reference to the cursor.

    Without that reference, a cursor that the program has dropped would close its stream.

    Args:
        cursor: the cursor to take over.
        owner: the object that gets the rows.

    Attributes:
        stream: the stream to take the rows from.

    Raises:
        ReqlDriverError: another owner has taken the cursor over.
    """

    def __init__(self, cursor: BaseCursor, owner: Owner) -> None:
        if isinstance(cursor._stream, _Taken):
            raise _taken()
        cursor._keep_stream()
        self.stream = cursor._stream
        self._cursor = cursor
        self._stand_in = _Taken(owner, self.stream)
        cursor._items = deque()
        cursor._stream = self._stand_in

    def give_back(self) -> None:
        """Let others take rows from the cursor again. It goes on where the owner stopped."""
        self._cursor._stream = self.stream
        self._cursor._items = self.stream.buffer

    def end(self) -> None:
        """The stream has ended: the cursor has no more rows for anybody."""
        self._stand_in.end(self.stream.error)


class _Taken(Stream):
    """Replaces the stream of a cursor that has been taken over. Taking a row from it raises."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Owner, stream: Stream) -> None:
        super().__init__(stream.query, stream.token, _nothing, _nothing)
        self._owner = owner
        self.notes = stream.notes

    def next(self, held_by: object = None) -> Waiter[object]:
        return Waiter.failed(_taken())

    def has_next(self, held_by: object = None) -> Waiter[bool]:
        return Waiter.failed(_taken())

    def close(self) -> Waiter[None]:
        self.finished = True
        self._owner.cursor_closed()
        return Waiter.succeeded(None)


def _taken() -> ReqlDriverError:
    return ReqlDriverError("This cursor's rows go to its listeners: nobody else can take any.")


def _nothing() -> None:
    """Sends nothing, since only the real stream sends."""
