"""The sans-IO half of a cursor: batches, CONTINUE, STOP.

Read-ahead is one batch. A CONTINUE is sent when none is outstanding and the buffer holds fewer
items than the last batch brought: so the next batch travels while this one is used, a changefeed
that is kept up with always has a CONTINUE outstanding, and a consumer that stands still stops the
server after two batches. None is sent once the server said that the sequence is complete.

    streaming --SUCCESS_SEQUENCE--> finished        (items at hand, then ReqlCursorEmpty)
    streaming --error, loss-------> finished, error (items at hand, then the error, each time)
    streaming --close()-----------> finished        (items at hand, then ReqlCursorEmpty)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from rethinkdb.codec import Response
from rethinkdb.errors import ReqlCursorEmpty
from rethinkdb.ql2 import ResponseNote

from .query import Query
from .waiter import Waiter

__all__ = ["Stream"]

_FEEDS = frozenset(
    {
        ResponseNote.SEQUENCE_FEED,
        ResponseNote.ATOM_FEED,
        ResponseNote.ORDER_BY_LIMIT_FEED,
        ResponseNote.UNIONED_FEED,
    }
)

# Feeds have no last batch; whoever asks for profiles and never looks must not pay with memory.
_PROFILES_KEPT = 100


class _Request(NamedTuple):
    """Somebody waits for an item: to take it, or only to know whether there is one."""

    waiter: Waiter[Any]
    takes: bool


class Stream:
    """The results of one query that come in batches. Made by the session.

    Attributes:
        query: the query, with its options.
        token: its number on the wire.
        buffer: the items at hand. Read it freely; take from it with `take()`, or directly with a
            `read_ahead()` whenever it got shorter than `low_water`.
        finished: the server will send nothing more; items may still be at hand.
        error: what ended it, to be raised once the buffer is empty; None after a clean end.
        notes: what the server says about it (`ResponseNote`), such as the kind of changefeed.
        low_water: the next batch is due as soon as `buffer` is shorter than this; 0 when none is to
            be asked for.
        profiles: each batch's profile, oldest first, if the query asked for them (the last 100).
    """

    __slots__ = (
        "_requests",
        "_send_continue",
        "_send_stop",
        "_traceback",
        "buffer",
        "error",
        "finished",
        "low_water",
        "notes",
        "profiles",
        "query",
        "token",
    )

    def __init__(
        self,
        query: Query,
        token: int,
        send_continue: Callable[[], None],
        send_stop: Callable[[], None],
    ) -> None:
        self.query = query
        self.token = token
        self.buffer: deque[Any] = deque()
        self.finished = False
        self.error: Exception | None = None
        self.notes: tuple[int, ...] = ()
        self.profiles: deque[Any] = deque(maxlen=_PROFILES_KEPT)
        self._traceback: Any = None
        self._requests: deque[_Request] = deque()
        self._send_continue = send_continue
        self._send_stop = send_stop
        self.low_water = 0

    @property
    def is_feed(self) -> bool:
        """Whether it is a changefeed, which never ends by itself."""
        return not _FEEDS.isdisjoint(self.notes)

    # The consumer's half. Flush `data_to_send()` after each call.

    def take(self) -> Any:
        """Take the next item at hand without a waiter, and ask for the next batch in time.

        Nobody's item is taken: while others wait in `next()` the buffer is empty.

        Raises:
            IndexError: no item is at hand.
        """
        item = self.buffer.popleft()
        if len(self.buffer) < self.low_water:
            self._continue()
        return item

    def take_batch(self) -> list[Any]:
        """Take all items at hand, possibly none: quicker still, for consumers who use them all."""
        items = list(self.buffer)
        self.buffer.clear()
        if self.low_water:
            self._continue()
        return items

    def read_ahead(self) -> Waiter[None]:
        """Ask for the next batch if it is due: for consumers who take from the buffer directly.

        Nobody needs to wait for it, so the waiter is settled.
        """
        self._pull()
        return Waiter.succeeded(None)

    def next(self) -> Waiter[Any]:
        """Wait for the next item; settled at once when one is at hand.

        Abandoning the waiter loses nothing: the item goes to the next caller, even one that had
        arrived but was not read yet. Callers are served in order.

        Returns:
            A waiter of the item. It fails with `ReqlCursorEmpty` at the end, with what ended the
            stream otherwise, and again for each later call.
        """
        return self._request(takes=True)

    def has_next(self) -> Waiter[bool]:
        """Wait until `next()` would not have to.

        Returns:
            A waiter of True if an item is at hand, or an error that `next()` would raise; of False
            at a clean end.
        """
        return self._request(takes=False)

    def close(self) -> Waiter[None]:
        """Stop the query. Items at hand remain; then the stream is exhausted.

        Whoever waits in `next()` gets `ReqlCursorEmpty`. A second call, or one after the end, has
        no effect. Nobody needs to wait for the server's answer to the STOP, so the waiter is
        settled already.
        """
        if not self.finished:
            self.end(None)
            self._send_stop()
            self.serve()
        return Waiter.succeeded(None)

    # The session's half.

    def batch_received(self, response: Response, complete: bool) -> None:
        """Take in a batch; `complete` if it is the last."""
        if response.notes:
            self.notes = response.notes
        if response.profile is not None:
            self.profiles.append(response.profile)
        if complete:
            self.end(None)
        else:
            # At least 1: feeds begin with an empty batch, which must not be the last one asked for.
            self.low_water = max(1, len(response.results))
            self._pull()
        self.buffer.extend(response.results)
        self.serve()

    def end(self, error: Exception | None) -> None:
        """Nothing more will come. Settles nobody yet: `serve()` does."""
        self.finished = True
        self.error = error
        self._traceback = error and error.__traceback__
        self.low_water = 0

    def serve(self) -> None:
        """Settle those whose turn it is. Their callbacks may ask for more, or close."""
        while self._requests and (self.buffer or self.finished):
            try:
                self._settle(self._requests.popleft())
            except BaseException:  # an interrupt, such as Ctrl-C: the others must not wait on
                self.serve()
                raise

    def _request(self, takes: bool) -> Waiter[Any]:
        request = _Request(Waiter(self._forget, self._put_back if takes else None), takes)
        if self._requests or not (self.buffer or self.finished):
            self._requests.append(request)
            self._pull()
        else:
            self._settle(request)
        return request.waiter

    def _settle(self, request: _Request) -> None:
        if not request.takes:
            request.waiter.set_result(bool(self.buffer) or self.error is not None)
            return
        try:
            item = self.take()
        except IndexError:
            self._settle_empty(request)
        else:
            request.waiter.set_result(item)

    def _settle_empty(self, request: _Request) -> None:
        if not self.finished:  # another thread was quicker to take the item
            self._requests.appendleft(request)
            self._pull()
        elif self.error is None:
            request.waiter.set_exception(ReqlCursorEmpty())
        else:
            # The same error is raised again and again: without what earlier raises added to it.
            request.waiter.set_exception(self.error.with_traceback(self._traceback))

    def _put_back(self, item: Any) -> None:
        self.buffer.appendleft(item)
        self.serve()

    def _forget(self, waiter: Waiter[Any]) -> None:
        self._requests = deque(
            request for request in self._requests if request.waiter is not waiter
        )

    def _pull(self) -> None:
        if len(self.buffer) < self.low_water:
            self._continue()

    def _continue(self) -> None:
        self.low_water = 0
        self._send_continue()
