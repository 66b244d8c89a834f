"""Mistakes that programs make with queries: errors say what is wrong, where, and what to write."""

from __future__ import annotations

import datetime as dt
import enum
import importlib.util
import inspect
import ipaddress
import pathlib
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from rethinkdb import RethinkDB, converters, errors, loops, r
from rethinkdb.embedded import Server
from rethinkdb.testing.conformance.drivers import DRIVERS

from .trying import installed

t = r.table("t")


@pytest.fixture(autouse=True)
def no_converters(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no converters, and no encoders: other tests make some, for the whole process."""
    for name, value in vars(converters.State()).items():
        monkeypatch.setattr(converters.state, name, value)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


def refusal(build: Callable[[], Any]) -> str:
    """The text with which something is refused."""
    with pytest.raises(errors.ReqlError) as caught:
        build()
    return str(caught.value)


# --- where it is ---------------------------------------------------------------------------------

DECIMAL = Decimal("9.99")

PLACES: dict[str, tuple[Callable[[], Any], str]] = {
    "document": (
        lambda: t.insert({"heroes": [1, 2, 3, {"born": DECIMAL}]}),
        ", at ['heroes'][3]['born'] in an argument of insert(). ",
    ),
    "documents": (
        lambda: t.insert([{"a": 1}, {"a": DECIMAL}]),
        ", at [1]['a'] in an argument of insert(). ",
    ),
    "many documents": (
        lambda: t.insert([{"a": "x" * 1000}] * 99 + [{"a": (1, DECIMAL)}]),
        ", at [99]['a'][1] in an argument of insert(). ",
    ),
    "argument": (lambda: t.get(DECIMAL), ", an argument of get(). "),
    "table": (lambda: r.table("t", DECIMAL), ", an argument of table(). "),
    "option": (
        lambda: t.insert({}, conflict=DECIMAL),
        ", the option `conflict` of insert(). ",
    ),
    "in an option": (
        lambda: r.http("x", params={"a": [DECIMAL]}),
        ", at ['a'][0] in the option `params` of http(). ",
    ),
    "operator": (lambda: r.row["a"] + DECIMAL, ", an argument of add(). "),
    "brackets": (lambda: r.row[DECIMAL], ", an argument of [...]. "),
    "function": (lambda: t.map(lambda x: {"a": DECIMAL}), ", at ['a'] in an argument of map(). "),
    "call in a function": (lambda: t.map(lambda x: x + DECIMAL), ", an argument of add(). "),
    "expr": (lambda: r.expr(DECIMAL), "Decimal('9.99'). "),
    "in expr": (lambda: r.expr([{"a": DECIMAL}]), ", at [0]['a']. "),
    "mapping": (
        lambda: r.expr({"a": {"b": {1: 2}}}),
        "one is of type int: 1, at ['a']['b']. Write str(key) in its place.",
    ),
    "number": (
        lambda: t.insert({"a": [float("nan")]}),
        ": nan, at ['a'][0] in an argument of insert(). ",
    ),
    "date": (
        lambda: t.insert({"a": [date(2024, 1, 2)]}),
        ": datetime.date(2024, 1, 2), at ['a'][0] in an argument of insert(). ",
    ),
    "datetime": (
        lambda: t.insert({"a": [datetime(2024, 1, 2)]}),
        ": datetime.datetime(2024, 1, 2, 0, 0), at ['a'][0] in an argument of insert(). ",
    ),
}


@pytest.mark.parametrize(("build", "text"), PLACES.values(), ids=PLACES)
def test_the_error_says_where_the_value_is(build: Any, text: str) -> None:
    assert text in refusal(build)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (
            t.insert({"files": [{"name": "\ud800.txt"}]}),
            "at ['files'][0]['name'] in an argument of insert()",
        ),
        (
            t.insert({"at": r.now(), "names": ["a", "\ud800"]}),
            "at ['names'][1] in an argument of insert()",
        ),
        (t.insert({"a": {"\ud800": 1}}), "at ['a']['\\ud800'] in an argument of insert()"),
        (t.get("\ud800"), "an argument of get()"),
        (t.get_all(1, index="\ud800"), "the option `index` of get_all()"),
        (t.map(lambda x: x + "\ud800"), "an argument of add()"),
        (
            t.insert([{"n": n, "name": "\ud800"} for n in range(99)]),
            "at [0]['name'] in an argument",
        ),
        (r.expr("\ud800"), "'\\ud800'"),
    ],
)
def test_half_a_character(query: Any, place: str, server: Server) -> None:
    with r.connect(server.host, server.port) as conn:
        with pytest.raises(UnicodeEncodeError) as caught:
            query.run(conn)
        text = str(caught.value)
        assert "surrogates not allowed" in text
        assert place in text
        assert "half of a character" in text
        assert r.expr(1).run(conn) == 1


def test_half_a_character_in_a_run_option(server: Server) -> None:
    with (
        r.connect(server.host, server.port) as conn,
        pytest.raises(UnicodeEncodeError, match="surrogates not allowed"),
    ):
        r.expr(1).run(conn, x="\ud800")


def test_what_an_encoder_of_the_program_s_own_does_not_know(server: Server) -> None:
    class Encoder(r.ReQLEncoder):  # type: ignore[misc, name-defined]  # its class is lazy
        pass

    query = t.insert({"a": [1, DECIMAL]})
    with r.connect(server.host, server.port, json_encoder=Encoder) as conn:
        text = refusal(lambda: query.run(conn))
    assert "Object of type Decimal is not JSON serializable in:\nr.table('t').insert(" in text
    assert text.splitlines()[-1].strip() == "^" * len("Decimal('9.99')")


def test_a_long_path_is_cut() -> None:
    value: Any = DECIMAL
    for _ in range(18):
        value = [value]
    assert ", at " + "[0]" * 6 + "..." + "[0]" * 6 + ". " in refusal(lambda: r.expr(value))


def test_a_long_value_is_cut() -> None:
    text = refusal(lambda: r.expr(Decimal("1" * 5000)))
    assert len(text) < 500
    assert "111..." in text


def test_a_value_that_cannot_be_shown() -> None:
    class Sullen:
        def __repr__(self) -> str:
            raise ZeroDivisionError

    assert "serializable: a Sullen, an argument of get()" in refusal(lambda: t.get(Sullen()))


# --- what to write -------------------------------------------------------------------------------


@dataclass
class Point:
    x: int


class Colour(enum.Enum):
    RED = 1


class Other:
    pass


class Model:
    """Like one of pydantic."""

    def model_dump(self) -> dict[str, int]:
        return {"x": 1}


class Attrs:
    """Like a class of attrs."""

    __attrs_attrs__ = ()


class Struct:
    """Like one of msgspec."""

    __struct_fields__ = ()


ADVICE: dict[str, tuple[Any, str, str]] = {
    "Decimal": (DECIMAL, "str(value) or float(value)", "Decimal, str"),
    "UUID": (uuid.UUID(int=1), "str(value)", "UUID, str"),
    "Enum": (Colour.RED, "value.value", "Enum, lambda member: member.value"),
    "dataclass": (Point(1), "dataclasses.asdict(value)", "Point, dataclasses.asdict"),
    "model": (Model(), "value.model_dump()", "Model, Model.model_dump"),
    "attrs": (Attrs(), "attrs.asdict(value)", "Attrs, attrs.asdict"),
    "struct": (Struct(), "msgspec.to_builtins(value)", "Struct, msgspec.to_builtins"),
    "timedelta": (dt.timedelta(1), "value.total_seconds()", "timedelta, timedelta.total_seconds"),
    "time": (dt.time(1), "value.isoformat()", "time, time.isoformat"),
    "path": (pathlib.Path("x"), "str(value)", "PurePath, str"),
    "address": (ipaddress.ip_address("::1"), "str(value)", "IPv6Address, str"),
    "pattern": (re.compile("x"), "value.pattern", "re.Pattern, lambda pattern: pattern.pattern"),
    "other": (Other(), "a value that ReQL has", "Other, function"),
    "complex": (1j, "a value that ReQL has", "complex, function"),
}


@pytest.mark.parametrize(("value", "expression", "entry"), ADVICE.values(), ids=ADVICE)
def test_the_error_says_what_to_write(value: Any, expression: str, entry: str) -> None:
    text = refusal(lambda: t.insert({"a": value}))
    assert text.startswith(f"Object of type {type(value).__name__} is not JSON serializable: ")
    assert f". Write {expression} in its place, or allow such values once: " in text
    assert f"r.convert({entry}) for the process, " in text
    kind, _, converter = entry.partition(", ")
    assert f"r.connect(..., converters={{{kind}: {converter}}}) for a connection." in text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (DECIMAL, Decimal),
        (uuid.UUID(int=1), uuid.UUID),
        (dt.timedelta(1), dt.timedelta),
        (dt.time(1), dt.time),
        (pathlib.Path("x"), pathlib.PurePath),
        (Colour.RED, enum.Enum),
        (Point(1), Point),
        (re.compile("x"), re.Pattern),
        (ipaddress.ip_address("::1"), ipaddress.IPv6Address),
        (ipaddress.ip_address("127.0.0.1"), ipaddress.IPv4Address),
        (date(2024, 1, 2), date),
        (datetime(2024, 1, 2), datetime),
    ],
)
def test_what_it_says_to_write_works(value: Any, kind: Any) -> None:
    import dataclasses

    text = refusal(lambda: r.expr(value))
    found = re.search(r"r\.convert\((.+?)\)(?: for the process|\.$)", text)
    assert found is not None
    names = {
        **vars(dt),
        **vars(ipaddress),
        "datetime": datetime,
        "Decimal": Decimal,
        "UUID": uuid.UUID,
        "Enum": enum.Enum,
        "PurePath": pathlib.PurePath,
        "Point": Point,
        "dataclasses": dataclasses,
        "re": re,
        "r": r,
    }
    eval(f"r.convert({found[1]})", names)
    assert converters.state.process.items.keys() == {kind}
    assert r.expr([value]).build()


def test_dates_are_not_made_aware() -> None:
    text = refusal(lambda: r.expr(date(2024, 1, 2)))
    assert "Make it aware" not in text
    assert "value.isoformat()" in text
    assert "datetime.combine(value, time.min, r.make_timezone('+00:00'))" in text


# --- functions, connections, cursors, results ----------------------------------------------------


def test_an_async_function() -> None:
    async def double(x: Any) -> Any:
        return x * 2

    async def numbers(x: Any) -> Any:
        yield x

    class Shop:
        async def price(self, item: Any) -> Any:
            return item

    for function in (double, numbers, Shop().price):
        text = refusal(lambda function=function: t.map(function))
        assert text.startswith("An async function cannot be part of a query: <")
        assert "an argument of map(). " in text
        assert "`def` or `lambda`" in text


def test_a_coroutine() -> None:
    async def result() -> None: ...

    for build in (r.expr, t.get, lambda value: t.insert({"a": [value]})):
        coroutine = result()
        text = refusal(lambda build=build, coroutine=coroutine: build(coroutine))
        assert text.startswith("Not a value of a query: a coroutine that has not been awaited")
        assert "Write `await` before it" in text
        coroutine.close()


async def done(result: Any) -> Any:
    """The result of an operation, on loops with awaitables and on others."""
    return await result if inspect.isawaitable(result) else result


@pytest.mark.parametrize("loop", DRIVERS)
def test_the_driver_s_own_objects(loop: str, server: Server) -> None:
    installed(loop)
    driver = DRIVERS[loop]()
    found: dict[str, Any] = {}

    async def main() -> None:
        own = RethinkDB()
        own.set_loop_type(None if loop == "blocking" else loop)
        conn = await done(own.connect(server.host, server.port, **driver.options()))
        for name, build in {
            "table": lambda: r.table("x", conn),
            "document": lambda: t.insert({"a": [conn]}),
            "option": lambda: t.insert({}, conflict=conn),
            "run option": lambda: r.expr(1).run(conn, conn=conn),
            "expr": lambda: r.expr(conn),
        }.items():
            found[f"connection, {name}"] = await refused(build)
        found["connection runs a value"] = await refused(lambda: conn.run(1))
        cursor = await done(r.range(3).run(conn))
        found["runs on a cursor"] = await refused(lambda: t.run(cursor))
        if hasattr(cursor, "__iter__"):
            assert r.expr(cursor).build() == [2, [0, 1, 2]]
        else:
            found["cursor"] = await refused(lambda: t.insert({"a": cursor}))
        await done(cursor.close())
        feed = await done(r.db("rethinkdb").table("db_config").changes().run(conn))
        found["feed"] = await refused(lambda: r.expr([feed]))
        await done(feed.close())
        result = r.expr(1).run(conn)
        if inspect.isawaitable(result):
            found["result"] = await refused(lambda: t.get(result))
            assert await result == 1
        await done(conn.close())

    async def refused(build: Any) -> str:
        try:
            await done(build())
        except errors.ReqlError as error:
            return str(error)
        raise AssertionError("nothing was refused")

    driver.run(main)
    for name, place in {
        "table": "an argument of table()",
        "document": "at ['a'][0] in an argument of insert()",
        "option": "the option `conflict` of insert()",
        "run option": "the run option `conn`",
        "expr": "",
    }.items():
        text = found.pop(f"connection, {name}")
        assert text.startswith("Not a value of a query: a")
        assert place in text
        assert "Give the connection to run(), and to run() only: query.run(conn)." in text
    assert "r.expr(value).run(conn)" in found.pop("connection runs a value")
    assert "run() takes a connection" in found.pop("runs on a cursor")
    assert "It is a changefeed, which never ends" in found.pop("feed")
    if "cursor" in found:
        assert "`rows = await cursor.to_list()`" in found.pop("cursor")
    if "result" in found:
        assert "has not been awaited, an argument of get(). " in found.pop("result")
    assert not found


def test_a_handle_of_a_query(server: Server) -> None:
    with r.connect(server.host, server.port) as conn:
        handle = r.range(3).run_with(lambda row: None, conn)
        assert "Its results go to the handler" in refusal(lambda: t.insert({"a": handle}))
        handle.wait()


def test_a_pool(server: Server) -> None:
    with r.ConnectionPool(server.host, server.port) as pool:
        assert "Give the pool to run()" in refusal(lambda: r.table("x", pool))
        assert "r.expr(value)" in refusal(lambda: pool.run(1))
        assert r.expr(1).run(pool) == 1


# --- numpy ---------------------------------------------------------------------------------------


def stand_in() -> Any:
    """What numpy has, as far as the driver sees it."""

    class generic:  # noqa: N801  # as numpy calls it
        __module__ = "numpy"
        __qualname__ = "generic"

        def __init__(self, value: Any) -> None:
            self.value = value

        def item(self) -> Any:
            return self.value

    class ndarray:  # noqa: N801
        __module__ = "numpy"
        __qualname__ = "ndarray"

        def __init__(self, value: Any) -> None:
            self.value = value

        def __iter__(self) -> Any:
            if not isinstance(self.value, list):
                raise TypeError("iteration over a 0-d array")
            return map(int64, self.value)

        def tolist(self) -> Any:
            return self.value

    class int64(generic):  # noqa: N801
        pass

    class bool_(generic):  # noqa: N801
        pass

    class float64(float, generic):  # noqa: N801
        pass

    return SimpleNamespace(
        generic=generic,
        ndarray=ndarray,
        int64=int64,
        bool_=bool_,
        float64=float64,
        array=ndarray,
    )


NUMPY = {"stand-in": stand_in}
if importlib.util.find_spec("numpy"):
    NUMPY["numpy"] = lambda: importlib.import_module("numpy")


@pytest.mark.parametrize("library", NUMPY.values(), ids=NUMPY)
def test_numpy(library: Any) -> None:
    numpy = library()
    for value in (numpy.int64(1), numpy.bool_(True)):
        text = refusal(lambda value=value: t.insert({"a": value}))
        assert "Write value.item() in its place" in text
        assert "r.convert(numpy.generic, numpy.generic.item)" in text
    assert "at ['a'][0]" in refusal(lambda: t.insert({"a": numpy.array([1, 2])}))
    assert "Write value.tolist()" in refusal(lambda: t.insert({"a": numpy.array(1)}))
    assert r.expr(numpy.float64(1.5)).build() == 1.5
    r.convert(numpy.generic, numpy.generic.item)
    r.convert(numpy.ndarray, numpy.ndarray.tolist)
    values = [numpy.int64(1), numpy.array([0, 1]), numpy.array(1), numpy.bool_(True)]
    built = r.expr(values).build()
    assert built == [2, [1, [2, [0, 1]], 1, True]]
    assert type(built[1][0]) is int


def test_a_connection_that_is_not_awaited_has_no_attributes() -> None:
    opening: Any = loops.load("asyncio").make("localhost", 1)
    text = r"^This connection is not open yet, and has no attribute 'is_open'\. Write `conn = "
    with pytest.raises(AttributeError, match=text):
        opening.is_open()
    opening.close()
