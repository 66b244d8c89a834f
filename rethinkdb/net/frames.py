"""Frames: a 12-byte header, then the body.

Both directions look the same: token (8 bytes), length of the body (4 bytes), both little-endian,
then that many bytes of UTF-8 JSON. A token is any 64-bit value, unsigned here, and comes back as it
was sent.
"""

from __future__ import annotations

from struct import Struct

from .violations import RemoteProtocolError

__all__ = ["MAX_QUERY_SIZE", "MAX_REPLY_SIZE", "FrameReader", "FrameTooLarge", "frame_header"]

_HEADER = Struct("<QI")
_HEADER_SIZE = _HEADER.size

MAX_QUERY_SIZE = 128 * 1024 * 1024 - 1
"""The server's own rule: it refuses a longer query, and then closes the connection."""

MAX_REPLY_SIZE = 1024 * 1024 * 1024
"""What a client accepts unless told otherwise.

The server keeps batches near 1 MiB, but a single value (an array, a group) comes whole, and nothing
but the 4 GiB the header can express bounds it. 1 GiB of JSON is some 10 GiB of Python objects: a
longer reply is more likely a broken peer than a result somebody can use. The limit is tested on the
header, and the buffer grows only with the bytes that really arrive.
"""


def frame_header(token: int, length: int) -> bytes:
    """The header of a frame whose body has `length` bytes."""
    return _HEADER.pack(token, length)


class FrameTooLarge(RemoteProtocolError):
    """The peer announced a body beyond the limit.

    Attributes:
        token: the query it belongs to.
        length: the announced length, in bytes.
    """

    def __init__(self, token: int, length: int, limit: int) -> None:
        super().__init__(
            f"Frame too large: the peer announced {length} bytes for query {token}, "
            f"the limit is {limit} bytes."
        )
        self.token = token
        self.length = length


class FrameReader:
    """Cuts a stream of bytes into frames, however it was split on its way.

    Args:
        limit: the longest body to accept, in bytes.
    """

    __slots__ = ("_buffer", "_data", "_limit", "_position", "_wanted")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # What was received last, and how much of it is cut; before it, an incomplete frame.
        self._data = b""
        self._position = 0
        self._buffer = bytearray()
        self._wanted = _HEADER_SIZE

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        if self._buffer or self._data:
            self._keep()
            self._buffer += data
        else:
            self._data = data
            self._position = 0

    def next_frame(self) -> tuple[int, bytes] | None:
        """Take the next complete frame, (token, body); None if its end has not arrived yet.

        Raises:
            FrameTooLarge: its header announces too long a body. Nothing can be read after that.
        """
        if self._data:
            return self._next_received()
        buffer = self._buffer
        # While a long body trickles in, `_wanted` spares looking at its header for each piece.
        if len(buffer) < self._wanted:
            return None
        token, length = _HEADER.unpack_from(buffer)
        if length > self._limit:
            raise FrameTooLarge(token, length, self._limit)
        end: int = _HEADER_SIZE + length
        if len(buffer) < end:
            self._wanted = end
            return None
        # Views, as slices would copy twice: measured 30 microseconds, not 1,000, for a 1 MiB batch.
        with memoryview(buffer) as view, view[_HEADER_SIZE:end] as part:
            body = bytes(part)
        del buffer[:end]
        self._wanted = _HEADER_SIZE
        return token, body

    def _next_received(self) -> tuple[int, bytes] | None:
        # Most frames arrive whole, and are cut out of what was received: 0.6 µs in place of 1.7
        # by way of the buffer.
        data, start = self._data, self._position
        if len(data) - start >= _HEADER_SIZE:
            token, length = _HEADER.unpack_from(data, start)
            if length > self._limit:
                raise FrameTooLarge(token, length, self._limit)
            start += _HEADER_SIZE
            end = start + length
            if end <= len(data):
                self._position = end
                if end == len(data):
                    self._data = b""
                return token, data[start:end]
            self._wanted = _HEADER_SIZE + length
        self._keep()
        return None

    def _keep(self) -> None:
        """Put what was received last with what came before it."""
        self._buffer += memoryview(self._data)[self._position :]
        self._data = b""
        self._position = 0

    def unread(self) -> bytes:
        """The bytes that are no complete frame yet."""
        self._keep()
        return bytes(self._buffer)
