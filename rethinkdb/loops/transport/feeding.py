"""Resumed changefeeds, `run(pool, resume=...)`: the part that the pools of all loops share.

`rethinkdb.pool.feeds` decides. The pool runs the queries that a feed asks for, in the background
and without retries, and tells the feed the outcome. The cursor that users get is an ordinary one of
their loop. Its `conn` is a connection that is never opened, with the feed as its wire: flushing
this wire does what the feed asks for, on the connection that the feed uses at that time.
"""

from __future__ import annotations

import math
import os
import random
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime, timezone
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.query_making import row_maker_of
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

# Run options that cannot be combined with `resume`.
_CONTRADICTORY = ("noreply", "profile")

# Run options that are not passed to the runs of a feed's query.
_NOT_FOR_RUNS = ("as_cursor", "deadline", "idempotent", "remember", "resume")

_CLOCKS = Clocks(monotonic, partial(datetime.now, timezone.utc))


class FeedWire:
    """The wire of a feed's cursor. Instead of sending bytes it does what the feed asks for.

    Attributes:
        over: there is no socket, as if it were closed.
    """

    over = True

    def __init__(self, pool: Feeding, feed: Feed) -> None:
        self._pool = pool
        self._feed = feed

    def flush(self) -> None:
        self._pool._serve_feed(self._feed)

    #: The name that some wires have for sending without delay.
    flush_now = flush

    def run(self, callback: Callable[[], None]) -> None:
        """Call a function of the connection: gevent closes cursors that were left behind so."""
        callback()

    @property
    def reader(self) -> Any:
        """The greenlet that reads what the feed gets, if there is one. gevent asks."""
        cursor = self._feed.cursor
        connection: Any = None if cursor is None else cursor.conn
        wire = None if connection is None else connection._wire
        return None if wire is None else wire.reader

    def leave(self) -> None:
        """Does nothing: there is no socket."""

    def shut(self) -> None:
        """Does nothing: there is no socket."""

    async def closed(self) -> None:
        """Does nothing: there is no socket."""

    def local_address(self) -> tuple[str, int] | None:
        return None


class Feeding:
    """The part of a pool that runs resumed feeds."""

    options: PoolOptions
    closed: bool

    # For each feed with background work: what ends this work.
    _courses: dict[Feed, Callable[[], object]]

    _sample: BaseConnection

    if TYPE_CHECKING:  # for pools to supply

        def _spawn(self, work: Callable[..., Any], *args: Any) -> Callable[[], object]: ...
        def _stand_in(self) -> BaseConnection: ...
        def _keep_going(self, feed: Feed) -> Any:
            """Do what `feed.step()` returns, until it returns None."""

    def _new_feed(
        self, term: Any, options: Mapping[str, Any], allowance: Allowance | None
    ) -> tuple[Feed, BaseConnection]:
        """Make a feed that has not begun yet, and the connection for its cursor.

        Args:
            term: the query.
            options: its run options, with `resume`, without `deadline`.
            allowance: how long opening it may take; None: no limit.

        Raises:
            ReqlDriverError: the query cannot be resumed in this way; the message says why.
        """
        resume, remember = options["resume"], options.get("remember")
        _check_options(resume, remember, options)
        sent = {name: value for name, value in options.items() if name not in _NOT_FOR_RUNS}
        sample = self._sample
        sample._query(term, dict(sent))  # raises an error now if the query cannot be sent
        row_maker_of(term, sent)  # may add options that typed changes need
        body = term.start_body(sent, sample.db, sample._codec.values)
        if not has_changes(body):
            raise ReqlDriverError(
                f"`resume` is for changefeeds, and this query is none: {term}. Leave `resume` away,"
                " or end the query in `.changes()`."
            )
        shape = shape_of(body) if resume == "diff" else None
        policy = self.options.retry or USUAL
        resumption = Resumption(
            policy, random.random, _CLOCKS.steady(), _CLOCKS.wall(), lambda: self.closed
        )
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

    # The blocking pool overrides these.

    def _feed_stand_in(self) -> BaseConnection:
        """A connection that is never opened, for a feed's cursor."""
        return self._stand_in()

    def _feed_guard(self) -> Any:
        """The lock for a feed."""
        return nullcontext()

    def _settle_in(self, connection: Any, feed: Feed) -> None:
        """Give the connection of a feed's cursor the feed as its wire."""
        connection._pool = self  # it runs the callbacks; see `rethinkdb.push`
        connection._process = os.getpid()
        connection._wire = FeedWire(self, feed)

    def _use_connection(self, connection: Any, operation: Callable[[], Waiter[Any]]) -> None:
        """Run an operation on a connection, and send its bytes."""
        connection._begin(operation, ())

    # Carrying out.

    def _follow_feed(self, feed: Feed) -> None:
        """A feed asks to be run again. A connection calls this in the middle of its work."""
        if feed.effects and isinstance(feed.effects[0], Begin):
            self._serve_feed(feed)

    def _serve_feed(self, feed: Feed) -> None:
        """Do what a feed asks for."""
        effects = feed.effects
        while effects:
            try:
                effect = effects.popleft()
            except IndexError:  # another thread has taken it
                return
            self._serve_effect(feed, effect)

    def _serve_effect(self, feed: Feed, effect: FeedEffect) -> None:
        if isinstance(effect, Begin):
            self._begin_course(feed)
        elif isinstance(effect, Cease):
            give_up = self._courses.pop(feed, bool)
            give_up()
        elif isinstance(effect, Pull):
            with suppress(ReqlDriverError):  # the connection is lost
                self._use_connection(effect.cursor.conn, _operation(feed.pull))
        else:
            self._stop_run(feed, effect.cursor)

    def _stop_run(self, feed: Feed, cursor: BaseCursor) -> None:
        stream, connection = cursor._stream, cursor.conn
        # Not the feed itself: a blocking connection reads the answer when it is used next, and
        # would keep the feed and its thread until then.
        reference, waiter = weakref.ref(feed), feed.stopped()

        def answered(_: object) -> None:
            left = reference()
            if left is not None:
                left.left()
            else:
                waiter.set_result(None)

        def stop() -> None:
            stream.close()
            connection._session.stopped(stream.token).add_done_callback(answered)

        try:
            self._use_connection(connection, _operation(stop))
        except ReqlDriverError:  # the connection is lost
            feed.left()

    def _begin_course(self, feed: Feed) -> None:
        self._courses[feed] = bool
        give_up = self._spawn(self._keep_going, feed)
        if feed in self._courses:  # otherwise it has ended already
            self._courses[feed] = give_up

    def _feed_answered(self, feed: Feed, result: Any) -> None:
        """Tell a feed the result of a query that it asked for."""
        connection = getattr(result, "conn", None)
        if connection is None:
            feed.answered(result)
        else:
            self._use_connection(connection, _operation(lambda: feed.answered(result)))
        self._serve_feed(feed)

    def _feed_failed(self, feed: Feed, error: BaseException) -> None:
        """Tell a feed that a query it asked for has failed, or that its loop ends."""
        if isinstance(error, Exception):
            feed.failed(error)
        else:
            self._courses.pop(feed, None)  # this work is running, so it must not be ended
            feed.cut_off(ReqlDriverError("The feed's loop has ended."))
        self._serve_feed(feed)


@contextmanager
def opening_in_time(feed: Feed, allowance: Allowance | None) -> Iterator[None]:
    """A context manager for waiting until a feed is open: says what took too long."""
    try:
        yield
    except ReqlTimeoutError as error:
        if allowance is None or feed.error is not None:
            raise  # the feed itself has ended with this error
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
