"""The actions of the fault proxy, by name: what each does to a message."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator

HEADER = struct.Struct("<QI")
"""The header of a frame: token and length."""

_DELAY = 0.002

# What an action may yield instead of bytes, as its last item.
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
    """Stop reading, so that the sender's buffers fill up."""
    yield STANDSTILL


def _split(message: bytes) -> Iterator[bytes]:
    for position in range(len(message)):
        yield message[position : position + 1]


def _delay(message: bytes) -> Iterator[bytes]:
    time.sleep(_DELAY)
    yield message


def _garble(message: bytes) -> Iterator[bytes]:
    """Replace the content by nonsense of the same length. Frame headers and line ends stay."""
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
    """A reply nested deeper than any JSON parser accepts."""
    yield _with_body(message, _DEEP_REPLY)


def _devalue(message: bytes) -> Iterator[bytes]:
    """A valid reply that holds an invalid time."""
    yield _with_body(message, _WORTHLESS_REPLY)


def _with_body(message: bytes, body: bytes) -> bytes:
    token, _ = HEADER.unpack_from(message)
    return HEADER.pack(token, len(body)) + body


def _misaddress(message: bytes) -> Iterator[bytes]:
    """A reply with a token that no query has."""
    token, length = HEADER.unpack_from(message)
    yield HEADER.pack(token + 1000, length) + message[HEADER.size :]


def _overstate(message: bytes) -> Iterator[bytes]:
    """A reply that says it is 4 GiB long."""
    token, _ = HEADER.unpack_from(message)
    yield HEADER.pack(token, 0xFFFFFFFF) + message[HEADER.size :]


#: For each name, the function that gives what is sent instead of a message.
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
