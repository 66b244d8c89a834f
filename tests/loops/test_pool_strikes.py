"""What a signal handler does to a blocking pool, at each place of the pool where it can strike.

The main thread uses a pool that has one connection, and room for one query. Each time a handler
raises at one place later than before, or uses the pool. Nothing is lost by that: others are served.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from threading import get_ident
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlError
from rethinkdb.loops.blocking import ConnectionPool
from rethinkdb.loops.blocking.flag import Flag
from rethinkdb.loops.transport.renewing import WaitingRenewal
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import RetryPolicy
from rethinkdb.testing.conformance.trial import PATIENCE, SMALL_BATCHES

from .strikes import PACKAGE, Strike

#: Where to strike: the connections are struck elsewhere.
FILES = (
    f"{PACKAGE}/pool/",
    f"{PACKAGE}/loops/blocking/pool.py",
    f"{PACKAGE}/loops/blocking/clerk.py",
    f"{PACKAGE}/loops/blocking/starting.py",
    f"{PACKAGE}/loops/transport/waiting_pool.py",
    f"{PACKAGE}/loops/transport/waiting_feeds.py",
    f"{PACKAGE}/loops/transport/lending.py",
    f"{PACKAGE}/loops/transport/pooling.py",
    f"{PACKAGE}/loops/transport/executing.py",
    f"{PACKAGE}/loops/transport/feeding.py",
    f"{PACKAGE}/loops/blocking/feeding.py",
    f"{PACKAGE}/loops/transport/calling_back.py",
    f"{PACKAGE}/push/",
)


MANY = 1_000_000

PLACES = 25
"""At how many places the suite strikes a feed that is lost, of some hundreds (STRIKES=all)."""


class Interrupted(BaseException):
    """What a handler raises, as KeyboardInterrupt is."""


class Alarm(TimeoutError):
    """What a handler raises to end a wait."""


class PoolStrike(Strike):
    """A strike in the code of pools."""

    files = FILES


class DecidingStrike(PoolStrike):
    """A strike while the main thread has the lock of the pool's decisions, or talks to the clerk.

    The clerk may need the lock for what the handler waits for.
    """

    pool: Any = None

    def _looks(self, frame: FrameType, code: bytes, last: int) -> bool:
        inside = self.pool._lock._is_owned() or frame.f_code.co_filename.endswith("/clerk.py")
        return inside and super()._looks(frame, code, last)


class ThreadStrike(Strike):
    """A strike where threads are started."""

    files = (
        threading.__file__,
        f"{PACKAGE}/loops/blocking/clerk.py",
        f"{PACKAGE}/loops/blocking/starting.py",
        f"{PACKAGE}/loops/blocking/pool.py",
    )


class FeedStrike(PoolStrike):
    """A strike in the code of feeds that go on, and of their cursors."""

    files = (
        *FILES,
        f"{PACKAGE}/loops/blocking/connection.py",
        f"{PACKAGE}/loops/blocking/cursor.py",
        f"{PACKAGE}/net/connection.py",
        f"{PACKAGE}/net/cursor.py",
        f"{PACKAGE}/net/stream.py",
        f"{PACKAGE}/net/waiter.py",
    )


class ChangeStrike(FeedStrike):
    """The same, and where the thread that iterates reads a change itself."""

    files = (
        *FeedStrike.files,
        f"{PACKAGE}/loops/blocking/fetching.py",
        f"{PACKAGE}/net/quick.py",
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        with r.connect(embedded.host, embedded.port) as conn:
            for table in ("numbers", "ticks"):
                r.db("test").table_create(table).run(conn)
            NUMBERS.insert([{"id": number} for number in range(ROWS)]).run(conn)
        yield embedded


@pytest.fixture(scope="module")
def beside() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


NUMBERS = r.db("test").table("numbers")
TICKS = r.db("test").table("ticks")
ROWS = 5

Scene = Callable[[Any, ThreadPoolExecutor], None]


def query(pool: Any, beside: ThreadPoolExecutor) -> None:
    assert r.expr(1).run(pool) == 1


def query_that_fails(pool: Any, beside: ThreadPoolExecutor) -> None:
    with pytest.raises(r.ReqlUserError):
        r.error("no").run(pool)


def query_with_deadline(pool: Any, beside: ThreadPoolExecutor) -> None:
    assert r.expr(1).run(pool, deadline=PATIENCE) == 1


def cursor(pool: Any, beside: ThreadPoolExecutor) -> None:
    assert list(r.range(25).run(pool, **SMALL_BATCHES)) == list(range(25))


def cursor_left_behind(pool: Any, beside: ThreadPoolExecutor) -> None:
    r.range().run(pool, **SMALL_BATCHES)


def feed(pool: Any, beside: ThreadPoolExecutor) -> None:
    """A feed that goes on. What opening it has begun ends with it, wherever it is interrupted."""
    with NUMBERS.changes(include_initial=True).run(pool, resume="diff") as changes:
        assert changes.next()["new_val"]["id"] in range(ROWS)


def loan(pool: Any, beside: ThreadPoolExecutor) -> None:
    with pool.connection() as conn:
        assert r.expr(1).run(conn) == 1


def waiting(pool: Any, beside: ThreadPoolExecutor) -> None:
    """The only connection is lent, until the main thread waits or has been interrupted."""
    over = threading.Event()
    lent = threading.Event()

    def lend() -> None:
        with pool.connection():
            lent.set()
            while not (over.is_set() or pool.stats().waiting):
                time.sleep(0.0005)

    lending = beside.submit(lend)
    assert lent.wait(PATIENCE)
    try:
        assert r.expr(1).run(pool) == 1
    finally:
        over.set()
        lending.result(PATIENCE)


def beginning(pool: Any, beside: ThreadPoolExecutor) -> None:
    """A pool is opened, used and closed."""
    server = pool.stats().hosts[0].host.rpartition(":")
    another = ConnectionPool(server[0], int(server[2]))
    try:
        with another:
            assert r.expr(1).run(another) == 1
    finally:  # an interrupted block was not entered, or not left
        beside.submit(another.close, 0).result(PATIENCE)


def callbacks(pool: Any, beside: ThreadPoolExecutor) -> None:
    """A query with a handler, whose connection is given back by the first answer."""
    rows: list[int] = []
    r.range(3).run_with(rows.append, pool).wait()
    assert rows == [0, 1, 2]


SCENES: tuple[Scene, ...] = (
    query,
    query_that_fails,
    query_with_deadline,
    cursor,
    cursor_left_behind,
    feed,
    loan,
    callbacks,
    waiting,
    beginning,
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_handler_raises(scene: Scene, server: Server, beside: ThreadPoolExecutor) -> None:
    def interrupt() -> None:
        raise Interrupted

    with pool_of(server, beside, max_size=1, per_connection=1, retry=None) as pool:
        for skip in count():
            strike = PoolStrike(interrupt, skip)
            with suppress(Interrupted):
                strike.run(lambda: scene(pool, beside))
            at_rest(pool, beside, strike.place)
            if not strike.struck:
                break
    assert skip > 10, "nothing was struck"


def test_a_loan_comes_back_even_if_the_error_that_ended_it_is_kept(
    server: Server, beside: ThreadPoolExecutor
) -> None:
    """What a handler raises as `__exit__` begins remembers what belongs to the block."""

    def interrupt() -> None:
        raise Interrupted

    kept: list[BaseException] = []
    with pool_of(server, beside, max_size=1, per_connection=1, retry=None) as pool:
        for skip in count():
            strike = PoolStrike(interrupt, skip)
            try:
                strike.run(lambda: loan(pool, beside))
            except Interrupted as error:
                kept.append(error)
            at_rest(pool, beside, strike.place)
            if not strike.struck:
                break
    assert len(kept) > 10, "nothing was struck"


@pytest.mark.parametrize("scene", SCENES[:-2], ids=lambda scene: scene.__name__)
def test_a_handler_uses_the_pool(scene: Scene, server: Server, beside: ThreadPoolExecutor) -> None:
    handled: list[Any] = []

    def handle() -> None:
        handled.append(r.expr("handler").run(pool))

    with pool_of(server, beside, max_size=2, per_connection=2) as pool:
        for skip in count():
            handled.clear()
            strike = PoolStrike(handle, skip)
            strike.run(lambda: scene(pool, beside))
            assert handled == ["handler"] * strike.struck, strike.place
            at_rest(pool, beside, strike.place)
            if not strike.struck:
                break
    assert skip > 10, "nothing was struck"


def borrows(pool: Any) -> None:
    pool._inbox.put(bool)  # the clerk is not to be idle, either
    with pool.connection() as conn:
        assert r.expr("handler").run(conn) == "handler"


def asks_for_numbers(pool: Any) -> None:
    pool._inbox.put(bool)
    assert pool.stats().size <= pool.options.max_size


def follows(pool: Any) -> None:
    with NUMBERS.changes(include_initial=True).run(pool, resume="restart") as changes:
        assert changes.next()["new_val"]["id"] in range(ROWS)


def waits_for_callbacks(pool: Any) -> None:
    rows: list[int] = []
    r.range(3).run_with(rows.append, pool).wait()
    assert rows == [0, 1, 2]


@pytest.mark.parametrize("handler", [borrows, asks_for_numbers, follows, waits_for_callbacks])
@pytest.mark.parametrize("scene", [query, cursor, loan], ids=lambda scene: scene.__name__)
def test_a_handler_that_needs_a_decision_interrupts_one(
    scene: Scene,
    handler: Callable[[Any], None],
    server: Server,
    beside: ThreadPoolExecutor,
) -> None:
    with pool_of(server, beside, max_size=3, per_connection=2) as pool, limited():
        scene(pool, beside)
        for skip in count():
            strike = DecidingStrike(lambda: handler(pool), skip)
            strike.pool = pool
            strike.run(lambda: scene(pool, beside))
            at_rest(pool, beside, strike.place)
            if not strike.struck:
                break
    assert skip > 3, "nothing was struck"


def test_a_handler_that_needs_a_decision_interrupts_a_connection(
    server: Server, beside: ThreadPoolExecutor
) -> None:
    """The decision is that one more connection is lost. Then others are looked at, this too."""

    def loses_a_loan() -> Waiter[None]:
        with pool.connection() as loan:
            assert loan is not rows.conn
            loan._channel.drop()
        return Waiter.succeeded(None)

    with pool_of(server, beside, min_size=2) as pool, limited():
        pool.open()
        rows = r.range(25).run(pool, **SMALL_BATCHES)
        rows.conn._call(loses_a_loan)  # in a step of the connection, as a handler is
        assert list(rows) == list(range(25))
        at_rest(pool, beside, "a step")


@contextmanager
def limited() -> Iterator[None]:
    """Ends with an error what does not end."""

    def hangs(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, 0.1)  # again, as what hangs may try again
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# A thread that `threading` has taken off its list too early does not begin, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", [Interrupted, Alarm])
def test_a_handler_raises_while_the_pool_starts_a_thread(
    kind: type[BaseException], server: Server, beside: ThreadPoolExecutor
) -> None:
    def interrupt() -> None:
        time.sleep(0.001)  # so that the thread has begun, if it has been started
        raise kind

    for skip in count():
        with pool_of(server, beside, max_size=1, per_connection=1, retry=None) as pool:
            strike = ThreadStrike(interrupt, skip)
            with suppress(kind):
                strike.run(lambda: r.expr(1).run(pool))
            at_rest(pool, beside, strike.place)
            assert r.expr(2).run(pool, deadline=PATIENCE) == 2
        if not strike.struck:
            break
    assert skip > 10, "nothing was struck"


def sampled_places(unstruck: Strike) -> Sequence[int]:
    """Some of the places that a run without a strike has passed; all if STRIKES=all."""
    places = range(MANY - unstruck._left)
    assert len(places) > 100, "nothing was to be struck"
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    if os.environ.get("STRIKES") == "all":
        return places
    return sorted(random.Random(seed).sample(places, PLACES))


@pytest.mark.parametrize("resume", ["restart", "diff"])
def test_a_handler_raises_while_a_feed_goes_on(
    resume: str, server: Server, beside: ThreadPoolExecutor
) -> None:
    """A feed is lost while it is read, and the main thread interrupted. Another one reads on."""

    def interrupt() -> None:
        raise Interrupted

    def read_after_loss(pool: Any, strike: Strike) -> None:
        changes = NUMBERS.changes(include_initial=True).run(pool, resume=resume, **SMALL_BATCHES)
        seen = {changes.next()["new_val"]["id"]}

        def read() -> None:
            while len(seen) < ROWS:
                item = changes.next(wait=PATIENCE)
                if item.get("new_val"):  # else it tells of a gap
                    seen.add(item["new_val"]["id"])

        def lose_and_read() -> None:
            changes._stream.cursor.conn._channel.drop()
            read()

        with suppress(Interrupted):
            strike.run(lose_and_read)
        try:
            beside.submit(read).result(2 * PATIENCE)
        except BaseException as exc:
            raise AssertionError(f"struck at {strike.place}; seen: {seen}") from exc
        beside.submit(changes.close).result(PATIENCE)

    retry = RetryPolicy(first_pause=0.001, longest_pause=0.001)
    with pool_of(server, beside, retry=retry) as pool:
        unstruck = FeedStrike(interrupt, MANY)
        read_after_loss(pool, unstruck)
        for skip in sampled_places(unstruck):
            strike = FeedStrike(interrupt, skip)
            read_after_loss(pool, strike)
            at_rest(pool, beside, strike.place)


@pytest.mark.parametrize("resume", ["restart", "diff"])
def test_a_handler_raises_while_the_next_change_comes(
    resume: str, server: Server, beside: ThreadPoolExecutor
) -> None:
    """No change is lost, and none comes twice."""
    clock = count(1)

    def interrupt() -> None:
        raise Interrupted

    def read_changes(pool: Any, conn: Any, strike: Strike) -> None:
        changes = TICKS.changes().run(pool, resume=resume)
        got: list[int] = []
        written: list[int] = []
        over = threading.Event()

        def write() -> None:
            for number in range(4):
                while len(got) < number and not over.is_set():
                    time.sleep(0.0005)
                written.append(next(clock))
                TICKS.insert({"id": "tick", "n": written[-1]}, conflict="replace").run(conn)

        def read() -> None:
            while len(got) < 3:
                got.append(next(changes)["new_val"]["n"])

        writes = beside.submit(write)
        with suppress(Interrupted):
            strike.run(read)
        over.set()
        writes.result(PATIENCE)
        while got[-1:] != written[-1:]:
            got.append(changes.next(wait=PATIENCE)["new_val"]["n"])
        # CPython 3.10 calls handlers also when a function returns an item.
        most = 0 if sys.version_info >= (3, 11) else 1
        assert got == [number for number in written if number in got], strike.place
        assert len(got) >= 4 - most, f"struck at {strike.place}: lost one of {written}: {got}"
        beside.submit(changes.close).result(PATIENCE)

    with pool_of(server, beside) as pool, r.connect(server.host, server.port) as conn:
        unstruck = ChangeStrike(interrupt, MANY)
        read_changes(pool, conn, unstruck)
        for skip in sampled_places(unstruck):
            strike = ChangeStrike(interrupt, skip)
            read_changes(pool, conn, strike)
            at_rest(pool, beside, strike.place)


def test_a_wait_that_was_interrupted_keeps_nobody_from_waking_others(
    beside: ThreadPoolExecutor,
) -> None:
    flag = Flag()
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        for _ in range(5):
            with pytest.raises(Interrupted):
                interrupted_wait(flag)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not flag.is_set()
    waiting = [beside.submit(flag.wait) for _ in range(2)]
    flag.set()
    for waits in waiting:
        waits.result(PATIENCE)
    flag.wait()
    assert flag.is_set()


def interrupted_wait(flag: Flag) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    flag.wait()  # which nothing else ends


def _interrupt(*_: object) -> None:
    raise Interrupted


@contextmanager
def pool_of(server: Server, beside: ThreadPoolExecutor, **options: Any) -> Iterator[Any]:
    pool = ConnectionPool(server.host, server.port, **options)
    try:
        yield pool
    finally:
        beside.submit(pool.close, 0).result(PATIENCE)


def at_rest(pool: Any, beside: ThreadPoolExecutor, place: str) -> None:
    """Check that others are served, and that nothing is left of what was interrupted."""
    served = beside.submit(lambda: r.expr("served").run(pool, deadline=PATIENCE))
    assert served.result(2 * PATIENCE) == "served", place
    deadline = time.monotonic() + PATIENCE
    while True:
        stats = pool.stats()
        left = stats.in_flight, stats.waiting, stats.cursors, stats.feeds, stats.lent
        if not any(left):
            break
        assert time.monotonic() < deadline, f"{place}: {stats}"
        time.sleep(0.001)
    assert stats.size <= pool.options.max_size, place


class StruckLock:
    """A lock that a signal handler strikes as it is released, once."""

    struck = False

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if not self.struck:
            self.struck = True
            raise KeyboardInterrupt


def test_a_cursor_that_was_to_begin_anew_can_be_read_after_an_interrupt() -> None:
    renewal = WaitingRenewal.__new__(WaitingRenewal)
    renewal._pool = SimpleNamespace(_lock=StruckLock(), _new_event=Flag, _caller=get_ident)
    replaced, lost = Stream.__new__(Stream), Stream.__new__(Stream)
    cursor = SimpleNamespace(_stream=replaced)
    with pytest.raises(KeyboardInterrupt):
        renewal.begins(cursor, lost, ReqlError("lost"))
    assert renewal.begins(cursor, lost, ReqlError("lost"))


class Renewed(WaitingRenewal):
    """Runs its query again without a server. A signal handler interrupts that."""

    handler: Callable[[], None]

    def _may_begin(self, stream: Stream, error: ReqlError) -> bool:
        return True

    def _run_again(self, error: ReqlError) -> Any:
        handler, self.handler = self.handler, lambda: None
        handler()
        return SimpleNamespace(stream=Stream.__new__(Stream))

    def _replace(self, cursor: Any, fresh: Any) -> None:
        cursor._stream = fresh.stream


def test_a_handler_reads_a_cursor_that_is_beginning_anew() -> None:
    seen = []

    def handle() -> None:
        assert renewal.begins(cursor, lost, ReqlError("lost"))
        seen.append(cursor._stream)

    renewal, lost = Renewed.__new__(Renewed), Stream.__new__(Stream)
    renewal._pool = SimpleNamespace(_lock=threading.Lock(), _new_event=Flag, _caller=get_ident)
    renewal.handler = handle
    cursor = SimpleNamespace(_stream=lost)
    assert renewal.begins(cursor, lost, ReqlError("lost"))
    assert cursor._stream is seen[0]  # what the handler has read from is kept
    assert seen[0] is not lost


class Fresh:
    """What running a cursor's query again has given. A signal handler comes as it is looked at."""

    conn = _items = _taking = None

    def __init__(self, handler: Callable[[], None]) -> None:
        self._stream = Stream.__new__(Stream)
        self._handler = handler

    @property
    def _renewal(self) -> None:
        self._handler()


