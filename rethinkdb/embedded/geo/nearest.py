"""The search of `get_nearest`: rings around a point, which grow until enough rows are found.

A real server searches its index ring by ring. It fails if a ring grows too large before the last
result is found. This module knows all distances at once, but it still computes the rings, so that
it fails in the same cases.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from rethinkdb.embedded.failures import QueryFailure, logic
from rethinkdb.embedded.geo.ellipsoids import Ellipsoid

_FIRST_RING = 10.0 / 6378137.0
"""As part of the radius of the equator."""
_WANTED_PER_RING = 100
_LARGEST_GROWTH = 2.0
_LEEWAY = 1.01
_VERTICES = 8


def check_reach(
    distances: Sequence[float], ellipsoid: Ellipsoid, farthest: float, most: int
) -> None:
    """Raises if the search would grow too large.

    Args:
        distances: of all that is no farther than `farthest`, in order.
        ellipsoid: on which they were measured.
        farthest: where the search ends at the latest.
        most: the number of results after which it ends.
    """
    done, radius, found = 0.0, min(farthest, _FIRST_RING * ellipsoid.equator_radius), 0
    while True:
        _check_ring(radius, ellipsoid)
        total = bisect_right(distances, radius)
        if radius >= farthest or total >= most:
            return
        density = (total - found) / (math.pi * (radius * radius - done * done))
        done, found = radius, total
        radius = min(_next_radius(done, density), farthest)


def _next_radius(done: float, density: float) -> float:
    if not density:
        return done * _LARGEST_GROWTH
    return math.sqrt(_WANTED_PER_RING / math.pi / density + done * done)


def _check_ring(radius: float, ellipsoid: Ellipsoid) -> None:
    """Raises if there is no polygon around the ring: the index is searched with one."""
    radii = (ellipsoid.equator_radius, ellipsoid.pole_radius)
    around = radius * _LEEWAY / math.cos(math.pi / _VERTICES) * (max(radii) / min(radii))
    try:
        ellipsoid.check_radius(around)
    except QueryFailure as failure:
        raise logic(
            "The distance has become too large for continuing the indexed nearest traversal."
            f"  Consider specifying a smaller `max_dist` parameter.  ({failure.message})",
            (),
        ) from failure
