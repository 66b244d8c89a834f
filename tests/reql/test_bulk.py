"""Documents sent as text: the same documents as by the ordinary path, and the same print."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import gc
import importlib.util
import json
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rethinkdb import ast, codec, errors, r
from rethinkdb.reql import bulk, plainness

MAKE_ARRAY, INSERT, JSON, ISO8601 = 2, 56, 98, 99

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4).filter(str.isprintable), inner, max_size=3)
    ),
    max_leaves=5,
)
documents = st.dictionaries(st.text("abc", max_size=3), values, max_size=4)
batches = st.lists(documents, min_size=1, max_size=2).map(lambda few: few * 8)

quarters = st.integers(-12 * 4, 14 * 4).map(lambda n: timezone(timedelta(minutes=15 * n)))
dates = st.datetimes(datetime(1700, 1, 2), datetime(2199, 12, 30), timezones=quarters)


@pytest.fixture(autouse=True, scope="module")
def any_length_will_do():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_LEAST_TEXT", 1)
        yield


def ordinary(rows: Any) -> Any:
    """The same insert, by the path that looks at each value."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "orjson", None)
        return r.table("t").insert(rows)


def sent(query: Any) -> Any:
    """What is to be inserted, on the wire."""
    number, (_, inserted) = query.build()
    assert number == INSERT
    return inserted


def meant(wire: Any) -> Any:
    """The value that the server makes of plain terms."""
    if isinstance(wire, list):
        number, arguments = wire
        if number == JSON:
            return json.loads(*arguments)
        assert number == MAKE_ARRAY
        return [meant(argument) for argument in arguments]
    if isinstance(wire, dict):
        return {name: meant(value) for name, value in wire.items()}
    return wire


@given(batches)
@example([{"a": -0.0, "b": 5e-324, "c": 2**53 + 1, "d": "\0\x7f\u2028 null"}] * 8)
@example([{"a": None, "b": 1e308, "c": 1e308}] * 8)
@example([{"$reql_type$": "TIME", "epoch_time": 1, "timezone": "+00:00"}] * 8)
def test_the_text_says_what_the_terms_say(rows):
    query, plain = r.table("t").insert(rows), ordinary(rows)
    assert repr(meant(sent(query))) == repr(meant(sent(plain)))
    assert str(query) == str(plain)


@given(batches)
def test_plain_documents_go_as_one_text(rows):
    number, (text,) = sent(r.table("t").insert(rows))
    assert number == JSON
    assert len(json.loads(text)) == len(rows)


@given(st.lists(dates, min_size=1, max_size=2).map(lambda few: few * 8))
@example([datetime(2024, 5, 1, 12, 30, 0, 500, tzinfo=timezone.utc)] * 8)
@example([datetime(1969, 12, 31, 23, 59, 59, 999500, tzinfo=timezone.utc)] * 8)
def test_dates_are_rounded_to_milliseconds(found):
    rows = [{"at": [date]} for date in found]
    query = r.table("t").insert(rows)
    for date, row in zip(found, meant(sent(query)), strict=True):
        (time,) = row["at"]
        microseconds = (date - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(
            microseconds=1
        )
        away = (abs(microseconds) + 500) // 1000 * (1 if microseconds > 0 else -1)
        assert time == {
            "$reql_type$": "TIME",
            "epoch_time": away / 1000,
            "timezone": date.isoformat()[-6:],
        }
    assert str(query) == str(ordinary(rows))


utc = timezone.utc
AWKWARD_DATES = {
    "long ago": datetime(1699, 12, 31, tzinfo=utc),
    "far off": datetime(2200, 1, 1, tzinfo=utc),
    "far west": datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-13))),
    "far east": datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=15))),
    "odd minutes": datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-7, minutes=-6))),
    "seconds": datetime(2024, 1, 1, tzinfo=timezone(timedelta(seconds=1))),
}


@pytest.mark.parametrize("date", AWKWARD_DATES.values(), ids=AWKWARD_DATES)
def test_dates_the_server_might_see_otherwise_go_as_terms(date):
    _, rows = sent(r.table("t").insert([{"n": n} for n in range(8)] + [{"at": date}]))
    assert [row[0] for row in rows[:8]] == [JSON] * 8
    assert rows[8] == {"at": [ISO8601, [date.isoformat()]]}


def test_a_date_beside_the_programs_own_pseudo_type_goes_as_a_term():
    date = datetime(2024, 1, 1, tzinfo=utc)
    own = {"$reql_type$": "TIME", "epoch_time": 1, "timezone": "+00:00"}
    query = r.table("t").insert([{"own": own, "at": date}] * 8)
    assert str(query) == str(ordinary([{"own": own, "at": date}] * 8))
    assert sent(query)[1][0]["at"][0] == ISO8601


