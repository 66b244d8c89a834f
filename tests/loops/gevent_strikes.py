"""Signal handlers that raise errors in programs with gevent, at one place after the other.

Run by `test_gevent.py` in a process of its own, without monkey patching: otherwise the servers
would be struck as well.
"""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import gevent
import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlConnectionLostError, ReqlTimeoutError
from rethinkdb.loops.gevent import Connection, ConnectionPool, GeventCursor
from rethinkdb.loops.gevent.limit import Limit
from rethinkdb.pool import RetryPolicy
from rethinkdb.push.handle import QueryHandle
from rethinkdb.push.handler import Handler
from rethinkdb.ql2 import QueryType
from rethinkdb.testing.conformance.trial import SMALL_BATCHES

from .gevent_cases import SOON, until, usable
from .scripted_server import PATIENCE, Command, ScriptedServer, _hang_up
from .strikes import PACKAGE, Strike

EVERY = 1 if os.environ.get("STRIKES") == "all" else 67
"""At each of so many places a pool is struck, of some 1,000."""


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    with gevent.Timeout(PATIENCE if EVERY > 1 else 100 * PATIENCE):
        yield


class Struck(BaseException):
    """What a signal handler raises, as KeyboardInterrupt is."""


def strike(operation: Callable[[], Any], skip: int, kind: type[Strike] = Strike) -> Strike:
    """Run an operation. A signal handler raises at one place of the code, in any greenlet."""

    def handle() -> None:
        raise Struck

    one = kind(handle, skip)
    with suppress(Struck, ReqlConnectionLostError):
        one.run(operation)
    return one


@pytest.fixture(autouse=True)
def struck(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = gevent.get_hub()
    monkeypatch.setattr(hub, "SYSTEM_ERROR", (*hub.SYSTEM_ERROR, Struck))
    monkeypatch.setattr(hub, "print_exception", lambda *_: None)


def test_a_signal_handler_that_raises_leaves_nobody_waiting(server: ScriptedServer) -> None:
    """Afterwards the connection works, or it is lost and says so."""

    def ask() -> None:
        both = [gevent.spawn(Command("atom", number).run, conn) for number in range(2)]
        gevent.joinall(both)

    outcomes = set()
    for skip in count(random.randrange(3), 3):
        conn = Connection.make("localhost", server.port)
        one = strike(ask, skip)
        if not one.struck:
            break
        print(one.place)
        try:
            outcomes.add(usable(conn))
        except ReqlConnectionLostError as exc:
            outcomes.add(exc.__cause__ is None)
        conn.close(noreply_wait=False)
    assert outcomes == {True, False}


def test_a_signal_handler_that_raises_as_the_link_is_lost_leaves_nobody_waiting(
    server: ScriptedServer,
) -> None:
    """All callers get the loss, and the socket and its greenlet are gone."""

    def ask() -> None:
        jobs.append(gevent.spawn(Command("hold", "x").run, conn))
        jobs.append(gevent.spawn(Command("hang_up").run, conn))
        gevent.joinall(jobs)

    for skip in count():
        jobs: list[gevent.Greenlet[..., Any]] = []
        conn = Connection.make("localhost", server.port)
        wire = conn._wire
        assert wire is not None
        one = strike(ask, skip)
        server.hang_up()  # if the strike came before the query that asks for it
        for job in jobs:
            with gevent.Timeout(PATIENCE / 2, AssertionError(f"hangs: {one.place}")):
                job.join()
        until(wire.reader.ready)
        assert wire.socket.fileno() < 0, one.place
        assert not conn.is_open(), one.place
        if not one.struck:
            break
    assert skip > 100, "nothing was struck"


# Struck as it is made, a socket goes as garbage, and Python says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_handler_that_raises_in_a_reconnect_leaves_nobody_waiting(
    server: ScriptedServer,
) -> None:
    """Of two greenlets that want to reconnect, one does, or the next one can."""

    def reconnect() -> None:
        jobs.extend(gevent.spawn(conn.reconnect) for _ in range(2))
        gevent.joinall(jobs)

    others = len(readers())
    for skip in count(random.randrange(5), 5):
        jobs: list[gevent.Greenlet[..., Any]] = []
        conn = Connection.make("localhost", server.port)
        one = strike(reconnect, skip)
        with gevent.Timeout(PATIENCE / 2, AssertionError(f"hangs: {one.place}")):
            gevent.joinall(jobs)
            conn.reconnect()
        assert usable(conn)
        conn.close(noreply_wait=False)
        jobs.clear()  # an error remembers what was in use
        until(lambda: len(readers()) <= others)
        if not one.struck:
            break
    assert skip > 100, "nothing was struck"


