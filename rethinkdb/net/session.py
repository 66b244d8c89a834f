"""The multiplexer: tokens, waiters, streams, STOP, close and loss, for one connection.

Rules it keeps:

- Every START, CONTINUE, STOP, NOREPLY_WAIT and SERVER_INFO gets exactly one reply, a START with
  noreply none. Replies are counted per token, and the token is retired when none is owed and the
  server has nothing more to send. A reply to any other token ends the connection.
- What is abandoned is stopped on the server, and its late replies are dropped, undecoded.
- A waiter is registered before its query is sent, and settled last, when the state is consistent:
  its callbacks run inside `receive_data`, and may start queries, close, or feed more data.
- After a loss every waiter fails with `ReqlConnectionLostError`, "Connection is closed.", and the
  same cause, and so does whatever is started afterwards; closing always succeeds.
"""

from __future__ import annotations

from typing import Any, TypedDict, cast

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError
from rethinkdb.ql2 import QueryType

from .client import ClientProtocol
from .exchange import Exchange, close_stream, oversized
from .frames import MAX_QUERY_SIZE, MAX_REPLY_SIZE
from .observing import Observation, ObservedExchange, ObservedWaiter, settled
from .protocol import State
from .query import Query
from .reception import CLOSED, NOREPLY_BIT, chained
from .timekeeping import Timekeeping
from .waiter import Waiter

__all__ = ["CLOSED", "ServerInfo", "Session"]

# As a constant, because Python 3.10 and 3.11 take 0.1 µs to find a member in its enum.
_OPEN = State.OPEN
_START = QueryType.START


class _ServerIdentity(TypedDict):
    id: str
    proxy: bool


class ServerInfo(_ServerIdentity, total=False):
    """Who answered: `id`, whether it is a `proxy`, and its `name` (proxies have none)."""

    name: str


