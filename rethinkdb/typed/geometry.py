"""`Geometry`: a value of ReQL's type of that name, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rethinkdb.pseudotypes import PSEUDO_TYPE_KEY

__all__ = ["Geometry"]


@dataclass(slots=True)
class Geometry:
    """A point, line or polygon in a typed row. It can be inserted as it is.

    Attributes:
        type: which of these it is, as GeoJSON names it.
        coordinates: longitude and latitude of a point; for the others a list of such, or a list of
            lists of them.

    Example:
        @dataclass
        class Park:
            id: int
            place: Geometry

        Park(1, Geometry("Point", [-117.2, 32.7]))
    """

    type: Literal["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]
    coordinates: list[Any]

    def __rethinkdb_document__(self) -> dict[str, Any]:
        """What is sent."""
        return {PSEUDO_TYPE_KEY: "GEOMETRY", "type": self.type, "coordinates": self.coordinates}
