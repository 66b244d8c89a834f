"""The multiplexer: tokens, waiters, streams, STOP, close and loss, for one connection.

Rules it keeps:

- Every START, CONTINUE, STOP, NOREPLY_WAIT and SERVER_INFO gets exactly one reply, a START with
  noreply none. Replies are counted per token, and the token is retired when none is owed and the
  server has nothing more to send. A reply to any other token ends the connection.
- What is abandoned is stopped on the server, and its late replies are dropped, undecoded.
- A waiter is registered before its query is sent, and settled last, when the state is consistent:
  its callbacks run inside `receive_data`, and may start queries, close, or feed more data.
- After a loss every waiter fails with "Connection is closed." and the same cause; closing always
  succeeds.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, TypedDict, TypeVar, cast

from rethinkdb.codec import Codec, MalformedResponse, Response
from rethinkdb.errors import ReqlDriverError, ReqlRuntimeError
from rethinkdb.ql2 import QueryType, ResponseType

from .client import ClientProtocol
from .events import ConnectionLost, FrameReceived
from .exchange import Exchange, close_stream, decoded, error_of, oversized, with_profile
from .frames import MAX_QUERY_SIZE, MAX_REPLY_SIZE
from .handshake import refusal
from .protocol import State, logger
from .query import Query
from .stream import Stream
from .violations import RemoteProtocolError
from .waiter import Waiter

__all__ = ["ServerInfo", "Session"]

E = TypeVar("E", bound=BaseException)

CLOSED = "Connection is closed."

# As constants, because Python 3.10 and 3.11 take 0.1 µs to find a member in its enum.
_OPEN = State.OPEN
_WAIT_COMPLETE = ResponseType.WAIT_COMPLETE

# The server does answer a noreply query that it cannot even parse. This bit in its token tells such
# an answer from a violation, without remembering every noreply query ever sent.
_NOREPLY_BIT = 1 << 62

# The reply that ends an operation with a value. A START may bring a stream instead.
_VALUE_REPLY = {
    QueryType.START: ResponseType.SUCCESS_ATOM,
    QueryType.NOREPLY_WAIT: ResponseType.WAIT_COMPLETE,
    QueryType.SERVER_INFO: ResponseType.SERVER_INFO,
}

_BATCH_REPLIES = (ResponseType.SUCCESS_PARTIAL, ResponseType.SUCCESS_SEQUENCE)


class _ServerIdentity(TypedDict):
    id: str
    proxy: bool


class ServerInfo(_ServerIdentity, total=False):
    """Who answered: `id`, whether it is a `proxy`, and its `name` (proxies have none)."""

    name: str


class Session:
    """One connection, without its transport.

    An adapter moves bytes: what it reads goes to `receive_data`, the end of the transport to
    `receive_eof`; after each of these, and after each operation or `abandon()`, it writes
    `data_to_send()` and, if `close_requested`, closes the transport. That is all it does.

    Not thread-safe: an adapter that serves threads holds a lock around every call.

    Args:
        user: account to log in with.
        password: its password, possibly empty.
        host: for the texts of errors only.
        port: likewise.
        nonce: random if not given; tests give one.
        max_reply_size: the longest reply to accept, in bytes.

    Attributes:
        opened: settled when queries may be started; fails if the handshake does. Abandoning it
            (a connect time-out) ends the session.
        closed: settled when the session is over, for whatever reason; never fails.
        cause: what ended the session, once it is over; None if this side closed it.
        close_requested: write what `data_to_send()` returns, then close the transport.
    """

    def __init__(
        self,
        user: str = "admin",
        password: str = "",
        host: str = "localhost",
        port: int = 28015,
        nonce: str | None = None,
        *,
        max_reply_size: int = MAX_REPLY_SIZE,
    ) -> None:
        self._protocol = ClientProtocol(
            user, password, host, port, nonce=nonce, max_reply_size=max_reply_size
        )
        self._host = host
        self._port = port
        self._decode = Codec().decoder({})
        self._events = self._protocol.events
        self._exchanges: dict[int, Exchange] = {}
        self._last_token = 0
        self._closing = False
        self._close_waiters: list[Waiter[None]] = []
        self.opened: Waiter[None] = Waiter(lambda _: self._end(None))
        self.closed: Waiter[None] = Waiter()
        self.cause: BaseException | None = None
        self.close_requested = False

    # The transport's side.

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the server, cut anywhere.

        Bytes that break the protocol end the session; no `Exception` comes out of here.
        """
        self._protocol.receive_data(data)
        try:
            self._drain()
        except BaseException:
            # An interrupt (Ctrl-C) hit the decoding of a reply, or came out of a callback. What has
            # arrived for others must reach them all the same.
            self._drain()
            raise

    def receive_eof(self, exc: Exception | None = None) -> None:
        """The transport has ended, with its error if it had one. A second call has no effect."""
        self._protocol.receive_eof(exc)
        self.receive_data(b"")

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
        return self._protocol.state is _OPEN and not self._closing

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
            with what the server answers, with what decoding raises, or with ReqlDriverError
            "Connection is closed.".
        """
        if not self.is_open:
            return Waiter.failed(self._refusal())
        if len(query.payload) > MAX_QUERY_SIZE:
            return Waiter.failed(oversized(query))
        if query.noreply:
            self._protocol.send_frame(self._new_token() | _NOREPLY_BIT, query.payload)
            return Waiter.succeeded(None)
        return self._send(query)

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
        if not noreply_wait or not (self.is_open or self._closing):
            self._end(None)
        elif not self._closing:
            self.noreply_wait().add_done_callback(lambda _: self._end(None))
            self._closing = True
        return waiter

    # Sending.

    def _refusal(self) -> ReqlDriverError:
        """Why nothing can be started."""
        if self._protocol.state is State.CONNECTING:
            return ReqlDriverError(
                "Connection is not open yet: wait for connect() or reconnect() to finish."
            )
        return _chained(ReqlDriverError(CLOSED), self.cause)

    def _new_token(self) -> int:
        self._last_token += 1
        return self._last_token

    def _ask(self, type: QueryType) -> Waiter[Any]:
        if not self.is_open:
            return Waiter.failed(self._refusal())
        return self._send(Query(type, b"[%d]" % type, self._decode))

    def _send(self, query: Query) -> Waiter[Any]:
        token = self._new_token()
        exchange = self._exchanges[token] = Exchange(self._protocol, token, query)
        waiter: Waiter[Any] = Waiter(exchange.abandoned, close_stream)
        exchange.receiver = waiter
        self._protocol.send_frame(token, query.payload)
        return waiter

    # Receiving.

    def _drain(self) -> None:
        # Handling an event may raise further ones. An event is taken off the queue by its handler:
        # a reply only when it is decoded, so that an interrupt of that long part loses nothing.
        events = self._events
        while events:
            event = events[0]
            if type(event) is FrameReceived:
                self._frame_received(event.token, event.payload)
            elif type(event) is ConnectionLost:
                self._end(event.cause)
            else:  # HandshakeCompleted
                events.popleft()
                self.opened.set_result(None)

    def _frame_received(self, token: int, payload: bytes) -> None:
        exchange = self._exchanges.get(token)
        if exchange is None or exchange.dropped or not exchange.owed:
            self._events.popleft()
            self._unwanted(token, payload, exchange)
            return
        outcome = decoded(exchange.query, payload)
        self._events.popleft()
        exchange.owed -= 1
        if isinstance(outcome, Response):
            self._answered(exchange, outcome)
        elif isinstance(outcome, MalformedResponse):
            self._violated(f"The server sent a malformed reply: {outcome}", outcome)
        else:
            self._not_decoded(exchange, outcome)

    def _unwanted(self, token: int, payload: bytes, exchange: Exchange | None) -> None:
        if exchange is not None and exchange.owed:
            exchange.owed -= 1
            if not exchange.owed:
                receiver = cast("Waiter[None]", exchange.receiver)
                self._retire(exchange)
                receiver.set_result(None)
        elif token & _NOREPLY_BIT and token ^ _NOREPLY_BIT <= self._last_token:
            logger.warning("the server refused a noreply query: %.*r", 200, payload)
        else:
            self._violated(
                f"Unexpected response received. The server answered query {token}, which this "
                f"connection ({self._host}:{self._port}) is not waiting for."
            )

    def _answered(self, exchange: Exchange, response: Response) -> None:
        query, receiver = exchange.query, exchange.receiver
        if isinstance(receiver, Stream):
            self._batch_received(exchange, receiver, response)
        elif response.type == _VALUE_REPLY[query.type]:
            self._value_received(exchange, receiver, response)
        elif response.type in _BATCH_REPLIES and query.type == QueryType.START:
            self._stream_started(exchange, receiver, response)
        else:
            self._retire(exchange)
            receiver.set_exception(error_of(query, response))

    def _value_received(self, exchange: Exchange, waiter: Waiter[Any], response: Response) -> None:
        if response.type == _WAIT_COMPLETE:
            value = None
        elif response.results:
            value = response.results[0]
        else:
            self._violated("The server sent a malformed reply: a result without a value.")
            return
        self._retire(exchange)
        waiter.set_result(with_profile(value, response))

    def _stream_started(self, exchange: Exchange, waiter: Waiter[Any], response: Response) -> None:
        stream = Stream(
            exchange.query,
            exchange.token,
            exchange.send_continue,
            exchange.send_stop,
        )
        exchange.receiver = stream
        self._batch_received(exchange, stream, response)
        waiter.set_result(with_profile(stream, response))

    def _batch_received(self, exchange: Exchange, stream: Stream, response: Response) -> None:
        if response.type == ResponseType.SUCCESS_PARTIAL:
            stream.batch_received(response, complete=False)
            return
        self._retire(exchange)
        if response.type == ResponseType.SUCCESS_SEQUENCE:
            stream.batch_received(response, complete=True)
        else:
            stream.end(error_of(exchange.query, response))
            stream.serve()

    def _not_decoded(self, exchange: Exchange, error: Exception) -> None:
        """The reply is one, but its values cannot be had: that concerns this query alone.

        Whether the query goes on is in the same reply, so it is stopped in any case.
        """
        receiver = exchange.receiver
        if exchange.query.type == QueryType.START:
            exchange.send_stop()
        else:
            self._retire(exchange)
        if isinstance(receiver, Stream):
            receiver.end(error)
            receiver.serve()
        else:
            receiver.set_exception(error)

    def _retire(self, exchange: Exchange) -> None:
        del self._exchanges[exchange.token]
        exchange.release()

    # The end.

    def _violated(self, text: str, cause: Exception | None = None) -> None:
        self._end(_chained(RemoteProtocolError(text), cause))

    def _end(self, cause: BaseException | None) -> None:
        # What came after the end, or after a broken reply, is no longer looked at.
        self._events.clear()
        if self.close_requested:
            return
        self.close_requested = True
        self.cause = cause
        self._protocol.close()
        receivers = [exchange.release() for exchange in self._exchanges.values()]
        self._exchanges.clear()
        for receiver in receivers:
            if isinstance(receiver, Stream):
                lost = ReqlRuntimeError(CLOSED, receiver.query.term, [])
                receiver.end(_chained(lost, cause))
        # Last of all, settle; and all of them, even if a callback raises an interrupt.
        with ExitStack() as settling:
            settling.callback(self.closed.set_result, None)
            for waiter in reversed(self._close_waiters):
                settling.callback(waiter.set_result, None)
            for receiver in reversed(receivers):
                settling.callback(self._fail, receiver)
            settling.callback(self.opened.set_exception, self._not_opened(cause))

    def _fail(self, receiver: Waiter[Any] | Stream) -> None:
        if isinstance(receiver, Stream):
            receiver.serve()
        else:
            receiver.set_exception(_chained(ReqlDriverError(CLOSED), self.cause))

    def _not_opened(self, cause: BaseException | None) -> BaseException:
        if cause is None:
            return ReqlDriverError(CLOSED)
        if isinstance(cause, ReqlDriverError):
            return cause
        # A TLS port may hang up on plain text without a word.
        text = (
            f"{CLOSED} The handshake was not complete: {str(cause).rstrip('.')}. "
            "Is this the driver port, and does it expect TLS?"
        )
        return _chained(ReqlDriverError(refusal(self._host, self._port, text)), cause)


def _chained(error: E, cause: BaseException | None) -> E:
    error.__cause__ = cause
    return error
