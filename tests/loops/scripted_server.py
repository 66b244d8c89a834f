"""A TCP server that does what each query tells it to: the deterministic peer of the loops' tests.

It speaks the real handshake and frames (`ServerProtocol`), but instead of ReQL its queries are
`Command`s: "answer with this", "answer in these batches", "say nothing until released", "hang up".
So a test says on one line what the server does, on which connection, and in which order.

    with ScriptedServer() as server:
        conn = Connection.make("localhost", server.port)
        assert Command("atom", 5).run(conn) == 5

It also records every query it received, for tests that ask what the driver sent.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from rethinkdb.net.events import FrameReceived
from rethinkdb.net.frames import frame_header
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol
from rethinkdb.ql2 import QueryType, ResponseNote, ResponseType

PATIENCE = 20.0
"""How long tests wait for what must happen. Nothing depends on it but how soon a failure shows."""

FEED = [int(ResponseNote.SEQUENCE_FEED)]


class Command:
    """A query of the scripted server, run like a term.

    Args:
        name: a method `do_<name>` of `Peer`.
        *arguments: JSON for it.
    """

    def __init__(self, name: str, *arguments: Any) -> None:
        self.wire = {name: list(arguments)}

    def start_body(
        self, options: Mapping[str, Any], db: str | None, values: Any = None
    ) -> list[Any]:
        hidden = ("json_encoder", "json_decoder")
        sent = {name: value for name, value in options.items() if name not in hidden}
        return [1, self.wire, {"db": db, **sent} if db else sent]

    def explain(self, error: Exception) -> None:
        if isinstance(error, UnicodeEncodeError):
            error.reason += " in a test"

    def render(self, frames: Any = None, enough: Any = None) -> tuple[str, tuple[int, int]]:
        text = "command"
        return text, (0, len(text))

    def run(self, conn: Any, **options: Any) -> Any:
        return conn._start(self, **options)


class ScriptedServer:
    """Listens from `__enter__` to `__exit__`, which also hangs up on everybody.

    Args:
        users: passwords by user name.
        tls: makes it a TLS server.
        on_connect: handles each connection in place of the protocol, and returns to hang up.
        host, port: where to listen.
        iterations: SCRAM iterations; 1 is quick.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        on_connect: Callable[[socket.socket], None] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        iterations: int = 1,
    ) -> None:
        users = {"admin": ""} if users is None else users
        self.credentials = {
            name: Credentials.from_password(password, iterations)
            for name, password in users.items()
        }
        self._tls = tls
        self._on_connect = on_connect
        self.host = host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.news = threading.Condition()
        #: (token, query) of everything received, CONTINUE and STOP included.
        self.received: list[tuple[int, list[Any]]] = []
        #: Replies held back by name, and feeds by name.
        self.held: dict[str, Callable[[], None]] = {}
        self.feeds: dict[str, Callable[[list[Any]], None]] = {}
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._failures: list[BaseException] = []

    def __enter__(self) -> ScriptedServer:
        self._start(self._accept)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for sock in [self._listener, *self._sockets]:
            _hang_up(sock)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a thread of the scripted server hangs"
        self._listener.close()
        if self._failures:
            raise self._failures[0]

    @property
    def connections(self) -> int:
        """How many clients have connected so far."""
        return len(self._sockets)

    def sent(self, kind: QueryType) -> list[int]:
        """The tokens of the queries of a kind that have arrived."""
        return [token for token, query in self.received if query[0] == kind]

    def wait_for(self, condition: Callable[[], Any]) -> None:
        """Wait until something the server has seen makes `condition` true."""
        with self.news:
            assert self.news.wait_for(condition, PATIENCE), f"never happened: {self.received}"

    def wait_for_sent(self, kind: QueryType, count: int = 1) -> None:
        self.wait_for(lambda: len(self.sent(kind)) >= count)

    def wait_for_silence(self) -> None:
        """Wait until all clients have hung up."""
        for thread in self._threads[1:]:
            thread.join(PATIENCE)
            assert not thread.is_alive(), "a client is still there"

    def stop_listening(self) -> None:
        """Refuse clients from now on."""
        _hang_up(self._listener)

    def hang_up(self) -> None:
        """Cut all connections."""
        for sock in self._sockets:
            _hang_up(sock)

    def _start(self, function: Callable[..., None], *args: Any) -> None:
        def guarded() -> None:
            try:
                function(*args)
            except BaseException as exc:
                self._failures.append(exc)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self._threads.append(thread)  # started, so that whoever finds it here may join it

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            # Else the second of two replies waits for some 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.news:
                self._sockets.append(sock)
                self.news.notify_all()
            self._start(self._handle, sock)

    def _handle(self, sock: socket.socket) -> None:
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._sockets.append(sock)
            if self._on_connect is not None:
                self._on_connect(sock)
            else:
                Peer(self, sock).serve()
        except OSError:
            pass  # the client hung up, or does not speak our TLS
        finally:
            _hang_up(sock)
            sock.close()


