"""Rows as objects: what `as_type` and `of` make of replies, and how objects are sent."""

from __future__ import annotations

import copy
import enum
import json
import pickle
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, TypedDict

import pytest

from rethinkdb import r
from rethinkdb.codec import Codec, ReQLDecoder, Response
from rethinkdb.converters import state as converters
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlDriverError, ReqlRowError, ReqlTypeError
from rethinkdb.ql2 import ResponseType
from rethinkdb.typed import Change, Geometry
from rethinkdb.typed.making import row_maker

attrs = pytest.importorskip("attrs")
msgspec = pytest.importorskip("msgspec")
pydantic = pytest.importorskip("pydantic")

NOON = datetime(2024, 5, 6, 12, tzinfo=timezone.utc)


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Address:
    zip: int


@dataclass
class Plain:
    name: str
    id: str | None = None
    born: datetime | None = None
    photo: bytes | None = None
    place: Geometry | None = None
    home: Address | None = None
    tags: list[str] = field(default_factory=list)


@attrs.define
class Attrs:
    name: str
    id: str | None = None
    born: datetime | None = None
    photo: bytes | None = None
    place: Geometry | None = None
    home: Address | None = None
    tags: list[str] = attrs.field(factory=list)


class Struct(msgspec.Struct):
    name: str
    id: str | None = None
    born: datetime | None = None
    photo: bytes | None = None
    place: Geometry | None = None
    home: Address | None = None
    tags: list[str] = []  # noqa: RUF012  # each object gets its own


class Model(pydantic.BaseModel):
    name: str
    id: str | None = None
    born: datetime | None = None
    photo: bytes | None = None
    place: Geometry | None = None
    home: Address | None = None
    tags: list[str] = []  # noqa: RUF012  # each object gets its own


class Row(TypedDict, total=False):
    name: str
    id: str | None
    born: datetime | None
    photo: bytes | None
    place: Geometry | None
    home: Address | None
    tags: list[str]


KINDS: list[Any] = [Plain, Attrs, Struct, Model, Row]

FULL = {
    "id": "b",
    "name": "Ada",
    "born": NOON,
    "photo": b"\0x",
    "place": Geometry("Point", [1, 2]),
    "home": Address(7),
    "tags": ["x"],
}


def read(hero: Any, name: str) -> Any:
    return hero[name] if isinstance(hero, dict) else getattr(hero, name)


kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def conn(server: Server) -> Iterator[Any]:
    with r.connect(port=server.port) as connection:
        r.table_create("heroes").run(connection)
        yield connection


@pytest.fixture(autouse=True)
def _empty(conn: Any) -> None:
    r.table("heroes").delete().run(conn)


# --- through a server


@kinds
def test_objects_go_in_and_come_out(conn: Any, kind: Any) -> None:
    full = {**FULL, "home": {"zip": 7}} if kind is Row else FULL
    done = r.table("heroes").insert([kind(name="Bo", id="a"), kind(**full)]).run(conn)
    assert done["inserted"] == 2
    heroes = r.table("heroes", of=kind)
    small, full = heroes.order_by("id").run(conn)
    assert read(small, "name") == "Bo"
    assert isinstance(full, dict if kind is Row else kind)
    for name, value in FULL.items():
        assert read(full, name) == value
    assert isinstance(read(full, "photo"), bytes)
    assert r.table("heroes").get("b").run(conn) == {
        **FULL,
        "place": {"$reql_type$": "GEOMETRY", "type": "Point", "coordinates": [1, 2]},
        "home": {"zip": 7},
    }


