"""Edges, the shortest paths between two points: crossings, nearest points, order at a vertex."""

from __future__ import annotations

import enum
import math

from rethinkdb.embedded.geo.orientation import ccw, ordered_ccw, plainly_ccw
from rethinkdb.embedded.geo.vectors import (
    Vector,
    add,
    angle,
    dot,
    length,
    negate,
    normal,
    orthogonal,
    scale,
    squared_length,
    subtract,
    unit,
)

# -- crossings


def crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> int:
    """1 if ab and cd cross inside both, 0 if they share a vertex, -1 otherwise."""
    acb, bda = -ccw(a, b, c), ccw(a, b, d)
    if acb == 0 or bda == 0:
        return 0
    if bda != acb or -ccw(c, d, b) != acb:
        return -1
    return 1 if ccw(c, d, a) == acb else -1


def vertex_crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Whether edges that share a vertex count as crossing there.

    A fixed direction at each vertex decides, so that going past a vertex of a chain of edges
    counts an odd number of crossings exactly if one changes sides.
    """
    if a == b or c == d:
        return False
    if a == d:
        return ordered_ccw(orthogonal(a), c, b, a)
    if b == c:
        return ordered_ccw(orthogonal(b), d, a, b)
    if a == c:
        return ordered_ccw(orthogonal(a), d, b, a)
    return ordered_ccw(orthogonal(b), c, a, b)


def crosses(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Whether two edges cross, inside or at a vertex."""
    found = crossing(a, b, c, d)
    return found > 0 or (found == 0 and vertex_crossing(a, b, c, d))


def intersection(a0: Vector, a1: Vector, b0: Vector, b1: Vector) -> Vector:
    """The point in which two edges cross. It must be inside both of them."""
    a_normal, b_normal = unit(normal(a0, a1)), unit(normal(b0, b1))
    found = unit(normal(a_normal, b_normal))
    if dot(found, add(add(a0, a1), add(b0, b1))) < 0:
        found = negate(found)
    if ordered_ccw(a0, found, a1, a_normal) and ordered_ccw(b0, found, b1, b_normal):
        return found
    # Almost parallel edges: rounding has led beyond their ends. The nearest end that lies on the
    # other edge will do.
    ends = [(end, b0, b1, b_normal) for end in (a0, a1)] + [
        (end, a0, a1, a_normal) for end in (b0, b1)
    ]
    candidates = [
        (squared_length(subtract(found, end)), end)
        for end, start, stop, axis in ends
        if ordered_ccw(start, end, stop, axis)
    ]
    return min(candidates)[1] if candidates else found


def fraction(x: Vector, a: Vector, b: Vector) -> float:
    """The position of a point along an edge."""
    before, behind = angle(x, a), angle(x, b)
    return before / (before + behind)


# -- what is nearest


def distance(x: Vector, a: Vector, b: Vector) -> float:
    """The angle from a point to an edge."""
    axis = normal(a, b)
    if plainly_ccw(axis, a, x) and plainly_ccw(x, b, axis):
        return math.asin(min(1.0, abs(dot(x, axis)) / length(axis)))
    squared = min(squared_length(subtract(x, a)), squared_length(subtract(x, b)))
    return 2 * math.asin(min(1.0, 0.5 * math.sqrt(squared)))


def nearest(x: Vector, a: Vector, b: Vector) -> Vector:
    """The point of an edge nearest to a point."""
    axis = normal(a, b)
    projected = subtract(x, scale(axis, dot(x, axis) / squared_length(axis)))
    if plainly_ccw(axis, a, projected) and plainly_ccw(projected, b, axis):
        return unit(projected)
    return a if squared_length(subtract(x, a)) <= squared_length(subtract(x, b)) else b


# -- wedges: the space to the left of two edges that meet in a vertex


class WedgeRelation(enum.Enum):
    """The relation of two wedges at one vertex."""

    EQUAL = enum.auto()
    CONTAINS = enum.auto()
    IS_CONTAINED = enum.auto()
    OVERLAPS = enum.auto()
    IS_DISJOINT = enum.auto()


def wedge_contains(a0: Vector, vertex: Vector, a2: Vector, b0: Vector, b2: Vector) -> bool:
    """Whether the wedge a0, vertex, a2 contains the wedge b0, vertex, b2."""
    return ordered_ccw(a2, b2, b0, vertex) and ordered_ccw(b0, a0, a2, vertex)


def wedge_intersects(a0: Vector, vertex: Vector, a2: Vector, b0: Vector, b2: Vector) -> bool:
    """Whether they share some space."""
    return not (ordered_ccw(a0, b2, b0, vertex) and ordered_ccw(b0, a2, a0, vertex))


def wedge_relation(a0: Vector, vertex: Vector, a2: Vector, b0: Vector, b2: Vector) -> WedgeRelation:
    """The relation of two wedges. If edges coincide, the most specific relation."""
    if a0 == b0 and a2 == b2:
        return WedgeRelation.EQUAL
    if ordered_ccw(a0, a2, b2, vertex):
        if ordered_ccw(b2, b0, a0, vertex):
            return WedgeRelation.CONTAINS
        return WedgeRelation.IS_CONTAINED if a2 == b2 else WedgeRelation.OVERLAPS
    if ordered_ccw(a0, b0, b2, vertex):
        return WedgeRelation.IS_CONTAINED
    if ordered_ccw(a0, b0, a2, vertex):
        return WedgeRelation.IS_DISJOINT
    return WedgeRelation.OVERLAPS


def turn(a: Vector, b: Vector, c: Vector) -> float:
    """The angle by which the path a, b, c turns left."""
    size = angle(normal(b, a), normal(c, b))
    return size if ccw(a, b, c) > 0 else -size
