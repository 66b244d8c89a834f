"""Grouping sequences: group, ungroup."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.streams import Origin
from rethinkdb.embedded.data.values import AnyFunction, NativeFunction, Table, TableSlice, Value
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.language import results
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, Grouping, Shortcut, term
from rethinkdb.embedded.language.rowwise import value_or_null
from rethinkdb.ql2 import TermType

_NO_FEED = logic("Cannot call `changes` after `group`.")


@term(
    TermType.GROUP,
    1,
    MANY,
    options=("index", "multi"),
    grouping=Grouping.STREAM,
    forbids_writes=True,
)
def group(call: Call) -> GroupedStream:
    """`group`: by fields, functions, an index, or several of them."""
    functions = [call.function(index, Shortcut.GET_FIELD) for index in range(1, call.count)]
    if call.has_option("index"):
        index = call.option_as("index", datum.as_string)
        return _grouped_by_index(call, call.table(0), index, functions)
    stream = call.unbatched_stream(0) if type(call.value(0)) is list else call.stream(0)
    _check_criteria(functions)
    groups_of = _groups_of(functions, multi=_multi(call))
    if isinstance(stream, GroupedStream):
        raise logic(
            "Cannot call `group` on the output of `group` (did you mean to `ungroup`?).",
            stream.backtrace,
        )
    return GroupedStream(
        stream.source(),
        lambda row: (groups_of(row, ()), row),
        array_limit=call.array_limit,
        backtrace=call.place,
        refusal=stream.refusal and stream.refusal.moved_to(call.place),
        origins=stream.obstructed(_NO_FEED),
    )


def _multi(call: Call) -> bool:
    return bool(call.option_as("multi", datum.truth, False))


def _check_criteria(criteria: list[Any]) -> None:
    if not criteria:
        raise logic("Cannot group by nothing.")


def _grouped_by_index(
    call: Call, table: Table, index: str, functions: list[AnyFunction]
) -> GroupedStream:
    if index == table.data.primary_key:
        functions = [*functions, NativeFunction(lambda row: row[index], arity=1)]
        part = TableSlice(table)
        entries: Iterable[Any] = (
            call.environment.read(part)
            .through(lambda rows: ((None, row) for row in rows), call.place)
            .source()
        )
        by_value = False
    else:
        part = TableSlice(table, index, sorting="asc")
        entries, by_value = call.environment.read_unordered_entries(part), True
    groups_of = _groups_of(functions, multi=_multi(call))
    return GroupedStream(
        entries,
        lambda entry: (groups_of(entry[1], (entry[0],) if by_value else ()), entry[1]),
        array_limit=call.array_limit,
        backtrace=call.place,
        origins=(Origin(part, obstacle=_NO_FEED),),
    )


def _groups_of(
    functions: list[AnyFunction], *, multi: bool
) -> Callable[[Datum, tuple[Datum, ...]], Iterable[Datum]]:
    """A function that returns the groups of a row. It gets the row and its value in the index."""
    if len(functions) == 1 and not multi:
        function = functions[0]
        return lambda row, index_values: (
            (value_or_null(function, row),)
            if not index_values
            else ([value_or_null(function, row), *index_values],)
        )

    def groups_of(row: Datum, index_values: tuple[Datum, ...]) -> Iterable[Datum]:
        criteria = [*(value_or_null(function, row) for function in functions), *index_values]
        if not multi:
            return (criteria[0] if len(criteria) == 1 else criteria,)
        choices = [(item or [None]) if isinstance(item, list) else [item] for item in criteria]
        combined = (list(chosen) for chosen in itertools.product(*choices))
        return (chosen[0] if len(chosen) == 1 else chosen for chosen in combined)

    return groups_of


@term(TermType.UNGROUP, 1, grouping=Grouping.WHOLE)
def ungroup(call: Call) -> Value:
    """`ungroup`: makes an array of grouped data, with an element for each group."""
    value = call.value(0)
    groups = results.ungrouped(value)
    if groups is None:
        failure = values.wrong_kind("GROUPED_DATA", value)
        failure.backtrace = call.backtrace(0)
        raise failure
    pairs = ({"group": group, "reduction": reduction} for group, reduction in groups)
    return datum.array(pairs, call.array_limit)
