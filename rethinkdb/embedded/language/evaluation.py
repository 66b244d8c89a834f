"""All names that the evaluation of a compiled query needs, from three modules.

`environment` is where a query runs, `nodes` are its compiled terms, and `calls` has the objects
that term implementations get.
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
