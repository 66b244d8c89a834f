"""One server of a cluster, as clients see it: its address, its listener, its name."""

from __future__ import annotations

import errno
import platform
import socket
import ssl
import time
from typing import Any

from rethinkdb.embedded import limits
from rethinkdb.embedded.outside.engines import ENGINES
from rethinkdb.embedded.serving.listener import Listener, reserve_port
from rethinkdb.embedded.serving.queries import Conversation
from rethinkdb.embedded.serving.recursion import RECURSION
from rethinkdb.embedded.serving.taps import Tapper
from rethinkdb.embedded.storage.placement import SERVER_VERSION, ServerIdentity
from rethinkdb.embedded.storage.store import Store
from rethinkdb.net.server import ServerProtocol


class Node:
    """Serves a store at an address, from `start` to `stop`, again and again.

    Not safe for several threads at once.

    Args:
        store: the data. Other nodes may serve it, too.
        identity: which of the store's servers this is.
        host, port: the address to listen on. Port 0 picks a free port, which is then kept.
        context: for TLS; None for plain connections.
    """

    def __init__(
        self,
        store: Store,
        identity: ServerIdentity,
        host: str,
        port: int,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.store = store
        self.identity = identity
        self.host = host
        self.port = port
        self._context = context
        self.listener: Listener | None = None
        self._reserved: socket.socket | None = None
        self._tapper: Tapper | None = None
        self._refusing = False

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self.listener is not None

    @property
    def known_port(self) -> int:
        """The port for clients. Raises RuntimeError if it is not known yet."""
        if not self.port:  # `r.connect(port=0)` would go to 28015, and so to another server
            raise RuntimeError(
                "The embedded server has not been started, so it has no port yet."
                " Use it in a `with` block, or call its start()."
            )
        return self.port

    def start(self) -> None:
        """Starts listening and serving. Raises `OSError` if it cannot listen on the address."""
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            reserved.close()
        listener = self.listener = self._listen()
        self.port = listener.port
        RECURSION.need(limits.RECURSION)
        identity = self.identity
        identity.host, identity.port, identity.started = self.host, self.port, time.time()
        self._note_start()
        listener.start()
        if self._tapper is not None:
            listener.have_tapped(self._tapper)
        if self._refusing:
            listener.refuse(True)

    def stop(self, *, abruptly: bool = False, reserve: bool = False) -> None:
        """Interrupts all queries, closes all connections and ends all threads.

        Does nothing if the node has stopped.

        Args:
            abruptly: reset the connections, as the system does for a killed process.
            reserve: keep the port, so that no other program can take it.
        """
        listener, self.listener = self.listener, None
        if listener is None:
            return
        try:
            listener.stop(abruptly=abruptly)
        finally:
            ENGINES.close_idle()
            RECURSION.need_no_more(limits.RECURSION)
        if reserve:
            self._reserved = reserve_port(self.host, self.port)

    def have_tapped(self, tapper: Tapper) -> None:
        """Puts a tap into all existing and future connections."""
        self._tapper = tapper
        if self.listener is not None:
            self.listener.have_tapped(tapper)

    def refuse(self, refusing: bool) -> None:
        """Stops listening for new clients if `refusing`, else listens again."""
        self._refusing = refusing
        if self.listener is not None:
            self.listener.refuse(refusing)

    def release(self) -> None:
        """Gives the port of a stopped node back to the system."""
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            reserved.close()

    def _listen(self) -> Listener:
        try:
            return Listener(self.host, self.port, self._protocol, self._conversation, self._context)
        except (OSError, UnicodeError) as exc:  # the latter for what can be no name of a host
            number = getattr(exc, "errno", None)
            text = f"cannot listen on {self.host}:{self.port} ({_reason(exc)})."
            if number == errno.EADDRINUSE:
                text += " Another program listens there. Choose another port; 0 takes a free one."
            raise OSError(number, f"The embedded server {text}") from exc

    def _protocol(self) -> ServerProtocol:
        return ServerProtocol(self.store.credentials, SERVER_VERSION)

    def _conversation(self, user: str, address: tuple[str, int], **callbacks: Any) -> Conversation:
        info = {"id": self.identity.id, "name": self.identity.name, "proxy": False}
        return Conversation(self.store, user, address, server_info=info, **callbacks)

    def _note_start(self) -> None:
        python, identity = platform.python_version(), self.identity
        for message in (
            f"Running rethinkdb {SERVER_VERSION}, embedded in Python {python}...",
            f"Listening for client driver connections on port {self.port}",
            f'Server ready, "{identity.name}" {identity.id}',
        ):
            self.store.note("notice", message)


def _reason(exc: Exception) -> str:
    """Why the address is not usable. Removes the address, which Python sometimes adds."""
    text = getattr(exc, "strerror", None) or str(exc)
    return text.partition(" (while attempting")[0]
