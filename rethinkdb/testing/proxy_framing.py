"""Splits what the fault proxy reads into messages: lines during the login, then frames."""

from __future__ import annotations

from collections.abc import Iterator

from rethinkdb.testing.proxy_actions import HEADER


class Splitter:
    """Splits a stream into messages: first `lines` lines that end in a zero byte, then frames."""

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._seen = 0
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The complete messages, each with its number. All frames have the same number."""
        self._buffer += data
        while end := self._end():
            message = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield self._seen, message
            self._seen = min(self._seen + 1, self._lines)

    def rest(self) -> bytes:
        """The bytes of the last, incomplete message."""
        return bytes(self._buffer)

    def _end(self) -> int:
        """The length of the first message; 0 while it is incomplete."""
        if self._seen < self._lines:
            return self._buffer.find(0) + 1
        if len(self._buffer) < HEADER.size:
            return 0
        end: int = HEADER.size + HEADER.unpack_from(self._buffer)[1]
        return end if len(self._buffer) >= end else 0


def framed(token: int, payload: bytes) -> bytes:
    """A frame."""
    return HEADER.pack(token, len(payload)) + payload


def unframed(message: bytes) -> tuple[int, bytes]:
    """A frame's token and body."""
    token, _ = HEADER.unpack_from(message)
    return token, message[HEADER.size :]


def is_frame(data: bytes) -> bool:
    """Whether the bytes are a whole frame. A fault may have cut off a part."""
    size = HEADER.size
    return len(data) >= size and len(data) == size + HEADER.unpack_from(data)[1]
