"""Feeds that go on after a lost connection (`resume=`), on loops whose methods return values."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.pool.allowance import Allowance
from rethinkdb.pool.feeds import Feed, Pause, Run
from rethinkdb.pool.hold import Hold

from .feeding import opening_in_time
from .lending import Lending

__all__ = ["WaitingFeeds"]


class WaitingFeeds(Lending):
    """The part of a pool that runs feeds again. Each feed has a thread or greenlet for that."""

    if TYPE_CHECKING:  # for pools to supply

        def _sleep(self, seconds: float) -> None: ...
        def _attempt(
            self, hold: Hold, term: Any, options: dict[str, Any], allowance: Allowance | None
        ) -> Any: ...

    def _later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """Call `callback` after `seconds`. Returns what cancels that, if this loop can do so."""
        return self._spawn(self._sleep_then, seconds, callback)

    def _sleep_then(self, seconds: float, callback: Callable[[], object]) -> None:
        self._sleep(seconds)
        callback()

    def _resumed(self, term: Any, options: dict[str, Any], allowance: Allowance | None) -> Any:
        """Run a feed with `resume`; returns its cursor when the feed is open."""
        feed, connection = self._new_feed(term, options, allowance)
        # Made first: if the wait ends otherwise, the cursor is collected, and that ends the feed.
        cursor = connection.cursor_type(connection, feed)
        with opening_in_time(feed, allowance):
            connection._call(feed.open, timeout=allowance and allowance.left(monotonic()))
        return cursor

    def _keep_going(self, feed: Feed) -> None:
        try:
            while (step := feed.step()) is not None:
                if isinstance(step, Pause):
                    self._sleep(step.seconds)
                else:
                    self._take_step(feed, step)
        except BaseException as error:  # the loop ends
            self._feed_failed(feed, error)
            raise
        finally:
            self._courses.pop(feed, None)

    def _take_step(self, feed: Feed, step: Run) -> None:
        try:
            allowance = self._allowance(step.options)
            result = self._attempt(Hold(), step.term, step.options, allowance)
        except Exception as error:
            self._feed_failed(feed, error)
        else:
            self._feed_answered(feed, result)
