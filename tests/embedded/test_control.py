"""Choices, defaults, functions called, chance, JavaScript, the web."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlNonExistenceError, ReqlPermissionError, ReqlUserError
from tests.trying import REAL_SERVER

from .cases import Cases, missing, parametrize, wrong
from .support import Failure, outcome

NO_ATTRIBUTE = 'No attribute `b` in object:\n{\n\t"a":\t1\n}'

BRANCHES: Cases = {
    "first": (r.branch(True, 1, r.error("x")), 1),
    "second": (r.branch(None, r.error("x"), 0, 2, r.error("x")), 2),
    "else": (r.branch(False, 1, 2), 2),
    "even": (
        r.branch(True, 1, True, 2),
        wrong("Cannot call `branch` term with an even number of arguments."),
    ),
    "failures stand where the value was made": (
        r.branch(True, "a", 1).floor(),
        wrong("Expected type NUMBER but found STRING.", 0, 1),
    ),
}

DEFAULTS: Cases = {
    "not needed": (r.expr(1).default(r.error("x")), 1),
    "for null": (r.expr(None).default(1), 1),
    "for what is missing": (r.expr({"a": 1})["b"].default(2), 2),
    "false is there": (r.expr(False).default(1), False),
    "function is told why": (r.expr({"a": 1})["b"].default(lambda why: why), NO_ATTRIBUTE),
    "function is told null": (r.expr(None).default(lambda why: [why]), [None]),
    "brought back": (r.expr({"a": 1})["b"].default(r.error()), missing(NO_ATTRIBUTE, 0)),
    "null brought back": (r.expr(None).default(r.error()), None),
    "not for errors of users": (r.error("x").default(1), Failure(ReqlUserError, "x", (0,))),
    "not for nonsense": (
        (r.expr("a") + 1).default(1),
        wrong("Expected type STRING but found NUMBER.", 0),
    ),
    "failing itself": (r.expr(None).default(r.error("x")), Failure(ReqlUserError, "x", (1,))),
    "lonely error": (r.error(), wrong("Empty ERROR term outside a default block.")),
    "sequences pass": (r.range(2).default(1), [0, 1]),
}

FUNCTIONS: Cases = {
    "do": (r.do(1, 2, lambda a, b: a + b), 3),
    "without parameters": (r.do(lambda: 1), 1),
    "constant": (r.do(1, 2), 2),
    "wrong number": (
        r.do(1, lambda a, b: a),
        wrong("Expected function with 1 argument but found function with 2 arguments.", 0, 1),
    ),
    "on each group": (
        r.expr([{"a": 1, "b": 2}, {"a": 1, "b": 3}])
        .group("a")
        .count()
        .do(lambda n: n * 10)
        .ungroup(),
        [{"group": 1, "reduction": 20}],
    ),
    "args": (r.add(r.args([1, 2]), 3), 6),
    "args of no array": (r.add(r.args(1)), wrong("Expected type ARRAY but found NUMBER.", 0)),
    "args alone": (r.args([1, 2]), [1, 2]),
    "args too few": (
        r.expr([1]).append(r.args([])),
        wrong("Expected 2 arguments but found 1."),
    ),
    "binary": (r.binary(r.expr("é")), "é".encode()),
    "binary of binary": (r.binary(r.binary(b"a")), b"a"),
    "binary of a number": (
        r.binary(r.expr(1)),
        wrong("Expected type STRING but found NUMBER."),
    ),
}


@parametrize({**BRANCHES, **DEFAULTS, **FUNCTIONS})
def test_control(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


# -- chance


def test_identifiers(conn: Any) -> None:
    assert r.uuid("magic").run(conn) == "97dd10a5-4fc4-554f-86c5-0d2c2e3d5330"
    first, second = (uuid.UUID(r.uuid().run(conn)) for _ in range(2))
    assert first != second
    assert first.version == 4


def test_the_identifier_of_a_string_depends_on_nothing_else(conn: Any, table: Any) -> None:
    table.index_create("u", r.uuid(r.row["a"])).run(conn)
    failure = outcome(conn, table.index_create("v", lambda row: r.uuid()))
    assert failure.message.startswith("Could not prove function deterministic.")


RANDOM = {
    "fraction": (r.random(), lambda n: 0 <= n < 1),
    "integer": (r.random(3), lambda n: n in (0, 1, 2)),
    "between": (r.random(-3, -1), lambda n: n in (-3, -2)),
    "fraction between": (r.random(2, 1, float=True), lambda n: 1 < n <= 2),
    "fraction between the same": (r.random(2, 2, float=True), lambda n: n == 2),
    "wide": (r.random(-1.7e308, 1.7e308, float=True), lambda n: abs(n) < 1.7e308),
}


@pytest.mark.parametrize(("term", "fits"), RANDOM.values(), ids=RANDOM)
def test_chance(conn: Any, term: Any, fits: Callable[[Any], bool]) -> None:
    assert fits(term.run(conn))


NO_CHANCE: Cases = {
    "no bounds": (
        r.random(float=False),
        wrong("Generating a random integer requires one or two bounds."),
    ),
    "fraction as a bound": (
        r.random(1.5),
        wrong("Upper bound (1.5) could not be safely converted to an integer."),
    ),
    "nothing between": (
        r.random(3, 3),
        wrong("Lower bound (3) is not less than upper bound (3)."),
    ),
}


@parametrize(NO_CHANCE)
def test_no_chance(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


# -- JavaScript

ADD_ONE = r.js("(function(x) { return x + 1; })")
JAVASCRIPT: Cases = {
    "value": (r.js("[1, 'a', null, {b: true}]"), [1, "a", None, {"b": True}]),
    "function": (r.expr([1, 2]).map(ADD_ONE), [2, 3]),
    "function of several": (r.do(1, 2, r.js("(function(x, y) { return [y, x]; })")), [2, 1]),
    "predicate": (r.expr([1, 2]).filter(r.js("(function(x) { return x > 1; })")), [2]),
    "date out": (r.js("new Date(1500)").to_epoch_time(), 1.5),
    "date in": (r.do(r.epoch_time(1.5), r.js("(function(t) { return t.getTime(); })")), 1500),
    "nested dates": (
        r.do({"t": [r.epoch_time(1)]}, r.js("(function(x) { return x.t[0]; })")).to_epoch_time(),
        1,
    ),
    "error": (r.js("throw new Error('no')"), wrong("Error: no")),
    "thrown string": (r.js("throw 'no'"), wrong("no")),
    "unknown name": (r.js("nothing"), wrong("ReferenceError: 'nothing' is not defined")),
    "syntax": (r.js("1 +"), wrong("SyntaxError: unexpected token in expression: ''")),
    "undefined": (
        r.js("[undefined]"),
        wrong("Cannot convert javascript `undefined` to ql::datum_t."),
    ),
    "infinity": (r.js("1 / 0"), wrong("Number return value is not finite.")),
    "expression": (r.js("/a/"), wrong("Cannot convert RegExp to ql::datum_t.")),
    "symbol": (r.js("Symbol()"), wrong("Unhandled value type when converting to ql::datum_t.")),
    "nested function": (
        r.js("({a: function() {}})"),
        wrong("Cannot convert function to ql::datum_t."),
    ),
    "function from a function": (
        r.do(1, r.js("(function(x) { return function() {}; })")),
        wrong("Returning functions from within `r.js` is unsupported.", 0),
    ),
    "circle": (
        r.js("var a = {}; a.a = a; a"),
        wrong("Recursion limit exceeded in js_to_json (circular reference?)."),
    ),
    "bytes": (
        r.do(r.binary(b"a"), ADD_ONE),
        wrong("`r.binary` data cannot be used in `r.js`.", 0),
    ),
    "extremes": (r.do(r.minval, ADD_ONE), wrong("`r.minval` cannot be passed to `r.js`.", 0)),
    "endless": (
        r.js("while (true) {}", timeout=0.05),
        wrong("JavaScript query `while (true) {}` timed out after 0.050 seconds."),
    ),
    "endless function": (
        r.do(1, r.js("(function(x) { while (true) {} })", timeout=0.05)),
        wrong(
            "JavaScript query `(function(x) { while (true) {} })` timed out after 0.050 seconds.",
            0,
        ),
    ),
    "no string": (r.js(1), wrong("Expected type STRING but found NUMBER.")),
    "timeout": (
        r.js("1", timeout="x"),
        wrong("Expected type NUMBER but found STRING.", "timeout"),
    ),
}


@parametrize(JAVASCRIPT)
def test_javascript(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


def test_functions_serve_streams_that_go_on(conn: Any) -> None:
    found = r.range(50).map(ADD_ONE).run(conn, max_batch_rows=3)
    assert list(found) == list(range(1, 51))


# -- the web


class SiteServer(http.server.ThreadingHTTPServer):
    """A web server. `tries` counts how often `/flaky` was asked for."""

    tries = 0


class Site(http.server.BaseHTTPRequestHandler):
    """Tells what it was asked, unless a page of its own is asked for."""

    server: SiteServer

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        page = PAGES.get(path.rstrip("0123456789"))
        if page is not None:
            self.reply(*page(self, path, query))
            return
        told = {
            "method": self.command,
            "path": self.path,
            "body": body.decode(),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }
        self.reply(200, {"Content-Type": "application/json"}, json.dumps(told).encode())

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815


Reply = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


def redirect(site: Site, path: str, query: str) -> Reply:
    left = int(path.removeprefix("/redirect")) - 1
    return 302, {"Location": f"/redirect{left}" if left else "/end"}, b""


def numbers(site: Site, path: str, query: str) -> Reply:
    page = int(query.partition("=")[2] or 0)
    link = f'<http://{site.headers["Host"]}/numbers?page={page + 1}>; rel="next"'
    return 200, {**JSON, **({"Link": link} if page < 2 else {})}, json.dumps([page, -page]).encode()


def basic(site: Site, path: str, query: str) -> Reply:
    expected = "Basic " + base64.b64encode(b"ada:secret").decode()
    return (200 if site.headers.get("Authorization") == expected else 401), JSON, b"1"


def digest(site: Site, path: str, query: str) -> Reply:
    if site.headers.get("Authorization", "").startswith('Digest username="ada"'):
        return 200, JSON, b"2"
    return 401, {**JSON, "WWW-Authenticate": 'Digest realm="x", nonce="y", qop="auth"'}, b""


def flaky(site: Site, path: str, query: str) -> Reply:
    site.server.tries += 1
    return (200 if site.server.tries % 3 == 0 else 503), JSON, b"3"


def fixed(status: int, type: str, body: bytes, **headers: str) -> Callable[..., Reply]:
    return lambda *request: (status, {"Content-Type": type, **headers}, body)


PAGES: dict[str, Callable[..., Reply]] = {
    "/redirect": redirect,
    "/numbers": numbers,
    "/basic": basic,
    "/digest": digest,
    "/flaky": flaky,
    "/text": fixed(200, "text/plain", b"hello"),
    "/broken": fixed(200, "application/json", b'{"a":'),
    "/jsonp": fixed(200, "text/javascript", b'call.back({"a": 1});'),
    "/script": fixed(200, "text/javascript", b"alert(1, 2)"),
    "/image": fixed(200, "image/png", b"\xff\x00"),
    "/missing": fixed(404, "text/plain", b"nothing"),
    "/zipped": fixed(
        200, "application/json", gzip.compress(b"[1]"), **{"Content-Encoding": "gzip"}
    ),
    "/cookie": fixed(200, "application/json", b"{}", **{"Set-Cookie": "a=b"}),
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The URL of a web server of our own."""
    if REAL_SERVER and not REAL_SERVER.startswith(("127.", "localhost")):
        pytest.skip("the server cannot reach this machine's loopback")
    with SiteServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "get": ({}, {"method": "GET", "path": "/x", "body": ""}),
    "parameters": (
        {"params": {"b": 1.5, "a": "x y&", "c": None}},
        {"path": "/x?a=x%20y%26&b=1.5&c="},
    ),
    "form": (
        {"method": "POST", "data": {"b": "x y", "a": 1}},
        {"method": "POST", "body": "a=1&b=x%20y"},
    ),
    "text": ({"method": "POST", "data": "raw"}, {"body": "raw"}),
    "json": ({"method": "PUT", "data": {"a": [1]}}, {"body": '{\n\t"a":\t[\n\t\t1\n\t]\n}'}),
    "patch": ({"method": "PATCH", "data": "raw"}, {"method": "PATCH", "body": "raw"}),
    "delete": ({"method": "DELETE"}, {"method": "DELETE", "body": ""}),
}


