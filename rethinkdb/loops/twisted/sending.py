"""What Twisted's transports have beside their documented interface: sending without waiting."""

from __future__ import annotations

from typing import Any

__all__ = ["buffered", "send"]


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
