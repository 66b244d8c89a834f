"""SCRAM-SHA-256. The worked example is the one published in RFC 7677, section 3."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb.net import scram
from rethinkdb.net.scram import Credentials, ScramClient, ScramError, ScramServer, make_nonce

NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
CLIENT_FIRST = f"n,,n=user,r={NONCE}"
SERVER_FIRST = f"r={NONCE}{SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
CLIENT_FINAL = f"c=biws,r={NONCE}{SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
PENCIL = Credentials.from_password("pencil", 4096, b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))


def test_published_example_client():
    client = ScramClient("user", "pencil", NONCE)
    assert client.first_message() == CLIENT_FIRST
    assert client.final_message(SERVER_FIRST) == CLIENT_FINAL
    client.verify(SERVER_FINAL)


def test_published_example_server():
    server = ScramServer({"user": PENCIL}.get, SERVER_NONCE)
    assert server.challenge(CLIENT_FIRST) == SERVER_FIRST
    assert server.verify(CLIENT_FINAL) == SERVER_FINAL
    assert server.user == "user"


def log_in(user: str, password: str, users: dict[str, Credentials]) -> str:
    client = ScramClient(user, password, make_nonce())
    server = ScramServer(users.get, make_nonce())
    proof = client.final_message(server.challenge(client.first_message()))
    client.verify(server.verify(proof))
    return server.user


text = st.text(st.characters(exclude_categories=["Cs"]))


@given(text.filter(bool), text)
def test_any_user_and_password(user, password):
    users = {user: Credentials.from_password(password, 1)}
    assert log_in(user, password, users) == user
    with pytest.raises(ScramError, match="Wrong password") as info:
        log_in(user, password + "x", users)
    assert info.value.code == 12
    with pytest.raises(ScramError, match="Unknown user") as info:
        log_in(user + "x", password, users)
    assert info.value.code == 17


def test_nonces_differ():
    assert make_nonce() != make_nonce()
    assert len(b64decode(make_nonce())) == 18


def test_salts_differ():
    assert Credentials.from_password("x", 1).salt != Credentials.from_password("x", 1).salt


def test_unknown_users_get_a_plausible_challenge():
    challenge = ScramServer({}.get, "S").challenge("n,,n=nobody,r=C")
    nonce, salt, iterations = challenge.split(",")
    assert nonce == "r=CS"
    assert len(b64decode(salt[2:])) == 16
    assert iterations == "i=4096"


@pytest.mark.parametrize(
    ("challenge", "message"),
    [
        ("r=CS,s=YQ==,i=1", None),
        ("r=S,s=YQ==,i=1", "Invalid nonce"),
        ("r=C,s=YQ==,i=1", "Invalid nonce"),
        ("s=YQ==,i=1", "Invalid nonce"),
        ("r=CS,s=YQ==,i=1,x=y", None),  # an extension that may be ignored
        ("m=1,r=CS,s=YQ==,i=1", "Extensions not supported"),
        ("r=CS,s=YQ==,i=1,m=1", "Extensions not supported"),
        ("r=CS,i=1", "Invalid salt from server: it is empty"),
        ("r=CS,s=,i=1", "Invalid salt from server: it is empty"),
        ("r=CS,s=Y,i=1", "Invalid salt"),
        ("r=CS,s=ä,i=1", "Invalid salt"),
        ("r=CS,s=YQ==", "Invalid iteration count"),
        ("r=CS,s=YQ==,i=0", "Invalid iteration count"),
        ("r=CS,s=YQ==,i=-1", "Invalid iteration count"),
        ("r=CS,s=YQ==,i=٣", "Invalid iteration count"),
        ("r=CS,s=YQ==,i=1000001", "count from server: '1000001'. This driver accepts 1 to 1000000"),
        ("r=CS,s=YQ==,i=10000001", "Invalid iteration count"),
        ("r=CS,s=YQ==,i=" + "9" * 5000, "Invalid iteration count"),
        ("", "Invalid encoding"),
        ("r=CS,r=CS", "Invalid encoding"),
        ("rr=CS", "Invalid encoding"),
    ],
)
def test_challenges(challenge, message):
    client = ScramClient("user", "", "C")
    if message is None:
        client.final_message(challenge)
        return
    with pytest.raises(ScramError, match=message):
        client.final_message(challenge)


def test_the_greatest_iteration_count_is_accepted(monkeypatch):
    asked = []
    monkeypatch.setattr(scram, "_salted_password", lambda *args: asked.append(args) or bytes(32))
    ScramClient("user", "pencil", "C").final_message("r=CS,s=YQ==,i=1000000")
    assert asked == [("pencil", b"a", 1_000_000)]


@pytest.mark.parametrize("answer", ["", "v=", "v=6rriTRBi", "e=invalid-proof", SERVER_FINAL + "ä"])
def test_a_server_that_cannot_sign_is_refused(answer):
    client = ScramClient("user", "pencil", NONCE)
    client.final_message(SERVER_FIRST)
    with pytest.raises(ScramError, match="Invalid server signature"):
        client.verify(answer)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("y,,n=user,r=C", 15),
        ("p=tls-unique,,n=user,r=C", 15),
        ("n,", 10),
        ("n,,", 10),
        ("n,,n=user", 10),
        ("n,,r=C", 10),
        ("n,,n=user,r=C,x=1", 10),
        ("n,,n=user,n=user,r=C", 10),
        ("n,,m=x,n=user,r=C", 11),
        ("n,,n=,r=C", 18),
        ("n,,n=a=b,r=C", 18),
        ("n,,n=a=2,r=C", 18),
    ],
)
def test_first_messages_that_are_refused(message, code):
    with pytest.raises(ScramError) as info:
        ScramServer({"user": PENCIL}.get, "S").challenge(message)
    assert info.value.code == code


def proof_with(**changes: str) -> str:
    attributes = dict(part.split("=", 1) for part in CLIENT_FINAL.split(","))
    attributes.update(changes)
    return ",".join(f"{name}={value}" for name, value in attributes.items())


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (proof_with(p=b64encode(bytes(32)).decode()), 12),
        (proof_with(p=b64encode(bytes(31)).decode()), 12),
        (proof_with(p="!"), 12),
        (proof_with(c="eSws"), 10),
        (proof_with(m="x"), 11),
        (proof_with(x="y"), 10),
        (CLIENT_FINAL + ",,", 10),
        ("c=biws,r=" + NONCE, 10),
        ("c=biws,p=AAAA", 12),  # the proof is checked first
    ],
)
def test_proofs_that_are_refused(message, code):
    server = ScramServer({"user": PENCIL}.get, SERVER_NONCE)
    server.challenge(CLIENT_FIRST)
    with pytest.raises(ScramError) as info:
        server.verify(message)
    assert info.value.code == code


def test_a_comma_at_the_end_is_accepted():
    server = ScramServer({"user": PENCIL}.get, SERVER_NONCE)
    server.challenge(CLIENT_FIRST)
    assert server.verify(CLIENT_FINAL + ",")
    assert ScramServer({"user": PENCIL}.get, "S").challenge("n,,n=user,r=C,")


def test_a_right_proof_of_too_little_is_refused():
    server = ScramServer({"user": PENCIL}.get, SERVER_NONCE)
    server._known, server._credentials = True, PENCIL
    client_key = scram._hmac(scram._salted_password("pencil", PENCIL.salt, 4096), b"Client Key")
    proof = scram._xor(client_key, scram._hmac(PENCIL.stored_key, b",,c=biws"))
    with pytest.raises(ScramError) as info:
        server.verify("c=biws,p=" + b64encode(proof).decode())
    assert info.value.code == 10


def test_a_right_proof_for_another_nonce_is_refused():
    client = ScramClient("user", "pencil", NONCE)
    server = ScramServer({"user": PENCIL}.get, SERVER_NONCE)
    challenge = server.challenge(client.first_message())
    client.first_message()
    proof = client.final_message(challenge)
    assert server.verify(proof)
    other = ScramServer({"user": PENCIL}.get, SERVER_NONCE)
    other.challenge(CLIENT_FIRST)
    other._nonce += "x"  # as if the proof were for an earlier exchange
    with pytest.raises(ScramError) as info:
        other.verify(proof)
    assert info.value.code == 20
