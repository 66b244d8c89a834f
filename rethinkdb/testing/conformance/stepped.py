"""A server that acts only when told to: between two turns of the loop under test.

If a server runs in its own thread, chance decides in which turn of the loop bytes arrive. This
server acts only in `step()`, which a scenario calls once per turn. So everything takes about the
same number of turns each time. A scenario can then cancel after the first turn, the second, and so
on.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

from rethinkdb.net.events import FrameReceived
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol
from rethinkdb.ql2 import QueryType, ResponseNote, ResponseType

__all__ = ["SteppedServer"]

_READ_SIZE = 65536

# One round of hashing, because its cost does not matter here.
_CREDENTIALS = {"admin": Credentials.from_password("", 1)}


class SteppedServer:
    """Listens from `__enter__` to `__exit__`, and acts in `step()`.

    A query that is a plain value is answered with that value. Any other query is a stream. It gives
    the batches of `batches`, one for each CONTINUE. After these it is a changefeed of the items
    that `push()` gets.

    Attributes:
        host, port: the address it listens on.
        batches: the first batches of new streams. If the last one is None, the stream ends there.
        started: how many queries were started by clients.
        stopped: how many streams were stopped by clients.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.host, self.port = self._listener.getsockname()
        self.batches: list[list[Any] | None] = [[]]
        self.started = 0
        self.stopped = 0
        self._peers: list[_Peer] = []

    def __enter__(self) -> SteppedServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.close()
        for peer in self._peers:
            peer.socket.close()

    @property
    def clients(self) -> int:
        """How many connections are open. `step()` notices those that clients have closed."""
        return len(self._peers)

    def hang_up(self) -> None:
        """Cut all connections."""
        for peer in self._peers:
            peer.socket.close()
        self._peers.clear()

    @property
    def waiting(self) -> bool:
        """Whether a client waits for the next items of a changefeed."""
        return any(stream.asked for peer in self._peers for stream in peer.streams.values())

    def step(self) -> bool:
        """Accept new clients, read what has arrived, and answer it.

        Returns:
            Whether there was anything to do.
        """
        busy = self._accept()
        for peer in list(self._peers):
            busy = peer.step() or busy
            if peer.over:
                self._peers.remove(peer)
        return busy

    def push(self, *items: Any) -> None:
        """Send items to all changefeeds. Each gets them when its client asks for more."""
        for peer in self._peers:
            for token, stream in peer.streams.items():
                stream.batches.append(list(items))
                peer.go_on(token, stream)

    def _accept(self) -> bool:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return False
        self._peers.append(_Peer(sock, self))
        return True


class _Stream:
    """The results of a query that are still to be sent."""

    def __init__(self, batches: list[list[Any] | None]) -> None:
        self.batches = batches
        self.is_feed = None not in batches
        self.asked = True


class _Peer:
    """One client's connection."""

    def __init__(self, sock: socket.socket, server: SteppedServer) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.streams: dict[int, _Stream] = {}
        self.over = False
        self._server = server
        self._protocol = ServerProtocol(_CREDENTIALS.get)

    def step(self) -> bool:
        """Answer what has arrived. Returns False if nothing has."""
        try:
            data = self.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.over = True
            self.socket.close()
            return True
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, FrameReceived):
                self._answer(event.token, json.loads(event.payload))
        self._flush()
        return True

    def go_on(self, token: int, stream: _Stream) -> None:
        """Send the next batch, if there is one and the client has asked for it."""
        if not stream.asked or not stream.batches:
            return
        stream.asked = False
        batch = stream.batches.pop(0)
        if batch is None:
            self._reply(token, ResponseType.SUCCESS_SEQUENCE, [])
            del self.streams[token]
        else:
            self._reply(token, ResponseType.SUCCESS_PARTIAL, batch)
        self._flush()

    def _answer(self, token: int, query: list[Any]) -> None:
        kind = query[0]
        self._server.started += kind == QueryType.START
        if kind == QueryType.START and query[2].get("noreply"):
            return
        if kind == QueryType.START and isinstance(query[1], (str, int)):
            self._reply(token, ResponseType.SUCCESS_ATOM, [query[1]])
        elif kind == QueryType.START:
            self.streams[token] = _Stream([*self._server.batches])
            self.go_on(token, self.streams[token])
        elif kind == QueryType.CONTINUE:
            self.streams[token].asked = True
            self.go_on(token, self.streams[token])
        elif kind == QueryType.STOP:
            self._stop(token)
        elif kind == QueryType.NOREPLY_WAIT:
            self._reply(token, ResponseType.WAIT_COMPLETE, [])

    def _stop(self, token: int) -> None:
        stream = self.streams.pop(token, None)
        if stream is not None:
            self._server.stopped += 1
            if stream.asked:
                self._reply(token, ResponseType.SUCCESS_SEQUENCE, [])
        self._reply(token, ResponseType.SUCCESS_SEQUENCE, [])

    def _reply(self, token: int, kind: ResponseType, results: list[Any]) -> None:
        reply = {"t": kind, "r": results, "n": []}
        if kind == ResponseType.SUCCESS_PARTIAL and self.streams[token].is_feed:
            reply["n"] = [ResponseNote.SEQUENCE_FEED]
        self._protocol.send_frame(token, json.dumps(reply).encode())

    def _flush(self) -> None:
        with suppress(OSError):  # it has hung up, which the next step finds
            self.socket.sendall(self._protocol.data_to_send())
