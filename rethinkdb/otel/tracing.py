"""Spans: one for each query, and one for the life of each changefeed."""

from __future__ import annotations

from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from rethinkdb.monitoring import (
    CursorBatch,
    CursorClosed,
    Listener,
    QueryCancelled,
    QueryFailed,
    QueryFinished,
    QueryInfo,
    QueryRetried,
    QueryStarted,
)

from .attributes import attributes_of, error_type, span_name

__all__ = ["Tracing"]

# If one of these keys is set in the context, instrumentations must make no spans.
_SUPPRESSED = (
    getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation"),
    "suppress_instrumentation",
)

# At most this many characters of a query are in a span.
_LIMIT = 2000


class Tracing(Listener):
    """Makes spans.

    The span of a query is a child of the span that is current when the query is run. If the query
    returns a cursor, the span lasts until the cursor ends.

    A changefeed may never end. So the span of its query ends with the first answer, and a child
    span starts, which ends when the feed ends.

    Args:
        tracer: a tracer of OpenTelemetry.
        log_values: whether spans may contain values and the texts of errors.
    """

    def __init__(self, tracer: Any, log_values: bool = False) -> None:
        self._tracer = tracer
        self._values = log_values
        self._spans: dict[QueryInfo, Any] = {}

    def query_started(self, event: QueryStarted) -> None:
        """Start a span. On every loop this is called where the query is run, in its context."""
        if any(context.get_value(key) for key in _SUPPRESSED):
            return
        query = event.query
        attributes = attributes_of(query)
        name = span_name(attributes)
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        if span.is_recording():
            span.set_attribute("db.query.text", query.text(self._values, _LIMIT))
            span.set_attribute("db.query.summary", name)
            if query.pool is not None:
                span.set_attribute("db.client.connection.pool.name", query.pool)
        self._spans[query] = span

    def cursor_batch(self, event: CursorBatch) -> None:
        """Start the span of a feed, with its first batch: only then it is known to be a feed."""
        query = event.query
        if not event.feed or query.batches > 1 or query not in self._spans:
            return
        opening = self._spans[query]
        attributes = attributes_of(query)
        self._spans[query] = self._tracer.start_span(
            f"feed {span_name(attributes).partition(' ')[2]}",
            context=trace.set_span_in_context(opening),
            kind=SpanKind.CLIENT,
            attributes=attributes,
        )
        opening.end()

    def cursor_closed(self, event: CursorClosed) -> None:
        """Note the number of batches. The end of the query follows."""
        span = self._spans.get(event.query)
        if span is not None:
            span.set_attribute("rethinkdb.response.batches", event.batches)

    def query_finished(self, event: QueryFinished) -> None:
        """End the span, with the number of rows."""
        span = self._spans.pop(event.query, None)
        if span is not None:
            span.set_attribute("db.response.returned_rows", event.rows)
            span.end()

    def query_failed(self, event: QueryFailed) -> None:
        """End the span with the error."""
        span = self._spans.pop(event.query, None)
        if span is None:
            return
        span.set_attribute("error.type", error_type(event.error))
        if event.rows:
            span.set_attribute("db.response.returned_rows", event.rows)
        if self._values:
            span.record_exception(event.error)
            span.set_status(Status(StatusCode.ERROR, str(event.error)))
        else:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    def query_cancelled(self, event: QueryCancelled) -> None:
        """End the span with an event, not with an error."""
        span = self._spans.pop(event.query, None)
        if span is not None:
            span.add_event("cancelled")
            span.end()

    def query_retried(self, event: QueryRetried) -> None:
        """Add an event to the caller's span. Each attempt also has a span of its own."""
        trace.get_current_span().add_event(
            "rethinkdb.retry",
            {"error.type": error_type(event.error), "rethinkdb.retry.tries": event.tries},
        )
