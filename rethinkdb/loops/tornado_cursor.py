"""Cursors whose results are Futures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.concurrent import Future

from rethinkdb.net.cursor import AsyncIterableCursor

if TYPE_CHECKING:
    from typing_extensions import Self

    from .tornado import Connection

__all__ = ["TornadoCursor"]


class TornadoCursor(AsyncIterableCursor):
    """A cursor whose methods return Futures, but for `close()`. `with cursor:` closes it."""

    conn: Connection

    if TYPE_CHECKING:

        def next(self, wait: bool | float | None = True) -> Future[Any]: ...
        def fetch_next(self, wait: bool | float | None = True) -> Future[bool]: ...

    def to_list(self) -> Future[list[Any]]:  # type: ignore[override]  # eager, like the others
        self.conn._check_place()  # a Future of another loop would wait for ever
        return self.conn._spawn(super().to_list())

    to_list.__doc__ = AsyncIterableCursor.to_list.__doc__

    def close(self) -> None:
        self.conn._begin(self._stream.close, ())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