@pytest.mark.parametrize(("options", "told"), ASKED.values(), ids=ASKED)
def test_what_is_asked(conn: Any, site: str, options: dict[str, Any], told: dict[str, Any]) -> None:
    found = r.http(f"{site}/x", **options).run(conn)
    assert {name: found[name] for name in told} == told


def test_headers(conn: Any, site: str) -> None:
    told = r.http(site, header={"X-A": "1", "User-Agent": "me"})["headers"].run(conn)
    assert (told["x-a"], told["user-agent"]) == ("1", "me")
    told = r.http(site, header=["X-A: 2"])["headers"].run(conn)
    assert (told["x-a"], told["user-agent"]) == ("2", "RethinkDB/2.4.4")
    put = r.http(site, method="PUT", data={"a": 1})["headers"].run(conn)
    assert put["content-type"] == "application/json"


GOT: dict[str, tuple[str, dict[str, Any], Any]] = {
    "text": ("/text", {}, "hello"),
    "bytes by type": ("/image", {}, b"\xff\x00"),
    "bytes if asked for": ("/text", {"result_format": "binary"}, b"hello"),
    "padded json": ("/jsonp", {}, {"a": 1}),
    "no padded json": ("/script", {}, "alert(1, 2)"),
    "unpacked": ("/zipped", {}, [1]),
    "head": ("/text", {"method": "HEAD"}, None),
    "redirected": ("/redirect1", {}, "/end"),
    "redirected twice": ("/redirect2", {"redirects": 2}, "/end"),
    "redirected form": ("/redirect1", {"method": "POST", "data": "x"}, "/end"),
    "basic": ("/basic", {"auth": {"user": "ada", "pass": "secret"}}, 1),
    "digest": ("/digest", {"auth": {"type": "digest", "user": "ada", "pass": "x"}}, 2),
}


