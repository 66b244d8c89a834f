"""Finds queries that may use parts of a value so often that its text outgrows all memory.

The results of such queries are weighed (`data.weighing`). Those of others are not: it costs time.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf

from rethinkdb.ql2 import TermType

SAFE_GROWTH = 1024
"""How many times larger a result may become than what it is made of without being weighed."""

_LOOP = 100_000
"""So often a function that runs for each item of an array may use a variable from outside."""

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
"""Terms that must be told to `Sharing.before`. One set, as a look-up for each term costs time."""


class Sharing:
    """Counts how often a query uses its variables, while it is compiled.

    Attributes:
        growth: how many times larger than its input a result can become.
        writes: whether the query writes. The next query can then go on with what it wrote.
    """

    __slots__ = ("_used", "_uses", "growth", "writes")

    def __init__(self) -> None:
        self.growth: float = 1
        self.writes = False
        self._used = False
        self._uses: dict[object, float] = {}

    @property
    def is_dangerous(self) -> bool:
        """Whether results must be weighed."""
        return self.growth > SAFE_GROWTH or (self.writes and self._used)

    def use(self, variable: object, *, in_loop: bool) -> None:
        """Notes that a variable is used."""
        self._uses[variable] = self._uses.get(variable, 0) + (_LOOP if in_loop else 1)

    def before(self, type: TermType) -> dict[object, float] | None:
        """Notes a term. Returns what to give to `after` when its arguments were compiled."""
        self.growth *= _JOINS.get(type, 1)
        return dict(self._uses) if type in _SMALL and self._uses else None

    def after(self, uses: dict[object, float]) -> None:
        """Forgets what was used meanwhile: the result of the term holds no part of it."""
        self._uses = uses

    def open(self, parameters: Collection[object]) -> tuple[dict[object, float], float]:
        """Begins a function. Returns what to give to `close`."""
        hidden = {name: self._uses.pop(name) for name in parameters if name in self._uses}
        return hidden, self.growth

    def close(
        self,
        parameters: Collection[object],
        opened: tuple[dict[object, float], float],
        caller: TermType | None,
    ) -> None:
        """Ends a function."""
        hidden, growth = opened
        for name in set(parameters):
            uses = self._uses.pop(name, 0)
            self._used = self._used or uses > 0
            self.growth *= max(1, uses)
        self._uses.update(hidden)
        if caller in _REPEATED and self.growth > growth:
            self.growth = inf