class Peer:
    """One client's connection."""

    def __init__(self, server: ScriptedServer, sock: socket.socket) -> None:
        self.server = server
        self.socket = sock
        self.protocol = ServerProtocol(server.credentials.get)
        self.write_lock = threading.Lock()
        self.batches: dict[int, list[list[Any]]] = {}
        self.failing: dict[int, str] = {}
        self.feed_names: dict[int, str] = {}
        self.waiting: set[int] = set()  # feeds whose CONTINUE is unanswered
        self.unread: dict[int, list[Any]] = {}  # and what came for those without one

    def serve(self) -> None:
        while not self.protocol.close_requested:
            data = self.socket.recv(65536)
            if not data:
                return
            self.protocol.receive_data(data)
            for event in self.protocol.events_received():
                if isinstance(event, FrameReceived):
                    self.query(event.token, json.loads(event.payload))
            self.flush()

    def flush(self) -> None:
        with self.write_lock:
            self.socket.sendall(self.protocol.data_to_send())

    def reply(self, token: int, kind: ResponseType, results: list[Any], **keys: Any) -> None:
        body = json.dumps({"t": kind, "r": results, **keys}).encode()
        with self.write_lock:
            self.protocol.send_frame(token, body)
            self.socket.sendall(self.protocol.data_to_send())

    def query(self, token: int, query: list[Any]) -> None:
        with self.server.news:
            self.server.received.append((token, query))
            self.server.news.notify_all()
        match query:
            case [QueryType.START, command, options]:
                ((name, arguments),) = command.items()
                self.options = options
                getattr(self, f"do_{name}")(token, *arguments)
            case [QueryType.CONTINUE]:
                self.go_on(token)
            case [QueryType.STOP]:
                self.stop(token)
            case [QueryType.NOREPLY_WAIT]:
                self.reply(token, ResponseType.WAIT_COMPLETE, [])
            case [QueryType.SERVER_INFO]:
                info = {"id": "0" * 8, "name": "scripted", "proxy": False}
                self.reply(token, ResponseType.SERVER_INFO, [info])

    # Streams.

    def go_on(self, token: int) -> None:
        if token in self.feed_names:
            self.waiting.add(token)
            self.push(token, [])
        elif token in self.batches:
            self.next_batch(token)
        elif token in self.failing:
            message = self.failing.pop(token)
            self.reply(token, ResponseType.RUNTIME_ERROR, [message], e=3000000, b=[])
        else:
            self.not_in_cache(token)

    def next_batch(self, token: int) -> None:
        batch = self.batches[token].pop(0)
        if not self.batches[token]:
            del self.batches[token]
            self.reply(token, ResponseType.SUCCESS_SEQUENCE, batch)
        else:
            self.reply(token, ResponseType.SUCCESS_PARTIAL, batch)

    def push(self, token: int, items: list[Any]) -> None:
        self.unread[token] += items
        if token in self.waiting and self.unread[token]:
            self.waiting.discard(token)
            items, self.unread[token] = self.unread[token], []
            notes = [ResponseNote.SEQUENCE_FEED]
            self.reply(token, ResponseType.SUCCESS_PARTIAL, items, n=notes)

    def stop(self, token: int) -> None:
        if self.batches.pop(token, None) is None and self.feed_names.pop(token, None) is None:
            self.not_in_cache(token)
            return
        if token in self.waiting:
            self.waiting.discard(token)
            self.reply(token, ResponseType.SUCCESS_SEQUENCE, [])
        self.reply(token, ResponseType.SUCCESS_SEQUENCE, [])

    def not_in_cache(self, token: int) -> None:
        text = f"Token {token} not in stream cache."
        self.reply(token, ResponseType.CLIENT_ERROR, [text], b=[])

    # Commands.

    def do_atom(self, token: int, value: Any) -> None:
        """Answer with a value, unless that is not wanted."""
        if not self.options.get("noreply"):
            keys = {"p": [{"took": 1}]} if self.options.get("profile") else {}
            self.reply(token, ResponseType.SUCCESS_ATOM, [value], **keys)

    def do_options(self, token: int) -> None:
        """Answer with the query's options."""
        self.reply(token, ResponseType.SUCCESS_ATOM, [self.options])

    def do_batches(self, token: int, *batches: list[Any]) -> None:
        """Answer with a stream, a batch at a time."""
        self.batches[token] = list(batches)
        self.next_batch(token)

    def do_broken(self, token: int, batch: list[Any], message: str) -> None:
        """Answer with a batch, and the request for the next one with an error."""
        self.failing[token] = message
        self.reply(token, ResponseType.SUCCESS_PARTIAL, batch)

    def do_feed(self, token: int, name: str, notes: list[int] = FEED) -> None:
        """Open a changefeed; `Command("push", name, items)` writes to it. Without notes it looks
        like a sequence that comes slowly."""
        self.feed_names[token] = name
        self.unread[token] = []
        self.server.feeds[name] = lambda items: self.push(token, items)
        self.reply(token, ResponseType.SUCCESS_PARTIAL, [], n=notes)

    def do_push(self, token: int, name: str, items: list[Any]) -> None:
        self.server.feeds[name](items)
        self.do_atom(token, len(items))

    def do_error(self, token: int, kind: int, error: int | None, message: str) -> None:
        """Answer with an error."""
        keys = {} if error is None else {"e": error}
        self.reply(token, ResponseType(kind), [message], b=[], **keys)

    def do_hold(self, token: int, name: str, value: Any = None) -> None:
        """Say nothing until `Command("release", name)`."""
        with self.server.news:
            self.server.held[name] = lambda: self.reply(token, ResponseType.SUCCESS_ATOM, [value])
            self.server.news.notify_all()

    def do_release(self, token: int, name: str) -> None:
        self.server.held.pop(name)()
        self.do_atom(token, name)

    def do_hang_up(self, token: int) -> None:
        """Cut the connection."""
        _hang_up(self.socket)

    def do_half_a_frame(self, token: int) -> None:
        """Begin an answer, then cut the connection."""
        body = b'{"t":1,"r":[null]}'
        self.socket.sendall(frame_header(token, len(body)) + body[:5])
        _hang_up(self.socket)

    def do_frame(self, token: int, shift: int, length: int | None, body: str) -> None:
        """Answer with any body, for a token nearby, perhaps with a wrong length."""
        data = body.encode()
        header = frame_header(token + shift, len(data) if length is None else length)
        self.socket.sendall(header + data)

    def do_stall(self, token: int, name: str) -> None:
        """Stop reading until somebody else, on another connection, says `release`."""
        released = threading.Event()
        with self.server.news:
            self.server.held[name] = released.set
            self.server.news.notify_all()
        assert released.wait(PATIENCE)
        self.do_atom(token, name)


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
