"""Sending by Twisted's transports: without waiting, and no faster than the server reads."""

from __future__ import annotations

from typing import Any

from rethinkdb.net.outflow import MAX_UNSENT, Outflow

__all__ = ["Producer", "buffered", "send"]


class Producer:
    """Tells the core whether a transport's buffer is full.

    Twisted's name for it is a producer. It calls one when the buffer holds 64 KiB.
    """

    def __init__(self, outflow: Outflow) -> None:
        self._outflow = outflow
        self._full = False

    def tell(self) -> None:
        """Tell the core."""
        self._outflow.held_back(MAX_UNSENT + 1 if self._full else 0)

    # Called by Twisted.

    def pauseProducing(self) -> None:  # noqa: N802
        self._full = True
        self.tell()

    def resumeProducing(self) -> None:  # noqa: N802
        self._full = False
        self.tell()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost. The wire is told, too."""


def send(transport: Any, data: bytes, at_once: bool) -> None:
    """Send bytes: now what the socket takes without waiting, or all in the reactor's next turn."""
    write_some = getattr(transport, "writeSomeData", None)  # there is none on Windows
    if at_once and write_some is not None and not buffered(transport):
        sent = write_some(data)
        if type(sent) is int:  # otherwise it is lost, which the next write tells Twisted
            data = data[sent:]
    if data:
        transport.write(data)


def buffered(transport: Any) -> int:
    """How many bytes wait in a transport to be sent. Twisted has no method for this."""
    # Its transports have these attributes, except on Windows.
    waiting: list[bytes] = getattr(transport, "_tempDataBuffer", [])
    sending: bytes = getattr(transport, "dataBuffer", b"")
    sent: int = getattr(transport, "offset", 0)
    return sum(map(len, [*waiting, sending])) - sent
