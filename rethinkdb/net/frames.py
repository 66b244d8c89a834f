"""Frames: a 12-byte header, then the body.

Both directions look the same: token (8 bytes), length of the body (4 bytes), both little-endian,
then that many bytes of UTF-8 JSON. A token is any 64-bit value, unsigned here, and comes back as it
was sent.
"""

from __future__ import annotations

from collections import deque
from struct import Struct

from .events import FrameReceived
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


_State = tuple[bytes, int, list[bytes], int, int]


class FrameReader:
    """Cuts a stream of bytes into frames, however it was split on its way.

    Args:
        limit: the longest body to accept, in bytes.
    """

    __slots__ = ("_limit", "_state")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # What was received last, and how much of it is cut. Then what there is of a body whose end
        # is missing, and came before that; its token, and how many bytes are missing.
        self._state: _State = (b"", 0, [], 0, 0)

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        self.feed_from(deque((data,)))

    def feed_from(self, chunks: deque[bytes]) -> None:
        """Add the first of the bytes received, if any, and take it off the queue, in one step."""
        state = self._state
        try:
            chunk = chunks[0]
        except IndexError:
            return
        data, position, pieces, token, missing = state
        after = (data[position:] + chunk, 0, pieces, token, missing)
        if self._state is state and chunks and chunks[0] is chunk:
            self._state = after
            del chunks[0]

    def next_frame(self) -> FrameReceived | None:
        """Take the next complete frame; None if its end has not arrived yet.

        Raises:
            FrameTooLarge: its header announces too long a body. Nothing can be read after that.
        """
        while True:
            state = data, position, pieces, _, _ = self._state
            if pieces:
                frame, after, more = _cut_long(state)
            else:
                start, size, more = position + _HEADER_SIZE, len(data), ()
                if size < start:
                    return None
                token, length = _HEADER.unpack_from(data, position)
                if length > self._limit:
                    raise FrameTooLarge(token, length, self._limit)
                end = start + length
                if end > size:
                    frame, after = None, (b"", 0, [data[start:]], token, end - size)
                else:
                    frame = FrameReceived(token, data[start:end])
                    # The rest is not kept until more comes, which may be never.
                    after = (b"", 0, pieces, 0, 0) if end == size else (data, end, pieces, 0, 0)
            if self._state is state:
                pieces += more
                self._state = after
                return frame

    def unread(self) -> bytes:
        """The bytes that are no complete frame yet."""
        data, position, pieces, token, missing = self._state
        if not pieces:
            return data[position:]
        body = b"".join(pieces)
        return frame_header(token, len(body) + missing) + body + data[position:]


def _cut_long(state: _State) -> tuple[FrameReceived | None, _State, tuple[bytes, ...]]:
    """Cut a frame of which there are pieces: the frame, if its end is here; the state after that;
    a further piece."""
    # Kept as they came, and put together once, where a buffer that grows is copied again and again.
    # In a scan of documents of 100 bytes: 0.035 µs each of 1.1, in place of 0.06.
    data, _, pieces, token, missing = state
    size = len(data)
    if size < missing:
        return None, (b"", 0, pieces, token, missing - size), (data,)
    frame = FrameReceived(token, b"".join((*pieces, data[:missing])))
    return frame, (data if missing < size else b"", missing, [], 0, 0), ()