def readers() -> list[Any]:
    """The greenlets that read from connections."""
    gc.collect()
    greenlets = (each for each in gc.get_objects() if isinstance(each, gevent.Greenlet))
    return [each for each in greenlets if "GeventWire" in repr(each) and not each.dead]


def test_a_time_limit_that_a_handler_kept_from_being_closed_ends_nothing_else() -> None:
    limit = Limit(SOON, ReqlTimeoutError())
    limit.start()
    limit.over = True
    until(lambda: not limit.pending)
    limit.close()


def take_one(feed: GeventCursor[Any], found: list[Any], wait: float | bool = PATIENCE) -> None:
    found.append(feed.next(wait))


def test_a_signal_handler_that_raises_in_next_costs_no_item(server: ScriptedServer) -> None:
    for skip in count():
        with Connection.make("localhost", server.port) as conn:
            feed = Command("feed", f"f{skip}").run(conn)
            Command("push", f"f{skip}", [skip]).run(conn)
            until(partial(len, feed.items))
            found: list[int] = []
            one = strike(partial(take_one, feed, found), skip)
            if not found:
                found.append(feed.next(wait=PATIENCE))
            assert found == [skip], one.place
        if not one.struck:
            break
    assert skip > 9, "nothing was struck"


def test_a_signal_handler_that_raises_while_next_waits_costs_no_item(
    server: ScriptedServer,
) -> None:
    """If it strikes where the connection is read, that is lost, and the feed says so."""
    kept = 0
    for skip in count():
        with Connection.make("localhost", server.port) as conn:
            feed = Command("feed", f"f{skip}").run(conn)
            until(partial(server.sent, QueryType.CONTINUE))
            server.received.clear()
            server.feeds[f"f{skip}"]([skip])  # it is read when the hub runs
            found: list[int] = []
            one = strike(partial(take_one, feed, found, True), skip)
            with suppress(ReqlConnectionLostError):
                if not found:
                    found.append(feed.next(wait=PATIENCE))
                assert found == [skip], one.place
                kept += 1
        if not one.struck:
            break
    assert skip > 30, "nothing was struck"
    assert kept > 15, "the connection was lost too often"


def test_a_pool_goes_on_after_a_signal_handler_has_raised(server: ScriptedServer) -> None:
    with ConnectionPool("localhost", server.port, max_size=1, per_connection=1) as pool:
        for skip in count():
            one = strike(lambda: Command("atom", 1).run(pool), skip)
            print(one.place)
            assert Command("atom", 2).run(pool) == 2
            until(lambda: (pool.stats().in_flight, pool.stats().waiting) == (0, 0))
            if not one.struck:
                break


class PoolStrike(Strike):
    """A strike in the code of pools: the connections are struck above."""

    files = (
        f"{PACKAGE}/pool/",
        f"{PACKAGE}/loops/gevent/",
        f"{PACKAGE}/loops/transport/executing.py",
        f"{PACKAGE}/loops/transport/lending.py",
        f"{PACKAGE}/loops/transport/waiting_pool.py",
        f"{PACKAGE}/net/waiter.py",
    )


def query(pool: ConnectionPool, value: int) -> None:
    assert Command("atom", value).run(pool) == value


def cursor(pool: ConnectionPool, value: int) -> None:
    assert list(Command("batches", [value], [], [value]).run(pool)) == [value, value]


def cursor_left_behind(pool: ConnectionPool, value: int) -> None:
    Command("batches", [value], [value], [value]).run(pool)


def loan(pool: ConnectionPool, value: int) -> None:
    with pool.connection() as conn:
        assert Command("atom", value).run(conn) == value