@pytest.mark.parametrize(("path", "options", "expected"), GOT.values(), ids=GOT)
def test_what_is_got(conn: Any, site: str, path: str, options: Any, expected: Any) -> None:
    found = r.http(site + path, **options).run(conn)
    assert (found["path"] if expected == "/end" else found) == expected


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "redirected too often": ("/redirect2", {}, "Number of redirects hit maximum amount"),
    "not redirected": ("/redirect1", {"redirects": 0}, "status code 302"),
    "missing": ("/missing", {}, "status code 404"),
    "no json": ("/broken", {}, "failed to parse JSON response: Invalid value."),
    "no json in text": (
        "/text",
        {"result_format": "json"},
        "failed to parse JSON response: Invalid value.",
    ),
    "no padding": ("/text", {"result_format": "jsonp"}, "failed to parse JSONP response"),
    "no attempt": ("/x", {"attempts": 0}, "could not perform, no attempts allowed"),
    "unavailable": ("/flaky", {"attempts": 1}, "status code 503"),
    "unauthorized": ("/basic", {}, "status code 401"),
}


@pytest.mark.parametrize(("path", "options", "problem"), REFUSED.values(), ids=REFUSED)
def test_what_fails(conn: Any, site: str, path: str, options: Any, problem: str) -> None:
    failure = outcome(conn, r.http(site + path, **options))
    assert failure.kind is ReqlNonExistenceError
    assert failure.message.startswith(f"Error in HTTP GET of `{site}{path}`: {problem}.\nheader:\n")


