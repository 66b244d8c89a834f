"""Sorting sequences: order_by, asc, desc, distinct."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import Selection, Table, TableSlice, Value
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.language.evaluation import Call, Environment, is_term
from rethinkdb.embedded.language.ordering import SortKey, sort_keys_of_arguments, sorted_rows
from rethinkdb.embedded.language.registry import MANY, term
from rethinkdb.ql2 import TermType

_NOT_A_TABLE = (
    "Indexed order_by can only be performed on a TABLE or TABLE_SLICE. Make sure order_by comes"
    " before any transformations (such as map) or filters."
)
_NO_KEYS = "Must specify something to order by."


@term(TermType.ASC, 1)
def asc(call: Call) -> Value:
    """Returns its argument. `order_by` reads the direction from the term itself."""
    return call.value(0)


@term(TermType.DESC, 1)
def desc(call: Call) -> Value:
    """Returns its argument. `order_by` reads the direction from the term itself."""
    return call.value(0)


# -- order_by


@term(TermType.ORDER_BY, 1, MANY, options=("index",))
def order_by(call: Call) -> Value:
    """`order_by`: reads an index in its order, or sorts all rows in memory."""
    keys = sort_keys_of_arguments(call)
    subject = call.value(0)
    if isinstance(subject, (Table, TableSlice)):
        return _ordered_table(call, call.table_slice(0), keys)
    stream = call.selection(0).stream if isinstance(subject, Selection) else call.stream(0)
    index = call.option("index")
    if stream.exhausted:
        if index is None and not keys:
            raise logic(_NO_KEYS)
        return call.picked(subject, stream)
    if index is not None:
        raise logic(_NOT_A_TABLE)
    return call.picked(subject, _sorted(call, stream, keys))


def _ordered_table(call: Call, part: TableSlice, keys: list[SortKey]) -> Value:
    if not call.has_option("index"):
        stream = call.environment.read(part)
        stream.backtrace = call.place
        return Selection(part.table, _sorted(call, stream, keys))
    ordered = with_sorting(part, call.option_as("index", datum.as_string), _direction(call))
    if not keys:
        return ordered
    rows = _sorted_within_index(call.environment, ordered, keys)
    return Selection(part.table, Stream(rows, backtrace=call.place))


def _direction(call: Call) -> str:
    return "desc" if is_term(call.option_node("index"), TermType.DESC) else "asc"


def with_sorting(part: TableSlice, index: str, sorting: str) -> TableSlice:
    """A slice of a table, read in the order of an index. It must not have another order already."""
    if part.sorting is not None:
        raise logic(
            "Cannot perform multiple indexed ORDER_BYs on the same table.", part.table.backtrace
        )
    if part.index not in (None, index):
        raise logic(
            f"Cannot order by index `{index}` after calling BETWEEN on index `{part.index}`.",
            part.table.backtrace,
        )
    return part.narrowed(index=index, sorting=sorting)


def _sorted(call: Call, stream: Stream, keys: list[SortKey]) -> Stream:
    if not keys:
        raise logic(_NO_KEYS)
    rows = datum.array(stream.all_rows(), call.array_limit)
    return Stream(sorted_rows(rows, keys), is_array=True, backtrace=call.place)


def _sorted_within_index(
    environment: Environment, part: TableSlice, keys: list[SortKey]
) -> Iterator[Datum]:
    """The rows in the order of the index. Rows with the same value in the index are sorted.

    Only the rows of one such value are held in memory at a time.
    """
    entries = environment.read_entries(part)
    for _, run in groupby(entries, key=lambda entry: datum.order_key(entry[0])):
        yield from sorted_rows([row for _, row in run], keys)


# -- distinct


@term(TermType.DISTINCT, 1, options=("index",))
def distinct(call: Call) -> Value:
    """`distinct`: reads a table in the order of an index. Makes a sorted array of anything else."""
    subject = call.value(0)
    if isinstance(subject, (Table, TableSlice)):
        found = _distinct_in_index(call, call.table_slice(0))
        if found is not None:
            return found
    if call.has_option("index"):
        raise logic("Can only perform an indexed distinct on a TABLE.")
    rows: dict[tuple[object, ...], Datum] = {}
    for row in call.stream(0).all_rows():
        rows.setdefault(datum.order_key(row), row)
        datum.check_array_size(len(rows), call.array_limit)
    return [rows[key] for key in sorted(rows)]


def _distinct_in_index(call: Call, part: TableSlice) -> Stream | None:
    """The values of an index, or the rows of a table. None if the slice has another order."""
    primary_key = part.table.data.primary_key
    index = call.option_as("index", datum.as_string, primary_key)
    by_values = call.has_option("index")
    if by_values and index == primary_key:
        stream = call.environment.read(part)
        return stream.through(lambda rows: (row[primary_key] for row in rows), call.place)
    if part.index not in (None, index):
        return None
    ordered = part if part.sorting is not None else with_sorting(part, index, "asc")
    if by_values:
        rows = _each_once(value for value, _ in call.environment.read_entries(ordered))
        return Stream(rows, backtrace=call.place)
    stream = call.environment.read(ordered)
    return Stream(_each_once(iter(stream)), backtrace=call.place)


def _each_once(rows: Iterator[Datum]) -> Iterator[Datum]:
    """Sorted rows, each of them once."""
    for _, run in groupby(rows, key=datum.order_key):
        yield next(run)
