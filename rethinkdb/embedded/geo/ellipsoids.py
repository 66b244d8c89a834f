"""Distances and circles on an ellipsoid, by Karney's algorithm as a real server has it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.failures import logic
from rethinkdb.embedded.geo import relations, vectors
from rethinkdb.embedded.geo.geojson import Position
from rethinkdb.embedded.geo.relations import Shape
from rethinkdb.embedded.geo.vectors import Vector
from rethinkdb.embedded.outside.extras import needed

UNITS = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "nm": 1852.0, "ft": 0.3048}
"""Metres in each unit of length."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A sphere flattened at the poles."""

    equator_radius: float
    flattening: float

    @property
    def pole_radius(self) -> float:
        """The distance from the centre to a pole."""
        return (1.0 - self.flattening) * self.equator_radius

    def distance(self, point: Vector, shape: Shape) -> float:
        """The metres from a point to the nearest point of a shape.

        Which point is nearest is found on the sphere, so that long distances to lines and polygons
        come out a little too long.
        """
        found = relations.nearest(shape, point)
        if found == point:
            return 0.0
        inverse = _geodesic(self).Inverse(
            vectors.latitude(point),
            vectors.longitude(point),
            vectors.latitude(found),
            vectors.longitude(found),
        )
        return float(inverse["s12"])

    def circle(self, center: Position, radius: float, count: int) -> list[Position]:
        """This many points around a position. The first one is repeated at the end."""
        self.check_radius(radius)
        start_longitude, latitude = center
        geodesic = _geodesic(self)
        ring = []
        for place in range(count):
            azimuth = -180.0 + (360.0 / count * place)
            direct = geodesic.Direct(latitude, start_longitude, azimuth, radius)
            longitude = float(direct["lon2"])
            ring.append((-180.0 if longitude == 180.0 else longitude, float(direct["lat2"])))
        return [*ring, ring[0]]

    def check_radius(self, radius: float) -> None:
        """Raises if there is no circle of this radius."""
        if radius <= 0:
            raise logic("Radius must be positive")
        largest = 0.5 * math.pi * min(self.equator_radius, self.pole_radius)
        if radius >= largest:
            raise logic(
                "Radius must be smaller than a quarter of the circumference along the minor axis of"
                f" the reference ellipsoid.  Got {datum.print_double(radius)}m, but must be smaller"
                f" than {datum.print_double(largest)}m."
            )


EARTH = Ellipsoid(6378137.0, 1.0 / 298.257223563)
"""WGS84."""
UNIT_SPHERE = Ellipsoid(1.0, 0.0)


@lru_cache(maxsize=16)
def _geodesic(ellipsoid: Ellipsoid) -> Any:
    geodesics = needed("geographiclib.geodesic", "geographiclib", "distances")
    return geodesics.Geodesic(ellipsoid.equator_radius, ellipsoid.flattening)
