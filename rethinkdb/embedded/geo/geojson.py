"""Converts shapes from and to PTYPE<GEOMETRY>: Point, LineString, Polygon.

PTYPE<GEOMETRY> is GeoJSON with a `$reql_type$`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.geo import vectors
from rethinkdb.embedded.geo.loops import Loop
from rethinkdb.embedded.geo.polygons import Chain, Polygon
from rethinkdb.embedded.geo.relations import Shape
from rethinkdb.embedded.geo.vectors import Vector

Position: TypeAlias = "tuple[float, float]"
"""Longitude and latitude in degrees."""

_UNSUPPORTED = frozenset(
    (
        "MultiPoint",
        "MultiLineString",
        "MultiPolygon",
        "GeometryCollection",
        "Feature",
        "FeatureCollection",
    )
)

# -- making geometries


def _geometry(type: str, coordinates: list[Datum]) -> Datum:
    return {REQL_TYPE: "GEOMETRY", "coordinates": coordinates, "type": type}


def point(position: Position) -> Datum:
    """A Point."""
    return _geometry("Point", _coordinates(position))


def line(positions: Sequence[Position]) -> Datum:
    """A LineString."""
    return _geometry("LineString", [_coordinates(position) for position in positions])


def polygon(shell: Sequence[Position]) -> Datum:
    """A Polygon without holes. An open shell is closed."""
    ring = list(shell)
    if ring and ring[0] != ring[-1]:
        ring.append(ring[0])
    return _geometry("Polygon", [[_coordinates(position) for position in ring]])


def _coordinates(position: Position) -> list[Datum]:
    return [datum.number(position[0]), datum.number(position[1])]


# -- reading them


def type_of(geometry: Datum) -> str:
    """The GeoJSON type."""
    return datum.as_string(datum.field(geometry, "type"))


def _expect(type: str, geometry: Datum) -> list[Datum]:
    found = type_of(geometry)
    if found != type:
        raise logic(f"Expected geometry of type `{type}` but found `{found}`.")
    return datum.as_array(datum.field(geometry, "coordinates"))


def position_of(geometry: Datum) -> Position:
    """Where a Point is."""
    return _position(_expect("Point", geometry))


def positions_of(geometry: Datum) -> list[Position]:
    """The vertices of a LineString."""
    return [_position(item) for item in _expect("LineString", geometry)]


def _position(value: Datum) -> Position:
    coordinates = datum.as_array(value)
    if len(coordinates) < 2:
        raise logic("Too few coordinates.  Need at least longitude and latitude.")
    if len(coordinates) > 3:
        raise logic(
            "Too many coordinates.  GeoJSON position should have no more than three coordinates,"
            f" but got {len(coordinates)}."
        )
    if len(coordinates) == 3:
        raise logic(
            "A third altitude coordinate in GeoJSON positions was found, but is not supported."
        )
    return datum.as_number(coordinates[0]), datum.as_number(coordinates[1])


# -- geometries as shapes


def shape(geometry: Datum) -> Shape:
    """The shape that a geometry describes. Raises if it describes none."""
    type = type_of(geometry)
    coordinates = datum.field(geometry, "coordinates")
    make = _SHAPES.get(type)
    if make is not None:
        return make(coordinates)
    if type in _UNSUPPORTED:
        raise logic(f"GeoJSON type `{type}` is not supported.")
    raise logic(f"Unrecognized GeoJSON type `{type}`.")


def checked(geometry: Datum) -> Datum:
    """The geometry. Raises if it does not describe a shape."""
    if isinstance(geometry, dict) and geometry.get("crs") is not None:
        raise logic(
            "Non-default coordinate reference systems are not supported in GeoJSON objects.  Make"
            " sure the `crs` field of the geometry is null or non-existent."
        )
    shape(geometry)
    return geometry


def polygon_shape(geometry: Datum) -> Polygon:
    """The shape of a geometry that must be a Polygon."""
    return _polygon(_expect("Polygon", geometry))


def point_shape(geometry: Datum) -> Vector:
    """The shape of a geometry that must be a Point."""
    return _vector(_expect("Point", geometry))


def _vector(value: Datum) -> Vector:
    longitude, latitude = _position(value)
    if not -180 <= longitude <= 180:
        found = datum.print_double(longitude)
        raise logic(f"Longitude must be between -180 and 180.  Got {found}.")
    if not -90 <= latitude <= 90:
        found = datum.print_double(latitude)
        raise logic(f"Latitude must be between -90 and 90.  Got {found}.")
    return vectors.of_degrees(-180 if longitude == 180 else longitude, latitude)


def _chain(coordinates: Datum) -> Chain:
    positions = datum.as_array(coordinates)
    if len(positions) < 2:
        raise logic("GeoJSON LineString must have at least two positions.")
    vertices = [_vector(position) for position in positions]
    if not Chain.is_valid(vertices):
        raise logic("Invalid LineString.  Are there antipodal or duplicate vertices?")
    return Chain(tuple(vertices))


def _loop(coordinates: Datum) -> Loop:
    positions = datum.as_array(coordinates)
    if len(positions) < 4:
        raise logic("GeoJSON LinearRing must have at least four positions.")
    vertices = [_vector(position) for position in positions]
    if vertices[0] != vertices[-1]:
        raise logic("First and last vertex of GeoJSON LinearRing must be identical.")
    del vertices[-1]
    if not Loop.is_valid(vertices):
        raise logic(
            "Invalid LinearRing.  Are there antipodal or duplicate vertices? Is it"
            " self-intersecting?"
        )
    return Loop(vertices)


def _polygon(coordinates: Datum) -> Polygon:
    rings = [_loop(ring) for ring in datum.as_array(coordinates)]
    result = Polygon.of_rings(rings)
    if result is None:
        raise logic("Some edges in GeoJSON polygon could not be used.  Are they intersecting?")
    return result


_SHAPES: dict[str, Callable[[Datum], Shape]] = {
    "Point": _vector,
    "LineString": _chain,
    "Polygon": _polygon,
}
