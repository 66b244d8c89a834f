"""Angles in radians and degrees, and series of sines, for the computation of geodesics."""

from __future__ import annotations

import math
from typing import NamedTuple


class Angle(NamedTuple):
    """The sine and cosine of an angle, perhaps multiplied by a common factor."""

    sin: float
    cos: float

    def normalized(self) -> Angle:
        """The same, scaled so that the squares add up to 1."""
        size = hypotenuse(self.sin, self.cos)
        return Angle(self.sin / size, self.cos / size)

    @property
    def cotangent(self) -> float:
        """Its cotangent."""
        return self.cos / self.sin

    def plus(self, other: Angle) -> Angle:
        """The sum of two angles."""
        return Angle(
            self.sin * other.cos + self.cos * other.sin,
            self.cos * other.cos - self.sin * other.sin,
        )

    def up_to(self, other: Angle) -> float:
        """The angle from this one to a larger one, in radians."""
        return math.atan2(
            max(self.cos * other.sin - self.sin * other.cos, 0.0),
            self.cos * other.cos + self.sin * other.sin,
        )


def of_radians(angle: float) -> Angle:
    """The angle of so many radians."""
    return Angle(math.sin(angle), math.cos(angle))


# -- the search for an azimuth


def corrected(alpha: Angle, change: float) -> Angle | None:
    """The azimuth, changed by an angle. None if the result is out of bounds."""
    turn = of_radians(change)
    sine = alpha.sin * turn.cos + alpha.cos * turn.sin
    if not (sine > 0 and abs(change) < math.pi):
        return None
    return Angle(sine, alpha.cos * turn.cos - alpha.sin * turn.sin).normalized()


def astroid(x: float, y: float) -> float:
    """The positive root k of k^4 + 2k^3 - (x^2 + y^2 - 1)k^2 - 2y^2 k - y^2."""
    p, q = x * x, y * y
    r = (p + q - 1) / 6
    if q == 0 and r <= 0:
        return 0.0
    s, r2 = p * q / 4, r * r
    r3 = r * r2
    discriminant = s * (s + 2 * r3)
    u = r
    if discriminant >= 0:
        cube = s + r3
        cube += -math.sqrt(discriminant) if cube < 0 else math.sqrt(discriminant)
        root = math.copysign(abs(cube) ** (1 / 3), cube)
        u += root + (r2 / root if root != 0 else 0)
    else:
        angle = math.atan2(math.sqrt(-discriminant), -(s + r3))
        u += 2 * r * math.cos(angle / 3)
    v = math.sqrt(u * u + q)
    uv = q / (v - u) if u < 0 else u + v
    w = (uv - q) / (2 * v)
    return uv / (math.sqrt(uv + w * w) + w)


# -- series, to the sixth order


def small_parameter(k2: float) -> float:
    """The parameter of the series, which is small on a nearly round ellipsoid."""
    return k2 / (2 * (1 + math.sqrt(1 + k2)) + k2)


def horner(terms: tuple[float, ...], x: float) -> float:
    """The polynomial with these terms, lowest power first."""
    value = 0.0
    for term in reversed(terms):
        value = x * value + term
    return value


def sine_series(angle: Angle, terms: list[float]) -> float:
    """The sum of terms[i] times the sine of 2(i + 1) times the angle, by Clenshaw's method."""
    double = 2 * (angle.cos - angle.sin) * (angle.cos + angle.sin)
    newer = older = 0.0
    for term in reversed(terms):
        newer, older = double * newer - older + term, newer
    return 2 * angle.sin * angle.cos * newer


def _times_powers(eps: float, factors: tuple[tuple[float, float], ...]) -> list[float]:
    """Each factor times a power of eps one higher than the last, divided by its divisor."""
    found, power = [], eps
    for factor, divisor in factors:
        found.append(power * factor / divisor)
        power *= eps
    return found


def scale_1(eps: float) -> float:
    """The ratio of the length of a path to its arc, minus 1."""
    e = eps * eps
    return (e * (e * (e + 4) + 64) / 256 + eps) / (1 - eps)


def scale_2(eps: float) -> float:
    """The same for its reduced length."""
    e = eps * eps
    return e * (e * (25 * e + 36) + 64) / 256 * (1 - eps) - eps


def terms_1(eps: float) -> list[float]:
    """The series by which the length of a path differs from its arc."""
    e = eps * eps
    return _times_powers(
        eps,
        (
            ((6 - e) * e - 16, 32),
            ((64 - 9 * e) * e - 128, 2048),
            (9 * e - 16, 768),
            (3 * e - 5, 512),
            (-7, 1280),
            (-7, 2048),
        ),
    )


def terms_1_reversed(eps: float) -> list[float]:
    """The series by which an arc differs from the length of its path."""
    e = eps * eps
    return _times_powers(
        eps,
        (
            (e * (205 * e - 432) + 768, 1536),
            (e * (4005 * e - 4736) + 3840, 12288),
            (116 - 225 * e, 384),
            (2695 - 7173 * e, 7680),
            (3467, 7680),
            (38081, 61440),
        ),
    )


def terms_2(eps: float) -> list[float]:
    """The series by which the reduced length differs."""
    e = eps * eps
    return _times_powers(
        eps,
        (
            (e * (e + 2) + 16, 32),
            (e * (35 * e + 64) + 384, 2048),
            (15 * e + 80, 768),
            (7 * e + 35, 512),
            (63, 1280),
            (77, 2048),
        ),
    )


# -- degrees


def hypotenuse(x: float, y: float) -> float:
    """The root of the sum of two squares."""
    return math.sqrt(x * x + y * y)


def wrapped(degrees: float) -> float:
    """The angle as -180 or more, and less than 180."""
    if degrees >= 180:
        return degrees - 360
    return degrees + 360 if degrees < -180 else degrees


def difference(start: float, end: float) -> float:
    """The difference of two longitudes, without a rounding error."""
    total = -start + end
    of_end = total - end
    error = -((of_end - -start) + ((total - of_end) - end))
    if (total - 180) + error > 0:
        total -= 360
    elif (total + 180) + error <= 0:
        total += 360
    return total + error


def coarse(degrees: float) -> float:
    """The angle with few digits near zero, so that tiny angles become zero."""
    size = abs(degrees)
    if size < 1 / 16:
        size = 1 / 16 - (1 / 16 - size)
    return -size if degrees < 0 else size
