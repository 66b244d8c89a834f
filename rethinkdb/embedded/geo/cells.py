"""The order in which a geospatial index of a real server holds points: along a Hilbert curve.

The sphere is projected onto a cube. On each of the six sides, a curve visits every cell of a grid
of 2**30 by 2**30 cells. Cells near each other on the curve are near each other on the sphere. The
numbers of the cells are those of the S2 library, which a real server uses.
"""

from __future__ import annotations

from rethinkdb.embedded.geo.vectors import Vector

_LEVELS = 30
_SIZE = 1 << _LEVELS

# For each way the curve may run through a cell (swapped axes: 1, inverted: 2): which quarter of the
# cell, as two bits i and j, is visited when; and how the curve runs within that quarter.
_VISITED_AT = ((0, 1, 3, 2), (0, 3, 1, 2), (2, 3, 1, 0), (2, 1, 3, 0))
_WAY_WITHIN = (1, 0, 0, 3)


def cell_number(place: Vector) -> int:
    """The position of a point of the sphere on the curve."""
    face = _face(place)
    u, v = _on_face(face, place)
    i, j = _grid(u), _grid(v)
    number, way = face, face & 1
    for level in reversed(range(_LEVELS)):
        quarter = (i >> level & 1) << 1 | (j >> level & 1)
        at = _VISITED_AT[way][quarter]
        number = number << 2 | at
        way ^= _WAY_WITHIN[at]
    return number


def _face(place: Vector) -> int:
    sizes = [abs(part) for part in place]
    axis = sizes.index(max(sizes))
    return axis if place[axis] >= 0 else axis + 3


def _on_face(face: int, place: Vector) -> tuple[float, float]:
    """The two coordinates on a side of the cube, from -1 to 1."""
    x, y, z = place
    return (
        (y / x, z / x)
        if face == 0
        else (-x / y, z / y)
        if face == 1
        else (-x / z, -y / z)
        if face == 2
        else (z / x, y / x)
        if face == 3
        else (z / y, -x / y)
        if face == 4
        else (-y / z, -x / z)
    )


def _grid(u: float) -> int:
    """The row or column of the grid. A square root makes the sizes of cells more equal."""
    stretched = 0.5 * (1 + 3 * u) ** 0.5 if u >= 0 else 1 - 0.5 * (1 - 3 * u) ** 0.5
    return min(max(int(stretched * _SIZE), 0), _SIZE - 1)
