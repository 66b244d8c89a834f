"""`rethinkdb.ast` as programs for the official package use it: mockthink, rethinkdb-mock, others.

They dispatch on the class of a term, walk through its arguments and options, replace some, make
terms of classes, and add classes of their own.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from rethinkdb import ast, codec, errors, r, repl
from rethinkdb.ast import Datum, Func, MakeArray, MakeObj, RqlQuery

from .forms import wire
from .test_commands import CASES

t = r.table("t")
d = r.db("d")
row = r.row

# The classes that `rethinkdb.ast` has in the official package, beside its constants.
CLASSES = """
    Add And Append Args Asc Avg Between Binary BitAnd BitNot BitOr BitSal BitSar BitXor Bracket
    Branch Ceil ChangeAt Changes Circle CoerceTo ConcatMap Config Contains Count DB Date Datum Day
    DayOfWeek DayOfYear DbCreate DbDrop DbList Default Delete DeleteAt Desc Difference Distance
    Distinct Div Downcase During EpochTime Eq EqJoin Fill Filter Floor Fold ForEach FunCall Func Ge
    GeoJson Get GetAll GetField GetIntersecting GetNearest GetWriteHook Grant GrantTL Group Gt
    HasFields Hours Http ISO8601 ImplicitVar InTimezone Includes IndexCreate IndexDrop IndexList
    IndexRename IndexStatus IndexWait Info InnerJoin Insert InsertAt Intersects IsEmpty JavaScript
    Json Keys Le Limit Line Literal Lt MakeArray MakeObj Map Match Max Merge Min Minutes Mod Month
    Mul Ne Not Now Nth Object OffsetsOf Or OrderBy OuterJoin Pluck Point Polygon PolygonSub Prepend
    Random Range Rebalance Reconfigure Reduce Replace Round Sample Seconds SetDifference SetInsert
    SetIntersection SetUnion SetWriteHook Skip Slice SpliceAt Split Status Sub Sum Sync Table
    TableCreate TableCreateTL TableDrop TableDropTL TableList TableListTL Time TimeOfDay Timezone
    ToEpochTime ToGeoJson ToISO8601 ToJsonString TypeOf UUID Ungroup Union Upcase Update UserError
    Values Var Wait WithFields Without Year Zip
""".split()  # noqa: SIM905

FAMILIES = """
    RqlBiCompareOperQuery RqlBiOperQuery RqlBoolOperQuery RqlBracketQuery RqlMethodQuery RqlQuery
    RqlTopLevelQuery
