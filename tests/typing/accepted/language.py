"""ReQL: commands give terms, whichever way they are written."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

from typing_extensions import assert_type

from rethinkdb import r
from rethinkdb.ast import DB, RqlQuery, Table

heroes = r.table("heroes")

assert_type(heroes, Table)
assert_type(r.db("tv"), DB)
assert_type(r.db("tv").table("heroes", read_mode="majority"), Table)
assert_type(r.expr({"a": [1, 2.5, None, True, datetime.now(timezone.utc)]}), RqlQuery)

# What a command takes may be a value, a term, or a function.

assert_type(heroes.filter({"name": "Ada"}), RqlQuery)
assert_type(heroes.filter(r.row["age"] > 30, default=True), RqlQuery)
assert_type(heroes.filter(lambda hero: hero["age"].gt(30)), RqlQuery)
assert_type(heroes.get("ada")["name"].upcase(), RqlQuery)
assert_type(heroes.get_all("a", "b", index="name"), RqlQuery)
assert_type(heroes.between(1, r.maxval, left_bound="open"), RqlQuery)
assert_type(heroes.order_by(r.desc("age"), index="name").limit(3), RqlQuery)
assert_type(heroes.insert([{"id": 1}], conflict="update", durability="soft"), RqlQuery)
assert_type(
    heroes.insert(
        {"id": 1}, conflict=lambda key, old, new: old.merge(new), return_changes="always"
    ),
    RqlQuery,
)
assert_type(heroes.update({"age": r.row["age"] + 1}, non_atomic=True), RqlQuery)
assert_type(heroes.group("team", index="age").count(), RqlQuery)
assert_type(heroes.eq_join("team", r.table("teams"), index="name").zip(), RqlQuery)
assert_type(heroes.changes(include_initial=True, squash=0.5), RqlQuery)
assert_type(heroes.index_create("ages", [r.row["age"], r.row["team"]], multi=True), RqlQuery)
assert_type(r.do(1, 2, lambda a, b: a + b), RqlQuery)
assert_type(r.branch(heroes.is_empty(), "none", heroes.nth(0)), RqlQuery)
assert_type(r.range(3).map(lambda n: n * n).sum(), RqlQuery)
assert_type(r.now() - 3600, RqlQuery)
assert_type(r.point(-122.4, 37.7).distance(r.point(0, 0), unit="km"), RqlQuery)
assert_type(r.http("https://example.com", method="GET", timeout=5), RqlQuery)

# Operators are commands, from the left and from the right.

assert_type(r.row["a"] + 1, RqlQuery)
assert_type(1 - r.row["a"], RqlQuery)
assert_type(r.row["a"] == 1, RqlQuery)
assert_type((r.row["a"] < 1) | ~(r.row["b"] >= 2), RqlQuery)
assert_type(heroes[0], RqlQuery)
assert_type(heroes[1:3], RqlQuery)

# Without a connection whose class is known, what running gives is not known either.

assert_type(heroes.run(), Any)
assert_type(heroes.run(r.connect("localhost"), profile=True), Any)
assert_type(heroes.build(), Any)
assert_type(str(heroes), str)

# Converters.

table = {Decimal: str, Enum: lambda member: member.value, dataclasses.is_dataclass: dict}
r.convert(Decimal, str)
r.convert(Decimal, None)
r.convert(Enum, lambda member: member.value)
r.convert(dataclasses.is_dataclass, dataclasses.asdict)
r.convert(date, date.isoformat)
r.connect("localhost", loop_type="blocking", converters={Decimal: str}).close()
r.connect("localhost", loop_type="blocking", converters=table).close()
