"""Terms that take an object or, lazily, a sequence of objects: `pluck`, `merge`, `r.row['a']` ...

On a sequence, the term is evaluated for each row, with the row as its first argument. The other
arguments are also evaluated for each row: `merge({"n": r.random()})` gives each row its own number.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Any

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.streams import Transform
from rethinkdb.embedded.data.values import AnyFunction, Value
from rethinkdb.embedded.failures import Backtrace, FailureKind, QueryFailure, logic, typed
from rethinkdb.embedded.language.evaluation import Call

NO_RECURSION = "_NO_RECURSE_"
"""An option all of these terms take: fail on a sequence, as happens for rows that are arrays."""


def value_or_null(function: AnyFunction, row: Datum) -> Datum:
    """What a function gives for a row. Null if the row lacks what the function needs."""
    try:
        return function(row)
    except QueryFailure as failure:
        if failure.kind is FailureKind.NON_EXISTENCE:
            return None
        raise


class Rows(enum.Enum):
    """What is done with the rows of a sequence."""

    MAPPED = "replaced by the result"
    FILTERED = "kept if the result is true"
    SKIPPED_OR_MAPPED = "replaced by the result, left out where there is none"


def on_object_or_rows(
    call: Call,
    name: str,
    evaluate: Callable[[Call], Value],
    rows: Rows,
    pseudo_types: frozenset[str] = frozenset(),
) -> Value:
    """Evaluates a term for its first argument if that is an object, else for each row of it.

    Args:
        call: the term being evaluated.
        name: what messages call it.
        evaluate: does it; the first argument of the call it gets is an object.
        rows: what becomes of a row.
        pseudo_types: those of which objects are fine too.
    """
    value = call.value(0)
    found = values.as_datum(value) if values.is_datum(value) else None
    if isinstance(found, dict):
        check_pseudo_type(name, found, pseudo_types, call.backtrace(0))
        return evaluate(call)
    if isinstance(found, list) or (found is None and values.is_sequence(value)):
        if datum.truth(call.option(NO_RECURSION)):
            raise logic(f"Cannot perform {name} on a sequence of sequences.")
        return _through(call, _transform(call, name, evaluate, rows, pseudo_types), rows)
    failure = wrong_type(name, value if found is None else found)
    failure.backtrace = call.backtrace(0)
    raise failure


def check_pseudo_type(
    name: str, value: dict[str, Datum], allowed: frozenset[str], backtrace: Backtrace | None
) -> None:
    """Raises for a pseudo-type, such as a time, unless it is allowed."""
    pseudo_type = datum.reql_type(value)
    if pseudo_type is not None and pseudo_type not in allowed:
        raise logic(
            f"Cannot call `{name}` on objects of type `{datum.type_name(value)}`.", backtrace
        )


def wrong_type(name: str, value: Value) -> QueryFailure:
    """The failure for a value that is neither an object nor a sequence."""
    text = datum.truncated_text(values.print_value(value))
    found = values.as_datum(value) if values.is_datum(value) else value
    return typed(found, f"Cannot perform {name} on a non-object non-sequence `{text}`.")


def _through(call: Call, transform: Transform, rows: Rows) -> Value:
    stream = call.stream(0).through(transform, call.place, may_follow_limit=rows is Rows.FILTERED)
    return call.picked(call.value(0), stream) if rows is Rows.FILTERED else call.sequence(stream)


def _transform(
    call: Call,
    name: str,
    evaluate: Callable[[Call], Value],
    rows: Rows,
    pseudo_types: frozenset[str],
) -> Transform:
    def result(row: Datum) -> Datum:
        if not isinstance(row, dict):
            if isinstance(row, list):
                raise logic(f"Cannot perform {name} on a sequence of sequences.")
            raise wrong_type(name, row)
        check_pseudo_type(name, row, pseudo_types, None)
        return values.as_datum(evaluate(call.on(row)))

    return row_transform(result, rows, call.place)


def row_transform(result: Callable[[Datum], Datum], rows: Rows, backtrace: Backtrace) -> Transform:
    """A transformation of each row. A failure without a backtrace gets this one."""

    def transform(stream: Iterator[Datum]) -> Iterator[Datum]:
        for row in stream:
            try:
                value: Any = result(row)
            except QueryFailure as failure:
                if failure.kind is FailureKind.NON_EXISTENCE and rows is not Rows.MAPPED:
                    continue
                if failure.backtrace is None:
                    failure.backtrace = backtrace
                raise
            if rows is not Rows.FILTERED:
                yield value
            elif datum.truth(value):
                yield row

    return transform
