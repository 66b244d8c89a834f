"""Changefeeds that go on: `run(pool, resume=...)`, as the pools of all loops carry them out.

`rethinkdb.pool.feeds` decides. A pool runs what a feed wants run, in the background and without
trying again by itself, and tells it the outcome. The cursor that users get is their loop's ordinary
one. What it calls its connection is one that is never opened, whose wire is the feed: flushing it
does what the feed wants done, on whichever connection the feed is run just then.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.connection import BaseConnection, row_maker_of
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import PoolOptions
from rethinkdb.pool.allowance import Allowance
from rethinkdb.pool.feeds import Begin, Cease, Clocks, Feed, FeedEffect, Pull
from rethinkdb.pool.remembering import MEMORIES
from rethinkdb.pool.resuming import Resumption
from rethinkdb.pool.retrying import USUAL
from rethinkdb.pool.shapes import has_changes, shape_of

__all__ = ["FeedWire", "Feeding", "opening_in_time"]

_WAYS = ("restart", "diff")

# Run options that leave nothing for a feed to be.
_CONTRADICTORY = ("noreply", "profile")

# Run options that are not for each run of a feed.
_NOT_FOR_RUNS = ("as_cursor", "deadline", "idempotent", "remember", "resume")

_CLOCKS = Clocks(monotonic, lambda: datetime.now(timezone.utc))


class FeedWire:
    """The wire of a feed's cursor: instead of sending bytes it does what the feed wants done."""

    def __init__(self, pool: Feeding, feed: Feed) -> None:
        self._pool = pool
        self._feed = feed

    def flush(self) -> None:
        self._pool._serve_feed(self._feed)

    #: Of wires that send later what they are told to send now.
    flush_now = flush

    def leave(self) -> None:
        """After fork(): there is no transport."""

    def shut(self) -> None:
        """There is no transport."""

    async def closed(self) -> None:
        """There is no transport."""

    def local_address(self) -> tuple[str, int] | None:
        return None


