"""Checks objects with a `$reql_type$`, and converts them to the form that the server keeps.

BINARY becomes bytes. TIME is rounded to milliseconds, and its zone is normalised. Of GEOMETRY only
the fields are checked; the coordinates are checked when a term computes with them. LITERAL may come
from JSON text and from `r.literal`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import NoReturn

from rethinkdb.embedded.data import datum, timezones
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum
from rethinkdb.embedded.failures import QueryFailure, logic, non_existence

STRAY_LITERAL = (
    "Stray literal keyword found: literal is only legal inside of the object passed to merge or"
    " update and cannot nest inside other literals."
)

_BASE64_SPACE = "\r\n \t"
_BASE64_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def checked_object(fields: dict[str, Datum], literal_ok: bool = False) -> Datum:
    """A new object. If it is a pseudo-type, it is checked and converted.

    Args:
        fields: the object; it must not be changed afterwards.
        literal_ok: whether it may be a LITERAL; objects written in a query never may, parsed
            JSON may.
    """
    if REQL_TYPE not in fields:
        return fields
    name = fields[REQL_TYPE]
    if not isinstance(name, str):
        raise logic(
            f"Error: Field `{REQL_TYPE}` must be a string (got `{datum.truncated(name)}`"
            f" of type {datum.type_name(name)}):\n{datum.truncated(fields)}"
        )
    if name == "LITERAL" and not literal_ok:
        raise logic(STRAY_LITERAL)
    check = _CHECKS.get(name)
    if check is None:
        raise logic(f"Unknown {REQL_TYPE} `PTYPE<{name}>`.")
    return check(fields)


def checked_tree(value: Datum) -> Datum:
    """Parsed JSON, with every object checked. LITERAL is allowed, as in `r.json`."""
    if isinstance(value, list):
        return [checked_tree(item) for item in value]
    if isinstance(value, dict):
        return checked_object(
            {name: checked_tree(item) for name, item in value.items()}, literal_ok=True
        )
    return value


def as_pseudo_type(value: Datum, name: str) -> Datum:
    """The value, which must be of this pseudo-type.

    Any pseudo-type passes, as on a real server; what is done with the value then fails on the
    fields it lacks.
    """
    if datum.reql_type(value) is None:
        raise logic(f"Not a {name} pseudotype: `{datum.truncated(value)}`.")
    return value


# -- TIME


def make_time(epoch_time: float, timezone: str) -> dict[str, Datum]:
    """A PTYPE<TIME>. The zone must be in normal form (`+HH:MM`)."""
    return {
        REQL_TYPE: "TIME",
        "epoch_time": datum.number(timezones.to_milliseconds(epoch_time)),
        "timezone": timezone,
    }


def _time(fields: dict[str, Datum]) -> dict[str, Datum]:
    for name in sorted(fields):
        if name not in _TIME_FIELDS:
            _invalid_time(f"unrecognized field `{name}`", fields)
        _TIME_FIELDS[name](fields)
    if "timezone" in fields:
        fields = {**fields, "timezone": timezones.normalized(fields["timezone"])}
    for name in ("epoch_time", "timezone"):
        if name not in fields:
            _invalid_time(f"no field `{name}`", fields)
    return make_time(fields["epoch_time"], fields["timezone"])


def _check_epoch_time(fields: dict[str, Datum]) -> None:
    value = fields["epoch_time"]
    if not datum.is_number(value):
        _invalid_time(_wrong_field("epoch_time", "number", value), fields)


def _check_timezone(fields: dict[str, Datum]) -> None:
    value = fields["timezone"]
    if not isinstance(value, str):
        _invalid_time(_wrong_field("timezone", "string", value), fields)
    try:
        timezones.normalized(value)
    except QueryFailure:
        _invalid_time(f"invalid timezone string `{datum.truncated(value)}`", fields)


def _wrong_field(name: str, type: str, value: Datum) -> str:
    found = f"`{datum.truncated(value)}` of type {datum.type_name(value)}"
    return f"field `{name}` must be a {type} (got {found})"


def _invalid_time(problem: str, fields: dict[str, Datum]) -> NoReturn:
    epoch_time = fields.get("epoch_time")
    if isinstance(epoch_time, (int, float)):  # already rounded
        fields = {**fields, "epoch_time": datum.number(timezones.to_milliseconds(epoch_time))}
    raise logic(f"Invalid time object constructed ({problem}):\n{datum.truncated(fields)}")


_TIME_FIELDS: dict[str, Callable[[dict[str, Datum]], None]] = {
    REQL_TYPE: lambda fields: None,
    "epoch_time": _check_epoch_time,
    "timezone": _check_timezone,
}


# -- BINARY


def _binary(fields: dict[str, Datum]) -> bytes:
    for name in sorted(fields):
        if name not in (REQL_TYPE, "data"):
            raise logic(f"Invalid binary pseudotype: illegal `{name}` key.")
    if "data" not in fields:
        raise logic("Invalid binary pseudotype: lacking `data` key.")
    return from_base64(datum.as_string(fields["data"]))


def from_base64(text: str) -> bytes:
    """Decodes base64 as a server does: it skips white space, and padding may be missing."""
    body, _, rest = text.partition("=")
    for character in body:
        if character not in _BASE64_CHARACTERS and character not in _BASE64_SPACE:
            raise logic(f"Invalid base64 character found: '{character}'.")
    digits = "".join(body.split())
    if len(digits) % 4 == 1:
        raise logic("Invalid base64 length: 1 character remaining, cannot decode a full byte.")
    if rest.strip("=" + _BASE64_SPACE):
        raise logic("Invalid base64 format, data found after padding character '='.")
    return base64.b64decode(digits + "=" * (-len(digits) % 4))


# -- GEOMETRY, LITERAL


def _geometry(fields: dict[str, Datum]) -> dict[str, Datum]:
    for name in sorted(fields):
        if name == "coordinates":
            datum.as_array(fields[name])
        elif name == "type":
            datum.as_string(fields[name])
        elif name not in (REQL_TYPE, "crs"):
            raise logic(f"Unrecognized field `{name}` found in geometry object.")
    for name in ("type", "coordinates"):
        if name not in fields:
            raise non_existence(f"Field `{name}` not found in geometry object.")
    return fields


def _literal(fields: dict[str, Datum]) -> dict[str, Datum]:
    for name in sorted(fields):
        if name not in (REQL_TYPE, "value"):
            raise logic(f"Invalid literal term with illegal key `{name}`.")
    return fields


_CHECKS: dict[str, Callable[[dict[str, Datum]], Datum]] = {
    "TIME": _time,
    "BINARY": _binary,
    "GEOMETRY": _geometry,
    "LITERAL": _literal,
}
