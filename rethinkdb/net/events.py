"""What a protocol reports upwards, to the session or to a server's connection handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["ConnectionLost", "Event", "FrameReceived", "HandshakeCompleted"]


@dataclass(frozen=True, slots=True)
class HandshakeCompleted:
    """Both sides have proved who they are; frames may be sent from now on.

    Attributes:
        user: the name the client logged in with.
        server_version: what the server calls itself, such as "2.4.4".
    """

    user: str
    server_version: str


class FrameReceived(NamedTuple):  # made for each frame: 0.3 µs, where a frozen dataclass takes 0.5
    """One frame: a query on the server's side, a reply on the client's.

    Attributes:
        token: the query it belongs to, unsigned.
        payload: UTF-8 JSON, not looked at yet.
    """

    token: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The last event: nothing will be received or sent any more.

    Attributes:
        cause: what the transport or the parser saw; None when this side closed.
    """

    cause: BaseException | None


Event = HandshakeCompleted | FrameReceived | ConnectionLost
