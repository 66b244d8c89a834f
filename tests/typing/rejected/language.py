"""ReQL: how many arguments a command takes, which, and its options."""

from __future__ import annotations

from rethinkdb import r

heroes = r.table("heroes")

# How many.

r.table()  # error: call-overload
r.db("tv", "heroes")  # error: call-arg
r.db()  # error: call-arg
heroes.get()  # error: call-arg
heroes.get("a", "b")  # error: call-arg
heroes.filter()  # error: call-arg
heroes.between(1)  # error: call-arg
r.db_list("all")  # error: call-arg
r.point(1)  # error: call-arg
r.now(1)  # error: call-arg

# Which.

r.table(1)  # error: call-overload
heroes.filter(1)  # error: arg-type
heroes.update("age")  # error: arg-type
heroes.limit("3")  # error: arg-type
r.epoch_time("now")  # error: arg-type

# Options.

heroes.filter({}, defualt=True)  # error: call-arg
heroes.insert({}, conflict="ignore")  # error: arg-type
heroes.insert({}, durability="firm")  # error: arg-type
heroes.between(1, 2, left_bound="shut")  # error: arg-type
heroes.changes(include_inital=True)  # error: call-arg
heroes.get("a", index="name")  # error: call-arg
heroes.table("other")  # error: attr-defined
r.table("t", read_mode="slave")  # error: call-overload
r.point(0, 0).distance(r.point(1, 1), unit="miles")  # error: arg-type

# Names.

heroes.fliter({})  # error: attr-defined
r.tabel("heroes")  # error: attr-defined

# Terms are not what they stand for.

count: int = heroes.count()  # error: assignment

# Converters.

r.convert(complex, "str")  # error: arg-type
r.convert("complex", str)  # error: arg-type
r.convert(complex)  # error: call-arg
