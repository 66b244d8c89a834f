"""Path specifications, the arguments of `pluck`, `without`, `has_fields` and `with_fields`.

A specification is a field name, a list of specifications, or an object. An object maps fields to
specifications of their content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rethinkdb.embedded.data import datum, pseudotypes
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import QueryFailure, logic

Paths: TypeAlias = "str | tuple[Paths, ...] | dict[str, Paths]"
"""One field; all of these; or, below each of these fields, what its specification says."""


def parse(specification: Datum) -> Paths:
    """A specification as written in a query: strings, arrays and objects. `true` means the whole
    field.
    """
    if isinstance(specification, str):
        return specification
    if isinstance(specification, list):
        return _joined([parse(item) for item in specification])
    if not isinstance(specification, dict):
        raise logic(f"Invalid path argument `{datum.pretty(specification)}`.")
    names = sorted(specification)
    whole: list[Paths] = [name for name in names if specification[name] is True]
    inside = {name: parse(specification[name]) for name in names if specification[name] is not True}
    if not whole:
        return inside
    return _joined([*whole, inside] if inside else whole)


def _joined(parts: Sequence[Paths]) -> Paths:
    return parts[0] if len(parts) == 1 else tuple(parts)


def project(value: Datum, paths: Paths, *, into_arrays: bool = False) -> Datum:
    """Only the parts that the paths name. Below the top level, paths apply to array elements."""
    if into_arrays and isinstance(value, list):
        return [project(item, paths) for item in value]
    result: dict[str, Datum] = {}
    if isinstance(paths, str):
        fields = datum.as_object(value)
        if paths in fields:
            result[paths] = fields[paths]
    elif isinstance(paths, tuple):
        for part in paths:
            result.update(datum.as_object(project(value, part, into_arrays=into_arrays)))
    else:
        result = _projected_fields(value, paths)
    return pseudotypes.checked_object(result)


def _projected_fields(value: Datum, paths: Mapping[str, Paths]) -> dict[str, Datum]:
    result: dict[str, Datum] = {}
    for name, inside in paths.items():
        fields = datum.as_object(value)
        if name not in fields:
            continue
        try:
            result[name] = project(fields[name], inside, into_arrays=True)
        except QueryFailure:
            continue  # what is not of the expected shape counts as not being there
    return result


def unproject(value: Datum, paths: Paths, *, into_arrays: bool = False) -> Datum:
    """All parts but those that the paths name. Below the top level, also in array elements."""
    if into_arrays and isinstance(value, list):
        return [unproject(item, paths) for item in value]
    fields = dict(datum.as_object(value))
    _remove(fields, paths)
    return pseudotypes.checked_object(fields)


def _remove(fields: dict[str, Datum], paths: Paths) -> None:
    if isinstance(paths, str):
        fields.pop(paths, None)
    elif isinstance(paths, tuple):
        for part in paths:
            _remove(fields, part)
    else:
        _remove_inside(fields, paths)


def _remove_inside(fields: dict[str, Datum], paths: Mapping[str, Paths]) -> None:
    for name, inside in paths.items():
        if name not in fields:
            continue
        try:
            fields[name] = unproject(fields[name], inside, into_arrays=True)
        except QueryFailure:
            continue  # what is not of the expected shape stays


def contains(value: Datum, paths: Paths) -> bool:
    """Whether all parts that the paths name exist and are not null."""
    if isinstance(paths, tuple):
        return all(contains(value, part) for part in paths)
    if not isinstance(value, dict):
        # All of no fields are there, whatever the value.
        return not paths
    if isinstance(paths, str):
        return value.get(paths) is not None
    return all(name in value and contains(value[name], paths[name]) for name in paths)
