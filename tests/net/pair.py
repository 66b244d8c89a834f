"""A client's session and a server's protocol, joined in memory.

The test plays the server: it looks at the queries that arrived and answers them by token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rethinkdb.codec import Codec
from rethinkdb.net.events import ConnectionLost, FrameReceived, HandshakeCompleted
from rethinkdb.net.query import Query
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.ql2 import QueryType

Split = Callable[[bytes], Iterable[bytes]]

START, CONTINUE, STOP, NOREPLY_WAIT, SERVER_INFO = (int(type) for type in QueryType)
ATOM, SEQUENCE, PARTIAL, WAIT_COMPLETE, INFO = 1, 2, 3, 4, 5
CLIENT_ERROR, COMPILE_ERROR, RUNTIME_ERROR = 16, 17, 18

USERS = {
    "admin": Credentials.from_password("", iterations=1, salt=b"pepper"),
    "bob": Credentials.from_password("pass,=phräse", iterations=2, salt=b"salt"),
    "a=b,c": Credentials.from_password("x", iterations=1, salt=b"sugar"),
}


def whole(data: bytes) -> Iterator[bytes]:
    """As it was sent."""
    if data:
        yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """The worst a network can do."""
    return (data[index : index + 1] for index in range(len(data)))


def start(
    term: Any = "t", *, decode: Any = None, noreply: bool = False, printable: Any = None
) -> Query:
    """A START whose term is any JSON value."""
    return Query(
        QueryType.START,
        json.dumps([START, term, {}]).encode(),
        decode or Codec().decoder({}),
        term=printable,
        noreply=noreply,
        plain=decode is None,
    )


def reply_body(type: int, *results: Any, **extra: Any) -> bytes:
    """The JSON of a reply."""
    return json.dumps({"t": type, "r": list(results), **extra}).encode()


def settled(waiter: Waiter[Any]) -> Any:
    """Its value; fails the test if it is still pending."""
    assert waiter.done(), "still pending"
    return waiter.result()


def failure(waiter: Waiter[Any]) -> Any:
    """Its error; fails the test if it is still pending."""
    assert waiter.done(), "still pending"
    return waiter.exception()


class Pair:
    """Both ends.

    Attributes:
        session: the client.
        server: the other end.
        queries: what the server received and the test has not looked at: (token, JSON).
        lost: the causes of ConnectionLost on the server's side.
        user: who logged in.
    """

    def __init__(
        self,
        user: str = "admin",
        password: str = "",
        *,
        split: Split = whole,
        opened: bool = True,
        **options: Any,
    ) -> None:
        self.session = Session(user, password, "db.example", 28015, **options)
        self.server = ServerProtocol(USERS.get)
        self.split = split
        self.queries: list[tuple[int, Any]] = []
        self.lost: list[BaseException | None] = []
        self.user: str | None = None
        if opened:
            self.move()
            settled(self.session.opened)

    def move(self) -> None:
        """Carry bytes both ways until both sides are silent."""
        while self._to_server(self.session.data_to_send()) | self._to_client():
            pass

    def _to_server(self, data: bytes) -> bool:
        for piece in self.split(data):
            self.server.receive_data(piece)
            self._events()
        return bool(data)

    def _to_client(self) -> bool:
        data = self.server.data_to_send()
        for piece in self.split(data):
            self.session.receive_data(piece)
        return bool(data)

    def _events(self) -> None:
        for event in self.server.events_received():
            match event:
                case HandshakeCompleted(user, _):
                    self.user = user
                case FrameReceived(token, payload):
                    self.queries.append((token, json.loads(payload)))
                case ConnectionLost(cause):
                    self.lost.append(cause)

    def reply(self, token: int, type: int, *results: Any, **extra: Any) -> None:
        """Queue a reply; `move()` carries it."""
        self.server.send_frame(token, reply_body(type, *results, **extra))

    def answer(self, token: int, type: int, *results: Any, **extra: Any) -> None:
        """Send a reply now."""
        self.reply(token, type, *results, **extra)
        self.move()

    def received(self) -> list[tuple[int, Any]]:
        """The queries since the last look."""
        self.move()
        queries, self.queries = self.queries, []
        return queries

    def types(self) -> list[int]:
        """The types of the queries since the last look."""
        return [query[0] for _, query in self.received()]

    def asked(self) -> int:
        """The token of the one query that was sent."""
        [(token, _)] = self.received()
        return token

    def run(self, **options: Any) -> tuple[Waiter[Any], int]:
        """Start a query; the waiter and the token."""
        waiter = self.session.start(start(**options))
        return waiter, self.asked()

    def stream(self, *items: Any, **options: Any) -> tuple[Stream, int]:
        """A stream whose first batch has arrived; its CONTINUE is sent and was looked at."""
        waiter, token = self.run(**options)
        self.answer(token, PARTIAL, *items)
        assert self.types() == [CONTINUE]
        return settled(waiter), token
