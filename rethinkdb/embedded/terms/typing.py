"""Types of values, and conversions between them: type_of, info, coerce_to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rethinkdb.embedded.data import coercion, datum, values
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL, Datum, Extremum
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import (
    Database,
    Function,
    GroupedData,
    NativeFunction,
    Selection,
    SingleSelection,
    Table,
    TableSlice,
    Value,
)
from rethinkdb.embedded.failures import logic, typed
from rethinkdb.embedded.language import javascript_source
from rethinkdb.embedded.language.evaluation import Call, Environment, located
from rethinkdb.embedded.language.registry import Grouping, term
from rethinkdb.embedded.language.wire_forms import wire_form
from rethinkdb.embedded.storage import access, permissions
from rethinkdb.ql2 import TermType

# -- type_of

_TYPE_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (Database, "DB"),
    (Table, "TABLE"),
    (TableSlice, "TABLE_SLICE"),
    (GroupedStream, "GROUPED_STREAM"),
    (Stream, "STREAM"),
    (SingleSelection, "SELECTION<OBJECT>"),
    ((Function, NativeFunction), "FUNCTION"),
    (GroupedData, "GROUPED_DATA"),
)


def type_name(value: Value) -> str:
    """The name of the type of a value, as `type_of` returns it."""
    if isinstance(value, Selection):
        return "SELECTION<ARRAY>" if value.stream.is_array else "SELECTION<STREAM>"
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return datum.type_name(value)


@term(TermType.TYPE_OF, 1, grouping=Grouping.WHOLE)
def type_of(call: Call) -> str:
    """`type_of`."""
    return type_name(call.value(0))


# -- info


@term(TermType.INFO, 1, grouping=Grouping.WHOLE)
def info(call: Call) -> Datum:
    """`info`: the type of a value, and facts about the value."""
    return _info(call.value(0), call.environment)


def _info(value: Value, environment: Environment) -> dict[str, Datum]:
    said = {"type": type_name(value), **_details(value, environment)}
    return {name: said[name] for name in sorted(said)}


def _details(value: Value, environment: Environment) -> dict[str, Datum]:
    for kind, describe in _DESCRIPTIONS:
        if isinstance(value, kind):
            return describe(value, environment)
    return {"value": datum.pretty(value)}


def _source(function: Function) -> str:
    """A function as a real server shows it: its captured variables, its parameters, its body."""
    parameters = ", ".join(map(javascript_source.variable_name, function.parameters))
    body = wire_form(function.body)
    captures = ", ".join(_captures(function, body))
    text = javascript_source.query_source(body)
    return f"function (captures = [{captures}]) (args = [{parameters}]) {text}"


def _captures(function: Function, body: Any) -> Iterator[str]:
    used = set(_variables(body)) - set(function.parameters)
    if function.enclosing == 0:
        yield "(no implicit)"
    elif function.enclosing > 1:
        yield "(multiple implicits)"
    else:
        row = datum.pretty(function.scope.implicit) if None in used else "(not stored)"
        yield f"implicit: {row}"
    for id in sorted(id for id in used if id is not None):
        yield f"{id}: {datum.pretty(function.scope.variables[id])}"


def _variables(wire: Any) -> Iterator[int | None]:
    """The ids of the variables in a term, None for `r.row`."""
    if isinstance(wire, dict):
        wire = list(wire.values())
    elif not isinstance(wire, list):
        return
    elif wire[:1] == [TermType.VAR]:
        yield wire[1][0]
        return
    elif wire[:1] == [TermType.IMPLICIT_VAR]:
        yield None
        return
    for part in wire:
        yield from _variables(part)


def _table_details(table: Table, environment: Environment) -> dict[str, Datum]:
    permissions.require_read(environment, table)
    access.require_reachable(table.data, table.display_name, "")
    return {
        "name": table.name,
        "primary_key": table.data.primary_key,
        "db": _info(table.database, environment),
        "id": table.data.id,
        "doc_count_estimates": [len(table.data.rows)],
        "indexes": sorted(table.data.indexes),
    }


_SORTINGS = {None: "UNORDERED", "asc": "ASCENDING", "desc": "DESCENDING"}


def _slice_details(part: TableSlice) -> dict[str, Datum]:
    return {
        "index": part.index,
        "sorting": _SORTINGS[part.sorting],
        **_bound_details(
            "left_bound", part.left, part.left_closed, {MINVAL: "unbounded", MAXVAL: "unachievable"}
        ),
        **_bound_details(
            "right_bound",
            part.right,
            part.right_closed,
            {MAXVAL: "unbounded", MINVAL: "unachievable"},
        ),
    }


def _bound_details(
    name: str, bound: Datum, closed: bool, extremes: dict[Extremum, str]
) -> dict[str, Datum]:
    if isinstance(bound, Extremum):
        return {f"{name}_type": extremes[bound]}
    return {name: bound, f"{name}_type": "closed" if closed else "open"}


_DESCRIPTIONS: tuple[
    tuple[type | tuple[type, ...], Callable[[Any, Environment], dict[str, Datum]]], ...
] = (
    (Database, lambda database, _: {"name": database.name, "id": database.id}),
    (Table, _table_details),
    (
        TableSlice,
        lambda part, environment: {
            "table": _info(part.table, environment),
            **_slice_details(part),
        },
    ),
    ((Selection, SingleSelection), lambda rows, env: {"table": _info(rows.table, env)}),
    ((Stream, GroupedData, Extremum, type(None)), lambda value, _: {}),
    (NativeFunction, lambda function, _: {"source_code": function.source}),
    (Function, lambda function, _: {"source_code": _source(function)}),
    (bytes, lambda data, _: {"count": len(data), "value": datum.compact(data)}),
)
"""What there is to say about values beside their type; about data, how they are printed."""


# -- coerce_to

_DATUM_TYPES = frozenset(
    ("NULL", "BINARY", "BOOL", "NUMBER", "STRING", "ARRAY", "OBJECT", "MINVAL", "MAXVAL")
)
_KINDS: dict[str, tuple[type, ...]] = {
    "DB": (Database,),
    "TABLE": (Table,),
    "TABLE_SLICE": (Table, TableSlice),
    "SELECTION<STREAM>": (Table, TableSlice, Selection),
    "SELECTION<ARRAY>": (),
    "STREAM": (Table, TableSlice, Selection, Stream, *values.PLAIN_TYPES),
    "SELECTION<OBJECT>": (SingleSelection,),
    "DATUM": (SingleSelection, *values.PLAIN_TYPES),
    "FUNCTION": (Function, NativeFunction),
    "GROUPED_DATA": (GroupedData,),
}
"""For the kinds that are no types of data: what is of that kind, or serves as it, already."""


def _start_name(value: Value) -> str:
    """The type of a value for `coerce_to`. A pseudo-type counts as the type that it is made of."""
    if isinstance(value, Selection):
        return "SELECTION<STREAM>"
    if isinstance(value, GroupedStream):
        return "STREAM"
    found = values.as_datum(value) if values.is_datum(value) else value
    if isinstance(found, dict):
        return "OBJECT"
    return "BINARY" if isinstance(found, bytes) else type_name(found)


@term(TermType.COERCE_TO, 2)
def coerce_to(call: Call) -> Value:
    """`coerce_to(type)`."""
    value = call.value(0)
    start, wanted = _start_name(value), _wanted_type(call)
    if isinstance(value, _KINDS.get(wanted, ())) or start == wanted:
        return value
    if wanted == "BOOL":
        return start != "NULL"
    if values.is_datum(value):
        found = call.datum(0)
        converted = _converted_datum(found, start, wanted, call.array_limit)
        if converted is not None:
            return converted
    if (isinstance(value, list) or values.is_sequence(value)) and wanted in _OF_SEQUENCES:
        return _converted_sequence(call, wanted)
    failure = typed(
        values.as_datum(value) if values.is_datum(value) else value,
        f"Cannot coerce {start} to {wanted}.",
    )
    failure.backtrace = call.backtrace(0)
    raise failure


def _wanted_type(call: Call) -> str:
    name = coercion.upper(call.string(1))
    if name not in _DATUM_TYPES and name not in _KINDS:
        raise logic(f"Unknown Type: {name}")
    return name


def _converted_datum(found: Datum, start: str, wanted: str, array_limit: int) -> Datum:
    """The datum as another type. None if there is no such conversion."""
    convert: Any = coercion.CONVERSIONS.get((start, wanted))
    if convert is not None:
        return convert(found)
    if wanted == "STRING":
        return datum.compact(found)
    if (start, wanted) == ("OBJECT", "ARRAY"):
        return coercion.to_pairs(found, array_limit)
    return None


_OF_SEQUENCES = frozenset(("ARRAY", "DATUM", "OBJECT"))


def _converted_sequence(call: Call, wanted: str) -> Datum:
    if wanted == "OBJECT":
        return coercion.to_object(call.stream(0).all_rows())
    return rows_as_array(call, call.unbatched_stream(0))


def rows_as_array(call: Call, stream: Stream) -> Datum:
    """All rows, in the order of `coerce_to("array")`."""
    return call.aggregate(stream, lambda: _ToArray(call.array_limit))


@dataclass(slots=True)
class _ToArray:
    """All rows."""

    limit: int
    rows: list[Datum] = field(default_factory=list)

    def add(self, rows: Iterator[Datum]) -> bool:
        """Adds rows. If there are too many, the error points at the whole query."""
        self.rows += itertools.islice(rows, self.limit - len(self.rows) + 1)
        located(lambda size: datum.check_array_size(size, self.limit), len(self.rows), ())
        return bool(self.rows)

    def join(self, other: _ToArray) -> None:
        """Adds the rows of another part of a table."""
        self.add(iter(other.rows))

    def result(self) -> Datum:
        """The array."""
        return self.rows
