"""A pool's cursors: the query is run again if the connection drops before the first row.

Until the program has got a row, it cannot tell one run of a reading query from another. After that
the error is raised, as rows may have changed in between. Rows that arrived before the loss are kept
aside. If the query cannot be run again, the cursor gives out these rows, and then the error.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rethinkdb.errors import ReqlError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Fate, Member, Retrying, fate_of

__all__ = ["AwaitingRenewal", "Renewal", "WaitingRenewal"]


class Renewal:
    """Can run a cursor's query again.

    Args:
        pool: the pool that ran the query.
        member: the connection that it ran on.
        stream: the stream that it returned.
    """

    def __init__(self, pool: Any, member: Member, stream: Stream) -> None:
        self.course: Retrying | None = None
        self._pool = pool
        self._member = member
        self._term = stream.query.term
        # The time limit was for the first answer, which has come.
        self._options = {**stream.query.options, "deadline": None}
        self._stream = stream
        self._kept: list[Any] = []
        stream.ended.add_done_callback(self._ended)

    def forget(self) -> None:
        """Do not run the query again. Rows that were kept aside can be taken."""
        stream, kept, self._kept = self._stream, self._kept, []
        self._pool = None
        stream.buffer.extendleft(reversed(kept))

    @property
    def under_way(self) -> bool:
        """Whether the query is being run again."""
        return self._busy is not None

    # For the two subclasses.

    _busy: Any = None

    @property
    def _possible(self) -> bool:
        error, pool = self._stream.error, self._pool
        if error is None or pool is None or pool.closed or fate_of(error) is Fate.FINAL:
            return False
        return self._kept_aside()

    def _ended(self, _: Waiter[None]) -> None:
        # The core calls this in the middle of its work. Rows in the buffer are kept aside now:
        # otherwise the caller could get them a second time from the next run.
        if self._possible and not self._reads():
            self.forget()

    def _reads(self) -> bool:
        if self.course is None:
            self.course = self._pool._course(self._term, self._options, None)
        return self.course.reads

    def _kept_aside(self) -> bool:
        """Move the buffer's rows aside, if no row was given out. Returns whether that is so."""
        stream, taken = self._stream, list[Any]()
        with suppress(IndexError):
            while True:
                taken.append(stream.buffer.popleft())
        if len(taken) < stream.received:
            stream.buffer.extendleft(reversed(taken))
            return False
        self._kept += taken
        stream.received = 0
        return True

    def _run_again(self, error: ReqlError) -> Any:
        return self._pool._again(error, self._member, self._term, self._options, None, self.course)

    def _replace(self, cursor: Any, fresh: Any) -> None:
        """Let a cursor read from the stream of another cursor, which nobody else has."""
        if not isinstance(fresh, BaseCursor):  # with its profile
            fresh = fresh["value"]
        if fresh._renewal is not None:
            fresh._renewal.course = self.course
        conn, stream, items, taking = fresh.conn, fresh._stream, fresh._items, fresh._taking
        if cursor._stream is self._stream:  # otherwise a signal handler has run it again just now
            cursor.conn, cursor._stream = conn, stream
            cursor._items, cursor._taking = items, taking
            del fresh._stream  # otherwise the stream would be closed when `fresh` is collected

    def _may_begin(self, stream: Stream, error: ReqlError) -> bool:
        if error is not stream.error or not self._possible:
            return False
        if self._reads():
            return True
        self.forget()
        return False

    def _give_up(self, cursor: Any, error: ReqlError) -> bool:
        """Give out the rows that were kept aside, and then this error."""
        self._stream.renewal = None
        self.forget()
        self._stream.end(error)
        return False


class AwaitingRenewal(Renewal):
    """For loops whose callers await."""

    async def asked(self, cursor: Any, operation: Callable[[], Waiter[Any]]) -> Any:
        """Run `next()` or `fetch_next()` of a cursor; run the query again if that is needed."""
        while True:
            stream = cursor._stream
            try:
                found = await cursor._asked(operation)
                if found is not True or cursor._items or stream.error is None:
                    return found
                error = stream.error  # `fetch_next()` returns True for an error, too
            except ReqlError as failure:
                if failure is not stream.error:
                    raise
                error = failure
            if not await self.begins(cursor, stream, error):
                return await cursor._asked(operation)

    async def begins(self, cursor: Any, stream: Stream, error: ReqlError) -> bool:
        """Run the query again, if that is allowed. Returns whether the cursor has a new stream."""
        while self._busy is not None:
            await self._pool._until(self._busy)
        if cursor._stream is not stream:
            return True
        if not self._may_begin(stream, error):
            return False
        busy = self._busy = Waiter()
        try:
            self._replace(cursor, await self._run_again(error))
        except ReqlError as failure:
            return self._give_up(cursor, failure)
        finally:
            self._busy = None
            busy.set_result(None)
        return True


class WaitingRenewal(Renewal):
    """For threads and greenlets, whose calls block."""

    _owner: Any = None  # the thread or greenlet that runs the query again

    def asked(self, cursor: Any, operation: Callable[[], Waiter[Any]]) -> Any:
        """See `AwaitingRenewal`."""
        while True:
            stream = cursor._stream
            try:
                found = cursor.conn._call(operation)
                if found is not True or cursor._items or stream.error is None:
                    return found
                error = stream.error
            except ReqlError as failure:
                if failure is not stream.error:
                    raise
                error = failure
            if not self.begins(cursor, stream, error):
                return cursor.conn._call(operation)

    def begins(self, cursor: Any, stream: Stream, error: ReqlError) -> bool:
        """See `AwaitingRenewal`."""
        pool = self._pool
        mine = me = None
        if pool is not None:
            mine, me = pool._new_event(), pool._caller()
        try:
            while pool is not None:
                with pool._lock:
                    # No call, so that no signal handler comes between: see `rethinkdb.net.steps`.
                    busy = self._busy
                    if busy is None:
                        self._busy, self._owner = mine, me
                        break
                    if self._owner == me:  # a signal handler has interrupted this call
                        break
                pool._await(busy)
            if cursor._stream is not stream:
                return True
            if not self._may_begin(stream, error):
                return False
            fresh = self._run_again(error)
            if cursor._stream is stream:
                self._replace(cursor, fresh)
        except ReqlError as failure:
            if cursor._stream is not stream:  # a signal handler has run it again
                return True
            return self._give_up(cursor, failure)
        finally:
            if self._busy is mine:  # else a signal handler raised while another thread was at it
                self._busy = None
            if mine is not None:
                mine.set()
        return True