def waiting_in_vain(pool: ConnectionPool, value: int) -> None:
    """One holds the place until the others have given up, or have been interrupted."""
    stats = pool.stats()
    if stats.waiting or stats.lent:
        Command("atom", value).run(pool, deadline=0.01)
        return
    with pool.connection():
        until(lambda: not pool.stats().waiting)


SMALL: Any = {"max_size": 1, "per_connection": 1, "retry": None}

Scene = Callable[[ConnectionPool, int], None]
SCENES: tuple[Scene, ...] = (query, cursor, cursor_left_behind, loan, waiting_in_vain)


# Python has nobody to raise an error to that comes when a loan is garbage-collected, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_signal_handler_that_raises_leaves_a_pool_whole(
    server: ScriptedServer, scene: Scene
) -> None:
    """Three greenlets want the only place of a pool. None waits for ever, and no place is lost."""
    values = count()
    for skip in count(random.randrange(EVERY), EVERY):
        pool = ConnectionPool("localhost", server.port, acquire_timeout=5, **SMALL)
        one = play(scene, pool, values, skip)
        until(partial(at_rest, pool))
        with suppress(ReqlConnectionLostError):  # perhaps the loss is noticed only now
            query(pool, next(values))
        query(pool, next(values))
        pool.close(0)
        if not one.struck:
            break
    assert skip > EVERY, "nothing was struck"
    starts = [query[1] for _, query in server.received if query[0] == QueryType.START]
    asked = [command["atom"][0] for command in starts if "atom" in command]
    assert len(asked) == len(set(asked)), "a query was sent twice"


def play(scene: Scene, pool: ConnectionPool, values: Iterator[int], skip: int) -> Strike:
    """Play a scene in three greenlets. A signal handler raises at one place, in any of them."""
    jobs: list[gevent.Greenlet[..., None]] = []

    def begin() -> None:
        jobs.extend(gevent.spawn(scene, pool, next(values)) for _ in range(3))
        gevent.joinall(jobs)

    def handle() -> None:
        raise Struck

    one, raised = PoolStrike(handle, skip), False
    try:
        one.run(begin)
    except Struck:  # gevent raises it in the main greenlet, too
        raised = True
    print(one.place)
    gevent.joinall(jobs)
    errors = [job.exception for job in jobs if job.exception is not None]
    late = (ReqlTimeoutError,) if scene is waiting_in_vain else ()  # it has a deadline
    assert all(isinstance(error, (Struck, ReqlConnectionLostError, *late)) for error in errors)
    assert sum(isinstance(error, Struck) for error in errors) <= 1
    assert raised or not one.struck or scene in (loan, waiting_in_vain), "its error was lost"
    jobs.clear()
    errors.clear()
    gc.collect()  # what an error remembers may include a loan
    return one


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loan_comes_back_even_if_the_error_that_ended_it_is_kept(server: ScriptedServer) -> None:
    """What a handler raises as `__exit__` begins remembers what belongs to the block."""
    kept: list[BaseException] = []

    def borrow() -> None:
        try:
            loan(pool, 1)
        except Struck as error:
            kept.append(error)

    for skip in count():
        with ConnectionPool("localhost", server.port, **SMALL) as pool:
            one = strike(borrow, skip, PoolStrike)
            until(partial(at_rest, pool))
        if not one.struck:
            break
    assert len(kept) > 100, "nothing was struck"


def at_rest(pool: ConnectionPool) -> bool:
    stats = pool.stats()
    return not any((stats.in_flight, stats.waiting, stats.cursors, stats.feeds, stats.lent))


class FeedStrike(Strike):
    """A strike in the code of feeds that go on, and of their connections."""

    files: tuple[str, ...] = (f"{PACKAGE}/pool/", f"{PACKAGE}/loops/", f"{PACKAGE}/net/")


ROWS = 5
NUMBERS = r.db("test").table("numbers")


@pytest.fixture(scope="module")
def embedded() -> Iterator[Server]:
    with Server() as server:
        with Connection.make(server.host, server.port) as conn:
            r.db("test").table_create("numbers").run(conn)
            NUMBERS.insert([{"id": number} for number in range(ROWS)]).run(conn)
        yield server


