"""The HTTP client of `r.http`: one request with redirects, retries, authentication and cookies."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import IO, Any

from rethinkdb.embedded import blocking, limits
from rethinkdb.embedded.outside.interruption import Interruption
from rethinkdb.embedded.outside.weblines import Line, PlainHandler, SecureHandler

_DEFAULT_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "deflate, gzip",
    "User-Agent": "RethinkDB/2.4.4",
}
DEFAULT_TIMEOUT = 30.0

_WORTH_RETRYING = frozenset((408, 500, 502, 503, 504))
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_CHUNK = 65536


class WebFailure(Exception):
    """The request failed. The text says why, in the words of a real server's client library."""


class TimedOut(Exception):
    """The request took too long."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password, and how to send them: `basic` or `digest`."""

    type: str
    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, and how often to try.

    Attributes:
        headers: lines as `Name: value`; they override the usual ones, without a value they
            remove them.
        timeout: the seconds that all attempts together may take.
        redirects: how many to follow at most.
        cookies: sent along, and added to by the answer.
    """

    method: str
    url: str
    headers: tuple[str, ...] = ()
    body: bytes | None = None
    timeout: float = DEFAULT_TIMEOUT
    attempts: int = 5
    redirects: int = 1
    verify: bool = True
    credentials: Credentials | None = None
    cookies: CookieJar = field(default_factory=CookieJar)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer. After redirects, the last one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def content_type(self) -> str:
        """The Content-Type in lower case, empty if there is none."""
        found = [value for name, value in self.headers if name.lower() == "content-type"]
        return found[-1].lower() if found else ""


def with_parameters(url: str, parameters: dict[str, str]) -> str:
    """The URL with `name=value` pairs added to it."""
    if not parameters:
        return url
    pairs = [f"{_quoted(name)}={_quoted(parameters[name])}" for name in sorted(parameters)]
    slash, question = url.rfind("/"), url.rfind("?")
    path = url + "/" if slash < 0 and question < 0 else url
    return f"{path}{'?' if question < 0 or slash > question else '&'}{'&'.join(pairs)}"


def form(fields: dict[str, str]) -> str:
    """The body of a posted form."""
    return "&".join(f"{_quoted(name)}={_quoted(fields[name])}" for name in sorted(fields))


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def perform(request: Request, interruption: Interruption) -> Answer:
    """Sends the request. Tries again if the failure may be temporary.

    Raises:
        WebFailure: there is no answer.
        TimedOut: it took too long.
        Interrupted: nobody waits for the answer any more.
    """
    line = Line()
    try:
        with blocking.elsewhere(), interruption.ending(line.cut):
            return _perform(request, interruption, line)
    finally:
        line.close()


def _perform(request: Request, interruption: Interruption, line: Line) -> Answer:
    deadline = time.monotonic() + request.timeout
    outcome: Answer | WebFailure = WebFailure("could not perform, no attempts allowed")
    for _ in range(request.attempts):
        interruption.check()
        outcome = _attempt(request, deadline, line)
        if isinstance(outcome, Answer) and outcome.status not in _WORTH_RETRYING:
            return outcome
    if isinstance(outcome, WebFailure):
        raise outcome
    return outcome


def _attempt(request: Request, deadline: float, line: Line) -> Answer | WebFailure:
    """An answer, or a failure after which to try again. Other failures are raised."""
    try:
        with _opener(request, line).open(_prepared(request), timeout=_left(deadline)) as response:
            return _read(response, deadline)
    except urllib.error.HTTPError as error:
        with error:
            return _read(error, deadline)
    except urllib.error.URLError as error:
        return _explained(error.reason if isinstance(error.reason, Exception) else error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _explained(error)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut
    return left


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "Couldn't resolve host name"),
    (ssl.SSLCertVerificationError, "SSL peer certificate or SSH remote key was not OK"),
    (ssl.SSLError, "SSL connect error"),
    (http.client.RemoteDisconnected, "Server returned nothing (no headers, no data)"),
    (http.client.InvalidURL, "URL using bad/illegal format or missing URL"),
    (http.client.HTTPException, "Weird server reply"),
    (urllib.error.URLError, "Unsupported protocol"),
    (ValueError, "URL using bad/illegal format or missing URL"),
)
_PASSING: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionResetError, "error when receiving data"),
    (BrokenPipeError, "error when sending data"),
    (OSError, "could not connect to server"),
)


def _explained(error: Exception) -> WebFailure:
    if isinstance(error, TimeoutError):
        raise TimedOut from error
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            raise WebFailure(reason) from error
    return WebFailure(next(reason for kind, reason in _PASSING if isinstance(error, kind)))


def _read(response: Any, deadline: float) -> Answer:
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        _left(deadline)
        _check_size(len(body))
    headers = response.headers.items()
    encoding = response.headers.get("Content-Encoding", "")
    return Answer(response.status, headers, _decoded(bytes(body), encoding))


def _check_size(size: int) -> None:
    if size > limits.MOST_WEB_BODY:
        raise WebFailure(f"the answer is longer than {limits.MOST_WEB_BODY} bytes")


def _decoded(body: bytes, encoding: str) -> bytes:
    if not body or encoding.lower() not in ("gzip", "deflate"):
        return body
    try:
        unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
        unpacked = unpacking.decompress(body, limits.MOST_WEB_BODY + 1)
        _check_size(len(unpacked))
        if not unpacking.eof:
            raise zlib.error("its end is missing")
        return unpacked
    except zlib.error as error:
        raise WebFailure("Unrecognized or bad HTTP Content or Transfer-Encoding") from error


def _prepared(request: Request) -> urllib.request.Request:
    if not request.url:
        raise WebFailure("URL using bad/illegal format or missing URL")
    url = request.url if "://" in request.url else f"http://{request.url}"
    body = request.body
    if body is None and request.method in ("POST", "PUT", "PATCH", "DELETE"):
        body = b""
    prepared = urllib.request.Request(url, body, method=request.method)
    headers = dict(_DEFAULT_HEADERS)
    if request.method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for line in request.headers:
        name, _, value = line.partition(":")
        headers[name.strip().title()] = value.strip()
    for name, value in headers.items():
        if value:
            prepared.add_header(name, value)
    if request.credentials is not None and request.credentials.type == "basic":
        prepared.add_unredirected_header("Authorization", _basic(request.credentials))
    return prepared


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.user}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def _opener(request: Request, line: Line) -> urllib.request.OpenerDirector:
    """The object that sends it. It knows HTTP and HTTPS only, and uses no proxy."""
    opener = urllib.request.OpenerDirector()
    handlers = (
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        PlainHandler(line),
        SecureHandler(line, context=_tls(verify=request.verify)),
        urllib.request.HTTPCookieProcessor(request.cookies),
        _Redirects(request.redirects),
        _NoGuessedType(),
    )
    for handler in handlers:
        opener.add_handler(handler)
    credentials = request.credentials
    if credentials is not None and credentials.type == "digest":
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, request.url, credentials.user, credentials.password)
        opener.add_handler(urllib.request.HTTPDigestAuthHandler(passwords))
    return opener


def _tls(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _NoGuessedType(urllib.request.BaseHandler):
    """Takes back the Content-Type that the library gives every body: it takes all for forms."""

    handler_order = 1000  # after the handlers that prepare the request

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        if request.get_method() != "POST":
            request.unredirected_hdrs.pop("Content-type", None)
        return request

    https_request = http_request


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects up to a number. If none are allowed, the redirect itself is the answer."""

    # The base class would count for itself.
    max_repeats = max_redirections = 2**31

    def __init__(self, most: int) -> None:
        self._most = most
        self._followed = 0

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if self._most == 0:
            return None
        if self._followed == self._most:
            raise WebFailure("Number of redirects hit maximum amount")
        self._followed += 1
        if req.get_method() not in ("GET", "HEAD", "POST"):
            raise WebFailure("Send failed since rewinding of the data stream failed")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        authorization = req.unredirected_hdrs.get("Authorization")
        if following is not None and authorization and following.host == req.host:
            following.add_unredirected_header("Authorization", authorization)
        return following
