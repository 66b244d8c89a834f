"""Shapes made of edges: open chains, and polygons with holes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rethinkdb.embedded.geo.edges import (
    crossing,
    distance,
    fraction,
    intersection,
    nearest,
    vertex_crossing,
)
from rethinkdb.embedded.geo.loops import Loop
from rethinkdb.embedded.geo.orientation import ordered_ccw
from rethinkdb.embedded.geo.vectors import Vector, negate


@dataclass(frozen=True, slots=True)
class Chain:
    """An open chain of edges."""

    vertices: tuple[Vector, ...]

    @staticmethod
    def is_valid(vertices: Sequence[Vector]) -> bool:
        """Whether each edge has a length and a direction."""
        pairs = pairwise(vertices)
        return all(a not in (b, negate(b)) for a, b in pairs)

    def edges(self) -> Iterator[tuple[Vector, Vector]]:
        """All edges, in order."""
        return pairwise(self.vertices)

    def nearest(self, point: Vector) -> Vector:
        """The point of the chain that is nearest to another."""
        return nearest_on_edges(point, self.edges())

    def intersects(self, other: Chain) -> bool:
        """Whether they cross or share a vertex."""
        return any(crossing(*edge, *its) >= 0 for edge in self.edges() for its in other.edges())


def nearest_on_edges(point: Vector, edges: Iterator[tuple[Vector, Vector]]) -> Vector:
    """The point nearest to another on the nearest of these edges."""
    return nearest(point, *min(edges, key=lambda edge: distance(point, *edge)))


@dataclass(frozen=True, slots=True)
class _Ring:
    loop: Loop
    depth: int
    """How many other loops contain it; at odd depths it bounds a hole."""

    @property
    def is_hole(self) -> bool:
        return self.depth % 2 == 1


class Polygon:
    """The points inside an odd number of loops. If all edges have cancelled each other out, there
    are no loops.
    """

    __slots__ = ("rings",)

    def __init__(self, loops: Sequence[Loop]) -> None:
        self.rings = [
            _Ring(loop, sum(other.contains_nested(loop) for other in loops if other is not loop))
            for loop in loops
        ]

    @classmethod
    def of_rings(cls, rings: Sequence[Loop]) -> Polygon | None:
        """A shell with holes in it. None if they cross, or if a hole is outside of the shell."""
        normalized = [ring.normalized() for ring in rings]
        holes = [hole.inverted() for hole in normalized[1:]]
        loops = _assembled([*normalized[:1], *holes])
        if not _are_compatible(loops):
            return None
        return cls(loops)

    @property
    def is_empty(self) -> bool:
        """Whether it has no edges."""
        return not self.rings

    @property
    def has_holes(self) -> bool:
        """Whether some loop bounds a hole."""
        return any(ring.is_hole for ring in self.rings)

    @property
    def loops(self) -> list[Loop]:
        """All its loops, each enclosing less than half of the sphere."""
        return [ring.loop for ring in self.rings]

    def _directed_edges(self) -> Iterator[tuple[Vector, Vector]]:
        """All edges with the inside to the left of each."""
        for ring in self.rings:
            vertices = ring.loop.vertices[::-1] if ring.is_hole else ring.loop.vertices
            yield from zip(vertices, [*vertices[1:], vertices[0]], strict=True)

    # -- points

    def contains(self, point: Vector) -> bool:
        """Whether a point is inside."""
        return sum(loop.contains(point) for loop in self.loops) % 2 == 1

    def nearest(self, point: Vector) -> Vector:
        """The point inside or on the boundary that is nearest to another."""
        if self.contains(point):
            return point
        return nearest_on_edges(point, (edge for loop in self.loops for edge in loop.edges()))

    # -- chains

    def clips(self, chain: Chain, *, outside: bool) -> bool:
        """Whether some part of a chain is inside, or outside, of the polygon, as asked."""
        within = self.contains(chain.vertices[0]) != outside
        for start, end in chain.edges():
            places = self._places_of_crossings(start, end)
            if within:
                places.append((0.0, start))
            within = len(places) % 2 == 1
            if within:
                places.append((1.0, end))
            places.sort()
            # Each pair of places bounds a part that is on the side asked for.
            if any(places[at] != places[at + 1] for at in range(0, len(places), 2)):
                return True
        return False

    def _places_of_crossings(self, start: Vector, end: Vector) -> list[tuple[float, Vector]]:
        places = []
        for edge in self._directed_edges():
            found = crossing(start, end, *edge)
            if found > 0:
                point = intersection(start, end, *edge)
                places.append((fraction(point, start, end), point))
            elif found == 0 and vertex_crossing(start, end, *edge):
                places.append((0.0, start) if start in edge else (1.0, end))
        return places

    # -- other polygons

    def contains_polygon(self, other: Polygon) -> bool:
        """Whether all that is inside the other is inside this one."""
        if not self.has_holes and not other.has_holes:
            return all(any(loop.contains_loop(its) for loop in self.loops) for its in other.loops)
        return self._contains_shells_of(other) and other._excludes_holes_of(self)

    def _contains_or_crosses(self, loop: Loop) -> int:
        results = [mine.contains_or_crosses(loop) for mine in self.loops]
        return -1 if -1 in results else sum(results) % 2

    def _contains_shells_of(self, other: Polygon) -> bool:
        shells = (ring.loop for ring in other.rings if not ring.is_hole)
        return all(self._contains_or_crosses(shell) > 0 for shell in shells)

    def _excludes_holes_of(self, other: Polygon) -> bool:
        holes = (ring.loop for ring in other.rings if ring.is_hole)
        return all(self._contains_or_crosses(hole) == 0 for hole in holes)

    def intersects_polygon(self, other: Polygon) -> bool:
        """Whether something is inside both."""
        if not self.has_holes and not other.has_holes:
            return any(mine.intersects_loop(its) for mine in self.loops for its in other.loops)
        return self._intersects_shell_of(other) or other._intersects_shell_of(self)

    def _intersects_shell_of(self, other: Polygon) -> bool:
        return any(self._intersects_shell(ring.loop) for ring in other.rings if not ring.is_hole)

    def _intersects_shell(self, shell: Loop) -> bool:
        inside = False
        for loop in self.loops:
            if loop.contains_loop(shell):
                inside = not inside
            elif not shell.contains_loop(loop) and loop.intersects_loop(shell):
                return True
        return inside


def _are_compatible(loops: Sequence[Loop]) -> bool:
    """Whether no edge is used twice, in either direction, and no loops cross."""
    edges = [frozenset(edge) for loop in loops for edge in loop.edges()]
    if len(set(edges)) < len(edges):
        return False
    return not any(
        loop.contains_or_crosses(other) < 0
        for place, loop in enumerate(loops)
        for other in loops[place + 1 :]
    )


def _assembled(rings: Sequence[Loop]) -> list[Loop]:
    """Loops from the edges of these; edges in opposite directions cancel each other out."""
    leaving: dict[Vector, list[Vector]] = {}
    for ring in rings:
        for start, end in ring.edges():
            if start in leaving.get(end, ()):
                leaving[end].remove(start)
            else:
                leaving.setdefault(start, []).append(end)
    loops = []
    for start in list(leaving):
        while leaving[start]:
            vertices = _next_loop(leaving, start)
            for vertex, following in zip(vertices, [*vertices[1:], vertices[0]], strict=True):
                leaving[vertex].remove(following)
            loops.append(Loop(vertices).normalized())
    return loops


def _next_loop(leaving: dict[Vector, list[Vector]], start: Vector) -> list[Vector]:
    """The path from a vertex until it meets itself. It turns left wherever there is a choice."""
    path = [start, min(leaving[start])]
    while True:
        before, vertex = path[-2:]
        # Edges there and back have cancelled out, so each vertex has a way on.
        onwards = sorted(end for end in leaving[vertex] if end != before)
        following = onwards[0]
        for end in onwards[1:]:
            if ordered_ccw(before, following, end, vertex):
                following = end
        if following in path:
            return path[path.index(following) :]
        path.append(following)
