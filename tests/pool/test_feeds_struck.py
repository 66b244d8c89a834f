"""Other threads use a feed while a signal handler has interrupted the main thread in the midst.

The main thread's handler uses a connection, and releases the feed's lock meanwhile. So whatever the
main thread does with the feed, others may come at each place where Python looks for signals.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count

import pytest

from rethinkdb.net.cursor import BaseCursor
from rethinkdb.pool import feeds
from rethinkdb.pool.feeds import Begin, Pull
from tests.loops.strikes import PACKAGE, Strike

from .feed_world import World


class FeedStrike(Strike):
    """Others come while the main thread is in the code of feeds and streams."""

    files = (f"{PACKAGE}/pool/feeds.py", f"{PACKAGE}/net/stream.py")


class Claiming(World):
    """A world in which a `Begin` may be carried out twice, as on the blocking loop."""

    def act(self) -> None:
        feed = self.feed
        while feed.effects and isinstance(feed.effects[0], Begin):
            feed.effects.popleft()
            if feed.claim():
                self._begun += 1
                self.follow()
        super().act()


def take(world: World) -> None:
    """Take rows until the next batch is due."""
    with suppress(IndexError):  # others have taken all
        for _ in range(4):
            world.feed.take()


def wait(world: World) -> None:
    waiter = world.feed.next()
    world.act()
    waiter.abandon()


def another_loses(world: World) -> None:
    world.lose()


def another_takes(world: World) -> None:
    world.take()


@pytest.mark.parametrize("others", [another_loses, another_takes])
@pytest.mark.parametrize("main", [take, wait])
@pytest.mark.parametrize("resume", ["restart", "diff"])
def test_a_feed_goes_on(
    resume: str, main: Callable[[World], None], others: Callable[[World], None]
) -> None:
    for skip in count():
        world = Claiming(resume=resume)
        strike = FeedStrike(partial(others, world), skip)
        world.open()
        for names in ("abc", "de"):
            for name in names:
                world.server.write(name, {"id": name, "n": 1})
            world.serve()
        strike.run(partial(main, world))
        world.act()
        world.take()
        world.server.write("z", {"id": "z", "n": 1})
        rows = [item["new_val"]["id"] for item in world.settle() if item.get("new_val")]
        assert rows.count("z") == 1, strike.place
        if not strike.struck:
            break
    assert skip > 2, "nothing was struck"


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
