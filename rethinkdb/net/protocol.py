"""Bytes in, events and bytes out: what client and server have in common.

    bytes --receive_data()--> Protocol --events_received()--> Event
    bytes <--data_to_send()-- Protocol <--send_frame()------- token, body

A protocol owns no socket, clock or loop, and receiving never raises: bytes that break the rules end
the connection with a `ConnectionLost` event, and `close_requested`. Should a signal handler raise
meanwhile, `receive_data(b"")` goes on where that came. It goes through these states:

    CONNECTING --handshake done--> OPEN --close() or bad bytes--> CLOSING --receive_eof()--> CLOSED

and from each of the first three directly to CLOSED when the transport ends.
"""

from __future__ import annotations

import enum
import logging
from abc import ABC, abstractmethod
from collections import deque
from itertools import islice

from .events import ConnectionLost, Event, FrameReceived
from .frames import FrameReader, FrameTooLarge, frame_header
from .handshake import LINE_LIMIT, Handshake
from .signals import raised_by_handler
from .violations import LocalProtocolError

__all__ = ["Protocol", "State"]

logger = logging.getLogger("rethinkdb.net")
wire = logging.getLogger("rethinkdb.wire")

_LOGGED_BYTES = 200
_LONG = 65536


class State(enum.Enum):
    """Where a connection is in its life."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    CLOSED = enum.auto()


# As constants, because Python 3.10 and 3.11 take 0.1 µs to find a member in its enum.
_CONNECTING, _OPEN, _CLOSING = State.CONNECTING, State.OPEN, State.CLOSING
_LIVE = (_CONNECTING, _OPEN)


class Protocol(ABC):
    """Base of `ClientProtocol` and `ServerProtocol`.

    Args:
        handshake: see `rethinkdb.net.handshake`.
        frame_limit: the longest frame body to accept, in bytes.

    Attributes:
        state: see the module.
        close_requested: send what `data_to_send()` returns, then close the transport.
        incoming: what has been received and was not looked at yet. `receive_data()` adds to it.
        events: what has happened, in order, and was not looked at yet: for those who take it one by
            one, others call `events_received()`.
        output: the pieces of what is to be sent: for those who add to it in one step with something
            else. Others call `send_frame()` and `data_to_send()`.
        log_values: whether the contents of frames may stand in logs.
        heard: something has arrived. It is for whoever sets it back, in order to see it set again.
    """

    def __init__(self, handshake: Handshake, frame_limit: int) -> None:
        self.state = State.CONNECTING
        self.close_requested = False
        self._handshake = handshake
        self.incoming: deque[bytes] = deque()
        self._lines = bytearray()
        self._frames = FrameReader(frame_limit)
        self._uncut = False  # it may have frames that are not events yet
        self.events: deque[Event] = deque()
        self.output = bytearray(next(handshake))
        self.heard = False
        self.log_values = False
        # Asked once: `isEnabledFor` for each frame would cost more than reading the frame.
        self._debug = wire.isEnabledFor(logging.DEBUG)

    # The transport's side.

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, cut anywhere. Never raises; ignored once closing."""
        self.incoming += (data,)
        self.process()

    def process(self) -> None:
        """Look at what is `incoming`."""
        if self.state is _OPEN:
            self._receive_frames()
        elif self.state is _CONNECTING:
            self._lines += b"".join(self.incoming)
            self.incoming.clear()
            self._receive_lines()
        else:
            self.incoming.clear()

    def receive_eof(self, exc: Exception | None = None) -> None:
        """The transport has ended, with its error if it had one. A second call has no effect."""
        if self.state is State.CLOSED:
            return
        self._end(exc or self._unexpected_eof())
        self.state = State.CLOSED
        self.output.clear()

    @property
    def output_pending(self) -> bool:
        """Whether there is anything to do for a transport: bytes to send, or to close it."""
        return self.close_requested or bool(self.output)

    def data_to_send(self) -> bytes:
        """All bytes queued since the last call: as many frames as there are, for one write."""
        if not self.output:
            return b""
        data = bytes(self.output)
        self.output.clear()
        return data

    # The user's side.

    def events_received(self) -> list[Event]:
        """The events since the last call, in order. `ConnectionLost` comes once, and last."""
        events = list(self.events)
        self.events.clear()
        return events

    def send_frame(self, token: int, payload: bytes) -> None:
        """Queue a frame; dropped once closing, as nobody is there to read it.

        Raises:
            LocalProtocolError: the handshake is not complete.
        """
        first, second = self.framed(token, payload)
        self.output += first
        self.output += second

    def framed(self, token: int, payload: bytes) -> tuple[bytes, bytes]:
        """A frame in two pieces, to be added to `output` in one step; empty once closing.

        See `send_frame`. The second piece is a long payload, which is not copied once more.
        """
        if self.state is _OPEN:
            if self._debug:
                self._log_frame("sent", token, payload)
            header = frame_header(token, len(payload))
            return (header + payload, b"") if len(payload) < _LONG else (header, payload)
        if self.state is _CONNECTING:
            raise LocalProtocolError("no frame can be sent before the handshake is complete")
        return b"", b""

    def close(self) -> None:
        """End the connection from this side. What is queued will still be sent."""
        self._end(None)

    def fail(self, cause: Exception) -> None:
        """End the connection because of what the peer did."""
        self._end(cause)

    # Inside.

    def _end(self, cause: BaseException | None) -> None:
        event = ConnectionLost(cause)
        if self.state in _LIVE:
            self.state = _CLOSING
            self.close_requested = True
            self.events += (event,)

    def _receive_frames(self) -> None:
        frames, known = self._frames, len(self.events)
        try:
            while self.incoming or self._uncut:
                self._uncut = True
                self.heard = True
                frames.feed_from(self.incoming)
                # All in one call, so that no frame gets lost between the reader and the queue.
                self.events.extend(iter(frames.next_frame, None))
                self._uncut = False
        except FrameTooLarge as exc:
            self._frame_too_large(exc)
        if self._debug:
            self._log_frames(known)

    def _log_frames(self, known: int) -> None:
        for event in islice(self.events, known, None):
            if isinstance(event, FrameReceived):
                self._log_frame("received", event.token, event.payload)

    def _log_frame(self, way: str, token: int, payload: bytes) -> None:
        if self.log_values:
            wire.debug("%s %d: %.*r", way, token, _LOGGED_BYTES, payload)
        else:
            wire.debug("%s %d: %d bytes", way, token, len(payload))

    def _receive_lines(self) -> None:
        while self.state is _CONNECTING:
            end = self._line_end(self._lines)
            if end < 0:
                if len(self._lines) >= LINE_LIMIT:
                    self._line_too_long()
                return
            line = bytes(self._lines[:end])
            del self._lines[: end + 1]
            self._receive_line(line)

    def _receive_line(self, line: bytes) -> None:
        try:
            self._shake_hands(line)
        except BaseException as exc:
            if not isinstance(exc, Exception) or raised_by_handler(exc):
                self._end(exc)  # a handshake does not go on after an interrupt
                raise
            self._handshake_failed(exc)

    def _shake_hands(self, line: bytes) -> None:
        try:
            self.output += self._handshake.send(line)
        except StopIteration as done:
            data, event = done.value
            rest = bytes(self._lines)
            if self.state is _CONNECTING:
                self.state = _OPEN
                self.output += data
                self.events += (event,)
                self.incoming += (rest,)
                del self._lines[:]
            self._receive_frames()

    def _line_end(self, lines: bytearray) -> int:
        """Where the first line's terminator is; -1 if it has not arrived within the limit."""
        return lines.find(0, 0, LINE_LIMIT)

    def _unexpected_eof(self) -> EOFError:
        unread = len(self._lines) + len(self._frames.unread())
        if unread:
            return EOFError(
                f"The peer closed the connection in mid-message, {unread} bytes into it."
            )
        return EOFError("The peer closed the connection.")

    # What client and server do differently.

    @abstractmethod
    def _line_too_long(self) -> None:
        """The first line of `_lines` is longer than a handshake's may be."""

    def _handshake_failed(self, exc: Exception) -> None:
        self.fail(exc)

    def _frame_too_large(self, exc: FrameTooLarge) -> None:
        self.fail(exc)
