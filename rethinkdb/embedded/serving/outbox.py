"""Bytes for a client that its socket has not accepted yet."""

from __future__ import annotations

import socket
from collections import deque

_BLOCK = 256 * 1024
"""Small pieces are joined up to this size, for one system call."""


class Outbox:
    """The bytes that are still to be sent, in order. They are not copied while they wait.

    Attributes:
        size: how many bytes there are.
    """

    __slots__ = ("_head", "_pieces", "size")

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._head = memoryview(b"")
        self.size = 0

    def add(self, data: bytes) -> None:
        """Adds bytes at the end."""
        if data:
            self._pieces.append(data)
            self.size += len(data)

    def send_to(self, receiver: socket.socket) -> None:
        """Sends as much as the socket accepts without blocking.

        Raises:
            OSError: the connection is gone.
        """
        while self.size:
            if not self._head:
                self._head = memoryview(self._block())
            try:
                sent = receiver.send(self._head)
            except (BlockingIOError, InterruptedError):
                return
            self._head = self._head[sent:]
            self.size -= sent

    def _block(self) -> bytes:
        first = self._pieces.popleft()
        size, block = len(first), [first]
        while self._pieces and size + len(self._pieces[0]) <= _BLOCK:
            block.append(self._pieces.popleft())
            size += len(block[-1])
        return first if len(block) == 1 else b"".join(block)
