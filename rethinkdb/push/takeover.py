"""While a cursor's rows go to callbacks, nobody else may take any."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

__all__ = ["Owner", "Takeover"]


class Owner(Protocol):
    """Who gets the rows."""

    def cursor_closed(self) -> None:
        """The cursor is closed. Called where the core may be used directly."""


class Takeover:
    """Takes a cursor's stream; the cursor is held meanwhile, so that it does not close itself.

    Args:
        cursor: whose rows are wanted.
        owner: who wants them.

    Attributes:
        stream: what to take them from.

    Raises:
        ReqlDriverError: somebody else has it.
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
        """The cursor may be pulled again, from where it is."""
        self._cursor._stream = self.stream
        self._cursor._items = self.stream.buffer

    def end(self) -> None:
        """The cursor has ended, and cannot be pulled any more."""
        self._stand_in.end(self.stream.error)


class _Taken(Stream):
    """Stands in for the stream of a cursor that has been taken over: it gives nothing."""

    __slots__ = ("_owner",)

    def __init__(self, owner: Owner, stream: Stream) -> None:
        super().__init__(stream.query, stream.token, _nothing, _nothing)
        self._owner = owner
        self.notes = stream.notes

    def next(self) -> Waiter[object]:
        return Waiter.failed(_taken())

    def has_next(self) -> Waiter[bool]:
        return Waiter.failed(_taken())

    def close(self) -> Waiter[None]:
        self.finished = True
        self._owner.cursor_closed()
        return Waiter.succeeded(None)


def _taken() -> ReqlDriverError:
    return ReqlDriverError("This cursor's rows go to its listeners: nobody else can take any.")


def _nothing() -> None:
    """There is nothing to send: the stream itself does."""
