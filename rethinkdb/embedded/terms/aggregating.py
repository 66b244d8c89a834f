"""Making one value of a whole sequence: count, sum, avg, min, max, reduce, fold, contains."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.streams import Refusal, Stream
from rethinkdb.embedded.data.values import (
    AnyFunction,
    Function,
    NativeFunction,
    SingleSelection,
    Table,
    TableSlice,
    Value,
)
from rethinkdb.embedded.failures import FailureKind, QueryFailure, about_user, logic, non_existence
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, Grouping, Shortcut, term
from rethinkdb.embedded.terms.transforming import equality_or_function
from rethinkdb.ql2 import TermType

# -- count


@term(TermType.COUNT, 1, 2, grouping=Grouping.STREAM, forbids_writes=True)
def count(call: Call) -> Value:
    """`count`: the number of rows, or of rows that equal a value or for which a function is true.

    For strings, binary data and objects: the number of characters, bytes or fields.
    """
    subject = call.value(0)
    if call.count == 1:
        found = values.as_datum(subject) if values.is_datum(subject) else None
        if isinstance(found, (str, bytes, dict)):
            return len(found)
        return call.aggregate(call.stream(0), _Count)
    accepts = equality_or_function(call, 1)
    stream = call.stream(0).through(lambda rows: filter(accepts, rows), call.place)
    return call.aggregate(stream, _Count)


@dataclass(slots=True)
class _Count:
    """The number of rows."""

    rows: int = 0

    def add(self, rows: Iterator[Datum]) -> bool:
        before = self.rows
        self.rows += sum(1 for _ in rows)
        return self.rows > before

    def join(self, other: _Count) -> None:
        self.rows += other.rows

    def result(self) -> Datum:
        return self.rows


# -- sum, avg, min, max


def _present(
    rows: Iterator[Datum], function: AnyFunction | None, convert: Callable[[Datum], Any]
) -> Iterator[tuple[Datum, Any]]:
    """Pairs of a row and the value to aggregate. Rows that lack the value are left out."""
    for row in rows:
        try:
            value = convert(row if function is None else function(row))
        except QueryFailure as failure:
            if failure.kind is FailureKind.NON_EXISTENCE:
                continue
            raise
        yield row, value


@dataclass(slots=True)
class _Sum:
    """The sum of numbers, added up as doubles in the order of the rows."""

    function: AnyFunction | None
    total: float = 0.0
    numbers: int = 0

    def add(self, rows: Iterator[Datum]) -> bool:
        before = self.numbers
        for _, value in _present(rows, self.function, datum.as_number):
            self.total += value
            self.numbers += 1
        return self.numbers > before

    def join(self, other: _Sum) -> None:
        self.total += other.total
        self.numbers += other.numbers

    def result(self) -> Datum:
        return datum.number(self.total)


class _Average(_Sum):
    """The mean of numbers."""

    def result(self) -> Datum:
        if not self.numbers:
            raise _empty("average", "avg")
        return datum.number(self.total / self.numbers)


@dataclass(slots=True)
class _Extreme:
    """The row with the lowest or highest value. Of several such rows, the first."""

    function: AnyFunction | None
    name: str
    better: Callable[[Any, Any], bool]
    best: tuple[Any, ...] | None = None
    row: Datum = None

    def add(self, rows: Iterator[Datum]) -> bool:
        found = False
        for row, key in _present(rows, self.function, datum.order_key):
            found = True
            if self.best is None or self.better(key, self.best):
                self.best, self.row = key, row
        return found

    def join(self, other: _Extreme) -> None:
        if self.best is None or (other.best is not None and self.better(other.best, self.best)):
            self.best, self.row = other.best, other.row

    def result(self) -> Datum:
        if self.best is None:
            raise _empty(self.name, self.name)
        return self.row


def _empty(what: str, name: str) -> QueryFailure:
    return non_existence(
        f"Cannot take the {what} of an empty stream.  (If you passed `{name}` a field name,"
        " it may be that no elements of the stream had that field.)"
    )


def _aggregated_function(call: Call) -> AnyFunction | None:
    return call.function(1, Shortcut.GET_FIELD) if call.count == 2 else None


@term(TermType.SUM, 1, 2, options=("index",), grouping=Grouping.STREAM, forbids_writes=True)
def sum_(call: Call) -> Value:
    """The sum of the rows, or of what a function returns for each row."""
    return _aggregated_number(call, "sum", _Sum)


@term(TermType.AVG, 1, 2, options=("index",), grouping=Grouping.STREAM, forbids_writes=True)
def avg(call: Call) -> Value:
    """The mean of the rows, or of what a function returns for each row."""
    return _aggregated_number(call, "avg", _Average)


def _aggregated_number(call: Call, name: str, kind: type[_Sum]) -> Value:
    function = _aggregated_function(call)
    if call.has_option("index"):
        _refuse_both(function, name)
        call.table(0)
        raise logic(f"Cannot call {name} on an index.")
    return call.aggregate(call.stream(0), lambda: kind(function))


def _refuse_both(function: AnyFunction | None, name: str) -> None:
    if function is not None:
        raise logic(f"Cannot provide both a function and an index to {name}.")


@term(TermType.MIN, 1, 2, options=("index",), grouping=Grouping.STREAM, forbids_writes=True)
def min_(call: Call) -> Value:
    """The lowest row, the row with the lowest function value, or the first row of an index."""
    return _extreme(call, "min", operator.lt, "asc")


@term(TermType.MAX, 1, 2, options=("index",), grouping=Grouping.STREAM, forbids_writes=True)
def max_(call: Call) -> Value:
    """The highest row, the row with the highest function value, or the last row of an index."""
    return _extreme(call, "max", operator.gt, "desc")


def _extreme(call: Call, name: str, better: Callable[[Any, Any], bool], sorting: str) -> Value:
    function = _aggregated_function(call)
    if call.has_option("index"):
        _refuse_both(function, name)
        call.value(0), call.option("index")  # evaluated before either is converted
        table = call.table(0)
        return _first_in_index(call, table, call.option_as("index", datum.as_string), name, sorting)
    subject = call.value(0)
    if function is None and isinstance(subject, Table):
        return _first_in_index(call, subject, None, name, sorting)
    return call.aggregate(call.stream(0), lambda: _Extreme(function, name, better))


def _first_in_index(
    call: Call, table: Table, index: str | None, name: str, sorting: str
) -> SingleSelection:
    part = TableSlice(table, index, sorting=sorting)
    environment, place = call.environment, call.place

    def read() -> Datum:
        stream = environment.read(part)
        stream.backtrace = place
        for row in stream:
            return row
        raise logic(f"`{name}` found no entries in the specified index.", place)

    return SingleSelection(table, None, read, extreme=part)


# -- reduce, fold


@term(TermType.REDUCE, 2, options=("base",), grouping=Grouping.STREAM, forbids_writes=True)
def reduce(call: Call) -> Value:
    """`reduce`: combines the first row with the second, the result with the third, and so on."""
    stream, function = call.stream(0), call.function(1)
    return call.aggregate(stream, lambda: _Reduction(function))


_NOTHING: Any = object()


@dataclass(slots=True)
class _Reduction:
    """The rows so far, combined by a function into one value."""

    function: AnyFunction
    reduced: Datum = _NOTHING

    def add(self, rows: Iterator[Datum]) -> bool:
        reduced, function = self.reduced, self.function
        for row in rows:
            reduced = row if reduced is _NOTHING else function(reduced, row)
        self.reduced = reduced
        return reduced is not _NOTHING

    def join(self, other: _Reduction) -> None:
        self.add(iter(() if other.reduced is _NOTHING else (other.reduced,)))

    def result(self) -> Datum:
        if self.reduced is _NOTHING:
            raise non_existence("Cannot reduce over an empty stream.", self.function.backtrace)
        return self.reduced


@term(
    TermType.FOLD, 3, options=("emit", "final_emit"), grouping=Grouping.STREAM, forbids_writes=True
)
def fold(call: Call) -> Value:
    """`fold`: passes an accumulator from row to row. With `emit`, the result is a sequence."""
    stream = call.stream(0)
    base = call.datum(1)
    function = call.function(2)
    if function.arity not in (None, 0, 2):
        raise logic("The accumulator function passed to `fold` should expect 2 arguments")
    if call.has_option("emit"):
        return call.sequence(_emitting(call, stream, base, function))
    result = base
    for row in stream.all_rows():
        result = function(result, row)
    final = call.option_function("final_emit")
    return result if final is None else final(result)


def _emitting(call: Call, stream: Stream, base: Datum, function: AnyFunction) -> Stream:
    emit, final_emit = call.option_function("emit"), call.option_function("final_emit")
    assert emit is not None, "asked for before"

    def emitted() -> Iterator[Datum]:
        accumulated = base
        for row in stream:
            before, accumulated = accumulated, function(accumulated, row)
            yield from _given_out(emit(before, row, accumulated))
        if final_emit is not None:
            yield from _given_out(final_emit(accumulated))

    refusal = Refusal(stream.refusal.message, call.place) if stream.refusal else None
    rows = emitted()
    return Stream(
        rows,
        is_array=stream.is_array,
        refusal=refusal,
        feed=stream.feed and stream.feed.iterated(rows),
        backtrace=call.place,
    )


def _given_out(found: Datum) -> list[Datum]:
    try:
        return datum.as_array(found)
    except QueryFailure as failure:
        raise about_user(failure) from None


# -- contains


@term(TermType.CONTAINS, 1, MANY)
def contains(call: Call) -> bool:
    """Whether there is a row for each of the given values, and for each of the given functions.

    One row can match only one of the values, and only one of the functions.
    """
    rows = call.stream(0)
    wanted: list[Datum] = []
    functions: list[AnyFunction] = []
    for index in range(1, call.count):
        value = call.value(index)
        if isinstance(value, (Function, NativeFunction)):
            functions.append(value)
        else:
            wanted.append(datum.order_key(call.datum(index)))
    for row in rows.all_rows():
        if wanted:
            _strike_out(wanted, datum.order_key(row))
        _strike_out_fulfilled(functions, row)
        if not wanted and not functions:
            return True
    return False


def _strike_out(wanted: list[Datum], key: tuple[Any, ...]) -> None:
    if key in wanted:
        wanted.remove(key)


def _strike_out_fulfilled(functions: list[AnyFunction], row: Datum) -> None:
    for place, function in enumerate(functions):
        if function.truth(row):
            # The last one takes its place, as on a real server. That decides which one is tried
            # first on the next row.
            functions[place] = functions[-1]
            functions.pop()
            return
