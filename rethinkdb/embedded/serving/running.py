"""One running query: compiles and evaluates it, and gives its result batch by batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import rethinkdb.embedded.terms  # noqa: F401 - fills the table that the compiler looks into
from rethinkdb.embedded.data import values
from rethinkdb.embedded.data.datum import REQL_TYPE, Datum
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import GroupedData, Value
from rethinkdb.embedded.failures import (
    FailureKind,
    Interrupted,
    QueryFailure,
    resource,
)
from rethinkdb.embedded.language import compiler, options, results
from rethinkdb.embedded.language.batching import BatchLimits
from rethinkdb.embedded.language.environment import DEFAULT_ARRAY_LIMIT, Environment, Scope
from rethinkdb.embedded.language.faults import fault
from rethinkdb.embedded.language.options import DEFAULT_QUEUE_SIZE
from rethinkdb.embedded.language.profile import Trace
from rethinkdb.embedded.outside.interruption import interruption
from rethinkdb.embedded.serving import replies
from rethinkdb.embedded.serving.recursion import RECURSION
from rethinkdb.embedded.storage import access
from rethinkdb.embedded.storage.jobs import Job
from rethinkdb.embedded.storage.tables import Keeper

if TYPE_CHECKING:
    from rethinkdb.embedded.feeds.feed import Feed
    from rethinkdb.embedded.storage.store import Store


class Waiting(Exception):
    """A changefeed has no rows now. Ask again after it has called back."""

    def __init__(self, feed: Feed, seconds: float = 0.0) -> None:
        self.feed = feed
        self.seconds = seconds
        """How long to wait in any case, to collect changes."""


class RunningQuery:
    """A query from its START to its end.

    Its methods return the body of a reply. Except for `interrupt`, they are called one at a time.

    Args:
        store: the data that it uses.
        user: the user who runs it.
        address: host and port of the client.
        term: the root term, in wire form.
        wire_options: the run options, in wire form.
        deep: whether it is nested so deeply that it needs a higher recursion limit.

    Attributes:
        noreply: whether the client wants no reply.
        finished: whether the last reply was the final one.
        term: the root term, in wire form.
        prompt_feed: its changefeed, if that never blocks a thread while it waits for changes.
        is_quick: whether it is a changefeed whose next batch takes no time worth mentioning.
    """

    def __init__(
        self,
        store: Store,
        user: str,
        address: tuple[str, int],
        term: Any,
        wire_options: Mapping[str, Any],
        *,
        deep: bool = False,
    ) -> None:
        self.noreply = options.static_flag(wire_options, "noreply")
        self.finished = False
        self._interruption = interruption()
        self._deep = deep
        self._store = store
        self._user = user
        self.term = term
        self._wire_options = wire_options
        self._trace = Trace() if options.static_flag(wire_options, "profile") else None
        self._job = Job(user, term, self._kill, address)
        self._killed = False
        self._environment: Environment
        self._rows: Iterator[Datum] = iter(())
        self._feed: Feed | None = None
        # What many feeds are asked for at each write is kept in attributes, for speed.
        self.prompt_feed: Feed | None = None
        self.is_quick = False
        self._interval = 0.0
        self._notes = replies.NO_NOTES
        self._first = True
        self._collected = False
        """Whether the feed has been given the time to collect changes."""

    @property
    def interrupted(self) -> bool:
        """Whether the query was interrupted."""
        return self._interruption.requested

    @property
    def is_feed(self) -> bool:
        """Whether it is a changefeed."""
        return self._feed is not None

    def collecting(self) -> float:
        """For how many seconds a changefeed is to collect changes now."""
        if self._collected or not self._interval:
            return 0.0
        self._collected = True
        return self._interval

    def interrupt(self) -> None:
        """Ends the query soon. An open request is answered with an empty, final batch.

        Never blocks. Changefeeds are ended by `close_feed`.
        """
        self._interruption.request()

    def close_feed(self) -> None:
        """Ends a changefeed. If it waits, its request is answered."""
        if self._feed is not None:
            self._feed.close()

    def _kill(self) -> None:
        self._killed = True
        self.interrupt()
        self.close_feed()

    def start(self) -> bytes:
        """The first reply."""
        return self._guarded(self._start)

    def next_batch(self) -> bytes:
        """The next reply of a sequence. Raises `Waiting` if it is a changefeed without news."""
        return self._guarded(self._next_batch)

    def end(self) -> None:
        """Releases all resources."""
        self.finished = True
        self._store.jobs.end(self._job)
        self._rows = iter(())
        if self._feed is not None:
            self._feed.close()

    def _guarded(self, step: Callable[[], bytes]) -> bytes:
        try:
            kept = self._store.kept
            described = 0 if kept is None else kept.described
            with RECURSION.deep() if self._deep else _NOTHING:
                reply = step()
            if kept is not None:
                self._keep(kept, described)
        except Waiting:
            raise
        except Interrupted:
            self.end()
            return replies.failure(_KILLED) if self._killed else replies.batch((), finished=True)
        except QueryFailure as failure:
            self.end()
            return replies.failure(failure)
        except RecursionError:
            self.end()
            return replies.failure(TOO_DEEP)
        except Exception as exc:
            self.end()
            return replies.failure(fault(exc))
        if self.finished or self.interrupted:
            self.end()
        return reply

    def _keep(self, kept: Keeper, described: int) -> None:
        """Waits until the query's writes are on disk, if they must be."""
        if self._environment.hard_writes or kept.described != described or kept.crowded:
            self._environment.hard_writes = False
            kept.wait(kept.sequence)

    def _start(self) -> bytes:
        self._store.jobs.begin(self._job)
        root = compiler.compile_query(self.term, self._trace)
        options.check_names(self._wire_options)
        environment = self._environment = Environment(
            self._store,
            now=_time(self._store.clock.time()),
            user=self._user,
            options=compiler.compile_options(options.with_defaults(self._wire_options)),
            interruption=self._interruption,
        )
        options.limit(
            environment, "changefeed_queue_size", "changefeed queue size", DEFAULT_QUEUE_SIZE
        )
        environment.array_limit = options.limit(
            environment, "array_limit", "array size limit", DEFAULT_ARRAY_LIMIT
        )
        return self._reply(root.evaluate(Scope(environment)))

    def _reply(self, value: Value) -> bytes:
        result = results.finished(value, self._environment)
        if isinstance(result, GroupedData):
            return self._atom(grouped_datum(result))
        if not isinstance(result, Stream):
            return self._atom(result)
        self._stream(result)
        return self._next_batch()

    def _stream(self, stream: Stream) -> None:
        self._feed = feed = stream.feed
        if feed is None:
            self._rows = iter(stream)
            return
        self.is_quick = feed.quick
        self.prompt_feed = None if feed.blocks else feed
        self._interval = feed.interval
        self._notes = replies.notes(feed.notes)
        if self.interrupted:  # before the feed was known to `interrupt`
            feed.close()

    def _atom(self, value: Datum) -> bytes:
        self.finished = True
        return replies.atom(replies.write_row(value), self._profile())

    def _profile(self) -> Datum:
        return None if self._trace is None else self._trace.take()

    def _next_batch(self) -> bytes:
        limits = self._environment.batch_limits
        self._environment.pulled_by_client = True
        if self._feed is not None:
            self._await_news(self._feed)
        elif self._environment.scanned and not self._first:
            access.go_on(self._environment)
        batch = Batch(limits.of_first() if self._first else limits)
        if self._feed is None:
            self.finished = batch.fill(self._rows)
        else:
            self.finished = batch.fill_from(self._feed, ready=not self._first)
            if not batch.rows and not self.finished and not self._first:
                raise Waiting(self._feed)
        self._first = self._collected = False
        self.finished = self.finished or self.noreply
        return replies.batch(
            batch.rows, finished=self.finished, notes=self._notes, profile=self._profile()
        )

    def _await_news(self, feed: Feed) -> None:
        """Makes a feed wait for its next rows. The first batch is sent at once, even if empty."""
        if self._first:
            return
        if seconds := self.collecting():
            raise Waiting(feed, seconds)
        if feed.blocks and not feed.ready():  # others give no rows when they are pulled
            raise Waiting(feed)


