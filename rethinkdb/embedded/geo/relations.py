"""Whether shapes intersect or include one another, and which point of one is nearest."""

from __future__ import annotations

from typing import TypeAlias

from rethinkdb.embedded.geo.polygons import Chain, Polygon
from rethinkdb.embedded.geo.vectors import Vector

Shape: TypeAlias = "Vector | Chain | Polygon"


def intersects(one: Shape, other: Shape) -> bool:
    """Whether two shapes have a point in common. Polygons that only touch have none."""
    if isinstance(one, Polygon):
        return _polygon_intersects(one, other)
    if isinstance(other, Polygon):
        return _polygon_intersects(other, one)
    if isinstance(one, Chain):
        return other.intersects(one) if isinstance(other, Chain) else one.nearest(other) == other
    return other.nearest(one) == one if isinstance(other, Chain) else one == other


def _polygon_intersects(polygon: Polygon, other: Shape) -> bool:
    if polygon.is_empty:
        return False
    if isinstance(other, Polygon):
        return not other.is_empty and polygon.intersects_polygon(other)
    if isinstance(other, Chain):
        return polygon.clips(other, outside=False)
    return polygon.nearest(other) == other


def includes(polygon: Polygon, other: Shape) -> bool:
    """Whether a polygon contains all points of another shape. Its boundary belongs to it."""
    if isinstance(other, Polygon):
        return polygon.contains_polygon(other)
    if isinstance(other, Chain):
        return not polygon.clips(other, outside=True)
    return _polygon_intersects(polygon, other)


def nearest(shape: Shape, point: Vector) -> Vector:
    """The point of a shape that is nearest to another on the sphere."""
    return shape.nearest(point) if isinstance(shape, (Chain, Polygon)) else shape
