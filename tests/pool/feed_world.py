"""A server of changefeeds, a link that fails, a clock that is told, and one consumer.

The server keeps the rules of a real one (release 2.4.4): initial values come in the order of a scan
and a row's changes only after its initial value; a row that moves from the scanned part to the rest
is "uninitial" and comes again; a batch is sent for each CONTINUE. Everything it sends is JSON that
the driver's own codec decodes, in streams of the driver's own.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import rethinkdb as r
from rethinkdb.codec import PSEUDO_TYPE_SIGN, Codec
from rethinkdb.errors import ReqlCursorLostError, ReqlOpFailedError
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.net.query import Query
from rethinkdb.net.stream import Stream
from rethinkdb.pool.feeds import Begin, Cease, Clocks, Feed, Pause, Pull, Stop
from rethinkdb.pool.resuming import Resumption
from rethinkdb.pool.retrying import RetryPolicy
from rethinkdb.pool.shapes import shape_of
from rethinkdb.ql2 import QueryType

START = datetime(2026, 1, 1, tzinfo=timezone.utc)

ABORTED = "Changefeed aborted (unavailable)"

Row = dict[str, Any]


class Changes:
    """One run of a feed, as the server has it.

    Args:
        server: where.
        options: of `changes`, as they are sent.
        kind: "table", "point", "limit", or "index" for one that scans by another field.
        shows: whether a row is in the feed.
    """

    def __init__(
        self,
        server: Server,
        options: Mapping[str, Any],
        kind: str,
        shows: Callable[[Row], bool],
    ) -> None:
        self._server = server
        self._types = options.get("include_types", False)
        self._states = options.get("include_states", False)
        self._kind = kind
        self._shows = shows
        self.queue: list[Any] = []
        self._left: list[tuple[Any, Any]] | None = None
        self._position: Any = None
        self._window: list[Row] = []
        if options.get("include_initial"):
            self._state("initializing")
            self._begin_scan()
        else:
            self._window = self._now_in_window()
            self._state("ready")

    def _begin_scan(self) -> None:
        if self._kind in ("point", "limit"):
            self._window = self._now_in_window()
            values: list[Any] = list(self._window)
            if self._kind == "point":
                values = [self._server.rows.get("a")]
            for value in values:
                self._put({"new_val": value}, "initial")
            self._state("ready")
        else:
            self._scanning = True
            self._position = (-1, "")

    _scanning = False

    def scan(self, count: int) -> None:
        """Read so many more initial values."""
        for _ in range(count):
            if not self._scanning:
                return
            rest = [row for row in self._visible() if self._place(row) > self._position]
            if not rest:
                self._scanning = False
                self._state("ready")
                return
            row = min(rest, key=self._place)
            self._position = self._place(row)
            self._put({"new_val": row}, "initial")

    def written(self, old: Row | None, new: Row | None) -> None:
        """A row of the table has become another one."""
        if self._kind == "limit":
            self._window_moved()
            return
        if self._kind == "point" and "a" not in [row["id"] for row in (old, new) if row]:
            return
        old = old if old is not None and self._shows(old) else None
        new = new if new is not None and self._shows(new) else None
        if self._scanning:
            old_sent = old is not None and self._place(old) <= self._position
            new_sent = new is not None and self._place(new) <= self._position
            if old_sent and new is not None and not new_sent:
                self._put({"old_val": old}, "uninitial")
                return
            if not old_sent:
                old = None
            if not new_sent:
                new = None
        self._changed(old, new)

    def _changed(self, old: Row | None, new: Row | None) -> None:
        if old != new or json.dumps(old) != json.dumps(new):
            kind = "add" if old is None else "remove" if new is None else "change"
            self._put({"new_val": new, "old_val": old}, kind)

    def _window_moved(self) -> None:
        was, self._window = self._window, self._now_in_window()
        keys, was_keys = [row["id"] for row in self._window], [row["id"] for row in was]
        went = [row for row in was if row["id"] not in keys]
        came = [row for row in self._window if row["id"] not in was_keys]
        for row in self._window:
            for earlier in was:
                if earlier["id"] == row["id"]:
                    self._changed(earlier, row)
        for place in range(max(len(went), len(came))):
            old = went[place] if place < len(went) else None
            self._changed(old, came[place] if place < len(came) else None)

    def _now_in_window(self) -> list[Row]:
        return sorted(self._visible(), key=self._place)[:2]

    def _visible(self) -> list[Row]:
        return [row for row in self._server.rows.values() if self._shows(row)]

    def _place(self, row: Row) -> tuple[float, str]:
        by_value = self._kind in ("limit", "index")
        return (float(row["n"]) if by_value else 0.0), row["id"]

    def _state(self, state: str) -> None:
        if self._states:
            self._put({"state": state}, "state")

    def _put(self, item: Row, kind: str) -> None:
        self.queue.append({**item, "type": kind} if self._types else item)


class Server:
    """A table, and the feeds of it that are open."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.feeds: list[Changes] = []

    def write(self, key: str, row: Row | None) -> None:
        old = self.rows.pop(key, None)
        if row is not None:
            self.rows[key] = row
        for feed in self.feeds:
            feed.written(old, row)