class Session(Timekeeping):
    """One connection, without its transport.

    An adapter moves bytes: what it reads goes to `receive_data`, the end of the transport to
    `receive_eof`; after each of these, and after each operation or `abandon()`, it writes
    `data_to_send()` and, if `close_requested`, closes the transport. If `clock_wanted` it tells the
    time to `tick()`, and again whenever that asks for it. That is all it does.

    Not thread-safe: an adapter that serves threads holds a lock around every call.

    Args:
        user: account to log in with.
        password: its password, possibly empty.
        host: for the texts of errors only.
        port: likewise.
        nonce: random if not given; tests give one.
        keepalive: seconds of silence after which a server that owes an answer is asked for a sign
            of life, and given up after as many again. None: never.
        max_reply_size: the longest reply to accept, in bytes.
        log_values: whether what is sent and received may stand in logs.

    Attributes:
        host, port: as they were given.
        opened: settled when queries may be started; fails if the handshake does. Abandoning it
            (a connect time-out) ends the session.
        closed: settled when the session is over, for whatever reason; never fails.
        cause: what ended the session, once it is over; None if this side closed it.
        close_requested: write what `data_to_send()` returns, then close the transport.
        observer: is told what happens; None: nobody wants to know. One that is set on the class
            watches all sessions which have none of their own.
        pooled: it belongs to a pool, which logs what happens to its connections itself.
        pool_name: the name of that, for observers.
        incoming: what the transport brought and was not looked at yet. `receive_data()` adds to it;
            an adapter may do so itself, in one call with reading, before `receive_data(b"")`.
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

    # The transport's side. See `Reception` for the other half of it,
    # and `Timekeeping` for what the clock has to do with it.

    def data_to_send(self) -> bytes:
        """All bytes queued since the last call, for one write; possibly none."""
        return self._protocol.data_to_send()

    @property
    def output_pending(self) -> bool:
        """Whether `data_to_send()` has bytes or `close_requested` is set: asking costs nothing."""
        return self._protocol.output_pending

    # The user's side.

    @property
    def is_open(self) -> bool:
        """Whether queries may be started. Local knowledge: the link may be down already."""
        return self._protocol.state is _OPEN and self._closing is None

    @property
    def last_token(self) -> int:
        """The number, on the wire, of what was started last."""
        return self._last_token

    @property
    def tokens_in_use(self) -> int:
        """How many queries, live streams and stops the server may still answer."""
        return len(self._exchanges)

    def start(self, query: Query) -> Waiter[Any]:
        """Send a query.

        Abandoning the waiter stops the query on the server and drops its answer; a stream that had
        arrived but was not read yet is closed.

        Args:
            query: a START.

        Returns:
            A waiter of the value, or of a `Stream` for sequences; in {"value", "profile"} when the
            reply holds a profile; of None, settled already, when the query is noreply. It fails
            with what the server answers, with what decoding raises, with ReqlTimeoutError when the
            query's deadline has passed (the query is stopped then), with `ReqlConnectionLostError`,
            or, if the session was closed before, `ReqlDriverError`.
        """
        observation = None
        if self.observer is not None and query.type is _START:
            observation = self.observer.asked(self, query)
        if not self.is_open:
            return settled(observation, self._refusal())
        if len(query.payload) > MAX_QUERY_SIZE:
            return settled(observation, oversized(query))
        if query.noreply:
            self._protocol.send_frame(self._new_token() | NOREPLY_BIT, query.payload)
            return settled(observation, None)
        try:
            return self._send(query, observation)
        except BaseException:  # an interrupt, after it was sent: nobody has its waiter
            self._abandon(query)
            raise

    def noreply_wait(self) -> Waiter[None]:
        """Wait until the server has finished all earlier noreply queries of this connection."""
        return self._ask(QueryType.NOREPLY_WAIT)

    def server(self) -> Waiter[ServerInfo]:
        """Ask the server who it is."""
        return self._ask(QueryType.SERVER_INFO)

    def stopped(self, token: int) -> Waiter[None]:
        """Wait until the server has answered the STOP of a query: nothing of it runs there then.

        Args:
            token: its number. Of one that goes on, or has ended, there is nothing to wait for.

        Returns:
            A waiter, the same for all who ask: do not abandon it. It fails if the session ends
            first, which stops queries as well.
        """
        exchange = self._exchanges.get(token)
        if exchange is None or not exchange.dropped:
            return Waiter.succeeded(None)
        return cast("Waiter[None]", exchange.receiver)

    def close(self, noreply_wait: bool = True) -> Waiter[None]:
        """End the session: pending queries fail, streams fail once their buffers are empty.

        Closing always succeeds, a lost or closed session at once. New queries are refused from now
        on.

        Args:
            noreply_wait: first wait until the server has finished all noreply queries; pending
                queries may be answered meanwhile. Abandoning the waiter gives that up and closes.

        Returns:
            A waiter, settled when the transport may be closed (see `close_requested`).
        """
        if self.close_requested:
            return Waiter.succeeded(None)
        waiter: Waiter[None] = Waiter(lambda _: self._end(None))
        self._close_waiters.append(waiter)
        if self._closing is None and noreply_wait and self.is_open:
            closing = self._closing = self.noreply_wait()
            if closing.done():  # since before this session knew what it waits for
                self._drain()
        elif self._closing is None or not noreply_wait:
            self._end(None)
        # What came in between may have ended it.
        return Waiter.succeeded(None) if self.close_requested else waiter

    # Sending.

    def _refusal(self) -> ReqlDriverError:
        """Why nothing can be started."""
        if self._protocol.state is State.CONNECTING:
            return ReqlDriverError(
                "Connection is not open yet: wait for connect() or reconnect() to finish."
            )
        lost = self._was_open and self._known_cause() is not None
        error = self._lost(ReqlConnectionLostError) if lost else ReqlDriverError(CLOSED)
        error.unsent = True
        return error if lost else chained(error, self.cause)

    def _send(self, query: Query, observation: Observation | None = None) -> Waiter[Any]:
        """Send what is answered, also while the session is closing."""
        token = self._new_token()
        if observation is None:
            exchange = Exchange(self._protocol, token, query)
            waiter: Waiter[Any] = Waiter(exchange.abandoned, close_stream)
        else:
            exchange = ObservedExchange(self._protocol, token, query)
            waiter = ObservedWaiter(exchange.abandoned, close_stream)
            exchange.observation = waiter.observation = observation
        exchange.receiver = waiter
        if query.deadline is not None:
            self._deadlines.add(token, query.deadline.left)
        first, second = self._protocol.framed(token, query.payload)
        output = self._protocol.output
        # Returned in the step that sends it: no query runs whose waiter nobody has.
        if not self.close_requested:
            self._exchanges[token] = exchange
            output += first
            output += second
            return waiter
        return settled(observation, self._refusal())

    def _abandon(self, query: Query) -> None:
        for exchange in tuple(self._exchanges.values()):
            if exchange.query is query and isinstance(exchange.receiver, Waiter):
                exchange.receiver.abandon()

    def _ask(self, type: QueryType) -> Waiter[Any]:
        return self.start(Query(type, b"[%d]" % type, self._decode))
