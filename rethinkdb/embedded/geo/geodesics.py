"""Shortest paths on an ellipsoid: their lengths, and where they lead.

These are the algorithms of C. F. F. Karney ("Algorithms for geodesics", Journal of Geodesy 87,
2013). The library `geographiclib` has them, too. It takes its steps in another order than a real
server, so its last digits differ. Here all is computed in the order of a real server, and results
are equal to the last digit.

The names are those of the paper. `beta` is a reduced latitude, `alpha` an azimuth, `sigma` an arc
on the auxiliary sphere, and `omega` a longitude there. Angles are pairs of sine and cosine. Point 1
is where a path starts, and point 2 where it ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from rethinkdb.embedded.geo.angles import (
    Angle,
    astroid,
    coarse,
    corrected,
    difference,
    horner,
    hypotenuse,
    of_radians,
    scale_1,
    scale_2,
    sine_series,
    small_parameter,
    terms_1,
    terms_1_reversed,
    terms_2,
    wrapped,
)

_DEGREE = math.pi / 180
_EPSILON = 2.0**-52
_ROOT = math.sqrt(_EPSILON)
_TINY = math.sqrt(2.0**-1022)
"""Stands for a sine or cosine that must not be zero."""
_NEWTON_STEPS, _ALL_STEPS = 20, 83  # the most steps by derivatives, and by halves, too
_NARROW = _EPSILON * _ROOT
"""An interval of azimuths that need not be halved again."""
_NEAR_CUT = 200 * _EPSILON, 1000 * _ROOT
"""How near the line on which shortest paths end, a point counts as on it."""


class _End(NamedTuple):
    """An end of a path: its reduced latitude, and the factor by which it is stretched there."""

    beta: Angle
    stretch: float


class _Arc(NamedTuple):
    """An arc on the auxiliary sphere."""

    length: float
    start: Angle
    end: Angle


class _Lengths(NamedTuple):
    """Lengths along a path, in units of the radius at the poles."""

    distance: float
    reduced: float
    secular: float


class _Trial(NamedTuple):
    """Where a path leads that starts at a trial azimuth."""

    longitude: float
    slope: float
    arc: _Arc
    eps: float


@dataclass(slots=True)
class _Guess:
    """The azimuth to start with. For short paths the arc is known, and no search is needed."""

    alpha: Angle
    arc: float = -1.0
    stretch: float = 0.0


class Geodesics:
    """The shortest paths on one ellipsoid.

    Args:
        radius: of the equator.
        flattening: of the poles; negative for an ellipsoid that is longer than wide.
    """

    def __init__(self, radius: float, flattening: float) -> None:
        f = self._f = flattening if flattening <= 1 else 1 / flattening
        self._a = radius
        self._f1 = 1 - f
        squared = f * (2 - f)
        self._ep2 = squared / (self._f1 * self._f1)
        n = self._n = f / (2 - f)
        self._b = radius * self._f1
        limit = max(0.001, abs(f)) * min(1.0, 1 - f / 2) / 2
        self._really_short = 0.1 * _ROOT / math.sqrt(limit)
        self._a3_terms = (
            1.0,
            (n - 1) / 2,
            (n * (3 * n - 1) - 2) / 8,
            ((-n - 3) * n - 1) / 16,
            (-2 * n - 3) / 64,
            -3 / 128,
        )
        self._c3_terms = (
            ((1 - n) / 4, (1 - n * n) / 8, ((3 - n) * n + 3) / 64, (2 * n + 5) / 128, 3 / 128),
            (((n - 3) * n + 2) / 32, ((-3 * n - 2) * n + 3) / 64, (n + 3) / 128, 5 / 256),
            ((n * (5 * n - 9) + 5) / 192, (9 - 10 * n) / 384, 7 / 512),
            ((7 - 14 * n) / 512, 7 / 512),
            (21 / 2560,),
        )

    # -- how long the path between two points is

    def distance(
        self, latitude1: float, longitude1: float, latitude2: float, longitude2: float
    ) -> float:
        """The length of the shortest path between two points, given in degrees."""
        between = abs(coarse(difference(wrapped(longitude1), wrapped(longitude2))))
        low, other = coarse(latitude1), coarse(latitude2)
        if abs(low) < abs(other):
            low, other = other, low
        if low >= 0:
            low, other = -low, -other
        start, end = self._ends(self._reduced(low), self._reduced(other))
        longitude = between * _DEGREE
        turn = Angle(0.0 if between == 180 else math.sin(longitude), math.cos(longitude))
        if low == -90 or turn.sin == 0:
            found = self._along_meridian(start, end, turn)
            if found is not None:
                return 0 + found * self._b
        if start.beta.sin == 0 and (self._f <= 0 or longitude <= math.pi - self._f * math.pi):
            return 0 + self._a * longitude
        return 0 + self._across(start, end, longitude)

    def _reduced(self, latitude: float) -> Angle:
        angle = latitude * _DEGREE
        cosine = _TINY if abs(latitude) == 90 else math.cos(angle)
        return Angle(self._f1 * math.sin(angle), cosine).normalized()

    def _ends(self, beta1: Angle, beta2: Angle) -> tuple[_End, _End]:
        # Where the two are as far from the equator as rounding lets one see, they are made so.
        if beta1.cos < -beta1.sin:
            if beta2.cos == beta1.cos:
                beta2 = beta2._replace(sin=beta1.sin if beta2.sin < 0 else -beta1.sin)
        elif abs(beta2.sin) == -beta1.sin:
            beta2 = beta2._replace(cos=beta1.cos)
        return self._end(beta1), self._end(beta2)

    def _end(self, beta: Angle) -> _End:
        return _End(beta, math.sqrt(1 + self._ep2 * (beta.sin * beta.sin)))

    def _along_meridian(self, start: _End, end: _End, turn: Angle) -> float | None:
        """The length of the meridian; None if it is not the shortest path."""
        first = Angle(start.beta.sin, turn.cos * start.beta.cos)
        arc = _Arc(first.up_to(end.beta), first, end.beta)
        lengths = _lengths(self._n, arc, start, end)
        return lengths.distance if arc.length < 1 or lengths.reduced >= 0 else None

    def _across(self, start: _End, end: _End, longitude: float) -> float:
        guess = self._guess(start, end, longitude)
        if guess.arc >= 0:
            return guess.arc * self._b * guess.stretch
        trial = self._search(start, end, longitude, guess.alpha)
        return _lengths(trial.eps, trial.arc, start, end).distance * self._b

    def _search(self, start: _End, end: _End, longitude: float, alpha: Angle) -> _Trial:
        """The path that leads to the longitude, by Newton's method within a shrinking interval."""
        west, east = Angle(_TINY, 1.0), Angle(_TINY, -1.0)
        close = narrow = False
        step = 0
        while True:
            trial = self._trial(start, end, alpha, sloped=step < _NEWTON_STEPS)
            off = trial.longitude - longitude
            if narrow or not abs(off) >= (8 if close else 2) * _EPSILON:
                return trial
            if off > 0 and (step > _NEWTON_STEPS or alpha.cotangent > east.cotangent):
                east = alpha
            elif off < 0 and (step > _NEWTON_STEPS or alpha.cotangent < west.cotangent):
                west = alpha
            better = None
            if step < _NEWTON_STEPS and trial.slope > 0:
                better = corrected(alpha, -off / trial.slope)
            if better is not None:
                alpha = better
                close = abs(off) <= 16 * _EPSILON
            else:
                alpha = Angle((west.sin + east.sin) / 2, (west.cos + east.cos) / 2).normalized()
                close = False
                narrow = (
                    abs(west.sin - alpha.sin) + (west.cos - alpha.cos) < _NARROW
                    or abs(alpha.sin - east.sin) + (alpha.cos - east.cos) < _NARROW
                )
            step += 1
            if step == _ALL_STEPS:
                return trial

    def _trial(self, start: _End, end: _End, alpha1: Angle, *, sloped: bool) -> _Trial:
        beta1, beta2 = start.beta, end.beta
        if beta1.sin == 0 and alpha1.cos == 0:
            alpha1 = alpha1._replace(cos=-_TINY)
        sin0 = alpha1.sin * beta1.cos
        cos0 = hypotenuse(alpha1.cos, alpha1.sin * beta1.sin)
        cos2 = self._cosine_at_end(beta1, beta2, alpha1)
        omega1 = Angle(sin0 * beta1.sin, alpha1.cos * beta1.cos)
        omega2 = Angle(sin0 * beta2.sin, cos2 * beta2.cos)
        sigma1 = Angle(beta1.sin, omega1.cos).normalized()
        sigma2 = Angle(beta2.sin, omega2.cos).normalized()
        arc = _Arc(sigma1.up_to(sigma2), sigma1, sigma2)
        eps = small_parameter(cos0 * cos0 * self._ep2)
        c3 = self._c3(eps)
        swing = sine_series(sigma2, c3) - sine_series(sigma1, c3)
        lag = sin0 * (-self._f * self._a3(eps)) * (arc.length + swing)
        slope = 0.0
        if sloped and cos2 == 0:
            slope = -2 * self._f1 * start.stretch / beta1.sin
        elif sloped:
            slope = _lengths(eps, arc, start, end).reduced * (self._f1 / (cos2 * beta2.cos))
        return _Trial(omega1.up_to(omega2) + lag, slope, arc, eps)

    def _cosine_at_end(self, beta1: Angle, beta2: Angle, alpha1: Angle) -> float:
        if beta2.cos == beta1.cos and abs(beta2.sin) == -beta1.sin:
            return abs(alpha1.cos)
        part = alpha1.cos * beta1.cos
        if beta1.cos < -beta1.sin:
            rest = (beta2.cos - beta1.cos) * (beta1.cos + beta2.cos)
        else:
            rest = (beta1.sin - beta2.sin) * (beta1.sin + beta2.sin)
        return math.sqrt(part * part + rest) / beta2.cos

    # -- an azimuth to start the search with

    def _guess(self, start: _End, end: _End, longitude: float) -> _Guess:
        beta1, beta2 = start.beta, end.beta
        apart = Angle(
            beta2.sin * beta1.cos - beta2.cos * beta1.sin,
            beta2.cos * beta1.cos + beta2.sin * beta1.sin,
        )
        together = beta2.sin * beta1.cos + beta2.cos * beta1.sin
        short = apart.cos >= 0 and apart.sin < 0.5 and beta2.cos * longitude < 0.5
        turn, stretch = longitude, 0.0
        if short:
            sines, cosines = beta1.sin + beta2.sin, beta1.cos + beta2.cos
            middle = sines * sines
            stretch = math.sqrt(1 + self._ep2 * (middle / (middle + cosines * cosines)))
            turn /= self._f1 * stretch
        omega = of_radians(turn)
        alpha = _towards(beta1, beta2, omega, apart.sin, together)
        sigma = Angle(
            hypotenuse(alpha.sin, alpha.cos),
            beta1.sin * beta2.sin + beta1.cos * beta2.cos * omega.cos,
        )
        if short and sigma.sin < self._really_short:
            return _Guess(_usable(alpha), math.atan2(sigma.sin, sigma.cos), stretch)
        spherical = (
            abs(self._n) > 0.1
            or sigma.cos >= 0
            or sigma.sin >= 6 * abs(self._n) * math.pi * (beta1.cos * beta1.cos)
        )
        if spherical:
            return _Guess(_usable(alpha))
        return _Guess(_usable(self._nearly_opposite(start, end, longitude, together)))

    def _nearly_opposite(self, start: _End, end: _End, longitude: float, together: float) -> Angle:
        """The azimuth between points that lie nearly opposite each other."""
        beta1, beta2, oblate = start.beta, end.beta, self._f >= 0
        if oblate:
            eps = small_parameter(beta1.sin * beta1.sin * self._ep2)
            scale = self._f * beta1.cos * self._a3(eps) * math.pi
            x = (longitude - math.pi) / scale
            y = together / (scale * beta1.cos)
        else:
            x, scale = self._scaled_prolate(start, end, together)
            y = (longitude - math.pi) / scale
        near_y, near_x = _NEAR_CUT
        if y > -near_y and x > -1 - near_x:
            if oblate:
                sine = min(1.0, -x)
                return Angle(sine, -math.sqrt(1 - sine * sine))
            cosine = max(0.0 if x > -near_y else -1.0, x)
            return Angle(math.sqrt(1 - cosine * cosine), cosine)
        k = astroid(x, y)
        missing = scale * (-x * k / (1 + k) if oblate else -y * (1 + k) / k)
        omega = Angle(math.sin(missing), -math.cos(missing))
        return Angle(
            beta2.cos * omega.sin,
            together - beta2.cos * beta1.sin * (omega.sin * omega.sin) / (1 - omega.cos),
        )

    def _scaled_prolate(self, start: _End, end: _End, together: float) -> tuple[float, float]:
        beta1, beta2 = start.beta, end.beta
        angle = math.atan2(together, beta2.cos * beta1.cos - beta2.sin * beta1.sin)
        arc = _Arc(math.pi + angle, Angle(beta1.sin, -beta1.cos), beta2)
        lengths = _lengths(self._n, arc, start, end)
        x = -1 + lengths.reduced / (beta1.cos * beta2.cos * lengths.secular * math.pi)
        across = together / x if x < -0.01 else -self._f * (beta1.cos * beta1.cos) * math.pi
        return x, across / beta1.cos

    # -- where a path leads

    def destination(
        self, latitude: float, longitude: float, azimuth: float, distance: float
    ) -> tuple[float, float]:
        """Latitude and longitude in degrees of the point so far away in a direction."""
        azimuth = coarse(wrapped(azimuth))
        angle = azimuth * _DEGREE
        alpha1 = Angle(
            0.0 if azimuth == -180 else math.sin(angle),
            0.0 if abs(azimuth) == 90 else math.cos(angle),
        )
        beta1 = self._reduced(latitude)
        sin0 = alpha1.sin * beta1.cos
        cos0 = hypotenuse(alpha1.cos, alpha1.sin * beta1.sin)
        level = beta1.sin == 0 and alpha1.cos == 0
        omega1 = Angle(sin0 * beta1.sin, 1.0 if level else beta1.cos * alpha1.cos)
        sigma1 = Angle(beta1.sin, omega1.cos).normalized()
        k2 = cos0 * cos0 * self._ep2
        eps = small_parameter(k2)
        arc = self._arc(sigma1, k2, eps, distance)
        sigma2 = sigma1.plus(of_radians(arc))
        beta2 = Angle(cos0 * sigma2.sin, hypotenuse(sin0, cos0 * sigma2.cos))
        if beta2.cos == 0:
            beta2, sigma2 = beta2._replace(cos=_TINY), sigma2._replace(cos=_TINY)
        sin2 = sin0 * sigma2.sin
        omega = math.atan2(
            sin2 * omega1.cos - sigma2.cos * omega1.sin,
            sigma2.cos * omega1.cos + sin2 * omega1.sin,
        )
        c3 = self._c3(eps)
        lag = -self._f * sin0 * self._a3(eps)
        swing = sine_series(sigma2, c3) - sine_series(sigma1, c3)
        turned = wrapped(math.fmod((omega + lag * (arc + swing)) / _DEGREE, 360.0))
        found = math.atan2(beta2.sin, self._f1 * beta2.cos) / _DEGREE
        return found, wrapped(wrapped(longitude) + turned)

    def _arc(self, sigma1: Angle, k2: float, eps: float, distance: float) -> float:
        """The arc on the auxiliary sphere that belongs to a distance."""
        c1, scale = terms_1(eps), 1 + scale_1(eps)
        swing1 = sine_series(sigma1, c1)
        tau1 = sigma1.plus(of_radians(swing1))
        tau = distance / (self._b * scale)
        swing2 = -sine_series(tau1.plus(of_radians(tau)), terms_1_reversed(eps))
        arc = tau - (swing2 - swing1)
        if abs(self._f) <= 0.01:
            return arc
        sigma2 = sigma1.plus(of_radians(arc))
        missed = scale * (arc + (sine_series(sigma2, c1) - swing1)) - distance / self._b
        return arc - missed / math.sqrt(1 + k2 * (sigma2.sin * sigma2.sin))

    # -- series that depend on the ellipsoid

    def _a3(self, eps: float) -> float:
        return horner(self._a3_terms, eps)

    def _c3(self, eps: float) -> list[float]:
        found, power = [], 1.0
        for terms in self._c3_terms:
            power *= eps
            found.append(horner(terms, eps) * power)
        return found


