"""Points, lines, polygons, and what lies where."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rethinkdb import r
from rethinkdb.embedded.geo import geojson, relations, vectors
from rethinkdb.embedded.geo.edges import crossing, distance, nearest
from rethinkdb.embedded.geo.ellipsoids import EARTH
from rethinkdb.embedded.geo.orientation import ccw

from .cases import Cases, parametrize, wrong
from .support import outcome

RECTANGLE = r.polygon([0, 0], [0, 10], [10, 10], [10, 0])
HOLE = r.polygon([4, 4], [4, 6], [6, 6], [6, 4])
FRAME = RECTANGLE.polygon_sub(HOLE)
ACROSS_THE_DATE_LINE = r.polygon([170, 0], [170, 10], [-170, 10], [-170, 0])
CAP = r.polygon([0, 80], [120, 80], [-120, 80])
NOT_USED = "Some edges in GeoJSON polygon could not be used.  Are they intersecting?"


def ring(*positions: tuple[float, float]) -> list[list[float]]:
    return [list(position) for position in (*positions, positions[0])]


SQUARE = ring((0, 0), (0, 10), (10, 10), (10, 0))


def shape(type: str, coordinates: Any, **more: Any) -> Any:
    return r.geojson({"type": type, "coordinates": coordinates, **more})


MADE: Cases = {
    "point": (
        r.point(1, 2),
        {"$reql_type$": "GEOMETRY", "coordinates": [1, 2], "type": "Point"},
    ),
    "line": (r.line([1, 2], r.point(3, 4)).to_geojson()["coordinates"], [[1, 2], [3, 4]]),
    "polygon is closed": (
        r.polygon([0, 0], [0, 1], [1, 0]).to_geojson()["coordinates"],
        [[[0, 0], [0, 1], [1, 0], [0, 0]]],
    ),
    "filled": (r.line([0, 0], [0, 1], [1, 0]).fill() == r.polygon([0, 0], [0, 1], [1, 0]), True),
    "fill a line that encloses nothing": (
        r.line([0, 0], [0, 1]).fill(),
        wrong("GeoJSON LinearRing must have at least four positions."),
    ),
    "fill a point": (
        r.point(0, 0).fill(),
        wrong("Expected geometry of type `LineString` but found `Point`."),
    ),
    "hole": (FRAME.to_geojson()["coordinates"].count(), 2),
    "hole outside": (
        HOLE.polygon_sub(RECTANGLE),
        wrong("The second argument to `polygon_sub` is not contained in the first one."),
    ),
    "hole in a frame": (
        FRAME.polygon_sub(HOLE),
        wrong("Expected a Polygon with only an outer shell.  This one has holes.", 0),
    ),
    "hole as large as the shell": (RECTANGLE.polygon_sub(RECTANGLE).type_of(), "PTYPE<GEOMETRY>"),
    "north of the pole": (r.point(0, 91), wrong("Latitude must be between -90 and 90.  Got 91.")),
    "too far east": (r.point(181, 0), wrong("Longitude must be between -180 and 180.  Got 181.")),
    "line of one place": (
        r.line([0, 0], [0, 0]),
        wrong("Invalid LineString.  Are there antipodal or duplicate vertices?"),
    ),
    "polygon that crosses itself": (
        r.polygon([0, 0], [1, 1], [0, 1], [1, 0]),
        wrong(
            "Invalid LinearRing.  Are there antipodal or duplicate vertices? Is it"
            " self-intersecting?"
        ),
    ),
    "three coordinates as a point": (
        r.line([0, 0], [1, 1, 1]),
        wrong("Expected point coordinate pair.  Got 3 element array instead of a 2 element one."),
    ),
}

GEOJSON: Cases = {
    "point": (shape("Point", [1, 2]) == r.point(1, 2), True),
    "extras are dropped": (
        shape("Point", [1, 2], bbox=[0], crs=None).to_geojson(),
        {"type": "Point", "coordinates": [1, 2], "crs": None},
    ),
    "no coordinates": (
        shape("Point", [1]),
        wrong("Too few coordinates.  Need at least longitude and latitude."),
    ),
    "altitude": (
        shape("Point", [1, 2, 3]),
        wrong("A third altitude coordinate in GeoJSON positions was found, but is not supported."),
    ),
    "unsupported": (
        shape("MultiPoint", [[1, 2]]),
        wrong("GeoJSON type `MultiPoint` is not supported."),
    ),
    "unknown": (shape("X", []), wrong("Unrecognized GeoJSON type `X`.")),
    "open ring": (
        shape("Polygon", [[[0, 0], [0, 1], [1, 0], [2, 2]]]),
        wrong("First and last vertex of GeoJSON LinearRing must be identical."),
    ),
    "hole that crosses the shell": (
        shape("Polygon", [SQUARE, ring((5, 5), (5, 15), (15, 15), (15, 5))]),
        wrong(NOT_USED),
    ),
    "hole that touches the shell": (
        shape("Polygon", [SQUARE, ring((0, 0), (1, 2), (2, 1))]).type_of(),
        "PTYPE<GEOMETRY>",
    ),
    "no rings": (shape("Polygon", []).intersects(r.point(0, 0)), False),
    "reference system": (
        shape("Point", [1, 2], crs={}),
        wrong(
            "Non-default coordinate reference systems are not supported in GeoJSON objects.  Make"
            " sure the `crs` field of the geometry is null or non-existent."
        ),
    ),
    "twice": (
        r.geojson(r.point(1, 2)),
        wrong("GeoJSON object already had a $reql_type$ field."),
    ),
}


@parametrize({**MADE, **GEOJSON})
def test_making_geometries(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


INTERSECTS: Cases = {
    "point inside": (RECTANGLE.intersects(r.point(5, 5)), True),
    "point outside": (RECTANGLE.intersects(r.point(11, 5)), False),
    "corner": (RECTANGLE.intersects(r.point(0, 0)), True),
    "edges along meridians": (RECTANGLE.intersects(r.point(0, 5)), True),
    "point in a hole": (FRAME.intersects(r.point(5, 5)), False),
    "point beside a hole": (FRAME.intersects(r.point(3, 3)), True),
    "across the date line": (ACROSS_THE_DATE_LINE.intersects(r.point(180, 5)), True),
    "not around the world": (ACROSS_THE_DATE_LINE.intersects(r.point(0, 5)), False),
    "pole": (CAP.intersects(r.point(50, 89)), True),
    "line through": (RECTANGLE.intersects(r.line([-5, 5], [15, 5])), True),
    "line past": (RECTANGLE.intersects(r.line([-5, -5], [15, -5])), False),
    "line in a hole": (FRAME.intersects(r.line([4.5, 4.5], [5, 5])), False),
    "line out of a hole": (FRAME.intersects(r.line([4.5, 4.5], [7, 7])), True),
    "polygons that touch": (
        RECTANGLE.intersects(r.polygon([10, 0], [10, 10], [20, 10], [20, 0])),
        False,
    ),
    "polygon around": (HOLE.intersects(RECTANGLE), True),
    "polygon in a hole": (FRAME.intersects(HOLE), False),
    "lines that cross": (r.line([0, 0], [9, 9]).intersects(r.line([0, 9], [9, 0])), True),
    "lines that meet": (r.line([0, 0], [9, 9]).intersects(r.line([9, 9], [20, 0])), True),
    "lines apart": (r.line([0, 0], [9, 9]).intersects(r.line([5, 0], [10, 0])), False),
    "end of a line": (r.line([0, 0], [9, 9]).intersects(r.point(9, 9)), True),
    "points": (r.point(180, 0).intersects(r.point(-180, 0)), True),
    "rows": (r.expr([r.point(5, 5), r.point(20, 20)]).intersects(RECTANGLE).count(), 1),
    "no geometry": (
        r.expr(1).intersects(r.point(0, 0)),
        wrong("Cannot perform intersects on a non-object non-sequence `1`.", 0),
    ),
    "with no geometry": (
        r.point(0, 0).intersects(1),
        wrong("Not a GEOMETRY pseudotype: `1`.", 1),
    ),
}

INCLUDES: Cases = {
    "point": (RECTANGLE.includes(r.point(5, 5)), True),
    "line": (RECTANGLE.includes(r.line([1, 1], [9, 9])), True),
    "line that leaves": (RECTANGLE.includes(r.line([0, 0], [11, 11])), False),
    "line over a hole": (FRAME.includes(r.line([3, 5], [7, 5])), False),
    "polygon": (RECTANGLE.includes(HOLE), True),
    "itself": (RECTANGLE.includes(RECTANGLE), True),
    "larger": (HOLE.includes(RECTANGLE), False),
    "over a hole": (FRAME.includes(r.polygon([1, 1], [1, 9], [9, 9], [9, 1])), False),
    "beside a hole": (FRAME.includes(r.polygon([1, 1], [1, 2], [2, 2])), True),
    "cap": (CAP.includes(r.polygon([0, 85], [120, 85], [-120, 85])), True),
    "points include nothing": (
        r.point(1, 1).includes(r.point(1, 1)),
        wrong("Expected geometry of type `Polygon` but found `Point`."),
    ),
}


@parametrize({**INTERSECTS, **{f"includes {name}": case for name, case in INCLUDES.items()}})
def test_relations(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


PARIS, ROME = r.point(2.3522, 48.8566), r.point(12.4964, 41.9028)
DISTANCES = {
    "metres": (r.distance(PARIS, ROME), 1106600.877466913),
    "kilometres": (r.distance(PARIS, ROME, unit="km"), 1106.600877466913),
    "miles": (r.distance(PARIS, ROME, unit="mi"), 687.60990656249),
    "on the unit sphere": (
        r.distance(r.point(0, 0), r.point(0, 90), geo_system="unit_sphere"),
        math.pi / 2,
    ),
    "on a sphere of one's own": (
        r.distance(r.point(0, 0), r.point(0, 90), geo_system={"a": 2, "f": 0}),
        math.pi,
    ),
    "to an edge": (r.distance(r.point(5, -1), RECTANGLE), 110574.4),
    "to a line": (r.line([0, 0], [10, 0]).distance(r.point(5, 1)), 110574.4),
    "to what includes it": (r.distance(r.point(5, 5), RECTANGLE), 0),
    "into a hole": (r.distance(r.point(5, 5), FRAME, unit="km"), 110.8986),
}


@pytest.mark.parametrize(("term", "expected"), DISTANCES.values(), ids=DISTANCES)
def test_distances(conn: Any, term: Any, expected: float) -> None:
    assert term.run(conn) == pytest.approx(expected, rel=1e-3 if expected < 200 else 1e-6)


def test_a_circle_is_round(conn: Any) -> None:
    center = r.point(10, 50)
    circle = r.circle(center, 5, unit="km", num_vertices=7).to_geojson()["coordinates"][0]
    assert circle.count().run(conn) == 8
    lengths = circle.map(lambda at: r.point(at[0], at[1]).distance(center)).run(conn)
    assert lengths == pytest.approx([5000] * 8)
    assert r.circle(center, 5, fill=False).to_geojson()["type"].run(conn) == "LineString"


OPTIONS: Cases = {
    "unit": (r.distance(PARIS, ROME, unit="x"), wrong("Unrecognized distance unit `x`.")),
    "system": (
        r.distance(PARIS, ROME, geo_system="x"),
        wrong('Unrecognized geo system "x" (valid options: "WGS84", "unit_sphere").', "geo_system"),
    ),
    "no vertices": (
        r.circle([0, 0], 1, num_vertices=0),
        wrong("num_vertices must be positive.", "num_vertices"),
    ),
    "no radius": (r.circle([0, 0], 0), wrong("Radius must be positive")),
    "huge radius": (
        r.circle([0, 0], 2, geo_system="unit_sphere"),
        wrong(
            "Radius must be smaller than a quarter of the circumference along the minor axis of the"
            " reference ellipsoid.  Got 2m, but must be smaller than 1.570796326794896558m."
        ),
    ),
}


@parametrize(OPTIONS)
def test_options(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


@pytest.fixture
def places(conn: Any, table: Any) -> Any:
    """A table of places with an index."""
    table.index_create("at", geo=True).run(conn)
    table.index_create("all", r.row["all"], multi=True, geo=True).run(conn)
    table.index_create("name").run(conn)
    table.index_wait().run(conn)
    table.insert(
        [
            {"id": 1, "at": r.point(0, 0)},
            {"id": 2, "at": r.point(0, 0.001)},
            {"id": 3, "at": r.point(0, 5)},
            {"id": 4, "at": "nowhere"},
            {"id": 5, "all": [r.point(50, 50), r.point(51, 51)]},
        ]
    ).run(conn)
    return table


def test_rows_that_intersect(conn: Any, places: Any) -> None:
    near = places.get_intersecting(r.circle([0, 0], 10, unit="km"), index="at")
    assert sorted(near["id"].run(conn)) == [1, 2]
    assert near.type_of().run(conn) == "SELECTION<STREAM>"
    both = places.get_intersecting(r.circle([50, 50], 1000, unit="km"), index="all")
    assert list(both["id"].run(conn)) == [5, 5]


def test_nearest_rows(conn: Any, places: Any) -> None:
    near = places.get_nearest(r.point(0, 0), index="at", max_dist=600, unit="km").run(conn)
    assert [item["doc"]["id"] for item in near] == [1, 2, 3]
    assert [item["dist"] for item in near] == pytest.approx([0, 0.110574, 552.885], rel=1e-4)
    few = places.get_nearest([0, 0], index="at", max_results=2)
    assert few["doc"]["id"].run(conn) == [1, 2]


def test_what_nearest_and_intersecting_refuse(conn: Any, places: Any) -> None:
    point = r.point(0, 0)
    assert outcome(conn, places.get_nearest(point)) == wrong(
        "get_nearest requires an index argument."
    )
    assert outcome(conn, places.get_nearest(point, index="id")) == wrong(
        "get_nearest cannot use the primary index."
    )
    assert outcome(conn, places.get_intersecting(point, index="name").count()) == wrong(
        "Index `name` is not a geospatial index.  get_intersecting can only be used with a"
        " geospatial index."
    )
    too_far = outcome(conn, places.get_nearest(point, index="at", max_dist=10**8))
    assert too_far.message.startswith("The distance has become too large")


# -- the geometry itself

degrees = st.tuples(st.floats(-179, 179), st.floats(-89, 89))
points = degrees.map(lambda place: vectors.of_degrees(*place))
# A coarse grid makes for many points on one line.
grid = st.tuples(st.integers(-3, 3), st.integers(-3, 3)).map(
    lambda place: vectors.of_degrees(*place)
)
any_points = st.one_of(points, grid)


@given(any_points, any_points, any_points)
def test_turning_is_consistent(a: Any, b: Any, c: Any) -> None:
    side = ccw(a, b, c)
    assert (side == 0) is (len({a, b, c}) < 3)
    assert ccw(b, c, a) == side
    assert ccw(c, b, a) == -side


@given(any_points, any_points, any_points, any_points)
def test_crossing_is_symmetric(a: Any, b: Any, c: Any, d: Any) -> None:
    assume(a != b and c != d)
    found = crossing(a, b, c, d)
    assert crossing(b, a, c, d) == found
    assert crossing(c, d, a, b) == found
    assert (found == 0) is bool({a, b} & {c, d})


@given(points, grid, grid)
def test_nothing_on_an_edge_is_nearer_than_the_nearest(x: Any, a: Any, b: Any) -> None:
    assume(a != b)
    closest = nearest(x, a, b)
    assert vectors.angle(x, closest) == pytest.approx(distance(x, a, b), abs=1e-7)
    for end in (a, b):
        assert vectors.angle(x, closest) <= vectors.angle(x, end) + 1e-9


@given(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), st.floats(0.5, 20), st.integers(3, 9))
def test_a_circle_includes_its_center_but_not_what_is_beyond(
    center: tuple[float, float], radius: float, count: int
) -> None:
    ring = EARTH.circle(center, radius * 111_000, count)
    polygon = geojson.polygon_shape(geojson.polygon(ring))
    middle = vectors.of_degrees(*center)
    assert relations.includes(polygon, middle)
    assert not relations.intersects(
        polygon, vectors.of_degrees(center[0] + 2 * radius + 1, center[1])
    )
