"""`QueryObservation`: watches one query and calls the listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rethinkdb.codec import Response
from rethinkdb.net.observing import Watched
from rethinkdb.net.query import Query
from rethinkdb.net.stream import FEEDS, Stream
from rethinkdb.ql2 import ResponseType

from .describing import QueryInfo
from .events import (
    CursorBatch,
    CursorClosed,
    QueryAnswered,
    QueryCancelled,
    QueryFailed,
    QueryFinished,
    QueryStarted,
)
from .telling import tell

if TYPE_CHECKING:
    from .audience import Audience

__all__ = ["QueryObservation"]

# Constants, because Python 3.10 and 3.11 take 0.1 µs to look up a member of an enum.
_ATOM = ResponseType.SUCCESS_ATOM
_PARTIAL = ResponseType.SUCCESS_PARTIAL
_SEQUENCE = ResponseType.SUCCESS_SEQUENCE


class QueryObservation(QueryInfo):
    """Watches one query. It is also the `QueryInfo` in the events about it.

    Args:
        audience: the listeners.
        session: the session that runs the query.
        query: the query.
    """

    def __init__(self, audience: Audience, session: Watched, query: Query) -> None:
        self._where = session
        self._query = query
        self._audience = audience
        try:
            if audience.query_started:
                tell(audience.query_started, QueryStarted(self))
        except BaseException:  # Ctrl-C, say: then the query is not sent
            self._began = audience.clock()
            self.given_up()
            raise
        self._began = audience.clock()

    # Called by the core; see `rethinkdb.net.observing`.

    def replied(self, outcome: Response | Exception, size: int) -> None:
        """A reply has arrived."""
        if not self.received and (calls := self._audience.query_answered):
            tell(calls, QueryAnswered(self, self._seconds(), size))
        self.received += size
        if not isinstance(outcome, Response):
            return
        kind = outcome.type
        if kind is _ATOM:
            value = outcome.results[0] if outcome.results else None
            if value is not None:
                self.rows = len(value) if type(value) is list else 1
        elif kind is _PARTIAL or kind is _SEQUENCE:
            self._batch_received(outcome, size)

    def valued(self, value: Any, size: int) -> None:
        """The query has its value. What `replied` and `settled` do is done here with fewer calls.

        That is a fifth of what a listener adds to a query.
        """
        audience = self._audience
        if calls := audience.query_answered:
            tell(calls, QueryAnswered(self, self._seconds(), size))
        self.received = size
        if value is not None:
            self.rows = len(value) if type(value) is list else 1
        if calls := audience.query_finished:
            tell(calls, QueryFinished(self, audience.clock() - self._began))

    def settled(self, error: BaseException | None, value: Any) -> None:
        """The query has its first answer, or an error instead."""
        if error is not None:
            self._failed(error)
        elif not self.batches:
            self._finished()
        else:
            stream: Stream = value["value"] if type(value) is dict else value  # with its profile
            stream.ended.add_done_callback(lambda _: self._ended(stream))

    def given_up(self) -> None:
        """The query was cancelled before its first answer."""
        if calls := self._audience.query_cancelled:
            tell(calls, QueryCancelled(self, self._seconds()))

    # Inside.

    def _batch_received(self, response: Response, size: int) -> None:
        if response.notes:
            self.feed = not FEEDS.isdisjoint(response.notes)
        rows = len(response.results)
        self.batches += 1
        self.rows += rows
        self.complete = response.type is _SEQUENCE
        if calls := self._audience.cursor_batch:
            tell(calls, CursorBatch(self, rows, size, self.feed))

    def _ended(self, stream: Stream) -> None:
        """The cursor of the query has ended."""
        if calls := self._audience.cursor_closed:
            tell(calls, CursorClosed(self, self._seconds(), stream.error))
        if stream.error is None:
            self._finished()
        else:
            self._failed(stream.error)

    def _finished(self) -> None:
        audience = self._audience
        if calls := audience.query_finished:
            # Not `_seconds()`: that call takes 4 % of what a listener adds to a query.
            tell(calls, QueryFinished(self, audience.clock() - self._began))

    def _failed(self, error: BaseException) -> None:
        if calls := self._audience.query_failed:
            tell(calls, QueryFailed(self, self._seconds(), error))

    def _seconds(self) -> float:
        return self._audience.clock() - self._began