def _lengths(eps: float, arc: _Arc, start: _End, end: _End) -> _Lengths:
    c1, c2 = terms_1(eps), terms_2(eps)
    a1, a2 = scale_1(eps), scale_2(eps)
    first, last = arc.start, arc.end
    swing1 = (1 + a1) * (sine_series(last, c1) - sine_series(first, c1))
    swing2 = (1 + a2) * (sine_series(last, c2) - sine_series(first, c2))
    secular = a1 - a2
    integral = secular * arc.length + (swing1 - swing2)
    reduced = (
        end.stretch * (first.cos * last.sin)
        - start.stretch * (first.sin * last.cos)
        - first.cos * last.cos * integral
    )
    return _Lengths((1 + a1) * arc.length + swing1, reduced, secular)


def _towards(beta1: Angle, beta2: Angle, omega: Angle, apart: float, together: float) -> Angle:
    """The azimuth of a point on a sphere."""
    bend = beta2.cos * beta1.sin * (omega.sin * omega.sin)
    if omega.cos >= 0:
        return Angle(beta2.cos * omega.sin, apart + bend / (1 + omega.cos))
    return Angle(beta2.cos * omega.sin, together - bend / (1 - omega.cos))


def _usable(alpha: Angle) -> Angle:
    return alpha.normalized() if alpha.sin > 0 else Angle(1.0, 0.0)