class Colour(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Subclass(dict):
    pass


SPECIAL = {
    "term": r.now(),
    "enumeration": Colour.RED,
    "number": Number.ONE,
    "bytes": b"abc",
    "long": 2**64,
    "set": frozenset([1]),
    "mapping": Subclass(a=1),
    "key": {Colour.RED: 1},
    "function": lambda row: row["a"],
}


@pytest.mark.parametrize("value", SPECIAL.values(), ids=SPECIAL)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [{"a": value}]])
def test_what_is_not_plain_takes_the_ordinary_path_alone(value, wrap):
    rows = [{"n": n} for n in range(8)] + [{"v": wrap(value)}]
    query = r.table("t").insert(rows)
    _, found = sent(query)
    assert [row[0] for row in found[:8]] == [JSON] * 8
    if not callable(value):  # each has variables of its own
        assert found[8] == sent(ordinary(rows))[1][8]
        assert str(query) == str(ordinary(rows))


REFUSED = {
    "nan": (float("nan"), errors.ReqlValueError),
    "infinity": (float("-inf"), errors.ReqlValueError),
    "uuid": (uuid.UUID(int=1), errors.ReqlTypeError),
    "key": ({1: 1}, errors.ReqlDriverCompileError),
    "naive date": (datetime(2024, 1, 1), errors.ReqlDriverCompileError),
}


