"""Turns objects into documents, so that they can be inserted.

It works for dataclasses, structs of msgspec, classes of attrs, and models of pydantic. None of
these libraries needs to be installed.

An object that `as_type` has made from a document becomes the same document again. So fields get
their names in documents, and values that JSON does not have are written in the form in which these
libraries read them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from rethinkdb.converters import JSON_TYPES, state

__all__ = ["document", "documents", "is_document"]

#: The name of a method with which an object returns its document.
OWN = "__rethinkdb_document__"


def is_document(value: object) -> bool:
    """Whether a value is an object that can be turned into a document."""
    return _fields_of(type(value)) is not None


def document(value: Any) -> dict[str, Any]:
    """The document of an object. Values in it that ReQL does not have are converted.

    If the program has a converter for a value, the value is left unchanged for that converter.
    """
    fields = _fields_of(type(value))
    assert fields is not None  # callers ask `is_document` first
    return {name: _plain(item) for name, item in fields(value).items()}


def documents(value: Any) -> Any:
    """The argument of `insert` and similar commands, with documents instead of objects.

    If the field `id` of an object is None, it is left out, and the server makes a key. No document
    can have None as its key.
    """
    if type(value) is list or type(value) is tuple or _is_several(value):
        return [_keyed(item) for item in value]
    return _keyed(value)


def _is_several(value: Any) -> bool:
    """Whether it is an iterator or a list of the program's own class, for which it has no rule."""
    of_items = isinstance(value, (list, tuple, Iterator))
    return of_items and not is_document(value) and not _has_converter(value)


def _is_object(value: Any) -> bool:
    """Whether a value is to be turned into a document here, and not by a converter."""
    return is_document(value) and not _has_converter(value)


def _keyed(value: Any) -> Any:
    if not _is_object(value):
        return value
    made = document(value)
    if "id" in made and made["id"] is None:
        del made["id"]
    return made


def _has_converter(value: object) -> bool:
    return state.active and (state.is_kept(value) or state.process.find(value) is not None)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {_key(name): _plain(item) for name, item in value.items()}
    if kind in _SEQUENCES:
        return [_plain(item) for item in value]
    if kind in JSON_TYPES or _has_converter(value):
        return value
    if is_document(value):
        return document(value)
    for known, write in _WRITTEN:
        if isinstance(value, known) and not isinstance(value, datetime.datetime):
            return _plain(write(value))
    return value


def _key(key: Any) -> Any:
    """The key of a dict as a string. Dicts in objects may have numbers or enum members as keys."""
    if isinstance(key, Enum):
        key = key.value
    return str(key) if type(key) is int else key


def _written() -> tuple[tuple[type, Callable[[Any], Any]], ...]:
    from decimal import Decimal
    from uuid import UUID

    return (
        (Enum, lambda value: value.value),
        (UUID, str),
        (Decimal, str),
        (datetime.date, datetime.date.isoformat),
        (datetime.time, datetime.time.isoformat),
        (datetime.timedelta, _duration),
    )


def _duration(value: datetime.timedelta) -> str:
    """A length of time as ISO 8601 has it, such as `P1DT7200.5S`."""
    sign, size = ("-", -value) if value.days < 0 else ("", value)
    fraction = f".{size.microseconds:06}" if size.microseconds else ""
    return f"{sign}P{size.days}DT{size.seconds}{fraction}S"


_WRITTEN = _written()

_SEQUENCES = frozenset({list, tuple, set, frozenset})


# --- the fields of each kind of class ------------------------------------------------------------

_Fields = Callable[[Any], dict[str, Any]]


def _of_own(value: Any) -> dict[str, Any]:
    made: dict[str, Any] = getattr(value, OWN)()
    return made


def _of_model(value: Any) -> dict[str, Any]:
    kind = type(value)
    serializers = kind.__pydantic_decorators__
    if serializers.field_serializers or serializers.model_serializers:
        dumped: dict[str, Any] = value.model_dump(by_alias=True)
        return dumped
    # Without serializers, do not use `model_dump`: it turns inner objects into plain dicts, such as
    # a `Geometry`.
    made = {
        field.serialization_alias or field.alias or name: getattr(value, name)
        for name, field in kind.__pydantic_fields__.items()
        if not field.exclude
    }
    return {**made, **(value.__pydantic_extra__ or {})}


def _of_dataclass(value: Any) -> dict[str, Any]:
    return {
        name: getattr(value, name)
        for name, field in type(value).__dataclass_fields__.items()
        if field._field_type.name == "_FIELD"  # neither ClassVar nor InitVar
    }


def _of_attrs(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in type(value).__attrs_attrs__}


def _of_struct(value: Any) -> dict[str, Any]:
    kind = type(value)
    config = kind.__struct_config__
    made = {} if config.tag_field is None else {config.tag_field: config.tag}
    defaults = kind.__struct_defaults__
    names = kind.__struct_fields__
    without_default = len(names) - len(defaults)
    for place, (name, sent) in enumerate(zip(names, kind.__struct_encode_fields__, strict=True)):
        item = getattr(value, name)
        if type(item).__name__ == "UnsetType":
            continue
        default = defaults[place - without_default] if place >= without_default else _NO_DEFAULT
        if config.omit_defaults and _is_default(item, default):
            continue
        made[sent] = item
    return made


_NO_DEFAULT: Any = object()


def _is_default(item: Any, default: Any) -> bool:
    """Whether msgspec omits the value: it is the default, or empty like the default."""
    if item is default:
        return True
    made = getattr(default, "factory", None)
    return made in (list, dict, set) and type(item) is made and not item


# An attribute by which each kind of class is known, and what returns the fields of its objects. The
# first that fits counts.
_KINDS: tuple[tuple[str, _Fields], ...] = (
    (OWN, _of_own),
    ("__pydantic_fields__", _of_model),
    ("__dataclass_fields__", _of_dataclass),
    ("__attrs_attrs__", _of_attrs),
    ("__struct_fields__", _of_struct),
)


def _fields_of(kind: type) -> _Fields | None:
    """The function that returns the fields of a class's objects; None: they are no documents."""
    if kind in JSON_TYPES:
        return None
    for mark, fields in _KINDS:
        if hasattr(kind, mark) and not issubclass(kind, type):
            # A pydantic dataclass has this attribute too, but is not a model.
            if fields is _of_model and not hasattr(kind, "model_dump"):
                continue
            return fields
    return None
