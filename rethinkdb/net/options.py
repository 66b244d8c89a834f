"""What `connect()` is told, checked once: a url and keywords in, one frozen `ConnectOptions` out.

Every default and every check of an option stands here and nowhere else, so that all loops take the
same arguments and refuse the same mistakes in the same words. Secrets never appear in a message.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rethinkdb.converters import Converter, Converters, state
from rethinkdb.errors import ReqlDriverError

from .address import (
    URL_VARIABLE,
    checked_hosts,
    checked_port,
    checked_text,
    read_address,
    read_url,
)

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "DEFAULT_TIMEOUT",
    "DEFAULT_USER",
    "Address",
    "ConnectOptions",
    "ReqlUnknownOptionError",
    "TLSConfig",
    "check_names",
    "connect_limit",
    "seconds_or_none",
    "wait_limit",
]

#: A host's name or address, and its driver port.
Address = tuple[str, int]

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 28015
DEFAULT_USER = "admin"
DEFAULT_TIMEOUT = 20.0

# Systems refuse to wait longer (poll() takes 31 bits of milliseconds); it is as good as for ever.
_LONGEST_WAIT = 2_000_000.0

_HANDSHAKE_V1_0 = 10


class ReqlUnknownOptionError(ReqlDriverError, TypeError):
    """`connect()` was given an option it does not have."""


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """How to trust the server, as data: each loop makes of it what its TLS needs.

    Attributes:
        ca_certs: file of the certificates to trust; None: the system's trust store.
        context: the user's own `ssl.SSLContext`, which then decides everything.
    """

    ca_certs: str | None = None
    context: Any = None

    @classmethod
    def from_argument(cls, ssl: Any) -> TLSConfig | None:
        """Reads the `ssl` argument of `connect()`.

        Args:
            ssl: nothing, or anything falsy (no TLS), True (the system's trust store),
                `{"ca_certs": path}`, or an `ssl.SSLContext`.

        Raises:
            ReqlDriverError: for anything else; an unknown or missing key is named.
        """
        if not ssl:
            return None
        if ssl is True:
            return cls()
        if isinstance(ssl, Mapping):
            return cls(ca_certs=_ca_certs(ssl))
        if callable(getattr(ssl, "wrap_bio", None)):
            return cls(context=ssl)
        raise ReqlDriverError(
            f'`ssl` must be {{"ca_certs": path}}, an ssl.SSLContext or True, not {_type(ssl)}.'
        )

    @property
    def argument(self) -> Any:
        """The `ssl` argument this came from."""
        if self.context is not None:
            return self.context
        return True if self.ca_certs is None else {"ca_certs": self.ca_certs}


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """Where and how to connect. Made by `from_arguments`, which documents and checks each one."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    db: str | None = None
    user: str = DEFAULT_USER
    password: str = field(default="", repr=False)
    timeout: float = DEFAULT_TIMEOUT
    tls: TLSConfig | None = None
    json_encoder: Callable[..., Any] | None = None
    json_decoder: Callable[..., Any] | None = None
    deadline: float | None = None
    converters: Converters | None = None
    keepalive: float | None = None
    hosts: tuple[Address, ...] = ()
    slow_query: float | None = None
    log_values: bool = False

    @property
    def places(self) -> tuple[Address, ...]:
        """Where to connect to: one of these."""
        return self.hosts or ((self.host, self.port),)

    def at(self, place: Address) -> ConnectOptions:
        """The same, for one of the hosts."""
        host, port = place
        return replace(self, host=host, port=port)

    @classmethod
    def from_arguments(
        cls,
        host: str | None = None,
        port: int | str | None = None,
        db: str | None = None,
        auth_key: str | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout: float | str | None = None,
        ssl: Any = None,
        url: str | None = None,
        _handshake_version: int = _HANDSHAKE_V1_0,
        deadline: float | None = None,
        converters: Mapping[Any, Converter] | Converters | None = None,
        keepalive: float | None = None,
        hosts: Any = None,
        slow_query: float | None = None,
        log_values: bool = False,
        json_encoder: Callable[..., Any] | None = None,
        json_decoder: Callable[..., Any] | None = None,
    ) -> ConnectOptions:
        """Checks the arguments of `connect()` and fills in the defaults.

        A falsy argument counts as not given, as configuration code passes empty strings.

        Args:
            host: name or address of the server, default `localhost`; or `host:port`, or a url. An
                IPv6 address with a port stands in brackets, `[::1]:28015`. With commas it names
                several hosts, see `hosts`.
            port: its driver port, default 28015; digits in a string will do.
            db: the database of `r.table(...)`; without it the server takes `test`.
            auth_key: the old name of `password`.
            user: default `admin`.
            password: default empty.
            timeout: seconds for connecting, TLS and handshake together, default 20.
            ssl: see `TLSConfig.from_argument`.
            url: `rethinkdb://user:password@host:port/db?auth_key=K&timeout=S`, percent-encoded;
                each part may be left out. What it leaves out comes from the other arguments; what
                both of them say must agree. When neither host, port nor url is given, the
                environment variable `RETHINKDB_URL` is taken for it, a url or `host:port`.
            _handshake_version: 10, the only one there is.
            deadline: seconds that the first answer to each query may take, unless its run option
                of that name says otherwise. None: no limit.
            converters: what to send in place of values that ReQL does not have, by their classes,
                for queries run on this connection; see `rethinkdb.converters`.
            keepalive: seconds of silence after which a server that owes an answer is asked for a
                sign of life; after as many again the link is given up. None: never.
            hosts: several servers of one cluster, in place of `host`: a list such as
                `["a", "b:28016", ("c", 28017)]`. Those without a port take `port`. A connection is
                opened to one of them: they are tried in random order. A pool uses all.
            json_encoder: class (or factory) with `.encode(obj)`, in place of the driver's own.
            json_decoder: class (or factory), called with the run options, with `.decode(str)`.
            slow_query: seconds; a query whose first answer takes as long is logged as a warning.
                None: none is.
            log_values: whether the values in queries, the texts of the server's errors, and the
                contents of frames may stand in logs. These may be whole documents.

        Raises:
            ReqlDriverError: for a value that will not do, or one that contradicts the url.
        """
        if _handshake_version != _HANDSHAKE_V1_0:
            raise ReqlDriverError(
                f"`_handshake_version` {_handshake_version!r} is not supported: "
                f"only {_HANDSHAKE_V1_0} (V1_0) is, which every server since 2.3 speaks."
            )
        given: dict[str, Any] = {
            "port": checked_port(port),
            "hosts": checked_hosts(hosts),
            "db": checked_text("`db`", db),
            "auth_key": checked_text("`auth_key`", auth_key),
            "user": checked_text("`user`", user),
            "password": checked_text("`password`", password),
            "timeout": connect_limit(timeout),
        }
        for place, said in _places(host, port or hosts, url):
            _merge(given, said, place)
        port = given["port"] or DEFAULT_PORT
        several = _several(given, port)
        return cls(
            host=several[0][0] if several else given.get("host") or DEFAULT_HOST,
            port=several[0][1] if several else port,
            hosts=several if len(several) > 1 else (),
            db=given["db"],
            user=given["user"] or DEFAULT_USER,
            password=_password(given["password"], given["auth_key"]),
            timeout=given["timeout"] or DEFAULT_TIMEOUT,
            tls=TLSConfig.from_argument(ssl),
            json_encoder=_factory("json_encoder", json_encoder),
            json_decoder=_factory("json_decoder", json_decoder),
            deadline=seconds_or_none("deadline", deadline),
            converters=_converters(converters),
            keepalive=seconds_or_none("keepalive", keepalive),
            slow_query=seconds_or_none("slow_query", slow_query),
            log_values=bool(log_values),
        )


#: The arguments of `connect()` on every loop.
CONNECT_OPTIONS = (
    "host",
    "port",
    "db",
    "auth_key",
    "user",
    "password",
    "timeout",
    "ssl",
    "url",
    "_handshake_version",
    "deadline",
    "converters",
    "keepalive",
    "hosts",
    "slow_query",
    "log_values",
    "json_encoder",
    "json_decoder",
)


_TAKEN_BEFORE = ("loop_type",)


def check_names(
    names: Iterable[str],
    loop_options: Iterable[str],
    call: str = "connect()",
    more: Iterable[str] = (),
) -> None:
    """Refuse an option that `connect()` does not have.

    Args:
        names: the keywords given.
        loop_options: the options that this loop adds to those of every loop.
        call: what was called, if it is not `connect()`.
        more: the options that it has beside those of `connect()`.

    Raises:
        ReqlUnknownOptionError: names the option, one that looks like it, and all there are.
    """
    known = [*CONNECT_OPTIONS, *loop_options]
    for name in names:
        if name in known:
            continue
        import difflib  # late, as few programs need it

        # `loop_type` is taken out before: it says whose options these are.
        near = difflib.get_close_matches(name, [*known, *_TAKEN_BEFORE, *more], n=1)
        hint = f" Did you mean `{near[0]}`?" if near and near[0] != name else ""
        public = ", ".join(option for option in (*known, *more) if option[0] != "_")
        raise ReqlUnknownOptionError(
            f"{call} has no option `{name}`.{hint} Known options: {public}."
        )


def connect_limit(value: Any) -> float | None:
    """Seconds that a `timeout` for connecting allows; None when it is falsy, for the default.

    Raises:
        ReqlDriverError: it is no number above 0.
    """
    if not value:
        return None
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) and value is not True else -1
    except (ValueError, OverflowError):
        seconds = -1
    if seconds < 0 or not math.isfinite(seconds):
        raise ReqlDriverError(f"`timeout` must be a number of seconds above 0, not {value!r}.")
    return min(seconds, _LONGEST_WAIT) or None


