"""The sans-IO half of a cursor: batches, CONTINUE, STOP.

Read-ahead is one batch: two are here or on their way, and no more, however many items each has.
The next one is asked for

- when a batch arrives and nothing is left of the earlier ones,
- else when an item of the last batch is taken, which is after all earlier ones,

if none is asked for already. So the next batch travels while this one is used, a changefeed that is
kept up with always has a CONTINUE outstanding, and a consumer that stands still stops the server.
None is sent once the server said that the sequence is complete.

    streaming --SUCCESS_SEQUENCE--> finished        (items at hand, then ReqlCursorEmpty)
    streaming --error, loss-------> finished, error (items at hand, then the error, each time)
    streaming --close()-----------> finished        (items at hand, then ReqlCursorEmpty)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice, repeat
from operator import methodcaller
from typing import Any, NamedTuple

from rethinkdb.codec import Response
from rethinkdb.errors import ReqlCursorEmpty, ReqlRowError
from rethinkdb.ql2 import ResponseNote

from .query import Query
from .signals import raised_by_handler
from .waiter import Waiter

__all__ = ["FEEDS", "Stream"]

#: What the server notes of changefeeds.
FEEDS = frozenset(
    {
        ResponseNote.SEQUENCE_FEED,
        ResponseNote.ATOM_FEED,
        ResponseNote.ORDER_BY_LIMIT_FEED,
        ResponseNote.UNIONED_FEED,
    }
)

_POP, _POPLEFT = methodcaller("pop"), methodcaller("popleft")

# Feeds have no last batch; whoever asks for profiles and never looks must not pay with memory.
_PROFILES_KEPT = 100


class _Request(NamedTuple):
    """Somebody waits for an item: to take it, or only to know whether there is one.

    Attributes:
        waiter: is settled then.
        taken: gets the item, on its way from the buffer to the waiter; None of who takes none.
    """

    waiter: Waiter[Any]
    taken: list[Any] | None


class Stream:
    """The results of one query that come in batches. Made by the session.

    Attributes:
        query: the query, with its options.
        token: its number on the wire.
        buffer: the items at hand. Read it freely; take from it with `take()`, or directly with a
            `read_ahead()` whenever it got shorter than `low_water`.
        held: what comes after these, the first of it the error of a row that does not fit its type;
            empty nearly always. So errors need not be looked for in the buffer.
        finished: the server will send nothing more; items may still be at hand.
        error: what ended it, to be raised once the buffer is empty; None after a clean end.
        notes: what the server says about it (`ResponseNote`), such as the kind of changefeed.
        low_water: the next batch is due as soon as `buffer` is shorter than this; 0 when none is to
            be asked for.
        profiles: each batch's profile, oldest first, if the query asked for them (the last 100).
        received: how many items have come, or more.
        renewal: runs the query again if it is lost before an item was given out; pools set it.
        follower: is called whenever something has come, or the end; perhaps once more than that.
    """

    __slots__ = (
        "_ended",
        "_requests",
        "_send_continue",
        "_send_stop",
        "_traceback",
        "buffer",
        "error",
        "finished",
        "follower",
        "held",
        "low_water",
        "notes",
        "profiles",
        "query",
        "received",
        "renewal",
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
        self.held: deque[Any] = deque()
        self.finished = False
        self.error: Exception | None = None
        self.notes: tuple[int, ...] = ()
        self.profiles: deque[Any] = deque(maxlen=_PROFILES_KEPT)
        self._traceback: Any = None
        self._ended: Waiter[None] | None = None
        self._requests: deque[_Request] = deque()
        self._send_continue = send_continue
        self._send_stop = send_stop
        self.low_water = 0
        self.received = 0
        self.renewal: Any = None
        self.follower: Callable[[], object] | None = None

    @property
    def is_feed(self) -> bool:
        """Whether it is a changefeed, which never ends by itself."""
        return not FEEDS.isdisjoint(self.notes)

    @property
    def ended(self) -> Waiter[None]:
        """Settled when the server will send nothing more, however that came. Do not abandon it."""
        if self._ended is None:
            self._ended = Waiter()
            if self.finished:
                self._ended.set_result(None)
        return self._ended

    # The consumer's half. Flush `data_to_send()` after each call.

    def take(self) -> Any:
        """Take the next item at hand without a waiter, and ask for the next batch in time.

        Nobody's item is taken: while others wait in `next()` the buffer is empty.

        Raises:
            IndexError: no item is at hand.
        """
        item = self.buffer.popleft()
        self._pull()
        return item

    def take_batch(self) -> list[Any]:
        """Take all items at hand, possibly none: quicker still, for consumers who use them all."""
        items = list(self.buffer)
        self.buffer.clear()
        self._pull()
        return items

    def read_ahead(self) -> Waiter[None]:
        """Ask for the next batch if it is due: for consumers who take from the buffer directly.

        Nobody needs to wait for it, so the waiter is settled.
        """
        self._pull()
        return Waiter.succeeded(None)

    def next(self, held_by: Callable[[Waiter[Any]], object] | None = None) -> Waiter[Any]:
        """Wait for the next item; settled at once when one is at hand.

        Abandoning the waiter loses nothing: the item goes to the next caller, even one that had
        arrived but was not read yet. Callers are served in order.

        Args:
            held_by: a callback of the waiter, if that is pending. What it refers to lives as long.

        Returns:
            A waiter of the item. It fails with `ReqlCursorEmpty` at the end, with what ended the
            stream otherwise, and again for each later call.
        """
        waiter: Waiter[Any] = Waiter(self._forget, self._put_back)
        try:
            self._stand_in_line(_Request(waiter, []))
            if held_by is not None and not waiter.done():
                waiter.add_done_callback(held_by)
            return waiter
        except BaseException:  # an interrupt: nobody will have this waiter
            waiter.abandon()
            raise

    def has_next(self, held_by: Callable[[Waiter[Any]], object] | None = None) -> Waiter[bool]:
        """Wait until `next()` would not have to.

        Args:
            held_by: as of `next`.

        Returns:
            A waiter of True if an item is at hand, or an error that `next()` would raise; of False
            at a clean end.
        """
        waiter: Waiter[bool] = Waiter(self._forget)
        try:
            self._stand_in_line(_Request(waiter, None))
            if held_by is not None and not waiter.done():
                waiter.add_done_callback(held_by)
            return waiter
        except BaseException:
            waiter.abandon()
            raise

    def put_back(self, items: list[Any]) -> Waiter[None]:
        """Give back items that were taken and not used: they are the next ones again, in order.

        Nobody needs to wait for it, so the waiter is settled.
        """
        if items and type(items[0]) is ReqlRowError:
            # What has moved up behind it moves back. Each step is one call, for threads' sake.
            with suppress(IndexError):
                self.held.extendleft(map(_POP, repeat(self.buffer)))
            self.held.extendleft(reversed(items))
        else:
            self.buffer.extendleft(reversed(items))
        self.serve()
        return Waiter.succeeded(None)

    def close(self) -> Waiter[None]:
        """Stop the query. Items at hand remain; then the stream is exhausted.

        Whoever waits in `next()` gets `ReqlCursorEmpty`. A second call, or one after the end, has
        no effect. Nobody needs to wait for the server's answer to the STOP, so the waiter is
        settled already.
        """
        if not self.finished:
            self._send_stop()
            self.end(None)
        self.serve()
        return Waiter.succeeded(None)

    # The session's half. Each of these may be called again, should an interrupt have hit it.

    def batch_received(self, response: Response, items: Iterator[Any], complete: bool) -> None:
        """Take in a batch.

        Args:
            response: the reply.
            items: an iterator of its results, which gives each of them once.
            complete: it is the last one.
        """
        if response.notes:
            self.notes = response.notes
        profile = response.profile
        if profile is not None and not (self.profiles and self.profiles[-1] is profile):
            self.profiles.append(profile)
        # At least 1: feeds begin with an empty batch, which must not be the last one asked for.
        low_water = max(1, len(response.results))
        if not complete and not self.finished:
            self.low_water = low_water
            if not self.buffer and not self.held:
                self._continue()
        self.received += len(response.results)  # too many, if an interrupt has this done again
        self.add(items, response.misfits)
        if complete:
            self.end(None)
        self.serve()

    def add(self, items: Iterable[Any], misfits: bool = False) -> None:
        """Add items to those at hand.

        Args:
            items: they are taken out of this.
            misfits: whether there is the error of a row among them.
        """
        if misfits or self.held:
            self.held.extend(items)
            self._move_up()
        else:
            self.buffer.extend(items)

    def _move_up(self) -> None:
        """Bring what is held to the buffer, up to the next error."""
        held = self.held
        rows = next((n for n, item in enumerate(held) if type(item) is ReqlRowError), len(held))
        self.buffer.extend(islice(map(_POPLEFT, repeat(held)), rows))

    def end(self, error: Exception | None) -> None:
        """Nothing more will come. Settles nobody yet: `serve()` does."""
        self.error = error
        self._traceback = error and error.__traceback__
        self.finished = True
        self.low_water = 0
        if self._ended is not None:
            self._ended.set_result(None)

    def serve(self) -> None:
        """Settle those whose turn it is. Their callbacks may ask for more, or close."""
        try:
            requests = self._requests
            while True:
                if not requests:
                    break
                request = requests[0]
                if not (self.buffer or self.held or self.finished or request.taken):
                    break
                if self._settle(request) and requests and requests[0] is request:
                    requests.popleft()
        except BaseException:  # an interrupt, such as Ctrl-C: the others must not wait on
            self.serve()
            raise
        if self.follower is not None:
            self.follower()

    def _stand_in_line(self, request: _Request) -> None:
        self._requests.append(request)
        self.serve()
        if not request.waiter.done():
            self._pull()

    def _settle(self, request: _Request) -> bool:
        """Settle the first request; False if that cannot be done yet."""
        waiter, taken = request
        if taken is None:
            waiter.set_result(bool(self.buffer or self.held) or self.error is not None)
            return True
        if not taken and waiter.done():  # its callback, which runs right now, has put items back
            self._settle_at_end(waiter)
            return True
        item = map(_POPLEFT, (self.buffer or self.held,))
        try:
            if not taken and self._requests and self._requests[0] is request:
                taken.extend(item)
        except IndexError as exc:
            if raised_by_handler(exc):
                raise
            return self._settle_at_end(waiter)
        if taken:  # else it was settled meanwhile, or abandoned
            if type(taken[0]) is ReqlRowError:
                self._move_up()
                self._pull()
                waiter.set_exception(taken[0])
                return True
            self._pull()
            waiter.set_result(taken[0])
        return True

    def _settle_at_end(self, waiter: Waiter[Any]) -> bool:
        if self.held:  # another thread has taken the last row before it
            return False
        if not self.finished:  # another thread was quicker to take the item
            self._pull()
            return False
        if self.error is None:
            waiter.set_exception(ReqlCursorEmpty())
        else:
            # The same error is raised again and again: without what earlier raises added to it.
            waiter.set_exception(self.error.with_traceback(self._traceback))
        return True

    def _put_back(self, item: Any) -> None:
        self.put_back([item])

    def _forget(self, waiter: Waiter[Any]) -> None:
        for request in tuple(self._requests):
            if request.waiter is waiter:
                self._requests.remove(request)
                if request.taken:  # an interrupt came between the item and the waiter
                    self._put_back(request.taken[0])

    def _pull(self) -> None:
        if len(self.buffer) < self.low_water and len(self.buffer) + len(self.held) < self.low_water:
            self._continue()

    def _continue(self) -> None:
        self._send_continue()
        self.low_water = 0
