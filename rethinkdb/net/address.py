"""Reads the address of a server: a URL, `host` or `host:port`. Each can name several hosts.

    rethinkdb://user:password@host:port/db?auth_key=K&timeout=S
    rethinkdb://a.example.org,b.example.org:28016,[::1]:28017/db
    db.example.org    db.example.org:28016    127.0.0.1:28016    ::1    [::1]    [::1]:28016
    a.example.org,b.example.org:28016

Each part of a URL can be left out. All parts are percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = [
    "URL_VARIABLE",
    "Place",
    "checked_host",
    "checked_hosts",
    "checked_port",
    "checked_text",
    "read_address",
    "read_url",
    "written_address",
]

#: A host's name or address, and its port; the port is None if the text has none.
Place = tuple[str, "int | None"]

URL_VARIABLE = "RETHINKDB_URL"
"""Environment variable with a URL or `host:port`. Used if no argument says where to connect."""

_SCHEME = "rethinkdb"
_EXAMPLE = f"{_SCHEME}://user:password@host:28015/db"


def read_address(text: Any, field: str) -> dict[str, Any]:
    """Reads a URL, `host` or `host:port`.

    Args:
        text: what to read.
        field: its name in error messages, such as "`host`" or "RETHINKDB_URL".

    Returns:
        The parts that are in the text, with the names of `connect()`'s arguments: `host` and
        `port`, or `hosts` if there are several; `db`, `user`, `password`, `auth_key`, `timeout`
        (not checked yet).

    Raises:
        ReqlDriverError: it cannot be read, or a part is invalid. The message never contains a
            password.
    """
    text = checked_text(field, text) or ""
    if "://" in text:
        return read_url(text, field)
    if "@" in text or "/" in text:
        raise ReqlDriverError(
            f"{field} must be a host name, host:port, or a URL such as {_EXAMPLE}. With a user, a "
            "password or a database it is a URL."
        )
    if "," in text:
        return _said(hosts=checked_hosts(text, field))
    host, port = _place(text, field)
    return _said(host=host, port=port)


def written_address(host: str, port: int) -> str:
    """`host:port`, which `read_address` reads. An IPv6 address gets its brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_url(url: Any, field: str = "The url") -> dict[str, Any]:
    """Reads a URL. See `read_address`."""
    from urllib.parse import parse_qsl, unquote  # late: 3 ms, and most programs give no url

    plain, places = _apart(checked_text("`url`", url) or "")
    parts = _split(plain, field)
    try:
        # The official package drops every slash of the path; a database's name has none.
        said = _said(
            host=checked_host(unquote(parts.hostname)) if parts.hostname else None,
            port=checked_port(_port_text(parts)),
            db=unquote(parts.path).replace("/", "") or None,
            user=unquote(parts.username or "") or None,
            password=unquote(parts.password or "") or None,
        )
    except ReqlDriverError as exc:
        raise _within(field, exc) from exc
    for name, value in parse_qsl(parts.query):
        if name not in ("auth_key", "timeout"):
            raise ReqlDriverError(
                f"{field} has an unknown parameter `{name}`; it may have auth_key and timeout."
            )
        said[name] = value
    if len(places) > 1:
        said.pop("host", None)
        said.pop("port", None)
        said["hosts"] = checked_hosts([unquote(place) for place in places], field)
    return said


def checked_text(field: str, value: Any) -> str | None:
    """Check that an argument is a string; None if it is empty or not given.

    Raises:
        ReqlDriverError: it is no string. The message does not show it: it may be a password.
    """
    if not value:
        return None
    if not isinstance(value, str):
        raise ReqlDriverError(f"{field} must be a string, not {type(value).__name__}.")
    return value


def checked_host(value: Any, field: str = "`host`") -> str | None:
    """Check a host's name or address. See `checked_text`."""
    host = checked_text(field, value)
    if host and not host.isprintable():
        raise ReqlDriverError(f"{field} {host!r} is no host name.")
    # An IPv6 address may have the brackets that it needs in a url.
    return host[1:-1] if host and host[0] == "[" and host[-1] == "]" else host


def checked_hosts(value: Any, field: str = "`hosts`") -> tuple[Place, ...] | None:
    """Reads the argument `hosts`; None if it is empty or not given.

    Args:
        value: a list of hosts, each as `host`, `host:port` or `(host, port)`; or a string of hosts
            separated by commas.
        field: its name in error messages.

    Returns:
        The hosts without duplicates.

    Raises:
        ReqlDriverError: it is anything else, or a host is invalid.
    """
    if not value:
        return None
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, Iterable) or isinstance(given, (bytes, Mapping)):
        raise ReqlDriverError(
            f'{field} must be a list such as ["a", "b:28016", ("c", 28017)], not'
            f" {type(value).__name__}."
        )
    places: list[Place] = []
    for place in given:
        host, port = _place(place, field) if _may_be_host(place) else (None, None)
        if host is None:
            raise ReqlDriverError(
                f"{field} has {place!r} in it, which is no host. Write host, host:port, or"
                " (host, port)."
            )
        places.append((host, port))
    return tuple(dict.fromkeys(places)) or None


def _may_be_host(value: Any) -> bool:
    if isinstance(value, str):
        return not ("/" in value or "@" in value or value.count("[") != value.count("]"))
    return isinstance(value, (tuple, list)) and len(value) == 2


def _place(value: Any, field: str) -> tuple[str | None, int | None]:
    pair = isinstance(value, (tuple, list))
    host, port = value if pair else _host_and_port(checked_text(field, value) or "")
    try:
        number = checked_port(port)
    except ReqlDriverError as exc:
        raise _within(field, exc) from exc
    return checked_host(host.strip() if isinstance(host, str) else host, field), number


def checked_port(value: Any) -> int | None:
    """Check a port; None if it is 0, empty or not given.

    Raises:
        ReqlDriverError: it is no number, or not between 0 and 65535.
    """
    if not value:
        return None
    try:
        port = int(value) if isinstance(value, (int, str)) and value is not True else None
    except ValueError:
        port = None
    if port is None:
        raise ReqlDriverError(f"Could not convert port {value!r} to an integer.")
    if not 0 <= port <= 65535:
        raise ReqlDriverError(f"Port {port} is out of range: it must be from 1 to 65535.")
    return port or None


def _host_and_port(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    # An IPv6 address contains colons: without brackets, the last one is not before a port.
    if not colon or (":" in host and not bracketed):
        return text, ""
    return host, port


def _said(**parts: Any) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None}


def _apart(url: str) -> tuple[str, list[str]]:
    """Split a URL with several hosts: a URL with the first host only, and a list of all hosts.

    `urlsplit` reads URLs with one host only.
    """
    scheme, colon, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    user, at, hosts = rest[:end].rpartition("@")
    places = hosts.split(",")
    return f"{scheme}{colon}{user}{at}{places[0]}{rest[end:]}", places


def _split(url: str, field: str) -> SplitResult:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise ReqlDriverError(f"{field} cannot be read: {exc}.") from exc
    # The url itself is not shown: it may hold a password.
    if parts.scheme != _SCHEME or not parts.netloc:
        raise ReqlDriverError(
            f"{field} must begin with `{_SCHEME}://` and a host, as in {_EXAMPLE}."
        )
    return parts


def _port_text(parts: SplitResult) -> str:
    # `parts.port` would raise an error of its own for a bad port.
    _, _, address = parts.netloc.rpartition("@")
    _, _, port = address.rpartition("]")[2].partition(":")
    return port


def _within(field: str, error: ReqlDriverError) -> ReqlDriverError:
    return ReqlDriverError(f"{field}: {error}")
