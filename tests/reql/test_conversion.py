"""Python values as parts of queries."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import functools
import threading
import types
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.ast import Datum, MakeArray, MakeObj
from rethinkdb.codec import Codec
from rethinkdb.errors import ReqlDriverCompileError, ReqlTypeError, ReqlValueError

from .forms import wire


class Number(enum.IntEnum):
    TWO = 2


class Word(str, enum.Enum):
    HELLO = "hello"


class Name(str):
    def __str__(self) -> str:
        return "something else"


class Size(int):
    pass


class Weight(float):
    pass


BINARY = {"$reql_type$": "BINARY", "data": "YWI="}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (2**100, 2**100),
        (1.5, 1.5),
        ("a", "a"),
        (Number.TWO, 2),
        (Word.HELLO, "hello"),
        (Name("n"), "n"),
        (Size(3), 3),
        (Weight(1.5), 1.5),
        (b"ab", BINARY),
        (bytearray(b"ab"), BINARY),
        (memoryview(b"ab"), BINARY),
        ([1, [2]], [2, [1, [2, [2]]]]),
        ((1, 2), [2, [1, 2]]),
        (range(2), [2, [0, 1]]),
        ({1}, [2, [1]]),
        (frozenset({1}), [2, [1]]),
        ((n for n in (1, 2)), [2, [1, 2]]),
        ({"a": 1}.keys(), [2, ["a"]]),
        (collections.deque([1]), [2, [1]]),
        ({"a": {"b": [1]}}, {"a": {"b": [2, [1]]}}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        ({Name("n"): 1, Word.HELLO: 2}, {"n": 1, "hello": 2}),
        ([b"ab", {"x": b"ab"}], [2, [BINARY, {"x": BINARY}]]),
        ({"$reql_type$": "TIME", "epoch_time": 1}, {"$reql_type$": "TIME", "epoch_time": 1}),
        ([r.now(), {"a": r.now()}], [2, [[103, []], {"a": [103, []]}]]),
    ],
)
def test_values(value: Any, sent: Any) -> None:
    query = r.expr(value)
    assert query.build() == sent
    assert r.expr(query) is query


@pytest.mark.parametrize("value", [Name("n"), Word.HELLO, Size(3), Number.TWO, Weight(1.5)])
def test_subclasses_lose_their_class(value: Any) -> None:
    assert type(r.expr(value).build()) in (str, int, float)
    (key,) = r.expr({Word.HELLO: 1}).build()
    assert type(key) is str


def test_classes_of_literals() -> None:
    assert type(r.expr(1)) is Datum
    assert type(r.expr([1])) is type(r.expr([r.now()])) is MakeArray
    assert type(r.expr({})) is type(r.expr({"a": r.now()})) is MakeObj


def test_later_changes_to_a_value_do_not_matter() -> None:
    document = {"a": [1, {"b": 2}]}
    query = r.table("t").insert(document)
    document["a"].append(3)
    document["a"][1]["b"] = 4  # type: ignore[index]
    assert query.build() == [56, [[15, ["t"]], {"a": [2, [1, {"b": 2}]]}]]


class TestTimes:
    def test_aware_datetime(self) -> None:
        moment = datetime.datetime(2020, 1, 2, 3, 4, 5, 6000, r.make_timezone("-07:30"))
        query = r.expr(moment)
        assert query.build() == [99, ["2020-01-02T03:04:05.006000-07:30"]]
        assert str(query) == "r.iso8601('2020-01-02T03:04:05.006000-07:30')"

    def test_inside_a_document(self) -> None:
        moment = datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)
        assert r.expr({"a": [moment]}).build() == {"a": [2, [[99, ["2020-01-02T00:00:00+00:00"]]]]}

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (datetime.datetime(2020, 1, 2), "Cannot convert datetime to ReQL time object"),
            (datetime.date(2020, 1, 2), "Cannot convert date to ReQL time object"),
        ],
    )
    def test_needs_a_timezone(self, value: Any, text: str) -> None:
        with pytest.raises(ReqlDriverCompileError, match=text) as caught:
            r.expr([value])
        assert "r.make_timezone" in str(caught.value)


class TestRefusals:
    @pytest.mark.parametrize(
        "value",
        [
            decimal.Decimal("1.5"),
            uuid.UUID(int=1),
            datetime.timedelta(1),
            datetime.time(1),
            enum.Enum("E", "A").A,  # type: ignore[attr-defined]
            object(),
            1j,
        ],
    )
    @pytest.mark.parametrize("place", [r.expr, r.table("t").insert, lambda x: r.expr({"a": [x]})])
    def test_type(self, value: Any, place: Any) -> None:
        with pytest.raises(ReqlTypeError, match="is not JSON serializable") as caught:
            place(value)
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, ReqlDriverCompileError)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_not_a_finite_number(self, value: float) -> None:
        with pytest.raises(ReqlValueError, match="Out of range") as caught:
            r.expr({"a": [value]})
        assert isinstance(caught.value, ValueError)

    @pytest.mark.parametrize("key", [1, None, b"a", (1,), r.now])
    def test_keys_that_are_no_strings(self, key: Any) -> None:
        with pytest.raises(ReqlDriverCompileError, match=r"Object keys must be strings\."):
            r.expr({key: 1})


class TestNesting:
    @staticmethod
    def nested(depth: int) -> Any:
        value: Any = 1
        for level in range(depth):
            value = [value] if level % 2 else {"a": value}
        return value

    def test_limit(self) -> None:
        r.expr(self.nested(20))
        with pytest.raises(ReqlDriverCompileError, match=r"Nesting depth limit exceeded\."):
            r.expr(self.nested(21))
        with pytest.raises(ReqlDriverCompileError, match=r"Nesting depth limit exceeded\."):
            r.table("t").insert(self.nested(21))

    def test_limit_can_be_set(self) -> None:
        deep = r.expr(self.nested(100), nesting_depth=100)
        assert r.table("t").insert(deep).build()[1][1] == deep.build()
        r.expr(self.nested(2), 2)
        with pytest.raises(ReqlDriverCompileError, match="Nesting depth"):
            r.expr(self.nested(3), 2)

    def test_limit_is_a_number(self) -> None:
        with pytest.raises(ReqlDriverCompileError, match="must be a number"):
            r.expr(1, "x")  # type: ignore[arg-type]

    def test_circles(self) -> None:
        array: list[Any] = []
        array.append(array)
        fields: dict[str, Any] = {}
        fields["self"] = fields
        for circle in (array, fields):
            with pytest.raises(ReqlDriverCompileError, match="Nesting depth"):
                r.expr(circle)


class TestFunctions:
    def test_parameters(self) -> None:
        assert wire(r.expr(lambda: 1)) == [69, [[2, []], 1]]
        assert wire(r.expr(lambda a: a)) == [69, [[2, [1]], [10, [1]]]]
        assert wire(r.expr(lambda a, b=2: [b, a])) == [
            69,
            [[2, [1, 2]], [2, [[10, [2]], [10, [1]]]]],
        ]

    def test_varargs_and_keywords_do_not_count(self) -> None:
        assert wire(r.expr(lambda a, *rest, key=1, **more: len(rest))) == [69, [[2, [1]], 0]]
        assert wire(r.expr(r.error)) == [69, [[2, []], [12, []]]]

    @pytest.mark.parametrize("result", [None, 1, "a", [1], {"a": 1}])
    def test_results(self, result: Any) -> None:
        assert wire(r.expr(lambda: result))[1][1] == r.expr(result).build()

    def test_called_once(self) -> None:
        calls: list[Any] = []
        query = r.table("t").map(lambda x: calls.append(x))
        query.build()
        str(query)
        assert len(calls) == 1

    def test_bound_method(self) -> None:
        class Shop:
            def price(self, item: Any) -> Any:
                return item["price"]

        assert wire(r.expr(Shop().price)) == [69, [[2, [1]], [170, [[10, [1]], "price"]]]]

    def test_partial(self) -> None:
        function = functools.partial(lambda a, b, c: [a, b, c], 1, c=3)
        assert wire(r.expr(function)) == [69, [[2, [1]], [2, [1, [10, [1]], 3]]]]

    def test_callable_object_and_class(self) -> None:
        class Add:
            def __call__(self, a: Any, b: Any) -> Any:
                return a + b

        assert wire(r.expr(Add())) == [69, [[2, [1, 2]], [24, [[10, [1]], [10, [2]]]]]]

    def test_decorated_function_counts_by_its_wrapper(self) -> None:
        @functools.wraps(lambda a, b: None)
        def wrapper(a: Any) -> Any:
            return a

        assert wire(r.expr(wrapper)) == [69, [[2, [1]], [10, [1]]]]

    def test_unknown_signature(self) -> None:
        with pytest.raises(ReqlDriverCompileError, match="wrap it in a lambda") as caught:
            r.expr([dict])
        assert isinstance(caught.value.__cause__, ValueError)

    def test_functions_restart_the_nesting_limit(self) -> None:
        inner = TestNesting.nested(20)
        r.expr([lambda: inner])

    def test_variables_are_unique_across_threads(self) -> None:
        numbers: list[int] = []

        def build() -> None:
            for _ in range(200):
                numbers.extend(r.expr(lambda a, b: a).build()[1][0][1])

        threads = [threading.Thread(target=build) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(numbers) == len(set(numbers)) == 1600

    def test_errors_of_the_function_pass(self) -> None:
        with pytest.raises(ZeroDivisionError):
            r.expr(lambda: 1 // 0)


class TestBinary:
    def test_bytes(self) -> None:
        for data in (b"ab", bytearray(b"ab"), memoryview(b"ab")):
            assert r.binary(data).build() == BINARY

    def test_wrong_types(self) -> None:
        with pytest.raises(ReqlDriverCompileError, match="Cannot convert a unicode string to bin"):
            r.binary("ab")
        with pytest.raises(ReqlDriverCompileError, match="Cannot convert int to binary, "):
            r.binary(1)

    def test_takes_one_argument(self) -> None:
        with pytest.raises(TypeError):
            r.binary()  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            r.binary(b"", b"")  # type: ignore[call-arg]


def test_generators_are_taken_once() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    query = r.expr(numbers())
    assert query.build() == query.build() == [2, [1]]


def test_own_encoder_may_know_further_types() -> None:
    class Encoder(r.ReQLEncoder):  # type: ignore[misc, name-defined]  # r is typed, its class lazy
        def default(self, o: Any) -> Any:
            return str(o) if isinstance(o, decimal.Decimal) else super().default(o)

    query = r.table("t").insert({"price": [decimal.Decimal("1.50")]})
    assert str(query) == "r.table('t').insert(r.expr({'price': [Decimal('1.50')]}))"
    codec = Codec(json_encoder=Encoder)
    body = query.start_body({}, None, codec.values)
    assert b'{"price":[2,["1.50"]]}' in codec.encode(body)
    with pytest.raises(ReqlTypeError, match="Decimal is not JSON serializable"):
        query.start_body({}, None, Codec().values)
