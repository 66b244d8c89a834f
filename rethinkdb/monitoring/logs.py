"""Queries in the log: slow ones as warnings, all of them with DEBUG, under `rethinkdb.query`.

No value stands in them, and no text of a server's error, which quotes values, unless somebody asks.
"""

from __future__ import annotations

import logging
from typing import Any

from .describing import QueryInfo
from .events import (
    CursorClosed,
    QueryAnswered,
    QueryCancelled,
    QueryEnded,
    QueryFailed,
    QueryFinished,
)
from .listener import Listener
from .registering import register

__all__ = ["QueryLogger", "log_queries"]

logger = logging.getLogger("rethinkdb.query")

# Characters of a query.
_LIMIT = 1000


class QueryLogger(Listener):
    """Logs queries. Connections have one whose `slow_query` is set, or if DEBUG is on for it.

    Args:
        slow_query: seconds; a query whose first answer takes as long is a warning. None: none is.
        log_values: whether values may stand in the log.

    Example::

        monitoring.register(QueryLogger(slow_query=0.5))
    """

    def __init__(self, slow_query: float | None = None, log_values: bool = False) -> None:
        self._slow = slow_query
        self._values = log_values

    def query_answered(self, event: QueryAnswered) -> None:
        """The time until the first answer is what counts."""
        if self._warn(event):
            return
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s answered after %.1f ms, %d bytes: %s",
                self._place(event.query),
                event.seconds * 1000,
                event.received,
                self._text(event.query),
            )

    def query_finished(self, event: QueryFinished) -> None:
        """Only those are of interest of which no answer has told."""
        if not event.received:
            self._debug("%s was sent a noreply query, %.1f ms: %s", event)

    def query_failed(self, event: QueryFailed) -> None:
        """Without an answer it may have been slow, too."""
        if event.received == 0 and self._warn(event):
            return
        if logger.isEnabledFor(logging.DEBUG):
            error = event.error
            logger.debug(
                "%s: failed after %.1f ms: %s: %s",
                self._place(event.query),
                event.seconds * 1000,
                repr(error) if self._values else type(error).__name__,
                self._text(event.query),
            )

    def query_cancelled(self, event: QueryCancelled) -> None:
        """Somebody has lost patience."""
        if not self._warn(event):
            self._debug("%s: cancelled after %.1f ms: %s", event)

    def cursor_closed(self, event: CursorClosed) -> None:
        """With what has come in all."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug(
                "%s: cursor closed after %.1f ms, %d rows in %d batches: %s",
                self._place(event.query),
                event.seconds * 1000,
                event.rows,
                event.batches,
                self._text(event.query),
            )

    def _warn(self, event: QueryAnswered | QueryEnded) -> bool:
        if self._slow is None or event.seconds < self._slow:
            return False
        logger.warning(
            "slow query: %.3f s on %s: %s",
            event.seconds,
            self._place(event.query),
            self._text(event.query),
        )
        return True

    def _debug(self, text: str, event: QueryEnded) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            query = event.query
            logger.debug(text, self._place(query), event.seconds * 1000, self._text(query))

    def _text(self, query: QueryInfo) -> str:
        return query.text(self._values, _LIMIT)

    def _place(self, query: QueryInfo) -> str:
        return f"{query.host}:{query.port}"


def log_queries(connection: Any) -> None:
    """Log the queries of a connection, as its options say."""
    options = connection.options
    register(QueryLogger(options.slow_query, options.log_values), connection)