def seconds_or_none(name: str, value: Any) -> float | None:
    """Seconds that an option allows; None is no limit.

    Args:
        name: the option's, for the error.
        value: a number above 0, or None.

    Raises:
        ReqlDriverError: for anything else.
    """
    if value is None:
        return None
    if isinstance(value, (int, float)) and value is not True and value > 0:
        return float(min(value, _LONGEST_WAIT))
    raise ReqlDriverError(f"`{name}` must be a number of seconds above 0, or None, not {value!r}.")


def wait_limit(wait: Any) -> float | None:
    """Seconds that `wait=` of a cursor allows: None is no limit, 0 only what is there already.

    Args:
        wait: True or None (no limit), False (0), or a number of seconds.

    Raises:
        ReqlDriverError: for anything else.
    """
    if wait is True or wait is None:
        return None
    if isinstance(wait, (int, float)) and wait >= 0:
        return float(wait) if wait < _LONGEST_WAIT else None
    raise ReqlDriverError(
        f"Invalid wait timeout '{wait}': give True, False or a number of seconds from 0 up."
    )


def _several(given: Mapping[str, Any], port: int) -> tuple[Address, ...]:
    """The hosts that were given in place of one, each with its port."""
    hosts = given["hosts"] or ()
    if hosts and given.get("host"):
        raise ReqlDriverError(
            "`host` and `hosts` are both given, or a url names one and the other: name all servers"
            " in one of them."
        )
    return tuple(dict.fromkeys((name, number or port) for name, number in hosts))


