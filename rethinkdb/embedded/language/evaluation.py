"""Evaluating a compiled query, for those who do not care which part of it stands where.

`environment` is what a query runs in, `nodes` are its compiled terms, `calls` what the
implementation of a term sees of its evaluation.
"""

from __future__ import annotations

from rethinkdb.embedded.language.calls import Call, as_function
from rethinkdb.embedded.language.environment import DEFAULT_ARRAY_LIMIT, Environment, Scope, located
from rethinkdb.embedded.language.nodes import (
    ConstantNode,
    FunctionNode,
    ImplicitVariableNode,
    Node,
    ObjectNode,
    TermNode,
    VariableNode,
    is_term,
)

__all__ = [
    "DEFAULT_ARRAY_LIMIT",
    "Call",
    "ConstantNode",
    "Environment",
    "FunctionNode",
    "ImplicitVariableNode",
    "Node",
    "ObjectNode",
    "Scope",
    "TermNode",
    "VariableNode",
    "as_function",
    "is_term",
    "located",
]
