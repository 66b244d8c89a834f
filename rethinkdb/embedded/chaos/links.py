"""Applies troubles to the queries and replies of one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rethinkdb.embedded.chaos.effects import (
    ABORTED,
    Cut,
    DropChanges,
    EndFeed,
    Fail,
    Mute,
    Slow,
    without_changes,
)
from rethinkdb.embedded.chaos.questions import Question
from rethinkdb.embedded.data import jsontext
from rethinkdb.embedded.serving.taps import Outlet, Pending
from rethinkdb.ql2 import QueryType, ResponseType

if TYPE_CHECKING:
    from rethinkdb.embedded.chaos.chaos import Chaos

_STOP = b"[%d]" % QueryType.STOP
_PARTIAL = b'{"t":%d,' % ResponseType.SUCCESS_PARTIAL


class Link:
    """A `Tap` on one connection. It decides while it holds the lock of `chaos`, and acts later.

    Args:
        chaos: the troubles.
        outlet: the connection.
        pending: queries that were sent before the tap was there.
        holds: whether a new client has to wait.
    """

    def __init__(
        self, chaos: Chaos, outlet: Outlet, pending: Iterable[Pending], *, holds: bool
    ) -> None:
        self.holds = holds
        self.outlet = outlet
        self._chaos = chaos
        self._lock = chaos.lock
        self._questions: dict[int, Question] = {}
        self._feeds: set[int] = set()
        self._asked: set[int] = set()
        self._ending: set[int] = set()
        """Feeds that end at the client's next CONTINUE."""
        self._replaced: dict[int, bytes] = {}
        """For each token, what is sent instead of its next reply."""
        self._gone: set[int] = set()
        """Tokens that were already answered. Further replies to them are dropped."""
        self._kept: list[tuple[int, bytes]] = []
        self._cut = False
        for query in pending:
            self._questions[query.token] = Question(query.term)
            if query.is_feed:
                self._feeds.add(query.token)
            if query.asked:
                self._asked.add(query.token)

    # -- as a tap

    def query(self, token: int, payload: bytes) -> None:
        """See `Tap`."""
        with self._lock:
            act = self._decide_query(token, payload)
        act()

    def reply(self, token: int, payload: bytes) -> None:
        """See `Tap`."""
        with self._lock:
            act = self._decide_reply(token, payload)
        act()

    def closed(self) -> None:
        """See `Tap`."""
        self._chaos.forget(self)

    # -- called by `Chaos`

    def cut(self) -> None:
        """Resets the connection."""
        self._cut = True
        self.outlet.reset()

    def end_feeds(self, wanted: Callable[[Question | None], bool]) -> int:
        """Ends the feeds for which `wanted` is true. Returns how many."""
        with self._lock:
            found = [each for each in self._feeds if wanted(self._questions.get(each))]
            told = [token for token in found if token in self._asked]
            self._ending.update(set(found) - set(told))
            acts = [self._end_feed(token) for token in told]
        for act in acts:
            act()
        return len(found)

    def release(self) -> None:
        """Sends the replies that were kept back, and lets a waiting client continue."""
        with self._lock:
            kept, self._kept, held = self._kept, [], self.holds
            self.holds = False
        if held:
            self.outlet.release()
        for token, payload in kept:
            self.reply(token, payload)

    # -- decisions

    def _decide_query(self, token: int, payload: bytes) -> Callable[[], None]:
        if self._cut:
            return _nothing
        try:
            query = jsontext.loads(payload)
            kind = QueryType(query[0])
        except Exception:  # let the server report what is wrong with it
            return lambda: self.outlet.to_server(token, payload)
        if kind is QueryType.START:
            return self._decide_start(token, payload, query)
        if kind is QueryType.CONTINUE:
            self._asked.add(token)
            if token in self._ending:
                return self._end_feed(token)
        if kind is QueryType.STOP:
            self._ending.discard(token)
        return lambda: self.outlet.to_server(token, payload)

    def _decide_start(self, token: int, payload: bytes, query: list[object]) -> Callable[[], None]:
        options = query[2] if len(query) > 2 else {}
        noreply = isinstance(options, dict) and options.get("noreply") is True
        question = Question(query[1] if len(query) > 1 else None, noreply=noreply)
        if self._chaos.strikes(Cut, question, lambda effect: not effect.before_reply):
            return self.cut
        failing = self._chaos.strikes(Fail, question)
        if failing is None:
            self._questions[token] = question
            self._asked.add(token)
            return lambda: self.outlet.to_server(token, payload)
        return self._fail(token, payload, question, failing)

    def _fail(
        self, token: int, payload: bytes, question: Question, failing: Fail
    ) -> Callable[[], None]:
        answer = failing.error.payload(question)
        if failing.done if failing.done is not None else self._chaos.random.random() < 0.5:
            if not question.noreply:
                self._replaced[token] = answer
            return lambda: self.outlet.to_server(token, payload)
        if question.noreply:
            return _nothing
        return lambda: self.outlet.to_client(token, answer)

    def _decide_reply(self, token: int, payload: bytes) -> Callable[[], None]:
        if self._cut or token in self._gone:
            return _nothing
        question = self._questions.get(token)
        if token in self._replaced:
            return self._replace(token, payload)
        if self._chaos.strikes(Cut, question, lambda effect: effect.before_reply):
            return self.cut
        if self._chaos.strikes(Mute, question):
            self._kept.append((token, payload))
            return _nothing
        partial = payload.startswith(_PARTIAL)
        is_feed = partial and question is not None and question.is_feed
        self._note(token, partial=partial, is_feed=is_feed)
        if is_feed:
            if self._chaos.strikes(EndFeed, question):
                return self._end_feed(token)
            payload = self._drop_changes(question, payload)
        slow = self._chaos.strikes(Slow, question)
        if slow is None:
            return lambda: self.outlet.to_client(token, payload)
        seconds = slow.seconds + slow.jitter * self._chaos.random.random()
        return lambda: self.outlet.later(seconds, lambda: self.outlet.to_client(token, payload))

    def _note(self, token: int, *, partial: bool, is_feed: bool) -> None:
        self._asked.discard(token)
        if is_feed:
            self._feeds.add(token)
        if not partial:
            self._forget(token)

    def _forget(self, token: int) -> None:
        self._questions.pop(token, None)
        for tokens in (self._feeds, self._asked, self._ending):
            tokens.discard(token)

    def _replace(self, token: int, payload: bytes) -> Callable[[], None]:
        answer = self._replaced.pop(token)
        self._gone.add(token)
        stop = payload.startswith(_PARTIAL)
        return lambda: self._finish(token, answer, stop=stop)

    def _end_feed(self, token: int) -> Callable[[], None]:
        self._forget(token)
        self._gone.add(token)
        return lambda: self._finish(token, ABORTED, stop=True)

    def _finish(self, token: int, answer: bytes, *, stop: bool) -> None:
        if stop:
            self.outlet.to_server(token, _STOP)
        self.outlet.to_client(token, answer)

    def _drop_changes(self, question: Question | None, payload: bytes) -> bytes:
        if not self._chaos.expects(DropChanges, question):
            return payload
        dropped = without_changes(payload)
        if dropped is None or not self._chaos.strikes(DropChanges, question):
            return payload
        return dropped


def _nothing() -> None:
    """Sends nothing to either side."""
