"""What the floors of all loops share: frames, tokens, and what waits for each reply.

A floor is the least client that its loop's own primitives allow: a Future, a Deferred or the like
for each query, one call of orjson for each reply, queries of one turn in one write. It checks
nothing, reads no pseudo-types, and has neither cursors that close nor errors.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import orjson
from bare import HEADER, Client
from job import Job

__all__ = ["READ_SIZE", "Frames", "dialled"]

READ_SIZE = 1 << 18

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
    """

    def __init__(self) -> None:
        self.waiting: dict[int, Settle] = {}
        self.pending: list[bytes] = []
        self.last_token = 0
        self._parts: list[bytes] = []
        self._have = 0
        self._needed = HEADER.size

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
        """Settle whatever has arrived whole."""
        if self._parts:
            self._parts.append(data)
            self._have += len(data)
            if self._have < self._needed:
                return
            data = b"".join(self._parts)
            self._parts = []
        position, end, needed = 0, len(data), HEADER.size
        while end - position >= HEADER.size:
            token, length = HEADER.unpack_from(data, position)
            after = position + HEADER.size + length
            if after > end:
                needed += length
                break
            reply = orjson.loads(data[position + HEADER.size : after])
            position = after
            self.waiting.pop(token)(reply)
        if position < end:
            self._parts, self._have, self._needed = [data[position:]], end - position, needed
