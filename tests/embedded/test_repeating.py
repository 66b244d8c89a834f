"""Servers that repeat themselves: what they make up by a seed, the time by a clock of a test."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Cluster, Server
from tests.clusters import connected

NEW_YEAR = datetime(2030, 1, 1, tzinfo=timezone.utc)


def made_up(**options: Any) -> Any:
    """All that a server makes up."""
    with Server(**options) as server, r.connect(server.host, server.port) as conn:
        created = r.table_create("t").run(conn)["config_changes"][0]["new_val"]
        keys = r.table("t").insert([{"n": n} for n in range(20)]).run(conn)["generated_keys"]
        return [
            conn.server()["id"],
            created["id"],
            keys,
            r.uuid().run(conn),
            r.random().run(conn),
            r.random(10**9).run(conn),
            [row["n"] for row in r.table("t").sample(10).run(conn)],
            [row["n"] for row in r.table("t").run(conn)],
        ]


def test_a_seed_has_everything_repeat() -> None:
    first = made_up(seed=3, order="shuffled")
    assert first == made_up(seed=3, order="shuffled")
    other = made_up(seed=4, order="shuffled")
    assert all(ours != theirs for ours, theirs in zip(first, other, strict=True))


def test_nothing_repeats_without() -> None:
    pairs = zip(made_up(order="shuffled"), made_up(order="shuffled"), strict=True)
    assert all(first != second for first, second in pairs)


def test_keys_are_still_uuids() -> None:
    with Server(seed=1) as server, r.connect(server.host, server.port) as conn:
        key = r.uuid().run(conn)
    assert (len(key), key[14], key[19] in "89ab") == (36, "4", True)


def test_a_clock_that_stands_still() -> None:
    with Server(now=NEW_YEAR) as server, r.connect(server.host, server.port) as conn:
        assert r.now().run(conn) == r.now().run(conn) == NEW_YEAR
        server.clock.advance(timedelta(days=31))
        assert r.now().month().run(conn) == 2
        server.clock.advance(-0.5)
        assert r.now().run(conn) == NEW_YEAR + timedelta(days=31, seconds=-0.5)
        server.clock.set(12.5)
        assert r.now().to_epoch_time().run(conn) == 12.5


def test_the_clock_of_the_machine_can_be_moved() -> None:
    with Cluster(1) as cluster, connected(cluster, 0) as conn:
        cluster.clock.advance(timedelta(days=400))
        ahead = r.now().run(conn) - datetime.now(timezone.utc)
        assert timedelta(days=399) < ahead < timedelta(days=401)
        cluster.clock.set(None)
        assert abs(r.now().run(conn) - datetime.now(timezone.utc)) < timedelta(days=1)


@pytest.mark.parametrize("wrong", ["2030", b"1", [1], "2030-01-01T00:00:00Z"])
def test_a_clock_takes_no_text(wrong: Any) -> None:
    server = Server(now=5)
    with pytest.raises(TypeError, match="takes a datetime with a time zone, or seconds since"):
        server.clock.set(wrong)
    with pytest.raises(TypeError, match="A clock takes a timedelta, or seconds, not"):
        server.clock.advance(wrong)
    assert server.clock.time() == 5


@pytest.mark.parametrize("user", ["admin", "ada"])
def test_a_password_is_a_text(user: str) -> None:
    passwords: Any = {"password": 5, "users": {}} if user == "admin" else {"users": {user: 5}}
    with pytest.raises(
        TypeError, match=f"The password of the user '{user}' must be a str, not int"
    ):
        Server(**passwords)


def test_what_is_no_time() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        Server(now=datetime(2030, 1, 1))
    with pytest.raises(ValueError, match="A clock cannot be moved by inf"):
        Server().clock.advance(math.inf)
