"""HTTP requests: `r.http`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from rethinkdb.embedded.data import datum, merging, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import AnyFunction, Value
from rethinkdb.embedded.failures import Backtrace, QueryFailure, logic, non_existence
from rethinkdb.embedded.language.evaluation import Call, Environment, as_function, located
from rethinkdb.embedded.language.registry import Shortcut, term
from rethinkdb.embedded.outside import web, webanswers
from rethinkdb.embedded.outside.web import Credentials, Request, TimedOut, WebFailure
from rethinkdb.embedded.storage import permissions
from rethinkdb.ql2 import TermType

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_FORMATS = ("auto", "json", "jsonp", "text", "binary")
_LONGEST_TIMEOUT = 30 * 24 * 3600.0
_UNSIGNED = {"attempts": 2**64, "redirects": 2**32}

_OPTIONS = (
    "data",
    "timeout",
    "method",
    "params",
    "header",
    "attempts",
    "redirects",
    "verify",
    "page",
    "page_limit",
    "auth",
    "result_format",
)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """The request of a term. Its parameters are kept separately, because the next page may change
    them.
    """

    request: Request
    parameters: dict[str, Datum]
    format: str

    def perform(self, environment: Environment) -> _Result:
        """Sends the request. Raises NON_EXISTENCE if there is no usable answer."""
        texts = {name: _parameter_text(value) for name, value in self.parameters.items()}
        request = replace(self.request, url=web.with_parameters(self.request.url, texts))
        header: Datum = None
        body: Datum = None
        try:
            answer = web.perform(request, environment.interruption)
            header = webanswers.header(answer)
            if not 200 <= answer.status < 300:
                body = webanswers.text(answer.body) if answer.body else None
                raise WebFailure(f"status code {answer.status}")
            body = webanswers.text(answer.body)
            found = webanswers.body(request.method, answer, self.format)
            datum.check_all_arrays(found, environment.array_limit)
            return _Result(header, found)
        except TimedOut as error:
            problem = f"timed out after {request.timeout:.3f} seconds"
            raise non_existence(self.failed(problem)) from error
        except WebFailure as error:
            shown = f"\nheader:\n{datum.pretty(header)}\nbody:\n{datum.pretty(body)}"
            raise non_existence(self.failed(str(error)) + shown) from error

    def failed(self, problem: str) -> str:
        """The message for a failure of this request."""
        return f"Error in HTTP {self.request.method} of `{self.request.url}`: {problem}."


@dataclass(frozen=True, slots=True)
class _Result:
    header: Datum
    body: Datum


@term(TermType.HTTP, 1, options=_OPTIONS, determinism=Determinism.NEVER)
def http(call: Call) -> Value:
    """The content of a URL. With paging, the items of one page after the other."""
    permissions.require_connect(call.environment)
    fetch = _fetch(call, call.string(0))
    next_page, limit = _paging(call)
    if next_page is None:
        return fetch.perform(call.environment).body
    return Stream(
        _pages(call.environment, fetch, next_page, limit, call.place), backtrace=call.place
    )


# -- options


def _fetch(call: Call, url: str) -> _Fetch:
    credentials = _credentials(call)
    method = _choice(
        call,
        "method",
        _METHODS,
        "`method` ({}) is not recognized (GET, HEAD, POST, PUT, PATCH and DELETE are allowed).",
    )
    body, headers = _data(call, method)
    format = _choice(
        call,
        "result_format",
        _FORMATS,
        "`result_format` ({}) is not recognized, ('auto', 'json', 'jsonp', 'text', and 'binary'"
        " are allowed).",
    )
    parameters = _checked(call, "params", _parameters, {})
    headers = (*headers, *_checked(call, "header", _header_lines, ()))
    request = Request(
        method,
        url,
        headers,
        body,
        timeout=_checked(call, "timeout", _timeout, web.DEFAULT_TIMEOUT),
        attempts=_unsigned(call, "attempts", 5),
        redirects=_unsigned(call, "redirects", 1),
        verify=call.option_as("verify", datum.truth, True),
        credentials=credentials,
    )
    return _Fetch(request, parameters, format)


def _checked(call: Call, name: str, check: Callable[[Datum], Any], default: Any) -> Any:
    return call.option_as(name, check) if call.has_option(name) else default


def _choice(call: Call, name: str, choices: tuple[str, ...], refusal: str) -> str:
    value: str = call.option_as(name, datum.as_string, choices[0])
    if value not in choices:
        raise logic(refusal.format(value), call.option_backtrace(name))
    return value


def _unsigned(call: Call, name: str, default: int) -> int:
    value: int = call.option_as(name, datum.as_integer, default)
    if not 0 <= value < _UNSIGNED[name]:
        raise logic(f"Integer too large: {value}", call.option_backtrace(name))
    return value


def _timeout(value: Datum) -> float:
    seconds = datum.as_number(value)
    if seconds < 0:
        raise logic("`timeout` may not be negative.")
    return min(seconds, _LONGEST_TIMEOUT)


def _credentials(call: Call) -> Credentials | None:
    credentials: Credentials | None = call.option_as("auth", _checked_credentials)
    return credentials


def _checked_credentials(value: Datum) -> Credentials:
    if not isinstance(value, dict):
        raise logic(f"Expected `auth` to be an OBJECT, but found {datum.type_name(value)}.")
    type = value.get("type", "basic")
    if not isinstance(type, str):
        raise logic(f"Expected `auth.type` to be a STRING, but found {datum.type_name(value)}.")
    user, password = (_credential(value, name) for name in ("user", "pass"))
    if type not in ("basic", "digest"):
        raise logic("`auth.type` is not recognized ('basic', and 'digest' are allowed).")
    return Credentials(type, user, password)


def _credential(fields: dict[str, Datum], name: str) -> str:
    if name not in fields:
        raise logic(f"`auth.{name}` not found in the auth object.")
    value = fields[name]
    if not isinstance(value, str):
        raise logic(f"Expected `auth.{name}` to be a STRING, but found {datum.type_name(value)}.")
    return value


def _parameters(value: Datum) -> dict[str, Datum]:
    if not isinstance(value, dict):
        raise logic(
            f"Expected `params` to be an OBJECT, but found {datum.type_name(value)}:\n"
            f"{datum.pretty(value)}"
        )
    for name in sorted(value):
        item = value[name]
        if not _is_simple(item):
            raise logic(
                f"Expected `params.{name}` to be a NUMBER, STRING or NULL, but found"
                f" {datum.type_name(item)}:\n{datum.pretty(item)}"
            )
    return value


def _is_simple(value: Datum) -> bool:
    return value is None or isinstance(value, str) or datum.is_number(value)


def _parameter_text(value: Datum) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else datum.print_double(value)


def _header_lines(value: Datum) -> tuple[str, ...]:
    if isinstance(value, dict):
        lines = [_header_line(name, value[name]) for name in sorted(value)]
    elif isinstance(value, list):
        lines = [_header_item(place, item) for place, item in enumerate(value)]
    else:
        raise logic(
            f"Expected `header` to be an ARRAY or OBJECT, but found {datum.type_name(value)}."
        )
    if any("\r" in line or "\n" in line for line in lines):
        raise logic("A `header` item contains newline characters.")
    return tuple(line for line in lines if line)


def _header_line(name: str, value: Datum) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise logic(
            f"Expected `header.{name}` to be a STRING or NULL, but found {datum.type_name(value)}."
        )
    return f"{name}: {value}"


def _header_item(place: int, value: Datum) -> str:
    if not isinstance(value, str):
        raise logic(
            f"Expected `header[{place}]` to be a STRING, but found {datum.type_name(value)}."
        )
    return value


def _data(call: Call, method: str) -> tuple[bytes | None, tuple[str, ...]]:
    """The body of the request, and the header lines that it needs."""
    if not call.has_option("data"):
        return None, ()
    value = call.option_as("data", lambda value: value)
    if method in ("GET", "HEAD"):
        raise logic(
            "`data` should only be specified on a PUT, POST, PATCH, or DELETE request.  If you"
            " want URL parameters, use `params` instead."
        )
    if isinstance(value, str):
        return value.encode(), ()
    if method != "POST":
        return datum.pretty(value).encode(), ("Content-Type: application/json",)
    fields = located(_form_fields, value, call.option_backtrace("data"))
    return web.form(fields).encode(), ()


def _form_fields(value: Datum) -> dict[str, str]:
    if not isinstance(value, dict):
        raise logic(
            f"Expected `data` to be a STRING or OBJECT, but found {datum.type_name(value)}."
        )
    for name in sorted(value):
        if not _is_simple(value[name]):
            raise logic(
                f"Expected `data.{name}` to be a NUMBER, STRING or NULL, but found"
                f" {datum.type_name(value[name])}."
            )
    return {name: _parameter_text(item) for name, item in value.items()}


# -- paging


def _paging(call: Call) -> tuple[AnyFunction | None, int]:
    """The way to find the next page, and the number of pages to fetch (-1: all)."""
    if not call.has_option("page"):
        return None, 0
    page = call.option("page")
    place = call.option_backtrace("page")
    if not call.has_option("page_limit"):
        raise logic(
            "Cannot use `page` without specifying `page_limit` (a positive number performs that"
            " many requests, -1 is unlimited).",
            place,
        )
    if page is None:
        return None, 0
    next_page = located(lambda value: as_function(value, Shortcut.PAGE), page, place)
    limit = call.option_as("page_limit", datum.as_integer)
    if limit < -1:
        raise logic(
            "`page_limit` should be greater than or equal to -1.",
            call.option_backtrace("page_limit"),
        )
    return next_page, limit


def _pages(
    environment: Environment, fetch: _Fetch, next_page: AnyFunction, limit: int, place: Backtrace
) -> Iterator[Datum]:
    following: _Fetch | None = fetch if limit else None
    while following is not None:
        fetch = following
        result = located(fetch.perform, environment, place)
        limit = max(limit - 1, -1) if limit > 0 else limit
        following = _following(fetch, result, next_page, place) if limit else None
        yield from result.body if isinstance(result.body, list) else (result.body,)


def _following(
    fetch: _Fetch, result: _Result, next_page: AnyFunction, place: Backtrace
) -> _Fetch | None:
    info = {"params": fetch.parameters, "header": result.header, "body": result.body}
    try:
        return located(
            lambda info: _turned(fetch, values.as_datum(next_page.call(info))), info, place
        )
    except QueryFailure as failure:
        message = (
            f"{fetch.failed(failure.message)}\nError occurred during `page` called with:\n"
            f"{datum.pretty(info)}\n"
        )
        raise QueryFailure(failure.kind, message, failure.backtrace) from failure


def _turned(fetch: _Fetch, page: Datum) -> _Fetch | None:
    """The request for the next page, made by the paging function. None if there is none."""
    if page is None or isinstance(page, str):
        return _with_url(fetch, page)
    if not isinstance(page, dict):
        raise logic(f"Expected `page` to return an OBJECT, but found {datum.type_name(page)}.")
    if "url" not in page and "params" not in page:
        raise logic("OBJECT returned by `page` must contain `url` and/or `params` fields.")
    if "params" in page:
        parameters = merging.merge(fetch.parameters, _parameters(page["params"]))
        fetch = replace(fetch, parameters=parameters)
    return _with_url(fetch, page["url"]) if "url" in page else fetch


def _with_url(fetch: _Fetch, url: Datum) -> _Fetch | None:
    if url is None:
        return None
    if not isinstance(url, str):
        raise logic(
            "Expected `url` in OBJECT returned by `page` to be a STRING or NULL, but found"
            f" {datum.type_name(url)}."
        )
    return replace(fetch, request=replace(fetch.request, url=url))