class Batch:
    """Rows for one reply, as JSON."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._size = 0
        self._deadline = time.monotonic() + limits.seconds
        self.rows: list[bytes] = []

    @property
    def full(self) -> bool:
        """Whether the batch must be sent now."""
        count = len(self.rows)
        return (
            count >= self._limits.rows
            or (self._size >= self._limits.size and count >= self._limits.least_rows)
            or (count > 0 and time.monotonic() >= self._deadline)
        )

    def add(self, row: Datum, write: Callable[[Datum], bytes] = replies.write_row) -> None:
        """Adds a row."""
        text = write(row)
        self.rows.append(text)
        self._size += len(text)

    def fill(self, rows: Iterator[Datum]) -> bool:
        """Pulls rows until the batch is full. Returns True if there are no more."""
        for row in rows:
            self.add(row)
            if self.full:
                return False
        return True

    def fill_from(self, feed: Feed, *, ready: bool = False) -> bool:
        """Pulls rows of a feed until the batch is full. Returns True if the feed has ended.

        From a feed that blocks it pulls only once, because further rows may take long.

        Args:
            feed: the feed.
            ready: whether to pull it without asking whether it is ready.
        """
        while not feed.finished and (ready or feed.ready()):
            ready = False
            for row in feed.pull():
                self.add(row, replies.write_change)
            if self.rows and (feed.blocks or self.full):
                break
        return feed.finished


_NOTHING = nullcontext()

TOO_DEEP = resource("The query, or data in it, is nested too deeply.", ())

_KILLED = QueryFailure(
    FailureKind.OP_INDETERMINATE, "Query terminated by the `rethinkdb.jobs` table.", ()
)


def grouped_datum(groups: GroupedData) -> Datum:
    """Grouped data as clients see it."""
    pairs = [[key, values.as_datum(value)] for key, value in groups]
    return {REQL_TYPE: "GROUPED_DATA", "data": pairs}


def _time(seconds: float) -> Datum:
    return {REQL_TYPE: "TIME", "epoch_time": round(seconds, 3), "timezone": "+00:00"}
