"""The connection of one client: moves bytes to `net.ServerProtocol`, frames to `queries`, and back.

The data that the server keeps for a client is limited in both directions. If a client sends too
much, or does not read its answers, the server stops reading from it until it has caught up.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rethinkdb.embedded import limits
from rethinkdb.embedded.serving.lanes import Job, Lane
from rethinkdb.embedded.serving.outbox import Outbox
from rethinkdb.embedded.serving.queries import Conversation
from rethinkdb.embedded.serving.secure import PlainChannel, SecureChannel
from rethinkdb.embedded.serving.taps import Tap, Tapper
from rethinkdb.net.events import ConnectionLost, FrameReceived, HandshakeCompleted

if TYPE_CHECKING:
    from rethinkdb.embedded.serving.listener import Listener

logger = logging.getLogger("rethinkdb.embedded")

_READ_SIZE = 256 * 1024
_LEFT_READS = 16
_NO_LINGER = struct.pack("ii", 1, 0)


class Peer:
    """One client's connection.

    Args:
        listener: the listener that has accepted it.
        connection: its non-blocking socket.
        address: host and port of the client.
    """

    def __init__(
        self, listener: Listener, connection: socket.socket, address: tuple[str, int]
    ) -> None:
        self.socket = connection
        self._address = address
        self._listener = listener
        self._lane = Lane()
        self._lock = threading.RLock()
        self._protocol = listener.make_protocol()
        context = listener.context
        self._channel = PlainChannel() if context is None else SecureChannel(context)
        self._conversation: Conversation | None = None
        self._outbox = Outbox()
        self._blocked = False
        """Whether the socket has not accepted all bytes, so that the leader waits for it."""
        self._choked = False
        """Whether too many bytes are unsent, so that the client's queries wait."""
        self._backlog: deque[FrameReceived] = deque()
        self._parsing = False
        """Whether another thread parses a long query. The frames after it are in the backlog."""
        self._interest = selectors.EVENT_READ
        self._closed = False
        self._gatherer: int | None = None
        """The thread whose frames are being gathered, and their bytes so far."""
        self._gathered = 0
        self._tap: Tap | None = None
        self._held = False
        """Whether the tap wants that nothing is read from the client."""
        listener.selector.register(connection, self._interest, self.ready)

    # -- called in the leading thread

    def attach(self, tapper: Tapper) -> None:
        """Puts a tap into the connection."""
        conversation = self._conversation
        tap = tapper.tap(self, () if conversation is None else conversation.pending())
        if tap is None:
            self.reset_on_close()
            self.hang_up()
            return
        self._tap = tap
        self._held = conversation is None and tap.holds
        self.settle()

    def ready(self, events: int) -> None:
        """Handles a socket that can be read or written. An error here ends only this client."""
        if self._listener.frozen:  # since the events were found
            return
        try:
            if events & selectors.EVENT_WRITE:
                self._flush()
            if events & selectors.EVENT_READ:
                self._read()
            self.settle()
        except Exception:
            logger.exception("bug of the embedded server: it hangs up on %s", self._address)
            self.hang_up()

    def _read(self) -> None:
        try:
            data = self.socket.recv(_READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._lost(exc)
            return
        if not data:
            self._lost(None)
            return
        with self._lock:
            try:
                plain = self._channel.decrypt(data)
            except ssl.SSLError as exc:
                self._write(self._channel.encrypt(b""))  # the alert that says why
                logger.warning("TLS handshake with a client failed: %s", exc)
                self._lost(exc)
                return
            self._protocol.receive_data(plain)
            events = self._protocol.events_received()
        for event in events:
            self._take(event)
        self._flush()
        self._catch_up()

    def _take(self, event: HandshakeCompleted | FrameReceived | ConnectionLost) -> None:
        if isinstance(event, HandshakeCompleted):
            self._listener.strangers.pop(self, None)
            self._conversation = self._listener.make_conversation(
                event.user,
                self._address,
                send=self.send,
                submit=self._submit,
                submit_later=self._listener.workers.submit_later,
                has_room=lambda: self._in_lead(self._catch_up),
                choked=lambda: self._choked,
                together=self._together,
                one_by_one=self._protocol.one_by_one,
            )
        elif isinstance(event, FrameReceived):
            if self._tap is not None:
                self._tap.query(event.token, event.payload)
                return
            self._backlog.append(event)
        elif self._conversation is not None:
            self._catch_up()
            self._conversation.close()

    def _submit(self, job: Job) -> None:
        self._listener.workers.submit(job, self._lane)

    def _in_lead(self, chore: Job) -> None:
        def guarded() -> None:
            try:
                chore()
            except Exception:
                logger.exception("bug of the embedded server: it hangs up on %s", self._address)
                self.hang_up()

        self._listener.in_lead(guarded)

    def _catch_up(self) -> None:
        conversation = self._conversation
        if conversation is None or self._listener.frozen:
            return
        while self._backlog and not self._parsing and not conversation.full:
            frame = self._backlog.popleft()
            if len(frame.payload) < limits.LONG_QUERY:
                conversation.receive(frame.token, frame.payload)
            else:
                self._parse_elsewhere(conversation, frame)
        self.settle()

    def _parse_elsewhere(self, conversation: Conversation, frame: FrameReceived) -> None:
        self._parsing = True

        def parsed() -> None:
            self._parsing = False
            self._catch_up()

        def parse() -> None:
            try:
                conversation.receive(frame.token, frame.payload)
            except Exception:
                self._in_lead(self.hang_up)
                raise
            self._in_lead(parsed)

        self._submit(parse)

    def settle(self) -> None:
        """Updates the events to wait for, or closes a connection that has nothing left to send."""
        if self._closed:
            return
        with self._lock:  # a thread that is just writing knows better what is unsent
            unsent = bool(self._outbox.size or self._protocol.output)
        if self._protocol.close_requested and not unsent:
            self.hang_up()
            return
        interest = selectors.EVENT_WRITE if unsent else 0
        if not self._backlog and not self._parsing and not self._choked:
            interest |= selectors.EVENT_READ
        if self._listener.frozen or self._held:
            interest = 0
        if interest != self._interest:
            self._change_interest(interest)

    def _change_interest(self, interest: int) -> None:
        selector = self._listener.selector
        if not interest:
            selector.unregister(self.socket)
        elif not self._interest:
            selector.register(self.socket, interest, self.ready)
        else:
            selector.modify(self.socket, interest, self.ready)
        self._interest = interest

    def _lost(self, cause: Exception | None) -> None:
        with self._lock:
            self._protocol.receive_eof(cause)
        self.hang_up()

    def go_on(self) -> None:
        """Continues after the listener was frozen."""
        self._flush()
        self._catch_up()
        self.settle()

    def reset_on_close(self) -> None:
        """Makes the connection end with a reset, which drops unsent bytes."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

    def hang_up(self) -> None:
        """Closes the connection and interrupts its queries."""
        if self._closed:
            return
        self._closed = True
        if self._interest:
            self._change_interest(0)
        self._listener.forget(self)
        if self._tap is not None:
            self._tap.closed()
        with self._lock:
            self._protocol.close()
            self._take_what_is_left()
            self.socket.close()
        if self._conversation is not None:
            self._conversation.close()

    def _take_what_is_left(self) -> None:
        # If unread bytes are left, the system resets the connection. The client may then miss the
        # last answer, which may say why the connection is closed.
        try:
            for _ in range(_LEFT_READS):
                if not self.socket.recv(_READ_SIZE):
                    return
        except OSError:
            return

    # -- called in any thread

    def send(self, token: int, payload: bytes) -> None:
        """Sends a reply, through the tap if there is one."""
        if self._tap is None:
            self.to_client(token, payload)
        else:
            self._tap.reply(token, payload)

    def to_client(self, token: int, payload: bytes) -> None:
        """Sends a frame. What the socket does not accept now is sent later."""
        with self._lock:
            self._protocol.send_frame(token, payload)
            if self._gatherer == threading.get_ident():
                self._gathered += len(payload)
                if self._gathered < _READ_SIZE:
                    return
                self._gathered = 0
        self._flush()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Has the frames that this thread sends leave at the end, with one call of the system.

        One thread at a time does so, and none with a tap: that wants each reply on its way.
        """
        with self._lock:
            gathers = self._gatherer is None and self._tap is None
            if gathers:
                self._gatherer, self._gathered = threading.get_ident(), 0
        try:
            yield
        finally:
            if gathers:
                with self._lock:
                    self._gatherer = None
                self._flush()

    def to_server(self, token: int, payload: bytes) -> None:
        """See `Outlet`."""

        def take() -> None:
            self._backlog.append(FrameReceived(token, payload))
            self._catch_up()

        self._in_lead(take)

    def reset(self) -> None:
        """See `Outlet`."""
        self.reset_on_close()
        self._in_lead(self.hang_up)

    def release(self) -> None:
        """See `Outlet`."""

        def go_on() -> None:
            self._held = False
            self.settle()

        self._in_lead(go_on)

    def later(self, seconds: float, job: Job) -> None:
        """See `Outlet`."""
        self._listener.workers.submit_later(seconds, job)

    def _flush(self) -> None:
        with self._lock:
            if self._closed or self._listener.frozen:
                return
            was_blocked, was_choked = self._blocked, self._choked
            self._write(self._channel.encrypt(self._protocol.data_to_send()))
            self._blocked = bool(self._outbox.size)
            most = limits.MOST_UNSENT // 2 if was_choked else limits.MOST_UNSENT
            self._choked = self._outbox.size > most
            freed = was_choked and not self._choked
            settled = self._blocked == was_blocked and self._choked == was_choked
            if settled and not self._protocol.close_requested:
                return
        if freed and self._conversation is not None:
            self._conversation.go_on()
        self._in_lead(self.settle)

    def _write(self, data: bytes) -> None:
        self._outbox.add(data)
        try:
            self._outbox.send_to(self.socket)
        except OSError:
            return  # gone: reading will tell
