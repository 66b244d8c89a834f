"""The handshake of drivers from before 2016; all answers are a real server's."""

from __future__ import annotations

import struct

import pytest

from rethinkdb.net.events import ConnectionLost, FrameReceived, HandshakeCompleted
from rethinkdb.net.frames import frame_header
from rethinkdb.net.protocol import State
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol

V0_1, V0_2, V0_3, V0_4 = 0x3F61BA36, 0x723081E1, 0x5F75E83E, 0x400C2D20
JSON, PROTOBUF = 0x7E6970C7, 0x271FFC41
QUERY = b"[1,5]"
FRAME = frame_header(7, len(QUERY)) + QUERY
NO_PROTOBUF = b"ERROR: The PROTOBUF client protocol is no longer supported\n\0"
WRONG_KEY = b"ERROR: Incorrect authorization key.\n\0"
TOO_LONG = b"ERROR: Client provided an authorization key that is too long.\n\0"


def hello(version: int = V0_4, key: bytes = b"", encoding: int = JSON) -> bytes:
    return struct.pack("<II", version, len(key)) + key + struct.pack("<I", encoding)


def server(password: str = "") -> ServerProtocol:
    return ServerProtocol({"admin": Credentials.from_password(password, 1)}.get)


ACCEPTED = {
    "without a key": (hello(), ""),
    "with the password": (hello(key="sécret".encode()), "sécret"),
    "V0_3": (hello(V0_3), ""),
}


@pytest.mark.parametrize(("data", "password"), ACCEPTED.values(), ids=ACCEPTED)
def test_old_clients_are_let_in_as_admin_however_their_bytes_arrive(
    data: bytes, password: str
) -> None:
    data += FRAME
    for place in range(len(data) + 1):
        protocol = server(password)
        protocol.receive_data(data[:place])
        protocol.receive_data(data[place:])
        assert protocol.data_to_send() == b"SUCCESS\0"
        assert protocol.events_received() == [
            HandshakeCompleted("admin", "2.4.4"),
            FrameReceived(7, QUERY),
        ]
        assert protocol.state is State.OPEN


def test_byte_by_byte() -> None:
    protocol = server()
    for byte in hello() + FRAME:
        protocol.receive_data(bytes([byte]))
    assert protocol.data_to_send() == b"SUCCESS\0"
    protocol.send_frame(7, b"{}")
    assert protocol.data_to_send() == frame_header(7, 2) + b"{}"


@pytest.mark.parametrize(("version", "one_by_one"), [(V0_3, True), (V0_4, False)])
def test_the_oldest_expect_answers_in_order(version: int, one_by_one: bool) -> None:
    protocol = server()
    protocol.receive_data(hello(version))
    assert protocol.one_by_one is one_by_one


REFUSED = {
    "V0_1": (struct.pack("<I", V0_1), NO_PROTOBUF),
    "V0_2": (struct.pack("<I", V0_2), NO_PROTOBUF),
    "protocol buffers": (hello(encoding=PROTOBUF), NO_PROTOBUF),
    "unknown encoding": (
        hello(encoding=0x11111111),
        b"ERROR: Unrecognized protocol specified: '286331153'\n\0",
    ),
    "encoding that is shown signed": (
        hello(encoding=0xFFFFFFFF),
        b"ERROR: Unrecognized protocol specified: '-1'\n\0",
    ),
    "wrong key": (hello(key=b"abc"), WRONG_KEY),
    "no text": (hello(key=b"\xff\xfe"), WRONG_KEY),
    "wrong key comes first": (hello(key=b"abc", encoding=PROTOBUF), WRONG_KEY),
    "wrong key, the rest to come": (hello(key=b"abc")[:-4], WRONG_KEY),
    "longest key": (hello(key=b"a" * 2048), WRONG_KEY),
    "too long": (struct.pack("<II", V0_4, 2049), TOO_LONG),
    "giant length": (struct.pack("<II", V0_3, 2**32 - 1), TOO_LONG),
}


@pytest.mark.parametrize(("data", "answer"), REFUSED.values(), ids=REFUSED)
def test_refusals(data: bytes, answer: bytes) -> None:
    protocol = server()
    protocol.receive_data(data)
    assert protocol.data_to_send() == answer
    assert protocol.close_requested
    (event,) = protocol.events_received()
    assert isinstance(event, ConnectionLost)
    assert answer == f"ERROR: {event.cause}\n\0".encode()


def test_without_an_admin_nobody_comes_in_like_that() -> None:
    protocol = ServerProtocol({}.get)
    protocol.receive_data(hello())
    assert protocol.data_to_send() == WRONG_KEY
