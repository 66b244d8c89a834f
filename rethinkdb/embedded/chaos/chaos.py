"""Trouble on order: what tests call."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from rethinkdb.embedded.chaos.effects import (
    Answer,
    Cut,
    DropChanges,
    Effect,
    EndFeed,
    Fail,
    Hold,
    Mute,
    Refuse,
    Slow,
)
from rethinkdb.embedded.chaos.links import Link
from rethinkdb.embedded.chaos.questions import Question
from rethinkdb.embedded.chaos.troubles import Condition, Trouble, When
from rethinkdb.embedded.serving.taps import Outlet, Pending

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rethinkdb.embedded.serving.node import Node
    from rethinkdb.errors import ReqlError

_Some = TypeVar("_Some", bound=Effect)


class Door(Protocol):
    """Where new clients come in."""

    def refuse(self, refusing: bool) -> None:
        """Nobody listens any more, or somebody does again."""


class Chaos:
    """Makes trouble for the clients of a server, so that a test sees how a program copes with it.

    Each method orders a trouble, which lasts until its `end()`, or until all end with `end`. It is
    a context manager, too: then it lasts as long as the block. Queries and connections that were
    there before are struck as well.

    All take the conditions of `When` as keywords: `term`, `table`, `match`, `times`, `chance`.

    Args:
        seed: of what happens by chance. The same seed, and the same queries in the same order,
            give the same troubles.

    Example::

        with server.chaos.fail(ReqlOpIndeterminateError, term="insert", times=1, done=True):
            signup(conn, "ada@example.org")
    """

    def __init__(self, seed: int | None = None) -> None:
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self._troubles: list[Trouble] = []
        self._links: set[Link] = set()
        self._doors: list[Door] = []
        self._refusals = 0

    def seed(self, seed: int | str | None) -> None:
        """Begins what happens by chance anew."""
        self.random.seed(seed)

    @property
    def troubles(self) -> list[Trouble]:
        """Those that have not ended."""
        with self.lock:
            return list(self._troubles)

    def end(self, trouble: Trouble | None = None) -> None:
        """Ends all troubles, or one."""
        if trouble is None:
            for each in self.troubles:
                each.end()
            return
        with self.lock:
            if trouble in self._troubles:
                self._troubles.remove(trouble)
            trouble.active = False

    # -- links

    def cut(self, *, at: str | None = None, **when: Unpack[When]) -> Trouble:
        """Cuts links.

        Args:
            at: `"query"`: when a query arrives, which is then not carried out; `"reply"`: when it
                was carried out, and is about to be answered. Without it, and without conditions,
                all links that there are are cut at once, and as a context manager each new one at
                its first query.
            when: conditions; without `at` it is `"query"` then.
        """
        if at not in (None, "query", "reply"):
            raise ValueError(f'`at` must be "query" or "reply", not {at!r}.')
        trouble = self._trouble(Cut(before_reply=at == "reply"), when)
        if at is not None or trouble.condition.narrows:
            return trouble.begin()
        for link in self._all_links():
            link.cut()
        return trouble

    def refuse(self, **when: Unpack[When]) -> Trouble:
        """Refuses new connections. With `times` or `chance` they are reset when they are there."""
        trouble = self._trouble(Refuse(), when)
        if trouble.condition.times is None and trouble.condition.chance == 1:
            trouble = self._trouble(Refuse(), when, ending=lambda: self._refuse(-1))
            self._refuse(1)
        return trouble.begin()

    def delay(self, seconds: float, **when: Unpack[When]) -> Trouble:
        """Lets new connections wait so many seconds for the first word of the server."""
        return self._holding(Hold(_checked(seconds)), when)

    def mute(self, **when: Unpack[When]) -> Trouble:
        """Answers nothing any more, neither to queries nor to new connections.

        When it ends, what was kept back is sent. With conditions on the query it concerns the
        replies to such queries only.
        """
        silence = self._trouble(Hold(float("inf")), when)

        def over() -> None:
            silence.end()
            self._release()

        if not silence.condition.asks:
            silence.begin()
        return self._trouble(Mute(), when, ending=over).begin()

    def slow(self, seconds: float, *, jitter: float = 0.0, **when: Unpack[When]) -> Trouble:
        """Answers later: after so many seconds more, and by chance up to `jitter` beyond that."""
        return self._trouble(Slow(_checked(seconds), _checked(jitter)), when).begin()

    # -- answers

    def fail(
        self,
        error: str | type[ReqlError] | ReqlError,
        message: str | None = None,
        *,
        done: bool | None = False,
        **when: Unpack[When],
    ) -> Trouble:
        """Answers queries with an error; only the next one, unless `times` says otherwise.

        Args:
            error: its class, an error to copy, or a name such as `"op_indeterminate"` or
                `"not available"`.
            message: its text; without it, one that a real server gives.
            done: whether the query is carried out all the same; None: by chance.
            when: conditions; `times=None`: as long as it lasts.
        """
        when.setdefault("times", 1)
        return self._trouble(Fail(Answer.of(error, message), done), when).begin()

    # -- feeds

    def end_feeds(self, **when: Unpack[When]) -> Trouble:
        """Ends the feeds there are, as a real server does when a table's primary replica moves.

        As a context manager, those that are opened meanwhile as well. With `times` or `chance` a
        feed ends when it would have something to tell.
        """
        trouble = self._trouble(EndFeed(), when)
        if trouble.condition.times is not None or trouble.condition.chance < 1:
            return trouble.begin()
        trouble.struck = sum(link.end_feeds(trouble.concerns) for link in self._all_links())
        return trouble

    def drop_changes(self, **when: Unpack[When]) -> Trouble:
        """Drops the next changes of feeds, as if the feed's queue had been full.

        In their place comes one item: `{"error": "Changefeed cache over array size limit, skipped
        2 elements."}`. Only the next ones, unless `times` says otherwise.
        """
        when.setdefault("times", 1)
        return self._trouble(DropChanges(), when).begin()

    # -- as those see it who stand in connections

    def tap(self, outlet: Outlet, pending: Iterable[Pending]) -> Link | None:
        """See `Tapper`."""
        if self.strikes(Refuse, None):
            return None
        hold = self.strikes(Hold, None)
        link = Link(self, outlet, pending, holds=hold is not None)
        with self.lock:
            self._links.add(link)
        if hold is not None and hold.seconds != float("inf"):
            outlet.later(hold.seconds, link.release)
        return link

    def watch_over(self, door: Door) -> None:
        """New clients come in there as well."""
        self._doors.append(door)

    def forget(self, link: Link) -> None:
        """A connection is over."""
        with self.lock:
            self._links.discard(link)

    def begin(self, trouble: Trouble) -> None:
        """A trouble may strike from now on."""
        with self.lock:
            if trouble not in self._troubles:
                self._troubles.append(trouble)
            trouble.active = True

    def expects(self, kind: type[Effect], question: Question | None) -> bool:
        """Whether such a trouble may strike."""
        return any(
            each.active and isinstance(each.effect, kind) and each.concerns(question)
            for each in self._troubles
        )

    def strikes(
        self,
        kind: type[_Some],
        question: Question | None,
        fits: Callable[[_Some], bool] = lambda effect: True,
    ) -> _Some | None:
        """What strikes now, of one kind; None if nothing does."""
        if not self._troubles:
            return None
        with self.lock:
            for trouble in list(self._troubles):
                effect, condition = trouble.effect, trouble.condition
                if not trouble.active or not isinstance(effect, kind) or not fits(effect):
                    continue
                if not trouble.concerns(question):
                    continue
                if condition.chance < 1 and self.random.random() >= condition.chance:
                    continue
                trouble.struck += 1
                if trouble.struck == condition.times:
                    self._exhaust(trouble)
                return effect
        return None

    # -- parts

    def _exhaust(self, trouble: Trouble) -> None:
        """It strikes no more, but what it has done may have to be undone."""
        trouble.active = False
        if not trouble.leaves_something:
            self._troubles.remove(trouble)

    def _trouble(
        self, effect: Effect, when: When, *, ending: Callable[[], object] | None = None
    ) -> Trouble:
        return Trouble(self, effect, Condition(**when), ending=ending)

    def _holding(self, effect: Hold, when: When) -> Trouble:
        return self._trouble(effect, when, ending=self._release).begin()

    def _release(self) -> None:
        for link in self._all_links():
            link.release()

    def _refuse(self, change: int) -> None:
        with self.lock:
            before, self._refusals = self._refusals, self._refusals + change
            after = self._refusals
        if bool(before) != bool(after):
            for door in self._doors:
                door.refuse(bool(after))

    def _all_links(self) -> list[Link]:
        with self.lock:
            return list(self._links)


def oversee(chaos: Chaos, nodes: Iterable[Node]) -> None:
    """Has chaos stand in all connections of some servers."""
    for node in nodes:
        chaos.watch_over(node)
        node.have_tapped(chaos)


def _checked(seconds: float) -> float:
    if not seconds >= 0:
        raise ValueError(f"Seconds must be 0 or more, not {seconds!r}.")
    return seconds
