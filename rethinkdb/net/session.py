"""`Session` runs many queries on one connection: tokens, waiters, streams, STOP, close and loss.

Its rules:

- The server sends exactly one reply to each START, CONTINUE, STOP, NOREPLY_WAIT and SERVER_INFO,
  and none to a START with noreply. The session counts the expected replies of each token. A token
  is released when no more replies are expected. A reply with an unknown token ends the connection.
- If a waiter is abandoned, its query is stopped on the server. Replies that still come are dropped
  without decoding them.
- A waiter is registered before its query is sent. It is settled last, when the session's state is
  consistent: callbacks of waiters run inside `receive_data`, and may start queries, close, or feed
  more data.
- If the connection drops, every pending waiter fails with `ReqlConnectionLostError`, "Connection is
  closed.", with the network error as its cause. So does every query that is started later. Closing
  always succeeds.
"""

from __future__ import annotations

from typing import Any, TypedDict, cast

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError
from rethinkdb.ql2 import QueryType

from .client import ClientProtocol
from .deadlines import Deadline
from .exchange import Exchange, close_stream, oversized
from .frames import MAX_QUERY_SIZE, MAX_REPLY_SIZE, frame_header
from .observing import Observation, ObservedWaiter, exchange_of, settled
from .protocol import LONG, State
from .query import Query
from .reception import CLOSED, NOREPLY_BIT, chained
from .timekeeping import Timekeeping
from .waiter import Waiter

__all__ = ["CLOSED", "ServerInfo", "Session"]

# A constant, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_OPEN = State.OPEN
_START = QueryType.START


class _ServerIdentity(TypedDict):
    id: str
    proxy: bool


class ServerInfo(_ServerIdentity, total=False):
    """The server: its `id`, whether it is a `proxy`, and its `name` (a proxy has none)."""

    name: str


