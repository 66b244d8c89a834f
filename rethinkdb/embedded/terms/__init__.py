"""What each ReQL term does, by area. Importing this package fills the table in `registry`.

================  =================================================================================
`structure`       arrays as written, `r.args`, functions called, `r.minval` and `r.maxval`
`control`         branch, default, error, json, to_json_string, binary, uuid, random
`logic`           and, or, not, comparisons
`mathematics`     arithmetic, rounding, bits
`text`            match, split, upcase, downcase
`arrays`          append, prepend, insert_at ... splice_at, set operations
`documents`       get_field, pluck, without, has_fields, merge, literal, object, keys, values
`times`           dates and times
`geography`       points, lines, polygons, distances, and searching by them
`scripting`       js
`web`             http
`typing`          type_of, info, coerce_to
`selecting`       db, table, get, get_all, between
`writing`         insert, update, replace, delete, for_each, sync
`indexing`        secondary indexes, write hooks
`administration`  databases, tables, config, status, grant
`reconfiguring`   wait, reconfigure, rebalance
`transforming`    map, concat_map, filter, with_fields, difference, offsets_of, union
`slicing`         slice, skip, limit, nth, bracket, sample, is_empty, range
`ordering`        order_by, asc, desc, distinct
`aggregating`     count, sum, avg, min, max, reduce, fold, contains
`grouping`        group, ungroup
`joining`         inner_join, outer_join, eq_join, zip
`watching`        changes
================  =================================================================================

Constants, object literals, functions and variables are not here. The compiler handles them.
"""

from __future__ import annotations

from rethinkdb.embedded.terms import (
    administration,
    aggregating,
    arrays,
    control,
    documents,
    geography,
    grouping,
    indexing,
    joining,
    logic,
    mathematics,
    ordering,
    reconfiguring,
    scripting,
    selecting,
    slicing,
    structure,
    text,
    times,
    transforming,
    typing,
    watching,
    web,
    writing,
)

__all__ = [
    "administration",
    "aggregating",
    "arrays",
    "control",
    "documents",
    "geography",
    "grouping",
    "indexing",
    "joining",
    "logic",
    "mathematics",
    "ordering",
    "reconfiguring",
    "scripting",
    "selecting",
    "slicing",
    "structure",
    "text",
    "times",
    "transforming",
    "typing",
    "watching",
    "web",
    "writing",
]
