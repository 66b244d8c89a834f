"""Objects: reading, picking and leaving out fields; merging objects."""

from __future__ import annotations

from rethinkdb.embedded.data import datum, merging, paths, pseudotypes, values
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum
from rethinkdb.embedded.data.values import NativeFunction, Value
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic
from rethinkdb.embedded.language import rowwise
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, SHORTCUTS, Grouping, Shortcut, term
from rethinkdb.embedded.language.rowwise import NO_RECURSION, Rows
from rethinkdb.ql2 import TermType

_ROW_OPTIONS = (NO_RECURSION,)


# -- one field


def field_or_fields(value: Datum, name: Datum) -> Datum:
    """`get_field` of any datum: the field of an object, or an array of the fields of those elements
    of an array that have it.
    """
    if isinstance(value, dict):
        rowwise.check_pseudo_type("get_field", value, frozenset(), None)
        return datum.field(value, datum.as_string(name))
    if not isinstance(value, list):
        raise rowwise.wrong_type("get_field", value)
    found = []
    for element in value:
        if isinstance(element, list):
            raise logic("Cannot perform get_field on a sequence of sequences.")
        try:
            found.append(field_or_fields(element, name))
        except QueryFailure as failure:
            if failure.kind is not FailureKind.NON_EXISTENCE:
                raise
    return found


def get_field_of(call: Call) -> Datum:
    """The field of the first argument, an object, that the second argument names."""
    return datum.field(call.datum(0), call.string(1))


@term(TermType.GET_FIELD, 2, options=_ROW_OPTIONS, grouping=Grouping.STREAM)
def get_field(call: Call) -> Value:
    return rowwise.on_object_or_rows(call, "get_field", get_field_of, Rows.SKIPPED_OR_MAPPED)


# -- several fields


def paths_of(call: Call) -> paths.Paths:
    """All arguments but the first, as a specification of paths."""
    return paths.parse(call.data(1))


def pluck_object(call: Call) -> Datum:
    """The first argument, an object, with only those fields that the other arguments name."""
    return paths.project(call.datum(0), paths_of(call))


@term(TermType.PLUCK, 1, MANY, options=_ROW_OPTIONS, grouping=Grouping.STREAM)
def pluck(call: Call) -> Value:
    return rowwise.on_object_or_rows(call, "pluck", pluck_object, Rows.MAPPED)


@term(TermType.WITHOUT, 1, MANY, options=_ROW_OPTIONS, grouping=Grouping.STREAM)
def without(call: Call) -> Value:
    return rowwise.on_object_or_rows(
        call,
        "without",
        lambda row_call: paths.unproject(row_call.datum(0), paths_of(row_call)),
        Rows.MAPPED,
    )


def has_fields_of(call: Call) -> bool:
    """Whether the first argument, an object, has all fields that the other arguments name."""
    return paths.contains(call.datum(0), paths_of(call))


@term(TermType.HAS_FIELDS, 1, MANY, options=_ROW_OPTIONS, grouping=Grouping.STREAM)
def has_fields(call: Call) -> Value:
    return rowwise.on_object_or_rows(call, "has_fields", has_fields_of, Rows.FILTERED)


# -- merging objects


@term(TermType.MERGE, 1, MANY, options=_ROW_OPTIONS, grouping=Grouping.STREAM)
def merge(call: Call) -> Value:
    return rowwise.on_object_or_rows(call, "merge", _merge_object, Rows.MAPPED)


def _merge_object(call: Call) -> Datum:
    result = call.datum(0)
    for index in range(1, call.count):
        result = merging.merge(result, _overlay(call, index, result))
    return result


def _overlay(call: Call, index: int, below: Datum) -> Datum:
    value = call.value(index, literal_ok=True)
    if values.is_datum(value):
        overlay = values.as_datum(value)
    else:
        function = call.function(index, Shortcut.CONSTANT)
        made = function.call(below, literal_ok=True)
        overlay = call.environment.located_here(values.as_datum, made)
    pseudo_type = datum.reql_type(overlay) if isinstance(overlay, dict) else None
    if pseudo_type not in (None, "LITERAL"):
        raise logic(
            f"Cannot merge objects of type `{datum.type_name(overlay)}`.", call.backtrace(index)
        )
    return overlay


@term(TermType.LITERAL, 0, 1, grouping=Grouping.WHOLE)
def literal(call: Call) -> Datum:
    if not call.literal_ok:
        raise logic(pseudotypes.STRAY_LITERAL)
    fields = {REQL_TYPE: "LITERAL"}
    return {**fields, "value": call.datum(0)} if call.count else fields


# -- whole objects


@term(TermType.OBJECT, 0, MANY)
def object_(call: Call) -> Datum:
    if call.count % 2:
        raise logic(f"OBJECT expects an even number of arguments (but found {call.count}).")
    fields: dict[str, Datum] = {}
    for index in range(0, call.count, 2):
        name, value = call.string(index), call.datum(index + 1)
        if name in fields:
            raise logic(
                f"Duplicate key {datum.pretty(name)} in object.  (got"
                f" {datum.truncated(fields[name])} and {datum.truncated(value)} as values)"
            )
        fields[name] = value
    return pseudotypes.checked_object(fields)


@term(TermType.KEYS, 1)
def keys(call: Call) -> list[str]:
    return datum.array(sorted(_plain_object(call, "keys")), call.array_limit)


@term(TermType.VALUES, 1)
def values_(call: Call) -> list[Datum]:
    fields = _plain_object(call, "values")
    return datum.array([fields[name] for name in sorted(fields)], call.array_limit)


def _plain_object(call: Call, name: str) -> dict[str, Datum]:
    value = call.datum(0)
    if not isinstance(value, dict) or REQL_TYPE in value:
        raise logic(
            f"Cannot call `{name}` on objects of type `{datum.type_name(value)}`.",
            call.backtrace(0),
        )
    return value


# -- data in place of a function


def _constant_function(value: Datum) -> NativeFunction:
    return NativeFunction(lambda *arguments: value)


def _field_function(name: Datum) -> NativeFunction:
    return NativeFunction(lambda row: field_or_fields(row, name), arity=1)


def _pluck_function(specification: Datum) -> NativeFunction:
    def plucked(row: Datum) -> Datum:
        if not isinstance(row, dict):
            raise rowwise.wrong_type("pluck", row)
        return paths.project(row, paths.parse([specification]))

    return NativeFunction(plucked, arity=1)


def _page_function(method: Datum) -> NativeFunction:
    if datum.as_string(method) != "link-next":
        raise logic(f"`page` method '{method}' not recognized, only 'link-next' is available.")
    return NativeFunction(_next_link, arity=1)


def _next_link(info: Datum) -> Datum:
    try:
        links = datum.field(datum.field(info, "header"), "link")
        return datum.field(links, 'rel="next"')
    except QueryFailure:
        return None


SHORTCUTS.update(
    {
        Shortcut.CONSTANT: _constant_function,
        Shortcut.GET_FIELD: _field_function,
        Shortcut.PLUCK: _pluck_function,
        Shortcut.PAGE: _page_function,
    }
)
