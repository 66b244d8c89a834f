"""After the handshake: frames, limits, the end; client and server alike."""

from __future__ import annotations

import logging

import pytest

from rethinkdb.net.client import ClientProtocol
from rethinkdb.net.events import ConnectionLost, FrameReceived
from rethinkdb.net.frames import FrameTooLarge, frame_header
from rethinkdb.net.protocol import State
from rethinkdb.net.server import ServerProtocol

from .pair import USERS, byte_by_byte, whole

splits = pytest.mark.parametrize("split", [whole, byte_by_byte])


def joined(**options):
    """A client and a server whose handshake is complete."""
    client_options = {key: options[key] for key in options if key == "max_reply_size"}
    server_options = {key: options[key] for key in options if key == "max_query_size"}
    client = ClientProtocol(**client_options)
    server = ServerProtocol(USERS.get, **server_options)
    for _ in range(3):
        server.receive_data(client.data_to_send())
        client.receive_data(server.data_to_send())
    for end in (client, server):
        assert end.state is State.OPEN
        end.events_received()
    return client, server


@splits
def test_frames_both_ways(split):
    client, server = joined()
    for sender, receiver in [(client, server), (server, client)]:
        sender.send_frame(1, b"[1]")
        sender.send_frame(2**64 - 1, b"")
        for piece in split(sender.data_to_send()):
            receiver.receive_data(piece)
        assert receiver.events_received() == [
            FrameReceived(1, b"[1]"),
            FrameReceived(2**64 - 1, b""),
        ]
    assert client.data_to_send() == b""


@splits
def test_a_reply_over_the_limit_ends_the_connection(split):
    client, _ = joined(max_reply_size=10)
    for piece in split(frame_header(1, 10) + b"0123456789" + frame_header(2, 11) + b"more"):
        client.receive_data(piece)
    first, last = client.events_received()
    assert first == FrameReceived(1, b"0123456789")
    assert isinstance(last.cause, FrameTooLarge)
    assert client.close_requested


@splits
def test_a_query_over_the_limit_is_read_to_its_end_then_answered(split):
    client, server = joined(max_query_size=10)
    client.send_frame(1, b"0123456789")
    client.send_frame(2, b"0123456789!")
    *pieces, last = split(client.data_to_send())
    for piece in pieces:
        server.receive_data(piece)
    assert server.data_to_send() == b""
    server.receive_data(last)
    server.receive_data(b"ignored")
    first, lost = server.events_received()
    assert first == FrameReceived(1, b"0123456789")
    assert isinstance(lost, ConnectionLost)
    assert isinstance(lost.cause, FrameTooLarge)
    assert server.close_requested
    client.receive_data(server.data_to_send())
    assert client.events_received() == [
        FrameReceived(2, b'{"t": 16, "r": ["Query size (11) greater than maximum (10)."], "b": []}')
    ]


def test_a_query_far_over_the_limit_is_answered_at_once():
    client, server = joined()
    server.receive_data(frame_header(1, 2**30))
    client.receive_data(server.data_to_send())
    [reply] = client.events_received()
    assert b"Query size (1073741824) greater than maximum (134217727)." in reply.payload
    assert server.close_requested


def test_eof_while_discarding():
    _, server = joined(max_query_size=10)
    server.receive_data(frame_header(1, 11) + b"0123")
    server.receive_eof()
    [lost] = server.events_received()
    assert isinstance(lost.cause, EOFError)


def test_eof():
    client, _ = joined()
    client.send_frame(1, b"[1]")
    client.receive_eof()
    [lost] = client.events_received()
    assert str(lost.cause) == "The peer closed the connection."
    assert client.state is State.CLOSED
    assert client.close_requested
    assert client.data_to_send() == b""


def test_eof_in_mid_frame():
    client, _ = joined()
    client.receive_data(frame_header(1, 100) + b"abc")
    client.receive_eof()
    [lost] = client.events_received()
    assert "mid-message, 15 bytes" in str(lost.cause)


def test_eof_with_an_error_only_once():
    client, _ = joined()
    error = ConnectionResetError("reset")
    client.receive_eof(error)
    client.receive_eof(OSError("later"))
    assert client.events_received() == [ConnectionLost(error)]
    assert client.events_received() == []


def test_close_sends_what_is_queued_and_reads_no_more():
    client, server = joined()
    client.send_frame(1, b"[4]")
    client.close()
    client.close()
    assert client.state is State.CLOSING
    assert client.close_requested
    client.send_frame(2, b"dropped")
    client.receive_data(frame_header(1, 1) + b"x")
    assert client.events_received() == [ConnectionLost(None)]
    server.receive_data(client.data_to_send())
    assert server.events_received() == [FrameReceived(1, b"[4]")]
    client.receive_eof()
    assert client.state is State.CLOSED
    assert client.events_received() == []


def test_what_is_no_frame_is_not_logged_as_one(caplog):
    with caplog.at_level(logging.DEBUG, "rethinkdb.wire"):
        client, _ = joined(max_reply_size=10)
        client.receive_data(frame_header(1, 2) + b"{}" + frame_header(2, 11))
    assert [record.getMessage() for record in caplog.records] == ["received 1: 2 bytes"]


def test_an_interrupt_ends_the_handshake():
    def interrupt(user):
        raise KeyboardInterrupt

    client, server = ClientProtocol(), ServerProtocol(interrupt)
    data = client.data_to_send()
    with pytest.raises(KeyboardInterrupt):
        server.receive_data(data)
    [event] = server.events_received()
    assert isinstance(event.cause, KeyboardInterrupt)
    assert server.close_requested
    server.receive_data(data)
    assert server.events_received() == []


def test_frames_are_logged_when_asked_for(caplog):
    with caplog.at_level(logging.DEBUG, "rethinkdb.wire"):
        client, server = joined()
        client.log_values = server.log_values = True
        client.send_frame(1, b"[1]" * 1000)
        server.receive_data(client.data_to_send())
    sent, received = (record.getMessage() for record in caplog.records)
    assert sent.startswith("sent 1: b'[1][1]")
    assert received.startswith("received 1: b'[1][1]")
    assert len(received) < 250