def _places(host: Any, port: Any, url: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is said of the place to connect to, each with the name of where it is said."""
    if host:
        yield "`host`", read_address(host, "`host`")
    if url:
        yield "the url", read_url(url)
    elif not host and not port and (place := os.environ.get(URL_VARIABLE)):
        yield URL_VARIABLE, read_address(place, URL_VARIABLE)


def _merge(given: dict[str, Any], said: Mapping[str, Any], field: str) -> None:
    """Add what a url says. Both must agree: preferring one may connect to a wrong place."""
    for name, text in said.items():
        value = connect_limit(text) if name == "timeout" else text
        if value is None:
            continue
        if given.setdefault(name, value) is None:
            given[name] = value
        if given[name] != value:
            raise ReqlDriverError(
                f"`{name}` and {field} contradict each other: give it in one of them only."
            )


def _password(password: str | None, auth_key: str | None) -> str:
    if password and auth_key:
        raise ReqlDriverError("`auth_key` and `password` are both set.")
    return password or auth_key or ""


def _factory(name: str, value: Any) -> Callable[..., Any] | None:
    if value is None or callable(value):
        return value  # type: ignore[no-any-return]  # callable() cannot tell the arguments
    raise ReqlDriverError(f"`{name}` must be a class or another callable, not {_type(value)}.")


def _converters(value: Any) -> Converters | None:
    if not value or isinstance(value, Converters):
        return value or None
    if not isinstance(value, Mapping):
        raise ReqlDriverError(
            "`converters` must be a dict of classes and functions, such as {Decimal: str}, not"
            f" {_type(value)}."
        )
    return state.table(value)


def _ca_certs(ssl: Mapping[str, Any]) -> str:
    for key in ssl:
        if key != "ca_certs":
            raise ReqlDriverError(
                f'`ssl` has an unknown key {key!r}: it takes {{"ca_certs": path}} only. '
                "For anything else give an ssl.SSLContext."
            )
    path = ssl["ca_certs"]
    if not isinstance(path, (str, os.PathLike)) or not path:
        raise ReqlDriverError(f"`ssl['ca_certs']` must be the path of a file, not {_type(path)}.")
    return os.fsdecode(path)


def _type(value: Any) -> str:
    return type(value).__name__
