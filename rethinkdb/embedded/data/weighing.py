"""How large a value is when it is written out.

Values share their parts. `fold([1], lambda a, _: [a, a])` makes one small array a round, but its
text doubles each round. Whatever walks through such a value (the reply, a comparison, an index)
would take all time and memory. Here each part is visited once, however often it is used.
"""

from __future__ import annotations

from collections.abc import Iterable

from rethinkdb.embedded import limits
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import resource

_CONTAINERS = frozenset((list, dict))
_TEXTS = frozenset((str, bytes))
_MOST_REMEMBERED = 10_000


class Scales:
    """Weighs the values of one query.

    A plain value weighs 1, an array or object 1 more than its parts. A text weighs 1 more for each
    `limits.CHARACTERS_OF_A_VALUE` characters.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Datum, int]] = {}
        """Arrays and objects by identity, with their weights. They are kept, as the identity of one
        that is gone may be that of another.
        """

    def weighed(self, value: Datum) -> Datum:
        """The value. Raises the resource error if it is too large to be written out."""
        if type(value) not in _CONTAINERS:
            return value
        weight = self._weight(value)
        if weight > limits.HEAVIEST_VALUE:
            raise resource(
                f"The result would consist of {weight} values. The embedded server makes"
                f" {limits.HEAVIEST_VALUE} at most in a query that uses its data again and again."
            )
        return value

    def _weight(self, value: Datum) -> int:
        known = self._known
        if len(known) > _MOST_REMEMBERED:
            known = self._known = {}
        open_ = [value]  # not recursive, as data may be nested deeply
        while open_:
            whole = open_[-1]
            if id(whole) in known:
                open_.pop()
                continue
            unknown = {
                id(part): part
                for part in _parts(whole)
                if type(part) in _CONTAINERS and id(part) not in known
            }
            if unknown:
                open_.extend(unknown.values())
                continue
            open_.pop()
            known[id(whole)] = whole, 1 + _weight_of_parts(whole, known)
        return known[id(value)][1]


def _weight_of_parts(whole: Datum, known: dict[int, tuple[Datum, int]]) -> int:
    weight = 0
    if type(whole) is dict:
        weight = sum(map(len, whole)) // limits.CHARACTERS_OF_A_VALUE
    for part in _parts(whole):
        kind = type(part)
        if kind in _CONTAINERS:
            weight += known[id(part)][1]
        elif kind in _TEXTS:
            weight += 1 + len(part) // limits.CHARACTERS_OF_A_VALUE
        else:
            weight += 1
    return weight


def _parts(value: Datum) -> Iterable[Datum]:
    return value.values() if type(value) is dict else value