@kinds
def test_as_type_says_it_for_one_query(conn: Any, kind: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    (hero,) = r.table("heroes").run(conn, as_type=kind)
    assert read(hero, "name") == "Bo"
    assert read(conn.run(r.table("heroes").get("a"), as_type=kind), "name") == "Bo"
    assert r.table("heroes").get("none").run(conn, as_type=kind) is None
    (hero,) = r.table("heroes").order_by("id").run(conn, as_type=kind, as_cursor=True)
    assert read(hero, "name") == "Bo"
    (hero,) = r.table("heroes").coerce_to("array").run(conn, as_type=list[kind])
    assert read(hero, "name") == "Bo"


@kinds
def test_feeds_give_changes(conn: Any, kind: Any) -> None:
    feed = r.table("heroes", of=kind).changes(include_initial=True, include_states=True).run(conn)
    seen = [feed.next(), feed.next()]
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    seen.append(feed.next())
    r.table("heroes").get("a").update({"name": "Cy"}).run(conn)
    seen.append(feed.next())
    r.table("heroes").get("a").delete().run(conn)
    seen.append(feed.next())
    feed.close()
    assert [change.type for change in seen] == ["state", "state", "add", "change", "remove"]
    assert [change.state for change in seen[:2]] == ["initializing", "ready"]
    assert read(seen[3].old_val, "name") == "Bo"
    assert read(seen[3].new_val, "name") == "Cy"
    assert seen[4].new_val is None


def test_as_type_of_a_feed_is_that_of_its_documents_wherever_the_feed_is(conn: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    changes = r.table("heroes").changes(include_initial=True)
    for query in (changes, changes.filter(lambda change: change["new_val"]["name"] == "Bo")):
        for as_type in (Plain, Change[Plain]):
            feed = query.run(conn, as_type=as_type)
            assert feed.next() == Change(new_val=Plain("Bo", "a"), type="initial")
            feed.close()
    feed = changes["new_val"].run(conn, as_type=Plain)
    assert feed.next() == Plain("Bo", "a")
    feed.close()


@pytest.mark.parametrize(
    "query",
    [
        lambda t: t.filter({"name": "Bo"}),
        lambda t: t.between("a", "b"),
        lambda t: t.get_all("a"),
        lambda t: t.order_by(index="id").limit(3),
        lambda t: t.limit(1).skip(0)[0:1],
        lambda t: t.has_fields("name").sample(1),
        lambda t: t.distinct(),
        lambda t: t.union(r.table("heroes", of=Plain)).limit(1),
        lambda t: t.coerce_to("array"),
    ],
)
def test_a_typed_table_types_what_gives_its_documents(conn: Any, query: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    assert list(query(r.table("heroes", of=Plain)).run(conn)) == [Plain("Bo", "a")]


@pytest.mark.parametrize(
    "query",
    [lambda t: t.get("a"), lambda t: t.nth(0), lambda t: t[0], lambda t: t.min("name"),
     lambda t: t.get("b").default({"name": "Bo", "id": "a"})],
)  # fmt: skip
def test_and_what_gives_one_document(conn: Any, query: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    assert query(r.table("heroes", of=Plain)).run(conn) == Plain("Bo", "a")


@pytest.mark.parametrize(
    ("query", "result"),
    [
        (lambda t: t.count(), 1),
        (lambda t: t.get("a")["name"], "Bo"),
        (lambda t: t["name"].coerce_to("array"), ["Bo"]),
        (lambda t: t.map(lambda row: row["name"]).coerce_to("array"), ["Bo"]),
        (lambda t: t.distinct(index="id").coerce_to("array"), ["a"]),
        (lambda t: t.get("a").coerce_to("string").split(",").count(), 2),
        (lambda t: t.union(r.table("heroes"))["name"].coerce_to("array"), ["Bo", "Bo"]),
    ],
)
def test_what_gives_something_else_is_plain(conn: Any, query: Any, result: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    assert query(r.table("heroes", of=Plain)).run(conn) == result


def test_a_union_of_two_types_is_plain(conn: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    both = r.table("heroes", of=Plain).union(r.table("heroes", of=Struct))
    assert both.run(conn).to_list() == [{"id": "a", "name": "Bo"}] * 2


@kinds
def test_a_row_that_does_not_fit_is_named_and_the_cursor_goes_on(conn: Any, kind: Any) -> None:
    rows = [{"id": str(n), "name": n if n % 3 == 0 else "Bo"} for n in range(10)]
    r.table("heroes").insert(rows).run(conn)
    cursor = r.table("heroes", of=kind).order_by(index="id").run(conn, max_batch_rows=4)
    names, keys = [], []
    while True:
        try:
            names.append(read(next(cursor), "name"))
        except ReqlRowError as error:
            keys.append((error.key, error.field, error.row["name"]))
        except StopIteration:
            break
    assert names == ["Bo"] * 6
    assert keys == [(str(n), "name", n) for n in (0, 3, 6, 9)]


def test_a_list_leaves_the_rows_that_fit_with_the_cursor(conn: Any) -> None:
    r.table("heroes").insert(
        [{"id": "a", "name": "Bo"}, {"id": "b"}, {"id": "c", "name": "Cy"}]
    ).run(conn)
    cursor = r.table("heroes", of=Plain).order_by(index="id").run(conn)
    with pytest.raises(
        ReqlRowError,
        match=r"The row with the id 'b' does not fit Plain: its field `name`: it is missing\.",
    ):
        cursor.to_list()
    assert [hero.id for hero in cursor.to_list()] == ["a", "c"]


def test_a_single_document_that_does_not_fit_is_an_error_of_the_query(conn: Any) -> None:
    r.table("heroes").insert({"id": "a", "name": 1, "home": {"zip": "x"}}).run(conn)
    with pytest.raises(ReqlRowError) as caught:
        r.table("heroes", of=Plain).get("a").run(conn)
    assert (caught.value.key, caught.value.__cause__ is not None) == ("a", True)
    with pytest.raises(ReqlRowError):
        r.table("heroes", of=Plain).order_by("id").run(conn)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.key, again.field) == (str(caught.value), "a", caught.value.field)
    r.table("heroes").get("a").update({"name": "Bo"}).run(conn)
    with pytest.raises(ReqlRowError, match=r"its field `home\.zip`"):
        r.table("heroes", of=Plain).get("a").run(conn)


def test_the_type_is_not_sent_and_stays_with_a_pickled_or_copied_table(conn: Any) -> None:
    heroes = r.table("heroes", of=Plain)
    assert heroes.build() == r.table("heroes").build()
    assert str(heroes) == str(r.table("heroes"))
    r.table("heroes").insert({"id": "a", "name": "Bo"}).run(conn)
    for table in (pickle.loads(pickle.dumps(heroes.filter({}))), copy.deepcopy(heroes)):
        assert table.run(conn).to_list() == [Plain("Bo", "a")]
    assert r.db("test").table("heroes", of=None).run(conn).to_list() == [{"id": "a", "name": "Bo"}]


def test_handlers_and_pools_give_objects(server: Server, conn: Any) -> None:
    r.table("heroes").insert([{"id": "a", "name": "Bo"}, {"id": "b", "name": 1}]).run(conn)
    events: list[Any] = []

    class Handler(r.Handler):
        def on_initial_val(self, new: Any) -> None:
            events.append(new)

        def on_state(self, state: str) -> None:
            if state == "ready":
                self.stop()

        def on_error(self, error: Exception) -> None:
            events.append(error.key)  # type: ignore[attr-defined]

    feed = r.table("heroes", of=Plain).order_by(index="id").limit(5).changes(include_initial=True)
    feed.run_with(Handler, conn).wait()
    assert sorted(events, key=str) == sorted([Plain("Bo", "a"), "b"], key=str)
    with r.ConnectionPool(port=server.port, loop_type="blocking") as pool:
        assert r.table("heroes", of=Plain).get("a").run(pool) == Plain("Bo", "a")
        for resume in ("restart", "diff"):
            cursor = r.table("heroes").filter({"id": "a"}).changes(include_initial=True)
            resumed = cursor.run(pool, resume=resume, as_type=Plain)
            assert resumed.next() == Change(new_val=Plain("Bo", "a"), type="initial")
            resumed.close()


# --- replies, one by one


def reply(kind: int, *rows: Any, **more: Any) -> bytes:
    return json.dumps({"t": kind, "r": rows, **more}, separators=(",", ":")).encode()


def decoded(payload: bytes, row_type: Any, direct: bool = True) -> Response:
    return row_maker(row_type).decoder(Codec().decoder({}), direct)(payload)


@kinds
@pytest.mark.parametrize("direct", [True, False])
def test_bytes_and_plain_values_give_the_same(kind: Any, direct: bool) -> None:
    row = {"id": "a", "name": "é", "home": {"zip": 1}, "tags": ["x"], "unknown": [1]}
    hero = decoded(reply(3, row), kind, direct).results[0]
    assert (read(hero, "name"), read(hero, "home").zip, read(hero, "tags")) == ("é", 1, ["x"])
    response = decoded(reply(2, row, n=[1], p=[{"x": 1}]), kind, direct)
    assert response == Response(
        ResponseType.SUCCESS_SEQUENCE, [hero], notes=(1,), profile=[{"x": 1}]
    )
    assert decoded(reply(1, [row, row]), kind, direct).results == [[hero, hero]]
    assert decoded(reply(1, row), kind, direct).results == [hero]
    assert decoded(reply(1, None), kind, direct).results == [None]
    assert decoded(reply(18, "oops", b=[1], e=1), kind, direct).results == ["oops"]


@kinds
def test_other_spellings_of_a_reply_are_understood(kind: Any) -> None:
    response = decoded(b' {"r": [{"name": "Bo"}], "n": [], "t": 2}', kind)
    assert read(response.results[0], "name") == "Bo"


@kinds
def test_no_json_is_told_as_without_a_type(kind: Any) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        decoded(b'{"t":3,"r":[', kind)


def test_a_decoder_of_the_program_decodes_first() -> None:
    class Upper(ReQLDecoder):
        def convert_pseudotype(self, obj: dict[str, Any]) -> Any:
            return {**obj, "name": obj["name"].upper()} if "name" in obj else obj

    plain = Codec(json_decoder=Upper).decoder({})
    assert row_maker(Plain).decoder(plain, False)(reply(2, {"name": "bo"})).results == [Plain("BO")]


def test_objects_that_are_not_of_a_class() -> None:
    assert decoded(reply(1, 5), int).results == [5]
    assert decoded(reply(2, 5, 6), int).results == [5, 6]
    assert decoded(reply(1, [1, 2]), tuple[int, int]).results == [(1, 2)]
    with pytest.raises(
        ReqlRowError, match="The row 'x' does not fit int: Expected `int`, got `str`"
    ):
        decoded(reply(1, "x"), int)


def test_a_model_within_a_dataclass() -> None:
    @dataclass
    class Team:
        leader: Model

    # As a name that msgspec can look up: it is within this function.
    Team.__annotations__["leader"] = Model
    assert decoded(reply(2, {"leader": {"name": "Bo"}}), Team).results == [Team(Model(name="Bo"))]
    (error,) = decoded(reply(2, {"leader": {"name": 1}}), Team).results
    assert error.field == "leader"


def test_types_that_will_not_do() -> None:
    class Odd:
        pass

    @dataclass
    class Holder:
        odd: Odd

    Holder.__annotations__["odd"] = Odd
    with pytest.raises(ReqlDriverError, match="`as_type` must be a class or another type"):
        row_maker({"a": int})
    with pytest.raises(ReqlDriverError, match="Rows cannot be made with a field of type"):
        decoded(reply(2, {"odd": 1}), Holder)
    with pytest.raises(ReqlDriverError, match="Rows cannot be made as 5"):
        row_maker(5)


class Refusal(Exception):
    """Not one of the errors that msgspec and pydantic take for a row that does not fit."""


OFTEN_RAISED = Refusal("the same object each time")


@dataclass
class Strict:
    name: str

    def __post_init__(self) -> None:
        if self.name == "stop":
            raise StopIteration
        if self.name == "key":
            raise KeyError("x")
        if self.name == "often":
            raise OFTEN_RAISED


class StrictModel(pydantic.BaseModel):
    name: str

    def model_post_init(self, _: Any) -> None:
        Strict(self.name)


@pytest.mark.parametrize("kind", [Strict, StrictModel])
@pytest.mark.parametrize("direct", [True, False])
def test_an_error_of_the_class_s_own_code_is_that_of_a_row(kind: Any, direct: bool) -> None:
    """No error of `__post_init__` ends a cursor. A StopIteration would even look like its end."""
    names = ("Ada", "stop", "key", "often", "Bo")
    rows = [{"id": n, "name": name} for n, name in enumerate(names)]
    for _ in range(2):
        first, *errors, last = decoded(reply(2, *rows), kind, direct).results
        assert (first.name, last.name) == ("Ada", "Bo")
        assert [(error.key, error.field) for error in errors] == [(1, ""), (2, ""), (3, "")]
        reasons = ["StopIteration", "KeyError: 'x'", "Refusal: the same object each time"]
        for error, reason in zip(errors, reasons, strict=True):
            assert str(error) == (
                f"The row with the id {error.key} does not fit {kind.__name__}: {reason}."
            )
    for row in rows[1:4]:
        with pytest.raises(ReqlRowError):
            decoded(reply(1, row), kind, direct)


@pytest.mark.parametrize("direct", [True, False])
def test_an_error_that_is_of_no_row_is_passed_on(direct: bool) -> None:
    """What a signal handler raises in the midst of a row does not come again for the same row."""
    interrupts = [InterruptedError()]

    @dataclass
    class Interrupted:
        name: str

        def __post_init__(self) -> None:
            if interrupts:
                raise interrupts.pop()

    for payload in (reply(2, {"name": "Bo"}), reply(1, [{"name": "Bo"}])):
        interrupts[:] = [InterruptedError()]
        with pytest.raises(InterruptedError):
            decoded(payload, Interrupted, direct)
        assert decoded(payload, Interrupted, direct)


@pytest.mark.parametrize("key", [0, "", False, 7])
@pytest.mark.parametrize("name", ["new_val", "old_val"])
def test_a_change_that_does_not_fit_has_the_key_of_its_document(key: Any, name: str) -> None:
    change = {"old_val": None, "new_val": None, name: {"id": key, "zip": "x"}}
    (error,) = decoded(reply(3, change), Change[Address]).results
    assert (error.key, error.field) == (key, f"{name}.zip")
    assert type(error.key) is type(key)


def test_a_key_of_a_dictionary_that_does_not_fit() -> None:
    @dataclass
    class Counted:
        by: dict[int, int]

    row = {"id": 1, "by": {"x": 1}}
    (error,) = decoded(reply(3, row), Counted).results
    assert error.field == "by"
    assert str(error) == (
        f"The row with the id 1 does not fit {Counted.__qualname__}: its field `by`: one of its"
        " keys does not fit: Expected `int`, got `str`."
    )
    (error,) = decoded(reply(3, row), dict[int, int]).results
    assert error.field == ""


def test_what_tells_of_changes() -> None:
    assert repr(Change(new_val=1)) == "Change(new_val=1, type='add')"
    kinds = [
        Change(old_val=1),
        Change(old_val=1, new_val=2),
        Change(state="ready"),
        Change(error="no"),
    ]
    assert [change.type for change in kinds] == ["remove", "change", "state", "error"]


# --- what is sent


def sent(document: Any) -> Any:
    return r.table("t").insert(document).build()[1][1]


def test_fields_are_sent_as_they_are_read() -> None:
    @dataclass
    class Odd:
        when: date
        price: Decimal
        colour: Colour
        by: dict[Any, Any]
        id: uuid.UUID | None = None

    odd = Odd(date(2024, 1, 2), Decimal("1.50"), Colour.RED, {1: Address(1), Colour.RED: {2}}, None)
    expected = {
        "when": "2024-01-02",
        "price": "1.50",
        "colour": "red",
        "by": {"1": {"zip": 1}, "red": [2, [2]]},
    }
    assert sent(odd) == expected
    odd.id = uuid.UUID(int=1)
    assert sent(odd)["id"] == str(odd.id)


@dataclass
class Timed:
    took: timedelta


class TimedModel(pydantic.BaseModel):
    took: timedelta


@pytest.mark.parametrize("kind", [Timed, TimedModel])
@pytest.mark.parametrize(
    "took",
    [
        timedelta(),
        timedelta(microseconds=1),
        timedelta(microseconds=-1),
        timedelta(days=3, hours=2, milliseconds=1500),
        timedelta(days=-3, seconds=7),
    ],
    ids=str,
)
def test_a_length_of_time_is_read_as_it_was_sent(kind: Any, took: timedelta) -> None:
    timed = kind(took=took)
    assert decoded(reply(2, sent(timed)), kind).results == [timed]


def test_structs_are_sent_as_their_options_say() -> None:
    class Renamed(msgspec.Struct, rename="camel", omit_defaults=True, tag="hero", tag_field="kind"):
        first_name: str
        nick: Any = msgspec.UNSET
        age: int = 7
        tags: list[int] = []  # noqa: RUF012  # likewise

    assert sent(Renamed("Bo")) == {"kind": "hero", "firstName": "Bo"}
    assert sent(Renamed("Bo", "B", 8, [1])) == {
        "kind": "hero", "firstName": "Bo", "nick": "B", "age": 8, "tags": [2, [1]],
    }  # fmt: skip


def test_models_are_sent_by_their_aliases() -> None:
    class Aliased(pydantic.BaseModel):
        first: str = pydantic.Field(alias="firstName")

    assert sent(Aliased(firstName="Bo")) == {"firstName": "Bo"}


def test_terms_within_objects_are_kept() -> None:
    assert "[103,[]]" in json.dumps(sent(Plain("Bo", born=r.now())), separators=(",", ":"))  # type: ignore[arg-type]


def test_objects_may_come_from_a_generator_or_a_list_of_another_class() -> None:
    class Heroes(list[Any]):
        pass

    expected = sent([{"zip": 1}, {"zip": 2}])
    assert sent(Address(zip) for zip in (1, 2)) == expected
    assert sent(map(Address, (1, 2))) == expected
    assert sent(Heroes([Address(1), {"zip": 2}])) == expected
    assert sent({"zip": zip} for zip in (1, 2)) == expected
    r.convert(Heroes, len)
    try:
        assert sent(Heroes([Address(1)])) == 1
    finally:
        r.convert(Heroes, None)


def test_update_and_replace_take_objects() -> None:
    for write in (r.table("t").update, r.table("t").replace):
        assert write(Address(1)).build()[1][1] == {"zip": 1}
        assert write({"n": 1}).build()[1][1] == {"n": 1}


def test_elsewhere_they_are_refused_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    # A connection with an encoder of the program's own, of an earlier test, would get them.
    monkeypatch.setattr(converters, "keeps_the_rest", False)
    with pytest.raises(ReqlTypeError):
        r.expr(Address(1))
    with pytest.raises(ReqlTypeError):
        r.table("t").insert({"home": Address(1)})


def test_converters_of_the_program_come_first() -> None:
    r.convert(Address, lambda address: address.zip)
    try:
        assert sent({"home": Address(1)}) == {"home": 1}
        assert sent([Address(1)]) == [2, [1]]
        assert sent(Plain("Bo", home=Address(1)))["home"] == 1
        assert r.table("t").update(Address(1)).build()[1][1] == 1
    finally:
        r.convert(Address, None)
    assert not converters.process.items


def test_many_objects_go_as_one_text() -> None:
    heroes = [Plain("Bo" * 50, str(n)) for n in range(400)]
    (text,) = r.table("t").insert(heroes).build()[1][1][1]
    assert json.loads(text)[399] == {
        "name": "Bo" * 50, "id": "399", "born": None, "photo": None, "place": None, "home": None,
        "tags": [],
    }  # fmt: skip
