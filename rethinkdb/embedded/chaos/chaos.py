"""The class `Chaos`: the methods by which a test asks for failures."""

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
    """Something that accepts new connections."""

    def refuse(self, refusing: bool) -> None:
        """Stops listening if `refusing`, else listens again."""


class Chaos:
    """Causes failures for the clients of a server, to test how a program handles them.

    Each method starts a trouble and returns it. The trouble lasts until you call its `end()` or
    `Chaos.end()`. Used as a context manager, it lasts as long as the `with` block. It also strikes
    queries and connections that existed before.

    All methods take the conditions of `When` as keywords: `term`, `table`, `match`, `times`,
    `chance`.

    Args:
        seed: the seed of all random choices. The same seed, with the same queries in the same
            order, gives the same troubles.

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
        """Restarts the random choices from a seed."""
        self.random.seed(seed)

    @property
    def troubles(self) -> list[Trouble]:
        """The troubles that have not ended."""
        with self.lock:
            return list(self._troubles)

    def end(self, trouble: Trouble | None = None) -> None:
        """Ends one trouble, or all if none is given."""
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
        """Cuts connections: the client sees a reset.

        Args:
            at: `"query"` cuts when a query arrives; the query is not carried out. `"reply"` cuts
                after the query was carried out, before its reply is sent. Without `at` and
                without conditions, all existing connections are cut immediately; as a context
                manager it also cuts new ones at their first query.
            when: conditions. With conditions, the default of `at` is `"query"`.
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
        """Refuses new connections.

        Without `times` and `chance`, nothing listens on the port. With one of them, a connection
        is accepted and then reset.
        """
        trouble = self._trouble(Refuse(), when)
        if trouble.condition.times is None and trouble.condition.chance == 1:
            trouble = self._trouble(Refuse(), when, ending=lambda: self._refuse(-1))
            self._refuse(1)
        return trouble.begin()

    def delay(self, seconds: float, **when: Unpack[When]) -> Trouble:
        """Makes new connections wait `seconds` for the first bytes of the server."""
        return self._holding(Hold(_checked(seconds)), when)

    def mute(self, **when: Unpack[When]) -> Trouble:
        """Answers neither queries nor new connections.

        When it ends, the replies that were kept back are sent. With conditions on the query, only
        replies to such queries are kept back.
        """
        silence = self._trouble(Hold(float("inf")), when)

        def over() -> None:
            silence.end()
            self._release()

        if not silence.condition.asks:
            silence.begin()
        return self._trouble(Mute(), when, ending=over).begin()

    def slow(self, seconds: float, *, jitter: float = 0.0, **when: Unpack[When]) -> Trouble:
        """Delays each reply by `seconds`, plus a random time of up to `jitter` seconds."""
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
        """Answers a query with an error. Strikes only the next query, unless you give `times`.

        Args:
            error: the class of the error, an instance to copy, or a name such as
                `"op_indeterminate"` or `"not available"`.
            message: the text of the error. Default: a text that a real server uses.
            done: whether the query is carried out nevertheless. None decides at random.
            when: conditions. `times=None` strikes all queries until the trouble ends.

        Raises:
            ValueError: no server answers with such an error.
        """
        when.setdefault("times", 1)
        return self._trouble(Fail(Answer.of(error, message), done), when).begin()

    # -- feeds

    def end_feeds(self, **when: Unpack[When]) -> Trouble:
        """Ends the open changefeeds, as a real server does when a table's primary replica moves.

        As a context manager, it also ends feeds that are opened during the block. With `times` or
        `chance`, a feed ends when it would send its next changes.
        """
        trouble = self._trouble(EndFeed(), when)
        if trouble.condition.times is not None or trouble.condition.chance < 1:
            return trouble.begin()
        trouble.struck = sum(link.end_feeds(trouble.concerns) for link in self._all_links())
        return trouble

    def drop_changes(self, **when: Unpack[When]) -> Trouble:
        """Drops the next changes of a feed, as if the feed's queue had been full.

        One item replaces them: `{"error": "Changefeed cache over array size limit, skipped 2
        elements."}`. This happens once, unless you give `times`.
        """
        when.setdefault("times", 1)
        return self._trouble(DropChanges(), when).begin()

    # -- for the code in a connection

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
        """Adds a door: `refuse` will close it, too."""
        self._doors.append(door)

    def forget(self, link: Link) -> None:
        """A connection has ended."""
        with self.lock:
            self._links.discard(link)

    def begin(self, trouble: Trouble) -> None:
        """Activates a trouble."""
        with self.lock:
            if trouble not in self._troubles:
                self._troubles.append(trouble)
            trouble.active = True

    def expects(self, kind: type[Effect], question: Question | None) -> bool:
        """Whether a trouble of this kind could strike the query."""
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
        """Decides whether a trouble of this kind strikes now. Returns its effect, or None."""
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
        """Deactivates a trouble. It stays in the list if `end` has something to undo."""
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
    """Applies chaos to all connections of some servers."""
    for node in nodes:
        chaos.watch_over(node)
        node.have_tapped(chaos)


def _checked(seconds: float) -> float:
    if not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise ValueError(f"Seconds must be 0 or more, not {seconds!r}.")
    return seconds
