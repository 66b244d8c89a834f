"""Logs queries under `rethinkdb.query`: slow ones as warnings, and all of them at level DEBUG.

By default the lines contain no values, and no texts of server errors, since these quote values.
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

# At most this many characters of a query are logged.
_LIMIT = 1000


class QueryLogger(Listener):
    """Logs queries.

    A connection has one if its option `slow_query` is set, or if the logger's level is DEBUG.

    Args:
        slow_query: seconds; if the first answer of a query takes so long, it is logged as a
            warning. None: no warnings.
        log_values: whether the log may contain values.

    Example::

        monitoring.register(QueryLogger(slow_query=0.5))
    """

    def __init__(self, slow_query: float | None = None, log_values: bool = False) -> None:
        self._slow = slow_query
        self._values = log_values

    def query_answered(self, event: QueryAnswered) -> None:
        """Log the query; as a warning, if the first answer took too long."""
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
        """Log a noreply query. All others are logged when they are answered."""
        if not event.received:
            self._debug("%s was sent a noreply query, %.1f ms: %s", event)

    def query_failed(self, event: QueryFailed) -> None:
        """Log the failure; as a warning, if there was no answer and it took too long."""
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
        """Log the cancelled query; as a warning, if it took too long."""
        if not self._warn(event):
            self._debug("%s: cancelled after %.1f ms: %s", event)

    def cursor_closed(self, event: CursorClosed) -> None:
        """Log the end of a cursor, with its number of rows and batches."""
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
    """Log the queries of a connection, with its options `slow_query` and `log_values`."""
    options = connection.options
    register(QueryLogger(options.slow_query, options.log_values), connection)
