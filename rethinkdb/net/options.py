"""The arguments of `connect()`: checked, completed with defaults, and kept in `ConnectOptions`.

All defaults and checks are in this module. So all loops take the same arguments and refuse the same
mistakes with the same messages. A message never contains a password. The module is long
because there is a function for each argument that needs a check.
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
    "checked_factory",
    "connect_limit",
    "seconds_or_none",
    "wait_limit",
]

#: A host's name or address, and its driver port.
Address = tuple[str, int]

DEFAULT_HOST = "localhost"
DEFAULT_PORT: int = 28015
DEFAULT_USER = "admin"
DEFAULT_TIMEOUT = 20.0

# The longest wait that systems accept, in seconds (poll() takes 31 bits of milliseconds). Nobody
# waits 23 days, so a longer time means: no limit.
_LONGEST_WAIT = 2_000_000.0

_HANDSHAKE_V1_0 = 10


class ReqlUnknownOptionError(ReqlDriverError, TypeError):
    """`connect()` got an option that does not exist. The message lists all options."""


@dataclass(frozen=True, slots=True)
class TLSConfig:
    """Which certificates to trust. Each loop makes its own TLS objects from it.

    Attributes:
        ca_certs: a file with the certificates to trust; None: the system's trust store.
        context: an `ssl.SSLContext` of the user's. If given, it decides everything.
    """

    ca_certs: str | None = None
    context: Any = None

    @classmethod
    def from_argument(cls, ssl: Any) -> TLSConfig | None:
        """Reads the `ssl` argument of `connect()`.

        Args:
            ssl: None, False or `{}`: no TLS. True: TLS with the system's trust store.
                `{"ca_certs": path}`: TLS with the certificates in this file. An `ssl.SSLContext`:
                TLS as this says.

        Returns:
            The `TLSConfig`; None means no TLS.

        Raises:
            ReqlDriverError: it is anything else. The message names an unknown or missing key.
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
        """An `ssl` argument for `connect()` that means the same."""
        if self.context is not None:
            return self.context
        return True if self.ca_certs is None else {"ca_certs": self.ca_certs}


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """Where and how to connect. `from_arguments` makes it, and documents each option."""

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
        """The hosts to choose from. A connection goes to one of them."""
        return self.hosts or ((self.host, self.port),)

    def at(self, place: Address) -> ConnectOptions:
        """The same options, with the host and port of `place`."""
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

        None, 0 and "" mean: use the default. (Programs often read empty strings from their
        configuration.) `deadline`, `keepalive` and `slow_query` accept None only.

        Args:
            host: name or address of the server, or `host:port`, or a url; default `localhost`. An
                IPv6 address with a port needs brackets: `[::1]:28015`. Several hosts are separated
                by commas; see `hosts`.
            port: the server's driver port, a number or a string of digits; default 28015.
            db: the database that `r.table(...)` uses. Without it the server uses `test`.
            auth_key: the old name of `password`.
            user: the account to log in with; default `admin`.
            password: the account's password; default empty.
            timeout: seconds that connecting, TLS and handshake may take together; default 20.
            ssl: TLS; see `TLSConfig.from_argument`.
            url: `rethinkdb://user:password@host:port/db?auth_key=K&timeout=S`, percent-encoded.
                Each part can be left out; the other arguments then supply it. A part that is in
                both must be the same in both. If `host`, `port` and `url` are all missing, the
                environment variable `RETHINKDB_URL` is used: a url, or `host:port`.
            _handshake_version: must be 10, the only version there is.
            deadline: seconds that the first answer to each query may take, and each `server()` and
                `noreply_wait()`. The run option `deadline` overrides it for one query. None: no
                limit.
            converters: functions that convert values of other classes to values that ReQL has, by
                class, for queries on this connection; see `rethinkdb.converters`.
            keepalive: if an answer is pending and the server is silent for this many seconds, the
                driver asks the server for a sign of life. After as many seconds again without one,
                the connection is lost. None: no such check.
            hosts: several servers of one cluster, instead of `host`: a list such as
                `["a", "b:28016", ("c", 28017)]`. Hosts without a port use `port`. A connection
                tries them in random order and stays at the first that answers. A pool uses all.
            json_encoder: a class (or factory) whose objects have `.encode(obj)`; used instead of
                the driver's own.
            json_decoder: a class (or factory) whose objects have `.decode(str)`; it is called with
                the run options. Used instead of the driver's own.
            slow_query: a query whose first answer takes this many seconds or longer is logged as a
                warning. None: no such warnings.
            log_values: whether logs may contain the values in queries, the messages of the server's
                errors, and the contents of frames. These can be whole documents.

        Raises:
            ReqlDriverError: a value is invalid, or differs from the one in the url.
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
            json_encoder=checked_factory("json_encoder", json_encoder),
            json_decoder=checked_factory("json_decoder", json_decoder),
            deadline=seconds_or_none("deadline", deadline),
            converters=_converters(converters),
            keepalive=seconds_or_none("keepalive", keepalive),
            slow_query=seconds_or_none("slow_query", slow_query),
            log_values=bool(log_values),
        )


