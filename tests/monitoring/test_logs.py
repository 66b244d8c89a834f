"""What stands in the log: at which level, and without the values in it."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from rethinkdb import r
from rethinkdb.monitoring.audience import Audience
from rethinkdb.monitoring.logs import QueryLogger
from tests.net.memory import MemoryConnection
from tests.net.pair import ATOM, RUNTIME_ERROR, SEQUENCE, Pair, start

SECRET = "do not tell"
QUERY = r.table("heroes").get(SECRET)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.DEBUG, "rethinkdb")
    yield caplog
    assert "password" not in caplog.text


def watched(clock=None, **options):
    audience = Audience(clock=clock or Clock())
    audience.add(QueryLogger(**options))
    pair = Pair()
    pair.session.observer = audience
    return pair


def lines(log, name="rethinkdb.query"):
    return [
        (record.levelname, record.getMessage()) for record in log.records if record.name == name
    ]


def test_connections(log):
    pair = Pair("bob", "pass,=phräse")
    pair.session.close(noreply_wait=False)
    assert lines(log, "rethinkdb.connection") == [
        ("INFO", "connected to db.example:28015"),
        ("INFO", "closed the connection to db.example:28015"),
    ]
    assert "phräse" not in log.text


def test_a_loss(log):
    Pair().session.receive_eof(OSError("gone"))
    wanted = ("WARNING", "the connection to db.example:28015 is lost: gone")
    assert lines(log, "rethinkdb.connection")[-1] == wanted


def test_pools_tell_of_their_connections_themselves(log):
    for cause in (None, OSError("gone")):
        pair = Pair(opened=False)
        pair.session.pooled = True
        pair.move()
        if cause is None:
            pair.session.close(noreply_wait=False)
        else:
            pair.session.receive_eof(cause)
    assert {level for level, _ in lines(log, "rethinkdb.connection")} == {"DEBUG"}


def test_queries_with_debug(log):
    pair = watched()
    _, token = pair.run(printable=QUERY)
    pair.answer(token, ATOM, SECRET)
    _, token = pair.run(printable=r.table("heroes"))
    pair.answer(token, SEQUENCE, SECRET)
    _, token = pair.run(printable=r.error(SECRET))
    pair.answer(token, RUNTIME_ERROR, SECRET, b=[])
    waiter, _ = pair.run(printable=r.now())
    waiter.abandon()
    pair.session.start(start(noreply=True, printable=r.now()))
    told = [text for level, text in lines(log) if level == "DEBUG"]
    assert [text.partition(" ")[2] for text in told] == [
        "answered after 0.0 ms, 30 bytes: r.table('heroes').get(?)",
        "answered after 0.0 ms, 30 bytes: r.table('heroes')",
        "cursor closed after 0.0 ms, 1 rows in 1 batches: r.table('heroes')",
        "answered after 0.0 ms, 40 bytes: r.error(?)",
        "failed after 0.0 ms: ReqlRuntimeError: r.error(?)",
        "cancelled after 0.0 ms: r.now()",
        "was sent a noreply query, 0.0 ms: r.now()",
    ]
    assert SECRET not in log.text


def test_values_if_somebody_asks(log):
    pair = watched(log_values=True)
    _, token = pair.run(printable=QUERY)
    pair.answer(token, RUNTIME_ERROR, "because", b=[])
    assert SECRET in log.text
    assert "because" in log.text


def test_nothing_without_debug(log):
    pair = watched()
    log.set_level(logging.INFO, "rethinkdb.query")
    _, token = pair.run(printable=QUERY)
    pair.answer(token, SEQUENCE, SECRET)
    _, token = pair.run(printable=QUERY)
    pair.answer(token, RUNTIME_ERROR, SECRET, b=[])
    pair.run()[0].abandon()
    assert lines(log) == []


@pytest.mark.parametrize("end", ["value", "error", "loss", "cancel"])
def test_slow_queries(log, end):
    clock = Clock()
    pair = watched(clock, slow_query=1.0)
    log.set_level(logging.INFO, "rethinkdb.query")
    waiter, token = pair.run(printable=r.table("heroes").get_all(*[SECRET] * 500))
    clock.now = 1.5
    if end == "value":
        pair.answer(token, ATOM, SECRET)
    elif end == "error":
        pair.answer(token, RUNTIME_ERROR, SECRET, b=[])
    elif end == "loss":
        pair.session.receive_eof(OSError("gone"))
    else:
        waiter.abandon()
    [(level, text)] = lines(log)
    assert level == "WARNING"
    assert text.startswith("slow query: 1.500 s on db.example:28015: r.table('heroes').get_all(?")
    assert text.endswith("...")
    assert len(text) < 1100
    assert SECRET not in log.text


def test_quick_queries(log):
    pair = watched(slow_query=1.0)
    log.set_level(logging.INFO, "rethinkdb.query")
    _, token = pair.run(printable=QUERY)
    pair.answer(token, ATOM, SECRET)
    assert lines(log) == []


@pytest.mark.parametrize("log_values", [True, False])
def test_frames(log, log_values):
    pair = Pair(log_values=log_values)
    pair.run(term=SECRET)
    [(level, text), *_] = lines(log, "rethinkdb.wire")
    assert level == "DEBUG"
    assert text.startswith("sent 1: ")
    assert (SECRET in text) == log_values


def test_a_connection_logs_as_its_options_say():
    conn = MemoryConnection("db.example", slow_query=0.5)
    assert conn._observer is None
    conn._new_session()
    observer = conn._observer
    assert [type(listener) for listener, _ in observer.own] == [QueryLogger]
    conn._new_session()
    assert len(observer.own) == 1


def test_a_connection_logs_with_debug(log):
    conn = MemoryConnection("db.example")
    conn._new_session()
    assert conn._observer.query_answered


LOSS = """
import logging
from argparse import Namespace
from rethinkdb.cli.running import _run_parsed
from tests.net.pair import Pair

def lose(_=None):
    Pair().session.receive_eof(OSError("gone"))
    return 0

def lose_in_pool(_):
    logging.getLogger("rethinkdb.pool").warning("lost")
    return 0

{}
"""


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("lose()", ""),  # the error says it, where the connection is used
        (
            "logging.basicConfig(format='%(message)s'); lose()",
            "the connection to db.example:28015 is lost: gone\n",
        ),
        ("lose_in_pool(None)", "lost\n"),  # nothing else says it
        ("_run_parsed(Namespace(run=lose_in_pool))", ""),
    ],
)
def test_who_is_warned_without_asking(program, told):
    run = subprocess.run(
        [sys.executable, "-c", LOSS.format(program)], capture_output=True, text=True, check=True
    )
    assert run.stderr == told
