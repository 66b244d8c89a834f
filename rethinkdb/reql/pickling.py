"""Terms as flat lists, for `pickle` and `copy`, which fail at some hundred levels of nesting."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from rethinkdb.typed.state import state as types

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = ["Entry", "picklable", "unpickled"]


#: A term: its class; its arguments, and which of them are terms, by position; its options, and
#: which of them are terms, by name; whether it was written with an operator. Arguments and options
#: that are terms are None, and the numbers of their entries stand in the dicts. It is a tuple, as
#: pickles name no class but those of `ast`. That of a table with a type has it as a seventh part.
Entry: TypeAlias = "tuple[Any, ...]"


def picklable(root: RqlQuery, terms: type[RqlQuery]) -> list[Entry]:
    """A term as a list of entries. The last one is the term's.

    Args:
        root: the term.
        terms: the class of all terms.
    """
    entries: list[Entry] = []
    positions: dict[int, int] = {}  # of the entries, by the identity of the terms
    pending = [root]
    while pending:
        term = pending[-1]
        parts = [
            node
            for node in chain(term._nodes, term._optargs.values())
            if isinstance(node, terms) and id(node) not in positions
        ]
        if parts:
            pending += parts
            continue
        pending.pop()
        if id(term) not in positions:
            positions[id(term)] = len(entries)
            entries.append(_entry(term, terms, positions))
    return entries


def _entry(term: RqlQuery, terms: type[RqlQuery], positions: dict[int, int]) -> Entry:
    nodes, optargs = list(term._nodes), dict(term._optargs)
    nodes_at = {at: positions[id(node)] for at, node in enumerate(nodes) if isinstance(node, terms)}
    optargs_at = {
        name: positions[id(node)] for name, node in optargs.items() if isinstance(node, terms)
    }
    for at in nodes_at:
        nodes[at] = None
    for name in optargs_at:
        optargs[name] = None
    entry = type(term), nodes, nodes_at, optargs, optargs_at, term._by_operator
    row_type = getattr(term, "_of", None) if types.tables else None
    return entry if row_type is None else (*entry, row_type)


def unpickled(entries: list[Entry]) -> RqlQuery:
    """The term of which `picklable` made these."""
    terms: list[RqlQuery] = []
    for cls, nodes, nodes_at, optargs, optargs_at, by_operator, *of in entries:
        for at, position in nodes_at.items():
            nodes[at] = terms[position]
        for name, position in optargs_at.items():
            optargs[name] = terms[position]
        term: Any = cls.__new__(cls)
        term._nodes, term._optargs = nodes, optargs
        if by_operator:
            term._operator = True
        for row_type in of:
            term._of = row_type
            types.tables = True
        terms.append(term)
    return terms[-1]