""".split()  # noqa: SIM905


@pytest.mark.parametrize("name", [*CLASSES, *FAMILIES])
def test_the_class_is_there(name: str) -> None:
    found = getattr(ast, name)
    assert issubclass(found, RqlQuery)
    assert (found.__name__, found.__module__) == (name, "rethinkdb.ast")
    assert name in dir(ast)


def test_other_names() -> None:
    assert ast.ReQLEncoder is codec.ReQLEncoder
    assert ast.ReQLDecoder is codec.ReQLDecoder
    assert ast.QueryPrinter is errors.QueryPrinter
    assert ast.Repl is repl.Repl
    assert list(ast.dict_items({"a": 1})) == [("a", 1)]
    assert list(ast.dict_keys({"a": 1})) == ["a"]
    assert {"ReQLEncoder", "ISO8601", "RqlMethodQuery"} <= set(dir(ast))


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (r.iso8601("x"), "ISO8601"),
        (r.now().to_iso8601(), "ToISO8601"),
        (r.geojson({}), "GeoJson"),
        (r.point(1, 2).to_geojson(), "ToGeoJson"),
        (r.js("1"), "JavaScript"),
        (r.error("x"), "UserError"),
        (r.do(1, lambda x: x), "FunCall"),
        (r.uuid(), "UUID"),
        (r.table_create("t"), "TableCreateTL"),
        (d.table_create("t"), "TableCreate"),
        (r.table_drop("t"), "TableDropTL"),
        (d.table_drop("t"), "TableDrop"),
        (r.table_list(), "TableListTL"),
        (d.table_list(), "TableList"),
        (r.grant("u", {}), "GrantTL"),
        (t.grant("u", {}), "Grant"),
        (row["a"] & True, "And"),
        (True & row["a"], "And"),
        (row["a"].and_(True), "And"),
        (row["a"] | True, "Or"),
        (True | row["a"], "Or"),
        (~row["a"], "Not"),
        (row["a"], "Bracket"),
        (t[1:2], "Slice"),
        (t[1:], "Slice"),
        (t.slice(1, 2), "Slice"),
        (row["a"] == 1, "Eq"),
        (r.expr(b""), "Binary"),
        (r.row, "ImplicitVar"),
    ],
)
def test_programs_dispatch_on_the_class(query: Any, name: str) -> None:
    assert type(query) is getattr(ast, name)
    assert type(copy.deepcopy(query)) is type(query)
    assert str(pickle.loads(pickle.dumps(query))) == str(query)


@pytest.mark.parametrize(
    ("query", "families"),
    [
        (t.get(1), ["RqlMethodQuery"]),
        (t.filter({}).update({}), ["RqlMethodQuery"]),
        (r.now(), ["RqlTopLevelQuery"]),
        (r.table_list(), ["RqlTopLevelQuery"]),
        (d, ["RqlTopLevelQuery"]),
        (r.binary(b""), ["RqlTopLevelQuery"]),
        (row + 1, ["RqlBiOperQuery"]),
        (row < 1, ["RqlBiCompareOperQuery", "RqlBiOperQuery"]),
        (row.lt(1), ["RqlBiCompareOperQuery", "RqlBiOperQuery"]),
        (row & 1, ["RqlBoolOperQuery"]),
        (row["a"], ["RqlBracketQuery", "RqlMethodQuery"]),
        (t.nth(1), ["RqlBracketQuery", "RqlMethodQuery"]),
        (t.slice(1, 2), ["RqlBracketQuery", "RqlMethodQuery"]),
        (r.expr(1), []),
        (t, []),
    ],
)
def test_families(query: Any, families: list[str]) -> None:
    assert isinstance(query, RqlQuery)
    found = [name for name in FAMILIES if isinstance(query, getattr(ast, name))]
    assert found == sorted([*families, "RqlQuery"])


# --- arguments and options


def walk(term: Any) -> Any:
    yield term
    assert type(term._args) is type(term.args)
    for inner in [*term._args, *term.optargs.values()]:
        yield from walk(inner)


@pytest.mark.parametrize("query", [case[0] for case in CASES], ids=[case[2] for case in CASES])
def test_all_arguments_are_terms(query: Any) -> None:
    query = copy.deepcopy(query)
    before = (query.build(), str(query))
    for term in walk(query):
        assert isinstance(term, RqlQuery)
        assert type(term) is getattr(ast, type(term).__name__)
        assert isinstance(term._args, list)
        assert isinstance(term.optargs, dict)
        if type(term) is Datum:
            assert not isinstance(term.data, RqlQuery)
    assert (query.build(), str(query)) == before
    assert pickle.loads(pickle.dumps(query)).build() == before[0]


def test_what_they_are() -> None:
    query = t.order_by("a", index="b").map(lambda x: {"c": [x, 1]})
    order, function = query._args
    assert [type(arg) for arg in order._args] == [ast.Table, Datum]
    assert order._args[1].data == "a"
    assert order.optargs["index"].data == "b"
    assert type(function) is Func
    parameters, body = function._args
    assert type(parameters) is MakeArray
    (number,) = [parameter.data for parameter in parameters._args]
    assert type(body) is MakeObj
    assert body._args == []
    array = body.optargs["c"]
    assert type(array) is MakeArray
    assert array._args[0]._args[0].data == number
    assert array._args[1].data == 1
    assert (array._args[1]._args, array._args[1].optargs) == ([], {})
    assert r.binary(b"ab")._args == []
    assert r.binary(b"ab").base64_data == "YWI="
    (text,) = r.binary(r.expr("x"))._args
    assert text.data == "x"


def test_documents_to_insert_are_shown_as_given() -> None:
    documents = [{"n": n, "text": "x" * 5000} for n in range(10)]
    insert = t.insert(documents)
    shown = insert._args[1]
    assert type(shown) is MakeArray
    assert [document.optargs["n"].data for document in shown._args] == list(range(10))


def test_what_a_program_changes_is_sent() -> None:
    query = t.get_all(1, 2, index="i")
    query._args[1] = Datum(3)
    query._args.append(r.expr(4))
    query.optargs["index"] = Datum("j")
    assert query.build() == [78, [[15, ["t"]], 3, 2, 4], {"index": "j"}]
    assert str(query) == "r.table('t').get_all(3, 2, 4, index='j')"
    assert (query.term_type, query.statement, ast.GetAll.term_type) == (78, "get_all", 78)
    query.args = [t, Datum(5)]
    query.optargs = {}
    assert query.build() == [78, [[15, ["t"]], 5]]


def test_rows_are_replaced_by_variables() -> None:
    """As mockthink does it."""
    query = t.filter((r.row["a"] > 1) & (r.row["b"] < r.row["c"]))
    function = query._args[1]
    (number,) = [parameter.data for parameter in function._args[0]._args]
    body = function._args[1]
    assert ast._ivar_scan(body)

    def replace(term: Any) -> None:
        for index, arg in enumerate(term._args):
            if isinstance(arg, ast.ImplicitVar):
                term._args[index] = ast.Var(Datum(number))
            else:
                replace(arg)
        for name, arg in term.optargs.items():
            if isinstance(arg, ast.ImplicitVar):
                term.optargs[name] = ast.Var(Datum(number))
            else:
                replace(arg)

    replace(body)
    assert not ast._ivar_scan(body)
    same = t.filter(lambda x: (x["a"] > 1) & (x["b"] < x["c"]))
    assert wire(query) == wire(same)
    assert str(query).replace(f"var_{number}", "x").startswith("r.table('t').filter(lambda x: ((x[")


# --- making terms of classes


@pytest.mark.parametrize(
    ("made", "same"),
    [
        (ast.Datum("a"), r.expr("a")),
        (ast.MakeArray(1, "a", [2]), r.expr([1, "a", [2]])),
        (ast.MakeObj({"a": 1, "self": [r.now()]}), r.expr({"a": 1, "self": [r.now()]})),
        (ast.Func(lambda x: x + 1), r.expr(lambda x: x + 1)),
        (ast.Binary(b"x"), r.binary(b"x")),
        (ast.Binary(r.expr("x")), r.binary(r.expr("x"))),
        (ast.DB("d"), d),
        (ast.Table("t"), t),
        (ast.Table(d, "t", read_mode="outdated"), d.table("t", read_mode="outdated")),
        (ast.Get(t, 1), t.get(1)),
        (ast.OrderBy(t, "a", index="b"), t.order_by("a", index="b")),
        (ast.Add(1, 2), r.add(1, 2)),
        (ast.FunCall(1, lambda x: x), r.do(1, lambda x: x)),
        (ast.FunCall(1, 2, lambda x, y: x), r.do(1, 2, lambda x, y: x)),
        (ast.Now(), r.now()),
        (ast.Monday(), r.monday),
        (ast.ImplicitVar(), r.row),
        (ast.Filter(t, ast.Func(lambda x: x["a"])), t.filter(lambda x: x["a"])),
        (ast.ISO8601("x"), r.iso8601("x")),
        (ast.Desc("x"), r.desc("x")),
    ],
)
def test_a_class_makes_a_term(made: Any, same: Any) -> None:
    assert wire(made) == wire(same)
    assert type(made) is type(same)


@pytest.mark.parametrize("query", [case[0] for case in CASES], ids=[case[2] for case in CASES])
def test_a_term_can_be_made_anew_of_its_parts(query: Any) -> None:
    if type(query) in (Datum, MakeObj, Func, ast.Binary, ast.FunCall):
        return  # these take what they are made of in another form
    made = type(query)(*query._args, **query.optargs)
    assert made.build() == query.build()


# --- classes of programs


class Sevenths(ast.RqlMethodQuery):
    """Of a program for releases since 2.4."""

    term_type = 700
    statement = "sevenths"


class Eighths(ast.RqlTopLevelQuery):
    """Of a program for releases before that."""

    tt = 800
    st = "eighths"


class Twice(ast.Add):
    def __init__(self, value: Any) -> None:
        super().__init__(value, value)


def test_a_program_adds_commands() -> None:
    query = Sevenths(t, [1, r.now()], unit="m")
    assert query.build() == [700, [[15, ["t"]], [2, [1, [103, []]]]], {"unit": "m"}]
    assert str(query) == "r.table('t').sevenths([1, r.now()], unit='m')"
    assert query.count().build() == [43, [query.build()]]
    assert Eighths(1).build() == [800, [1]]
    assert str(Eighths(1)) == "r.eighths(1)"
    assert Twice(2).build() == [24, [2, 2]]
    assert isinstance(query, RqlQuery)
    for term in (query, Eighths(1), Twice(2)):
        twin = pickle.loads(pickle.dumps(term))
        assert (type(twin), twin.build()) == (type(term), term.build())


def test_an_error_about_a_term_of_another_kind_can_be_shown() -> None:
    """mockthink makes errors with such terms."""

    class Mock:
        args = ()
        optargs: dict[str, Any] = {}  # noqa: RUF012
        compose = staticmethod(lambda args, optargs: "COMPOSED")

    error = errors.RqlRuntimeError("No such thing.", Mock(), [])  # type: ignore[arg-type]
    assert str(error) == "No such thing in:\nCOMPOSED\n^^^^^^^^"
    assert "Mock" in str(errors.RqlRuntimeError("No.", type("Mock", (), {})(), [0]))
