"""The quick way of most replies: a query's value and nothing else, or a batch of a stream.

The general way of a reply, in `reception`, makes a frame of it, then a `Response`, then a delivery.
So any reply is found again after an interrupt, whatever it holds. Here a reply is looked at where
it was received. If it is one of the usual ones, one step takes it out of the reader, ends its
exchange and settles its waiter. Otherwise nothing has changed, and it goes the general way.

Both ways lead to the same. A get takes some 15 % fewer instructions by this one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from rethinkdb.codec import PSEUDO_TYPE_SIGN, MalformedResponse, loads_quickly, response_of
from rethinkdb.ql2 import ResponseType

from .exchange import CONTINUE, NOBODY, Exchange
from .frames import HEADER_SIZE, NOTHING, frame_header, header_at
from .observing import ObservedWaiter
from .protocol import State
from .signals import raised_by_handler
from .stream import Stream
from .waiter import PENDING, RESULT, Waiter

if TYPE_CHECKING:
    from .client import ClientProtocol

__all__ = ["QuickReading"]

# A constant, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_OPEN = State.OPEN
# Python has one object for each small integer, which orjson gives, too. If there were several, the
# general way would give the same.
_ATOM = int(ResponseType.SUCCESS_ATOM)
_PARTIAL = ResponseType.SUCCESS_PARTIAL


class QuickReading:
    """The part of `Reception` that reads the usual replies."""

    # The waiter that the last step has settled: an interrupt may come before its callbacks run.
    _settled_last: Waiter[Any] | None = None

    # Whether to read this way. Not after an interrupt: the general way counts them.
    _undisturbed = True

    if TYPE_CHECKING:
        _protocol: ClientProtocol
        _exchanges: dict[int, Exchange]
        _events: deque[Any]
        _closing: Waiter[None] | None
        incoming: deque[bytes]
        output: bytearray
        close_requested: bool

    def receive_usual(self, data: bytes) -> bool:
        """Take bytes from the server, and handle the replies that are usual ones.

        It calls no code of the program: no listener, no decoder, no converter. So an adapter may
        call it where nothing may wait.

        Returns:
            False if there is more to handle: then call `receive_data(b"")`.
        """
        protocol = self._protocol
        self.incoming += (data,)
        undisturbed = self._undisturbed and self._settled_last is None
        if not undisturbed or protocol.state is not _OPEN or protocol.logs_frames:
            return False
        try:
            return self._read_quickly()
        except BaseException as exc:
            self._undisturbed = False
            if not isinstance(exc, Exception) or raised_by_handler(exc):
                raise
            return False  # the general way will say what is wrong

    def _read_quickly(self) -> bool:
        """Take the first chunk, and handle its replies as long as they are usual ones.

        It is one long function, as each part in a function of its own would be one more call for
        every reply: this way exists to save calls. What a stream gets is apart, as a batch has many
        items.

        Returns:
            Whether nothing at all is left to do.
        """
        protocol, events, incoming = self._protocol, self._events, self.incoming
        reader, exchanges = protocol.frames, self._exchanges
        protocol.uncut = True
        state = reader.state
        if incoming:
            protocol.heard = True
            if state is NOTHING:  # as in most cases; what `feed_from` does is one step here
                reader.state = incoming[0], 0, state[2], 0, 0
                del incoming[0]
            else:
                reader.feed_from(incoming)
        while not (events or self.close_requested):
            # Find the frame, its exchange and its JSON. `break` leaves the rest to the general way.
            state = data, position, pieces, _, _ = reader.state
            start, size = position + HEADER_SIZE, len(data)
            if pieces or start > size:
                break
            token, length = header_at(data, position)
            end, exchange = start + length, exchanges.get(token)
            if end > size or length > reader.limit or exchange is None or not exchange.plain:
                break
            receiver, payload = exchange.receiver, data[start:end]
            if PSEUDO_TYPE_SIGN in payload:
                break
            try:
                reply = loads_quickly(payload)
            except ValueError as exc:
                if raised_by_handler(exc):
                    raise
                break
            after = NOTHING if end == size else (data, end, pieces, 0, 0)
            if type(receiver) is not Waiter:
                if type(receiver) is ObservedWaiter:
                    if not self._value_told(state, after, exchange, receiver, reply, length):
                        break
                elif type(receiver) is not Stream or not exchange.owed:
                    break
                elif receiver.notes and self._change_read(state, after, exchange, receiver, reply):
                    pass
                elif not self._batch_read(state, after, exchange, receiver, reply, payload):
                    break
                if after is NOTHING:
                    break
                continue
            # Only a value, without notes, profile or error. `is` tells 1 from True and from 1.0.
            try:
                kind, results = reply["t"], reply["r"]
                value = results[0]
            except (LookupError, TypeError):
                break
            if kind is not _ATOM or len(reply) != 2 or type(results) is not list:
                break
            # The step (see `steps`), unless a signal handler has done it meanwhile.
            if reader.state is state and exchange.receiver is receiver:
                reader.state = after
                exchange.owed -= 1
                exchange.receiver = NOBODY
                del exchanges[token]
                self._settled_last = receiver
                if receiver._state == PENDING:
                    receiver._outcome, receiver._state = value, RESULT
                    receiver._on_abandon = None
                if receiver.future is not None:
                    receiver._wake()
                if receiver._callbacks:
                    receiver._run()
                if self._settled_last is receiver:
                    self._settled_last = None
                if after is NOTHING:
                    break
        if reader.state is not NOTHING or incoming:
            return False
        protocol.uncut = False
        return not (events or self.close_requested) and self._closing is None

    def _value_told(
        self,
        state: Any,
        after: Any,
        exchange: Exchange,
        waiter: ObservedWaiter,
        reply: Any,
        size: int,
    ) -> bool:
        """Settle the waiter of a query that is observed. Its observation hears of it first.

        Returns:
            False if the reply is not only a value. Then nothing has changed.
        """
        try:
            kind, results = reply["t"], reply["r"]
            value = results[0]
        except (LookupError, TypeError):
            return False
        if kind is not _ATOM or len(reply) != 2 or type(results) is not list:
            return False
        reader = self._protocol.frames
        if reader.state is state and exchange.receiver is waiter:
            reader.state = after
            exchange.owed -= 1
            exchange.receiver = NOBODY
            del self._exchanges[exchange.token]
            observation, waiter.observation = waiter.observation, None
            self._settled_last = waiter
            if waiter._state == PENDING:
                waiter._outcome = value
            if observation is not None:
                observation.valued(value, size)
            if waiter._state == PENDING:
                waiter._state = RESULT
                waiter._on_abandon = None
            if waiter.future is not None:
                waiter._wake()
            if waiter._callbacks:
                waiter._run()
            if self._settled_last is waiter:
                self._settled_last = None
        return True

    def _change_read(
        self, state: Any, after: Any, exchange: Exchange, stream: Stream, reply: Any
    ) -> bool:
        """Hand over what a changefeed sends, and ask for more, in one step.

        It is for feeds whose rows are taken as they come, by one caller or directly: so most
        changes are alone in their message. It does what `Stream.batch_received` does and what that
        calls; without these calls a change takes an eighth less.

        Returns:
            False if there is more to do, or if a signal handler has done it. Then nothing has
            changed here.
        """
        try:
            kind, rows, notes = reply["t"], reply["r"], reply["n"]
        except (LookupError, TypeError):
            return False
        if kind != _PARTIAL or type(kind) is not int or type(rows) is not list or not rows:
            return False
        if notes != [*stream.notes] or len(reply) != 3:
            return False
        for note in notes:
            if type(note) is not int:  # 1.0 and True are equal to 1
                return False
        if stream.buffer or stream.held:
            return False
        passes, front = exchange.query.passes, stream.front
        line = stream if front is None else front  # those who wait stand there
        waiting, waiter, value, rest = line._requests[:], NOBODY, True, rows
        if waiting:
            waiter, taken, _ = waiting[0]
            if taken is not None:  # otherwise it only wants to know whether there is a row
                value, rest = rows[0], rows[1:]
            shared = front is not None and front.shared
            if taken or waiting[1:] or waiter._state != PENDING or shared:
                return False
        if passes is not None and not passes(rows):
            return False
        received = stream.received + len(rows)
        reader, buffer, output = self._protocol.frames, stream.buffer, self.output
        frame = frame_header(exchange.token, len(CONTINUE)) + CONTINUE
        if (
            reader.state is state
            and exchange.receiver is stream
            and exchange.owed == 1
            and line._requests == waiting
            and stream.front is front
            and (front is not None or stream.follower is None)
            and stream.buffer is buffer
            and not buffer
            and not stream.held
        ):
            reader.state = after
            output += frame
            stream.received = received
            buffer += rest
            if waiting:  # last, as 3.10 may call a handler where this jumps
                del line._requests[0]
                waiter._outcome, waiter._state = value, RESULT
                waiter._on_abandon = None
                self._settled_last = waiter
                if waiter.future is not None:
                    waiter._wake()
                if waiter._callbacks:
                    waiter._run()
                if self._settled_last is waiter:
                    self._settled_last = None
            if front is not None:
                front.heard()
            return True
        return False

    def _batch_read(
        self,
        state: Any,
        after: Any,
        exchange: Exchange,
        stream: Stream,
        reply: Any,
        payload: bytes,
    ) -> bool:
        """Hand a batch over, in one step.

        Returns:
            False if the reply is no batch, the last one, or is to be edited. Then nothing has
            changed.
        """
        try:
            response = response_of(reply, payload)
        except MalformedResponse:
            return False
        passes = exchange.query.passes
        if response.type is not _PARTIAL or (passes and not passes(response.results)):
            return False
        items = iter(response.results)
        delivery = exchange, stream, response, items, None
        reader, events = self._protocol.frames, self._events
        if reader.state is state and exchange.receiver is stream:
            reader.state = after
            exchange.owed -= 1
            events += (delivery,)
            stream.batch_received(response, items, complete=False)
            if events and events[0] is delivery:
                del events[0]
        return True

    def _finish_last(self, waiter: Waiter[Any]) -> None:
        """Do for the waiter what an interrupt has kept from being done: its callbacks, mostly."""
        waiter.set_result(waiter._outcome)
        if self._settled_last is waiter:
            self._settled_last = None
