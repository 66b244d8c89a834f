"""Joins: inner_join, outer_join, eq_join, zip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from rethinkdb.embedded.data import datum, merging
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.shards import WantedRows, batches_of, wanted_of
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import AnyFunction, Table, TableSlice, Value
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.language.evaluation import Call, as_function, located
from rethinkdb.embedded.language.registry import Grouping, Shortcut, term
from rethinkdb.embedded.language.rowwise import value_or_null
from rethinkdb.embedded.terms.typing import rows_as_array
from rethinkdb.ql2 import TermType

# -- inner_join, outer_join
#
# A real server rewrites them to two nested concat_maps. So the right sequence is evaluated again
# for each row of the left one, and the function for each pair.


@term(TermType.INNER_JOIN, 3, grouping=Grouping.STREAM, forbids_writes=True, rewritten=True)
def inner_join(call: Call) -> Value:
    """`inner_join`: all pairs of rows for which a function is true."""
    return _joined(call, _pairs)


@term(TermType.OUTER_JOIN, 3, grouping=Grouping.STREAM, forbids_writes=True, rewritten=True)
def outer_join(call: Call) -> Value:
    """`outer_join`: the same pairs, and the rows of the left sequence that are in no pair."""
    return _joined(call, _pairs_or_alone)


def _joined(call: Call, partners: Callable[[Call, Datum], Iterable[Datum]]) -> Value:
    def transform(rows: Iterator[Datum]) -> Iterator[Datum]:
        for left in rows:
            yield from partners(call, left)

    stream = call.stream(0).through(
        transform, call.place, obstacle=logic("Cannot call `changes` after `concat_map`.")
    )
    return call.sequence(stream)


def _pairs(call: Call, left: Datum) -> Iterator[Datum]:
    return _paired(call, left).all_rows()


def _paired(call: Call, left: Datum) -> Stream:
    def paired(rows: Iterator[Datum]) -> Iterator[Datum]:
        for right in rows:
            if _holds(call, left, right):
                yield {"left": left, "right": right}

    return _right_rows(call).through(paired, call.place)


def _right_rows(call: Call) -> Stream:
    call.evaluated(1)
    return call.unbatched_stream(1)


def _holds(call: Call, left: Datum, right: Datum) -> bool:
    value = call.evaluated(2)
    place = call.backtrace(2)
    function = located(lambda value: as_function(value, Shortcut.CONSTANT, place), value, place)
    return function.truth(left, right)


def _pairs_or_alone(call: Call, left: Datum) -> Iterable[Datum]:
    return rows_as_array(call, _paired(call, left)) or [{"left": left}]


# -- eq_join


@term(
    TermType.EQ_JOIN,
    3,
    options=("index", "ordered"),
    grouping=Grouping.STREAM,
    forbids_writes=True,
)
def eq_join(call: Call) -> Value:
    """`eq_join`: each row, paired with the rows of a table whose key it contains.

    With `ordered`, the pairs are in the order of the left sequence. Otherwise they are in the order
    of a real server. That reads the rows of the table for a portion of the sequence, and goes
    through them from the last one to the first.
    """
    stream, table = call.stream(0), call.table(2)
    function = call.function(1, Shortcut.GET_FIELD)
    ordered = call.option_as("ordered", datum.truth, False)
    index = datum.as_string(call.option_as("index", lambda value: value, table.data.primary_key))
    in_order = ordered or stream.feed is not None
    rows: Iterable[Datum] = ()
    if stream.exhausted:
        pass
    elif in_order:
        rows = _matched(call, stream, function, table, index)
    else:
        rows = WantedRows(partial(_matched_by_portions, call, stream, function, table, index))
    joined = Stream(
        rows,
        is_array=stream.is_array,
        refusal=stream.refusal and stream.refusal.pinned_at(stream.backtrace),
        feed=stream.feed and stream.feed.iterated(iter(rows)),
        backtrace=call.place,
    )
    return call.sequence(joined)


def _matched(
    call: Call, stream: Stream, function: AnyFunction, table: Table, index: str
) -> Iterator[Datum]:
    for left in stream:
        key = value_or_null(function, left)
        if key is None:
            continue
        part = TableSlice(table, index, keys=(key,))
        for right in call.environment.read(part):
            yield {"left": left, "right": right}


def _matched_by_portions(
    call: Call, stream: Stream, function: AnyFunction, table: Table, index: str, needed: float
) -> Iterator[Datum]:
    environment = call.environment
    for batch in stream.batches(environment.portions(), needed):
        lefts: dict[tuple[Any, ...], list[Datum]] = {}
        wanted: list[Datum] = []
        for left in batch:
            key = value_or_null(function, left)
            if key is None:
                continue
            order_key = datum.order_key(key)
            if order_key not in lefts:
                wanted.append(key)
            lefts.setdefault(order_key, []).append(left)
        if not wanted:
            continue
        part = TableSlice(table, index, keys=tuple(wanted))
        rows = wanted_of(environment.read_keyed(part), needed)
        for found in batches_of(rows, environment.portions()):
            for key, right in reversed(found):
                yield from ({"left": left, "right": right} for left in lefts[datum.order_key(key)])


# -- zip


@term(TermType.ZIP, 1)
def zip_(call: Call) -> Value:
    """`zip`: merges the two rows of each result of a join into one."""
    stream = call.stream(0).through(
        lambda rows: map(_zipped, rows),
        call.place,
        obstacle=logic("Cannot call `changes` after `zip`."),
    )
    return call.sequence(stream)


def _zipped(row: Datum) -> Datum:
    fields = datum.as_object(row)
    if "left" not in fields:
        raise logic("ZIP can only be called on the result of a join.")
    left = fields["left"]
    return merging.merge(left, fields["right"]) if "right" in fields else left
