"""Geometries. Points are `r.point(longitude, latitude)` or `[longitude, latitude]`."""
# Declarations have no bodies (see rethinkdb.reql.declare).
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.ql2 import TermType
from rethinkdb.reql.declare import command
from rethinkdb.reql.printing import top_level

if TYPE_CHECKING:
    from rethinkdb.reql.types import Fields, Flag, GeoSystem, Integer, Number, RqlQuery, Unit, Value

__all__ = ["GeoCommands", "circle", "geojson", "line", "point", "polygon"]


class GeoCommands:
    """Commands on geometries."""

    __slots__ = ()

    @command(TermType.TO_GEOJSON)
    def to_geojson(self, /) -> RqlQuery:
        """A geometry as a GeoJSON object.

        Returns:
            An object `{"type": ..., "coordinates": ...}`.

        Raises:
            ReqlQueryLogicError: the subject is no geometry.

        Example:
            r.table("parks").get("a")["place"].to_geojson().run(conn)
        """

    @command(TermType.DISTANCE)
    def distance(
        self, other: Value, /, *, geo_system: GeoSystem = "WGS84", unit: Unit = "m"
    ) -> RqlQuery:
        """The distance of two geometries, one of them a point.

        Args:
            other: the other geometry.
            geo_system: the shape of the earth.
            unit: unit of the result.

        Returns:
            A number.

        Raises:
            ReqlQueryLogicError: neither is a point.

        Example:
            r.distance(r.point(-122, 37), r.point(-117, 32), unit="km").run(conn)
        """

    @command(TermType.INTERSECTS)
    def intersects(self, other: Value, /) -> RqlQuery:
        """Whether two geometries meet; of a sequence, the elements that meet the other.

        Args:
            other: the other geometry.

        Returns:
            A bool, or the sequence filtered.

        Raises:
            ReqlQueryLogicError: something is no geometry.

        Example:
            r.circle([-117, 32], 1000).intersects(r.point(-117, 32)).run(conn)  # True
        """

    @command(TermType.INCLUDES)
    def includes(self, other: Value, /) -> RqlQuery:
        """Whether a polygon holds a geometry whole; of a sequence, the elements that do.

        Args:
            other: the other geometry.

        Returns:
            A bool, or the sequence filtered.

        Raises:
            ReqlQueryLogicError: something is no geometry.

        Example:
            r.circle([-117, 32], 1000).includes(r.point(-117, 32)).run(conn)  # True
        """

    @command(TermType.FILL)
    def fill(self, /) -> RqlQuery:
        """The polygon inside a line.

        Returns:
            A geometry.

        Raises:
            ReqlQueryLogicError: the line has less than three different points.

        Example:
            r.line([0, 0], [1, 0], [1, 1]).fill().run(conn)
        """

    @command(TermType.POLYGON_SUB)
    def polygon_sub(self, hole: Value, /) -> RqlQuery:
        """A polygon with a hole.

        Args:
            hole: the polygon to cut out, which must lie inside and have no hole itself.

        Returns:
            A geometry.

        Raises:
            ReqlQueryLogicError: the hole is not inside.

        Example:
            outer.polygon_sub(inner).run(conn)
        """


@command(TermType.GEOJSON, style=top_level)
def geojson(geojson: Fields, /) -> RqlQuery:
    """The geometry that a GeoJSON object describes.

    Args:
        geojson: a Point, LineString or Polygon.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: it is none of these.

    Example:
        r.geojson({"type": "Point", "coordinates": [-117, 32]}).run(conn)
    """


@command(TermType.POINT, style=top_level)
def point(longitude: Number, latitude: Number, /) -> RqlQuery:
    """A point on the earth.

    Args:
        longitude: -180 to 180.
        latitude: -90 to 90.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: it is outside these limits.

    Example:
        r.point(-117.16, 32.72).run(conn)
    """


@command(TermType.LINE, style=top_level)
def line(first: Value, second: Value, /, *more: Value) -> RqlQuery:
    """A line along points.

    Args:
        first, second, more: the points.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: something is no point.

    Example:
        r.line([0, 0], [1, 1]).run(conn)
    """


@command(TermType.POLYGON, style=top_level)
def polygon(first: Value, second: Value, third: Value, /, *more: Value) -> RqlQuery:
    """A polygon; the last point need not repeat the first.

    Args:
        first, second, third, more: the points.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: something is no point, or lines cross.

    Example:
        r.polygon([0, 0], [1, 0], [1, 1]).run(conn)
    """


@command(TermType.CIRCLE, style=top_level)
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
    """A circle, approximated by a polygon.

    Args:
        center: a point.
        radius: how far, in `unit`.
        num_vertices: how many corners the polygon has.
        geo_system: the shape of the earth.
        unit: unit of the radius.
        fill: False makes a line.

    Returns:
        A geometry.

    Raises:
        ReqlQueryLogicError: the radius is too great.

    Example:
        r.circle([-117, 32], 10, unit="km").run(conn)
    """
