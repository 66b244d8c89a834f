"""Finds queries whose results may be very much larger than what they are made of.

A query can use a value twice, and then the result of that twice: `fold([1], lambda a, _: [a, a])`
doubles its result with each round. `Sharing` counts, while a query is compiled, how often it uses
its variables. From that it knows how many times larger a result can be. The results of a query that
may go beyond `SAFE_GROWTH` are weighed (`data.weighing`). Those of others are not: it costs time.

A value can also double from query to query, through a table. The size of documents limits that.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf

from rethinkdb.ql2 import TermType

SAFE_GROWTH = 1024
"""How many times larger a result may become than what it is made of without being weighed."""

_LOOP = 100_000
"""How often a variable counts as used if a function uses it that runs for each item of an array: so
many items an array may have.
"""

_REPEATED = frozenset((TermType.FOLD, TermType.REDUCE))
"""Terms that give the result of a function to the same function again."""

_JOINS = {TermType.INNER_JOIN: 16, TermType.OUTER_JOIN: 16, TermType.EQ_JOIN: 16}
"""Terms that may use a row more than once without naming it."""

_SMALL = frozenset(
    (
        *(TermType.EQ, TermType.NE, TermType.LT, TermType.LE, TermType.GT, TermType.GE),
        *(TermType.COUNT, TermType.IS_EMPTY, TermType.CONTAINS, TermType.HAS_FIELDS),
        *(TermType.TYPE_OF, TermType.NOT, TermType.MATCH),
    )
)
"""Terms whose result holds no part of their arguments."""

NOTED = _REPEATED | _SMALL | _JOINS.keys() | {TermType.FUNCALL}
"""Terms that must be told to `Sharing`. One set, as a look-up for each term costs time."""


class Sharing:
    """Counts how often a query uses its variables, while it is compiled.

    Attributes:
        growth: how many times larger a result can become than what it is made of.
    """

    __slots__ = ("_uses", "growth")

    def __init__(self) -> None:
        self.growth: float = 1
        self._uses: dict[object, float] = {}

    @property
    def is_dangerous(self) -> bool:
        """Whether results must be weighed."""
        return self.growth > SAFE_GROWTH

    def use(self, variable: object, *, in_loop: bool) -> None:
        """Notes that a variable is used."""
        self._uses[variable] = self._uses.get(variable, 0) + (_LOOP if in_loop else 1)

    def begin_term(self, type: TermType) -> dict[object, float] | None:
        """Notes a term. Returns what to give to `end_term` once its arguments are compiled."""
        self.growth *= _JOINS.get(type, 1)
        return dict(self._uses) if type in _SMALL and self._uses else None

    def end_term(self, uses: dict[object, float]) -> None:
        """Forgets what was used meanwhile: the result of the term holds no part of it."""
        self._uses = uses

    def begin_function(self, parameters: Collection[object]) -> tuple[dict[object, float], float]:
        """Begins a function. Returns what to give to `end_function`."""
        hidden = {name: self._uses.pop(name) for name in parameters if name in self._uses}
        return hidden, self.growth

    def end_function(
        self,
        parameters: Collection[object],
        opened: tuple[dict[object, float], float],
        caller: TermType | None,
    ) -> None:
        """Ends a function."""
        hidden, growth = opened
        for name in set(parameters):
            uses = self._uses.pop(name, 0)
            self.growth *= max(1, uses)
        self._uses.update(hidden)
        if caller in _REPEATED and self.growth > growth:
            self.growth = inf
