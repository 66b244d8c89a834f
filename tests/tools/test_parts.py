"""Parts of the tools, apart: texts of batches, reading after a loss, progress, bounds."""

from __future__ import annotations

import io
import json
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rethinkdb import errors, r
from rethinkdb.cli.displaying import Display, sentence
from rethinkdb.tools import Tally, ToolError
from rethinkdb.tools.batches import TextDecoder, lined, split_values
from rethinkdb.tools.layout import TableInfo, TableName
from rethinkdb.tools.loading import BadRows, Loader, LoadOptions
from rethinkdb.tools.reading import Reading, batches
from rethinkdb.tools.rows import JsonRows
from rethinkdb.tools.running import Runner, Stopped

PIECES = ["},{", '},{"', '"', "\\", "[{", "},", ",{", "é", "\n", "a", "", "]", ":", '},{":']


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def value_of(random_: random.Random, depth: int) -> Any:
    text = "".join(random_.choices(PIECES, k=random_.randrange(4)))
    if not depth or random_.random() < 0.4:
        return random_.choice([text, 1, -0.5, None, True])
    inner = [value_of(random_, depth - 1) for _ in range(random_.randrange(4))]
    return inner if random_.random() < 0.5 else {f"{text}{n}": item for n, item in enumerate(inner)}


@pytest.mark.parametrize("separator", [b",\n", b"\n"])
def test_each_row_gets_a_line_whatever_is_in_it(separator: bytes) -> None:
    random_ = random.Random(3)
    for _ in range(2000):
        rows = [{"id": n, "x": value_of(random_, 3)} for n in range(random_.randrange(1, 5))]
        text, count = lined(",".join(map(compact, rows)).encode(), separator)
        assert count == len(rows)
        assert [json.loads(line) for line in text.split(separator)] == rows


def test_rows_too_deep_for_a_quick_look() -> None:
    deep = b'{"id":1,"x":%b"},{\\""%b}' % (b"[" * 2000, b"]" * 2000)
    assert split_values(b"%b,%b" % (deep, deep)) == [deep, deep]


@pytest.mark.parametrize(
    ("reply", "results"),
    [
        ('{"t":3,"r":[{"a":"]}"},{"b":[1]}],"n":[]}', [b'{"a":"]}"},{"b":[1]}']),
        ('{"t":2,"r":[{"a":1}]}', [b'{"a":1}']),
        ('{"t":2,"r":[{"ä":"🦸"}]}', ['{"ä":"🦸"}'.encode()]),
        ('{"t":2,"r":[],"n":[]}', []),
        ('{"t":3,"r":[{"n":[]}],"n":[1,2]}', [b'{"n":[]}']),
        ('{ "t": 2, "r": [ {"a": "],\\"n\\":[]}"} ] }', [b'{"a":"],\\"n\\":[]}"}']),
        ('{"t":1,"r":[{"a":1}]}', [{"a": 1}]),
        ('{"t":18,"e":1,"r":["],\\"n\\":[]}"],"b":[]}', ['],"n":[]}']),
    ],
)
def test_a_reply_as_text(reply: str, results: list[Any]) -> None:
    assert TextDecoder().decode(reply)["r"] == results


def test_a_reply_that_is_no_utf_8() -> None:
    with pytest.raises(UnicodeDecodeError):
        TextDecoder().decode_bytes(b'{"t":2,"r":[{"a":"\xff"}]}')


class Losing(Runner):
    """In place of a runner: gives batches, and loses its connection now and then."""

    lasting = True
    losses = 0

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = list(answers)
        self.queries: list[str] = []

    def run(self, term: Any, **_: Any) -> Iterator[bytes]:
        self.queries.append(str(term))
        for answer in self.answers.pop(0):
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def check(self) -> None:
        pass

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 3


LOST = errors.ReqlConnectionLostError()
READING = Reading(TableName("db", "t"), "id")


def test_reading_goes_on_behind_the_last_row() -> None:
    runner = Losing(
        [b'{"id":1},{"id":2}', LOST],
        [LOST],
        [b'{"id":[3,"x"]}', LOST],
        [errors.ReqlTimeoutError()],
        [],
    )
    found = list(batches(runner, READING))
    assert found == [b'{"id":1},{"id":2}', b'{"id":[3,"x"]}']
    assert "between" not in runner.queries[0]
    assert ["between(2," in query for query in runner.queries[1:3]] == [True, True]
    assert all("between([3, 'x']" in query for query in runner.queries[3:])


@pytest.mark.parametrize(
    "error",
    [errors.ReqlAuthError("no"), errors.ReqlOpFailedError("Table `db.t` does not exist.")],
)
def test_what_does_not_pass_ends_reading(error: Exception) -> None:
    with pytest.raises(type(error)):
        list(batches(Losing([error]), READING))


def test_a_connection_is_not_tried_again() -> None:
    runner = Losing([LOST])
    runner.lasting = False
    with pytest.raises(errors.ReqlConnectionLostError):
        list(batches(runner, READING))


def test_the_tools_want_something_blocking() -> None:
    with pytest.raises(ToolError, match="blocking connection or a blocking pool"):
        Runner(object())