# Struck as it is made, a socket goes as garbage, and Python says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("resume", ["restart", "diff"])
def test_a_signal_handler_that_raises_while_a_feed_goes_on(resume: str, embedded: Server) -> None:
    """A feed is lost while it is read. It gives each row, or it ends and says so."""
    retry = RetryPolicy(first_pause=0.001, longest_pause=0.001)
    for skip in count(random.randrange(3 * EVERY), 3 * EVERY):
        with ConnectionPool(embedded.host, embedded.port, retry=retry) as pool:
            one = read_after_loss(pool, resume, skip)
            until(partial(at_rest, pool))
            assert r.expr(1).run(pool, deadline=PATIENCE) == 1
        if not one.struck:
            break
    assert skip > 3 * EVERY, "nothing was struck"


def read_after_loss(pool: ConnectionPool, resume: str, skip: int) -> Strike:
    def handle() -> None:
        raise Struck

    def read() -> None:
        while len(seen) < ROWS:
            item = changes.next(wait=PATIENCE / 2)
            if item.get("new_val"):  # else it tells of a gap
                seen.add(item["new_val"]["id"])

    def read_on() -> None:
        gevent.sleep(0)  # so that the loss is noticed in the greenlet of the connection
        read()

    changes = NUMBERS.changes(include_initial=True).run(pool, resume=resume, **SMALL_BATCHES)
    seen = {changes.next()["new_val"]["id"]}
    _hang_up(changes._stream.cursor.conn._wire.socket)
    one = FeedStrike(handle, skip)
    with suppress(Struck, ReqlConnectionLostError):
        one.run(read_on)
    print(one.place)
    with suppress(ReqlConnectionLostError):
        read()
    error = changes.error
    changes.close()
    assert error is None or isinstance(error.__cause__, ConnectionAbortedError), one.place
    return one


class HandleStrike(FeedStrike):
    """A strike where a query with a handler is run, on a connection or a pool."""

    files = (*FeedStrike.files, f"{PACKAGE}/push/")


class Kept(Handler):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.errors: list[Exception] = []

    def on_stream_val(self, row: int) -> None:
        self.rows.append(row)

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", [Struck, gevent.GreenletExit, TimeoutError])
def test_a_signal_handler_that_raises_while_a_handler_is_served(
    kind: type[BaseException], embedded: Server
) -> None:
    """The query ends, and says so. Its place in the pool is free again."""
    for skip in count(random.randrange(EVERY), EVERY):
        pool = ConnectionPool(embedded.host, embedded.port, max_size=1, per_connection=1)
        with pool:
            one = serve(pool, skip, kind)
            assert r.expr(1).run(pool, deadline=PATIENCE) == 1, one.place
            until(partial(at_rest, pool))
        if not one.struck:
            break
    assert skip > EVERY, "nothing was struck"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_handler_that_raises_while_a_handler_is_served_on_a_connection(
    embedded: Server,
) -> None:
    for skip in count(random.randrange(EVERY), EVERY):
        with Connection.make(embedded.host, embedded.port) as conn:
            one = serve(conn, skip, Struck)
        if not one.struck:
            break
    assert skip > EVERY, "nothing was struck"


def serve(where: Connection | ConnectionPool, skip: int, kind: type[BaseException]) -> Strike:
    """Run a query with a handler. A signal handler raises an error at one place."""
    kept = Kept()
    handles: list[QueryHandle] = []

    def handle() -> None:
        raise kind

    def ask() -> None:
        handles.append(r.range(ROWS).run_with(kept, where, **SMALL_BATCHES))
        handles[0].wait(PATIENCE)

    one = HandleStrike(handle, skip)
    with suppress(kind, ReqlConnectionLostError):
        one.run(ask)
    print(one.place)
    calling = "methods.py" in one.place or "_guarded" in one.place
    for asked in handles:
        with suppress(TimeoutError):  # if it was raised as `Kept` was called
            asked.wait(PATIENCE)
        assert asked.closed, one.place
        assert kept.rows == list(range(len(kept.rows))), one.place
        # What is raised in a callback ends its query; who has raised it need not be told.
        assert calling or kept.errors or len(kept.rows) == ROWS, one.place
        for error in kept.errors:
            assert isinstance(error, kind) or error.__cause__ is not None, one.place
            assert isinstance(error, (kind, ReqlConnectionLostError)), one.place
    return one
