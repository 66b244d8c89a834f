"""The functions and constants of `r`.

Some are methods, too. These are made of the method's declaration: `r.count(sequence, ...)` is
`sequence.count(...)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.pseudotypes import RqlTzinfo
from rethinkdb.ql2 import TermNumber
from rethinkdb.reql.classes import constant
from rethinkdb.reql.commands.databases import db, db_create, db_drop, db_list
from rethinkdb.reql.commands.geo import circle, geojson, line, point, polygon
from rethinkdb.reql.commands.sequences import asc, desc
from rethinkdb.reql.commands.times import epoch_time, iso8601, now, time
from rethinkdb.reql.commands.values import (
    args,
    error,
    format,  # noqa: A004  # ReQL's own words
    http,
    js,
    json,
    literal,
    object,  # noqa: A004  # ReQL's own words
    random,
    range,  # noqa: A004  # ReQL's own words
)
from rethinkdb.reql.conversion import binary, expr
from rethinkdb.reql.declare import function, unbound
from rethinkdb.reql.literals import DB, ImplicitVar, Table
from rethinkdb.reql.term import RqlQuery, make

__all__ = [
    "add",
    "and_",
    "april",
    "args",
    "asc",
    "august",
    "avg",
    "binary",
    "bit_and",
    "bit_not",
    "bit_or",
    "bit_sal",
    "bit_sar",
    "bit_xor",
    "branch",
    "ceil",
    "circle",
    "contains",
    "count",
    "db",
    "db_create",
    "db_drop",
    "db_list",
    "december",
    "desc",
    "distance",
    "distinct",
    "div",
    "do",
    "epoch_time",
    "eq",
    "error",
    "expr",
    "february",
    "floor",
    "format",
    "friday",
    "ge",
    "geojson",
    "grant",
    "group",
    "gt",
    "http",
    "info",
    "intersects",
    "iso8601",
    "january",
    "js",
    "json",
    "july",
    "june",
    "le",
    "line",
    "literal",
    "lt",
    "make_timezone",
    "map",
    "march",
    "max",
    "maxval",
    "may",
    "min",
    "minval",
    "mod",
    "monday",
    "mul",
    "ne",
    "not_",
    "november",
    "now",
    "object",
    "october",
    "or_",
    "point",
    "polygon",
    "random",
    "range",
    "reduce",
    "round",
    "row",
    "saturday",
    "september",
    "sub",
    "sum",
    "sunday",
    "table",
    "table_create",
    "table_drop",
    "table_list",
    "thursday",
    "time",
    "tuesday",
    "type_of",
    "union",
    "uuid",
    "wednesday",
]

# --- databases and tables

if TYPE_CHECKING:  # for type checkers, `unbound` would lose the overloads of the method
    table = DB("").table
else:
    table = unbound(DB.table)
table_create = unbound(DB.table_create, class_name="TableCreateTL")
table_drop = unbound(DB.table_drop, class_name="TableDropTL")
table_list = unbound(DB.table_list, class_name="TableListTL")
grant = unbound(DB.grant, class_name="GrantTL")

# --- control

do = function(RqlQuery.do)
branch = function(RqlQuery.branch)
type_of = function(RqlQuery.type_of)
info = function(RqlQuery.info)
uuid = unbound(Table.uuid)

# --- sequences

map = function(RqlQuery.map)
union = unbound(RqlQuery.union)
group = function(RqlQuery.group)
reduce = function(RqlQuery.reduce)
count = function(RqlQuery.count)
sum = function(RqlQuery.sum)
avg = function(RqlQuery.avg)
min = function(RqlQuery.min)
max = function(RqlQuery.max)
distinct = function(RqlQuery.distinct)
contains = function(RqlQuery.contains)

# --- arithmetic and logic

add = function(RqlQuery.add)
sub = function(RqlQuery.sub)
mul = function(RqlQuery.mul)
div = function(RqlQuery.div)
mod = function(RqlQuery.mod)
floor = function(RqlQuery.floor)
ceil = function(RqlQuery.ceil)
round = function(RqlQuery.round)
eq = function(RqlQuery.eq)
ne = function(RqlQuery.ne)
lt = function(RqlQuery.lt)
le = function(RqlQuery.le)
gt = function(RqlQuery.gt)
ge = function(RqlQuery.ge)
and_ = unbound(RqlQuery.and_)
or_ = unbound(RqlQuery.or_)
not_ = function(RqlQuery.not_)
bit_and = function(RqlQuery.bit_and)
bit_or = function(RqlQuery.bit_or)
bit_xor = function(RqlQuery.bit_xor)
bit_not = function(RqlQuery.bit_not)
bit_sal = function(RqlQuery.bit_sal)
bit_sar = function(RqlQuery.bit_sar)

# --- geometries

distance = function(RqlQuery.distance)
intersects = function(RqlQuery.intersects)

# --- constants

row = make(ImplicitVar, (), {})
minval = constant(TermNumber.MINVAL)
maxval = constant(TermNumber.MAXVAL)

monday = constant(TermNumber.MONDAY)
tuesday = constant(TermNumber.TUESDAY)
wednesday = constant(TermNumber.WEDNESDAY)
thursday = constant(TermNumber.THURSDAY)
friday = constant(TermNumber.FRIDAY)
saturday = constant(TermNumber.SATURDAY)
sunday = constant(TermNumber.SUNDAY)

january = constant(TermNumber.JANUARY)
february = constant(TermNumber.FEBRUARY)
march = constant(TermNumber.MARCH)
april = constant(TermNumber.APRIL)
may = constant(TermNumber.MAY)
june = constant(TermNumber.JUNE)
july = constant(TermNumber.JULY)
august = constant(TermNumber.AUGUST)
september = constant(TermNumber.SEPTEMBER)
october = constant(TermNumber.OCTOBER)
november = constant(TermNumber.NOVEMBER)
december = constant(TermNumber.DECEMBER)


def make_timezone(offset: str) -> RqlTzinfo:
    """Makes a timezone for Python datetimes. It is no query: nothing is sent.

    Args:
        offset: `"+HH:MM"` or `"-HH:MM"`.

    Returns:
        A `tzinfo` that is always this far from UTC.

    Raises:
        ValueError: the offset is not of that form.

    Example:
        datetime.now(r.make_timezone("-07:00"))
    """
    return RqlTzinfo(offset)