class Link:
    """A run as the driver has it: the stream of its answers."""

    def __init__(self, changes: Changes, query: Query) -> None:
        self.changes = changes
        self.owed = True
        self.stopped = False
        self._arriving: tuple[Any, Any] | None = None
        self._sent = 0
        self.stream = Stream(query, 7, self._continue, self._stop)

    def _continue(self) -> None:
        self.owed = True

    def _stop(self) -> None:
        self.stopped = True

    def send(self, count: int, notes: tuple[int, ...] = ()) -> None:
        """Answer a CONTINUE, with so many items."""
        assert self.owed
        items, self.changes.queue = self.changes.queue[:count], self.changes.queue[count:]
        self.owed = False
        payload = json.dumps({"t": 3, "r": items, "n": list(notes)}).encode()
        self._sent += 1
        if self._sent % 2 and self._passes(payload):  # every other time, to try both ways
            return
        response = self.stream.query.decode(payload)
        self._arriving = response, iter(response.results)
        self.hand_over()

    def _passes(self, payload: bytes) -> bool:
        """Hand over what the feed only passes on, as `rethinkdb.net.quick` does it."""
        stream, rows = self.stream, json.loads(payload)["r"]
        front, passes = stream.front, stream.query.passes
        if front is None or passes is None or not rows or stream.buffer or stream.held:
            return False
        if PSEUDO_TYPE_SIGN in payload or not passes(rows):
            return False
        stream.buffer += rows
        self.owed = True
        cast("Feed", front).serve()
        front.heard()
        return True

    def hand_over(self) -> None:
        """Give the stream what has arrived; also what an interrupted call has not given yet."""
        arriving = self._arriving
        if arriving is not None:
            self.stream.batch_received(*arriving, complete=False)
            self._arriving = None

    def end(self, error: Exception | None) -> None:
        self.hand_over()
        if not self.stream.finished:
            self.stream.end(error)
            self.stream.serve()


class Connection:
    """Nobody uses it; cursors ask for one."""

    def _discard(self, stream: Stream) -> None:
        stream.close()


