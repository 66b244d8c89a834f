"""Parts of sequences, and ranges: slice, skip, limit, nth, bracket, sample, is_empty, range."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.streams import INFINITE, Refusal, Stream
from rethinkdb.embedded.data.values import GroupedData, SingleSelection, Value
from rethinkdb.embedded.failures import logic, non_existence, typed
from rethinkdb.embedded.language import results, rowwise
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import Grouping, term
from rethinkdb.embedded.language.rowwise import NO_RECURSION, Rows
from rethinkdb.embedded.terms.documents import get_field_of
from rethinkdb.embedded.terms.selecting import is_open
from rethinkdb.ql2 import TermType

SMALLEST_PLACE, LARGEST_PLACE = -(2**31), 2**31 - 1
"""Places in streams and numbers of rows fit into 32 bits on a real server."""


def _place(call: Call, index: int) -> int:
    """An argument that must be an integer of 32 bits."""
    place = call.integer(index)
    if not SMALLEST_PLACE <= place <= LARGEST_PLACE:
        raise logic(f"Integer too large: {place}", call.backtrace(index))
    return place


def _rows(call: Call) -> Stream:
    """The first argument as a stream. A selection is read as one."""
    if values.is_selection(call.value(0)):
        return call.selection(0).stream
    return call.stream(0)


# -- slice, skip, limit


@term(TermType.SLICE, 2, 3, options=("left_bound", "right_bound"))
def slice_(call: Call) -> Value:
    """`slice(from[, to])` of sequences, strings and binary data."""
    call.value(0)
    left_open = is_open(call, "left_bound", default="closed")
    left = call.integer(1)
    if call.count == 2:
        return _sliced(call, left, left_open, -1, right_open=False)
    right_open = is_open(call, "right_bound", default="open")
    return _sliced(call, left, left_open, call.integer(2), right_open)


@term(TermType.SKIP, 2, options=("left_bound",), rewritten=True)
def skip(call: Call) -> Value:
    """`skip(n)`. A real server rewrites it to a `slice` up to the end."""
    call.value(0)
    left_open = is_open(call, "left_bound", default="closed")
    return _sliced(call, call.integer(1), left_open, -1, right_open=False)


def _sliced(call: Call, left: int, left_open: bool, right: int, right_open: bool) -> Value:
    subject = call.value(0)
    if values.is_datum(subject):
        found = call.datum(0)
        if not isinstance(found, (list, str, bytes)):
            raise logic(
                f"Expected ARRAY, BINARY, or STRING, but found {datum.type_name(found)}.",
                call.backtrace(0),
            )
        return _sliced_datum(found, left, left_open, right, right_open)
    if not values.is_sequence(subject):
        failure = typed(subject, "Cannot slice non-sequences.")
        failure.backtrace = call.backtrace(0)
        raise failure
    return _sliced_stream(call, left, left_open, right, right_open)


def _sliced_datum(
    found: list[Datum] | str | bytes, left: int, left_open: bool, right: int, right_open: bool
) -> Datum:
    start = _bound(left, len(found), beyond=left_open)
    return found[start : _bound(right, len(found), beyond=not right_open)]


def _bound(place: int, size: int, *, beyond: bool) -> int:
    """A position from the left, or the one after it. It is 0 before the first element."""
    if place < -size:
        return 0
    return (place if place >= 0 else size + place) + beyond


def _sliced_stream(call: Call, left: int, left_open: bool, right: int, right_open: bool) -> Value:
    if left < 0:
        raise logic("Cannot use a negative left index on a stream.")
    if right < -1:
        raise logic("Cannot use a right index < -1 on a stream.")
    if right == -1 and right_open:
        raise logic("Cannot slice to an open right index of -1 on a stream.")
    end = None if right == -1 else right + (not right_open)
    return call.picked(call.value(0), _rows(call).sliced(left + left_open, end))


@term(TermType.LIMIT, 2)
def limit(call: Call) -> Value:
    """`limit(n)`: the first n rows."""
    stream = _rows(call)
    count = _place(call, 1)
    if count < 0:
        raise logic(f"LIMIT takes a non-negative argument (got {count})")
    return call.picked(call.value(0), stream.sliced(0, count))


# -- one row


@term(TermType.NTH, 2, grouping=Grouping.STREAM)
def nth(call: Call) -> Value:
    """`nth(n)`: one row."""
    subject = call.value(0)
    if not isinstance(subject, GroupedStream):
        return _nth(call, subject)
    result = GroupedData()
    for group, rows in results.collected(subject):
        result.add(group, values.as_datum(_nth(call, rows)))
    return result


def _nth(call: Call, subject: Value) -> Value:
    call.value(1)
    if isinstance(subject, (list, SingleSelection)):
        return _element(datum.as_array(values.as_datum(subject)), _place(call, 1))
    stream = _rows(call)
    place = _place(call, 1)
    if place < -1:
        raise logic(f"Cannot use an index < -1 ({place}) on a stream.")
    stream.check_finite()
    row = _row_at(iter(stream) if place < 0 else stream.first_rows(place + 1), place)
    if values.is_selection(subject):
        return SingleSelection.of_row(values.table_of(subject), row)
    return row


def _element(items: list[Datum], place: int) -> Datum:
    if not -len(items) <= place < len(items):
        raise non_existence(f"Index out of bounds: {place}")
    return items[place]


def _row_at(rows: Iterator[Datum], place: int) -> Datum:
    """The row at a position from the left, or the last row (-1)."""
    found: list[Datum] = []
    if place >= 0:
        found = list(itertools.islice(rows, place, place + 1))
    else:
        for row in rows:
            found = [row]
    if not found:
        raise non_existence(f"Index out of bounds: {place}")
    return found[0]


@term(TermType.BRACKET, 2, options=(NO_RECURSION,), grouping=Grouping.STREAM)
def bracket(call: Call) -> Value:
    """`subject[number]` is `nth`, `subject[string]` is a field."""
    chosen = call.datum(1)
    if isinstance(chosen, str):
        return rowwise.on_object_or_rows(call, "bracket", get_field_of, Rows.SKIPPED_OR_MAPPED)
    if datum.is_number(chosen):
        return nth(call)
    raise typed(
        chosen,
        "Expected NUMBER or STRING as second argument to `bracket` but found"
        f" {datum.type_name(chosen)}.",
    )


@term(TermType.SAMPLE, 2, determinism=Determinism.NEVER)
def sample(call: Call) -> Value:
    """`sample(n)`: n rows picked at random."""
    wanted = call.integer(1)
    if wanted < 0:
        raise logic(f"Number of items to sample must be non-negative, got `{wanted}`.")
    datum.check_array_size(wanted, call.array_limit)
    stream = _rows(call)
    picked: list[Datum] = []
    chance = call.environment.store.chance.random
    for seen, row in enumerate(stream.all_rows(), start=1):
        if len(picked) < wanted:
            picked.append(row)
            continue
        place = chance.randrange(seen)
        if place < wanted:
            picked[place] = row
    chance.shuffle(picked)
    return call.picked(call.value(0), Stream(picked, is_array=True, backtrace=call.place))


@term(TermType.IS_EMPTY, 1)
def is_empty(call: Call) -> bool:
    """Whether there is no row."""
    return not any(True for _ in call.stream(0))


# -- range


@term(TermType.RANGE, 0, 2)
def range_(call: Call) -> Stream:
    """`range([start,] end)`: integers. Without arguments, all integers from 0 on."""
    if call.count == 0:
        refusal = Refusal(INFINITE, call.place)
        return Stream(
            _counted(call, itertools.count()), refusal=refusal, backtrace=call.place, at_hand=True
        )
    start, end = (0, call.integer(0)) if call.count == 1 else (call.integer(0), call.integer(1))
    numbers = range(start, end)
    return Stream(_counted(call, numbers) if numbers else (), backtrace=call.place, at_hand=True)


def _counted(call: Call, numbers: Iterator[int] | range) -> Iterator[int]:
    check_interrupted = call.environment.check_interrupted
    for number in numbers:
        if number > datum.LARGEST_INTEGER:
            raise logic("`range` out of safe double bounds.")
        if not number & 0xFF:
            check_interrupted()
        yield number
