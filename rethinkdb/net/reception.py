"""What the server sends goes to whom it is for; when it ends, so does everything that waits for it.

A signal handler may raise between any two calls of Python code, and that must keep nobody's reply.
So each step here can be made again, and `receive_data(b"")` goes on where it was left. What is at
work stays at the head of the queue until it is done: first a frame, then, in place of it, the
`_Delivery` of what it says, for which the exchange has been changed already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rethinkdb.codec import MalformedResponse, Response
from rethinkdb.errors import ReqlConnectionLostError, ReqlCursorLostError, ReqlDriverError
from rethinkdb.ql2 import QueryType, ResponseType

from .client import ClientProtocol
from .events import ConnectionLost, FrameReceived
from .exchange import Exchange, error_of, with_profile
from .handshake import refusal
from .protocol import logger
from .signals import raised_by_handler
from .stream import Stream
from .telling import tell_ended, tell_opened
from .violations import RemoteProtocolError
from .waiter import Waiter

if TYPE_CHECKING:
    from .observing import Observer
    from .session import Session

__all__ = ["CLOSED", "NOREPLY_BIT", "Reception", "chained"]

E = TypeVar("E", bound=BaseException)
R = TypeVar("R")

CLOSED = "Connection is closed."

# A reply on its way to whom it is for: what it belongs to; who gets it; what it says, or what kept
# it from being decoded, or None if nobody wants to know; what gives each item of a batch once; and
# who gets the stream itself, if this is its first batch.
_Delivery = tuple[
    Exchange, Waiter[Any] | Stream, Response | Exception | None, Iterator[Any], Waiter[Any] | None
]

_NO_ITEMS: Iterator[Any] = iter(())

# As constants, because Python 3.10 and 3.11 take 0.1 µs to find a member in its enum.
_START = QueryType.START
_ATOM = ResponseType.SUCCESS_ATOM
_WAIT_COMPLETE = ResponseType.WAIT_COMPLETE
_SERVER_INFO = ResponseType.SERVER_INFO

# The server does answer a noreply query that it cannot even parse. This bit in its token tells such
# an answer from a violation, without remembering every noreply query ever sent.
NOREPLY_BIT = 1 << 62

# The reply that ends an operation with a value. A START may bring a stream instead.
_VALUE_REPLY = {
    QueryType.START: ResponseType.SUCCESS_ATOM,
    QueryType.NOREPLY_WAIT: ResponseType.WAIT_COMPLETE,
    QueryType.SERVER_INFO: ResponseType.SERVER_INFO,
}

_BATCH_REPLIES = (ResponseType.SUCCESS_PARTIAL, ResponseType.SUCCESS_SEQUENCE)


# Whatever interrupts the decoding of one reply that often does not come from outside.
_MOST_INTERRUPTS = 20

# Ending goes on after an error of the driver's own, unless that comes again and again.
_MOST_FAULTS = 3


class Reception:
    """The receiving half of a `Session`, which documents the attributes.

    Args:
        protocol: where the bytes come from.
        host: for the texts of errors only.
        port: likewise.
    """

    observer: Observer | None = None
    pool_name: str | None = None
    pooled = False

    def __init__(self, protocol: ClientProtocol, host: str, port: int) -> None:
        self._protocol = protocol
        self.host = host
        self.port = port
        self.incoming = protocol.incoming
        self.output = protocol.output
        self._events: deque[Any] = protocol.events
        self._exchanges: dict[int, Exchange] = {}
        self._last_token = 0
        self._was_open = False
        self._closing: Waiter[None] | None = None  # the wait for noreply queries, before closing
        self._finished = False
        self._end_told = False
        self._interrupted: FrameReceived | None = None
        self._interrupts = 0
        self._close_waiters: deque[Waiter[None]] = deque()
        self._pending: deque[Waiter[Any] | Stream] = deque()
        self.opened: Waiter[None] = Waiter(lambda _: self._end(None))
        self.closed: Waiter[None] = Waiter()
        self.cause: BaseException | None = None
        self.close_requested = False

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the server, cut anywhere.

        Bytes that break the protocol end the session; no `Exception` comes out of here. What a
        signal handler raises meanwhile (KeyboardInterrupt) does, after everything else is done.
        Should it have come at the very start or end, `receive_data(b"")` does what is left.
        """
        self.incoming += (data,)
        self._drain()

    def proceed(self) -> None:
        """Handle what is `incoming`, and go on with what an interrupt has left undone.

        What a signal handler raises meanwhile comes out at once. Another call goes on, and it may
        be better to leave that to another thread: perhaps the handler is called again.
        """
        try:
            self._advance()
        except BaseException as exc:
            if _is_fault(exc) and not self.close_requested:
                # Not foreseen; but nobody may wait for ever because of it.
                self._violated("The driver could not handle what the server sent.", exc)
                return
            self._count_interrupt(exc)
            raise

    def prepare(self) -> None:
        """Bring what is to be sent to `output`, where it is already."""

    def receive_eof(self, exc: Exception | None = None) -> None:
        """The transport has ended, with its error if it had one. A second call has no effect."""
        self._drain()
        self._protocol.receive_eof(exc)
        self._drain()

    def _drain(self) -> None:
        """Handle all that has arrived. What interrupts that, Ctrl-C or another exception out of a
        signal handler or a callback, is raised afterwards: others must get theirs all the same."""
        interrupt: BaseException | None = None
        done, faults = False, 0
        while not done:
            try:
                self.proceed()
                done = True
            except BaseException as exc:
                faults += _is_fault(exc)
                if faults > _MOST_FAULTS:
                    raise
                if not _is_fault(exc):
                    interrupt = interrupt or exc
        if interrupt is not None:
            raise interrupt

    def _advance(self) -> None:
        self._protocol.process()
        events = self._events
        while not self.close_requested:
            if not events:
                break
            self._handle(events[0])
        if self._closing is not None and self._closing.done():
            self.close_requested = True
        if self.close_requested:
            self._finish()

    def _count_interrupt(self, exc: BaseException) -> None:
        """Decoding is tried again, but not for ever: a decoder of the program's may be the one that
        raises. Its query then fails."""
        frame = self._events[0] if self._events else None
        if type(frame) is not FrameReceived:
            return
        self._interrupts = self._interrupts + 1 if self._interrupted is frame else 1
        self._interrupted = frame
        exchange = self._exchanges.get(frame.token)
        if self._interrupts >= _MOST_INTERRUPTS and exchange is not None:
            text = f"{type(exc).__name__} kept the reply from being decoded."
            error = chained(ReqlDriverError(text), exc)
            self._hand_over(frame, exchange, exchange.receiver, error)

    def _handle(self, event: Any) -> None:
        """Handle the first event. That may raise further ones, and end the session."""
        kind = type(event)
        if kind is FrameReceived:
            self._frame_received(event)
        elif kind is tuple:
            self._deliver(event)
        elif kind is ConnectionLost:
            self._end(event.cause)
        else:  # HandshakeCompleted
            self._opened(event)

    def _opened(self, event: object) -> None:
        tell_opened(cast("Session", self))
        self._was_open = True
        self.opened.set_result(None)
        self._done_with(event)

    def _done_with(self, event: object) -> None:
        # Callbacks that feed the session have perhaps taken it off already.
        if self._events and self._events[0] is event:
            self._events.popleft()

    def _frame_received(self, frame: FrameReceived) -> None:
        exchange = self._exchanges.get(frame.token)
        if exchange is None or not exchange.owed:
            self._unexpected(frame)
            return
        receiver = exchange.receiver
        outcome = None if exchange.dropped else exchange.decoded(frame.payload)
        self._hand_over(frame, exchange, receiver, outcome)

    def _hand_over(
        self,
        frame: FrameReceived,
        exchange: Exchange,
        receiver: Waiter[Any] | Stream,
        outcome: Response | Exception | None,
    ) -> None:
        """Put in place of the first frame what it says, and deliver that."""
        items: Iterator[Any] = _NO_ITEMS
        if type(outcome) is Response and outcome.type in _BATCH_REPLIES:
            items = iter(outcome.results)
        delivery = exchange, receiver, outcome, items, None
        events = self._events
        if events and events[0] is frame and exchange.receiver is receiver:
            exchange.owed -= 1
            events[0] = delivery
            self._deliver(delivery)

    def _unexpected(self, frame: FrameReceived) -> None:
        token, payload = frame
        if token & NOREPLY_BIT and token ^ NOREPLY_BIT <= self._last_token:
            self._done_with(frame)
            what = b"%d bytes of it" % len(payload)
            if self._protocol.log_values:
                what = payload
            logger.warning("the server refused a noreply query: %.*r", 200, what)
        elif self._events and self._events[0] is frame:  # else it was handled just now
            self._violated(
                f"Unexpected response received. The server answered query {token}, which this "
                f"connection ({self.host}:{self.port}) is not waiting for."
            )

    def _deliver(self, delivery: _Delivery) -> None:
        exchange, receiver, outcome, items, starter = delivery
        if exchange.dropped and not isinstance(outcome, Exception):
            self._dropped(exchange, receiver)
        elif type(outcome) is Response:
            if isinstance(receiver, Stream):
                self._batch_received(exchange, receiver, outcome, items)
                if starter is not None:
                    starter.set_result(with_profile(receiver, outcome))
            else:
                self._answered(delivery, exchange, receiver, outcome)
        elif isinstance(outcome, MalformedResponse):
            self._violated(f"The server sent a malformed reply: {outcome}", outcome)
        else:
            self._not_decoded(exchange, receiver, cast(Exception, outcome))
        self._done_with(delivery)

    def _dropped(self, exchange: Exchange, receiver: Waiter[Any] | Stream) -> None:
        if not exchange.owed:
            self._retire(exchange)
            cast("Waiter[None]", receiver).set_result(None)

    def _answered(
        self, delivery: _Delivery, exchange: Exchange, waiter: Waiter[Any], response: Response
    ) -> None:
        query = exchange.query
        if response.type == _ATOM and query.type == _START and response.results:
            # Most replies: with fewer questions, 0.2 of the 4.5 µs that receiving one takes.
            self._retire(exchange)
            waiter.set_result(with_profile(response.results[0], response))
        elif response.type == _VALUE_REPLY[query.type]:
            self._value_received(exchange, waiter, response)
        elif response.type in _BATCH_REPLIES and query.type == QueryType.START:
            self._stream_started(delivery, exchange, waiter)
        else:
            self._retire(exchange)
            waiter.set_exception(error_of(query, response))

    def _value_received(self, exchange: Exchange, waiter: Waiter[Any], response: Response) -> None:
        if response.type == _WAIT_COMPLETE:
            value = None
        elif response.results:
            value = response.results[0]
        else:
            self._violated("The server sent a malformed reply: a result without a value.")
            return
        if response.type is _SERVER_INFO and type(value) is not dict:
            self._violated("The server sent a malformed reply: it does not say who it is.")
            return
        self._retire(exchange)
        waiter.set_result(with_profile(value, response))

    def _stream_started(self, delivery: _Delivery, exchange: Exchange, waiter: Waiter[Any]) -> None:
        stream = Stream(
            exchange.query,
            exchange.token,
            exchange.send_continue,
            exchange.send_stop,
        )
        first = exchange, stream, delivery[2], delivery[3], waiter
        events = self._events
        if events and events[0] is delivery and exchange.receiver is waiter:
            exchange.receiver = stream
            events[0] = first
            self._deliver(first)

    def _batch_received(
        self, exchange: Exchange, stream: Stream, response: Response, items: Iterator[Any]
    ) -> None:
        if response.type == ResponseType.SUCCESS_PARTIAL:
            stream.batch_received(response, items, complete=False)
            return
        self._retire(exchange)
        if response.type == ResponseType.SUCCESS_SEQUENCE:
            stream.batch_received(response, items, complete=True)
        else:
            stream.end(error_of(exchange.query, response))
            stream.serve()

    def _not_decoded(
        self, exchange: Exchange, receiver: Waiter[Any] | Stream, error: Exception
    ) -> None:
        """The reply is one, but its values cannot be had: that concerns this query alone.

        Whether the query goes on is in the same reply, so it is stopped in any case.
        """
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
        exchange.release()
        self._exchanges.pop(exchange.token, None)

    # The end.

    def _violated(self, text: str, cause: BaseException | None = None) -> None:
        self._end(chained(RemoteProtocolError(text), cause))

    def _end(self, cause: BaseException | None) -> None:
        if not self.close_requested:
            self.cause = cause
            self.close_requested = True
        self._drain()

    def _finish(self) -> None:
        """Fail what is pending. As all of receiving, it can be called again where it was left."""
        if self._finished:
            return
        exchanges = self._exchanges.values()
        receivers = [exchange.receiver for exchange in exchanges]
        # Those whose last reply was at hand; it is not looked at any more.
        for event in tuple(self._events):
            if type(event) is tuple:
                receivers += [who for who in (event[1], event[4]) if who is not None]
        self._pending += receivers
        self._exchanges = {}
        self._events.clear()
        self._protocol.close()
        for exchange in exchanges:
            exchange.release()
        for receiver in self._pending:
            if isinstance(receiver, Stream) and not receiver.finished:
                receiver.end(self._lost(ReqlCursorLostError, receiver.query.term, []))
        if self._was_open and not self._end_told:
            self._end_told = True
            tell_ended(cast("Session", self))
        # Last of all, settle.
        if not self.opened.done():
            self.opened.set_exception(self._not_opened())
        self._settle_all(self._pending, self._fail)
        self._settle_all(self._close_waiters, lambda waiter: waiter.set_result(None))
        self.closed.set_result(None)
        self._finished = True

    def _settle_all(self, receivers: deque[R], settle: Callable[[R], None]) -> None:
        for receiver in tuple(receivers):
            settle(receiver)
        receivers.clear()

    def _fail(self, receiver: Waiter[Any] | Stream) -> None:
        if isinstance(receiver, Stream):
            receiver.serve()
        else:
            receiver.set_exception(self._lost(ReqlConnectionLostError))

    def _lost(self, kind: type[ReqlConnectionLostError], *place: Any) -> ReqlConnectionLostError:
        return kind(CLOSED, *place, host=self.host, port=self.port, cause=self._known_cause())

    def _known_cause(self) -> BaseException | None:
        """What ended the session, even if that has arrived only, and was not handled yet."""
        if self.cause is None and self._events and type(self._events[-1]) is ConnectionLost:
            return self._events[-1].cause
        return self.cause

    def _not_opened(self) -> BaseException:
        cause = self.cause
        if cause is None:
            return ReqlDriverError(CLOSED)
        if isinstance(cause, ReqlDriverError):
            return cause
        # A TLS port may hang up on plain text without a word.
        reason = str(cause).rstrip(".") or type(cause).__name__
        text = (
            f"{CLOSED} The handshake was not complete: {reason}. "
            "Is this the driver port, and does it expect TLS?"
        )
        return chained(ReqlDriverError(refusal(self.host, self.port, text)), cause)


def _is_fault(error: BaseException) -> bool:
    """Whether this driver's own code has raised an error, which nobody has foreseen."""
    return isinstance(error, Exception) and not raised_by_handler(error)


def chained(error: E, cause: BaseException | None) -> E:
    """The error, with its cause."""
    error.__cause__ = cause
    return error
