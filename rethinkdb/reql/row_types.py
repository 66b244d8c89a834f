"""Of which type the rows of a query are: as its table says (`of=`), or as the one who runs it.

A table's type holds for the commands that give its documents as they are, and for its changes. It
is looked for when the query is run, so that terms need not carry it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rethinkdb.ql2 import TermNumber

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = ["RowType", "row_type"]


class RowType(NamedTuple):
    """The type of a query's rows.

    Attributes:
        type: that of its documents; None: they are plain values.
        of_feed: whether the rows are changes of such documents.
    """

    type: Any
    of_feed: bool


# Commands that give the documents of what they are called on, or some of them, or one.
_KEEPING = frozenset(
    {
        *(TermNumber.GET, TermNumber.GET_ALL, TermNumber.BETWEEN, TermNumber.BETWEEN_DEPRECATED),
        *(TermNumber.GET_INTERSECTING, TermNumber.FILTER, TermNumber.HAS_FIELDS),
        TermNumber.ORDER_BY,
        *(TermNumber.LIMIT, TermNumber.SKIP, TermNumber.SLICE, TermNumber.NTH, TermNumber.SAMPLE),
        *(TermNumber.MIN, TermNumber.MAX, TermNumber.DEFAULT, TermNumber.CHANGES, TermNumber.UNION),
    }
)


def row_type(term: RqlQuery, given: Any = None) -> RowType:
    """The type of a query's rows.

    Args:
        term: the query.
        given: the type that whoever runs it says; the type of its table does not count then.
    """
    of_feed = False
    node: Any = term
    while True:
        number = getattr(node, "term_type", None)
        if number == TermNumber.TABLE:
            return RowType(given or getattr(node, "_of", None), of_feed)
        if number not in _KEEPING and not _keeps(number, node):
            return RowType(given, of_feed)
        of_feed = of_feed or number == TermNumber.CHANGES
        if number == TermNumber.UNION:
            return _of_all(node, given, of_feed)
        node = node._nodes[0] if node._nodes else None


def _keeps(number: int | None, node: Any) -> bool:
    """Whether other commands give the documents as they are, with these arguments."""
    if number == TermNumber.DISTINCT:
        return "index" not in node._optargs
    if number == TermNumber.BRACKET:
        return type(node._nodes[1]) is int
    if number == TermNumber.COERCE_TO:
        return node._nodes[1:] in (["array"], ("array",))
    return False


def _of_all(union: Any, given: Any, of_feed: bool) -> RowType:
    """The type of a union: that of all its parts, if it is one."""
    kinds = [row_type(node, given) for node in union._nodes]
    first = kinds[0] if kinds else RowType(None, False)
    if any(kind != first for kind in kinds):
        return RowType(given, of_feed)
    return RowType(first.type, of_feed or first.of_feed)
