"""Other threads use a feed while a signal handler has interrupted the main thread in the midst.

The main thread's handler uses a connection, and releases the feed's lock meanwhile. So whatever the
main thread does with the feed, others may come at each place where Python looks for signals.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from rethinkdb.errors import ReqlCursorLostError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.pool import feeds
from rethinkdb.pool.feeds import Begin, Pull
from tests.loops.strikes import PACKAGE, Strike

from .feed_world import World


class FeedStrike(Strike):
    """Others come while the main thread is in the code of feeds and streams."""

    files = (f"{PACKAGE}/pool/feeds.py", f"{PACKAGE}/net/stream.py")


class Claiming(World):
    """A world in which a `Begin` may be carried out twice, as on the blocking loop.

    Other threads do the background work, when the main thread has been struck or is done.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.known: dict[str, Any] = {}
        self.written: list[str] = []
        self.got: list[str] = []

    def act(self) -> None:
        feed = self.feed
        while feed.effects and isinstance(feed.effects[0], Begin):
            if feed.claim():
                self._begun += 1
            with suppress(IndexError):
                feed.effects.popleft()
        super().act()

    def follow(self) -> None:
        if self._begun > 0:
            super().follow()

    def _run(self, step: Any) -> None:
        assert self.asked + self.runs < 20, "it goes on and on"
        super()._run(step)

    def write(self, name: str) -> None:
        self.server.write(name, {"id": name, "n": 1})
        self.written.append(name)

    def apply(self, items: list[Any]) -> None:
        for item in items:
            old, new = item.get("old_val"), item.get("new_val")
            if old is not None:
                del self.known[old["id"]]
            if new is not None:
                self.known[new["id"]] = new
                self.got.append(new["id"])

    def served(self) -> None:
        """All others do what they have to do."""
        if self.link is not None:
            self.link.hand_over()
        self.act()
        self.follow()
        self.act()


def take(world: Claiming) -> None:
    """Take rows until the next batch is due."""
    with suppress(IndexError):  # others have taken all
        for _ in range(4):
            world.apply([world.feed.take()])


def wait(world: Claiming) -> None:
    waiter = world.feed.next()
    world.act()
    waiter.abandon()


def batch(world: Claiming) -> None:
    world.serve()


def lose(world: Claiming) -> None:
    """The link is lost. If others have noticed that already, whom they have told is told again."""
    link = world.link
    assert link is not None
    world.server.feeds = []
    link.hand_over()
    if not link.stream.finished:
        link.stream.end(ReqlCursorLostError("Connection is closed.", world.feed.query.term, []))
    link.stream.serve()
    world.act()


def lose_while_waiting(world: Claiming) -> None:
    waiter = world.feed.next()
    lose(world)
    waiter.abandon()


def close(world: Claiming) -> None:
    world.feed.close()
    world.act()


def nothing(world: Claiming) -> None:
    pass


def takes(world: Claiming) -> None:
    world.apply(world.take())


def loses(world: Claiming) -> None:
    lose(world)


def loses_twice(world: Claiming) -> None:
    lose(world)
    world.served()
    lose(world)


def loses_and_takes(world: Claiming) -> None:
    lose(world)
    world.served()
    takes(world)
    world.write("y")
    batch(world)


MAINS = [take, wait, batch, lose, lose_while_waiting, close]
OTHERS = [takes, batch, loses, loses_twice, loses_and_takes, close]


@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.parametrize("main", MAINS)
@pytest.mark.parametrize("resume", ["restart", "diff"])
def test_a_feed_goes_on(
    resume: str, main: Callable[[Claiming], None], others: Callable[[Claiming], None]
) -> None:
    most = play(resume, main, others, 1_000_000)
    for place in range(most):
        play(resume, main, others, place)
    assert most > 2, "nothing was struck"


def play(
    resume: str, main: Callable[[Claiming], None], others: Callable[[Claiming], None], skip: int
) -> int:
    """Strike once. Returns at how many places more a handler could strike."""
    world = Claiming(resume=resume)
    world.follows_at_once = False  # main threads begin background work, and others do it
    strike = FeedStrike(partial(struck, world, others), skip)
    world.open()
    world.served()
    for names in ("abc", "de"):
        for name in names:
            world.write(name)
        if main is not batch or names == "abc":
            world.serve()
    strike.run(partial(main, world))
    world.served()
    at = f"struck at {strike.place}"
    assert world.runs < 8, at
    if main is close or (others is close and strike.struck):
        assert world.feed.finished
        assert all(link.stream.finished for link in world.links), at
        return skip - strike._left
    takes(world)
    world.served()
    assert [link for link in world.links if not link.stream.finished] == [world.link], at
    world.write("z")
    for _ in range(5):
        world.apply(world.settle())
        world.served()
    assert world.got.count("z") == 1, at
    if resume == "diff":
        assert sorted(world.got) == sorted(world.written), at
        assert world.known == world.server.rows, at
    assert sum(not link.stream.finished for link in world.links) == 1, at
    return skip - strike._left


def struck(world: Claiming, others: Callable[[Claiming], None]) -> None:
    world.served()
    others(world)
    world.served()


def test_another_begins_a_run_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The strikes above cannot be seen by what measures coverage. These two can."""
    world = Claiming(resume="diff")
    world.open()
    world.lose()

    def begin() -> Begin:
        monkeypatch.undo()
        world.take()
        return Begin()

    monkeypatch.setattr(feeds, "Begin", begin)
    world.take()
    assert world.runs == 2
    assert world.feed._state in feeds._AT_REST


def test_the_run_is_lost_first(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Claiming(resume="diff")
    world.open()
    world.serve()

    def pull(cursor: BaseCursor) -> Pull:
        world.lose()
        return Pull(cursor)

    monkeypatch.setattr(feeds, "Pull", pull)
    world.feed._continue()
    monkeypatch.undo()
    assert not world.feed.effects
    assert world.feed.low_water


def test_others_notice_a_loss_first(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Claiming(resume="diff")
    world.open()
    resumption = world.feed._resumption

    def lost(error: Exception, now: float) -> bool:
        monkeypatch.undo()
        lose(world)
        world.take()
        return resumption.lost(error, now)

    monkeypatch.setattr(resumption, "lost", lost)
    lose(world)
    assert world.runs == 2
    assert world.feed._state is feeds._State.RUNNING
    assert world.feed.cursor is world.cursor
