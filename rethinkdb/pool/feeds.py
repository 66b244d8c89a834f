"""`Feed`: a changefeed that is run again after a loss. Its consumer sees one stream over all runs.

A `Feed` is a `Stream`, and buffers no more rows than the stream of a single run. The stream of the
present run puts its rows into the buffer of the feed, and asks for batches as usual. Everything
else that must be done goes into `effects`, for the pool that runs the feed; see `feed_effects`.

    new -> asking -> starting -> running -> resting -> starting ...     -> finished
           (the table's key)        |          ^
                                    +-- lost --+

With `resume="restart"` a lost feed is run again at once. With `"diff"` it is run again when the
consumer has taken the rows that are there. Nothing is missed by waiting. So a consumer that takes
no rows never has more than two batches in memory, however often connections are lost.

The module is long because `Feed` is one state machine: each method is one thing that can happen to
it.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from rethinkdb.errors import ReqlDriverError, ReqlOpFailedError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.deadlines import outlined
from rethinkdb.net.editing import EditedQuery
from rethinkdb.net.query import Query
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.ql2 import QueryType
from rethinkdb.typed.changes import gap_of, lengthened

from .feed_effects import Begin, Cease, FeedEffect, Pause, Pull, Run, Stop
from .remembering import MEMORIES
from .resuming import Resumption
from .shapes import Shape, with_initial
from .views import Compared, Point, Restarted, Rows, View

__all__ = ["Begin", "Cease", "Clocks", "Feed", "FeedEffect", "Pause", "Pull", "Run", "Stop"]

logger = logging.getLogger("rethinkdb.pool")


class Clocks(NamedTuple):
    """The clocks of a feed.

    Attributes:
        steady: returns seconds that never go back.
        wall: returns the time of day.
    """

    steady: Callable[[], float]
    wall: Callable[[], datetime]


class _State(Enum):
    NEW = "new"
    ASKING = "asking"
    STARTING = "starting"
    RUNNING = "running"
    RESTING = "resting"


# A run may take this many seconds longer than the feed has to open. Then the feed's own time-out
# comes first, which has the better message.
_GRACE = 0.5

# CPython 3.10 and 3.11 call a function to look up a member of an enumeration, so not in a step.
_STARTING, _RESTING = _State.STARTING, _State.RESTING

# In these states the feed has no run, and nothing is done to get one.
_IDLE = (_State.NEW, _State.RESTING)

# In these states there is nothing to do in the background.
_AT_REST = (_State.RUNNING, _State.RESTING)

# The run options of a feed that are also needed to ask about its table.
_OF_FACTS = frozenset({"db", "json_encoder"})

# If a view has more rows for the program than the server has sent, this is decoded as a batch.
_EMPTY_BATCH = b'{"t":3,"r":[]}'


class Feed(Stream):
    """A changefeed over all its runs.

    Args:
        term: the query.
        options: its run options, without those that the server does not know.
        shape: what is known about the query, for `resume="diff"`; None for `"restart"`.
        remember: how to remember rows, a name of `MEMORIES`.
        resumption: decides whether and when to run the feed again.
        clocks: the clocks.
        guard: a lock against other threads. If a lock of a connection is needed too, take that one
            first.
        opens_by: the time on the steady clock until which the feed tries to open.
        act: carries out `effects`. Called if there may be no other code that does so.

    Attributes:
        effects: what to do, oldest first.
        opened: a waiter for the feed itself, settled when the consumer may have it.
        on_change: called when the feed gets a connection, loses it, or ends.
        shared: whether several threads use the feed.
    """

    __slots__ = (
        "__weakref__",
        "_act",
        "_active",
        "_claimed",
        "_clocks",
        "_cursor",
        "_gap",
        "_leaving",
        "_left",
        "_opens_by",
        "_options",
        "_pause_due",
        "_remember",
        "_resumption",
        "_shape",
        "_state",
        "_view",
        "effects",
        "guard",
        "on_change",
        "opened",
        "shared",
    )

    def __init__(
        self,
        term: Any,
        options: Mapping[str, Any],
        shape: Shape | None,
        remember: str,
        resumption: Resumption,
        clocks: Clocks,
        guard: AbstractContextManager[Any],
        act: Callable[[Feed], object],
        opens_by: float = math.inf,
    ) -> None:
        query = Query(QueryType.START, b"", _undecoded, term, options=options)
        super().__init__(query, 0, _nothing, _nothing)
        self.effects: deque[FeedEffect] = deque()
        self.opened: Waiter[Feed] = Waiter(lambda _: self.close(), lambda _: self.close())
        self._options = dict(options)
        self._shape = shape
        self._remember = remember
        self._resumption = resumption
        self._clocks = clocks
        self.guard = guard
        self.shared = not isinstance(guard, nullcontext)
        self._act = act
        self._opens_by = opens_by
        self.on_change: Callable[[], object] = _nothing
        self._state = _State.NEW
        self._view: View | None = Restarted() if shape is None else None
        self._cursor: BaseCursor | None = None
        self._leaving: BaseCursor | None = None
        self._left: Waiter[None] = Waiter.succeeded(None)
        self._gap: Any = None
        self._pause_due = False
        self._active = False
        self._claimed = False

    # For the consumer, in addition to the methods of every stream.

    def open(self) -> Waiter[Feed]:
        """Run the feed for the first time. The waiter's value is the feed itself."""
        self._begin()
        return self.opened

    def close(self) -> Waiter[None]:
        self._shut(None)
        self.serve()
        return Waiter.succeeded(None)

    def stopped(self) -> Waiter[None]:
        """Wait until the server has answered the STOP of the last run, or its connection has ended.

        The feed then no longer runs on the server. All callers get the same waiter, so do not
        abandon it.
        """
        return self._left

    def _continue(self) -> None:
        if self._state in _IDLE:
            self._begin()
        cursor = self._cursor
        pulls = (Pull(cursor),) if cursor is not None else ()
        # From here on one step: a signal handler that comes between lets other threads use the
        # feed. The run may end meanwhile, and then the next row must begin another one.
        if self._cursor is cursor and self._state not in _IDLE:
            self.effects += pulls
            self.low_water = 0

    def _pull(self) -> None:
        if not self.finished:
            super()._pull()

    def serve(self) -> None:
        with self.guard:  # most callers have it; one that puts an item back has not
            super().serve()

    # For the pool.

    @property
    def cursor(self) -> BaseCursor | None:
        """The cursor of the present run, or of one whose STOP is not answered yet; else None."""
        return self._cursor or self._leaving

    def claim(self) -> bool:
        """Whether to start calling `step()`. For pools that may carry out a `Begin` twice."""
        with self.guard:
            if self._claimed or not self._active:
                return False
            self._claimed = True
            return True

    def step(self) -> Run | Pause | None:
        """What to do next in the background; None: stop."""
        with self.guard:
            return self._step()

    def answered(self, result: Any) -> None:
        """A `Run` has its result. Call this at a time when the cursor's connection may be used."""
        with self.guard:
            self._answered(result)

    def failed(self, error: Exception) -> None:
        """A `Run` has failed."""
        with self.guard:
            if self.finished:
                return
            final = self._resumption.failed(error)
            if final is not None or self._time_left() == 0:
                self._finish(final or error)
            else:
                self._pause_due = True

    def left(self) -> None:
        """A `Stop` was carried out and answered, or cannot be."""
        with self.guard:
            self._leaving = None
            self._left.set_result(None)
            self.on_change()

    def cut_off(self, error: Exception) -> None:
        """End the feed with an error, since no background work is possible any more."""
        with self.guard:
            if not self.finished:
                self._shut(error)
                self._settle_end()

    def go_on(self) -> None:
        """Run the feed if it rests and somebody waits for it.

        Whoever waits calls this with the feed's lock, as an interrupt may have left it undone.
        """
        behind = self._gap is not None and any(
            item is self._gap for item in (*self.buffer, *self.held)
        )
        wanted = not self.opened.done() or (self._shape is None and not behind) or self._requests
        if wanted and not self.finished:
            self._begin()

    def drop(self) -> None:
        """Give the feed up, since nobody uses it. Takes no lock, so it may be called anywhere."""
        self.finished = True
        cursor = self._cursor
        if cursor is not None:
            _leave(cursor)
            cursor.conn._discard(cursor._stream)

    def pull(self) -> None:
        """The consumer wants more rows. Call this when the connection of the run may be used."""
        with self.guard:
            cursor, view = self._cursor, self._view
            if cursor is not None and view is not None:
                self._read_on(cursor, view)

    # The runs.

    def _step(self) -> Run | Pause | None:
        if self.finished or self._state in _AT_REST:
            self._active = self._claimed = False
            return None
        if self._pause_due:
            self._pause_due = False
            return Pause(self._resumption.pause())
        term, options = self.query.term, dict(self._options)
        left = self._time_left()
        self._state = _State.STARTING
        if self._view is None:
            self._state = _State.ASKING
            options = {name: value for name, value in options.items() if name in _OF_FACTS}
        if left < math.inf:
            options["deadline"] = left + _GRACE
        if self._state is _State.ASKING and self._shape is not None:
            return Run(EditedQuery(term, self._shape.question), options)
        view = self._viewed()
        view.begin()
        rewrite = _unchanged if self._shape is None else with_initial
        return Run(EditedQuery(term, rewrite, view.edit, view.passes), options)

    def _answered(self, result: Any) -> None:
        if self.finished:
            if isinstance(result, BaseCursor):
                result._stream.close()
        elif self._state is _State.ASKING:
            self._learned(result)
        elif isinstance(result, BaseCursor):
            self._attach(result)
        else:
            self._finish(ReqlDriverError("`resume` is for changefeeds; this query gives none."))

    def _read_on(self, cursor: BaseCursor, view: View) -> None:
        stream = cursor._stream
        if not view.more:
            stream.read_ahead()
            low_water = stream.low_water
            self.low_water = low_water if self._cursor is cursor else self.low_water
            return
        try:
            response = stream.query.decode(bytes(bytearray(_EMPTY_BATCH)))
            self.add(response.results, response.misfits)
        except Exception as error:  # raised by a decoder of the program
            self._shut(error)
            self._settle_end()
        else:
            self._followed()

    def _time_left(self) -> float:
        """Seconds until the feed must be open; infinity if it is open already."""
        if self.opened.done():
            return math.inf
        return max(0.0, self._opens_by - self._clocks.steady())

    def _begin(self) -> None:
        """Run the feed, unless it runs."""
        while self._state in _IDLE:
            active = self._active
            begins = () if active else (Begin(),)
            # From here on one step, for the same reason as in `_continue`.
            if self._state in _IDLE and self._active is active:
                self.effects += begins
                self._active = True
                self._state = _STARTING
                self.low_water = 0

    def _viewed(self) -> View:
        assert self._view is not None  # for mypy: it is set before the feed is run
        return self._view

    def _learned(self, answer: Any) -> None:
        assert self._shape is not None  # for mypy: only feeds with a shape ask about their table
        try:
            facts = self._shape.facts(answer)
        except ReqlDriverError as error:
            self._finish(error)
            return
        wanted, memory = self._shape.wanted, MEMORIES[self._remember]
        view: Compared
        if self._shape.is_point:
            view = Point(wanted, memory, facts.primary_key)
        else:
            view = Rows(wanted, memory, facts.primary_key, self._shape.moves)
        self._view = view
        self._state = _State.STARTING

    def _attach(self, cursor: BaseCursor) -> None:
        stream = cursor._stream
        gap = self._resumption.began(self._clocks.steady(), self._clocks.wall())
        if gap is not None:
            logger.info("a changefeed goes on, after a loss: %s", outlined(self.query.term))
        if gap is not None and self._shape is None:
            self._tell(gap)
        self._state = _State.RUNNING
        self._cursor = cursor
        self.notes, self.token = stream.notes, stream.token
        if stream.renewal is not None:  # not needed: the feed itself runs the query again
            stream.renewal.forget()
            stream.renewal = None
        arrived = stream.buffer
        self.add((*arrived, *stream.held), bool(stream.held))
        arrived.clear()
        stream.buffer, stream.held = self.buffer, self._held_to_add_to()
        stream.follower, stream.front = self._followed, self
        self.on_change()
        self._followed()

    def _tell(self, gap: dict[str, Any]) -> None:
        """Add a row that reports a gap. If the last row is one already, make that gap longer."""
        items = self.held or self.buffer
        if self._gap is not None and items and items[-1] is self._gap:
            lengthened(self._gap, gap["until"])
            return
        self._gap = gap_of(gap, self._options.get("as_type"))
        self.add([self._gap])

    def _followed(self) -> None:
        """The present run has given rows, or has ended."""
        with self.guard:
            cursor, view = self._cursor, self._view
            if self.finished or view is None:
                self._settle_end()
                self.drop()  # again, if it was dropped in the moment when it got this run
            elif cursor is not None:
                self._take_in(cursor, view)
            else:
                self._rest()
        if self.effects:
            self._act(self)
        # This comes last. If a signal handler interrupts this method before, the old stream still
        # has its follower, so serving that stream again repeats what was interrupted.
        if cursor is not None and cursor is not self._cursor:
            _leave(cursor)

    def heard(self) -> None:
        """The present run has given rows, and they are handed over already."""
        self._resumption.heard_at = self._clocks.wall()

    def _take_in(self, cursor: BaseCursor, view: View) -> None:
        view.delivered()
        # One step: others may lose this run, and begin another one, before and after it.
        stream, missed, present = cursor._stream, view.missed, self._cursor is cursor
        error, ended = stream.error, stream.finished
        if missed is not None:
            error = ReqlOpFailedError(f"Changefeed aborted (unavailable): {missed}")
        if error is not None and present:
            self._lost(cursor, error)
        elif ended and present:
            self._finish_after(cursor, None)
        else:
            self._resumption.heard_at = self._clocks.wall()
            more = view.more
            low_water = stream.low_water or more
            self.low_water = low_water if self._cursor is cursor else self.low_water
            if len(self.buffer) + len(self.held) < self.low_water:
                # Another thread has taken the batch already, before it could see that the next one
                # is due. It waits for that one now.
                self._read_on(cursor, view)
        if missed is not None:
            stream.close()
        if view.opened and not self.finished and not self.opened.done():
            self.opened.set_result(self)
        self.serve()

    def _lost(self, cursor: BaseCursor, error: Exception) -> None:
        if not self._resumption.lost(error, self._clocks.steady()):
            self._finish_after(cursor, error)
        elif self._detach(cursor):
            kind, query = type(error).__name__, outlined(self.query.term)
            logger.warning("a changefeed is lost (%s), and will be run again: %s", kind, query)
            self._rest()

    def _finish_after(self, cursor: BaseCursor, error: Exception | None) -> None:
        self._finish(error)
        self._detach(cursor)  # last, so that the line above is repeated after an interrupt
        self.on_change()

    def _detach(self, cursor: BaseCursor, stops: tuple[Stop, ...] = ()) -> bool:
        """The run of this cursor is over. Returns False if others have noticed that already.

        It is one step. A signal handler may come before or after it, and other threads may use the
        feed meanwhile. After it the feed rests: so the next who waits for a row begins a run.
        """
        stream, left = cursor._stream, Waiter[None]()
        buffer, held = deque[Any](), deque[Any]()
        low_water = 0 if self.finished else 1
        if self._cursor is cursor:
            stream.buffer, stream.held, stream.front = buffer, held, None
            self._cursor = None
            self._state = _RESTING
            self._pause_due = True
            self.low_water = low_water
            self.effects += stops
            if stops:
                self._leaving, self._left = cursor, left
            return True
        return False

    def _rest(self) -> None:
        self.on_change()
        self.go_on()

    def end(self, error: Exception | None) -> None:
        super().end(error)
        self._view = None  # frees the rows that it remembers
        self.on_change()

    def _finish(self, error: Exception | None) -> None:
        self.end(error)
        self._settle_end()

    def _settle_end(self) -> None:
        if self.error is None:
            self.opened.set_result(self)
        else:
            self.opened.set_exception(self.error)
        self.serve()

    def _shut(self, error: Exception | None) -> None:
        """End the feed, and everything that runs for it, here and on the server."""
        if not self.finished:
            if self._cursor is None and self._active:
                self.effects.append(Cease())
            self._stop_run()
            self.end(error)
            self._stop_run()  # if others have begun one in the middle of this

    def _stop_run(self) -> None:
        cursor = self._cursor
        if cursor is not None and self._detach(cursor, (Stop(cursor),)):
            _leave(cursor)
            self.on_change()


def _leave(cursor: BaseCursor) -> None:
    cursor._stream.front = cursor._stream.follower = None


def _undecoded(_: bytes) -> Any:
    """Never called: the feed's runs have queries of their own, which decode the replies."""


def _unchanged(body: list[Any]) -> list[Any]:
    return body


def _nothing() -> None:
    """Does nothing: a feed asks for batches by its effects."""
