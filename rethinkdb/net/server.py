"""`ServerProtocol`: the server's side of the protocol, for the embedded server and for tests."""

from __future__ import annotations

import json
from collections.abc import Callable

from rethinkdb.ql2 import ResponseType, Version

from .events import HandshakeCompleted
from .frames import MAX_QUERY_SIZE, FrameTooLarge, frame_header
from .handshake import MAGIC, HandshakeRefused, server_handshake
from .old_handshake import OLD_USER, OLD_VERSIONS, SUCCESS, old_handshake_size, refusal_text
from .protocol import Protocol, State
from .scram import Credentials, make_nonce

__all__ = ["ServerProtocol"]

# If a query is too long, the server first reads and drops up to this many bytes, then answers. If
# it closed the socket while the client still writes, the client would get a broken pipe error
# instead of the answer.
_MAX_DISCARDED = 1024 * 1024 * 1024


class ServerProtocol(Protocol):
    """Lets clients in, then receives queries and sends replies.

    Args:
        credentials: returns a user's credentials; None for an unknown user.
        server_version: the version to report to clients.
        nonce: random if not given; tests give one.
        max_query_size: the longest query to accept, in bytes.

    Attributes:
        one_by_one: whether the client expects answers in the order of its queries.

    Example::

        protocol = ServerProtocol({"admin": Credentials.from_password("", 1)}.get)
        protocol.receive_data(data)
        for event in protocol.events_received():
            match event:
                case FrameReceived(token, payload):
                    protocol.send_frame(token, answer(payload))
        transport.write(protocol.data_to_send())
        if protocol.close_requested:
            transport.close()
    """

    def __init__(
        self,
        credentials: Callable[[str], Credentials | None],
        server_version: str = "2.4.4",
        nonce: str | None = None,
        *,
        max_query_size: int = MAX_QUERY_SIZE,
    ) -> None:
        super().__init__(
            server_handshake(credentials, server_version, nonce or make_nonce()), max_query_size
        )
        self._credentials = credentials
        self._server_version = server_version
        self._max_query_size = max_query_size
        # The greeting is the answer to the magic number, so it is kept until that arrives.
        self._greeting = self.data_to_send()
        self.one_by_one = False
        self._discarding = 0
        self._too_large: FrameTooLarge | None = None

    def receive_data(self, data: bytes) -> None:
        """See `Protocol`."""
        if self._too_large is not None:
            self._discard(self._too_large, len(data))
        elif self._greeting and self.state is State.CONNECTING:
            self._lines += data
            self._receive_magic()
        else:
            super().receive_data(data)

    def _receive_magic(self) -> None:
        if len(self._lines) < len(MAGIC):
            return
        magic = self._lines[: len(MAGIC)]
        if magic != MAGIC:
            number = int.from_bytes(magic, "little")
            self._receive_old(number) if number in OLD_VERSIONS else self._refuse_magic()
            return
        del self._lines[: len(MAGIC)]
        self.output += self._greeting
        self._greeting = b""
        self._receive_lines()

    def _refuse_magic(self) -> None:
        # A client that does not know this handshake cannot read its JSON: answer with plain text.
        text = (
            "Received an unsupported protocol version. This port is for RethinkDB queries. "
            "Does your client driver version not match the server?"
        )
        self._refuse(HandshakeRefused(-1, text))

    def _refuse(self, exc: HandshakeRefused) -> None:
        self.output += refusal_text(exc.message)
        self.fail(exc)

    def _receive_old(self, version: int) -> None:
        try:
            size = old_handshake_size(self._lines, self._credentials)
        except HandshakeRefused as exc:
            self._refuse(exc)
            return
        if size is None:
            return
        self.incoming.append(bytes(self._lines[size:]))
        self._lines.clear()
        self._greeting = b""
        self.one_by_one = version == Version.V0_3
        self.output += SUCCESS
        self.events.append(HandshakeCompleted(OLD_USER, self._server_version))
        self.state = State.OPEN
        self._receive_frames()

    def _line_too_long(self) -> None:
        self._handshake_failed(HandshakeRefused(7, "Limited read buffer size."))

    def _handshake_failed(self, exc: Exception) -> None:
        if isinstance(exc, HandshakeRefused):
            self.output += exc.line()
        super()._handshake_failed(exc)

    def _frame_too_large(self, exc: FrameTooLarge) -> None:
        self._too_large = exc
        self._discarding = exc.length if exc.length < _MAX_DISCARDED else 0
        self._discard(exc, len(self.frames.unread()) - len(frame_header(0, 0)))

    def _discard(self, exc: FrameTooLarge, count: int) -> None:
        self._discarding -= count
        if self._discarding > 0 or self.state is not State.OPEN:
            return
        text = f"Query size ({exc.length}) greater than maximum ({self._max_query_size})."
        reply = {"t": ResponseType.CLIENT_ERROR, "r": [text], "b": []}
        self.send_frame(exc.token, json.dumps(reply).encode())
        self.fail(exc)
