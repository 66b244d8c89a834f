"""What a signal handler does to a blocking connection, at each place where it can strike.

A scene is played with other threads at work. Each time a handler strikes at one place of the driver
later than before: it raises, or it uses the connection. Nobody else may notice.

The suite strikes at some places, chosen at random; `make storm` at all of them (STRIKES=all). At
the end signals strike anywhere, see `connection_storm`.
"""

from __future__ import annotations

import gc
import os
import random
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import pytest
import trustme

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError
from rethinkdb.loops.blocking import Connection

from .connection_storm import storm
from .scripted_server import PATIENCE, Command, ScriptedServer
from .strikes import Strike

PLACES = 8
"""At how many places the suite strikes, of some hundreds."""


class Interrupted(BaseException):
    """What a handler raises, as KeyboardInterrupt is."""


class Alarm(TimeoutError):
    """What a handler raises to end a wait: an OSError, as the socket's errors are."""


class Scene:
    """A connection used by several threads, of which the main one is struck.

    Attributes:
        name: of the feeds and replies of this time, so that none is mistaken for another.
        struck: what the handler found, if it has used the connection.
    """

    tls = False

    def __init__(self, stack: ExitStack, server: ScriptedServer, options: dict[str, Any]) -> None:
        self.server = server
        self.connections = server.connections
        self.per_connection = 2 if self.tls else 1  # sockets: the plain one counts, too
        self.name = f"{self.connections}-"
        self.options = options
        self.conn = Connection.make("localhost", server.port, **options)
        self.pool = stack.enter_context(ThreadPoolExecutor(4))
        stack.callback(self.conn.close, noreply_wait=False)  # before that waits for its threads
        self.struck: list[Any] = []
        self.over = threading.Event()

    # For scenes to supply.

    def begin(self) -> None:
        """Let the others begin."""

    def play(self) -> Any:
        """What the main thread does."""

    def end(self, outcome: Any) -> None:
        """Check what came of it; None stands for what a handler raised."""

    def handle(self, handler: Callable[[Scene], None]) -> None:
        """Run a handler."""
        handler(self)

    # For scenes to use.

    def beside(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        return self.pool.submit(function, *args)

    def held(self, name: str) -> Any:
        """Wait for a query to be held, or until the main thread has ended; how to answer it."""
        server, full = self.server, self.name + name
        server.wait_for(lambda: full in server.held or self.over.is_set())
        return server.held.pop(full, None)

    def hold(self, name: str, value: Any) -> Any:
        return Command("hold", self.name + name, value).run(self.conn)

    def usable(self) -> None:
        assert Command("atom", "usable").run(self.conn) == "usable"
        while self.conn._session.tokens_in_use > self.feeds():
            assert Command("atom", "again").run(self.conn) == "again"
        opened = self.server.connections - self.connections
        assert opened == self.per_connection, "the link was not kept"

    def feeds(self) -> int:
        """How many streams the server still has for this connection."""
        return 0


class Leading(Scene):
    """The main thread waits for the socket, and reads for two others."""

    def begin(self) -> None:
        self.items_wanted = threading.Event()
        self.feed = Command("feed", self.name).run(self.conn)
        self.query = self.beside(self.ask)
        self.items = self.beside(self.take)
        self.script = self.beside(self.answer)

    def feeds(self) -> int:
        return 1

    def ask(self) -> Any:
        self.server.wait_for(lambda: self.name + "main" in self.server.held or self.over.is_set())
        return self.hold("query", "the query's")

    def take(self) -> list[Any]:
        self.server.wait_for(lambda: self.name + "query" in self.server.held)
        self.items_wanted.set()
        return [self.feed.next(), self.feed.next()]

    def answer(self) -> None:
        self.items_wanted.wait(PATIENCE)
        while not self.feed._stream._requests:
            time.sleep(0.001)
        push = self.server.feeds[self.name]
        push([1])
        self.held("query")()
        push([2, 3])
        if (main := self.held("main")) is not None:
            main()

    def play(self) -> Any:
        return self.hold("main", "the main thread's")

    def end(self, outcome: Any) -> None:
        self.script.result(PATIENCE)
        assert outcome in (None, "the main thread's")
        assert self.query.result(PATIENCE) == "the query's"
        assert self.items.result(PATIENCE) == [1, 2]
        assert self.feed.next(wait=PATIENCE) == 3
        self.usable()


class LeadingByTLS(Leading):
    """The same, encrypted."""

    tls = True


class Following(Scene):
    """Another thread waits for the socket; the main one asks, and sleeps."""

    def begin(self) -> None:
        self.query = self.beside(self.hold, "query", "the query's")
        self.release = self.held("query")

    def play(self) -> Any:
        return [Command("atom", 1).run(self.conn), Command("atom", 2).run(self.conn)]

    def end(self, outcome: Any) -> None:
        assert outcome in (None, [1, 2])
        self.release()
        assert self.query.result(PATIENCE) == "the query's"
        self.usable()


class Iterating(Scene):
    """The main thread takes a sequence of some batches; another one waits."""

    def begin(self) -> None:
        self.query = self.beside(self.hold, "query", "the query's")
        self.release = self.held("query")

    def play(self) -> Any:
        return list(Command("batches", [1, 2], [3], [], [4, 5]).run(self.conn))

    def end(self, outcome: Any) -> None:
        assert outcome in (None, [1, 2, 3, 4, 5])
        self.release()
        assert self.query.result(PATIENCE) == "the query's"
        self.usable()


class Watching(Scene):
    """The main thread waits for the items of a feed, with a time limit: what it did not get it gets
    later."""

    def begin(self) -> None:
        self.feed = Command("feed", self.name).run(self.conn)
        self.got: list[Any] = []
        self.server.feeds[self.name]([1])

    def feeds(self) -> int:
        return 1

    def play(self) -> Any:
        self.got.append(self.feed.next(wait=PATIENCE))
        self.server.feeds[self.name]([2, 3])
        self.got.append(self.feed.next(wait=PATIENCE))
        self.got.append(self.feed.next(wait=PATIENCE))

    def end(self, outcome: Any) -> None:
        if len(self.got) < 3 and not self.server.feeds[self.name].__self__:  # type: ignore[attr-defined]
            return
        self.usable()


class Fetching(Scene):
    """The main thread iterates over a feed, whose items come one by one; nobody else waits."""

    batches: tuple[list[int], ...] = ([1], [2], [3])

    def begin(self) -> None:
        self.feed = Command("feed", self.name).run(self.conn)
        self.got: list[Any] = []
        self.pushes = self.beside(self.push)

    def feeds(self) -> int:
        return 1

    def push(self) -> None:
        for batch in self.batches:
            self.server.feeds[self.name](batch)
            while len(self.got) < batch[-1] and not self.over.is_set():
                time.sleep(0.001)

    def play(self) -> Any:
        for _ in range(3):
            self.got.append(next(self.feed))

    def end(self, outcome: Any) -> None:
        self.pushes.result(PATIENCE)
        self.server.feeds[self.name]([4])
        while self.got[-1:] != [4]:
            self.got.append(self.feed.next(wait=PATIENCE))
        # CPython 3.10 calls handlers also when a function returns an item.
        most = 0 if sys.version_info >= (3, 11) else 1
        assert self.got == sorted(set(self.got))
        assert len(self.got) >= 4 - most, f"lost an item: {self.got}"
        self.usable()


class FetchingTogether(Fetching):
    """The same, but the items come in one batch, so that the later ones have arrived already."""

    batches = ([1, 2, 3],)


class Writing(Scene):
    """The main thread writes, and waits until all is done."""

    def play(self) -> Any:
        Command("atom", 1).run(self.conn, noreply=True)
        self.conn.noreply_wait()

    def end(self, outcome: Any) -> None:
        self.usable()


class Ending(Scene):
    """A scene in which a handler may find the connection closed."""

    def handle(self, handler: Callable[[Scene], None]) -> None:
        with suppress(ReqlDriverError):
            handler(self)


class Closing(Ending):
    """The main thread closes the connection under another one."""

    def begin(self) -> None:
        self.query = self.beside(self.hold, "query", "the query's")
        self.release = self.held("query")

    def play(self) -> Any:
        self.conn.close()

    def end(self, outcome: Any) -> None:
        self.conn.close(noreply_wait=False)
        with pytest.raises(ReqlConnectionLostError):
            self.query.result(PATIENCE)
        assert not self.conn.is_open()
        assert self.conn.client_port() is None


class Reconnecting(Ending):
    """The main thread connects again, and another one wants the same."""

    def begin(self) -> None:
        self.begun = threading.Event()
        self.other = self.beside(self.join)

    def join(self) -> Any:
        self.begun.wait(PATIENCE)
        return self.conn.reconnect(noreply_wait=False)

    def play(self) -> Any:
        self.begun.set()
        return self.conn.reconnect()

    def end(self, outcome: Any) -> None:
        assert outcome in (None, self.conn)
        assert self.other.result(PATIENCE) is self.conn
        assert Command("atom", "usable").run(self.conn) == "usable"


class Connecting(Ending):
    """The main thread opens a further connection."""

    def play(self) -> Any:
        return Connection.make("localhost", self.server.port, **self.options)

    def end(self, outcome: Any) -> None:
        if outcome is not None:
            outcome.close(noreply_wait=False)
        self.usable_at_all()

    def usable_at_all(self) -> None:
        assert Command("atom", "usable").run(self.conn) == "usable"


def raises(_: Scene) -> None:
    raise Interrupted


def raises_an_error(_: Scene) -> None:
    raise Alarm


def asks(scene: Scene) -> None:
    scene.struck += [Command("atom", "the handler's").run(scene.conn)]
    assert scene.struck == ["the handler's"]


def iterates(scene: Scene) -> None:
    scene.struck += Command("batches", [1], [], [2, 3], [4]).run(scene.conn)
    assert scene.struck == [1, 2, 3, 4]


def asks_who_is_there(scene: Scene) -> None:
    assert scene.conn.server()["name"] == "scripted"


def waits_for_noreply_queries(scene: Scene) -> None:
    Command("atom", 1).run(scene.conn, noreply=True)
    scene.conn.noreply_wait()


def watches(scene: Scene) -> None:
    """Waits for an item that comes, and for one that does not."""
    with Command("feed", scene.name + "handler").run(scene.conn) as feed:
        with suppress(OSError):  # another thread has reconnected: then the feed is lost, too
            scene.server.feeds[scene.name + "handler"]([1])
        assert feed.next(wait=PATIENCE) == 1


HANDLERS = [
    raises,
    raises_an_error,
    asks,
    iterates,
    asks_who_is_there,
    waits_for_noreply_queries,
    watches,
]
SCENES = [Leading, LeadingByTLS, Following, Iterating, Fetching, FetchingTogether, Writing]
LAST_SCENES = [Closing, Reconnecting, Connecting]


@pytest.fixture(scope="module")
def certificate() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's context, and one that trusts it."""
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert("localhost").configure_cert(theirs)
    return theirs, ours


@pytest.fixture
def stage(
    request: pytest.FixtureRequest, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> Iterator[tuple[ScriptedServer, dict[str, Any]]]:
    tls = request.getfixturevalue("scene").tls
    with ScriptedServer(tls=certificate[0] if tls else None) as server:
        yield server, {"ssl": certificate[1]} if tls else {}


def play(
    scene_type: type[Scene],
    handler: Callable[[Scene], None],
    stage: tuple[ScriptedServer, dict[str, Any]],
    skip: int,
) -> Strike:
    """Play a scene once, with a strike at one place."""
    with ExitStack() as stack:
        scene = scene_type(stack, *stage)
        scene.begin()
        strike = Strike(partial(scene.handle, handler), skip)
        outcome = None
        try:
            outcome = strike.run(scene.play)
        except (Interrupted, Alarm):
            assert handler in (raises, raises_an_error)
        else:
            raised = strike.struck and handler in (raises, raises_an_error)
            assert not raised, f"swallowed at place {skip}: {strike.place}"
        with scene.server.news:
            scene.over.set()
            scene.server.news.notify_all()
        try:
            scene.end(outcome)
        except BaseException as exc:
            raise AssertionError(f"struck at place {skip}: {strike.place}") from exc
    return strike


# Struck as it is made, a socket goes as garbage, and Python says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("scene", [*SCENES, *LAST_SCENES])
def test_nobody_else_notices(
    scene: type[Scene],
    handler: Callable[[Scene], None],
    stage: tuple[ScriptedServer, dict[str, Any]],
) -> None:
    most = count_places(scene, stage)
    places: Any = range(most)
    if os.environ.get("STRIKES") != "all":
        seed = random.randrange(1_000_000)
        print(f"seed {seed}")
        places = sorted(random.Random(seed).sample(places, min(most, PLACES)))
    for place in places:
        play(scene, handler, stage, place)
    gc.collect()  # what Python says of such a socket it says now


def count_places(scene: type[Scene], stage: tuple[ScriptedServer, dict[str, Any]]) -> int:
    """At how many places a handler could strike; now and then it is some more or less."""
    strike = play(scene, asks, stage, 1_000_000)
    assert not strike.struck
    return 1_000_000 - strike._left


# A socket that is struck as it is made goes as garbage, and Python says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_storm() -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    outcomes = storm(seed, threads=4, operations=100)
    assert outcomes["insert: done"]
    assert outcomes["cuts"]
    assert outcomes["handlers: strike"] + outcomes["handlers: use"]
