"""Points on the sphere as unit vectors. They are plain tuples because there are many of them."""

from __future__ import annotations

import math
from typing import TypeAlias

Vector: TypeAlias = "tuple[float, float, float]"


def of_degrees(longitude: float, latitude: float) -> Vector:
    """The unit vector of a position."""
    phi, theta = latitude * (math.pi / 180), longitude * (math.pi / 180)
    across = math.cos(phi)
    return math.cos(theta) * across, math.sin(theta) * across, math.sin(phi)


def longitude(v: Vector) -> float:
    """In degrees."""
    return math.atan2(v[1], v[0]) * (180 / math.pi)


def latitude(v: Vector) -> float:
    """In degrees."""
    return math.atan2(v[2], math.sqrt(v[0] * v[0] + v[1] * v[1])) * (180 / math.pi)


def add(a: Vector, b: Vector) -> Vector:
    """The sum."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def subtract(a: Vector, b: Vector) -> Vector:
    """The difference."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def scale(a: Vector, factor: float) -> Vector:
    """The vector times a factor."""
    return a[0] * factor, a[1] * factor, a[2] * factor


def negate(a: Vector) -> Vector:
    """The opposite vector."""
    return -a[0], -a[1], -a[2]


def dot(a: Vector, b: Vector) -> float:
    """The scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    """The vector product."""
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )


def squared_length(a: Vector) -> float:
    """The square of the length."""
    return dot(a, a)


def length(a: Vector) -> float:
    """The length."""
    return math.sqrt(dot(a, a))


def unit(a: Vector) -> Vector:
    """The vector, scaled to the length 1. Zero stays zero."""
    size = length(a)
    return scale(a, 1 / size) if size else a


def angle(a: Vector, b: Vector) -> float:
    """The angle between two vectors."""
    return math.atan2(length(cross(a, b)), dot(a, b))


_ASKEW = (0.012, 0.0053, 0.00457)


def orthogonal(a: Vector) -> Vector:
    """A unit vector at right angles to this one: the same as in S2, since it decides ties."""
    largest = max(range(3), key=lambda axis: (abs(a[axis]), axis))
    other = list(_ASKEW)
    other[(largest - 1) % 3] = 1.0
    return unit(cross(a, (other[0], other[1], other[2])))


def normal(a: Vector, b: Vector) -> Vector:
    """A vector at right angles to both, accurate even if they almost coincide; b, a give its
    opposite.
    """
    result = cross(add(b, a), subtract(b, a))
    return result if result != (0, 0, 0) else orthogonal(a)
