"""`Protocol`: bytes in, events and bytes out. The base of the client's and the server's side.

    bytes --receive_data()--> Protocol --events_received()--> Event
    bytes <--data_to_send()-- Protocol <--send_frame()------- token, body

A protocol has no socket, clock or loop. Receiving never raises errors: bytes that break the
protocol end the connection with a `ConnectionLost` event, and set `close_requested`. If a signal
handler raises an error meanwhile, `receive_data(b"")` continues. The states are

    CONNECTING --handshake done--> OPEN --close() or bad bytes--> CLOSING --receive_eof()--> CLOSED

When the socket is closed, each of the first three changes to CLOSED directly.
"""

from __future__ import annotations

import enum
import logging
from abc import ABC, abstractmethod
from collections import deque
from itertools import islice
from typing import cast

from .events import ConnectionLost, Event, FrameReceived
from .frames import FrameReader, FrameTooLarge, frame_header
from .handshake import LINE_LIMIT, Handshake
from .signals import raised_by_handler
from .violations import LocalProtocolError

__all__ = ["LONG", "Protocol", "State"]

logger = logging.getLogger("rethinkdb.net")
wire = logging.getLogger("rethinkdb.wire")

_LOGGED_BYTES = 200
#: A payload from this length on is not copied to stand behind its header.
LONG = 65536


class State(enum.Enum):
    """The state of a connection."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    CLOSED = enum.auto()


# Constants, as Python 3.10 and 3.11 take 0.1 µs to look up an enum member.
_CONNECTING, _OPEN, _CLOSING = State.CONNECTING, State.OPEN, State.CLOSING
_LIVE = (_CONNECTING, _OPEN)


# In place of a handshake that is over: nothing is sent to it any more.
_OVER = cast("Handshake", (number for number in b""))


class Protocol(ABC):
    """Base of `ClientProtocol` and `ServerProtocol`.

    Args:
        handshake: see `rethinkdb.net.handshake`.
        frame_limit: the longest frame body to accept, in bytes.

    Attributes:
        state: see the module's docstring.
        close_requested: send what `data_to_send()` returns, then close the socket.
        incoming: received bytes that were not read yet. `receive_data()` adds to it.
        frames: cuts what was received into frames.
        uncut: whether `frames` may have frames that are not in `events` yet.
        events: the events that were not handled yet, in order. The session takes them one by one;
            others call `events_received()`.
        output: the bytes to send. The session adds to it in steps of its own (see `steps`); others
            call `send_frame()` and `data_to_send()`.
        log_values: whether logs may contain the contents of frames.
        logs_frames: whether each frame is logged.
        heard: set when something has arrived. The keepalive resets it.
    """

    def __init__(self, handshake: Handshake, frame_limit: int) -> None:
        self.state = State.CONNECTING
        self.close_requested = False
        self._handshake = handshake
        self.incoming: deque[bytes] = deque()
        self._lines = bytearray()
        self.frames = FrameReader(frame_limit)
        self.uncut = False
        self.events: deque[Event] = deque()
        self.output = bytearray(next(handshake))
        self.heard = False
        self.log_values = False
        # Read once, as `isEnabledFor` would take longer for each frame than reading the frame.
        self.logs_frames = wire.isEnabledFor(logging.DEBUG)

    # For those who move the bytes.

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, split anywhere. Never raises; ignored while closing."""
        self.incoming += (data,)
        self.process()

    def process(self) -> None:
        """Read the bytes in `incoming`."""
        if self.state is _OPEN:
            self._receive_frames()
        elif self.state is _CONNECTING:
            incoming = self.incoming
            while True:
                if not incoming:
                    break
                # One by one: when a deque is cleared, it keeps its old block of 528 bytes.
                self._lines += incoming[0]
                del incoming[0]
            self._receive_lines()
        else:
            self.incoming.clear()

    def receive_eof(self, exc: Exception | None = None) -> None:
        """Take the end of the connection, with its error if there is one. Only the first counts."""
        if self.state is State.CLOSED:
            return
        self._end(exc or self._unexpected_eof())
        self.state = State.CLOSED
        self.output.clear()

    def data_to_send(self) -> bytes:
        """Take all bytes to send, for one write; may be empty."""
        if not self.output:
            return b""
        data = bytes(self.output)
        self.output.clear()
        return data

    # For those who handle events and send frames.

    def events_received(self) -> list[Event]:
        """Take the events since the last call, in order. `ConnectionLost` comes once, and last."""
        events = list(self.events)
        self.events.clear()
        return events

    def send_frame(self, token: int, payload: bytes) -> None:
        """Queue a frame. While closing it is dropped, as nobody would read it.

        Raises:
            LocalProtocolError: the handshake is not complete.
        """
        first, second = self.framed(token, payload)
        self.output += first
        self.output += second

    def framed(self, token: int, payload: bytes) -> tuple[bytes, bytes]:
        """A frame in two pieces, to be added to `output` in one step; empty while closing.

        See `send_frame`. The second piece is a long payload, so that it is not copied.
        """
        if self.state is _OPEN:
            if self.logs_frames:
                self._log_frame("sent", token, payload)
            header = frame_header(token, len(payload))
            return (header + payload, b"") if len(payload) < LONG else (header, payload)
        if self.state is _CONNECTING:
            raise LocalProtocolError("no frame can be sent before the handshake is complete")
        return b"", b""

    def close(self) -> None:
        """End the connection from this side. Queued bytes will still be sent."""
        self._end(None)

    def fail(self, cause: Exception) -> None:
        """End the connection because of an error of the peer."""
        self._end(cause)

    # Inside.

    def _end(self, cause: BaseException | None) -> None:
        event = ConnectionLost(cause)
        if self.state in _LIVE:
            self.state = _CLOSING
            self.close_requested = True
            self.events += (event,)

    def _receive_frames(self) -> None:
        frames, known = self.frames, len(self.events)
        try:
            while self.incoming or self.uncut:
                self.uncut = self.heard = True
                frames.feed_from(self.incoming)
                # One call for all, so that an interrupt loses no frame on its way.
                self.events.extend(iter(frames.next_frame, None))
                self.uncut = False
        except FrameTooLarge as exc:
            self._frame_too_large(exc)
        if self.logs_frames:
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
                self._end(exc)  # a handshake cannot continue after an interrupt
                raise
            self._handshake_failed(exc)

    def _shake_hands(self, line: bytes) -> None:
        try:
            self.output += self._handshake.send(line)
        except StopIteration as done:
            data, event = done.value
            rest, nothing = bytes(self._lines), bytearray()
            if self.state is _CONNECTING:
                self.state = _OPEN
                self.output += data
                self.events += (event,)
                self.incoming += (rest,)
                # Not cleared, but given up: 0.9 kB of a connection.
                self._lines, self._handshake = nothing, _OVER
            self._receive_frames()

    def _line_end(self, lines: bytearray) -> int:
        """The position of the zero byte that ends the first line; -1 if there is none."""
        return lines.find(0, 0, LINE_LIMIT)

    def _unexpected_eof(self) -> EOFError:
        unread = len(self._lines) + len(self.frames.unread())
        if unread:
            return EOFError(
                f"The peer closed the connection in mid-message, {unread} bytes into it."
            )
        return EOFError("The peer closed the connection.")

    # Client and server override these.

    @abstractmethod
    def _line_too_long(self) -> None:
        """Called when the first line of the handshake is too long."""

    def _handshake_failed(self, exc: Exception) -> None:
        self.fail(exc)

    def _frame_too_large(self, exc: FrameTooLarge) -> None:
        self.fail(exc)
