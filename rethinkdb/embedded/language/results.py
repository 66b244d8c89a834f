"""Converts streams to results at the end of a term or query: to arrays, aggregates or groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.streams import Accumulator, Stream
from rethinkdb.embedded.data.values import GroupedData, Value
from rethinkdb.embedded.failures import logic, resource

if TYPE_CHECKING:
    from rethinkdb.embedded.language.environment import Environment


def sequence(stream: Stream, environment: Environment) -> Value:
    """A stream as the value of a term. An array whose rows are not computed yet becomes a datum."""
    if not stream.is_array:
        return stream
    return datum.array(stream.all_rows(), environment.array_limit)


# -- aggregation


def aggregate(stream: Stream, start: Callable[[], Accumulator]) -> Value:
    """The result of an aggregation. For a grouped stream, grouped data."""
    if not isinstance(stream, GroupedStream):
        return stream.aggregate(start)
    groups = GroupedData()
    for group, accumulator in stream.aggregate_groups(start):
        groups.add(group, accumulator.result())
    return groups


def collected(stream: GroupedStream) -> GroupedData:
    """A grouped stream as grouped data: the rows of each group as an array."""
    room = _Room(stream.array_limit)
    groups = GroupedData()
    for group, accumulator in stream.aggregate_groups(lambda: _Collector(room)):
        groups.add(group, accumulator.result())
    return groups


@dataclass(slots=True)
class _Room:
    """The number of rows that all groups together may still take."""

    limit: int
    taken: int = 0

    def take(self, rows: int) -> None:
        self.taken += rows
        if self.taken > self.limit:
            raise resource(
                f"Grouped data over size limit `{self.limit}`.  Try putting a reduction"
                " (like `.reduce` or `.count`) on the end.",
                (),
            )


@dataclass(slots=True)
class _Collector:
    """The rows of one group."""

    room: _Room
    rows: list[Datum] = field(default_factory=list)

    def add(self, rows: Iterator[Datum]) -> bool:
        """Adds rows."""
        more = list(rows)
        self.room.take(len(more))
        self.rows += more
        return bool(more)

    def join(self, other: _Collector) -> None:
        """Adds the rows of another part of the table."""
        self.rows += other.rows

    def result(self) -> Datum:
        """The rows as an array."""
        return self.rows


def ungrouped(value: Value) -> GroupedData | None:
    """The value as grouped data. A grouped stream is collected. None for any other value."""
    if isinstance(value, GroupedData):
        return value
    return collected(value) if isinstance(value, GroupedStream) else None


def finished(value: Value, environment: Environment) -> Value:
    """The answer of a query with this value: a datum, grouped data, or a stream."""
    if values.is_datum(value):
        return values.as_datum(value)
    groups = ungrouped(value)
    if groups is not None:
        datum.check_array_size(len(groups), environment.array_limit)
        return groups
    if values.is_sequence(value):
        return sequence(values.as_stream(value, environment), environment)
    found = values.kind_name(value)
    raise logic(f"Query result must be of type DATUM, GROUPED_DATA, or STREAM (got {found}).", ())
