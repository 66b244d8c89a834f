"""Families of terms, by how programs write them. Programs ask `isinstance`, and subclass them."""

from __future__ import annotations

from rethinkdb.reql import printing
from rethinkdb.reql.term import RqlQuery

__all__ = [
    "RqlBiCompareOperQuery",
    "RqlBiOperQuery",
    "RqlBoolOperQuery",
    "RqlBracketQuery",
    "RqlMethodQuery",
    "RqlTopLevelQuery",
    "family",
]


class RqlTopLevelQuery(RqlQuery):
    """A command that is a function of `r`: `r.name(...)`."""

    __slots__ = ()
    _prints = staticmethod(printing.top_level)


class RqlMethodQuery(RqlQuery):
    """A command that is a method: `query.name(...)`."""

    __slots__ = ()


class RqlBracketQuery(RqlMethodQuery):
    """A command that can also be written with brackets: `query[...]`."""

    __slots__ = ()


class RqlBiOperQuery(RqlQuery):
    """A command that is an operator: `a + b`."""

    __slots__ = ()
    _prints = staticmethod(printing.infix)


class RqlBiCompareOperQuery(RqlBiOperQuery):
    """A comparison: `a < b`."""

    __slots__ = ()


class RqlBoolOperQuery(RqlQuery):
    """`and_` and `or_`, and their kin for bits."""

    __slots__ = ()
    _prints = staticmethod(printing.logical)


_BY_NAME: dict[str, type[RqlQuery]] = dict.fromkeys(
    ("Bracket", "GetField", "Nth", "Slice"), RqlBracketQuery
)

_BY_STYLE: dict[printing.Style, type[RqlQuery]] = {
    printing.top_level: RqlTopLevelQuery,
    printing.method: RqlMethodQuery,
    printing.method_of_namespace: RqlMethodQuery,
    printing.infix: RqlBiOperQuery,
    printing.logical: RqlBoolOperQuery,
}


def family(name: str, style: printing.Style, compares: bool) -> type[RqlQuery]:
    """The family of a command, by the name of its class, its style, and if it is a comparison."""
    if compares:
        return RqlBiCompareOperQuery
    return _BY_NAME.get(name) or _BY_STYLE.get(style, RqlQuery)
