"""Loops: closed chains of edges. The inside is on the left of the edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rethinkdb.embedded.geo.edges import (
    WedgeRelation,
    crosses,
    crossing,
    turn,
    wedge_contains,
    wedge_intersects,
    wedge_relation,
)
from rethinkdb.embedded.geo.orientation import ordered_ccw
from rethinkdb.embedded.geo.vectors import Vector, orthogonal, unit

_ORIGIN = unit((0.00457, 1.0, 0.0321))
"""A point from which to count crossings; S2's, since it decides about points on edges."""

_HEMISPHERE_LEEWAY = -1e-14


class Loop:
    """A closed chain of edges without crossings.

    Attributes:
        vertices: each once; the last is joined to the first.
    """

    __slots__ = ("_index", "_origin_inside", "vertices")

    def __init__(self, vertices: Sequence[Vector]) -> None:
        self.vertices = list(vertices)
        self._index = {vertex: place for place, vertex in enumerate(self.vertices)}
        self._origin_inside = False
        first, second, third = self.vertices[:3]
        second_inside = ordered_ccw(orthogonal(second), first, third, second)
        self._origin_inside = second_inside != self.contains(second)

    @staticmethod
    def is_valid(vertices: Sequence[Vector]) -> bool:
        """Whether these vertices make a loop: at least three, all different, no crossing edges."""
        if len(vertices) < 3 or len(set(vertices)) < len(vertices):
            return False
        edges = list(zip(vertices, [*vertices[1:], vertices[0]], strict=True))
        return not any(
            crossing(*edge, *other) > 0
            for place, edge in enumerate(edges)
            for other in edges[place + 2 :]
        )

    def edges(self) -> Iterator[tuple[Vector, Vector]]:
        """All edges, in order."""
        return zip(self.vertices, [*self.vertices[1:], self.vertices[0]], strict=True)

    def normalized(self) -> Loop:
        """The loop, turned around if it encloses more than half of the sphere."""
        return self if self.is_normalized() else self.inverted()

    def is_normalized(self) -> bool:
        """Whether it encloses no more than half of the sphere."""
        count = len(self.vertices)
        around = (
            turn(self.vertices[place - 1], self.vertices[place], self.vertices[(place + 1) % count])
            for place in range(count)
        )
        return sum(around) >= _HEMISPHERE_LEEWAY

    def inverted(self) -> Loop:
        """The loop around the outside of this one."""
        return Loop(self.vertices[::-1])

    def contains(self, point: Vector) -> bool:
        """Whether a point is inside. If several loops share a boundary point, exactly one contains
        it.
        """
        inside = self._origin_inside
        for start, end in self.edges():
            inside ^= crosses(_ORIGIN, point, start, end)
        return inside

    def has_vertex(self, point: Vector) -> bool:
        """Whether a point is one of the vertices."""
        return point in self._index

    def around(self, vertex: Vector) -> tuple[Vector, Vector]:
        """The vertices before and after one."""
        place = self._index[vertex]
        return self.vertices[place - 1], self.vertices[(place + 1) % len(self.vertices)]

    # -- relations to other loops

    def _crosses(self, other: Loop) -> bool:
        return any(crossing(*edge, *its) > 0 for its in other.edges() for edge in self.edges())

    def _shared_wedges(self, other: Loop) -> Iterator[tuple[Vector, ...]]:
        """For each vertex in common: mine before it, the vertex, mine after it, the other's before
        and after.
        """
        for vertex in other.vertices:
            if self.has_vertex(vertex):
                before, after = self.around(vertex)
                yield (before, vertex, after, *other.around(vertex))

    def _has_inside_or_as_vertex(self, point: Vector) -> bool:
        return self.has_vertex(point) or self.contains(point)

    def _strictly_inside(self, point: Vector) -> bool:
        return self.contains(point) and not self.has_vertex(point)

    def contains_loop(self, other: Loop) -> bool:
        """Whether the inside of the other loop is inside this one."""
        if not self._has_inside_or_as_vertex(other.vertices[0]) or self._crosses(other):
            return False
        if not all(wedge_contains(*wedges) for wedges in self._shared_wedges(other)):
            return False
        # Two loops may contain each other's boundaries without containing what is inside them.
        return not other._strictly_inside(self.vertices[0])

    def intersects_loop(self, other: Loop) -> bool:
        """Whether something is inside both."""
        if self._strictly_inside(other.vertices[0]) or self._crosses(other):
            return True
        if any(wedge_intersects(*wedges) for wedges in self._shared_wedges(other)):
            return True
        return other._strictly_inside(self.vertices[0])

    def contains_or_crosses(self, other: Loop) -> int:
        """-1 if the boundaries cross, 1 if this loop contains the other, else 0."""
        if self._crosses(other):
            return -1
        relations = {wedge_relation(*wedges) for wedges in self._shared_wedges(other)}
        both_ways = {WedgeRelation.CONTAINS, WedgeRelation.IS_CONTAINED} <= relations
        if both_ways or WedgeRelation.OVERLAPS in relations:
            return -1
        if relations & {WedgeRelation.IS_DISJOINT, WedgeRelation.IS_CONTAINED}:
            return 0
        return int(self._has_inside_or_as_vertex(other.vertices[0]))

    def contains_nested(self, other: Loop) -> bool:
        """Whether it contains the other, given that boundaries do not cross and share no edge."""
        vertex = other.vertices[1]
        if not self.has_vertex(vertex):
            return self.contains(vertex)
        before, after = self.around(vertex)
        return wedge_contains(before, vertex, after, *other.around(vertex))
