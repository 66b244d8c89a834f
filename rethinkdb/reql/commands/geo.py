"""Geometries. Points are `r.point(longitude, latitude)` or `[longitude, latitude]`."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.declare import command
from rethinkdb.reql.printing import top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Fields, Flag, GeoSystem, Integer, Number, RqlQuery, Unit, Value

__all__ = ["GeoCommands", "circle", "geojson", "line", "point", "polygon"]


class GeoCommands:
    """Commands on geometries."""

    __slots__ = ()

    @command(TermNumber.TO_GEOJSON)
    def to_geojson(self, /) -> RqlQuery:
        """Makes a GeoJSON object of a geometry.

        Returns:
            An object `{"type": ..., "coordinates": ...}`.

        Raises:
            ReqlQueryLogicError: it is not called on a geometry.

        Example:
            r.table("parks").get("a")["place"].to_geojson().run(conn)
        """

    @command(TermNumber.DISTANCE)
    def distance(
        self, other: Value, /, *, geo_system: GeoSystem = "WGS84", unit: Unit = "m"
    ) -> RqlQuery:
        """Computes the distance between a point and another geometry.

        Args:
            other: the other geometry. One of the two must be a point.
            geo_system: the shape of the earth to compute with.
            unit: the unit of the result.

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: neither geometry is a point.

        Example:
            r.distance(r.point(-122, 37), r.point(-117, 32), unit="km").run(conn)
        """

    @command(TermNumber.INTERSECTS)
    def intersects(self, other: Value, /) -> RqlQuery:
        """Tells whether two geometries have a point in common.

        Called on a sequence, it keeps the geometries that have one in common with the other.

        Args:
            other: the other geometry.

        Returns:
            A bool, or a sequence.

        Raises:
            ReqlQueryLogicError: a value is not a geometry.

        Example:
            r.circle([-117, 32], 1000).intersects(r.point(-117, 32)).run(conn)  # True
        """

    @command(TermNumber.INCLUDES)
    def includes(self, other: Value, /) -> RqlQuery:
        """Tells whether a polygon contains the whole of another geometry.

        Called on a sequence, it keeps the polygons that contain it.

        Args:
            other: the other geometry.

        Returns:
            A bool, or a sequence.

        Raises:
            ReqlQueryLogicError: a value is not a geometry.

        Example:
            r.circle([-117, 32], 1000).includes(r.point(-117, 32)).run(conn)  # True
        """

    @command(TermNumber.FILL)
    def fill(self, /) -> RqlQuery:
        """Makes a polygon of a line that runs around it.

        Returns:
            A geometry.

        Raises:
            ReqlQueryLogicError: the line has fewer than three different points.

        Example:
            r.line([0, 0], [1, 0], [1, 1]).fill().run(conn)
        """

    @command(TermNumber.POLYGON_SUB)
    def polygon_sub(self, hole: Value, /) -> RqlQuery:
        """Cuts a hole into a polygon.

        Args:
            hole: the polygon to cut out. It must be inside, and must have no hole itself.

        Returns:
            A geometry.

        Raises:
            ReqlQueryLogicError: the hole is not inside, or has a hole itself.

        Example:
            outer.polygon_sub(inner).run(conn)
        """


@command(TermNumber.GEOJSON, style=top_level)
def geojson(geojson: Fields, /) -> RqlQuery:
    """Makes a geometry of a GeoJSON object.

    Args:
        geojson: an object whose type is Point, LineString or Polygon.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: the object is none of these.

    Example:
        r.geojson({"type": "Point", "coordinates": [-117, 32]}).run(conn)
    """


@command(TermNumber.POINT, style=top_level)
def point(longitude: Number, latitude: Number, /) -> RqlQuery:
    """Makes a point on the earth.

    Args:
        longitude: degrees from -180 to 180.
        latitude: degrees from -90 to 90.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: a number is outside these limits.

    Example:
        r.point(-117.16, 32.72).run(conn)
    """


@command(TermNumber.LINE, style=top_level)
def line(first: Value, second: Value, /, *more: Value) -> RqlQuery:
    """Makes a line through points.

    Args:
        first, second, more: the points.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: a value is not a point.

    Example:
        r.line([0, 0], [1, 1]).run(conn)
    """


@command(TermNumber.POLYGON, style=top_level)
def polygon(first: Value, second: Value, third: Value, /, *more: Value) -> RqlQuery:
    """Makes a polygon of its corners.

    Args:
        first, second, third, more: the corners. The first one need not come again at the end.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: a value is not a point, or sides of the polygon cross.

    Example:
        r.polygon([0, 0], [1, 0], [1, 1]).run(conn)
    """


@command(TermNumber.CIRCLE, style=top_level)
def circle(
    center: Value,
    radius: Number,
    /,
    *,
    num_vertices: Integer = 32,
    geo_system: GeoSystem = "WGS84",
    unit: Unit = "m",
    fill: Flag = True,
) -> RqlQuery:
    """Makes a polygon that is nearly a circle.

    Args:
        center: the point in the middle.
        radius: the radius, in `unit`.
        num_vertices: the number of corners of the polygon.
        geo_system: the shape of the earth to compute with.
        unit: the unit of the radius.
        fill: True makes a polygon, False a line around it.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: the radius is too large.

    Example:
        r.circle([-117, 32], 10, unit="km").run(conn)
    """
