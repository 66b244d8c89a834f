"""On which side of the line through two points a third one lies.

For three distinct points, `ccw` never says "on the line". If the exact determinant is zero, it
decides as if each point had been moved by its own infinitely small amount. So the answers for
different points never contradict one another. (Edelsbrunner and Mücke, "Simulation of Simplicity",
ACM Transactions on Graphics 9, 1990.)
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations
from typing import TypeAlias

from rethinkdb.embedded.geo.vectors import Vector, cross, dot

_UNCERTAIN = 1e-15
"""Determinants of doubles closer to zero than this may have the wrong sign."""

_Exact: TypeAlias = "tuple[Fraction, Fraction, Fraction]"


def ccw(a: Vector, b: Vector, c: Vector) -> int:
    """1 if a, b, c turn left seen from outside, -1 if right, 0 only if two are the same."""
    determinant = dot(cross(a, b), c)
    if determinant > _UNCERTAIN:
        return 1
    if determinant < -_UNCERTAIN:
        return -1
    return _exact_ccw(a, b, c)


def plainly_ccw(a: Vector, b: Vector, c: Vector) -> bool:
    """Whether they turn left, as far as doubles can tell."""
    return dot(cross(c, a), b) > 0


def ordered_ccw(a: Vector, b: Vector, c: Vector, around: Vector) -> bool:
    """Whether going counter-clockwise around a point from a, one meets b no later than c."""
    turns = (ccw(b, around, a) >= 0, ccw(c, around, b) >= 0, ccw(a, around, c) > 0)
    return sum(turns) >= 2


def _exact_ccw(a: Vector, b: Vector, c: Vector) -> int:
    if a == b or b == c or c == a:
        return 0
    points = sorted((a, b, c))
    order = [points.index(point) for point in (a, b, c)]
    rows = [(Fraction(x), Fraction(y), Fraction(z)) for x, y, z in points]
    return _parity(order) * _perturbed_sign(rows)


def _parity(order: list[int] | tuple[int, ...]) -> int:
    inversions = sum(first > second for first, second in combinations(order, 2))
    return -1 if inversions % 2 else 1


def _perturbed_sign(rows: list[_Exact]) -> int:
    """The sign of a determinant whose elements each have had their own infinitely small amount
    added.

    That determinant is a sum of products of such amounts; the first of them that has a factor other
    than zero, largest amount first, has the say.
    """
    for moved in _PRODUCTS:
        factor = _factor(rows, moved)
        if factor:
            return 1 if factor > 0 else -1
    raise AssertionError("the product of three amounts has the factor 1 or -1")


def _factor(rows: list[_Exact], moved: tuple[tuple[int, int], ...]) -> Fraction:
    """What the product of the amounts added to these elements (row, column) is multiplied by."""
    columns = dict(moved)
    factor = Fraction(0)
    for order in permutations(range(3)):
        if any(order[row] != column for row, column in moved):
            continue
        term = Fraction(_parity(order))
        for row in range(3):
            if row not in columns:
                term *= rows[row][order[row]]
        factor += term
    return factor


def _amount(row: int, column: int) -> int:
    """The rank of an amount: the lower, the larger; each is smaller than any product of larger
    ones.
    """
    return 1 << (3 * row + (2 - column))


_ELEMENTS = [(row, column) for row in range(3) for column in range(3)]
_PRODUCTS = sorted(
    (
        moved
        for count in range(4)
        for moved in combinations(_ELEMENTS, count)
        if len({row for row, _ in moved}) == len({column for _, column in moved}) == count
    ),
    key=lambda moved: sum(_amount(row, column) for row, column in moved),
)
"""All products of amounts in the determinant, the largest (none moved at all) first."""
