"""Points, lines, polygons: creating them, relations between them, searching by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rethinkdb.embedded.data import datum, pseudotypes
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.shards import SHARDS
from rethinkdb.embedded.data.values import Selection, Table, TableSlice, Value
from rethinkdb.embedded.failures import QueryFailure, logic
from rethinkdb.embedded.geo import cells, ellipsoids, geojson, nearest, relations, vectors
from rethinkdb.embedded.geo.ellipsoids import Ellipsoid
from rethinkdb.embedded.geo.geojson import Position
from rethinkdb.embedded.language import rowwise
from rethinkdb.embedded.language.evaluation import Call, located
from rethinkdb.embedded.language.registry import MANY, Grouping, term
from rethinkdb.embedded.language.rowwise import NO_RECURSION, Rows
from rethinkdb.embedded.storage.indexes import Index
from rethinkdb.embedded.storage.store import StoredTable, find_index
from rethinkdb.ql2 import TermType

_ONE_SERVER = Determinism.SINGLE_SERVER
_GEOMETRY = frozenset(("GEOMETRY",))
_UNSIGNED_LIMIT = 2**32

# -- arguments and options


def _geometry(call: Call, index: int) -> Datum:
    return located(
        lambda value: pseudotypes.as_pseudo_type(value, "GEOMETRY"),
        call.datum(index),
        call.backtrace(index),
    )


def _position(value: Datum) -> Position:
    """A position, given as a Point or as a pair of numbers."""
    if datum.is_geometry(value):
        return geojson.position_of(value)
    pair = datum.as_array(value)
    if len(pair) != 2:
        raise logic(
            "Expected point coordinate pair.  Got"
            f" {len(pair)} element array instead of a 2 element one."
        )
    return datum.as_number(pair[0]), datum.as_number(pair[1])


def _positions(call: Call) -> list[Position]:
    return [_position(call.datum(index)) for index in range(call.count)]


def _ellipsoid(call: Call) -> Ellipsoid:
    if not call.has_option("geo_system"):
        return ellipsoids.EARTH
    value = call.option_as("geo_system", lambda value: value)
    if isinstance(value, dict):
        return _custom_ellipsoid(call, value)
    name = located(datum.as_string, value, call.option_backtrace("geo_system"))
    if name not in _SYSTEMS:
        raise logic(
            f'Unrecognized geo system "{name}" (valid options: "WGS84", "unit_sphere").',
            call.option_backtrace("geo_system"),
        )
    return _SYSTEMS[name]


_SYSTEMS = {"WGS84": ellipsoids.EARTH, "unit_sphere": ellipsoids.UNIT_SPHERE}


def _custom_ellipsoid(call: Call, value: Datum) -> Ellipsoid:
    radius, flattening = (datum.as_number(datum.field(value, name)) for name in ("a", "f"))
    place = call.option_backtrace("geo_system")
    if radius <= 0:
        raise logic("The equator radius `a` must be positive.", place)
    if not 0 <= flattening < 1:
        raise logic("The flattening `f` must be in the range [0, 1).", place)
    return Ellipsoid(radius, flattening)


def _metres_per_unit(call: Call) -> float:
    unit = call.option_as("unit", datum.as_string, "m")
    if unit not in ellipsoids.UNITS:
        raise logic(f"Unrecognized distance unit `{unit}`.")
    return ellipsoids.UNITS[unit]


Number = TypeVar("Number", int, float)


def _positive(
    call: Call, name: str, convert: Callable[[Datum], Number], default: Number, factor: float = 1.0
) -> Number:
    if not call.has_option(name):
        return default
    value: Number = call.option_as(name, convert)
    if factor != 1:
        value = type(default)(value * factor)
    if value <= 0:
        raise logic(f"{name} must be positive.", call.option_backtrace(name))
    return value


def _unsigned(value: Datum) -> int:
    found = datum.as_integer(value)
    if not 0 <= found < _UNSIGNED_LIMIT:
        raise logic(f"Integer too large: {found}")
    return found


# -- making geometries


@term(TermType.POINT, 2)
def point(call: Call) -> Datum:
    return geojson.checked(geojson.point((call.number(0), call.number(1))))


@term(TermType.LINE, 2, MANY, determinism=_ONE_SERVER)
def line(call: Call) -> Datum:
    return geojson.checked(geojson.line(_positions(call)))


@term(TermType.POLYGON, 3, MANY, determinism=_ONE_SERVER)
def polygon(call: Call) -> Datum:
    return geojson.checked(geojson.polygon(_positions(call)))


@term(
    TermType.CIRCLE,
    2,
    options=("geo_system", "unit", "fill", "num_vertices"),
    determinism=_ONE_SERVER,
)
def circle(call: Call) -> Datum:
    call.value(0), call.value(1)
    fill = call.option_as("fill", datum.truth, True)
    count = _positive(call, "num_vertices", _unsigned, 32)
    ellipsoid, factor = _ellipsoid(call), _metres_per_unit(call)
    center = _position(call.datum(0))
    ring = ellipsoid.circle(center, call.number(1) * factor, count)
    return geojson.checked(geojson.polygon(ring) if fill else geojson.line(ring))


@term(TermType.GEOJSON, 1, determinism=_ONE_SERVER)
def from_geojson(call: Call) -> Datum:
    given = datum.as_object(call.datum(0))
    geojson.checked(given)
    if REQL_TYPE in given:
        raise logic(f"GeoJSON object already had a {REQL_TYPE} field.")
    kept = {name: value for name, value in given.items() if name != "bbox"}
    return pseudotypes.checked_object({REQL_TYPE: "GEOMETRY", **kept})


@term(TermType.TO_GEOJSON, 1)
def to_geojson(call: Call) -> Datum:
    geometry = datum.as_object(_geometry(call, 0))
    return {name: value for name, value in geometry.items() if name != REQL_TYPE}


@term(TermType.FILL, 1, determinism=_ONE_SERVER)
def fill(call: Call) -> Datum:
    return geojson.checked(geojson.polygon(geojson.positions_of(_geometry(call, 0))))


@term(TermType.POLYGON_SUB, 2, determinism=_ONE_SERVER)
def polygon_sub(call: Call) -> Datum:
    shell, hole = _polygon_without_holes(call, 0), _polygon_without_holes(call, 1)
    if not relations.includes(geojson.polygon_shape(shell), geojson.shape(hole)):
        raise logic("The second argument to `polygon_sub` is not contained in the first one.")
    rings = [*shell["coordinates"], hole["coordinates"][0]]
    return geojson.checked({REQL_TYPE: "GEOMETRY", "type": "Polygon", "coordinates": rings})


def _polygon_without_holes(call: Call, index: int) -> Datum:
    geometry = _geometry(call, index)
    type = geojson.type_of(geometry)
    if type != "Polygon":
        raise logic(f"Expected a Polygon but found a {type}.", call.backtrace(index))
    if len(geometry["coordinates"]) > 1:
        raise logic(
            "Expected a Polygon with only an outer shell.  This one has holes.",
            call.backtrace(index),
        )
    return geometry


# -- relations between geometries


@term(
    TermType.INTERSECTS,
    2,
    options=(NO_RECURSION,),
    determinism=_ONE_SERVER,
    grouping=Grouping.STREAM,
)
def intersects(call: Call) -> Value:
    return rowwise.on_object_or_rows(call, "intersects", _intersects, Rows.FILTERED, _GEOMETRY)


def _intersects(call: Call) -> bool:
    first, second = _geometry(call, 0), _geometry(call, 1)
    return relations.intersects(geojson.shape(first), geojson.shape(second))


@term(
    TermType.INCLUDES,
    2,
    options=(NO_RECURSION,),
    determinism=_ONE_SERVER,
    grouping=Grouping.STREAM,
)
def includes(call: Call) -> Value:
    return rowwise.on_object_or_rows(call, "includes", _includes, Rows.FILTERED, _GEOMETRY)


def _includes(call: Call) -> bool:
    other = call.datum(1)
    outer = geojson.polygon_shape(_geometry(call, 0))
    inner = located(
        lambda value: pseudotypes.as_pseudo_type(value, "GEOMETRY"), other, call.backtrace(1)
    )
    return relations.includes(outer, geojson.shape(inner))


@term(TermType.DISTANCE, 2, options=("geo_system", "unit"), determinism=_ONE_SERVER)
def distance(call: Call) -> float:
    """The distance in the unit of the option. One of the two geometries must be a point."""
    call.value(0), call.value(1)
    ellipsoid, factor = _ellipsoid(call), _metres_per_unit(call)
    first = _geometry(call, 0)
    if geojson.type_of(first) == "Point":
        start, other = geojson.point_shape(first), _geometry(call, 1)
    else:
        start, other = geojson.point_shape(_geometry(call, 1)), first
    return datum.number(ellipsoid.distance(start, geojson.shape(other)) * (1.0 / factor))


# -- what is near, by an index


@term(TermType.GET_INTERSECTING, 2, options=("index",), determinism=Determinism.NEVER)
def get_intersecting(call: Call) -> Selection:
    table = call.table(0)
    call.value(1)
    name = _index_name(call, table, "get_intersecting")
    wanted = geojson.shape(geojson.checked(_geometry(call, 1)))

    environment = call.environment

    def matching(rows: Iterable[Datum]) -> Iterator[tuple[int, Datum]]:
        index = _index(table, name, "get_intersecting")
        for row in rows:
            for value in index.values(row):
                shape = _shape_or_none(value)
                if shape is not None and relations.intersects(wanted, shape):
                    yield _place_in_index(value), row

    def found() -> Iterator[Datum]:
        rows = environment.read(TableSlice(table, sorting="asc"))
        # Rows at the same position are sorted by their primary key.
        yield from (row for _, row in sorted(matching(rows), key=lambda match: match[0]))

    followed = environment.read(TableSlice(table)).through(
        lambda rows: (row for _, row in matching(rows)), call.place
    )
    stream = environment.in_parts(table, found(), call.place)
    stream.origins = followed.origins
    return Selection(table, stream)


def _place_in_index(geometry: Datum) -> int:
    """The position of a geometry in an index: of a point its own, of others roughly their start."""
    return min(map(cells.cell_number, _corners(geometry["coordinates"])))


def _corners(coordinates: Datum) -> Iterator[vectors.Vector]:
    if not isinstance(coordinates[0], list):
        yield vectors.of_degrees(coordinates[0], coordinates[1])
        return
    for part in coordinates:
        yield from _corners(part)


def _shape_or_none(geometry: Datum) -> relations.Shape | None:
    """The shape of a stored geometry. None if it is no shape: the index leaves it out."""
    try:
        return geojson.shape(geojson.checked(geometry))
    except QueryFailure:
        return None


def _index_name(call: Call, table: Table, term: str) -> str:
    if not call.has_option("index"):
        raise logic(f"{term} requires an index argument.")
    name: str = call.option_as("index", datum.as_string)
    if name == table.data.primary_key:
        raise logic(f"{term} cannot use the primary index.")
    return name


def _index(table: Table, name: str, term: str) -> Index:
    """The index. It is looked up when rows are pulled, not before."""
    index = find_index(table, name)
    if index is None or not index.geo:
        raise logic(
            f"Index `{name}` is not a geospatial index.  {term} can only be used with a"
            " geospatial index.",
            (),
        )
    return index


@term(
    TermType.GET_NEAREST,
    2,
    options=("index", "max_results", "max_dist", "geo_system", "unit"),
    determinism=Determinism.NEVER,
)
def get_nearest(call: Call) -> list[Datum]:
    """The nearest rows with their distances, the nearest one first."""
    table = call.table(0)
    call.value(1)
    name = _index_name(call, table, "get_nearest")
    center = geojson.point_shape(geojson.point(_position(call.datum(1))))
    ellipsoid, factor = _ellipsoid(call), _metres_per_unit(call)
    farthest = _positive(call, "max_dist", datum.as_number, 100_000.0, factor)
    most = _positive(call, "max_results", datum.as_integer, 100)
    index = _index(table, name, "get_nearest")
    data = table.data
    shard = data.sharding.shard if isinstance(data, StoredTable) else lambda key: 0
    found = [
        (metres, shard(data.key_of(row)), _place_in_index(value), row)
        for row in call.environment.read(TableSlice(table, sorting="asc"))
        for value in index.values(row)
        if (shape := _shape_or_none(value)) is not None
        and (metres := ellipsoid.distance(center, shape)) <= farthest
    ]
    found.sort(key=lambda place: place[:3])
    # A real server searches each part of the table separately.
    for part in range(SHARDS if isinstance(data, StoredTable) else 1):
        distances = [metres for metres, where, *_ in found if where == part]
        nearest.check_reach(distances, ellipsoid, farthest, most)
    results = (
        {"dist": datum.number(metres / factor), "doc": row} for metres, *_, row in found[:most]
    )
    return datum.array(results, call.array_limit)