#: The arguments of `connect()` that all loops have.
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
    """Raise an error for an option that `connect()` does not have.

    Args:
        names: the keyword arguments that the program gave.
        loop_options: the options that only this loop has.
        call: the function that the program called, for the message.
        more: options that this function has beside those of `connect()`.

    Raises:
        ReqlUnknownOptionError: the message names the option, a similar one, and all options.
    """
    known = [*CONNECT_OPTIONS, *loop_options]
    for name in names:
        if name in known:
            continue
        import difflib  # late, as few programs need it

        # `loop_type` is not in `known`: it chose the loop, and was removed before this call.
        near = difflib.get_close_matches(name, [*known, *_TAKEN_BEFORE, *more], n=1)
        hint = f" Did you mean `{near[0]}`?" if near and near[0] != name else ""
        # A pool has options of its own that `connect()` has as well: each is named once.
        every = dict.fromkeys((*known, *more))
        public = ", ".join(option for option in every if option[0] != "_")
        raise ReqlUnknownOptionError(
            f"{call} has no option `{name}`.{hint} Known options: {public}."
        )


def connect_limit(value: Any) -> float | None:
    """Reads the `timeout` of `connect()`.

    Returns:
        Seconds; None for the default, if `value` is None, 0 or "".

    Raises:
        ReqlDriverError: the value is not a number above 0.
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
    """Reads an option that is a number of seconds, or None for no limit.

    Args:
        name: the option's name, for the error.
        value: a number above 0, or None.

    Raises:
        ReqlDriverError: the value is anything else.
    """
    if value is None:
        return None
    if isinstance(value, (int, float)) and value is not True and value > 0:
        return float(min(value, _LONGEST_WAIT))
    raise ReqlDriverError(f"`{name}` must be a number of seconds above 0, or None, not {value!r}.")


def checked_factory(name: str, value: Any) -> Callable[..., Any] | None:
    """Checks an option that is a class, or another function that makes objects; None: not given.

    Args:
        name: the option's name, for the error.
        value: the option's value.

    Raises:
        ReqlDriverError: the value cannot be called.
    """
    if value is None or callable(value):
        return value  # type: ignore[no-any-return]  # callable() cannot tell the arguments
    raise ReqlDriverError(f"`{name}` must be a class or another callable, not {_type(value)}.")


def wait_limit(wait: Any) -> float | None:
    """Reads the argument `wait` of a cursor's `next()`.

    Args:
        wait: True or None (no limit), False (do not wait), or a number of seconds.

    Returns:
        Seconds; None means no limit, 0 means: do not wait.

    Raises:
        ReqlDriverError: it is anything else.
    """
    if wait is True or wait is None:
        return None
    if isinstance(wait, (int, float)) and wait >= 0:
        return float(wait) if wait < _LONGEST_WAIT else None
    raise ReqlDriverError(
        f"Invalid wait timeout '{wait}': give True, False or a number of seconds from 0 up."
    )


def _several(given: Mapping[str, Any], port: int) -> tuple[Address, ...]:
    """The hosts of the argument `hosts`, each with its port."""
    hosts = given["hosts"] or ()
    if hosts and given.get("host"):
        raise ReqlDriverError(
            "`host` and `hosts` are both given, or a url names one and the other: name all servers"
            " in one of them."
        )
    return tuple(dict.fromkeys((name, number or port) for name, number in hosts))


def _places(host: Any, port: Any, url: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields each source of host and port (`host`, the url, the environment): name and parts."""
    if host:
        yield "`host`", read_address(host, "`host`")
    if url:
        yield "the url", read_url(url)
    elif not host and not port and (place := os.environ.get(URL_VARIABLE)):
        yield URL_VARIABLE, read_address(place, URL_VARIABLE)


def _merge(given: dict[str, Any], said: Mapping[str, Any], field: str) -> None:
    """Add the parts of a url to the arguments; raise an error if they differ.

    Preferring one of the two could connect to the wrong server.
    """
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
