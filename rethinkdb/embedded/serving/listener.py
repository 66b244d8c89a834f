"""The server's sockets: bytes to `net.ServerProtocol`, its frames to `queries`, and back."""

from __future__ import annotations

import logging
import os
import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable

from rethinkdb.embedded.serving.queries import Conversation
from rethinkdb.embedded.serving.secure import PlainChannel, SecureChannel
from rethinkdb.embedded.serving.workers import Job, Workers
from rethinkdb.net.events import ConnectionLost, FrameReceived, HandshakeCompleted
from rethinkdb.net.server import ServerProtocol

logger = logging.getLogger("rethinkdb.embedded")

_READ_SIZE = 256 * 1024


class Listener:
    """Accepts clients and serves them until it is stopped.

    Args:
        host: the address to listen on.
        port: likewise; 0 picks a free one.
        make_protocol: makes the protocol of a new connection.
        make_conversation: makes the queries of a connection, once its user is known.
        context: for TLS; None for plain connections.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self,
        host: str,
        port: int,
        make_protocol: Callable[[], ServerProtocol],
        make_conversation: Callable[..., Conversation],
        context: ssl.SSLContext | None,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.make_protocol = make_protocol
        self.make_conversation = make_conversation
        self.context = context
        self.peers: set[Peer] = set()
        self._pid = os.getpid()
        self._chores: deque[Job] = deque()
        self._wake_sender, self._wake_receiver = socket.socketpair()
        self._wake_sender.setblocking(False)
        self._wake_receiver.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self._socket, selectors.EVENT_READ, self._accept)
        self.selector.register(self._wake_receiver, selectors.EVENT_READ, self._woken)
        self.workers = Workers(f"rethinkdb-{self.port}", self._poll, self._wake)

    def start(self) -> None:
        """Serves from now on."""
        self.workers.start()

    def stop(self) -> None:
        """Hangs up on everybody; returns when no thread and no socket is left."""
        if os.getpid() != self._pid:
            # A forked child: the threads, and the clients, are the parent's.
            self._close_sockets()
            return
        stopped = threading.Event()
        self.in_lead(lambda: self._hang_up(stopped))
        stopped.wait(10)
        self.workers.stop()
        self._close_sockets()

    def in_lead(self, chore: Job) -> None:
        """Has something done by the thread that waits for the sockets.

        Only that one changes what it waits for.
        """
        self._chores.append(chore)
        self._wake()

    def _hang_up(self, stopped: threading.Event) -> None:
        for peer in list(self.peers):
            peer.hang_up()
        stopped.set()

    def _close_sockets(self) -> None:
        for closable in (self.selector, self._socket, self._wake_sender, self._wake_receiver):
            closable.close()
        for peer in list(self.peers):
            peer.socket.close()

    def _poll(self, seconds: float | None) -> None:
        for key, events in self.selector.select(seconds):
            key.data(events)

    def _wake(self) -> None:
        try:
            self._wake_sender.send(b"\0")
        except (BlockingIOError, OSError):
            return  # it will wake up anyway, or never more

    def _woken(self, events: int) -> None:
        self._wake_receiver.recv(4096)
        while self._chores:
            self._chores.popleft()()

    def _accept(self, events: int) -> None:
        try:
            connection, address = self._socket.accept()
        except OSError:  # the client has already gone, or no descriptor is left: either way, go on
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Peer(self, connection, address[:2])


class Peer:
    """One client's connection."""

    def __init__(
        self, listener: Listener, connection: socket.socket, address: tuple[str, int]
    ) -> None:
        self.socket = connection
        self._address = address
        self._listener = listener
        self._lock = threading.RLock()
        self._protocol = listener.make_protocol()
        context = listener.context
        self._channel = PlainChannel() if context is None else SecureChannel(context)
        self._conversation: Conversation | None = None
        self._unsent = bytearray()
        self._backlog: deque[FrameReceived] = deque()
        self._interest = selectors.EVENT_READ
        self._closed = False
        listener.peers.add(self)
        listener.selector.register(connection, self._interest, self._ready)

    # -- in the lead

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ:
            self._read()
        self._settle()

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

    def _take(self, event: HandshakeCompleted | FrameReceived | ConnectionLost) -> None:
        if isinstance(event, HandshakeCompleted):
            self._conversation = self._listener.make_conversation(
                event.user,
                self._address,
                send=self.send,
                submit=self._listener.workers.submit,
                submit_later=self._listener.workers.submit_later,
                has_room=lambda: self._listener.in_lead(self._catch_up),
            )
        elif isinstance(event, FrameReceived):
            self._backlog.append(event)
            self._catch_up()
        elif self._conversation is not None:
            self._conversation.close()

    def _catch_up(self) -> None:
        conversation = self._conversation
        while conversation is not None and self._backlog and not conversation.full:
            frame = self._backlog.popleft()
            conversation.receive(frame.token, frame.payload)
        self._settle()

    def _settle(self) -> None:
        """Waits for what is of interest now; closes what has nothing left to say."""
        if self._closed:
            return
        with self._lock:  # a thread that is just writing knows better what is unsent
            unsent = bool(self._unsent)
        if self._protocol.close_requested and not unsent:
            self.hang_up()
            return
        interest = selectors.EVENT_WRITE if unsent else 0
        if not self._backlog:
            interest |= selectors.EVENT_READ
        if interest != self._interest:
            self._change_interest(interest)

    def _change_interest(self, interest: int) -> None:
        selector = self._listener.selector
        if not interest:
            selector.unregister(self.socket)
        elif not self._interest:
            selector.register(self.socket, interest, self._ready)
        else:
            selector.modify(self.socket, interest, self._ready)
        self._interest = interest

    def _lost(self, cause: Exception | None) -> None:
        with self._lock:
            self._protocol.receive_eof(cause)
        self.hang_up()

    def hang_up(self) -> None:
        """Closes the connection and interrupts its queries."""
        if self._closed:
            return
        self._closed = True
        if self._interest:
            self._change_interest(0)
        self._listener.peers.discard(self)
        if self._conversation is not None:
            self._conversation.close()
        with self._lock:
            self._protocol.close()
            self.socket.close()

    # -- in any thread

    def send(self, token: int, payload: bytes) -> None:
        """Sends a frame, at once as far as the socket takes it."""
        with self._lock:
            self._protocol.send_frame(token, payload)
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            if self._closed:
                return
            blocked = bool(self._unsent)
            self._write(self._channel.encrypt(self._protocol.data_to_send()))
            if bool(self._unsent) == blocked and not self._protocol.close_requested:
                return
        self._listener.in_lead(self._settle)

    def _write(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            data = bytes(self._unsent)
            self._unsent.clear()
        if not data:
            return
        try:
            sent = self.socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            return  # gone: reading will tell
        self._unsent += data[sent:]
