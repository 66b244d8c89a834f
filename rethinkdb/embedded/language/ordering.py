"""Sorts rows by fields and functions, for `order_by` and the ordered `union`.

A row without a value for a key (a NON_EXISTENCE failure) sorts before all rows that have one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import total_ordering
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.values import AnyFunction, Value
from rethinkdb.embedded.failures import Backtrace, FailureKind, QueryFailure, logic
from rethinkdb.embedded.language.evaluation import Call, Node, as_function, is_term, located
from rethinkdb.embedded.language.registry import Shortcut
from rethinkdb.ql2 import TermType

OrderKey: TypeAlias = "tuple[Any, ...]"

_MISSING: OrderKey = ()
"""Below every order key of a datum."""

_by_key = itemgetter(0)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One criterion: a function of the row, and its direction."""

    function: AnyFunction
    descending: bool

    def of(self, row: Datum) -> OrderKey:
        """What the row is sorted by."""
        try:
            return datum.order_key(self.function(row))
        except QueryFailure as failure:
            if failure.kind is FailureKind.NON_EXISTENCE:
                return _MISSING
            raise

    def comparable(self, row: Datum) -> Any:
        """The same, comparing in the key's direction."""
        return _Descending(self.of(row)) if self.descending else self.of(row)


@total_ordering
@dataclass(frozen=True, slots=True)
class _Descending:
    """An order key that compares the other way round."""

    key: OrderKey

    def __lt__(self, other: _Descending) -> bool:
        return other.key < self.key


def sort_key(node: Node, value: Value, place: Backtrace) -> SortKey:
    """An evaluated criterion: a field or function, `r.asc()` or `r.desc()` of one."""
    function = located(lambda value: as_function(value, Shortcut.GET_FIELD, place), value, place)
    if not function.determinism.holds(on_one_server=True, within_one_query=True):
        raise logic("Sorting by a non-deterministic function is not supported.")
    return SortKey(function, is_term(node, TermType.DESC))


def refuse_spliced(nodes: Sequence[Node]) -> None:
    """Raises if one of these is `r.args`: whether a criterion is descending could not be seen."""
    if any(is_term(node, TermType.ARGS) for node in nodes):
        raise logic("r.args is not supported in an order_by or union command yet.")


def sort_keys_of_arguments(call: Call) -> list[SortKey]:
    """The criteria that all arguments but the first are."""
    refuse_spliced(call.node.arguments)
    return [
        sort_key(call.argument_node(index), call.value(index), call.backtrace(index))
        for index in range(1, call.count)
    ]


def sorted_rows(rows: list[Datum], keys: Sequence[SortKey]) -> list[Datum]:
    """The rows in the order of the criteria; those equal in all of them stay in their order.

    A criterion is computed only where those before it leave something to decide.
    """
    if len(rows) < 2 or not keys:
        return rows
    key, rest = keys[0], keys[1:]
    try:
        keyed = [(key.of(row), row) for row in rows]
    except QueryFailure:
        # A real server's sort looks at the second row first, so that is what it fails about.
        key.of(rows[1])
        raise
    keyed.sort(key=_by_key, reverse=key.descending)
    if not rest:
        return [row for _, row in keyed]
    runs = ([row for _, row in run] for _, run in groupby(keyed, key=_by_key))
    return [row for run in runs for row in sorted_rows(run, rest)]


def merged(sequences: Sequence[Iterator[Datum]], keys: Sequence[SortKey]) -> Iterator[Datum]:
    """Rows of several sorted sequences, sorted; lazily."""
    ordered = (_checked(rows, keys) for rows in sequences)
    return (row for _, row in heapq.merge(*ordered, key=_by_key))


def _checked(
    rows: Iterator[Datum], keys: Sequence[SortKey]
) -> Iterator[tuple[tuple[Any, ...], Datum]]:
    previous: tuple[Any, ...] | None = None
    for row in rows:
        place = tuple([key.comparable(row) for key in keys])
        if previous is not None and place < previous:
            raise logic("The streams given as arguments are not ordered by given ordering.")
        previous = place
        yield place, row
