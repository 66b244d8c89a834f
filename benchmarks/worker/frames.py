"""What the floors of all loops share: frames, tokens, and what waits for each reply.

A floor is the least client that its loop's own primitives allow: a Future, a Deferred or the like
for each query, one call of orjson for each reply, queries of one turn in one write. A frame that is
not there as a whole is read straight to where it is decoded. A batch is asked for as soon as the
one before has come. It checks nothing, reads no pseudo-types, and has neither cursors that close
nor errors.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import orjson
from bare import HEADER, Client
from job import Job

__all__ = ["READ_SIZE", "Frames", "dialled"]

#: What the driver reads at once, too.
READ_SIZE = 1 << 16

Settle = Callable[[Any], object]


def dialled(job: Job) -> socket.socket:
    """A socket of a connection that has logged in, for a loop to take over."""
    sock = Client(job.host, job.port).sock
    sock.setblocking(False)
    return sock


class Frames:
    """One connection; a subclass moves its bytes.

    Attributes:
        waiting: by token, what to call with the reply.
        pending: frames that go out with the next flush.
        rest: where the rest of a frame is to be read to, if the beginning of one has come.
    """

    rest: memoryview | None = None

    def __init__(self) -> None:
        self.waiting: dict[int, Settle] = {}
        self.pending: list[bytes] = []
        self.last_token = 0
        self._start = b""  # of a header
        self._payload = bytearray()  # that `rest` is the end of
        self._token = 0  # which it has

    def write(self, frame: bytes) -> None:
        """Send at once."""
        raise NotImplementedError

    def soon(self) -> None:
        """Have `flush` called when this turn of the loop is over."""
        raise NotImplementedError

    def token(self) -> int:
        self.last_token += 1
        return self.last_token

    def put(self, payload: bytes, settle: Settle, token: int) -> None:
        """Send a query, a lone one at once, the queries of one turn together."""
        frame = HEADER.pack(token, len(payload)) + payload
        if not self.waiting:
            self.waiting[token] = settle
            self.write(frame)
            return
        self.waiting[token] = settle
        if not self.pending:
            self.soon()
        self.pending.append(frame)

    def flush(self) -> None:
        frames = b"".join(self.pending)
        self.pending.clear()
        self.write(frames)

    def received(self, data: bytes) -> None:
        """Settle whatever has arrived whole. There is no `rest`."""
        if self._start:
            data, self._start = self._start + data, b""
        position, end = 0, len(data)
        while end - position >= HEADER.size:
            token, length = HEADER.unpack_from(data, position)
            position += HEADER.size
            after = position + length
            if after > end:
                self._payload, self._token = bytearray(length), token
                self._payload[: end - position] = data[position:]
                self.rest = memoryview(self._payload)[end - position :]
                return
            reply = orjson.loads(data[position:after])
            position = after
            self.waiting.pop(token)(reply)
        if position < end:
            self._start = data[position:]

    def filled(self, count: int) -> None:
        """So many bytes have been read into `rest`."""
        assert self.rest is not None
        self.rest = self.rest[count:]
        if not self.rest:
            self.rest = None
            payload, self._payload = self._payload, bytearray()
            reply = orjson.loads(payload)
            del payload
            self.waiting.pop(self._token)(reply)
