"""Cursors whose results are Deferreds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred

from rethinkdb.net.cursor import AsyncIterableCursor

if TYPE_CHECKING:
    from typing_extensions import Self

    from .twisted import Connection

__all__ = ["TwistedCursor"]


class TwistedCursor(AsyncIterableCursor):
    """A cursor whose methods return Deferreds, but for `close()`. `with cursor:` closes it."""

    conn: Connection

    def next(self, wait: bool | float | None = True) -> Deferred[Any]:
        return maybeDeferred(super().next, wait)

    def fetch_next(self, wait: bool | float | None = True) -> Deferred[bool]:
        return maybeDeferred(super().fetch_next, wait)

    def to_list(self) -> Deferred[list[Any]]:  # type: ignore[override]  # eager, like the others
        return Deferred.fromCoroutine(super().to_list())

    def close(self) -> None:
        self.conn._begin(self._stream.close, ())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
