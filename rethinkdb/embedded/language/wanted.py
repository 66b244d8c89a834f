"""The field and the value that a filter asks for. It serves to find the feeds of a write.

A row without that value cannot pass the filter. A row with it may pass: the filter decides.
"""

from __future__ import annotations

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.values import AnyFunction, Function
from rethinkdb.embedded.language.evaluation import (
    ConstantNode,
    ImplicitVariableNode,
    Node,
    TermNode,
    VariableNode,
    is_term,
)
from rethinkdb.ql2 import TermType

_PLAIN = (str, int, float)


def wanted_field(function: AnyFunction) -> tuple[str, Datum] | None:
    """A field and the value that it must have for a row to pass, if there is such a field."""
    if isinstance(function, Function):
        return _compared_field(function, function.body) if function.arity == 1 else None
    wanted = function(None) if function.constant else None
    if not isinstance(wanted, dict) or datum.REQL_TYPE in wanted:
        return None
    return next((pair for pair in wanted.items() if isinstance(pair[1], _PLAIN)), None)


def _compared_field(function: Function, test: Node) -> tuple[str, Datum] | None:
    """The same for `row["field"] == value`, or for an `and_` that contains it."""
    if not isinstance(test, TermNode) or test.spliced:
        return None
    if test.rules.type is TermType.AND:
        found = (_compared_field(function, part) for part in test.arguments)
        return next(filter(None, found), None)
    if test.rules.type is not TermType.EQ or len(test.arguments) != 2:
        return None
    field, value = (_field_of(function, test.arguments[0]), test.arguments[1])
    if field is None or not isinstance(value, ConstantNode) or not isinstance(value.value, _PLAIN):
        return None
    return field, value.value


def _field_of(function: Function, node: Node) -> str | None:
    """The field, if a term is a field of the function's row. Otherwise None."""
    if not (is_term(node, TermType.BRACKET) or is_term(node, TermType.GET_FIELD)):
        return None
    assert isinstance(node, TermNode)
    if node.spliced or len(node.arguments) != 2:
        return None
    row, name = node.arguments
    explicit = isinstance(row, VariableNode) and row.id == function.parameters[0]
    implicit = isinstance(row, ImplicitVariableNode) and not function.enclosing
    if not isinstance(name, ConstantNode) or not (explicit or implicit):
        return None
    return name.value if isinstance(name.value, str) else None