class Session(Timekeeping):
    """One connection, without its socket.

    An adapter moves the bytes, and does only this:

    - It passes bytes from the socket to `receive_data`, and the end of the socket to `receive_eof`.
    - After each of these, and after each operation or `abandon()`, it sends `data_to_send()`. Then
      it closes the socket if `close_requested` is set.
    - If `clock_wanted` is set, it calls `tick()`, and again at the time that `tick()` returns.
    - It tells `outflow` how many bytes its transport holds, if its callers await results.

    It is not thread-safe: an adapter for threads holds a lock during each call.

    Args:
        user: account to log in with.
        password: its password, possibly empty.
        host: for error messages only.
        port: for error messages only.
        nonce: random if not given; tests give one.
        keepalive: if an answer is pending and the server is silent for this many seconds, it is
            asked for a sign of life. After as many seconds again the session is lost. None: never.
        max_reply_size: the longest reply to accept, in bytes.
        log_values: whether logs may contain what is sent and received.

    Attributes:
        host, port: the arguments.
        opened: settled when queries may be started; fails if the handshake fails. Abandoning it
            (when connecting takes too long) ends the session.
        closed: settled when the session has ended, for whatever reason; never fails.
        cause: why the session has ended; None if this side closed it.
        outflow: makes noreply queries wait while the transport is full; the adapter tells it.
        close_requested: the adapter is to send `data_to_send()`, then to close the socket.
        observer: is told what happens; None: nobody is told. An observer that is set on the class
            watches all sessions that have none of their own.
        pooled: whether the session belongs to a pool. The pool then logs what happens to it.
        pool_name: the name of this pool, for observers.
        lent_at: since when the pool lends the connection to one borrower; None: it does not.
        observed_since: when it began to connect, or was opened, by the observer's clock; the
            observer sets it.
        incoming: received bytes that were not handled yet. `receive_data()` adds to it. An adapter
            may also add to it itself, and then call `receive_data(b"")`.
    """

    def __init__(
        self,
        user: str = "admin",
        password: str = "",
        host: str = "localhost",
        port: int = 28015,
        nonce: str | None = None,
        *,
        keepalive: float | None = None,
        max_reply_size: int = MAX_REPLY_SIZE,
        log_values: bool = False,
    ) -> None:
        protocol = ClientProtocol(
            user, password, host, port, nonce=nonce, max_reply_size=max_reply_size
        )
        protocol.log_values = log_values
        super().__init__(protocol, host, port, keepalive)

    # For the adapter. More of it is in `Reception` (receiving) and in `Timekeeping` (the clock).

    def data_to_send(self) -> bytes:
        """Take all bytes to send, for one write; may be empty."""
        output = self.output  # that of the protocol, whose method would be one more call
        if not output:
            return b""
        data = bytes(output)
        output.clear()
        return data

    @property
    def output_pending(self) -> bool:
        """Whether the adapter has to send bytes or to close the socket. Quick to ask."""
        return bool(self.output) or self._protocol.close_requested

    @property
    def in_flight(self) -> int:
        """How many queries are in flight; 0 if the one that was started last is not among them.

        It tells an adapter whether to send at once, or with what others start in the same turn.
        """
        return len(self._exchanges) if self._last_token in self._exchanges else 0

    # For connections.

    @property
    def is_open(self) -> bool:
        """Whether queries may be started, as far as this side knows: the link may be down."""
        return self._protocol.state is _OPEN and self._closing is None

    @property
    def last_token(self) -> int:
        """The token of the operation that was started last."""
        return self._last_token

    @property
    def tokens_in_use(self) -> int:
        """The number of tokens that the server may still answer: queries, streams and stops."""
        return len(self._exchanges)

    def start(self, query: Query) -> Waiter[Any]:
        """Send a query.

        Abandoning the waiter stops the query on the server and drops its answer. A stream that has
        arrived but was not read yet is closed.

        Args:
            query: a START.

        Returns:
            A waiter of the value, or of a `Stream` if the answer is a stream. If the reply has a
            profile, it is `{"value": ..., "profile": ...}`. For a noreply query it is a waiter of
            None. It is settled at once, or when the transport has room again (see `Outflow`).
            Abandoning it does not stop the query. The waiter fails with

            - the server's error, or the error of decoding the reply;
            - `ReqlTimeoutError` after the query's deadline; the query is then stopped;
            - `ReqlConnectionLostError` if the connection drops;
            - `ReqlDriverError` if the session was closed before.
        """
        protocol, payload, observer = self._protocol, query.payload, self.observer
        if (
            query.noreply
            or protocol.state is not _OPEN
            or self._closing is not None
            or len(payload) >= LONG
            or protocol.logs_frames
        ):
            return self._start_in_parts(query)
        # Most queries. What follows is what `_start_in_parts` does, in one step: that takes 1 µs
        # less.
        observation = None
        if observer is not None and query.type is _START:
            observation = observer.asked(self, query)
        token = self._last_token = self._last_token + 1
        if observation is None:
            exchange = Exchange(protocol, token, query)
            waiter: Waiter[Any] = Waiter(exchange.abandoned, close_stream)
        else:
            exchange, waiter = exchange_of(observation, protocol, token, query)
        exchange.receiver = waiter
        keepalive, deadline = self._keepalive, query.deadline
        if deadline is not None:
            self._deadlines.add(token, deadline.left)
        frame = frame_header(token, len(payload)) + payload
        if self.close_requested or protocol.state is not _OPEN:
            return settled(observation, self._refusal())
        self._exchanges[token] = exchange
        self.output += frame
        if deadline is not None or (keepalive is not None and keepalive.asleep):
            self.clock_wanted = True
        return waiter

    def _start_in_parts(self, query: Query) -> Waiter[Any]:
        observation = None
        if self.observer is not None and query.type is _START:
            observation = self.observer.asked(self, query)
        if self._protocol.state is not _OPEN or self._closing is not None:
            return settled(observation, self._refusal())
        if len(query.payload) > MAX_QUERY_SIZE:
            return settled(observation, oversized(query))
        if query.noreply:
            return self._send_only(query, observation)
        try:
            return self._send(query, observation)
        except BaseException:  # an interrupt after it was sent: the caller gets no waiter
            self._abandon(query)
            raise

    def noreply_wait(self, deadline: Deadline | None = None) -> Waiter[None]:
        """Wait until the server has finished all earlier noreply queries of this connection.

        Args:
            deadline: how long that may take; None: no limit.
        """
        return self._ask(QueryType.NOREPLY_WAIT, deadline)

    def server(self, deadline: Deadline | None = None) -> Waiter[ServerInfo]:
        """Ask the server who it is.

        Args:
            deadline: how long the answer may take; None: no limit.
        """
        return self._ask(QueryType.SERVER_INFO, deadline)

    def stopped(self, token: int) -> Waiter[None]:
        """Wait until the server has answered the STOP of a query. It then no longer runs there.

        Args:
            token: the query's token. If the query was not stopped or has ended, there is nothing to
                wait for.

        Returns:
            A waiter. All callers get the same one, so do not abandon it. It fails if the session
            ends first; that stops the query too.
        """
        exchange = self._exchanges.get(token)
        if exchange is None or not exchange.dropped:
            return Waiter.succeeded(None)
        return cast("Waiter[None]", exchange.receiver)

    def close(self, noreply_wait: bool = True) -> Waiter[None]:
        """End the session. Pending queries fail; streams fail when their buffers are empty.

        From now on, new queries are refused. Closing always succeeds. If the session has already
        ended, the waiter is settled at once.

        Args:
            noreply_wait: first wait until the server has finished all noreply queries. Pending
                queries may be answered meanwhile. Abandoning the waiter closes without waiting.

        Returns:
            A waiter. It is settled when the socket may be closed (see `close_requested`).
        """
        if self.close_requested:
            return Waiter.succeeded(None)
        waiter: Waiter[None] = Waiter(lambda _: self._end(None))
        self._close_waiters.append(waiter)
        if self._closing is None and noreply_wait and self.is_open:
            closing = self._closing = self.noreply_wait()
            if closing.done():  # it was settled before `_closing` was set, so nothing saw that
                self._drain()
        elif self._closing is None or not noreply_wait:
            self._end(None)
        # The session may have ended during these calls.
        return Waiter.succeeded(None) if self.close_requested else waiter

    # Sending.

    def _refusal(self) -> ReqlDriverError:
        """The error for a query that cannot be started."""
        if self._protocol.state is State.CONNECTING:
            return ReqlDriverError(
                "Connection is not open yet: wait for connect() or reconnect() to finish."
            )
        lost = self._was_open and self._known_cause() is not None
        error = self._lost(ReqlConnectionLostError) if lost else ReqlDriverError(CLOSED)
        error.unsent = True
        return error if lost else chained(error, self.cause)

    def _send_only(self, query: Query, observation: Observation | None) -> Waiter[Any]:
        """Send a noreply query; wait only for the transport."""
        token = self._new_token()
        self._protocol.send_frame(token | NOREPLY_BIT, query.payload)
        if not self.outflow.must_wait(len(query.payload)):
            return settled(observation, None)
        if observation is None:
            waiter: Waiter[Any] = Waiter(self.outflow.forget)
        else:
            waiter = ObservedWaiter(self.outflow.forget)
            waiter.observation = observation
        self.outflow.waiting[waiter] = None
        if query.deadline is not None:
            self._senders[token] = query, waiter
            self._deadlines.add(token, query.deadline.left)
            self.clock_wanted = True
        return waiter

    def _send(self, query: Query, observation: Observation | None = None) -> Waiter[Any]:
        """Send a query that will be answered, also while the session is closing."""
        token = self._last_token = self._last_token + 1
        exchange, waiter = exchange_of(observation, self._protocol, token, query)
        exchange.receiver = waiter
        keepalive, deadline = self._keepalive, query.deadline
        if deadline is not None:
            self._deadlines.add(token, deadline.left)
        first, second = self._protocol.framed(token, query.payload)
        output = self._protocol.output
        # The same step sends the query and returns its waiter (see `steps`). So no query runs
        # without a caller that has its waiter.
        if not self.close_requested:
            self._exchanges[token] = exchange
            output += first
            output += second
            if deadline is not None or (keepalive is not None and keepalive.asleep):
                self.clock_wanted = True
            return waiter
        return settled(observation, self._refusal())

    def _abandon(self, query: Query) -> None:
        for exchange in tuple(self._exchanges.values()):
            if exchange.query is query and isinstance(exchange.receiver, Waiter):
                exchange.receiver.abandon()

    def _ask(self, type: QueryType, deadline: Deadline | None) -> Waiter[Any]:
        return self.start(Query(type, b"[%d]" % type, self._decode, deadline=deadline))