class Feeding:
    """The part of a pool that keeps feeds going."""

    options: PoolOptions

    # What ends the background work of each feed that has some.
    _courses: dict[Feed, Callable[[], object]]

    _sample: BaseConnection

    if TYPE_CHECKING:  # for pools to supply

        def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]: ...
        def _stand_in(self) -> BaseConnection: ...
        def _keep_going(self, feed: Feed) -> Any:
            """Follow `feed.step()` until it gives None."""

    def _new_feed(
        self, term: Any, options: Mapping[str, Any], allowance: Allowance | None
    ) -> tuple[Feed, BaseConnection]:
        """A feed that has not begun yet, and what its cursor takes for its connection.

        Args:
            term: the query.
            options: its run options, with `resume`, without `deadline`.
            allowance: how long opening it may take.

        Raises:
            ReqlDriverError: this query cannot be resumed so, and why.
        """
        resume, remember = options["resume"], options.get("remember")
        _check_options(resume, remember, options)
        sent = {name: value for name, value in options.items() if name not in _NOT_FOR_RUNS}
        sample = self._sample
        sample._query(term, dict(sent))  # what cannot be sent is refused now
        row_maker_of(term, sent)  # changes with a type tell what they are
        body = term.start_body(sent, sample.db, sample._codec.values)
        if not has_changes(body):
            raise ReqlDriverError(
                f"`resume` is for changefeeds, and this query is none: {term}. Leave `resume` away,"
                " or end the query in `.changes()`."
            )
        shape = shape_of(body) if resume == "diff" else None
        policy = self.options.retry or USUAL
        resumption = Resumption(policy, random.random, _CLOCKS.steady(), _CLOCKS.wall())
        connection = self._feed_stand_in()
        feed = Feed(
            term,
            sent,
            shape,
            remember or "rows",
            resumption,
            _CLOCKS,
            self._feed_guard(),
            self._follow_feed,
            math.inf if allowance is None else allowance.ends_at,
        )
        self._settle_in(connection, feed)
        return feed, connection

    # For threads to replace.

    def _feed_stand_in(self) -> BaseConnection:
        """A connection that is never opened."""
        return self._stand_in()

    def _feed_guard(self) -> Any:
        """What keeps threads apart that use a feed at once."""
        return nullcontext()

    def _settle_in(self, connection: BaseConnection, feed: Feed) -> None:
        """Let a connection that is never opened stand for a feed's."""
        own = vars(connection)
        own["_pool"] = self  # it runs the callbacks; see `rethinkdb.push`
        own["_process"] = os.getpid()
        own["_wire"] = FeedWire(self, feed)

    def _use_connection(self, connection: Any, operation: Callable[[], Waiter[Any]]) -> None:
        """Run an operation on a connection, and send what it wants sent."""
        connection._begin(operation, ())

    # Carrying out.

    def _follow_feed(self, feed: Feed) -> None:
        """A feed wants to be run again, it says so from the midst of a connection's work."""
        if feed.effects and isinstance(feed.effects[0], Begin):
            self._serve_feed(feed)

    def _serve_feed(self, feed: Feed) -> None:
        """Do what a feed wants done."""
        effects = feed.effects
        while effects:
            try:
                effect = effects.popleft()
            except IndexError:  # another thread was quicker
                return
            self._serve_effect(feed, effect)

    def _serve_effect(self, feed: Feed, effect: FeedEffect) -> None:
        if isinstance(effect, Begin):
            self._begin_course(feed)
        elif isinstance(effect, Cease):
            give_up = self._courses.pop(feed, bool)
            give_up()
        else:
            act = feed.pull if isinstance(effect, Pull) else effect.cursor._stream.close
            with suppress(ReqlDriverError):  # the connection has gone
                self._use_connection(effect.cursor.conn, _operation(act))

    def _begin_course(self, feed: Feed) -> None:
        self._courses[feed] = bool
        give_up = self._spawn(self._keep_going, feed)
        if feed in self._courses:  # else it is over already
            self._courses[feed] = give_up

    def _feed_answered(self, feed: Feed, result: Any) -> None:
        """A query that a feed wanted run has its result."""
        connection = getattr(result, "conn", None)
        if connection is None:
            feed.answered(result)
        else:
            self._use_connection(connection, _operation(lambda: feed.answered(result)))
        self._serve_feed(feed)

    def _feed_failed(self, feed: Feed, error: BaseException) -> None:
        """A query that a feed wanted run has failed; or the loop that it runs in ends."""
        if isinstance(error, Exception):
            feed.failed(error)
        else:
            self._courses.pop(feed, None)  # it is at work right now, so nobody may end it
            feed.cut_off(ReqlDriverError("The feed's loop has ended."))
        self._serve_feed(feed)


@contextmanager
def opening_in_time(feed: Feed, allowance: Allowance | None) -> Iterator[None]:
    """While somebody waits for a feed to open: tell whom the wait took too long for what."""
    try:
        yield
    except ReqlTimeoutError as error:
        if allowance is None or feed.error is not None:
            raise  # it is how the feed has ended
        text = f"The changefeed was not open within {allowance.seconds:.6g} s: {feed.query.term}"
        raise ReqlTimeoutError(message=text) from error


def _operation(act: Callable[[], object]) -> Callable[[], Waiter[Any]]:
    def operation() -> Waiter[Any]:
        act()
        return Waiter.succeeded(None)

    return operation


def _check_options(resume: Any, remember: Any, options: Mapping[str, Any]) -> None:
    if resume not in _WAYS:
        raise ReqlDriverError(f'`resume` must be "restart", "diff" or None, not {resume!r}.')
    if remember is not None and resume != "diff":
        raise ReqlDriverError('`remember` goes with `resume="diff"` only.')
    if remember is not None and remember not in MEMORIES:
        raise ReqlDriverError(f'`remember` must be "rows" or "digests", not {remember!r}.')
    for name in _CONTRADICTORY:
        if options.get(name):
            raise ReqlDriverError(f"`resume` and `{name}` exclude each other: leave one away.")