class Plain(enum.Enum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int


REFUSED |= {
    "plain enumeration": (Plain.ONE, errors.ReqlTypeError),
    "decimal": (decimal.Decimal(1), errors.ReqlTypeError),
    "object": (Point(1), errors.ReqlTypeError),
    "date": (dt.date(2024, 1, 1), errors.ReqlDriverCompileError),
    "time": (dt.time(1), errors.ReqlTypeError),
    "deep uuid": ([{"a": (1, [uuid.UUID(int=1)])}], errors.ReqlTypeError),
    "deep nan": ([{"a": (1.5, [None, float("nan")])}], errors.ReqlValueError),
}
if importlib.util.find_spec("orjson"):
    import orjson

    # A function makes it: while there is a fragment anywhere, all documents are looked at closely.
    REFUSED["fragment"] = (lambda: orjson.Fragment(b"1"), errors.ReqlTypeError)


@pytest.mark.parametrize(("value", "error"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("extra", [{}, {"none": None, "text": "null"}])
def test_what_the_ordinary_path_refuses_is_refused(value, error, extra):
    value = value() if callable(value) else value
    with pytest.raises(error) as expected:
        ordinary([{"n": 1}] * 8 + [{"v": value}])
    with pytest.raises(error) as found:
        r.table("t").insert([{"n": 1}] * 8 + [{"v": value, **extra}])
    assert str(found.value) == str(expected.value)


def test_half_a_character_is_refused_when_sent():
    query = r.table("t").insert([{"v": "\ud800"}] * 8)
    with pytest.raises(UnicodeEncodeError):
        codec.Codec().encode(query.build())


def nested(levels: int, value: Any = ()) -> Any:
    """A value in so many dicts; it counts as one of them if it is a container."""
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("extra", [{}, {"none": None}])
@pytest.mark.parametrize("innermost", [[], {}, 1, datetime(2024, 1, 1, tzinfo=utc), Plain.ONE])
def test_nesting_has_the_same_limit(innermost, extra):
    for levels in [*range(ast.NESTING_DEPTH - 3, ast.NESTING_DEPTH + 1), 400]:
        rows = [{"a": nested(levels, innermost), **extra}] * 8
        assert outcome(r.table("t").insert, rows) == outcome(ordinary, rows)


@pytest.mark.parametrize("extra", [{}, {"none": None}])
def test_what_is_just_within_the_limit_of_nesting_is_plain(extra):
    deepest = nested(ast.NESTING_DEPTH - 2)  # the list and the document are the other two
    assert sent(r.table("t").insert([{"a": deepest, **extra}] * 8))[0] == JSON


def hidden(value: Any) -> Any:
    """Documents that hold a value in the middle, deep within."""
    return [{"n": [n, {"a": 1.5, "b": []}]} for n in range(16)] + [{"n": [{"a": (value,)}]}]


@pytest.fixture
def no_close_look(monkeypatch):
    def closely(values: Any, depth: int) -> bool:
        raise AssertionError(f"looked at closely: {values}, {depth}")

    gc.collect()  # an error of another test may hold a fragment
    monkeypatch.setattr(plainness, "_have_types", closely)


def test_plain_documents_are_not_looked_at_closely(no_close_look):
    for value in ("text", 1, 1.5, True, {}, [], datetime(2024, 1, 1, tzinfo=utc)):
        assert sent(r.table("t").insert(hidden(value)))[0] == JSON


@pytest.mark.parametrize("value", [uuid.UUID(int=1), Plain.ONE], ids=["uuid", "enumeration"])
def test_what_comes_to_no_end_is_looked_at_closely(no_close_look, value):
    with pytest.raises(AssertionError):
        r.table("t").insert(hidden(value))


def test_while_there_is_a_fragment_all_is_looked_at_closely(no_close_look):
    orjson = pytest.importorskip("orjson")
    fragment = orjson.Fragment(b"1")
    with pytest.raises(AssertionError):
        r.table("t").insert(hidden(1))
    del fragment
    assert sent(r.table("t").insert(hidden(1)))[0] == JSON


def test_what_contains_itself_is_refused():
    document: dict[str, Any] = {}
    document.update(dict.fromkeys("ab", document))
    with pytest.raises(errors.ReqlDriverCompileError, match="Nesting depth"):
        r.table("t").insert([document] * 8)


def test_later_changes_of_the_documents_do_not_matter():
    rows: list[dict[str, Any]] = [{"n": [n]} for n in range(8)]
    query = r.table("t").insert(rows)
    rows[0]["n"].append(1)
    rows.clear()
    assert meant(sent(query)) == [{"n": [n]} for n in range(8)]


def test_short_lists_go_as_terms(monkeypatch):
    assert sent(r.table("t").insert([{"n": 1}] * 7))[0] == MAKE_ARRAY
    monkeypatch.setattr(bulk, "_LEAST_TEXT", 10_000)
    assert sent(r.table("t").insert([{"n": 1}] * 999))[0] == MAKE_ARRAY


def test_texts_that_might_not_fit_into_a_query_go_as_terms(monkeypatch):
    monkeypatch.setattr(bulk, "_MOST_TEXT", 100)
    assert sent(r.table("t").insert([{"n": "x" * 80}] * 8))[1][0][0] == JSON
    assert sent(r.table("t").insert([{"n": "x" * 100}] * 8))[0] == MAKE_ARRAY
    assert sent(r.table("t").insert([{"n": "ä" * 50}] * 8))[0] == MAKE_ARRAY


def test_a_programs_own_encoder_sees_every_value():
    class Encoder(codec.ReQLEncoder):
        pass

    date = datetime(2024, 1, 1, tzinfo=utc)
    query = r.table("t").insert([{"n": 1, "at": date}] * 8)
    _, inserted, _ = query.start_body({}, None, codec.Codec(json_encoder=Encoder).values)
    assert inserted == ordinary([{"n": 1, "at": date}] * 8).build()
    assert sent(query)[0] == JSON


anything = st.recursive(
    scalars
    | st.floats()
    | st.uuids()
    | st.sampled_from([Colour.RED, Number.ONE, Plain.ONE, decimal.Decimal(1), Point(1), b"x"])
    | st.datetimes(timezones=st.none() | quarters)
    | st.integers()
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("abc", max_size=2) | st.integers(0, 1), inner, max_size=3)
    ),
    max_leaves=4,
)


def outcome(insert: Any, rows: Any) -> Any:
    """What an insert prints as, or how it is refused."""
    try:
        return str(insert(rows))
    except errors.ReqlError as exc:
        return type(exc), str(exc)


@given(st.lists(st.dictionaries(st.text("abc", max_size=2), anything, max_size=2), min_size=1))
def test_any_documents_have_the_outcome_of_the_ordinary_path(few):
    rows = few * 8
    assert outcome(r.table("t").insert, rows) == outcome(ordinary, rows)


dated = st.recursive(
    scalars | dates | st.floats() | st.sampled_from([1e308, -1e308, Colour.RED, Number.ONE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
alike = st.fixed_dictionaries({"id": scalars, "at": dates, "v": dated})


@settings(max_examples=40)
@given(
    st.lists(alike, min_size=1, max_size=4) | st.lists(alike | documents, min_size=1, max_size=4)
)
@example([{"at": datetime(2024, 1, 1, tzinfo=utc), "v": value} for value in (1e308, 1e308)])
@example([{"at": datetime(2024, 1, 1, tzinfo=utc), "v": value} for value in (None, float("nan"))])
@example([{"at": datetime(2024, 1, 1, tzinfo=utc), "v": value} for value in ("red", Colour.RED)])
def test_dated_documents_of_all_shapes_have_the_outcome_of_the_ordinary_path(few):
    rows = few * 8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_PART", 5)  # several parts
        assert outcome(r.table("t").insert, rows) == outcome(ordinary, rows)


@pytest.mark.parametrize("place", [0, 7, 15])
@pytest.mark.parametrize("value", [Plain.ONE, float("nan"), {"a": [uuid.UUID(int=1)]}])
def test_one_value_that_is_refused_is_found_among_dated_documents(monkeypatch, place, value):
    monkeypatch.setattr(bulk, "_PART", 5)
    rows = [{"at": datetime(2024, 1, 1, tzinfo=utc), "v": 1} for _ in range(16)]
    rows[place]["v"] = value
    with pytest.raises(errors.ReqlDriverCompileError, match=rf"at \[{place}\]"):
        r.table("t").insert(rows)


def test_a_date_after_those_of_one_zone_has_its_own_offset():
    class Zone(dt.tzinfo):
        def utcoffset(self, when: datetime | None) -> timedelta:
            assert when is not None
            return timedelta(hours=when.hour // 12)

        def dst(self, when: datetime | None) -> None:
            return None

    zone = Zone()
    rows = [
        {"at": datetime(2024, 1, 1, hour, tzinfo=zone if hour % 2 else utc)} for hour in range(24)
    ]
    found = [row["at"]["timezone"] for row in meant(sent(r.table("t").insert(rows)))]
    assert found == ["+01:00" if hour > 12 and hour % 2 else "+00:00" for hour in range(24)]
