"""The sans-IO half of a cursor: batches, CONTINUE, STOP.

A stream reads one batch in advance: at most two batches are in the buffer or on their way, however
many items they have. If no batch is asked for already, the next one is asked for

- when a batch arrives and the buffer has no items of earlier batches, or
- when the first item of the last batch is taken, as then all earlier ones are taken.

So the next batch travels while the program uses this one. A changefeed whose items are taken in
time always has a CONTINUE pending. If the program stops taking items, the server stops sending. No
CONTINUE is sent after the server's last batch.

    streaming --SUCCESS_SEQUENCE--> finished        (buffered items, then ReqlCursorEmpty)
    streaming --error, loss-------> finished, error (buffered items, then the error, each time)
    streaming --close()-----------> finished        (buffered items, then ReqlCursorEmpty)

The module is long because `Stream` is one state machine: callers, batches and the end share its
state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice, repeat
from operator import methodcaller
from typing import Any, NamedTuple, Protocol

from rethinkdb.codec import Response
from rethinkdb.errors import ReqlCursorEmpty, ReqlRowError
from rethinkdb.ql2 import ResponseNote

from .query import Query
from .signals import raised_by_handler
from .waiter import Waiter

__all__ = ["FEEDS", "Stream"]

#: The notes in the server's replies that mark a changefeed.
FEEDS = frozenset(
    {
        ResponseNote.SEQUENCE_FEED,
        ResponseNote.ATOM_FEED,
        ResponseNote.ORDER_BY_LIMIT_FEED,
        ResponseNote.UNIONED_FEED,
    }
)

_POP, _POPLEFT = methodcaller("pop"), methodcaller("popleft")

# A changefeed has no last batch. Without a limit, profiles that nobody reads would fill the memory.
_PROFILES_KEPT = 100

# In place of a deque that nothing was added to. One takes 760 bytes, and few streams need it.
_NONE: deque[Any] = deque(maxlen=0)


class _Request(NamedTuple):
    """A caller that waits for an item: to take it, or to know whether there is one.

    Attributes:
        waiter: settled when there is an item, or the end.
        taken: a list for the item, on its way from the buffer to the waiter. None: the caller takes
            no item.
        held: what must not be garbage-collected while the caller waits.
    """

    waiter: Waiter[Any]
    taken: list[Any] | None
    held: object


# Half the time that calling the class takes, as its `__new__` is written in Python.
_request: Callable[[tuple[Any, ...]], _Request] = partial(tuple.__new__, _Request)


class Front(Protocol):
    """What a run of a resumed feed knows of the feed, see `Stream.front`.

    Attributes:
        shared: whether several threads use it, under a lock of its own.
    """

    shared: bool
    _requests: list[_Request]

    def heard(self) -> None:
        """Called in place of the follower, if a batch has nothing else to tell."""


class Stream:
    """The results of one query, which arrive in batches. The session makes it.

    Attributes:
        query: the query, with its options.
        token: the query's token in the protocol.
        buffer: the items that have arrived. Reading it is always allowed. Take items with `take()`,
            or directly; then call `read_ahead()` when it is shorter than `low_water`.
        held: items after those in `buffer`, beginning with the error of a row that does not fit its
            type; nearly always empty. So there are no errors in `buffer`.
        finished: the server will send nothing more. There may be items left to take.
        error: raised when all items are taken; None after a clean end.
        notes: what the server says about the results (`ResponseNote`), such as the kind of
            changefeed.
        low_water: ask for the next batch when `buffer` is shorter than this; 0: do not ask.
        profiles: the profiles of the last 100 batches, oldest first, if the query asked for them.
        received: how many items have arrived; may be too high.
        renewal: runs the query again if the connection drops before the first item was given out.
            Pools set it.
        follower: called after a batch or the end has arrived; may be called more often.
        front: the stream that callers read in place of this one, if there is one: a resumed feed.
            Both have the same `buffer` and `held`. It has a follower, too.
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
        "front",
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
        self.held = _NONE
        self.finished = False
        self.error: Exception | None = None
        self.notes: tuple[int, ...] = ()
        self.profiles = _NONE
        self._traceback: Any = None
        self._ended: Waiter[None] | None = None
        self._requests: list[_Request] = []  # a deque takes 700 bytes more
        self._send_continue = send_continue
        self._send_stop = send_stop
        self.low_water = 0
        self.received = 0
        self.renewal: Any = None
        self.follower: Callable[[], object] | None = None
        self.front: Front | None = None

    @property
    def is_feed(self) -> bool:
        """Whether it is a changefeed, which never ends by itself."""
        return not FEEDS.isdisjoint(self.notes)

    @property
    def ended(self) -> Waiter[None]:
        """A waiter that is settled when the server will send nothing more, for any reason.

        All callers get the same one, so do not abandon it.
        """
        if self._ended is None:
            self._ended = Waiter()
            if self.finished:
                self._ended.set_result(None)
        return self._ended

    # For those who take items. Flush `data_to_send()` after each call.

    def take(self) -> Any:
        """Take the next item that has arrived, without a waiter; ask for the next batch in time.

        It takes no item from callers that wait in `next()`: while somebody waits, the buffer is
        empty.

        Raises:
            IndexError: the buffer is empty.
        """
        item = self.buffer.popleft()
        self._pull()
        return item

    def take_batch(self) -> list[Any]:
        """Take all items that have arrived; may be none. Faster than `take()` for each."""
        items = list(self.buffer)
        self.buffer.clear()
        self._pull()
        return items

    def read_ahead(self) -> Waiter[None]:
        """Ask for the next batch if it is due. For callers that take from the buffer directly.

        Nobody needs to wait for it, so the returned waiter is settled.
        """
        self._pull()
        return Waiter.succeeded(None)

    def next(self, held_by: object = None) -> Waiter[Any]:
        """Wait for the next item. Callers are served in order.

        Abandoning the waiter loses no item: the next caller gets it. That is so even if the item
        has arrived and was not read yet.

        Args:
            held_by: an object that is not garbage-collected while the waiter is pending.

        Returns:
            A waiter of the item, settled at once if an item has arrived. After the last item it
            fails with `ReqlCursorEmpty` or with the error that ended the stream, on each call.
        """
        waiter: Waiter[Any] = Waiter(self._forget, self._put_back)
        try:
            self._stand_in_line(_request((waiter, [], held_by)))
            return waiter
        except BaseException:  # an interrupt: nobody will have this waiter
            waiter.abandon()
            raise

    def has_next(self, held_by: object = None) -> Waiter[bool]:
        """Wait until `next()` need not wait.

        Args:
            held_by: as in `next`.

        Returns:
            A waiter of True if an item has arrived or `next()` would raise an error; of False after
            a clean end.
        """
        waiter: Waiter[bool] = Waiter(self._forget)
        try:
            self._stand_in_line(_request((waiter, None, held_by)))
            return waiter
        except BaseException:
            waiter.abandon()
            raise

    def put_back(self, items: list[Any]) -> Waiter[None]:
        """Put back items that were taken and not used. They are the next items again, in order.

        Nobody needs to wait for it, so the returned waiter is settled.
        """
        if items and type(items[0]) is ReqlRowError:
            # The items after the error have moved to `buffer`; move them back. Each step is one
            # call, as several threads may do this.
            held = self._held_to_add_to()
            with suppress(IndexError):
                held.extendleft(map(_POP, repeat(self.buffer)))
            held.extendleft(reversed(items))
        else:
            self.buffer.extendleft(reversed(items))
        self.serve()
        return Waiter.succeeded(None)

    def close(self) -> Waiter[None]:
        """Stop the query. Items that have arrived can still be taken.

        Callers that wait in `next()` get `ReqlCursorEmpty`. It does nothing if the stream has
        ended. Nobody needs to wait for the server's answer to the STOP, so the returned waiter is
        settled.
        """
        if not self.finished:
            self._send_stop()
            self.end(None)
        self.serve()
        return Waiter.succeeded(None)

    def stopped(self) -> Waiter[None] | None:
        """A waiter for the server's answer to the STOP, if the session does not know the query.

        That is so for feeds over several connections. None: ask `session.stopped(token)`.
        """
        return None

    # For the session. Each of these can be called again if an interrupt has ended a call.

    def batch_received(self, response: Response, items: Iterator[Any], complete: bool) -> None:
        """Add a batch.

        Args:
            response: the reply.
            items: an iterator of the results in it. It yields each of them once, also if this is
                called again.
            complete: whether it is the last batch.
        """
        if response.notes:
            self.notes = response.notes
        profile = response.profile
        if profile is not None and not (self.profiles and self.profiles[-1] is profile):
            self._profiles_to_add_to().append(profile)
        # At least 1: a changefeed begins with an empty batch, and the next one must be asked for.
        low_water = max(1, len(response.results))
        if not complete and not self.finished:
            self.low_water = low_water
            if not self.buffer and not self.held:
                self._continue()
        self.received += len(response.results)  # counted twice if an interrupt repeats this call
        self.add(items, response.misfits)
        if complete:
            self.end(None)
        self.serve()

    def add(self, items: Iterable[Any], misfits: bool = False) -> None:
        """Add items at the end.

        Args:
            items: the items.
            misfits: whether there are errors of rows among them.
        """
        if misfits or self.held:
            self._held_to_add_to().extend(items)
            self._move_up()
        else:
            self.buffer.extend(items)

    def _held_to_add_to(self) -> deque[Any]:
        made: deque[Any] = deque()
        if self.held is _NONE:
            self.held = made
        return self.held

    def _profiles_to_add_to(self) -> deque[Any]:
        made: deque[Any] = deque(maxlen=_PROFILES_KEPT)
        if self.profiles is _NONE:
            self.profiles = made
        return self.profiles

    def _move_up(self) -> None:
        """Move items from `held` to `buffer`, up to the next error."""
        held = self.held
        rows = next((n for n, item in enumerate(held) if type(item) is ReqlRowError), len(held))
        self.buffer.extend(islice(map(_POPLEFT, repeat(held)), rows))

    def end(self, error: Exception | None) -> None:
        """Mark the stream as ended. It settles no waiters; `serve()` does."""
        self.error = error
        self._traceback = error and error.__traceback__
        self.finished = True
        self.low_water = 0
        if self._ended is not None:
            self._ended.set_result(None)

    def serve(self) -> None:
        """Settle waiters for which there is an item, or the end. Their callbacks may call again."""
        try:
            requests = self._requests
            while True:
                if not requests:
                    break
                request = requests[0]
                if not (self.buffer or self.held or self.finished or request.taken):
                    break
                if self._settle(request) and requests and requests[0] is request:
                    del requests[0]
        except BaseException:  # an interrupt, such as Ctrl-C: serve the other callers all the same
            self.serve()
            raise
        if self.follower is not None:
            self.follower()

    def _stand_in_line(self, request: _Request) -> None:
        self._requests.append(request)
        if self.buffer or self.held or self.finished:
            self.serve()
        if self.low_water and not request.waiter.done():
            self._pull()

    def _settle(self, request: _Request) -> bool:
        """Settle the first request. Returns False if that cannot be done yet."""
        waiter, taken, _ = request
        if taken is None:
            waiter.set_result(bool(self.buffer or self.held) or self.error is not None)
            return True
        if not taken and waiter.done():  # this runs in its callback, which has put items back
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
        if taken:  # otherwise the request was settled or abandoned meanwhile
            if type(taken[0]) is ReqlRowError:
                self._move_up()
                self._pull()
                waiter.set_exception(taken[0])
                return True
            if self.low_water:
                self._pull()
            waiter.set_result(taken[0])
        return True

    def _settle_at_end(self, waiter: Waiter[Any]) -> bool:
        if self.held:  # another thread has taken the row before the held ones
            return False
        if not self.finished:  # another thread has taken the item first
            self._pull()
            return False
        if self.error is None:
            waiter.set_exception(ReqlCursorEmpty())
        else:
            # The same error is raised on each call; drop the traceback that earlier calls added.
            waiter.set_exception(self.error.with_traceback(self._traceback))
        return True

    def _put_back(self, item: Any) -> None:
        self.put_back([item])

    def _forget(self, waiter: Waiter[Any]) -> None:
        for request in tuple(self._requests):
            if request.waiter is waiter:
                self._requests.remove(request)
                if request.taken:  # an interrupt came after taking the item, before settling
                    self._put_back(request.taken[0])

    def _pull(self) -> None:
        if len(self.buffer) < self.low_water and len(self.buffer) + len(self.held) < self.low_water:
            self._continue()

    def _continue(self) -> None:
        self._send_continue()
        self.low_water = 0
