"""Options of connect(): defaults, urls, and what is refused."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.address import read_address, written_address
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
    ("rethinkdb://h?timeout=0", {"host": "h"}),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_url(url: str, expected: dict[str, Any]) -> None:
    assert read(url=url) == ConnectOptions(**expected)


PLACES = [
    ("h", {"host": "h"}),
    ("h:1234", {"host": "h", "port": 1234}),
    ("h:", {"host": "h"}),
    (":1234", {"port": 1234}),
    ("127.0.0.1:1234", {"host": "127.0.0.1", "port": 1234}),
    ("::1", {"host": "::1"}),
    ("::1:1234", {"host": "::1:1234"}),
    ("fe80::1%eth0", {"host": "fe80::1%eth0"}),
    ("[::1]", {"host": "::1"}),
    ("[::1]:1234", {"host": "::1", "port": 1234}),
    ("[::1]:", {"host": "::1"}),
    *URLS,
]


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_a_place_as_the_first_argument(text: str, expected: dict[str, Any]) -> None:
    assert read(text) == ConnectOptions(**expected)


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_a_place_in_the_environment(
    text: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETHINKDB_URL", text)
    assert read() == ConnectOptions(**expected)
    assert read("", 0, timeout=3 if "timeout" not in text else 2.5).host == expected.get(
        "host", "localhost"
    )


@pytest.mark.parametrize(
    "arguments", [{"host": "h"}, {"port": 1234}, {"url": "rethinkdb://h"}, {"host": "h:1"}]
)
def test_who_is_told_a_place_does_not_look_into_the_environment(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = read(**arguments)
    monkeypatch.setenv("RETHINKDB_URL", "rethinkdb://u:p@other:28016/d")
    assert read(**arguments) == expected


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETHINKDB_URL", "")
    assert read() == ConnectOptions()


def test_other_arguments_add_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETHINKDB_URL", "rethinkdb://u:secret@h:1234/d")
    options = read(db="d", timeout=3)
    assert options == ConnectOptions("h", 1234, "d", "u", "secret", 3.0)
    with pytest.raises(ReqlDriverError, match="`db` and RETHINKDB_URL contradict each other"):
        read(db="other")


def test_the_parts_of_a_place_for_others_to_use() -> None:
    assert read_address("rethinkdb://u:p@h:1/d?timeout=5", "--connect") == {
        "host": "h",
        "port": 1,
        "db": "d",
        "user": "u",
        "password": "p",
        "timeout": "5",
    }
    assert read_address("", "x") == {}


@pytest.mark.parametrize(
    ("host", "text"), [("h", "h:1"), ("127.0.0.1", "127.0.0.1:1"), ("::1", "[::1]:1")]
)
def test_a_written_place_is_read_again(host: str, text: str) -> None:
    assert written_address(host, 1) == text
    assert read_address(text, "x") == {"host": host, "port": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (7, "F must be a string, not int."),
        ("h:abc", "F: Could not convert port 'abc' to an integer."),
        ("h:99999", "F: Port 99999 is out of range"),
        ("[::1]:x", "F: Could not convert port 'x'"),
        ("a\0b", "F 'a.x00b' is no host name."),
        ("u:secret@h", "F must be a host name, host:port, or a URL such as rethinkdb://"),
        ("h:1/db", "F must be .*With a user, a password or a database it is a URL."),
        ("http://u:secret@h", "F must begin with `rethinkdb://`"),
        ("rethinkdb://", "F must begin with `rethinkdb://`"),
        ("rethinkdb://[::1", "F cannot be read: "),
        ("rethinkdb://u:secret@h:abc", "F: Could not convert port 'abc'"),
        ("rethinkdb://h%00", "F: `host` 'h.x00' is no host name."),
        ("rethinkdb://h?ssl=1", "F has an unknown parameter `ssl`"),
    ],
)
def test_errors_of_a_place_name_the_field(text: Any, message: str) -> None:
    with pytest.raises(ReqlDriverError, match=f"^{message}") as caught:
        read_address(text, "F")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"host": "h:1234", "port": 1235}, "`port` and `host` contradict each other"),
        ({"host": "h", "url": "rethinkdb://other"}, "`host` and the url contradict each other"),
        ({"host": "rethinkdb://h/d", "db": "e"}, "`db` and `host` contradict each other"),
        ({"host": "h:1234", "url": "rethinkdb://h:1235"}, "`port` and the url contradict"),
        ({"port": "abc", "host": 5}, "Could not convert port 'abc' to an integer."),
    ],
)
def test_places_that_contradict_each_other(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ReqlDriverError, match=f"^{message}"):
        read(**arguments)


def test_places_that_agree() -> None:
    options = read("h:1234", "1234", url="rethinkdb://h:1234/d", db="d")
    assert options == ConnectOptions("h", 1234, "d")


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
    ({"converters": str}, r"`converters` must be a dict .* such as {Decimal: str}, not type."),
    ({"converters": {str: str}}, "Values of type str are never converted"),
    ({"converters": {complex: "str"}}, "The converter for complex must be a function, not 'str'"),
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


def test_unknown_option_of_another_call() -> None:
    with pytest.raises(ReqlUnknownOptionError) as e:
        check_names(["maxsiez"], [], "ConnectionPool()", ("deadline", "max_size"))
    assert str(e.value).startswith(
        "ConnectionPool() has no option `maxsiez`. Did you mean `max_size`? Known options: host, "
    )
    assert str(e.value).endswith(", max_size.")
    assert str(e.value).count("deadline") == 1  # both calls have it


def test_loop_type_is_offered_but_not_taken() -> None:
    with pytest.raises(ReqlUnknownOptionError, match="Did you mean `loop_type`"):
        check_names(["loop_typ"], [])
    with pytest.raises(ReqlUnknownOptionError, match="no option `loop_type`"):
        check_names(["loop_type"], [])


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


def test_converters() -> None:
    made = read(converters={complex: str}).converters
    assert made is not None
    assert made.items == {complex: str}
    assert read(converters={complex: str}).converters is made
    assert read(converters=made).converters is made
    assert read(converters={}).converters is None


HOSTS: list[tuple[dict[str, Any], list[tuple[str, int]]]] = [
    ({"hosts": ["a", ("b", 28016), "c:28017"]}, [("a", 28015), ("b", 28016), ("c", 28017)]),
    ({"hosts": ["a", "b:1"], "port": 28016}, [("a", 28016), ("b", 1)]),
    (
        {"hosts": ("::1", "[::2]", "[::3]:5", ["::4", "6"])},
        [("::1", 28015), ("::2", 28015), ("::3", 5), ("::4", 6)],
    ),
    ({"hosts": "a, b:1"}, [("a", 28015), ("b", 1)]),
    ({"hosts": ["a", "a:28015", ("a", None), "b"]}, [("a", 28015), ("b", 28015)]),
    ({"host": "a,b:1"}, [("a", 28015), ("b", 1)]),
    ({"host": "a,b", "port": 5}, [("a", 5), ("b", 5)]),
    ({"url": "rethinkdb://a,b:28016,c/d"}, [("a", 28015), ("b", 28016), ("c", 28015)]),
    ({"url": "rethinkdb://[::1],[::2]:3"}, [("::1", 28015), ("::2", 3)]),
    ({"url": "rethinkdb://a:1,b%2dc:2?timeout=5"}, [("a", 1), ("b-c", 2)]),
    ({"url": "rethinkdb://a,b", "hosts": ["a", "b"]}, [("a", 28015), ("b", 28015)]),
]


@pytest.mark.parametrize(("arguments", "places"), HOSTS)
def test_several_hosts(arguments: dict[str, Any], places: list[tuple[str, int]]) -> None:
    options = read(**arguments)
    assert list(options.places) == list(options.hosts) == places
    assert (options.host, options.port) == places[0]


def test_one_host_is_a_place_too() -> None:
    for options in (read(hosts=["h:5"]), read(host="h", port=5), read(hosts=["h", "h:5"], port=5)):
        assert options.places == (("h", 5),)
        assert options.hosts == ()
    assert read(hosts=[]) == read(hosts=None) == read(hosts="") == ConnectOptions()


def test_the_rest_of_a_url_with_several_hosts() -> None:
    options = read(url="rethinkdb://u:s%2Ce@a,b:1/d?timeout=5#x")
    assert (options.user, options.password, options.db) == ("u", "s,e", "d")
    assert options.timeout == 5.0


def test_several_hosts_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETHINKDB_URL", "a,b:1")
    assert read().places == (("a", 28015), ("b", 1))
    assert read(hosts=["c", "d"]).places == (("c", 28015), ("d", 28015))


def test_the_options_for_one_of_several_hosts() -> None:
    options = read(hosts=["a", "b:1"], user="u").at(("b", 1))
    assert (options.host, options.port, options.user) == ("b", 1, "u")
    assert options.places == (("a", 28015), ("b", 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hosts": 5}, '`hosts` must be a list such as ["a", "b:28016", ("c", 28017)], not int.'),
        ({"hosts": b"a"}, "`hosts` must be a list such as"),
        ({"hosts": {"a": 1}}, "`hosts` must be a list such as"),
        ({"hosts": ["a", 5]}, "`hosts` has 5 in it, which is no host. Write host, host:port"),
        ({"hosts": [("a",)]}, r"`hosts` has ('a',) in it, which is no host. Write host, host:port"),
        ({"hosts": ["[::1"]}, "`hosts` has '[::1' in it, which is no host."),
        ({"hosts": ["a", ""]}, "`hosts` has '' in it, which is no host."),
        ({"hosts": ["a", ":1"]}, "`hosts` has ':1' in it"),
        ({"hosts": ["rethinkdb://a/d"]}, "`hosts` has 'rethinkdb://a/d' in it"),
        ({"hosts": ["a:x"]}, "`hosts`: Could not convert port 'x' to an integer."),
        ({"hosts": [("a", 70_000)]}, "`hosts`: Port 70000 is out of range"),
        ({"hosts": ["a\0"]}, "`hosts` 'a\\x00' is no host name."),
        ({"host": "a", "hosts": ["b"]}, "`host` and `hosts` are both given"),
        ({"url": "rethinkdb://a", "hosts": ["a", "b"]}, "`host` and `hosts` are both given"),
        ({"url": "rethinkdb://a,b", "host": "a"}, "`host` and `hosts` are both given"),
        ({"url": "rethinkdb://a,b", "hosts": ["b", "c"]}, "`hosts` and the url contradict"),
        ({"url": "rethinkdb://u:secret@a,/d"}, "The url has '' in it, which is no host."),
    ],
)
def test_hosts_that_will_not_do(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ReqlDriverError) as caught:
        read(**arguments)
    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)
