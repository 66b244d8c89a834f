"""`r.convert` and `converters=`: what is sent in place of values that ReQL does not have."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import gc
import json
import pickle
import threading
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from rethinkdb import converters, r
from rethinkdb.codec import Codec
from rethinkdb.converters import Converters, state
from rethinkdb.errors import (
    ReqlDriverCompileError,
    ReqlDriverError,
    ReqlTypeError,
    ReqlValueError,
)
from rethinkdb.reql import bulk

T = [15, ["t"]]
t = r.table("t")


@dataclasses.dataclass
class Point:
    x: Any
    y: Any = 0


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Money(Decimal):
    pass


class Moment(datetime):
    pass


Pair = collections.namedtuple("Pair", "a b")  # as programs write it


def codec(table: Any, encoder: Any = None) -> Codec:
    """What a connection with these converters has."""
    return Codec(encoder, None, state.table(table))


def sent(query: Any, codec: Codec | None = None) -> Any:
    """What a query sends on a connection, parsed again."""
    codec = codec or Codec()
    _, wire, _ = json.loads(codec.encode(query.start_body({}, None, codec.values)))
    return wire


# --- of the process ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "converter", "value", "wire"),
    [
        (Decimal, str, Decimal("1.50"), "1.50"),
        (Decimal, float, Decimal("1.50"), 1.5),
        (uuid.UUID, str, uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (enum.Enum, lambda member: member.value, Colour.RED, "red"),
        (enum.Enum, lambda member: member.name, Level.HIGH, "HIGH"),
        (Point, dataclasses.asdict, Point(1, [2]), {"x": 1, "y": [2, [2]]}),
        (dataclasses.is_dataclass, dataclasses.asdict, Point(1), {"x": 1, "y": 0}),
        (Pair, Pair._asdict, Pair(1, 2), {"a": 1, "b": 2}),
        (date, date.isoformat, date(2024, 1, 2), "2024-01-02"),
        (dt.timedelta, dt.timedelta.total_seconds, dt.timedelta(1), 86400.0),
        (set, sorted, {3, 1, 2}, [2, [1, 2, 3]]),
        (bytes, bytes.hex, b"ab", "6162"),
        (Decimal, lambda value: r.expr(1) + 2, Decimal(1), [24, [1, 2]]),
        (Decimal, lambda value: None, Decimal(1), None),
        (collections.abc.Set, sorted, frozenset([2, 1]), [2, [1, 2]]),
        (object, str, fractions.Fraction(1, 2), "1/2"),
    ],
)
def test_a_converter_makes_a_value_that_reql_has(
    kind: Any, converter: Any, value: Any, wire: Any
) -> None:
    r.convert(kind, converter)
    assert sent(r.expr([value, {"a": value}])) == [2, [wire, {"a": wire}]]
    assert sent(t.get(value)) == [16, [T, wire]]
    assert sent(t.get_all(1, index=value)) == [78, [T, 1], {"index": wire}]
    assert sent(r.expr([1]).map(lambda x: value))[1][1][1][1] == wire
    _, _, options = t.start_body({"x": value}, None)
    assert json.loads(json.dumps(options)) == {"x": wire}
    r.convert(kind, None)


def test_removal() -> None:
    r.convert(Decimal, str)
    r.convert(Decimal, float)
    assert r.expr(Decimal(1)).build() == 1.0
    r.convert(Decimal, None)
    r.convert(Decimal, None)
    with pytest.raises(ReqlTypeError):
        r.expr(Decimal(1))
    assert not state.active


def test_a_query_keeps_what_it_was_built_with() -> None:
    r.convert(Decimal, str)
    query = r.expr([Decimal(1)])
    r.convert(Decimal, None)
    assert query.build() == [2, ["1"]]
    point = Point([1])
    r.convert(Point, dataclasses.asdict)
    query = r.expr(point)
    point.x.append(2)
    assert query.build() == {"x": [2, [1]], "y": 0}


class TestWhichConverter:
    def test_the_nearest_class(self) -> None:
        r.convert(Decimal, str)
        assert r.expr(Money(1)).build() == "1"
        r.convert(Money, lambda value: ["EUR", str(value)])
        assert r.expr([Money(1), Decimal(2)]).build() == [2, [[2, ["EUR", "1"]], "2"]]

    def test_a_datetime_is_no_date(self) -> None:
        r.convert(date, date.isoformat)
        moment = datetime(2024, 1, 2, 3, tzinfo=timezone.utc)
        assert r.expr([moment, date(2024, 1, 2)]).build() == [
            2,
            [[99, ["2024-01-02T03:00:00+00:00"]], "2024-01-02"],
        ]
        with pytest.raises(ReqlDriverCompileError, match="without timezone"):
            r.expr(datetime(2024, 1, 2))

    def test_a_subclass_of_datetime_may_have_one(self) -> None:
        r.convert(Moment, lambda value: value.year)
        assert r.expr(Moment(2024, 1, 2)).build() == 2024

    def test_object_comes_last(self) -> None:
        r.convert(object, lambda value: f"<{type(value).__name__}>")
        assert r.expr([{1}, Pair(1, 2), b"", Colour.RED, Decimal(1)]).build() == [
            2,
            [
                [2, [1]],
                [2, [1, 2]],
                {"$reql_type$": "BINARY", "data": ""},
                "<Colour>",
                "<Decimal>",
            ],
        ]
        assert r.expr(lambda x: x).build()[0] == 69

    def test_classes_come_before_tests_and_tests_in_order(self) -> None:
        r.convert(lambda value: isinstance(value, Decimal), lambda value: "first")
        r.convert(lambda value: True, lambda value: "second")
        assert r.expr([Decimal(1), Colour.RED]).build() == [2, ["first", "second"]]
        r.convert(Decimal, lambda value: "class")
        assert r.expr([Decimal(1), Colour.RED]).build() == [2, ["class", "second"]]

    def test_functions_and_classes_are_not_tested(self) -> None:
        r.convert(lambda value: True, lambda value: 1 // 0)
        assert r.expr(lambda x: x).build()[0] == 69
        assert r.expr([t, r.now()]).build() == [2, [T, [103, []]]]

    def test_json_s_own_types_are_not_asked(self) -> None:
        r.convert(lambda value: True, lambda value: 1 // 0)
        value = {"a": [None, True, 1, 1.5, "x", (1,), {}]}
        assert r.expr(value).build() == {"a": [2, [None, True, 1, 1.5, "x", [2, [1]], {}]]}


class TestWhatAConverterReturns:
    def test_is_converted_in_turn(self) -> None:
        r.convert(Point, lambda point: {"x": point.x, "c": Colour.RED, "at": dates[0]})
        r.convert(Colour, lambda colour: Level.HIGH)
        dates = [datetime(2024, 1, 2, tzinfo=timezone.utc)]
        assert r.expr(Point(Point(1))).build() == {
            "x": {"x": 1, "c": 3, "at": [99, ["2024-01-02T00:00:00+00:00"]]},
            "c": 3,
            "at": [99, ["2024-01-02T00:00:00+00:00"]],
        }

    def test_may_be_of_the_same_class(self) -> None:
        r.convert(datetime, lambda moment: moment.replace(tzinfo=timezone.utc))
        assert r.expr(datetime(2024, 1, 2)).build() == [99, ["2024-01-02T00:00:00+00:00"]]

    def test_is_refused_if_that_does_not_help(self) -> None:
        r.convert(Decimal, lambda value: value)
        with pytest.raises(ReqlTypeError, match="Object of type Decimal"):
            r.expr(Decimal(1))
        r.convert(Decimal, lambda value: Colour.RED)
        r.convert(Colour, lambda value: Decimal(1))
        with pytest.raises(ReqlTypeError, match="Object of type Decimal"):
            r.expr(Decimal(1))
        r.convert(object, lambda value: value)
        with pytest.raises(ReqlTypeError, match="Object of type Decimal"):
            r.expr(Decimal(1))

    def test_without_end_is_refused(self) -> None:
        r.convert(Point, lambda point: {"next": Point(1)})
        with pytest.raises(ReqlDriverCompileError, match="Nesting depth limit"):
            r.expr(Point(1))
        r.convert(Point, None)
        endless = codec({Point: lambda point: {"next": Point(1)}})
        with pytest.raises(ReqlDriverCompileError, match="Nesting depth limit"):
            sent(r.expr(Point(1)), endless)

    def test_what_it_raises_is_the_cause(self) -> None:
        r.convert(Decimal, lambda value: 1 // 0)
        with pytest.raises(ReqlValueError) as caught:
            t.insert({"a": [1, Decimal("9.5")]})
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert "ZeroDivisionError" in str(caught.value)
        assert "['a'][1] in an argument of insert()" in str(caught.value)

        def refuses(value: Any) -> Any:
            raise ReqlDriverError("mine")

        r.convert(Decimal, refuses)
        with pytest.raises(ReqlDriverError, match="mine"):
            r.expr(Decimal(1))


class TestKeys:
    def test_are_converted(self) -> None:
        r.convert(uuid.UUID, str)
        r.convert(Colour, lambda colour: colour.value)
        key = uuid.UUID(int=1)
        assert r.expr({key: 1, Colour.RED: {key: 2}}).build() == {
            str(key): 1,
            "red": {str(key): 2},
        }

    def test_by_a_connection(self) -> None:
        table = codec({uuid.UUID: str})
        key = uuid.UUID(int=1)
        query = t.insert({"a": {key: [key]}})
        assert sent(query, table) == [56, [T, {"a": {str(key): [2, [str(key)]]}}]]
        assert str(query) == f"r.table('t').insert(r.expr({{'a': {{{key!r}: [{key!r}]}}}}))"

    def test_must_become_text(self) -> None:
        r.convert(Decimal, float)
        with pytest.raises(ReqlDriverCompileError, match=r"Object keys must be strings\..*Decimal"):
            r.expr({Decimal(1): 1})
        table = codec({Colour: lambda colour: 1})
        with pytest.raises(ReqlDriverCompileError, match=r"Object keys must be strings\..*Colour"):
            sent(r.expr({Colour.RED: 1}), table)


@pytest.mark.parametrize(
    ("kind", "converter", "text"),
    [
        (str, str, "Values of type str are never converted"),
        (dict, str, "Values of type dict are never converted"),
        (type(None), str, "Values of type NoneType are never converted"),
        ("Decimal", str, "not for 'Decimal'"),
        (None, str, "not for None"),
        (Decimal, "str", "The converter for Decimal must be a function, not 'str'"),
        (1, None, "not for 1"),
        (list, None, "Values of type list are never converted"),
    ],
)
def test_mistakes_are_refused(kind: Any, converter: Any, text: str) -> None:
    with pytest.raises(ReqlDriverError, match=text):
        r.convert(kind, converter)
    assert not state.active
    if converter is not None:
        with pytest.raises(ReqlDriverError, match=text):
            state.table({kind: converter})


# --- of a connection -----------------------------------------------------------------------------


class TestConnections:
    def test_each_has_its_own(self) -> None:
        text, number = codec({Decimal: str}), codec({Decimal: float})
        query = t.insert({"price": [Decimal("1.50")]}).count().default(Decimal("1.50"))
        inserted = [56, [T, {"price": [2, ["1.50"]]}]]
        assert sent(query, text) == [92, [[43, [inserted]], "1.50"]]
        assert sent(query, number)[1][1] == 1.5
        with pytest.raises(ReqlTypeError, match="Object of type Decimal"):
            sent(query)
        with pytest.raises(ReqlTypeError, match="Object of type Decimal"):
            query.build()

    def test_options_of_commands_and_of_run(self) -> None:
        table = codec({Decimal: str})
        query = t.get_all(1, index=Decimal(1))
        assert sent(query, table) == [78, [T, 1], {"index": "1"}]
        body = query.start_body({"x": [Decimal(1)], "db": Decimal(2)}, None, table.values)
        assert body[2] == {"x": [2, ["1"]], "db": [14, ["2"]]}

    def test_comes_before_the_process(self) -> None:
        table = codec({Decimal: str})
        r.convert(Decimal, float)
        r.convert(Colour, lambda colour: Decimal(1))
        query = r.expr([Decimal(2), Colour.RED])
        assert sent(query, table) == [2, ["2", "1"]]
        assert sent(query) == query.build() == [2, [2.0, 1.0]]

    def test_knows_what_the_driver_knows(self) -> None:
        table = codec({datetime: lambda moment: moment.year, set: sorted, Pair: Pair._asdict})
        moment = datetime(2024, 1, 2, tzinfo=timezone.utc)
        query = r.expr([moment, {2, 1}, Pair(1, 2)])
        assert sent(query, table) == [2, [2024, [2, [1, 2]], {"a": 1, "b": 2}]]
        assert sent(query) == [2, [[99, ["2024-01-02T00:00:00+00:00"]], [2, [1, 2]], [2, [1, 2]]]]

    def test_object_comes_last(self) -> None:
        table = codec({object: str})
        r.convert(Decimal, float)
        query = r.expr([Decimal(1), Colour.RED, {1}])
        assert sent(query, table) == [2, [1.0, "Colour.RED", [2, [1]]]]
        with pytest.raises(ReqlTypeError, match="Object of type Colour"):
            sent(query)
        r.convert(object, lambda value: "process")
        assert sent(query, table) == [2, [1.0, "Colour.RED", [2, [1]]]]
        assert sent(query) == [2, [1.0, "process", [2, [1]]]]

    def test_what_it_returns_is_converted_in_turn(self) -> None:
        table = codec({Point: lambda point: {"x": point.x, "set": {1}}, Decimal: str})
        r.convert(Colour, lambda colour: Point(Decimal(1)))
        assert sent(r.expr([Colour.RED]), table) == [2, [{"x": "1", "set": [2, [1]]}]]
        naive = codec({datetime: lambda moment: moment.replace(tzinfo=timezone.utc)})
        assert sent(r.expr(datetime(2024, 1, 2)), naive) == [99, ["2024-01-02T00:00:00+00:00"]]

    def test_may_return_a_query(self) -> None:
        table = codec({Decimal: lambda value: r.expr(str(value)).coerce_to("number")})
        assert sent(r.expr([Decimal(1)]), table) == [2, [[51, ["1", "number"]]]]

    def test_an_encoder_gets_the_rest(self) -> None:
        class Encoder(r.ReQLEncoder):  # type: ignore[misc, name-defined]  # its class is lazy
            def default(self, o: Any) -> Any:
                return repr(o) if isinstance(o, Colour) else super().default(o)

        both = codec({Decimal: str}, Encoder)
        query = r.expr([Decimal(1), Colour.RED, {1}])
        assert sent(query, both) == [2, ["1", "<Colour.RED: 'red'>", [2, [1]]]]
        with pytest.raises(ReqlTypeError, match="Object of type Point"):
            sent(r.expr(Point(1)), both)
        r.convert(Colour, str)
        assert sent(r.expr(Colour.RED), both) == "Colour.RED"

    def test_a_query_prints_what_it_was_given(self) -> None:
        codec_ = codec({Decimal: str})
        query = r.expr(Decimal("1.50")).add([Decimal(1)])
        assert str(query) == "(r.expr(Decimal('1.50')) + r.expr([Decimal('1')]))"
        assert codec_.values

    def test_a_query_can_be_pickled(self) -> None:
        table = codec({Decimal: str})
        query = pickle.loads(pickle.dumps(t.insert({"a": Decimal(1)})))
        assert sent(query, table) == [56, [T, {"a": "1"}]]

    def test_equal_tables_are_one(self) -> None:
        mapping: Mapping[Any, Any] = {Decimal: str}
        assert state.table(mapping) is state.table(dict(mapping))
        assert state.table(mapping) is not state.table({Decimal: float})

    def test_a_table_that_nobody_uses_is_let_go(self) -> None:
        tables = [state.table({Decimal: lambda value, n=n: n}) for n in range(100)]
        assert state.is_kept(Decimal(1))
        tables.clear()
        gc.collect()
        assert not state.is_kept(Decimal(1))
        state.table({Colour: str})
        assert len(state._tables) == 1


class TestTheErrorOfARun:
    def test_names_the_place_and_shows_the_query(self) -> None:
        table = codec({Decimal: str})
        query = t.get(1).update(lambda row: {"heroes": [1, {"price": Decimal("9.99")}]})
        with pytest.raises(ReqlTypeError) as caught:
            sent(query)
        text, shown, carets = str(caught.value).splitlines()[0], *str(caught.value).splitlines()[1:]
        assert "Decimal('9.99'), at ['heroes'][1]['price']" in text
        assert shown[carets.index("^") : carets.rindex("^") + 1] == "Decimal('9.99')"
        assert sent(query, table)

    def test_in_an_argument_and_an_option(self) -> None:
        table = codec({Decimal: str})
        with pytest.raises(ReqlTypeError, match=r"Decimal\('1'\), an argument of get\(\)"):
            sent(t.get(Decimal(1)))
        with pytest.raises(ReqlTypeError, match=r"the option `index` of get_all\(\)"):
            sent(t.get_all(1, index=Decimal(1)))
        with pytest.raises(ReqlTypeError, match="the run option `x`"):
            t.start_body({"x": [Decimal(1)]}, None)
        assert table.values

    def test_in_many_documents(self, any_length: None) -> None:
        table = codec({Decimal: str})
        query = t.insert([{"n": n, "price": Decimal(n)} for n in range(9)])
        with pytest.raises(ReqlTypeError, match=r"\[0\]\['price'\] in an argument of insert\(\)"):
            sent(query)
        assert sent(query, table)


# --- in the text of many documents ---------------------------------------------------------------


@pytest.fixture
def any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("orjson")
    monkeypatch.setattr(bulk, "_LEAST_TEXT", 1)


VALUES: dict[str, tuple[Any, Any, Any]] = {
    "Decimal": (Decimal, str, Decimal("1.50")),
    "UUID": (uuid.UUID, str, uuid.UUID(int=1)),
    "UUID otherwise": (uuid.UUID, lambda value: value.int, uuid.UUID(int=1)),
    "Enum": (Colour, lambda colour: colour.value, Colour.RED),
    "Enum otherwise": (enum.Enum, lambda colour: colour.name, Colour.RED),
    "dataclass": (Point, dataclasses.asdict, Point(1, [{"a": 1.5}])),
    "namedtuple": (Pair, Pair._asdict, Pair(1, "2")),
    "date": (date, date.isoformat, date(2024, 1, 2)),
    "set": (set, sorted, {2, 1}),
}

values = pytest.mark.parametrize(("kind", "converter", "value"), VALUES.values(), ids=VALUES)


def meant(wire: Any) -> Any:
    """The value that the server makes of plain terms."""
    if isinstance(wire, list):
        number, arguments = wire
        return json.loads(*arguments) if number == 98 else [meant(inner) for inner in arguments]
    if isinstance(wire, dict):
        return {name: meant(value) for name, value in wire.items()}
    return wire


def rows(value: Any) -> list[Any]:
    return [{"n": n, "text": 'x"', "value": [value], "null": None} for n in range(9)]


@values
def test_the_process_s_go_into_the_text(
    kind: Any, converter: Any, value: Any, any_length: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    r.convert(kind, converter)
    query = t.insert(rows(value))
    wire = sent(query)[1][1]
    assert wire[0] == 98
    shown = str(query)
    monkeypatch.setattr(bulk, "orjson", None)
    plain = t.insert(rows(value))
    assert meant(wire) == meant(sent(plain)[1][1])
    assert shown == str(plain)


@values
def test_a_connection_s_go_into_the_text(
    kind: Any, converter: Any, value: Any, any_length: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, other = codec({kind: converter}), codec({kind: lambda value: "other"})
    query = t.insert(rows(value))
    wire = sent(query, table)[1][1]
    assert wire[0] == 98
    assert json.loads(*sent(query, other)[1][1][1])[8]["value"] == ["other"]
    twin = pickle.loads(pickle.dumps(query))
    assert sent(twin, table) == sent(query, table)
    shown = str(query)
    monkeypatch.setattr(bulk, "orjson", None)
    plain = t.insert(rows(value))
    assert meant(wire) == meant(sent(plain, table)[1][1])
    assert shown == str(plain)


def test_a_process_s_converter_completes_what_a_connection_might_have(any_length: None) -> None:
    table = codec({Decimal: str})
    r.convert(Decimal, float)
    query = t.insert(rows(Decimal(1)))
    assert json.loads(*sent(query)[1][1][1])[0]["value"] == [1.0]
    assert json.loads(*sent(query, table)[1][1][1])[0]["value"] == ["1"]


def test_what_is_no_plain_data_goes_as_terms(any_length: None) -> None:
    table = codec({Decimal: lambda value: r.now()})
    query = t.insert(rows(Decimal(1)))
    assert sent(query, table)[1][1][1][0]["value"] == [2, [[103, []]]]
    assert sent(query, codec({Decimal: lambda value: 2**70}))[1][1][1][0]["value"] == [2, [2**70]]
    r.convert(Colour, lambda colour: r.now())
    mixed = sent(t.insert([*rows(1), {"c": Colour.RED}]))[1][1][1]
    assert mixed[0][0] == 98
    assert mixed[9] == {"c": [103, []]}


def test_datetimes_with_converters(any_length: None) -> None:
    naive, aware = datetime(2024, 1, 2), datetime(2024, 1, 2, tzinfo=timezone.utc)
    time = {"$reql_type$": "TIME", "epoch_time": 1704153600.0, "timezone": "+00:00"}
    r.convert(datetime, lambda moment: moment.replace(tzinfo=timezone.utc))
    query = t.insert(rows(naive))
    assert json.loads(*sent(query)[1][1][1])[0]["value"] == [time]
    assert str(query).count("r.iso8601('2024-01-02T00:00:00+00:00')") == 9
    r.convert(datetime, lambda moment: moment.year)
    assert json.loads(*sent(t.insert(rows(aware)))[1][1][1])[0]["value"] == [2024]
    r.convert(datetime, None)
    table = codec({datetime: lambda moment: moment.month})
    query = t.insert(rows(aware))
    assert json.loads(*sent(query, table)[1][1][1])[0]["value"] == [1]
    assert sent(query)[1][1][1][0]["value"] == [2, [[99, ["2024-01-02T00:00:00+00:00"]]]]


def test_datetimes_beside_values_with_converters(any_length: None) -> None:
    table = codec({Decimal: str})
    aware = datetime(2024, 1, 2, tzinfo=timezone.utc)
    r.convert(Colour, str)
    documents = [{"at": aware, "d": Decimal(n), "c": Colour.RED} for n in range(9)]
    query = t.insert(documents)
    (text,) = sent(query, table)[1][1][1]
    assert json.loads(text)[3] == {
        "at": {"$reql_type$": "TIME", "epoch_time": 1704153600.0, "timezone": "+00:00"},
        "d": "3",
        "c": "Colour.RED",
    }
    assert "'d': Decimal('3'), 'c': 'Colour.RED'" in str(query)
    assert str(query).count("r.iso8601('2024-01-02T00:00:00+00:00')") == 9


def test_keys_go_into_the_text(any_length: None) -> None:
    r.convert(uuid.UUID, str)
    key = uuid.UUID(int=1)
    wire = sent(t.insert([{"k": {key: key}}] * 9))[1][1]
    assert json.loads(*wire[1])[0] == {"k": {str(key): str(key)}}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (float("nan"), ReqlValueError),
        (Colour.RED, ReqlTypeError),
        ({1: 1}, ReqlDriverCompileError),
        (datetime(2024, 1, 2), ReqlDriverCompileError),
    ],
)
def test_what_is_refused_is_refused_beside_values_with_converters(
    value: Any, error: type[Exception], any_length: None
) -> None:
    r.convert(Decimal, str)
    with pytest.raises(error):
        t.insert([{"d": Decimal(1), "v": value}] * 9)


def test_a_converter_that_fails_is_told_of_once(any_length: None) -> None:
    r.convert(Decimal, lambda value: 1 // 0)
    with pytest.raises(ReqlValueError, match=r"at \[0\]\['d'\] in an argument of insert\(\)"):
        t.insert([{"d": Decimal(1)}] * 9)


def test_nesting_has_the_same_limit(any_length: None) -> None:
    def nested(levels: int) -> Any:
        return {"a": nested(levels - 1)} if levels else Decimal(1)

    r.convert(Decimal, lambda value: [[1]])
    assert sent(t.insert([nested(17)] * 9))[1][1][0] == 98
    with pytest.raises(ReqlDriverCompileError, match="Nesting depth"):
        t.insert([nested(18)] * 9)
    r.convert(Decimal, None)
    table = codec({Decimal: lambda value: [[1]]})
    assert sent(t.insert([nested(17)] * 9), table)[1][1][0] == 98
    with pytest.raises(ReqlDriverCompileError, match="Nesting depth"):
        sent(t.insert([nested(18)] * 9), table)


# --- threads -------------------------------------------------------------------------------------


def test_threads_see_one_table_or_the_other() -> None:
    r.convert(Decimal, lambda value: "a")
    found: set[Any] = set()
    done = threading.Event()

    def build() -> None:
        while not done.is_set():
            found.add(r.expr(Decimal(1)).build())

    threads = [threading.Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(300):
        r.convert(Decimal, lambda value, n=n: "ab"[n % 2])
        r.convert(Colour, str if n % 2 else None)
        state.table({Point: lambda value, n=n: n})
    done.set()
    for thread in threads:
        thread.join()
    assert found <= {"a", "b"}


def test_tables_can_be_made_by_many_threads() -> None:
    found: list[Converters] = []
    threads = [
        threading.Thread(target=lambda: found.append(state.table({Decimal: str})))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert converters.state.is_kept(decimal.Decimal(1))