def test_a_failure_shows_header_and_body(conn: Any, site: str) -> None:
    message = outcome(conn, r.http(f"{site}/missing")).message
    assert '\n\t"content-type":\t"text/plain"' in message
    assert message.endswith('\nbody:\n"nothing"')


def test_passing_failures_are_retried(conn: Any, site: str) -> None:
    assert r.http(f"{site}/flaky", attempts=3, result_format="binary").run(conn).endswith(b"3")


UNREACHABLE = {
    "nobody listens": ("http://127.0.0.1:1/", "could not connect to server"),
    "no such protocol": ("ftp://x/", "Unsupported protocol"),
    "nothing": ("", "URL using bad/illegal format or missing URL"),
}


@pytest.mark.parametrize(("url", "problem"), UNREACHABLE.values(), ids=UNREACHABLE)
def test_what_cannot_be_reached(conn: Any, url: str, problem: str) -> None:
    assert outcome(conn, r.http(url, attempts=1)) == missing(
        f"Error in HTTP GET of `{url}`: {problem}.\nheader:\nnull\nbody:\nnull"
    )


def test_time_runs_out(conn: Any, site: str) -> None:
    assert outcome(conn, r.http(site, timeout=0)) == missing(
        f"Error in HTTP GET of `{site}`: timed out after 0.000 seconds."
    )


def test_pages(conn: Any, site: str) -> None:
    url = f"{site}/numbers"
    every_page = [0, 0, 1, -1, 2, -2]
    assert list(r.http(url, page="link-next", page_limit=-1).run(conn)) == every_page
    assert list(r.http(url, page="link-next", page_limit=2).run(conn)) == every_page[:4]
    assert list(r.http(url, page="link-next", page_limit=0).run(conn)) == []

    def next_page(info: Any) -> Any:
        page = info["body"][0]
        return r.branch(page > 1, None, {"params": {"page": page + 1}})

    assert list(r.http(url, page=next_page, page_limit=9).run(conn)) == every_page


