"""The sockets of the server: accepts clients, and watches all sockets for bytes and for room."""

from __future__ import annotations

import errno
import logging
import os
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from rethinkdb.embedded import limits
from rethinkdb.embedded.serving.lanes import Job
from rethinkdb.embedded.serving.peer import Peer
from rethinkdb.embedded.serving.queries import Conversation
from rethinkdb.embedded.serving.taps import Tapper
from rethinkdb.embedded.serving.workers import Workers
from rethinkdb.net.server import ServerProtocol

logger = logging.getLogger("rethinkdb.embedded")

_NOTHING_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener:
    """Accepts clients and serves them until it is stopped.

    Args:
        host: the address to listen on.
        port: the port to listen on. 0 picks a free one.
        make_protocol: makes the protocol of a new connection.
        make_conversation: makes the queries of a connection, once its user is known.
        context: for TLS; None for plain connections.

    Attributes:
        tapper: makes the taps of its connections; None: they have none.
        frozen: whether it does nothing, as if the process were stopped.
        strangers: clients that have not logged in yet, and since when, oldest first.

    Raises:
        OSError: it cannot listen on the address.
    """

    def __init__(
        self,
        host: str,
        port: int,
        make_protocol: Callable[[], ServerProtocol],
        make_conversation: Callable[..., Conversation],
        context: ssl.SSLContext | None,
    ) -> None:
        self._socket = _listening(host, port)
        self._reserved: socket.socket | None = None
        """A bound socket that keeps the port while nothing listens."""
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self.make_protocol = make_protocol
        self.make_conversation = make_conversation
        self.context = context
        self.peers: set[Peer] = set()
        self.strangers: dict[Peer, float] = {}
        self.frozen = False
        self.tapper: Tapper | None = None
        self._sweeping = False
        self._short = False
        """Whether the process had no file descriptor for the last new client."""
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
        """Starts serving."""
        self.workers.start()

    def stop(self, *, abruptly: bool = False) -> None:
        """Closes all connections. Returns when no thread and no socket is left.

        With `abruptly`, connections are reset, as the system does for a killed process.

        An exception from outside, such as a second Ctrl-C, ends the waiting and is passed on. The
        sockets are then still closed, and the threads are still told to end.
        """
        if os.getpid() != self._pid:
            # A forked child: the threads, and the clients, are the parent's.
            self._close_sockets()
            return
        stopped = threading.Event()
        self.in_lead(lambda: self._hang_up(stopped, abruptly=abruptly))
        try:
            stopped.wait(limits.STOP_SECONDS)
        finally:
            try:
                self.workers.stop()
            finally:
                self._close_sockets()

    def in_lead(self, chore: Job) -> None:
        """Runs a job in the thread that waits for the sockets.

        Only that thread may change what it waits for.
        """
        self._chores.append(chore)
        self._wake()

    def forget(self, peer: Peer) -> None:
        """Removes a client that is gone."""
        self.peers.discard(peer)
        self.strangers.pop(peer, None)

    def cut(self) -> None:
        """Resets all connections, and keeps listening. Returns when that is done."""
        self._have_done(lambda done: self._hang_up(done, abruptly=True))

    def freeze(self) -> None:
        """Stops reading, writing and accepting, like a stopped process."""
        self._have_done(self._freeze)

    def refuse(self, refusing: bool) -> None:
        """Stops listening if `refusing`, so that the system refuses clients; else listens again.

        Returns when that is done.
        """
        self._have_done(self._close_door if refusing else self._open_door)

    def _close_door(self, done: threading.Event) -> None:
        if self._reserved is None:
            if self._socket in self.selector.get_map():
                self.selector.unregister(self._socket)
            self._socket.close()
            self._reserved = reserve_port(self.host, self.port)
        done.set()

    def _open_door(self, done: threading.Event) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
            self._socket = _listening(self.host, self.port)
            self._accept_again()
        done.set()

    def have_tapped(self, tapper: Tapper) -> None:
        """Puts a tap into all existing and future connections."""

        def attach(done: threading.Event) -> None:
            self.tapper = tapper
            for peer in list(self.peers):
                peer.attach(tapper)
            done.set()

        self._have_done(attach)

    def thaw(self) -> None:
        """Continues after `freeze`."""
        self._have_done(self._thaw)

    def _have_done(self, chore: Callable[[threading.Event], None]) -> None:
        done = threading.Event()
        self.in_lead(lambda: chore(done))
        done.wait(limits.STOP_SECONDS)

    def _hang_up(self, done: threading.Event, *, abruptly: bool) -> None:
        for peer in list(self.peers):
            if abruptly:
                peer.reset_on_close()
            peer.hang_up()
        done.set()

    def _freeze(self, done: threading.Event) -> None:
        if not self.frozen:
            self.frozen = True
            if self._socket in self.selector.get_map():
                self.selector.unregister(self._socket)
            for peer in list(self.peers):
                peer.settle()
        done.set()

    def _thaw(self, done: threading.Event) -> None:
        if self.frozen:
            self.frozen = False
            self._accept_again()
            for peer in list(self.peers):
                peer.go_on()
        done.set()

    def _close_sockets(self) -> None:
        for closable in (self.selector, self._socket, self._wake_sender, self._wake_receiver):
            closable.close()
        if self._reserved is not None:
            self._reserved.close()
        for peer in list(self.peers):
            peer.socket.close()

    def _poll(self, seconds: float | None) -> None:
        try:
            found = self.selector.select(seconds)
        except (OSError, ValueError):  # `stop` did not wait until this thread had ended
            time.sleep(limits.ACCEPT_PAUSE_SECONDS)
            return
        for key, events in found:
            key.data(events)

    def _wake(self) -> None:
        # It will wake up anyway, or never more.
        with suppress(BlockingIOError, OSError):
            self._wake_sender.send(b"\0")

    def _woken(self, events: int) -> None:
        with suppress(OSError):
            self._wake_receiver.recv(4096)
        while self._chores:
            chore = self._chores.popleft()
            try:
                chore()
            except Exception:
                logger.exception("bug of the embedded server: a chore failed")

    # -- accepting clients

    def _accept(self, events: int) -> None:
        for _ in range(limits.ACCEPTED_AT_ONCE):
            try:
                connection, address = self._socket.accept()
            except OSError as exc:
                if exc.errno in _NOTHING_LEFT:
                    self._pause(exc)
                return  # nobody is left to let in, or the client has already gone
            self._let_in(connection, address[:2])

    def _let_in(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(self, connection, address)
        except Exception as exc:
            logger.warning("a client could not be let in: %s", exc)
            connection.close()
            return
        self._short = False
        self.peers.add(peer)
        if self.tapper is not None:
            peer.attach(self.tapper)
            if peer not in self.peers:  # it was not wanted
                return
        self.strangers[peer] = time.monotonic()
        if not self._sweeping:
            self._sweeping = True
            self._sweep_in(limits.HANDSHAKE_SECONDS)

    def _pause(self, problem: OSError) -> None:
        """Stops accepting for a while. The socket stays ready, and would keep this thread busy."""
        if not self._short:
            self._short = True
            logger.warning("no client can be let in for now: %s", problem.strerror)
        self.selector.unregister(self._socket)
        self.workers.submit_later(
            limits.ACCEPT_PAUSE_SECONDS, lambda: self.in_lead(self._accept_again)
        )

    def _accept_again(self) -> None:
        closed = self._reserved is not None
        if self.frozen or closed or self._socket in self.selector.get_map():
            return
        self.selector.register(self._socket, selectors.EVENT_READ, self._accept)

    def _sweep_in(self, seconds: float) -> None:
        self.workers.submit_later(seconds, lambda: self.in_lead(self._sweep))

    def _sweep(self) -> None:
        """Closes connections of clients that have not logged in for too long."""
        now = time.monotonic()
        for peer, since in list(self.strangers.items()):
            left = since + limits.HANDSHAKE_SECONDS - now
            if left > 0:
                self._sweep_in(left)
                return
            logger.info("a client did not complete the handshake in time")
            peer.hang_up()
        self._sweeping = False


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=socket.SOMAXCONN)
    listening.setblocking(False)
    return listening


def reserve_port(host: str, port: int) -> socket.socket | None:
    """A socket that is bound but does not listen, so that the system refuses clients."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reserved = socket.socket(family, socket.SOCK_STREAM)
    try:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind((host, port))
    except OSError:  # another program has been quicker: who listens again is told
        reserved.close()
        return None
    return reserved
