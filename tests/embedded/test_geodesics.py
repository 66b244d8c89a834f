"""Geodesics: equal to a real server's to the last digit, and right."""

from __future__ import annotations

import random

import pytest
from geographiclib.geodesic import Geodesic

from rethinkdb.embedded.geo.geodesics import Geodesics

EARTH = 6378137.0, 1 / 298.257223563
SHAPES = {
    "earth": EARTH,
    "sphere": (1.0, 0.0),
    "flat": (2.0, 0.3),
    "long": (6378137.0, -0.2),
    "slightly long": (6378137.0, -1 / 150),
}
DISTANCES = {
    (48.85, 2.3500000000000005, 41.9, 12.500000000000002): 1106678.325290309,
    (0.0, 0.0, 0.5, 179.7): 19944127.420750458,
    (-33.9, 151.2, 51.5, -0.09999999999999999): 16990083.8801219,
    (10.0, 20.0, 10.00001, 20.00001): 1.5573974280868157,
    (0.0, 10.0, 0.0, 40.0): 3339584.723798207,
    (70.0, -119.99999999999999, -69.0, 59.00000000000001): 19886151.66520877,
    (90.0, 0.0, -12.0, 5.0): 11329050.198906204,
}
DESTINATIONS = {
    (48.85, 2.35, -180.0, 5000): (48.805038556882295, 2.35),
    (48.85, 2.35, -108.0, 5000): (48.83608798795902, 2.2852243648024824),
    (48.85, 2.35, 36.0, 5000): (48.88636735334126, 2.390073658561014),
    (0, 179.99, -180.0, 100000): (-0.9043687229127633, 179.99),
    (0, 179.99, -108.0, 100000): (-0.27945508933635005, 179.13564466569784),
    (0, 179.99, 36.0, 100000): (0.7316394501541432, -179.48195501445795),
    (-80.5, 10, -180.0, 1234.5): (-80.51105556081852, 10),
    (-80.5, 10, -108.0, 1234.5): (-80.50341059069957, 9.936283360949638),
    (-80.5, 10, 36.0, 1234.5): (-80.49105365863788, 10.039328349344327),
}


@pytest.mark.parametrize(("path", "expected"), DISTANCES.items(), ids=str)
def test_distances_of_a_real_server(path: tuple[float, ...], expected: float) -> None:
    assert Geodesics(*EARTH).distance(*path) == expected


@pytest.mark.parametrize(("path", "expected"), DESTINATIONS.items(), ids=str)
def test_circles_of_a_real_server(path: tuple[float, ...], expected: tuple[float, float]) -> None:
    assert Geodesics(*EARTH).destination(*path) == expected


def _place(chance: random.Random) -> tuple[float, float]:
    if chance.random() < 0.3:
        return chance.choice((-90, -30, 0, 1e-9, 45, 90)), chance.choice((-180, 0, 90, 179.5))
    return chance.uniform(-90, 90), chance.uniform(-180, 180)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_paths_against_another_implementation(shape: tuple[float, float]) -> None:
    chance = random.Random(14)
    ours, theirs = Geodesics(*shape), Geodesic(*shape)
    for _ in range(200):
        start, end = _place(chance), _place(chance)
        if chance.random() < 0.2:  # nearly opposite
            end = -start[0] + chance.uniform(-0.5, 0.5), start[1] + 179.8
            end = max(-90, min(90, end[0])), (end[1] + 180) % 360 - 180
        path = theirs.Inverse(*start, *end)
        assert ours.distance(*start, *end) == pytest.approx(path["s12"], abs=1e-6 * shape[0] / 6e6)
        there = ours.destination(*start, path["azi1"], path["s12"])
        missed = theirs.Inverse(*there, *end)["s12"]
        assert missed == pytest.approx(0, abs=1e-6 * shape[0])
