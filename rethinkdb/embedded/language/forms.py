"""The form of a query, checked before it is compiled: raw terms, places of writes and sorts.

A term on the wire is `[number, [argument, ...], {option: ...}]`, where the last two are optional. A
JSON object is an object of terms. Any other JSON value stands for itself. A real server checks
these rules for the whole query first, so these errors are reported before any others.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.failures import Backtrace, compile_failure
from rethinkdb.embedded.language.registry import TERMS
from rethinkdb.ql2 import TermType

NEWER_THAN_THIS_SERVER = frozenset((TermType.FORMAT,))
"""Terms of releases after the one whose behaviour this server has: unknown to it."""

_KNOWN = {int(type_): type_ for type_ in TermType if type_ not in NEWER_THAN_THIS_SERVER}


class RawTerm(NamedTuple):
    """A term taken apart."""

    type: TermType
    arguments: list[Any]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """What encloses a term."""

    type: TermType
    around: _Place | None
    writes_legal: bool


_ORDERED_TYPES = (TermType.ORDER_BY, TermType.UNION)


def check(wire: Any) -> None:
    """Raises for the first term, in reading order, that is malformed or stands where it may not."""
    _walk(wire, (), None, writes_legal=True)


def take_apart(wire: list[Any]) -> RawTerm:
    """The parts of a term whose form has been checked."""
    type_ = _KNOWN[_lower_half(wire[0])]
    arguments: list[Any] = []
    options: dict[str, Any] = {}
    for part in wire[1:]:
        if isinstance(part, dict) and type_ is not TermType.DATUM:
            options = part
        else:
            arguments = part if isinstance(part, list) else [part]
    return RawTerm(type_, arguments, options)


def _walk(wire: Any, backtrace: Backtrace, around: _Place | None, *, writes_legal: bool) -> None:
    if isinstance(wire, dict):
        if any(isinstance(value, (list, dict)) for value in wire.values()):
            _walk_inside({}, wire, backtrace, _Place(TermType.MAKE_OBJ, around, writes_legal))
        return
    if not isinstance(wire, list):
        return
    type_ = _type(wire, backtrace)
    if type_ in (TermType.ASC, TermType.DESC):
        _check_sort_order(type_, backtrace, around)
    rules = TERMS.get(type_)
    if rules is not None and rules.writes and not writes_legal:
        raise compile_failure(
            "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.", backtrace
        )
    arguments, options = _parts(type_, wire, backtrace)
    _walk_inside(arguments, options, backtrace, _Place(type_, around, writes_legal))


def _walk_inside(
    arguments: Any, options: dict[str, Any], backtrace: Backtrace, place: _Place
) -> None:
    rules = TERMS.get(place.type)
    inside_functions = place.writes_legal and not (rules is not None and rules.forbids_writes)
    for index, argument in enumerate(arguments):
        if isinstance(argument, (list, dict)):
            legal = place.writes_legal if index == 0 else inside_functions
            _walk(argument, (backtrace, index), place, writes_legal=legal)
    for name, option in options.items():
        if isinstance(option, (list, dict)):
            _walk(option, (backtrace, name), place, writes_legal=inside_functions)


def _type(wire: list[Any], backtrace: Backtrace) -> TermType:
    if not 1 <= len(wire) <= 3:
        raise compile_failure(
            f"Expected between 1 and 3 elements in a raw term, but found {len(wire)}.", backtrace
        )
    number = wire[0]
    if not datum.is_number(number):
        raise compile_failure(
            f"Expected a TermType as a NUMBER but found {datum.type_name(number)}.", backtrace
        )
    type_ = _KNOWN.get(_lower_half(number))
    if type_ is None:
        raise compile_failure(f"Unrecognized TermType: {_lower_half(number)}.", backtrace)
    return type_


def _lower_half(number: float) -> int:
    """What a real server takes a number for where it expects an integer of 32 bits.

    It looks at half of the bits that it stores, be it an integer of 64 bits or not an integer.
    """
    if isinstance(number, int) and -(2**63) <= number < 2**64:
        bits = number & 0xFFFFFFFF
    else:
        (bits,) = struct.unpack("<Ixxxx", struct.pack("<d", number))
    return bits - 2**32 if bits >= 2**31 else bits


def _parts(
    type_: TermType, wire: list[Any], backtrace: Backtrace
) -> tuple[list[Any], dict[str, Any]]:
    arguments: list[Any] | None = None
    options: dict[str, Any] | None = None
    if len(wire) > 1:
        if isinstance(wire[1], list):
            arguments = wire[1]
        elif isinstance(wire[1], dict) and type_ is not TermType.DATUM:
            options = wire[1]
        elif type_ is not TermType.DATUM:
            raise compile_failure(
                "Second element in a Term is neither arguments nor optional arguments.", backtrace
            )
    if len(wire) > 2:
        if options is not None:
            raise compile_failure(
                "Second and third element in a term are both optional arguments.", backtrace
            )
        if not isinstance(wire[2], dict):
            raise compile_failure("Third element in a Term is not optional arguments.", backtrace)
        options = wire[2]
    return ([] if type_ is TermType.DATUM else arguments or []), options or {}


def _check_sort_order(type_: TermType, backtrace: Backtrace, around: _Place | None) -> None:
    if around is not None:
        if around.type in _ORDERED_TYPES:
            return
        outer = around.around
        in_array = around.type is TermType.MAKE_ARRAY
        if in_array and outer is not None and outer.type is TermType.UNION:
            return
    raise compile_failure(
        f"{type_.name} may only be used as an argument to ORDER_BY or UNION.", backtrace
    )
