"""What a fault makes of a message: the actions of the fault proxy, by name."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator

HEADER = struct.Struct("<QI")
"""A frame's token and length."""

_DELAY = 0.002

# What an action yields in place of bytes, last of all.
HANGUP = b"\0HANGUP"
SILENCE = b"\0SILENCE"
STANDSTILL = b"\0STANDSTILL"


def _cut(message: bytes) -> Iterator[bytes]:
    yield HANGUP


def _halve(message: bytes) -> Iterator[bytes]:
    yield message[: len(message) // 2]
    yield HANGUP


def _mute(message: bytes) -> Iterator[bytes]:
    yield SILENCE


def _stall(message: bytes) -> Iterator[bytes]:
    """Read no more: whoever sends finds the line full."""
    yield STANDSTILL


def _split(message: bytes) -> Iterator[bytes]:
    for position in range(len(message)):
        yield message[position : position + 1]


def _delay(message: bytes) -> Iterator[bytes]:
    time.sleep(_DELAY)
    yield message


def _garble(message: bytes) -> Iterator[bytes]:
    """Same length, no sense; a frame keeps its header, a line its end."""
    if message.endswith(b"\0"):
        yield b"?" * (len(message) - 1) + b"\0"
    else:
        yield message[: HEADER.size] + b"?" * (len(message) - HEADER.size)


_MISTYPED_LINE = b'{"success":true,"min_protocol_version":[],"authentication":{}}\0'
_MISTYPED_REPLY = b'{"t":18,"r":["boom"],"b":[],"e":[1]}'
_DEEP_REPLY = b'{"t":18,"r":[%s],"b":[]}' % (b"[" * 2000 + b"]" * 2000)
_WORTHLESS_REPLY = b'{"t":1,"r":[{"$reql_type$":"TIME","epoch_time":[]}]}'


def _mistype(message: bytes) -> Iterator[bytes]:
    """JSON whose fields are of the wrong types."""
    yield _MISTYPED_LINE if message.endswith(b"\0") else _with_body(message, _MISTYPED_REPLY)


def _deepen(message: bytes) -> Iterator[bytes]:
    """A reply nested deeper than anybody reads."""
    yield _with_body(message, _DEEP_REPLY)


def _devalue(message: bytes) -> Iterator[bytes]:
    """A reply in order, with a time that is none."""
    yield _with_body(message, _WORTHLESS_REPLY)


def _with_body(message: bytes, body: bytes) -> bytes:
    token, _ = HEADER.unpack_from(message)
    return HEADER.pack(token, len(body)) + body


def _misaddress(message: bytes) -> Iterator[bytes]:
    """A reply to nobody's query."""
    token, length = HEADER.unpack_from(message)
    yield HEADER.pack(token + 1000, length) + message[HEADER.size :]


def _overstate(message: bytes) -> Iterator[bytes]:
    """A reply that says it is 4 GiB long."""
    token, _ = HEADER.unpack_from(message)
    yield HEADER.pack(token, 0xFFFFFFFF) + message[HEADER.size :]


#: By name: what a message becomes.
ACTIONS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "cut": _cut,
    "halve": _halve,
    "mute": _mute,
    "stall": _stall,
    "split": _split,
    "delay": _delay,
    "garble": _garble,
    "mistype": _mistype,
    "deepen": _deepen,
    "devalue": _devalue,
    "misaddress": _misaddress,
    "overstate": _overstate,
}
