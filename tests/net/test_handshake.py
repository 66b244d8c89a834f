"""Logging in: both ends joined, and each against an end that misbehaves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb.errors import ReqlAuthError, ReqlDriverError
from rethinkdb.net.client import ClientProtocol
from rethinkdb.net.events import ConnectionLost, FrameReceived, HandshakeCompleted
from rethinkdb.net.frames import frame_header
from rethinkdb.net.handshake import LINE_LIMIT, HandshakeRefused
from rethinkdb.net.protocol import State
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol
from rethinkdb.net.violations import LocalProtocolError, RemoteProtocolError

from .pair import USERS, Pair, byte_by_byte, failure, settled, whole

# The example of RFC 7677, so that both sides' bytes are known in full.
NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
USER = Credentials.from_password(
    "pencil", 4096, bytes.fromhex("5b6d99689d12358eec a04b141236fa81".replace(" ", ""))
)
CLIENT_HELLO = (
    b"\xc3\xbd\xc24"
    b'{"protocol_version":0,"authentication_method":"SCRAM-SHA-256",'
    b'"authentication":"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"}\0'
)
CLIENT_PROOF = (
    b'{"authentication":"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,'
    b'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="}\0'
)
GREETING = (
    b'{"success":true,"min_protocol_version":0,"max_protocol_version":0,"server_version":"2.4.4"}\0'
)
CHALLENGE = (
    b'{"success":true,"authentication":"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,'
    b's=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}\0'
)
SIGNATURE = b'{"success":true,"authentication":"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}\0'

splits = pytest.mark.parametrize("split", [whole, byte_by_byte])


def client(**options):
    return ClientProtocol("user", "pencil", "db.example", 28015, nonce=NONCE, **options)


def server(**options):
    return ServerProtocol({"user": USER}.get, "2.4.4", SERVER_NONCE, **options)


def feed(protocol, data, split=whole):
    """Everything the protocol does with these bytes: its events, and what it sends."""
    events, sent = [], b""
    for piece in split(data):
        protocol.receive_data(piece)
        events += protocol.events_received()
        sent += protocol.data_to_send()
    return events, sent


def refused(protocol, data, split=whole):
    """The cause of the ConnectionLost these bytes bring, and what is sent."""
    [event], sent = feed(protocol, data, split)
    assert isinstance(event, ConnectionLost)
    assert protocol.close_requested
    assert protocol.state is State.CLOSING
    return event.cause, sent


@splits
def test_client_logs_in(split):
    protocol = client()
    assert protocol.data_to_send() == CLIENT_HELLO
    assert feed(protocol, GREETING, split) == ([], b"")
    assert feed(protocol, CHALLENGE, split) == ([], CLIENT_PROOF)
    assert protocol.state is State.CONNECTING
    events, sent = feed(protocol, SIGNATURE, split)
    assert events == [HandshakeCompleted("user", "2.4.4")]
    assert sent == b""
    assert protocol.state is State.OPEN


@splits
def test_server_lets_in(split):
    protocol = server()
    assert protocol.data_to_send() == b""
    assert feed(protocol, CLIENT_HELLO, split) == ([], GREETING + CHALLENGE)
    events, sent = feed(protocol, CLIENT_PROOF, split)
    assert events == [HandshakeCompleted("user", "2.4.4")]
    assert sent == SIGNATURE
    assert protocol.state is State.OPEN


FROM_SERVER = GREETING + CHALLENGE + SIGNATURE + frame_header(7, 3) + b"[1]"
FROM_CLIENT = CLIENT_HELLO + CLIENT_PROOF + frame_header(7, 3) + b"[1]"


@pytest.mark.parametrize("cut", range(len(FROM_SERVER)))
def test_client_input_cut_at_every_offset(cut):
    protocol = client()
    events = feed(protocol, FROM_SERVER[:cut])[0] + feed(protocol, FROM_SERVER[cut:])[0]
    assert events == [HandshakeCompleted("user", "2.4.4"), FrameReceived(7, b"[1]")]


@pytest.mark.parametrize("cut", range(len(FROM_CLIENT)))
def test_server_input_cut_at_every_offset(cut):
    protocol = server()
    events = feed(protocol, FROM_CLIENT[:cut])[0] + feed(protocol, FROM_CLIENT[cut:])[0]
    assert events == [HandshakeCompleted("user", "2.4.4"), FrameReceived(7, b"[1]")]


@splits
@pytest.mark.parametrize(
    ("user", "password"), [("admin", ""), ("bob", "pass,=phräse"), ("a=b,c", "x")]
)
def test_both_ends(user, password, split):
    pair = Pair(user, password, split=split)
    assert pair.user == user
    assert pair.session.is_open


@splits
@pytest.mark.parametrize("version", [None, 2.4, ["2.4.4"], {}, "\ud800"])
def test_a_version_that_is_no_text_is_not_kept(version, split):
    greeting = json.dumps({**json.loads(GREETING[:-1]), "server_version": version}).encode() + b"\0"
    [event], _ = feed(client(), greeting + CHALLENGE + SIGNATURE, split)
    assert event == HandshakeCompleted("user", "")


@pytest.mark.parametrize(
    ("user", "password", "message"),
    [
        ("bob", "wrong", "Could not connect to db.example:28015, Wrong password"),
        ("nobody", "", "Could not connect to db.example:28015, Unknown user"),
    ],
)
@splits
def test_wrong_credentials(user, password, message, split):
    pair = Pair(user, password, split=split, opened=False)
    pair.move()
    error = failure(pair.session.opened)
    assert isinstance(error, ReqlAuthError)
    assert str(error) == message
    assert pair.session.close_requested
    assert pair.server.close_requested
    assert settled(pair.session.closed) is None
    assert isinstance(pair.lost[0], HandshakeRefused)


@pytest.mark.parametrize("option", ["user", "password"])
def test_credentials_that_cannot_be_encoded(option):
    with pytest.raises(ReqlDriverError, match=f"option `{option}`.*surrogate"):
        ClientProtocol(**{option: "x\ud800"})


# What the client makes of other answers.


def error_line(text, code):
    return json.dumps({"success": False, "error": text, "error_code": code}).encode() + b"\0"


@splits
@pytest.mark.parametrize("before", [b"", GREETING, GREETING + CHALLENGE])
@pytest.mark.parametrize("code", range(1, 23))
def test_error_codes(code, before, split):
    cause, _ = refused(client(), before + error_line("Reason", code), split)
    if 10 <= code <= 20:
        assert isinstance(cause, ReqlAuthError)
        assert str(cause) == "Could not connect to db.example:28015, Reason"
    else:
        assert type(cause) is ReqlDriverError
        assert str(cause) == "Could not connect to db.example:28015. Error: Reason"


OLD = b"ERROR: Received an unsupported protocol version.\n"


@splits
@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        (OLD + b"\0", ["2.3 or newer", "Received an unsupported protocol version."]),
        (OLD, ["2.3 or newer", "Received an unsupported protocol version."]),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n<html>\0", ["HTTP/1.1 400 Bad Request'", "28015"]),
        (b"\x15\x03\x01\0\x02\x02\x46", ["expects TLS", "ssl={'ca_certs'"]),
        (b"SSH-2.0-OpenSSH_9.6\r\n", ["no RethinkDB", "SSH-2.0-OpenSSH_9.6"]),
        (b"\xff\xfe\n", ["no RethinkDB"]),
        (b"{not JSON\0", ["no RethinkDB", "{not JSON"]),
        (b"{" * 1500 + b"\0", ["no RethinkDB"]),
        (b"\0", ["no RethinkDB"]),
        (b"[1]\0", ["no RethinkDB"]),
        (b"x" * 5000, ["no RethinkDB", "x" * 200 + "'"]),
        (b"{" + b"x" * 5000, ["no RethinkDB"]),
    ],
)
def test_other_servers(answer, texts, split):
    cause, _ = refused(client(), answer, split)
    assert isinstance(cause, RemoteProtocolError)
    assert str(cause).startswith("Could not connect to db.example:28015. Error: ")
    for text in texts:
        assert text in str(cause)


def test_unfinished_text_is_shown_when_the_server_hangs_up():
    protocol = client()
    protocol.receive_data(b"Go away")
    protocol.receive_eof()
    [event] = protocol.events_received()
    assert "'Go away'" in str(event.cause)


def test_unfinished_json_is_not():
    protocol = client()
    protocol.receive_data(GREETING[:10])
    protocol.receive_eof()
    [event] = protocol.events_received()
    assert isinstance(event.cause, EOFError)
    assert "mid-message, 10 bytes" in str(event.cause)


@pytest.mark.parametrize(
    ("answer", "type", "text"),
    [
        (b'{"success":true}\0', RemoteProtocolError, "does not say which protocol versions"),
        (
            b'{"success":true,"min_protocol_version":1,"max_protocol_version":2}\0',
            ReqlDriverError,
            "Unsupported protocol version 0: the server speaks 1 to 2",
        ),
        (
            b'{"success":true,"min_protocol_version":false,"max_protocol_version":true}\0',
            RemoteProtocolError,
            "does not say which protocol versions",
        ),
        (b'{"success":false}\0', ReqlDriverError, "no reason given"),
        (
            b'{"success":false,"error":["a"],"error_code":[12]}\0',
            ReqlDriverError,
            "no reason given",
        ),
        (b'{"success":false,"error":null,"error_code":12}\0', ReqlAuthError, "no reason given"),
        (b'{"success":1,"error":"\\ud800","error_code":{}}\0', ReqlDriverError, "no reason given"),
        (GREETING + b'{"success":true}\0', RemoteProtocolError, "no authentication message"),
        (
            GREETING + b'{"success":true,"authentication":"r=\\ud800"}\0',
            RemoteProtocolError,
            "no authentication message",
        ),
        (
            GREETING + CHALLENGE.replace(b"i=4096", b"i=4000000"),
            ReqlAuthError,
            "Invalid iteration count from server: '4000000'. This driver accepts 1 to 1000000",
        ),
        (
            GREETING + CHALLENGE.replace(b"s=W22ZaJ0SNY7soEsUEjb6gQ==", b"s="),
            ReqlAuthError,
            "Invalid salt from server",
        ),
        (
            GREETING + CHALLENGE.replace(b"r=rOpr", b"m=x,r=rOpr"),
            ReqlAuthError,
            "Extensions not supported",
        ),
        (
            GREETING + CHALLENGE.replace(b"rOpr", b"xxxx"),
            ReqlAuthError,
            "Invalid nonce from server",
        ),
        (
            GREETING + CHALLENGE + SIGNATURE.replace(b"6rri", b"xxxx"),
            ReqlAuthError,
            "Invalid server signature",
        ),
    ],
)
@splits
def test_broken_servers(answer, type, text, split):
    cause, _ = refused(client(), answer, split)
    assert isinstance(cause, type)
    assert "Could not connect to db.example:28015" in str(cause)
    assert text in str(cause)


# What the server makes of other clients.


@splits
@pytest.mark.parametrize("magic", [b"GET / HTTP/1.1\r\n", b"\x20\x2d\x0c\x41", b"\0\0\0\0"])
def test_wrong_magic_is_told_in_plain_text(magic, split):
    cause, sent = refused(server(), magic, split)
    assert sent.startswith(b"ERROR: Received an unsupported protocol version.")
    assert sent.endswith(b"\n\0")
    assert isinstance(cause, HandshakeRefused)
    shown, _ = refused(client(), sent, split)
    assert "Received an unsupported protocol version" in str(shown)


def hello(**changes):
    fields = {
        "protocol_version": 0,
        "authentication_method": "SCRAM-SHA-256",
        "authentication": "n,,n=user,r=C",
    }
    return json.dumps(fields | changes).encode()


def proof(text):
    return hello() + b"\0" + json.dumps({"authentication": text}).encode()


@splits
@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (hello(protocol_version="0"), 1),
        (hello(protocol_version=True), 1),
        (hello(protocol_version=None), 1),
        (b"[]", 1),
        (hello(protocol_version=1), 2),
        (hello(authentication_method=1), 3),
        (hello(authentication_method="PLAIN"), 4),
        (hello(authentication=None), 5),
        (hello(authentication="n,,n=\ud800,r=C"), 8),
        (b"x" * LINE_LIMIT, 7),
        (b"x" * 5000, 7),
        (b"{", 8),
        (b'{"x":1e999}', 8),
        (b'{"x":NaN}', 8),
        (b"\xef\xbb\xbf{}", 8),
        (b'"\xff"', 9),
        (hello()[:-1] + b',"protocol_version":0}', 9),
        (b"[" * 1800, 8),
        (hello(authentication="n,,n=user"), 10),
        (hello(authentication="n,,m=1,n=user,r=C"), 11),
        (hello(authentication="y,,n=user,r=C"), 15),
        (hello(authentication="n,,n=,r=C"), 18),
        (proof(None), 5),
        (proof("c=biws"), 10),
        (proof(f"c=biws,r=C{SERVER_NONCE},p=AAAA"), 12),
    ],
)
def test_refusals(lines, code, split):
    cause, sent = refused(server(), CLIENT_HELLO[:4] + lines + b"\0", split)
    assert isinstance(cause, HandshakeRefused)
    assert cause.code == code
    last = json.loads(sent.split(b"\0")[-2])
    assert last == {"success": False, "error": cause.message, "error_code": code}
    assert sent.startswith(GREETING)


def test_the_longest_line_is_accepted():
    line = hello(authentication="n,,n=user,r=").ljust(LINE_LIMIT - 1)
    events, sent = feed(server(), CLIENT_HELLO[:4] + line + b"\0")
    assert events == []
    assert b'"success":true,"authentication"' in sent


def test_unknown_users_are_told_only_after_their_proof():
    protocol = ServerProtocol(USERS.get, "2.4.4", SERVER_NONCE)
    events, sent = feed(protocol, CLIENT_HELLO)
    assert events == []
    assert b"i=4096" in sent
    cause, _ = refused(protocol, CLIENT_PROOF)
    assert (cause.code, cause.message) == (17, "Unknown user")


def test_a_failing_look_up_of_credentials_ends_the_connection():
    def fail(user):
        raise LookupError("directory is down")

    cause, sent = refused(ServerProtocol(fail), CLIENT_HELLO)
    assert isinstance(cause, LookupError)
    assert sent == GREETING


# Both.


@pytest.mark.parametrize("make", [client, server])
def test_no_frame_before_the_handshake(make):
    with pytest.raises(LocalProtocolError, match="before the handshake"):
        make().send_frame(1, b"[1]")


noise = st.lists(st.binary(max_size=3000), max_size=4)


@given(noise, st.booleans())
def test_noise_never_raises(pieces, magic):
    for protocol in (client(), server()):
        if magic:
            protocol.receive_data(CLIENT_HELLO[:4])
        for piece in pieces:
            protocol.receive_data(piece)
        protocol.receive_eof()
        *_, last = protocol.events_received()
        assert isinstance(last, ConnectionLost)
        assert last.cause is not None
        assert protocol.state is State.CLOSED
