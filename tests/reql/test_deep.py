"""Queries of many thousand levels: built, printed, pickled, copied and sent like any other."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import codec, r
from rethinkdb.codec import Codec
from rethinkdb.errors import QueryPrinter, ReqlDriverCompileError, ReqlRuntimeError

LEVELS = 5000


def nested(step: Callable[[Any], Any], levels: int = LEVELS) -> Any:
    query = r.now()
    for _ in range(levels):
        query = step(query)
    return query


# How a query gets one level deeper, and what that puts around it when it is sent and printed.
STEPS: dict[str, tuple[Callable[[Any], Any], tuple[str, str], tuple[str, str]]] = {
    "terms": (lambda q: q.add(1), ("[24,[", ",1]]"), ("(", " + r.expr(1))")),
    "methods": (lambda q: q.default(None), ("[92,[", ",null]]"), ("", ".default(None)")),
    "arrays": (lambda q: r.expr([q, "é"]), ("[2,[", ',"é"]]'), ("[", ", 'é']")),
    "objects": (
        lambda q: r.expr({"b": 1, "a": q}),
        ('{"b":1,"a":', "}"),
        ("r.expr({'b': 1, 'a': ", "})"),
    ),
    "options": (
        lambda q: r.js("1", timeout=q),
        ('[11,["1"],{"timeout":', "}]"),
        ("r.js('1', timeout=", ")"),
    ),
    "functions": (
        lambda q: r.do(lambda: q),
        ("[64,[[69,[[2,[]],", "]]]]"),
        ("r.do(lambda : ", ")"),
    ),
    "binary": (lambda q: r.binary(q), ("[155,[", "]]"), ("r.binary(", ")")),
}

steps = pytest.mark.parametrize(("step", "sent", "printed"), STEPS.values(), ids=STEPS)


@steps
def test_building_and_sending(step: Any, sent: Any, printed: Any) -> None:
    body = nested(step).start_body({}, None)
    before, after = sent
    text = "[1," + before * LEVELS + "[103,[]]" + after * LEVELS + ",{}]"
    assert Codec().encode(body) == text.encode()


@steps
def test_the_fast_way_and_the_deep_way_agree(step: Any, sent: Any, printed: Any) -> None:
    from rethinkdb.reql.term import built

    query = nested(step, 20)
    assert built(query) == query.build()


@steps
def test_printing(step: Any, sent: Any, printed: Any) -> None:
    query = nested(step)
    before, after = printed
    assert str(query) == before * LEVELS + "r.now()" + after * LEVELS
    assert repr(query).startswith("<RqlQuery instance: ")


def test_an_error_points_at_the_innermost_part() -> None:
    query = nested(lambda q: q.add(1))
    printer = QueryPrinter(query, [0] * LEVELS)
    text, carets = printer.print_query(), printer.print_carrots()
    assert text[carets.index("^") : carets.rindex("^") + 1] == "r.now()"


@steps
@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_pickling(step: Any, sent: Any, printed: Any, protocol: int) -> None:
    query = nested(step)
    same(pickle.loads(pickle.dumps(query, protocol)), query)


@steps
@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_copying(step: Any, sent: Any, printed: Any, copier: Any) -> None:
    query = nested(step)
    same(copier(query), query)


def same(twin: Any, query: Any) -> None:
    assert type(twin) is type(query)
    assert str(twin) == str(query)


def test_what_is_used_twice_is_pickled_once() -> None:
    query = r.expr(1)
    for _ in range(40):  # 2**40 terms, if each use of a term counted as one
        query = query + query
    twin = pickle.loads(pickle.dumps(query))
    assert twin._nodes[0] is twin._nodes[1]


@pytest.mark.parametrize("library", ["orjson", "json"])
def test_what_json_cannot_hold_is_refused_at_any_depth(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "json":
        monkeypatch.setattr(codec, "orjson", None)
    wire: Any = "\ud800"
    for _ in range(LEVELS):
        wire = [wire]
    with pytest.raises(UnicodeEncodeError):
        Codec().encode(wire)


@pytest.mark.parametrize("library", ["orjson", "json"])
def test_all_values_are_written_at_any_depth(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if library == "json":
        monkeypatch.setattr(codec, "orjson", None)
    values = [2**70, -1.5, None, True, False, '"é\n', {"é": {}, "b": [1, {}]}, [], (1, 2)]
    wire: Any = values
    for _ in range(LEVELS):
        wire = [wire]
    text = Codec().encode(wire).decode()
    expected = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    assert text == "[" * LEVELS + expected + "]" * LEVELS


def test_an_encoder_of_the_program_s_own_may_refuse() -> None:
    class Encoder(r.ReQLEncoder):  # type: ignore[misc, name-defined]  # r is typed, its class lazy
        pass

    with pytest.raises(ReqlDriverCompileError, match="nested too deep"):
        Codec(json_encoder=Encoder).encode(nested(lambda q: [2, [q]]))


def test_data_nested_deeper_than_python_can_go_is_refused() -> None:
    value: Any = []
    for _ in range(LEVELS):
        value = [value]
    with pytest.raises(ReqlDriverCompileError, match="nested too deep") as caught:
        r.expr(value, nesting_depth=10 * LEVELS)
    assert isinstance(caught.value.__cause__, RecursionError)


def test_in_a_small_stack() -> None:
    """As in a thread whose stack is nearly used up: the fast way fails early, and often."""
    query = nested(lambda q: r.expr({"a": [q.add(1)]}), 300)
    expected = Codec().encode(query.build())

    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else query.build()

    for levels in range(0, 800, 50):
        assert Codec().encode(deeper(levels)) == expected


@pytest.fixture(scope="module")
def conn() -> Any:
    pytest.importorskip("sortedcontainers", reason="the embedded server needs it")
    from rethinkdb.embedded import Server

    with Server() as server, r.connect(server.host, server.port) as connection:
        yield connection


def test_a_server_answers(conn: Any) -> None:
    query = r.expr(1)
    for _ in range(LEVELS):
        query = query.add(1)
    assert query.run(conn) == LEVELS + 1


def test_the_error_of_a_server_can_be_printed(conn: Any) -> None:
    query = r.expr("x")
    for _ in range(LEVELS):
        query = query.add(1)
    with pytest.raises(ReqlRuntimeError) as caught:
        query.run(conn)
    assert str(caught.value).count(" + r.expr(1))") == LEVELS


def test_in_a_thread() -> None:
    found: list[Any] = []
    query = nested(lambda q: q.add(1))
    thread = threading.Thread(target=lambda: found.append(len(str(query))))
    thread.start()
    thread.join()
    assert found == [len("r.now()") + LEVELS * len("( + r.expr(1))")]
