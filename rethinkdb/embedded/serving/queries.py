"""The life of a query: START, CONTINUE, STOP, batches, noreply, many side by side.

A `Conversation` holds the queries of one connection. It gets frames in the order of their arrival,
and answers through a callback, in any order. Requests with the same token run one after the other.
Requests with different tokens run concurrently, in the threads that `submit` gives them.

    frame --receive()--> parsed, registered --submit(job)--> compiled, evaluated --send()--> frame

A changefeed that waits for changes holds no thread. Its CONTINUE waits until a change submits it
again.

The module is long because the requests of one token share a state, which `Conversation` holds.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rethinkdb.embedded import limits
from rethinkdb.embedded.data import jsontext
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.jsontext import NotJSON, TooDeep
from rethinkdb.embedded.failures import resource
from rethinkdb.embedded.feeds.feed import Feed, Once
from rethinkdb.embedded.language.faults import fault
from rethinkdb.embedded.serving import replies
from rethinkdb.embedded.serving.requests import (
    Extent,
    Job,
    Request,
    Turns,
    duplicate_token,
    malformed,
    signed,
)
from rethinkdb.embedded.serving.running import TOO_DEEP, RunningQuery, Waiting
from rethinkdb.embedded.serving.taps import Pending
from rethinkdb.ql2 import QueryType

if TYPE_CHECKING:
    from rethinkdb.embedded.storage.store import Store


class Conversation:
    """All queries of one connection.

    Args:
        store: the data that the queries use.
        user: the name with which the client has logged in.
        address: host and port of the client.
        server_info: the answer to SERVER_INFO.
        send: sends a reply, given token and body. It may be called in any thread.
        submit: runs a job soon, in another thread. It may be called in any thread.
        submit_later: as `submit`, after some seconds.
        has_room: is called when `full` has become false again.
        choked: tells whether the client must first read replies. Until `go_on`, queries wait.
        together: a context manager. Replies that a thread sends inside it may leave together, at
            its end.
        one_by_one: handle a request only when all earlier ones are answered.
    """

    def __init__(
        self,
        store: Store,
        user: str,
        address: tuple[str, int],
        *,
        server_info: Datum,
        send: Callable[[int, bytes], None],
        submit: Callable[[Job], None],
        submit_later: Callable[[float, Job], None],
        has_room: Callable[[], None] = lambda: None,
        choked: Callable[[], bool] = lambda: False,
        together: Callable[[], AbstractContextManager[None]] = nullcontext,
        one_by_one: bool = False,
    ) -> None:
        self._store = store
        self._figures = store.figures
        self._user = user
        self._address = address
        self._server_info = server_info
        self._send = send
        self._submit = submit
        self._submit_later = submit_later
        self._has_room = has_room
        self._choked = choked
        self._together = together
        self._most = 1 if one_by_one else limits.MOST_OUTSTANDING
        self._lock = threading.Lock()
        self._at_work = threading.local()
        self._queries: dict[int, Turns] = {}
        self._noreply: set[Turns] = set()
        self._waits: dict[int, set[Turns]] = {}
        self._stalled: list[Turns] = []
        """The queries that wait for `go_on`."""
        self._woken: deque[Turns] = deque()
        """Changefeeds with news, for the job that sees to them."""
        self._sees_to_woken = False
        """Whether there is such a job."""
        self._outstanding = 0
        self._outstanding_bytes = 0
        self._closed = False
        self._figures.connections.add(1)

    @property
    def full(self) -> bool:
        """Whether the limit of unanswered requests is reached. `has_room` is called afterwards."""
        return (
            self._outstanding + len(self._waits) >= self._most
            or self._outstanding_bytes >= limits.MOST_OUTSTANDING_BYTES
        )

    def receive(self, token: int, body: bytes) -> None:
        """Takes a frame. Never blocks or raises. Only one thread at a time may call it."""
        if body == _CONTINUE:  # as clients write it: they send one for each change of each feed
            self._request_of_running(token, QueryType.CONTINUE, _OF_CONTINUE)
            return
        try:
            query, levels = jsontext.loads_measured(body)
        except NotJSON:
            text = "Client is buggy (failed to deserialize query)."
            self._send(token, replies.client_error(text))
            return
        except TooDeep:
            self._send(token, replies.failure(TOO_DEEP))
            return
        problem = malformed(query)
        if problem is not None:
            text = f"Server could not parse query: {problem}"
            self._send(token, replies.client_error(text))
            return
        self._HANDLERS[QueryType(int(query[0]))](self, token, query, Extent(len(body), levels))

    def close(self) -> None:
        """Interrupts all queries, because the client is gone."""
        with self._lock:
            if not self._closed:
                self._figures.connections.add(-1)
            self._closed = True
            queries = list(self._queries.values())
        for turns in queries:
            # Before anything that may have to wait, for instance for a lock that one of them holds.
            turns.query.interrupt()
        for turns in queries:
            turns.query.close_feed()
            turns.resume()
            if not turns.requests:
                turns.query.end()
        self.go_on()

    def pending(self) -> list[Pending]:
        """The queries that are running."""
        with self._lock:
            return [
                Pending(token, turns.query.term, turns.query.is_feed, bool(turns.requests))
                for token, turns in self._queries.items()
            ]

    def go_on(self) -> None:
        """Continues after the client has read enough replies."""
        with self._lock:
            stalled, self._stalled = self._stalled, []
        for turns in stalled:
            self._submit(partial(self._work, turns))

    # -- one method per type of query

    def _start(self, token: int, wire: list[Any], extent: Extent) -> None:
        term = wire[1] if len(wire) > 1 else None
        run_options = wire[2] if len(wire) > 2 else {}
        query = RunningQuery(
            self._store, self._user, self._address, term, run_options, deep=extent.levels > 0
        )
        turns = Turns(token, query)
        with self._lock:
            duplicate = token in self._queries or self._closed
            too_many = len(self._queries) >= limits.MOST_OPEN
            accepted = not duplicate and not too_many
            if accepted:
                self._queries[token] = turns
                if query.noreply:
                    self._noreply.add(turns)
        if accepted:
            self._request(turns, QueryType.START, extent)
        elif not query.noreply:
            self._send(token, duplicate_token(token) if duplicate else replies.failure(_TOO_MANY))

    def _continue(self, token: int, wire: list[Any], extent: Extent) -> None:
        self._request_of_running(token, QueryType.CONTINUE, extent)

    def _stop(self, token: int, wire: list[Any], extent: Extent) -> None:
        turns = self._request_of_running(token, QueryType.STOP, extent)
        if turns is not None:
            turns.query.interrupt()
            turns.query.close_feed()
            turns.resume()

    def _noreply_wait(self, token: int, wire: list[Any], extent: Extent) -> None:
        with self._lock:
            duplicate = token in self._queries or token in self._waits
            pending = set(self._noreply)
            if pending and not duplicate:
                self._waits[token] = pending
        if duplicate:
            self._send(token, duplicate_token(token))
        elif not pending:
            self._complete_wait(token)

    def _tell_server_info(self, token: int, wire: list[Any], extent: Extent) -> None:
        self._figures.queries.record()
        self._send(token, replies.server_info(self._server_info))

    _HANDLERS: ClassVar[
        Mapping[QueryType, Callable[[Conversation, int, list[Any], Extent], None]]
    ] = {
        QueryType.START: _start,
        QueryType.CONTINUE: _continue,
        QueryType.STOP: _stop,
        QueryType.NOREPLY_WAIT: _noreply_wait,
        QueryType.SERVER_INFO: _tell_server_info,
    }

    # -- turns

    def _request_of_running(self, token: int, type: QueryType, extent: Extent) -> Turns | None:
        turns = self._queries.get(token)
        if turns is None or not self._request(turns, type, extent):
            text = f"Token {signed(token)} not in stream cache."
            self._send(token, replies.client_error(text))
            return None
        return turns

    def _request(self, turns: Turns, type: QueryType, extent: Extent) -> bool:
        """Queues a request. Returns False if the query has just ended."""
        feed = turns.query.prompt_feed if type is QueryType.CONTINUE else None
        with self._lock:
            if self._queries.get(turns.token) is not turns:
                return False
            its_turn = not turns.requests
            # Waiting feeds do not count as unanswered: they may wait forever.
            counted = feed is None or not its_turn
            turns.requests.append(Request(type, extent.size, counted))
            if counted:
                self._outstanding += 1
                self._outstanding_bytes += extent.size
        self._figures.active.add(1)
        if not its_turn:
            return True
        if feed is None:
            self._submit(lambda: self._work(turns))
        else:
            # The feed waits from now on, not from when a thread has time. So it will see the
            # changes of the next query.
            self._resume_later(turns, feed, turns.query.collecting())
        return True

    def _work(self, turns: Turns) -> None:
        """Answers the requests of one token until none is left, or a changefeed has to wait."""
        more = True
        while more:
            if self._stall(turns):
                return
            request = turns.requests[0]
            try:
                if turns.query.is_quick:  # it runs nothing that could write
                    reply = self._answer(turns, request)
                else:
                    with self._feeds_first():
                        reply = self._answer(turns, request)
            except Waiting as waiting:
                self._release(request)
                self._resume_later(turns, waiting.feed, waiting.seconds)
                return
            except Exception as exc:  # every request must be answered, whatever goes wrong
                turns.query.finished = True
                reply = replies.failure(fault(exc))
            self._figures.active.add(-1)
            self._figures.queries.record()
            if turns.query.finished:
                self._forget(turns)
            if not turns.query.noreply:
                self._send(turns.token, reply)
            if request.counted:  # else it waited, and will not count again
                self._release(request)
            with self._lock:
                turns.requests.popleft()
                more = bool(turns.requests)
        if self._closed:
            turns.query.end()

    def _stall(self, turns: Turns) -> bool:
        """Whether the query must wait for `go_on`, until the client has read more replies."""
        if not self._choked():
            return False
        with self._lock:
            if self._closed or not self._choked():
                return False
            self._stalled.append(turns)
        if not self._choked():  # any more, and `go_on` may have come before
            self.go_on()
        return True

    def _resume_later(self, turns: Turns, feed: Feed, seconds: float) -> None:
        resume = Once(lambda: self._resume(turns))
        if seconds:
            turns.resume = resume
            self._submit_later(seconds, resume)
            if turns.query.interrupted:  # since before there was something to resume
                resume()
        else:
            feed.wake_once(resume)

    def _resume(self, turns: Turns) -> None:
        """Resumes a changefeed that has waited."""
        due: list[Turns] | None = getattr(self._at_work, "due", None)
        if due is not None and turns.query.prompt_feed is not None:
            due.append(turns)
        elif turns.query.is_quick:
            self._wake(turns)
        else:
            self._submit(lambda: self._work(turns))

    def _wake(self, turns: Turns) -> None:
        # One job and one call of the system for many feeds: with a thousand of them a write costs
        # half of what it does with a job each.
        with self._lock:
            self._woken.append(turns)
            others, self._sees_to_woken = self._sees_to_woken, True
        if not others:
            self._submit(self._work_woken)

    def _work_woken(self) -> None:
        try:
            with self._together():
                for _ in range(min(len(self._woken), _FEEDS_OF_JOB)):
                    self._work(self._woken.popleft())
        finally:
            with self._lock:
                more = self._sees_to_woken = bool(self._woken)
            if more:
                self._submit(self._work_woken)

    @contextmanager
    def _feeds_first(self) -> Iterator[None]:
        """Sends changes to the feeds of this connection before the reply of the write.

        So a client that has the reply to a write knows that its own feeds have seen the change.
        """
        due: list[Turns] = []
        self._at_work.due = due
        try:
            yield
        finally:
            self._at_work.due = None
            with self._together() if due else nullcontext():
                for turns in due:
                    self._work(turns)

    def _answer(self, turns: Turns, request: Request) -> bytes:
        query = turns.query
        if request.type is QueryType.STOP:
            query.end()
            return replies.batch((), finished=True)
        if query.finished:
            return duplicate_token(turns.token)
        return query.start() if request.type is QueryType.START else query.next_batch()

    def _forget(self, turns: Turns) -> None:
        with self._lock:
            if self._queries.get(turns.token) is turns:
                del self._queries[turns.token]
            self._noreply.discard(turns)
            for pending in self._waits.values():
                pending.discard(turns)
            complete = [token for token, pending in self._waits.items() if not pending]
            for token in complete:
                del self._waits[token]
        for token in complete:
            self._complete_wait(token)
        if complete:
            self._has_room()  # waits count as well

    def _complete_wait(self, token: int) -> None:
        self._figures.queries.record()
        self._send(token, replies.wait_complete())

    def _release(self, request: Request) -> None:
        with self._lock:
            if not request.counted:
                return
            request.counted = False
            was_full = self.full
            self._outstanding -= 1
            self._outstanding_bytes -= request.size
        if was_full:
            self._has_room()


_CONTINUE = b"[2]"
_OF_CONTINUE = Extent(len(_CONTINUE), 0)

_FEEDS_OF_JOB = 64
"""How many changefeeds of a connection get their news before other clients have their turn."""

_TOO_MANY = resource(
    f"More than {limits.MOST_OPEN} queries are open on this connection.  Read cursors to their end,"
    " or close them and the changefeeds that are not needed any more.",
    (),
)