def test_cookies_go_from_page_to_page(conn: Any, site: str) -> None:
    pages = r.http(f"{site}/cookie", page=lambda info: f"{site}/x", page_limit=2)
    assert list(pages["headers"]["cookie"].run(conn)) == ["a=b"]


def test_a_page_function_may_fail(conn: Any, site: str) -> None:
    failure = outcome(conn, r.http(f"{site}/text", page=lambda info: 1, page_limit=2))
    assert failure.message.startswith(
        f"Error in HTTP GET of `{site}/text`: Expected `page` to return an OBJECT, but found"
        " NUMBER..\nError occurred during `page` called with:\n"
    )
    failure = outcome(conn, r.http(f"{site}/text", page=lambda info: r.error("x"), page_limit=2))
    assert failure.kind is ReqlUserError
    assert failure.frames == ("page", 1)


def test_fetching_needs_permission(server: Any, conn: Any, site: str) -> None:
    user = f"u_{uuid.uuid4().hex}"
    r.db("rethinkdb").table("users").insert({"id": user, "password": "x"}).run(conn)
    theirs = r.connect(host=server.host, port=server.port, user=user, password="x")
    try:
        assert outcome(theirs, r.http(site)) == Failure(
            ReqlPermissionError,
            f"User `{user}` does not have the required `connect` permission.",
            (),
        )
        r.grant(user, {"connect": True}).run(conn)
        assert r.http(site)["method"].run(theirs) == "GET"
    finally:
        theirs.close(noreply_wait=False)
        r.db("rethinkdb").table("users").get(user).delete().run(conn)


OPTIONS: Cases = {
    "method": (
        r.http("x", method="FOO"),
        wrong(
            "`method` (FOO) is not recognized (GET, HEAD, POST, PUT, PATCH and DELETE are"
            " allowed).",
            "method",
        ),
    ),
    "format": (
        r.http("x", result_format="x"),
        wrong(
            "`result_format` (x) is not recognized, ('auto', 'json', 'jsonp', 'text', and 'binary'"
            " are allowed).",
            "result_format",
        ),
    ),
    "data": (
        r.http("x", data="x"),
        wrong(
            "`data` should only be specified on a PUT, POST, PATCH, or DELETE request.  If you want"
            " URL parameters, use `params` instead."
        ),
    ),
    "form of a number": (
        r.http("x", method="POST", data=1),
        wrong("Expected `data` to be a STRING or OBJECT, but found NUMBER.", "data"),
    ),
    "form with an array": (
        r.http("x", method="POST", data={"a": []}),
        wrong("Expected `data.a` to be a NUMBER, STRING or NULL, but found ARRAY.", "data"),
    ),
    "parameters": (
        r.http("x", params={"a": True}),
        wrong(
            "Expected `params.a` to be a NUMBER, STRING or NULL, but found BOOL:\ntrue", "params"
        ),
    ),
    "header": (
        r.http("x", header=1),
        wrong("Expected `header` to be an ARRAY or OBJECT, but found NUMBER.", "header"),
    ),
    "header item": (
        r.http("x", header=[1]),
        wrong("Expected `header[0]` to be a STRING, but found NUMBER.", "header"),
    ),
    "header value": (
        r.http("x", header={"a": 1}),
        wrong("Expected `header.a` to be a STRING or NULL, but found NUMBER.", "header"),
    ),
    "header lines": (
        r.http("x", header=["a: b\nc: d"]),
        wrong("A `header` item contains newline characters.", "header"),
    ),
    "auth": (
        r.http("x", auth={"user": "a"}),
        wrong("`auth.pass` not found in the auth object.", "auth"),
    ),
    "auth type": (
        r.http("x", auth={"type": "x", "user": "a", "pass": "b"}),
        wrong("`auth.type` is not recognized ('basic', and 'digest' are allowed).", "auth"),
    ),
    "timeout": (r.http("x", timeout=-1), wrong("`timeout` may not be negative.", "timeout")),
    "page without limit": (
        r.http("x", page="link-next"),
        wrong(
            "Cannot use `page` without specifying `page_limit` (a positive number performs that"
            " many requests, -1 is unlimited).",
            "page",
        ),
    ),
    "page": (
        r.http("x", page="y", page_limit=1),
        wrong("`page` method 'y' not recognized, only 'link-next' is available.", "page"),
    ),
    "page limit": (
        r.http("x", page="link-next", page_limit=-2),
        wrong("`page_limit` should be greater than or equal to -1.", "page_limit"),
    ),
}


@parametrize(OPTIONS)
def test_options_of_http(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected
