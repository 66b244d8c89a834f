"""Every command: what is sent, and how it prints."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb import ast, r
from rethinkdb.ql2 import TermType

from .forms import text, wire

T = [15, ["t"]]
D = [14, ["d"]]
ROW = [13, []]
t = r.table("t")
d = r.db("d")
a = r.expr([1, 2])
A = [2, [1, 2]]


def fn(body: Any, *parameters: int) -> Any:
    return [69, [[2, list(parameters)], body]]


# Query, its wire form, its text.
CASES: list[tuple[Any, Any, str]] = [
    # databases, tables, administration
    (d, D, "r.db('d')"),
    (r.db_create("d"), [57, ["d"]], "r.db_create('d')"),
    (r.db_drop("d"), [58, ["d"]], "r.db_drop('d')"),
    (r.db_list(), [59, []], "r.db_list()"),
    (t, T, "r.table('t')"),
    (
        d.table("t", read_mode="outdated"),
        [15, [D, "t"], {"read_mode": "outdated"}],
        "r.db('d').table('t', read_mode='outdated')",
    ),
    (
        r.table("t", identifier_format="uuid"),
        [15, ["t"], {"identifier_format": "uuid"}],
        "r.table('t', identifier_format='uuid')",
    ),
    (r.table_create("a"), [60, ["a"]], "r.table_create('a')"),
    (
        d.table_create("a", shards=2),
        [60, [D, "a"], {"shards": 2}],
        "r.db('d').table_create('a', shards=2)",
    ),
    (r.table_drop("a"), [61, ["a"]], "r.table_drop('a')"),
    (d.table_drop("a"), [61, [D, "a"]], "r.db('d').table_drop('a')"),
    (r.table_list(), [62, []], "r.table_list()"),
    (d.table_list(), [62, [D]], "r.db('d').table_list()"),
    (t.config(), [174, [T]], "r.table('t').config()"),
    (d.config(), [174, [D]], "r.db('d').config()"),
    (t.status(), [175, [T]], "r.table('t').status()"),
    (d.wait(timeout=1), [177, [D], {"timeout": 1}], "r.db('d').wait(timeout=1)"),
    (
        t.reconfigure(shards=1, replicas={"a": 1}),
        [176, [T], {"shards": 1, "replicas": {"a": 1}}],
        "r.table('t').reconfigure(shards=1, replicas=r.expr({'a': 1}))",
    ),
    (t.rebalance(), [179, [T]], "r.table('t').rebalance()"),
    (t.sync(), [138, [T]], "r.table('t').sync()"),
    (
        r.grant("u", {"read": True}),
        [188, ["u", {"read": True}]],
        "r.grant('u', r.expr({'read': True}))",
    ),
    (d.grant("u", {}), [188, [D, "u", {}]], "r.db('d').grant('u', r.expr({}))"),
    (t.grant("u", {}), [188, [T, "u", {}]], "r.table('t').grant('u', r.expr({}))"),
    (t.index_create("x"), [75, [T, "x"]], "r.table('t').index_create('x')"),
    (
        t.index_create("x", [r.row["a"], r.row["b"]], multi=True),
        [
            75,
            [T, "x", fn([2, [[170, [ROW, "a"]], [170, [ROW, "b"]]]], 1)],
            {"multi": True},
        ],
        "r.table('t').index_create('x', lambda var_1: [r.row['a'], r.row['b']], multi=True)",
    ),
    (t.index_drop("x"), [76, [T, "x"]], "r.table('t').index_drop('x')"),
    (
        t.index_rename("x", "y", overwrite=True),
        [156, [T, "x", "y"], {"overwrite": True}],
        "r.table('t').index_rename('x', 'y', overwrite=True)",
    ),
    (t.index_list(), [77, [T]], "r.table('t').index_list()"),
    (t.index_status("x"), [139, [T, "x"]], "r.table('t').index_status('x')"),
    (t.index_wait(), [140, [T]], "r.table('t').index_wait()"),
    (t.set_write_hook(None), [189, [T, None]], "r.table('t').set_write_hook(None)"),
    (
        t.set_write_hook(lambda context, old, new: new),
        [189, [T, fn([10, [3]], 1, 2, 3)]],
        "r.table('t').set_write_hook(lambda var_1, var_2, var_3: var_3)",
    ),
    (t.get_write_hook(), [190, [T]], "r.table('t').get_write_hook()"),
    (a.info(), [79, [A]], "r.expr([1, 2]).info()"),
    (r.info(t), [79, [T]], "r.table('t').info()"),
    # selecting
    (t.get(1), [16, [T, 1]], "r.table('t').get(1)"),
    (
        t.get_all(r.args([1, 2]), index="x"),
        [78, [T, [154, [A]]], {"index": "x"}],
        "r.table('t').get_all(r.args([1, 2]), index='x')",
    ),
    (
        t.between(r.minval, r.maxval, left_bound="open"),
        [182, [T, [180, []], [181, []]], {"left_bound": "open"}],
        "r.table('t').between(r.minval, r.maxval, left_bound='open')",
    ),
    (
        t.filter({"a": 1}, default=r.error()),
        [39, [T, {"a": 1}], {"default": [12, []]}],
        "r.table('t').filter(r.expr({'a': 1}), default=r.error())",
    ),
    (
        t.get_intersecting({"type": "Point"}, index="g"),
        [166, [T, {"type": "Point"}], {"index": "g"}],
        "r.table('t').get_intersecting(r.expr({'type': 'Point'}), index='g')",
    ),
    (
        t.get_nearest([1, 2], index="g", max_results=3),
        [168, [T, A], {"index": "g", "max_results": 3}],
        "r.table('t').get_nearest([1, 2], index='g', max_results=3)",
    ),
    # writing
    (
        t.insert([{"a": 1}], conflict=lambda key, old, new: new),
        [56, [T, [2, [{"a": 1}]]], {"conflict": fn([10, [3]], 1, 2, 3)}],
        "r.table('t').insert([r.expr({'a': 1})], conflict=lambda var_1, var_2, var_3: var_3)",
    ),
    (
        t.update({"a": 1}, return_changes="always"),
        [53, [T, {"a": 1}], {"return_changes": "always"}],
        "r.table('t').update(r.expr({'a': 1}), return_changes='always')",
    ),
    (t.replace(None), [55, [T, None]], "r.table('t').replace(None)"),
    (
        t.delete(durability="soft"),
        [54, [T], {"durability": "soft"}],
        "r.table('t').delete(durability='soft')",
    ),
    (
        a.for_each(lambda x: t.insert({"id": x})),
        [68, [A, fn([56, [T, {"id": [10, [1]]}]], 1)]],
        "r.expr([1, 2]).for_each(lambda var_1: r.table('t').insert(r.expr({'id': var_1})))",
    ),
    (r.literal(), [137, []], "r.literal()"),
    (r.literal({"a": 1}), [137, [{"a": 1}]], "r.literal(r.expr({'a': 1}))"),
    (
        t.changes(squash=True, include_initial=True),
        [152, [T], {"squash": True, "include_initial": True}],
        "r.table('t').changes(squash=True, include_initial=True)",
    ),
    # joins
    (
        t.inner_join(a, lambda x, y: x == y),
        [48, [T, A, fn([17, [[10, [1]], [10, [2]]]], 1, 2)]],
        "r.table('t').inner_join([1, 2], lambda var_1, var_2: (var_1 == var_2))",
    ),
    (
        t.outer_join(a, lambda x, y: True),
        [49, [T, A, fn(True, 1, 2)]],
        "r.table('t').outer_join([1, 2], lambda var_1, var_2: True)",
    ),
    (
        t.eq_join("a", t, ordered=True),
        [50, [T, "a", T], {"ordered": True}],
        "r.table('t').eq_join('a', r.table('t'), ordered=True)",
    ),
    (t.zip(), [72, [T]], "r.table('t').zip()"),
    # transformations
    (
        a.map(a, lambda x, y: x + y),
        [38, [A, A, fn([24, [[10, [1]], [10, [2]]]], 1, 2)]],
        "r.expr([1, 2]).map([1, 2], lambda var_1, var_2: (var_1 + var_2))",
    ),
    (
        r.map([1, 2], lambda x: x),
        [38, [A, fn([10, [1]], 1)]],
        "r.expr([1, 2]).map(lambda var_1: var_1)",
    ),
    (t.with_fields("a", "b"), [96, [T, "a", "b"]], "r.table('t').with_fields('a', 'b')"),
    (
        t.concat_map(lambda x: [x]),
        [40, [T, fn([2, [[10, [1]]]], 1)]],
        "r.table('t').concat_map(lambda var_1: [var_1])",
    ),
    (
        t.order_by("a", r.desc("b"), index=r.asc("c")),
        [41, [T, "a", [74, ["b"]]], {"index": [73, ["c"]]}],
        "r.table('t').order_by('a', r.desc('b'), index=r.asc('c'))",
    ),
    (t.skip(1), [70, [T, 1]], "r.table('t').skip(1)"),
    (t.limit(1), [71, [T, 1]], "r.table('t').limit(1)"),
    (
        t.slice(1, 2, right_bound="closed"),
        [30, [T, 1, 2], {"right_bound": "closed"}],
        "r.table('t').slice(1, 2, right_bound='closed')",
    ),
    (t.nth(-1), [45, [T, -1]], "r.table('t').nth(-1)"),
    (a.offsets_of(1), [87, [A, 1]], "r.expr([1, 2]).offsets_of(1)"),
    (t.is_empty(), [86, [T]], "r.table('t').is_empty()"),
    (
        t.union(a, interleave="x"),
        [44, [T, A], {"interleave": "x"}],
        "r.table('t').union([1, 2], interleave='x')",
    ),
    (r.union(), [44, []], "r.union()"),
    (r.union([1, 2], t), [44, [A, T]], "r.expr([1, 2]).union(r.table('t'))"),
    (t.sample(3), [81, [T, 3]], "r.table('t').sample(3)"),
    (r.range(), [173, []], "r.range()"),
    (r.range(1, 3), [173, [1, 3]], "r.range(1, 3)"),
    # aggregation
    (
        t.group("a", multi=True),
        [144, [T, "a"], {"multi": True}],
        "r.table('t').group('a', multi=True)",
    ),
    (r.group([1, 2], "a"), [144, [A, "a"]], "r.expr([1, 2]).group('a')"),
    (t.ungroup(), [150, [T]], "r.table('t').ungroup()"),
    (
        r.reduce([1, 2], lambda x, y: x),
        [37, [A, fn([10, [1]], 1, 2)]],
        "r.expr([1, 2]).reduce(lambda var_1, var_2: var_1)",
    ),
    (
        a.fold(0, lambda x, y: x, emit=lambda x, y, z: []),
        [187, [A, 0, fn([10, [1]], 1, 2)], {"emit": fn([2, []], 3, 4, 5)}],
        "r.expr([1, 2]).fold(0, lambda var_1, var_2: var_1, emit=lambda var_3, var_4, var_5: [])",
    ),
    (r.count("abc"), [43, ["abc"]], "r.expr('abc').count()"),
    (t.sum("a"), [145, [T, "a"]], "r.table('t').sum('a')"),
    (r.avg([1, 2]), [146, [A]], "r.expr([1, 2]).avg()"),
    (t.min(index="a"), [147, [T], {"index": "a"}], "r.table('t').min(index='a')"),
    (r.max(t, index="a"), [148, [T], {"index": "a"}], "r.table('t').max(index='a')"),
    (r.distinct(t, index="a"), [42, [T], {"index": "a"}], "r.table('t').distinct(index='a')"),
    (a.contains(1, 2), [93, [A, 1, 2]], "r.expr([1, 2]).contains(1, 2)"),
    # documents
    (r.row, ROW, "r.row"),
    (
        t.pluck("a", {"b": ["c"]}),
        [33, [T, "a", {"b": [2, ["c"]]}]],
        "r.table('t').pluck('a', r.expr({'b': ['c']}))",
    ),
    (t.without("a"), [34, [T, "a"]], "r.table('t').without('a')"),
    (
        r.expr({"a": 1}).merge({"b": 2}),
        [35, [{"a": 1}, {"b": 2}]],
        "r.expr({'a': 1}).merge(r.expr({'b': 2}))",
    ),
    (a.append(3), [29, [A, 3]], "r.expr([1, 2]).append(3)"),
    (a.prepend(3), [80, [A, 3]], "r.expr([1, 2]).prepend(3)"),
    (a.difference([1]), [95, [A, [2, [1]]]], "r.expr([1, 2]).difference([1])"),
    (a.set_insert(3), [88, [A, 3]], "r.expr([1, 2]).set_insert(3)"),
    (a.set_intersection([3]), [89, [A, [2, [3]]]], "r.expr([1, 2]).set_intersection([3])"),
    (a.set_union([3]), [90, [A, [2, [3]]]], "r.expr([1, 2]).set_union([3])"),
    (a.set_difference([3]), [91, [A, [2, [3]]]], "r.expr([1, 2]).set_difference([3])"),
    (t["a"], [170, [T, "a"]], "r.table('t')['a']"),
    (t.get_field("a"), [31, [T, "a"]], "r.table('t').get_field('a')"),
    (t.has_fields("a"), [32, [T, "a"]], "r.table('t').has_fields('a')"),
    (a.insert_at(0, 3), [82, [A, 0, 3]], "r.expr([1, 2]).insert_at(0, 3)"),
    (a.splice_at(0, [3]), [85, [A, 0, [2, [3]]]], "r.expr([1, 2]).splice_at(0, [3])"),
    (a.change_at(0, 3), [84, [A, 0, 3]], "r.expr([1, 2]).change_at(0, 3)"),
    (a.delete_at(0, 1), [83, [A, 0, 1]], "r.expr([1, 2]).delete_at(0, 1)"),
    (r.expr({"a": 1}).keys(), [94, [{"a": 1}]], "r.expr({'a': 1}).keys()"),
    (r.expr({}).values(), [186, [{}]], "r.expr({}).values()"),
    (r.object("a", 1), [143, ["a", 1]], "r.expr('a').object(1)"),
    (r.object(), [143, []], "r.object()"),
    # strings
    (r.expr("x").match("y"), [97, ["x", "y"]], "r.expr('x').match('y')"),
    (r.expr("x").split(None, 1), [149, ["x", None, 1]], "r.expr('x').split(None, 1)"),
    (r.expr("x").upcase(), [141, ["x"]], "r.expr('x').upcase()"),
    (r.expr("x").downcase(), [142, ["x"]], "r.expr('x').downcase()"),
    (r.format("{a}", {"a": 1}), [197, ["{a}", {"a": 1}]], "r.format('{a}', r.expr({'a': 1}))"),
    # math and logic
    (r.add(1, 2, 3), [24, [1, 2, 3]], "(r.expr(1) + r.expr(2) + r.expr(3))"),
    (r.sub(1, 2), [25, [1, 2]], "(r.expr(1) - r.expr(2))"),
    (a.mul(2), [26, [A, 2]], "(r.expr([1, 2]) * r.expr(2))"),
    (r.div(1, 2), [27, [1, 2]], "(r.expr(1) / r.expr(2))"),
    (r.mod(1, 2), [28, [1, 2]], "(r.expr(1) % r.expr(2))"),
    (r.and_(True, t), [67, [True, T]], "r.and_(r.expr(True), r.table('t'))"),
    (r.or_(), [66, []], "r.or_()"),
    (r.not_(True), [23, [True]], "(~r.expr(True))"),
    (r.eq(1, 2, 3), [17, [1, 2, 3]], "(r.expr(1) == r.expr(2) == r.expr(3))"),
    (t.ne(1), [18, [T, 1]], "(r.table('t') != r.expr(1))"),
    (r.lt(1, 2), [19, [1, 2]], "(r.expr(1) < r.expr(2))"),
    (r.le(1, 2), [20, [1, 2]], "(r.expr(1) <= r.expr(2))"),
    (r.gt(1, 2), [21, [1, 2]], "(r.expr(1) > r.expr(2))"),
    (r.ge(1, 2), [22, [1, 2]], "(r.expr(1) >= r.expr(2))"),
    (r.bit_and(1, 2), [191, [1, 2]], "r.bit_and(r.expr(1), r.expr(2))"),
    (r.bit_or(1, 2), [192, [1, 2]], "r.bit_or(r.expr(1), r.expr(2))"),
    (r.expr(1).bit_xor(2), [193, [1, 2]], "r.bit_xor(r.expr(1), r.expr(2))"),
    (r.bit_not(1), [194, [1]], "r.expr(1).bit_not()"),
    (r.bit_sal(1, 2), [195, [1, 2]], "r.bit_sal(r.expr(1), r.expr(2))"),
    (r.bit_sar(1, 2), [196, [1, 2]], "r.bit_sar(r.expr(1), r.expr(2))"),
    (r.floor(1.5), [183, [1.5]], "r.expr(1.5).floor()"),
    (r.ceil(1.5), [184, [1.5]], "r.expr(1.5).ceil()"),
    (r.round(1.5), [185, [1.5]], "r.expr(1.5).round()"),
    (r.random(1, 2, float=True), [151, [1, 2], {"float": True}], "r.random(1, 2, float=True)"),
    # times
    (r.now(), [103, []], "r.now()"),
    (r.time(1, r.may, 2, "Z"), [136, [1, [118, []], 2, "Z"]], "r.time(1, r.may, 2, 'Z')"),
    (r.epoch_time(1), [101, [1]], "r.epoch_time(1)"),
    (
        r.iso8601("2020", default_timezone="Z"),
        [99, ["2020"], {"default_timezone": "Z"}],
        "r.iso8601('2020', default_timezone='Z')",
    ),
    (r.now().in_timezone("Z"), [104, [[103, []], "Z"]], "r.now().in_timezone('Z')"),
    (r.now().timezone(), [127, [[103, []]]], "r.now().timezone()"),
    (
        r.now().during(r.now(), r.now(), left_bound="open"),
        [105, [[103, []]] * 3, {"left_bound": "open"}],
        "r.now().during(r.now(), r.now(), left_bound='open')",
    ),
    *(
        (getattr(r.now(), name)(), [number, [[103, []]]], f"r.now().{name}()")
        for name, number in {
            "date": 106,
            "time_of_day": 126,
            "year": 128,
            "month": 129,
            "day": 130,
            "day_of_week": 131,
            "day_of_year": 132,
            "hours": 133,
            "minutes": 134,
            "seconds": 135,
            "to_iso8601": 100,
            "to_epoch_time": 102,
        }.items()
    ),
    # control
    (r.do(1), [64, [1]], "r.do(1)"),
    (r.expr(1).do(lambda x: x), [64, [fn([10, [1]], 1), 1]], "r.expr(1).do(lambda var_1: var_1)"),
    (r.do([1, 2], 3), [64, [3, A]], "[1, 2].do(3)"),
    (
        r.do(1, 2, lambda x, y: x),
        [64, [fn([10, [1]], 1, 2), 1, 2]],
        "r.do(1, 2, lambda var_1, var_2: var_1)",
    ),
    (r.branch(True, 1, 2), [65, [True, 1, 2]], "r.branch(True, 1, 2)"),
    (t.branch(1, 2), [65, [T, 1, 2]], "r.branch(r.table('t'), 1, 2)"),
    (t.default(1), [92, [T, 1]], "r.table('t').default(1)"),
    (r.error("x"), [12, ["x"]], "r.error('x')"),
    (r.js("1", timeout=2), [11, ["1"], {"timeout": 2}], "r.js('1', timeout=2)"),
    (t.coerce_to("array"), [51, [T, "array"]], "r.table('t').coerce_to('array')"),
    (r.type_of(1), [52, [1]], "r.expr(1).type_of()"),
    (r.json("1"), [98, ["1"]], "r.json('1')"),
    (t.to_json(), [172, [T]], "r.table('t').to_json_string()"),
    (t.to_json_string(), [172, [T]], "r.table('t').to_json_string()"),
    (
        r.binary(b"ab"),
        {"$reql_type$": "BINARY", "data": "YWI="},
        "r.binary(bytes(<data>))",
    ),
    (r.binary(r.expr("x")), [155, ["x"]], "r.binary('x')"),
    (r.uuid(), [169, []], "r.uuid()"),
    (r.uuid("x"), [169, ["x"]], "r.expr('x').uuid()"),
    (t.uuid(), [169, [T]], "r.table('t').uuid()"),
    (
        r.http("url", page=lambda info: None, page_limit=1),
        [153, ["url"], {"page": fn(None, 1), "page_limit": 1}],
        "r.http('url', page=lambda var_1: None, page_limit=1)",
    ),
    # geometries
    (
        r.geojson({"type": "Point", "coordinates": [1, 2]}),
        [157, [{"type": "Point", "coordinates": A}]],
        "r.geojson(r.expr({'type': 'Point', 'coordinates': [1, 2]}))",
    ),
    (t.to_geojson(), [158, [T]], "r.table('t').to_geojson()"),
    (r.point(1, 2), [159, [1, 2]], "r.point(1, 2)"),
    (r.line([1, 2], t), [160, [A, T]], "r.line([1, 2], r.table('t'))"),
    (r.polygon(t, t, t), [161, [T, T, T]], "r.polygon(" + ", ".join(["r.table('t')"] * 3) + ")"),
    (
        r.distance(t, a, unit="km"),
        [162, [T, A], {"unit": "km"}],
        "r.table('t').distance([1, 2], unit='km')",
    ),
    (r.intersects(t, a), [163, [T, A]], "r.table('t').intersects([1, 2])"),
    (t.includes(a), [164, [T, A]], "r.table('t').includes([1, 2])"),
    (
        r.circle([1, 2], 3, fill=False),
        [165, [A, 3], {"fill": False}],
        "r.circle([1, 2], 3, fill=False)",
    ),
    (t.fill(), [167, [T]], "r.table('t').fill()"),
    (t.polygon_sub(a), [171, [T, A]], "r.table('t').polygon_sub([1, 2])"),
    # literals and constants
    (r.expr([]), [2, []], "[]"),
    (r.expr({"a": [1]}), {"a": [2, [1]]}, "r.expr({'a': [1]})"),
    (r.expr(None), None, "None"),
    (r.expr("it's"), "it's", '"it\'s"'),
    (r.minval, [180, []], "r.minval"),
    *(
        (getattr(r, name), [number, []], f"r.{name}")
        for number, name in enumerate(
            [
                *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
                *("january", "february", "march", "april", "may", "june"),
                *("july", "august", "september", "october", "november", "december"),
            ],
            start=107,
        )
    ),
]

# Terms that no command makes: literals, variables and what is obsolete.
NOT_COMMANDS = {
    TermType.DATUM,
    TermType.MAKE_OBJ,
    TermType.BETWEEN_DEPRECATED,
}


@pytest.mark.parametrize(("query", "sent", "printed"), CASES, ids=[case[2] for case in CASES])
def test_wire_form_and_text(query: Any, sent: Any, printed: str) -> None:
    assert wire(query) == sent
    assert text(query) == printed
    assert repr(query) == f"<RqlQuery instance: {query} >"


def test_every_term_is_sent_by_some_command() -> None:
    numbers: set[int] = set()

    def collect(node: Any) -> None:
        match node:
            case [int(number), list(args), *options]:
                numbers.add(number)
                for item in [*args, *options]:
                    collect(item)
            case dict():
                for item in node.values():
                    collect(item)

    for query, _, _ in CASES:
        collect(query.build())
    assert set(TermType) - NOT_COMMANDS == numbers


def test_every_declaration_is_documented() -> None:
    from rethinkdb.reql.declare import COMMANDS

    for command in COMMANDS.values():
        name, doc = command.class_attributes["statement"], command.class_attributes["__doc__"]
        if name.startswith("_"):
            continue  # what an operator makes
        for section in ("Returns:", "Raises:", "Example:"):
            assert section in doc, (name, section)


def test_term_classes_can_be_found_in_ast() -> None:
    for query, _, _ in CASES:
        assert getattr(ast, type(query).__name__) is type(query)