def test_a_handler_begins_a_cursor_anew_just_before_its_thread_does() -> None:
    renewal, lost = WaitingRenewal.__new__(WaitingRenewal), Stream.__new__(Stream)
    cursor = SimpleNamespace(_stream=lost)
    renewal._stream = lost
    first = Fresh(lambda: None)
    read = first._stream

    def handle() -> None:
        renewal._replace(cursor, {"value": first})

    renewal._replace(cursor, {"value": Fresh(handle)})
    assert cursor._stream is read  # the program may have taken rows of it


def test_a_handler_does_not_let_two_threads_begin_a_cursor_anew() -> None:
    """Another thread comes first, as late as a handler lets it."""

    def caller() -> str:
        renewal._busy, renewal._owner = others, "another thread"
        return "main thread"

    def await_other(event: Flag) -> None:
        assert event is others
        renewal._busy, cursor._stream = None, fresh

    renewal, others = Renewed.__new__(Renewed), Flag()
    renewal._pool = SimpleNamespace(
        _lock=threading.Lock(), _new_event=Flag, _caller=caller, _await=await_other
    )
    lost, fresh = Stream.__new__(Stream), Stream.__new__(Stream)
    cursor = SimpleNamespace(_stream=lost)
    assert renewal.begins(cursor, lost, ReqlError("lost"))
    assert cursor._stream is fresh


def test_a_handler_interrupts_a_feed_whose_lock_another_thread_wants(
    server: Server, beside: ThreadPoolExecutor
) -> None:
    """The other thread has the lock of the connection, which the handler's query needs."""
    inside = threading.Event()
    with pool_of(server, beside, max_size=1) as pool, pool.connection() as conn:
        guard = pool._feed_guard()

        def deliver() -> Waiter[None]:
            inside.set()
            with guard:
                return Waiter.succeeded(None)

        def interrupted() -> Any:
            with guard:
                delivery = beside.submit(conn._call, deliver)
                inside.wait(PATIENCE)
                answer = r.expr("handler").run(conn)  # as a signal handler does here
                delivery.result(PATIENCE)
            return answer

        assert beside.submit(interrupted).result(PATIENCE) == "handler"
