"""Receiving: each reply goes to the waiter or stream it is for. At the end, all of them end.

A signal handler may raise an error between any two calls of Python code. No reply may get lost by
that. So each step here can be repeated, and `receive_data(b"")` continues where an error came. The
event that is being handled stays first in the queue until it is done. A frame is first replaced by
a `_Delivery`, its decoded content; then the exchange is up to date already. Most replies take a
shorter way with the same result: see `quick`.

The module is long because the order of its steps is what makes them safe to repeat. Whoever changes
one has to see the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from rethinkdb.codec import MalformedResponse, Response
from rethinkdb.errors import ReqlConnectionLostError, ReqlCursorLostError, ReqlDriverError
from rethinkdb.ql2 import QueryType, ResponseType

from .client import ClientProtocol
from .events import ConnectionLost, FrameReceived
from .exchange import NOBODY, Exchange, error_of, with_profile
from .handshake import refusal
from .observing import Observer
from .outflow import Outflow
from .protocol import State, logger
from .quick import QuickReading
from .signals import raised_by_handler
from .stream import Stream
from .telling import tell_ended, tell_opened
from .violations import RemoteProtocolError
from .waiter import Waiter

__all__ = ["CLOSED", "NOREPLY_BIT", "Reception", "chained"]

E = TypeVar("E", bound=BaseException)
R = TypeVar("R")

CLOSED = "Connection is closed."

# A reply that is being delivered: its exchange; the receiver; the decoded reply, or the error of
# decoding, or None if the reply is dropped; an iterator that yields each item of a batch once; and
# the waiter that gets the stream itself, if this is its first batch.
_Delivery = tuple[
    Exchange, Waiter[Any] | Stream, Response | Exception | None, Iterator[Any], Waiter[Any] | None
]

_NO_ITEMS: Iterator[Any] = iter(())

# Constants, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_OPEN = State.OPEN
_WAIT_COMPLETE = ResponseType.WAIT_COMPLETE
_SERVER_INFO = ResponseType.SERVER_INFO

# The server answers a noreply query if it cannot parse it. All tokens of noreply queries have this
# bit, so that such an answer is recognized without remembering every noreply query.
NOREPLY_BIT = 1 << 62

# The type of the reply with an operation's value. A START may get a stream instead.
_VALUE_REPLY = {
    QueryType.START: ResponseType.SUCCESS_ATOM,
    QueryType.NOREPLY_WAIT: ResponseType.WAIT_COMPLETE,
    QueryType.SERVER_INFO: ResponseType.SERVER_INFO,
}

_BATCH_REPLIES = (ResponseType.SUCCESS_PARTIAL, ResponseType.SUCCESS_SEQUENCE)


# If the decoding of one reply is interrupted this often, the decoder itself raises the error.
_MOST_INTERRUPTS = 20

# After an error in the driver itself, receiving goes on; after this many, the error is raised.
_MOST_FAULTS = 3


class Reception(QuickReading):
    """The receiving half of a `Session`, which documents the attributes.

    Args:
        protocol: turns bytes into events.
        host: for error messages only.
        port: for error messages only.
    """

    observer: Observer | None = None
    pool_name: str | None = None
    pooled = False
    lent_at: float | None = None
    observed_since: float | None = None

    # What calls back for cursors and handlers, if a program has some; see `rethinkdb.push`.
    _runner: Any = None

    def __init__(self, protocol: ClientProtocol, host: str, port: int) -> None:
        self._protocol = protocol
        self.host = host
        self.port = port
        self.incoming = protocol.incoming
        self.output = protocol.output
        self.outflow = Outflow(protocol.output)
        self._events: deque[Any] = protocol.events
        self._exchanges: dict[int, Exchange] = {}
        self._last_token = 0
        self._was_open = False
        self._closing: Waiter[None] | None = None  # the wait for noreply queries, before closing
        self._finished = False
        self._end_told = False
        self._interrupted: FrameReceived | None = None
        self._interrupts = 0
        # Lists, as an empty deque takes 760 bytes, and 10,000 connections may be idle.
        self._close_waiters: list[Waiter[None]] = []
        self._pending: list[Waiter[Any] | Stream] = []
        self.opened: Waiter[None] = Waiter(lambda _: self._end(None))
        self.closed: Waiter[None] = Waiter()
        self.cause: BaseException | None = None
        self.close_requested = False

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the server, split anywhere.

        It raises no errors for what the server sends: bytes that break the protocol end the
        session. If a signal handler raises an error meanwhile (KeyboardInterrupt), this error is
        raised when everything else is done. If it comes at the very start or end,
        `receive_data(b"")` does what is left.
        """
        self.incoming += (data,)
        try:
            self._advance()
            return
        except BaseException as exc:
            error = exc
        self._drain(error)  # not above: what it raises does not come of this error

    def proceed(self) -> None:
        """Handle the bytes in `incoming`, and finish what an interrupt has left undone.

        If a signal handler raises an error meanwhile, it is raised at once. Another call continues.
        Another thread may better make that call, as the handler may be called again.
        """
        try:
            self._advance()
        except BaseException as exc:
            self._failed(exc)

    def _failed(self, exc: BaseException) -> None:
        """Handle an error that came in `_advance`: an interrupt is raised again."""
        self._undisturbed = False
        if _is_fault(exc) and not self.close_requested:
            # An error in the driver. End the session, so that nobody waits for ever.
            self._violated("The driver could not handle what the server sent.", exc)
            return
        self._count_interrupt(exc)
        raise exc

    def prepare(self) -> None:
        """Does nothing: the bytes to send are in `output` already. TLS does something here."""

    def receive_eof(self, exc: Exception | None = None) -> None:
        """Take the end of the connection, with its error if there is one. Only the first counts."""
        self._drain()
        self._protocol.receive_eof(exc)
        self._drain()

    def _drain(self, error: BaseException | None = None) -> None:
        """Handle all that has arrived.

        An exception of a signal handler (Ctrl-C) or of a callback is raised afterwards: the other
        callers must get their replies all the same.

        Args:
            error: what has ended `_advance` just now.
        """
        interrupt: BaseException | None = None
        done, faults = False, 0
        while not done:
            failed, error = error, None
            try:
                if failed is not None:
                    self._failed(failed)
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
        events, protocol = self._events, self._protocol
        if self._settled_last is not None:
            self._finish_last(self._settled_last)
        readable = self._undisturbed and protocol.state is _OPEN and not protocol.logs_frames
        if readable and self._read_quickly():
            return
        if self.incoming or protocol.uncut or protocol.state is not _OPEN:
            protocol.process()
        while not self.close_requested:
            if not events:
                break
            event = events[0]
            if type(event) is FrameReceived:
                self._frame_received(event)
            else:
                self._handle(event)
        if self._closing is not None and self._closing.done():
            self.close_requested = True
        if self.close_requested:
            self._finish()
        self._undisturbed = True

    def _count_interrupt(self, exc: BaseException) -> None:
        """Count how often decoding one reply was interrupted; after too many times, fail the query.

        Normally decoding is tried again. But the program's own decoder may be what raises.
        """
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
        """Handle the first event, if it is no frame. This may add further events."""
        kind = type(event)
        if kind is tuple:
            self._deliver(event)
        elif kind is ConnectionLost:
            self._end(event.cause)
        else:  # HandshakeCompleted
            self._opened(event)

    def _opened(self, event: object) -> None:
        tell_opened(self)
        self._was_open = True
        self.opened.set_result(None)
        self._done_with(event)

    def _done_with(self, event: object) -> None:
        # A callback may have called `receive_data`, which then has removed it already.
        if self._events and self._events[0] is event:
            self._events.popleft()

    def _frame_received(self, frame: FrameReceived) -> None:
        """Handle the first event, a frame. This may add further events, and end the session."""
        token, payload = frame
        exchange = self._exchanges.get(token)
        if exchange is None or not exchange.owed:
            self._unexpected(frame)
            return
        receiver = exchange.receiver
        outcome = None if exchange.dropped else exchange.decoded(payload)
        self._hand_over(frame, exchange, receiver, outcome)

    def _hand_over(
        self,
        frame: FrameReceived,
        exchange: Exchange,
        receiver: Waiter[Any] | Stream,
        outcome: Response | Exception | None,
    ) -> None:
        """Replace the first event, a frame, by its content, and deliver that."""
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
        elif self._events and self._events[0] is frame:  # otherwise it was handled just now
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
        if response.type == _VALUE_REPLY[query.type]:
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
        """The values in a reply could not be decoded: fail this query, and no other.

        The reply would also say whether the query goes on. As that is unknown, stop the query.
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
        exchange.receiver = NOBODY  # as `exchange.release()`, with a call less
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
        """Fail everything that is pending. It can be called again if an interrupt has ended it."""
        if self._finished:
            return
        exchanges = self._exchanges.values()
        receivers = [exchange.receiver for exchange in exchanges]
        # Also those whose last reply has arrived: it is not delivered any more.
        for event in tuple(self._events):
            if type(event) is tuple:
                receivers += [who for who in (event[1], event[4]) if who is not None]
        receivers += self.outflow.waiting
        self._pending += receivers
        self._exchanges = {}
        self.outflow.waiting.clear()
        self._events.clear()
        self._protocol.close()
        for exchange in exchanges:
            exchange.release()
        for receiver in self._pending:
            if isinstance(receiver, Stream) and not receiver.finished:
                receiver.end(self._lost(ReqlCursorLostError, receiver.query.term, []))
        if self._was_open and not self._end_told:
            self._end_told = True
            tell_ended(self)
        # Settle last: callbacks must find everything done.
        if not self.opened.done():
            self.opened.set_exception(self._not_opened())
        self._settle_all(self._pending, self._fail)
        self._settle_all(self._close_waiters, lambda waiter: waiter.set_result(None))
        self.closed.set_result(None)
        self._finished = True

    def _settle_all(self, receivers: list[R], settle: Callable[[R], None]) -> None:
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
        """What ended the session, even if the event was not handled yet."""
        if self.cause is None and self._events and type(self._events[-1]) is ConnectionLost:
            return self._events[-1].cause
        return self.cause

    def _not_opened(self) -> BaseException:
        cause = self.cause
        if cause is None:
            return ReqlDriverError(CLOSED)
        if isinstance(cause, ReqlDriverError):
            return cause
        # A TLS port may close the connection when it gets plain text.
        reason = str(cause).rstrip(".") or type(cause).__name__
        text = (
            f"{CLOSED} The handshake was not complete: {reason}. "
            "Is this the driver port, and does it expect TLS?"
        )
        return chained(ReqlDriverError(refusal(self.host, self.port, text)), cause)


def _is_fault(error: BaseException) -> bool:
    """Whether an error is an unexpected one of the driver's own code."""
    return isinstance(error, Exception) and not raised_by_handler(error)


def chained(error: E, cause: BaseException | None) -> E:
    """Set an error's cause; returns the error."""
    error.__cause__ = cause
    return error
