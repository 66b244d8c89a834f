"""Sorts rows by fields and functions, for `order_by` and the ordered `union`.

A row without a value for a key (a NON_EXISTENCE failure) sorts before all rows that have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
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
        """The value by which the row is sorted."""
        try:
            return datum.order_key(self.function(row))
        except QueryFailure as failure:
            if failure.kind is FailureKind.NON_EXISTENCE:
                return _MISSING
            raise


def sort_key(node: Node, value: Value, place: Backtrace) -> SortKey:
    """The sort key of an evaluated criterion: a field or function, or `r.asc()` or `r.desc()`."""
    function = located(lambda value: as_function(value, Shortcut.GET_FIELD, place), value, place)
    if not function.determinism.holds(on_one_server=True, within_one_query=True):
        raise logic("Sorting by a non-deterministic function is not supported.")
    return SortKey(function, is_term(node, TermType.DESC))


def refuse_spliced(nodes: Sequence[Node]) -> None:
    """Raises if one is `r.args`: one could not see whether its criteria are descending."""
    if any(is_term(node, TermType.ARGS) for node in nodes):
        raise logic("r.args is not supported in an order_by or union command yet.")


def sort_keys_of_arguments(call: Call) -> list[SortKey]:
    """The criteria: all arguments but the first."""
    refuse_spliced(call.node.arguments)
    return [
        sort_key(call.argument_node(index), call.value(index), call.backtrace(index))
        for index in range(1, call.count)
    ]


def sorted_rows(rows: list[Datum], keys: Sequence[SortKey]) -> list[Datum]:
    """The rows in the order of the criteria. Rows that are equal in all criteria keep their order.

    A criterion is computed only where those before it leave something to decide.
    """
    if len(rows) < 2 or not keys:
        return rows
    key, rest = keys[0], keys[1:]
    try:
        keyed = [(key.of(row), row) for row in rows]
    except QueryFailure:
        # A real server's sort looks at the second row first. So an error is about that row.
        key.of(rows[1])
        raise
    keyed.sort(key=_by_key, reverse=key.descending)
    if not rest:
        return [row for _, row in keyed]
    runs = ([row for _, row in run] for _, run in groupby(keyed, key=_by_key))
    return [row for run in runs for row in sorted_rows(run, rest)]


def merged(
    sequences: Sequence[Iterator[Datum]], keys: Sequence[SortKey], batches: Iterator[int]
) -> Iterator[Datum]:
    """The rows of several sorted sequences as one sorted sequence, for `union`.

    Args:
        sequences: the rows.
        keys: the criteria by which they are sorted.
        batches: how many rows are merged before the first of them is given, batch after batch.
    """
    heap = _Heap(keys)
    for rows in sequences:
        heap.push_next(rows)
    for size in batches:
        batch = list(islice(_drawn(heap), size))
        yield from batch
        if len(batch) < size:
            return


def _drawn(heap: _Heap) -> Iterator[Datum]:
    while heap.held:
        smallest = heap.pop()
        following = heap.next_of(smallest.source)
        if following is not None:
            if heap.less(following, smallest):
                raise logic("The streams given as arguments are not ordered by given ordering.")
            heap.push(following)
        yield smallest.row


@dataclass(slots=True)
class _Held:
    """The first row of a sequence that was not returned yet."""

    row: Datum
    source: Iterator[Datum]
    known: dict[int, OrderKey]
    """What it is sorted by, as far as that was needed."""

    def place(self, number: int, keys: Sequence[SortKey]) -> OrderKey:
        """The row's value for the criterion with this number."""
        if number not in self.known:
            self.known[number] = keys[number].of(self.row)
        return self.known[number]


class _Heap:
    """The rows to choose from, the smallest first.

    It compares the same rows in the same order as the priority queue of a real server. This decides
    which of several equal rows comes first, and which row a failure is about.
    """

    def __init__(self, keys: Sequence[SortKey]) -> None:
        self.held: list[_Held] = []
        self._keys = keys

    def less(self, left: _Held, right: _Held) -> bool:
        """Whether the left row comes before the right one."""
        for number, key in enumerate(self._keys):
            mine, theirs = left.place(number, self._keys), right.place(number, self._keys)
            if mine != theirs:
                return (theirs < mine) if key.descending else (mine < theirs)
        return False

    def next_of(self, source: Iterator[Datum]) -> _Held | None:
        """The next row of a sequence. None at its end."""
        for row in source:
            return _Held(row, source, {})
        return None

    def push_next(self, source: Iterator[Datum]) -> None:
        """Adds the next row of a sequence, if it has one."""
        following = self.next_of(source)
        if following is not None:
            self.push(following)

    def push(self, item: _Held) -> None:
        """Adds a row."""
        self.held.append(item)
        self._rise(len(self.held) - 1, item)

    def pop(self) -> _Held:
        """Removes the smallest row, and returns it."""
        last = self.held.pop()
        if not self.held:
            return last
        smallest = self.held[0]
        self._sink(last)
        return smallest

    def _rise(self, hole: int, item: _Held) -> None:
        while hole and self.less(item, self.held[(hole - 1) // 2]):
            self.held[hole] = self.held[(hole - 1) // 2]
            hole = (hole - 1) // 2
        self.held[hole] = item

    def _sink(self, item: _Held) -> None:
        """Fills the hole at the top: the hole goes down to the bottom, and the item rises there."""
        hole, count = 0, len(self.held)
        while (child := 2 * hole + 2) < count:
            if self.less(self.held[child - 1], self.held[child]):
                child -= 1
            self.held[hole] = self.held[child]
            hole = child
        if child == count:
            self.held[hole] = self.held[child - 1]
            hole = child - 1
        self._rise(hole, item)
