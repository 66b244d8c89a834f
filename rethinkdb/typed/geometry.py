"""`Geometry`: a geometry value of ReQL, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rethinkdb.pseudotypes import PSEUDO_TYPE_KEY

__all__ = ["Geometry"]


@dataclass(slots=True)
class Geometry:
    """A point, line or polygon in a typed row. It can be inserted in a document.

    Attributes:
        type: the kind of geometry, as GeoJSON names it.
        coordinates: for a point: longitude and latitude. For a line: a list of points. For a
            polygon: a list of such lists.

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
        """The value to send in a query."""
        return {PSEUDO_TYPE_KEY: "GEOMETRY", "type": self.type, "coordinates": self.coordinates}