class World:
    """One feed of a table, over whatever happens.

    Args:
        query: the feed; `r.table("t").changes()` if there is none.
        resume, remember: as of `run`.
        kind, shows: as of `Changes`.
        options: those of `changes`.
    """

    def __init__(
        self,
        query: Any = None,
        resume: str = "diff",
        remember: str = "rows",
        kind: str = "table",
        shows: Callable[[Row], bool] = lambda row: True,
        policy: RetryPolicy | None = None,
        run_options: Mapping[str, Any] | None = None,
        decoder: Any = None,
        opens_by: float = math.inf,
        **options: Any,
    ) -> None:
        if query is None:
            query = r.table("t").get("a") if kind == "point" else r.table("t")
            query = query.order_by(index="n").limit(2) if kind == "limit" else query
            query = query.changes(**options)
        self.server = Server()
        self.facts: Any = ["id", []]
        self.now = 0.0
        self.errors: deque[Exception] = deque()
        self.pauses: list[float] = []
        self.asked = 0
        self.runs = 0
        self.link: Link | None = None
        self.links: list[Link] = []
        self.batch = 3
        self._kind, self._shows = kind, shows
        self._codec = Codec(json_decoder=decoder)
        self._begun = 0
        self.follows_at_once = True
        body = query.start_body(run_options or {}, None)
        shape = shape_of(body) if resume == "diff" else None
        self.pool_closed = False
        resumption = Resumption(
            policy or RetryPolicy(), lambda: 0.5, 0.0, START, lambda: self.pool_closed
        )
        clocks = Clocks(lambda: self.now, lambda: START + timedelta(seconds=self.now))
        self.feed = Feed(
            query,
            run_options or {},
            shape,
            remember,
            resumption,
            clocks,
            nullcontext(),
            lambda _: self.act(),
            opens_by,
        )

    def open(self) -> World:
        self.feed.open()
        self.act()
        return self

    # What the driver's loops do.

    def act(self) -> None:
        """Carry out what is to be done."""
        while self.feed.effects:
            effect = self.feed.effects.popleft()
            if isinstance(effect, Begin):
                self._begun += 1
            elif isinstance(effect, Cease):
                self._begun -= 1
            elif isinstance(effect, Pull):
                self.feed.pull()
            else:
                assert isinstance(effect, Stop)
                effect.cursor._stream.close()
        if self.follows_at_once:
            self.follow()

    def follow(self) -> None:
        """Do what is done in the background."""
        while self._begun:
            step = self.feed.step()
            if step is None:
                self._begun -= 1
            elif isinstance(step, Pause):
                self.pauses.append(step.seconds)
                self.now += step.seconds
            elif self.errors:
                self.feed.failed(self.errors.popleft())
            else:
                self._run(step)

    def _run(self, step: Any) -> None:
        body = step.term.start_body(step.options, None)
        if body[1][0] == 2:
            self.asked += 1
            self.feed.answered(self.facts)
            return
        self.runs += 1
        options = body[1][2] if len(body[1]) > 2 else {}
        changes = Changes(self.server, {**body[2], **options}, self._kind, self._shows)
        self.server.feeds = [changes]
        decode = self._codec.decoder(step.options, step.term.edit)
        passes = None if self._codec.own_decoder else step.term.passes
        query = Query(QueryType.START, b"", decode, step.term.term, passes=passes)
        self.link = Link(changes, query)
        self.links.append(self.link)
        changes.scan(self.batch - 1)
        self.link.send(self.batch, notes=(1, 5))
        connection: Any = Connection()
        self.cursor = BaseCursor(connection, self.link.stream)
        self.feed.answered(self.cursor)
        self.act()

    # What happens.

    def serve(self, count: int = 100) -> None:
        """The server answers, if it owes something and has something to say."""
        link = self.link
        if link is None or link.stream.finished:
            return
        link.changes.scan(count)
        if link.owed and link.changes.queue:
            link.send(count)
            self.act()

    def lose(self, error: Exception | None = None) -> None:
        """The run ends: the link is lost, unless it is another error."""
        if self.link is not None:
            self.server.feeds = []
            lost = error or ReqlCursorLostError("Connection is closed.", self.feed.query.term, [])
            self.link.end(lost)
            self.act()

    def abort(self) -> None:
        """The server ends the run, as a primary has gone."""
        self.lose(ReqlOpFailedError(ABORTED))

    def take(self, most: int = 1000) -> list[Any]:
        """What the consumer takes of what is there."""
        items: list[Any] = []
        while len(items) < most:
            if self.feed.buffer:
                items.append(self.feed.take())
            else:
                waiter = self.feed.next()
                self.act()
                if not waiter.done():
                    waiter.abandon()
                    break
                if waiter.exception() is not None:
                    break
                items.append(waiter.result())
            self.act()
        return items

    def settle(self) -> list[Any]:
        """All is well for long enough; what the consumer takes until nothing more comes."""
        self.errors.clear()
        items: list[Any] = []
        for _ in range(1000):
            taken = self.take()
            items += taken
            link = self.link
            self.serve()
            if taken or self.feed.buffer or link is None or link.stream.finished:
                continue
            if not link.changes.queue and not link.changes._scanning:
                break
        return items
