"""`r.row`: an argument that holds it becomes a function, whose parameter `r.row` stands for."""

from __future__ import annotations

from typing import Any

from rethinkdb.reql.callables import next_variables
from rethinkdb.reql.literals import MAKE_ARRAY, Func
from rethinkdb.reql.term import PLAIN_TYPES, RqlQuery, make

__all__ = ["holds_row", "row_function"]


def row_function(node: Any) -> Any:
    """A function with one parameter if the node holds `r.row`, else the node itself."""
    if not isinstance(node, RqlQuery) or not holds_row(node):
        return node
    return make(Func, ([MAKE_ARRAY, next_variables(1)], node), {})


def holds_row(term: RqlQuery) -> bool:
    """Whether `r.row` is in a term, but not in a function inside it."""
    pending: list[Any] = [term]
    for node in pending:  # it grows meanwhile
        if type(node) in PLAIN_TYPES or not isinstance(node, RqlQuery):
            continue
        if node._is_row:
            return True
        if not node._hides_row:
            pending += node._nodes
            if node._optargs:
                pending += node._optargs.values()
    return False