def rows_in(text: bytes) -> list[Any]:
    reader = JsonRows("f")
    return [*reader.feed(text), *reader.finish()]


def test_a_loader_waits_while_too_much_is_under_way(
    target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes rows from it: it must take no more than so many bytes."""
    monkeypatch.setattr("rethinkdb.tools.loading._MOST_WAITING", 1000)
    free, most = threading.Event(), 0
    inserted: list[int] = []

    def insert(self: Any, group: Any) -> int:
        free.wait()
        inserted.append(group.number)
        return int(group.number)

    monkeypatch.setattr("rethinkdb.tools.inserting.Inserter.insert", insert)
    with Loader(Runner(target), LoadOptions(2), BadRows(), Tally()) as loader:
        loading = loader.begin(TableName("test", "t"), TableInfo("id", [], None, {}), None)
        fed = 0

        def feed() -> None:
            nonlocal fed
            for number in range(50):
                loader.add(loading, rows_in(b'{"id":%d,"x":"%s"}\n' % (number, b"x" * 100)))
                fed += 1
            loader.end(loading)

        thread = threading.Thread(target=feed)
        thread.start()
        while loader._waiting < 800:
            pass
        most = max(most, loader._waiting, fed * 100)
        free.set()
        thread.join()
        loader.wait()
    assert most <= 1000
    assert sum(inserted) == loader.rows == 50


def test_an_error_ends_a_loader_that_waits(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, group: Any) -> int:
        raise errors.ReqlPermissionError("no")

    monkeypatch.setattr("rethinkdb.tools.inserting.Inserter.insert", fail)

    def load() -> None:
        with Loader(Runner(target), LoadOptions(2), BadRows(), Tally()) as loader:
            info = TableInfo("id", [], None, {})
            loading = loader.begin(TableName("test", "t"), info, None)
            while True:
                loader.add(loading, rows_in(b'{"id":1}\n'))

    with pytest.raises(errors.ReqlPermissionError):
        load()


def test_a_stopped_runner_runs_nothing() -> None:
    from rethinkdb.loops.blocking import ConnectionPool

    pool = ConnectionPool("127.0.0.1", 1)
    runner = Runner(pool)
    runner.stop()
    with pytest.raises(Stopped):
        runner.run(None)
    with pytest.raises(Stopped):
        runner.pause(60)
    pool.close()


# -- progress


def test_a_tally_counts() -> None:
    tally = Tally()
    tally.phase("dumping")
    tally.expect([("a", 100), ("b", 50)])
    tally.begin("a")
    tally.add("a", 40, 400)
    assert tally.snapshot() == ("dumping", [("a", 40, 100)], 40, 400, 150, 0, 2, 0)
    assert tally.snapshot().tables[0].share == 0.4
    tally.add("a", 80, 800)  # the estimate was too low
    assert tally.snapshot().tables[0].share == 0.99
    tally.end("a")
    assert tally.snapshot()[2:] == (120, 1200, 170, 1, 2, 0)
    tally.skip()
    assert "1 bad rows left out" in sentence(tally.snapshot(), 10)
    assert "120 of about 170 rows, 1 of 2 tables, 12 rows/s, 0:04 left" in (
        sentence(tally.snapshot(), 10)
    )


def test_nobody_knows_how_much_there_is() -> None:
    tally = Tally()
    tally.expect([("a", None)])
    tally.begin("a")
    assert tally.snapshot().expected is None
    assert tally.snapshot().tables[0].share is None


def test_progress_as_json() -> None:
    stream = io.StringIO()
    with Display("json", stream) as display:
        display.tally.begin("a")
        display.tally.add("a", 3, 30)
        display.tally.end("a")
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["rows"], last["bytes"], last["tables_done"], last["expected"]) == (3, 30, 1, None)


@pytest.mark.parametrize("columns", [80, 200])
def test_bars_fit(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("rethinkdb.cli.displaying._SECONDS", {"bars": 0.01})
    screen = Screen()
    with Display("auto", screen) as display:
        display.tally.expect([("db.table", 10), ("db.other", 10)])
        display.tally.phase("dumping")
        display.tally.begin("db.table")
        display.tally.add("db.table", 5)
        while "db.table" not in screen.getvalue():
            pass
    assert "dumping" in screen.getvalue()
    assert "5" in screen.getvalue()


def test_rows_that_a_server_has_lost_are_missed(target: Any) -> None:
    """They were in its memory only, and it went away: here somebody deletes them."""
    runner = Runner(target)
    with Loader(runner, LoadOptions(2), BadRows(), Tally()) as loader:
        name = TableName("test", "t")
        loading = loader.begin(name, TableInfo("id", [], None, {}), None)
        loader.add(loading, rows_in(b'{"id":1}\n{"id":2}\n'))
        while loader.rows < 1:
            pass
        r.db("test").table("t").delete().run(target)
        runner.losses += 1
        loader.end(loading)
        with pytest.raises(ToolError, match=r"lost rows of test\.t .*: it has 0 of \d.*--resume"):
            loader.wait()
