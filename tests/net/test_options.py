"""Options of connect(): defaults, urls, and what is refused."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.options import (
    CONNECT_OPTIONS,
    ConnectOptions,
    ReqlUnknownOptionError,
    TLSConfig,
    check_names,
    connect_limit,
    wait_limit,
)

read = ConnectOptions.from_arguments


class FakeContext:
    """Looks like an ssl.SSLContext to a core that knows no ssl."""

    def wrap_bio(self) -> None:
        """Present, that is all."""


def test_defaults() -> None:
    options = read()
    assert options == ConnectOptions("localhost", 28015, None, "admin", "", 20.0, None)


@pytest.mark.parametrize("falsy", [None, "", 0, False])
def test_falsy_arguments_count_as_not_given(falsy: Any) -> None:
    options = read(falsy, falsy, falsy, falsy, falsy, falsy, falsy, falsy, falsy)
    assert options == ConnectOptions()


def test_positions() -> None:
    options = read("h", "29015", "d", "", "u", "p", 5, {"ca_certs": "/ca.pem"})
    assert options == ConnectOptions("h", 29015, "d", "u", "p", 5.0, TLSConfig("/ca.pem"))


def test_auth_key_is_the_password() -> None:
    assert read(auth_key="secret").password == "secret"
    assert read(auth_key="secret", password="").password == "secret"


def test_brackets_around_an_ipv6_address() -> None:
    assert read("[::1]").host == "::1"


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(read(password="secret"))


URLS = [
    ("rethinkdb://h", {"host": "h"}),
    ("rethinkdb://h:1234", {"host": "h", "port": 1234}),
    ("rethinkdb://h:/", {"host": "h"}),
    ("rethinkdb://h:0/", {"host": "h"}),
    ("rethinkdb://:1234", {"port": 1234}),
    ("rethinkdb://h/d", {"host": "h", "db": "d"}),
    ("rethinkdb://h/d/", {"host": "h", "db": "d"}),
    ("rethinkdb://u@h", {"host": "h", "user": "u"}),
    ("rethinkdb://u:p@h", {"host": "h", "user": "u", "password": "p"}),
    ("rethinkdb://u:p%40%2F%3A%C3%A9@h", {"host": "h", "user": "u", "password": "p@/:é"}),
    ("rethinkdb://[::1]:1234/d", {"host": "::1", "port": 1234, "db": "d"}),
    ("rethinkdb://[::1]", {"host": "::1"}),
    ("rethinkdb://h?auth_key=K", {"host": "h", "password": "K"}),
    ("rethinkdb://h?timeout=2.5", {"host": "h", "timeout": 2.5}),
    ("rethinkdb://h?timeout=", {"host": "h"}),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_url(url: str, expected: dict[str, Any]) -> None:
    assert read(url=url) == ConnectOptions(**expected)


def test_arguments_add_to_a_url() -> None:
    options = read(url="rethinkdb://h:1234", db="d", user="u", timeout=3)
    assert options == ConnectOptions(host="h", port=1234, db="d", user="u", timeout=3.0)


def test_arguments_may_repeat_a_url() -> None:
    assert read("h", 1234, url="rethinkdb://h:1234").port == 1234


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"host": "other"}, "`host` and the url"),
        ({"port": 1}, "`port` and the url"),
        ({"db": "other"}, "`db` and the url"),
        ({"user": "other"}, "`user` and the url"),
        ({"password": "other"}, "`password` and the url"),
        ({"timeout": 1}, "`timeout` and the url"),
        ({"auth_key": "other"}, "`auth_key` and `password` are both set."),
    ],
)
def test_arguments_must_not_contradict_a_url(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ReqlDriverError, match=named):
        read(url="rethinkdb://u:secret@h:28015/d?timeout=5", **arguments)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"port": "abc"}, "Could not convert port 'abc' to an integer."),
    ({"port": 1.5}, "Could not convert port 1.5 to an integer."),
    ({"port": True}, "Could not convert port True to an integer."),
    ({"port": -1}, "Port -1 is out of range"),
    ({"port": 65536}, "Port 65536 is out of range"),
    ({"host": 7}, "`host` must be a string, not int."),
    ({"host": b"h"}, "`host` must be a string, not bytes."),
    ({"host": "a\0b"}, r"`host` 'a\\x00b' is no host name\."),
    ({"db": 7}, "`db` must be a string, not int."),
    ({"user": 7}, "`user` must be a string, not int."),
    ({"password": 12345}, "`password` must be a string, not int."),
    ({"auth_key": 12345}, "`auth_key` must be a string, not int."),
    ({"auth_key": "a", "password": "b"}, "`auth_key` and `password` are both set."),
    ({"timeout": "soon"}, "`timeout` must be a number of seconds above 0, not 'soon'."),
    ({"timeout": -1}, "`timeout` must be"),
    ({"timeout": True}, "`timeout` must be"),
    ({"timeout": [1]}, "`timeout` must be"),
    ({"timeout": float("nan")}, "`timeout` must be"),
    ({"timeout": float("inf")}, "`timeout` must be"),
    ({"timeout": 10**400}, "`timeout` must be"),
    ({"ssl": "ca.pem"}, "`ssl` must be .*ca_certs.*, not str."),
    ({"ssl": 1}, "`ssl` must be .*, not int."),
    ({"ssl": {"ca_certs": "x", "certfile": "y"}}, "`ssl` has an unknown key 'certfile'"),
    ({"ssl": {"certfile": "y"}}, "`ssl` has an unknown key 'certfile'"),
    ({"ssl": {"ca_certs": None}}, "`ssl\\['ca_certs'\\]` must be the path of a file"),
    ({"ssl": {"ca_certs": ""}}, "`ssl\\['ca_certs'\\]` must be the path of a file"),
    ({"json_encoder": "json"}, "`json_encoder` must be a class or another callable, not str."),
    ({"json_decoder": 5}, "`json_decoder` must be a class or another callable, not int."),
    ({"_handshake_version": 4}, "`_handshake_version` 4 is not supported"),
    ({"url": 7}, "`url` must be a string, not int."),
    ({"url": "localhost:28015"}, "The url must begin with `rethinkdb://`"),
    ({"url": "http://u:secret@h"}, "The url must begin with `rethinkdb://`"),
    ({"url": "rethinkdb:///d"}, "The url must begin with `rethinkdb://`"),
    ({"url": "rethinkdb://[::1"}, "The url cannot be read: "),
    ({"url": "rethinkdb://h:abc"}, "Could not convert port 'abc' to an integer."),
    ({"url": "rethinkdb://h:99999"}, "Port 99999 is out of range"),
    ({"url": "rethinkdb://h?ssl=1"}, "The url has an unknown parameter `ssl`"),
    ({"url": "rethinkdb://h?timeout=abc"}, "`timeout` must be"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ReqlDriverError, match=message) as caught:
        read(**arguments)
    assert "secret" not in str(caught.value)
    assert "12345" not in str(caught.value)


def test_json_classes_are_kept() -> None:
    options = read(json_encoder=dict, json_decoder=list)
    assert (options.json_encoder, options.json_decoder) == (dict, list)


@pytest.mark.parametrize("off", [None, False, {}])
def test_no_tls(off: Any) -> None:
    assert read(ssl=off).tls is None


def test_tls_is_data() -> None:
    context = FakeContext()
    assert read(ssl=True).tls == TLSConfig()
    assert read(ssl={"ca_certs": Path("/ca.pem")}).tls == TLSConfig("/ca.pem")
    assert read(ssl=context).tls == TLSConfig(context=context)


@pytest.mark.parametrize("argument", [True, {"ca_certs": "/ca.pem"}, FakeContext()])
def test_tls_remembers_the_argument(argument: Any) -> None:
    tls = TLSConfig.from_argument(argument)
    assert tls is not None
    assert tls.argument == argument


def test_the_list_of_options_is_complete() -> None:
    assert list(CONNECT_OPTIONS) == list(inspect.signature(read).parameters)


def test_unknown_option() -> None:
    check_names(["host", "nursery"], ["nursery"])
    with pytest.raises(
        ReqlUnknownOptionError, match=r"no option `prot`\. Did you mean `port`\?"
    ) as e:
        check_names(["host", "prot"], ["nursery"])
    assert "json_decoder, nursery." in str(e.value)
    assert "_handshake_version" not in str(e.value)
    assert isinstance(e.value, ReqlDriverError)
    assert isinstance(e.value, TypeError)


def test_unknown_option_unlike_any_other() -> None:
    with pytest.raises(ReqlUnknownOptionError, match=r"no option `xyzzy`\. Known options: host, "):
        check_names(["xyzzy"], [])


@pytest.mark.parametrize(
    ("wait", "limit"), [(True, None), (None, None), (False, 0), (0, 0), (0.5, 0.5), (1e9, None)]
)
def test_wait(wait: Any, limit: float | None) -> None:
    assert wait_limit(wait) == limit


@pytest.mark.parametrize("wait", [-1, "1", float("nan"), [], -0.5])
def test_bad_wait(wait: Any) -> None:
    with pytest.raises(ReqlDriverError, match="Invalid wait timeout"):
        wait_limit(wait)


def test_limits_stay_within_what_systems_can_wait() -> None:
    assert connect_limit(1e12) == 2_000_000.0
    assert connect_limit("7") == 7.0
    assert connect_limit(None) is None
