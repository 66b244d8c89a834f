"""`ClientProtocol`: the client's side of the protocol."""

from __future__ import annotations

import re

from rethinkdb.errors import ReqlDriverError

from .frames import MAX_REPLY_SIZE
from .handshake import LINE_LIMIT, client_handshake, not_rethinkdb
from .protocol import Protocol, State
from .scram import make_nonce

__all__ = ["ClientProtocol"]

_LINE_OR_TEXT_END = re.compile(rb"[\0\n]")


class ClientProtocol(Protocol):
    """Logs in, then sends queries and receives replies.

    Args:
        user: account to log in with.
        password: its password, possibly empty.
        host: for error messages only.
        port: for error messages only.
        nonce: random if not given; tests give one.
        max_reply_size: the longest reply to accept, in bytes.

    Raises:
        ReqlDriverError: the user name or password cannot be encoded.
    """

    def __init__(
        self,
        user: str = "admin",
        password: str = "",
        host: str = "localhost",
        port: int = 28015,
        *,
        nonce: str | None = None,
        max_reply_size: int = MAX_REPLY_SIZE,
    ) -> None:
        _check_encoding("user", user)
        _check_encoding("password", password)
        self._host = host
        self._port = port
        handshake = client_handshake(user, password, nonce or make_nonce(), host, port)
        super().__init__(handshake, max_reply_size)

    def receive_eof(self, exc: Exception | None = None) -> None:
        """See `Protocol`. If the peer has sent an unfinished text, the error shows it."""
        if self.state is State.CONNECTING and self._lines and not self._is_json(self._lines):
            self.fail(not_rethinkdb(self._host, self._port, bytes(self._lines)))
        super().receive_eof(exc)

    def _line_end(self, lines: bytearray) -> int:
        # Servers that are too old for this handshake, and HTTP servers, answer with text. One line
        # of it is enough, as the zero byte may never come.
        if self._is_json(lines):
            return super()._line_end(lines)
        found = _LINE_OR_TEXT_END.search(lines, 0, LINE_LIMIT)
        return found.start() if found else -1

    def _line_too_long(self) -> None:
        self.fail(not_rethinkdb(self._host, self._port, bytes(self._lines[:LINE_LIMIT])))

    @staticmethod
    def _is_json(lines: bytearray) -> bool:
        return lines.startswith(b"{")


def _check_encoding(option: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise ReqlDriverError(
            f"The option `{option}` cannot be sent: it holds half of a character (a lone "
            "surrogate), which UTF-8 cannot express."
        ) from exc
