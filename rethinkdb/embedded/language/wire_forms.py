"""Converts compiled terms back to wire form, to store and show functions of indexes and hooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.language.evaluation import (
    ConstantNode,
    FunctionNode,
    ImplicitVariableNode,
    Node,
    ObjectNode,
    TermNode,
    VariableNode,
)
from rethinkdb.ql2 import TermType

_NONE: Mapping[int, Datum] = MappingProxyType({})


def wire_form(node: Node, variables: Mapping[int, Datum] = _NONE) -> Any:
    """The term as a client would send it. The given variables are replaced by their values."""
    if isinstance(node, ConstantNode):
        return _constant(datum.to_json(node.value))
    if isinstance(node, VariableNode):
        captured = node.id in variables
        return (
            _constant(datum.to_json(variables[node.id]))
            if captured
            else [TermType.VAR.value, [node.id]]
        )
    if isinstance(node, ImplicitVariableNode):
        return [TermType.IMPLICIT_VAR.value, []]
    if isinstance(node, FunctionNode):
        return function_form(node.parameters, node.body, variables)
    if isinstance(node, ObjectNode):
        return {name: wire_form(value, variables) for name, value in node.values.items()}
    assert isinstance(node, TermNode), f"what is a {type(node).__name__}?"
    arguments = [wire_form(part, variables) for part in node.arguments]
    wire: list[Any] = [node.rules.type.value, arguments]
    if node.options:
        wire.append({name: wire_form(option, variables) for name, option in node.options.items()})
    return wire


def function_form(
    parameters: Collection[int], body: Node, variables: Mapping[int, Datum] = _NONE
) -> Any:
    """A function in wire form; see `wire_form`."""
    free = {id_: value for id_, value in variables.items() if id_ not in parameters}
    names = [TermType.MAKE_ARRAY.value, list(parameters)]
    return [TermType.FUNC.value, [names, wire_form(body, free)]]


def _constant(value: Datum) -> Any:
    if isinstance(value, list):
        return [TermType.MAKE_ARRAY.value, [_constant(item) for item in value]]
    if isinstance(value, dict):
        return {name: _constant(item) for name, item in value.items()}
    return value
