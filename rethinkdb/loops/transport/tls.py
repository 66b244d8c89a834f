"""TLS without a socket: one implementation under every loop.

`ssl.SSLObject` works on memory, so TLS is one more sans-IO layer: a `TLSLink` stands between a
session and whatever moves the bytes, and looks to an adapter exactly like the session. So every
loop trusts, verifies, fails and closes alike; none of them needs the TLS of its own library
(Twisted's takes no `SSLContext`, gevent's only its own kind); and as one lock guards session and
TLS together, threads may share a connection, which a blocking `SSLSocket` does not allow.
"""

from __future__ import annotations

import ssl
from collections import deque
from typing import Any, Protocol

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.handshake import refusal
from rethinkdb.net.options import ConnectOptions, TLSConfig
from rethinkdb.net.session import Session
from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.steps import exhaust

__all__ = ["Link", "TLSLink", "deliver", "open_link"]

# One TLS record holds 16 KiB; reading several at once saves calls on large batches.
_READ_SIZES = (65536,)
_RECORD = (slice(0, 16384),)


class Link(Protocol):
    """What an adapter moves bytes for: a `Session`, or TLS around one.

    An adapter whose steps a signal handler may interrupt moves them itself: what arrives to
    `incoming`, and then calls `proceed`; what is to be sent from `output`, after `prepare`.

    Attributes:
        incoming: what has arrived, in pieces.
        output: what is to be sent.
    """

    incoming: deque[bytes]
    output: bytearray

    @property
    def close_requested(self) -> bool:
        """Send what `data_to_send` still has, then close the transport."""
        ...

    @property
    def output_pending(self) -> bool:
        """Whether there is anything to do: bytes to send, or to close."""
        ...

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer. Never raises; call `data_to_send` afterwards."""
        ...

    def proceed(self) -> None:
        """Handle what is `incoming`, and go on with what an interrupt has left undone."""
        ...

    def prepare(self) -> None:
        """Bring what is to be sent to `output`."""
        ...

    def receive_eof(self, exc: Exception | None = None) -> None:
        """The transport ended, because of `exc` if that is known."""
        ...

    def data_to_send(self) -> bytes:
        """Bytes for the peer, each of them once."""
        ...

    @property
    def clock_wanted(self) -> bool:
        """Whether `tick` is to be called now."""
        ...

    def tick(self, now: float, unsent: int = 0) -> float | None:
        """Do what is due; flush afterwards. The result is when to call it again."""
        ...


def deliver(link: Link, data: bytes) -> None:
    """Give a link what has arrived.

    It does not raise. Should it do so all the same, that is a fault of this driver: the link is
    lost then, with that as the cause, and so neither the loop nor a nursery ends because of it.
    """
    try:
        link.receive_data(data)
    except Exception as exc:
        link.receive_eof(exc)


def open_link(session: Session, options: ConnectOptions) -> Link:
    """What to move bytes for: the session, or TLS around it if the options say so.

    Raises:
        ReqlDriverError: the file of certificates cannot be read, or the `SSLContext` given is of
            no use for a client.
    """
    if options.tls is None:
        return session
    context = make_context(options.tls)
    try:
        return TLSLink(session, context, options.host, options.port)
    except (ssl.SSLError, ValueError) as exc:  # ValueError: the host is no host name
        raise ReqlDriverError(
            f"`ssl` cannot be used to connect to {options.host}:{options.port}: {exc}."
        ) from exc


def make_context(config: TLSConfig) -> ssl.SSLContext:
    """An `SSLContext` that verifies the server's certificate and its host name."""
    if config.context is not None:
        context: ssl.SSLContext = config.context
        return context
    try:
        context = ssl.create_default_context(cafile=config.ca_certs)
    except OSError as exc:  # an SSLError is one too
        if raised_by_handler(exc):
            raise
        raise ReqlDriverError(
            f"`ssl['ca_certs']`: cannot load certificates from {config.ca_certs!r}: {exc}."
        ) from exc
    if config.ca_certs is not None:
        # Python 3.13 made this the default. It refuses the home-made authorities that people name
        # here, for instance those without a key usage extension.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class TLSLink:
    """A session's bytes, encrypted.

    Args:
        session: gets the plain text.
        context: says whom to trust.
        host: the name that the server's certificate must bear.
        port: for the texts of errors only.
    """

    def __init__(self, session: Session, context: ssl.SSLContext, host: str, port: int) -> None:
        self.incoming: deque[bytes] = deque()
        self.output = bytearray()
        self._session = session
        self._host = host
        self._port = port
        self._encrypted = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._encrypted, self._outgoing, server_hostname=host)
        # The methods of an `SSLObject` are written in Python, where an interrupt may strike between
        # what they have read and its being stored. Those of the object inside are not.
        inside: Any = getattr(self._tls, "_sslobj", self._tls)
        self._read, self._write = inside.read, inside.write
        self._established = False
        self._closed = False
        self._failure: ReqlDriverError | None = None
        self._handshake()

    @property
    def close_requested(self) -> bool:
        return self._closed or self._session.close_requested

    @property
    def output_pending(self) -> bool:
        return self._closed or bool(self._outgoing.pending) or self._session.output_pending

    def receive_data(self, data: bytes) -> None:
        self.incoming += (data,)
        self.proceed()

    def proceed(self) -> None:
        try:
            exhaust(map(self._encrypted.write, iter(self.incoming.popleft, None)))
        except IndexError as exc:  # it is empty, perhaps since just now
            if raised_by_handler(exc):
                raise
        if not self._established and not self._closed:
            self._handshake()
        if self._established and not self._closed:
            self._decrypt()
        if self._closed:
            self._session.receive_eof(self._failure)

    def receive_eof(self, exc: Exception | None = None) -> None:
        if exc is None and not self._established and not self._closed:
            exc = self._error(
                "TLS: the server closed the connection during the TLS handshake. "
                "Does it expect TLS on this port? If not, leave `ssl` out."
            )
        self._session.receive_eof(exc)

    def data_to_send(self) -> bytes:
        self.prepare()
        data = bytes(self.output)
        self.output.clear()
        return data

    def prepare(self) -> None:
        # Before the handshake is done the session's bytes wait in the session.
        if self._established and not self._closed:
            plain = self._session.output
            while plain:
                record = filter(None, map(plain.__getitem__, _RECORD))
                exhaust(map(plain.__delitem__, map(slice, map(self._write, record))))
            if self._session.close_requested:
                self._say_goodbye()
        exhaust(map(self.output.extend, iter(self._outgoing.read, b"")))

    @property
    def clock_wanted(self) -> bool:
        return self._session.clock_wanted

    def tick(self, now: float, unsent: int = 0) -> float | None:
        return self._session.tick(now, unsent)

    def _handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as exc:
            self._fail(exc)
            return
        self._established = True

    def _decrypt(self) -> None:
        received = self._session.incoming
        while not self._closed:
            try:
                received.extend(map(self._read, _READ_SIZES))
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as exc:
                self._fail(exc)
                return
            if received and not received[-1]:  # the peer's goodbye
                self._say_goodbye()
            self._session.proceed()
        self._session.proceed()

    def _say_goodbye(self) -> None:
        self._closed = True
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            return  # our goodbye lies in `_outgoing`; nobody waits for the peer's

    def _fail(self, exc: ssl.SSLError) -> None:
        error = self._error(_explain(exc))
        error.__cause__ = exc
        self._failure = error
        self._closed = True

    def _error(self, text: str) -> ReqlDriverError:
        return ReqlDriverError(text if self._established else refusal(self._host, self._port, text))


def _explain(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return (
            f"TLS: the server's certificate was refused: {exc.verify_message} "
            'Give the authority that signed it as ssl={"ca_certs": path}, '
            "and connect to the host name it is made out to."
        )
    reason = (exc.reason or str(exc)).replace("_", " ").lower()
    if exc.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return (
            f"TLS: the server does not speak TLS on this port ({reason}). Leave `ssl` out, "
            "or start the server with a driver TLS certificate."
        )
    return f"TLS: {reason}."
