"""Connecting to one of several hosts: their order, their time, and what is told of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.loops.blocking import Connection
from rethinkdb.loops.transport import places
from rethinkdb.loops.transport.places import AwaitingReach, Places
from rethinkdb.loops.transport.wired import WiredConnection

HOSTS = ["a", "b:5", "::1"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its one element."""
    now = [100.0]
    monkeypatch.setattr(places, "monotonic", lambda: now[0])
    return now


def test_each_host_has_its_share_of_the_time_that_is_left(clock: list[float]) -> None:
    tour = iter(Places(Connection(hosts=HOSTS), 9.0))
    assert next(tour) == 3.0
    clock[0] += 1.0  # it failed at once
    assert next(tour) == 4.0
    clock[0] += 4.0  # it did not answer
    assert next(tour) == 4.0
    assert list(tour) == []


def test_who_comes_too_late_has_no_time(clock: list[float]) -> None:
    tour = iter(Places(Connection(hosts=HOSTS), 9.0))
    next(tour)
    clock[0] += 20.0
    assert next(tour) == 0.0


def test_one_host_has_all_of_it(clock: list[float]) -> None:
    conn = Connection("a")
    tour = Places(conn, 9.0)
    assert list(tour) == [9.0]
    with pytest.raises(ReqlDriverError, match=r"^down$"), tour.attempt():
        raise ReqlDriverError("down")
    assert conn.host == "a"


def test_the_order_is_left_to_chance() -> None:
    first: Counter[str] = Counter()
    for _ in range(200):
        conn = Connection(hosts=HOSTS)
        next(iter(Places(conn, 9.0)))
        first[conn.host] += 1
    assert min(first[host] for host in ("a", "b", "::1")) > 20


def failed(*errors: ReqlDriverError) -> tuple[ReqlDriverError, list[str]]:
    """What is told when each host fails so, and the hosts in the order in which they were tried."""
    conn = Connection(hosts=HOSTS)
    tour, order = Places(conn, 9.0), []
    for error, _ in zip(errors, tour, strict=True):
        order.append(f"{conn.host}:{conn.port}")
        with tour.attempt():
            raise error
    return tour.failure(), order


def test_the_error_has_each_host_with_its_cause() -> None:
    last = ReqlTimeoutError("c", 3)
    error, order = failed(ReqlDriverError("refused"), ReqlDriverError("no route"), last)
    shown = ["[::1]:28015" if place == "::1:28015" else place for place in order]
    assert str(error).splitlines() == [
        "Could not connect to any of 3 hosts:",
        f"{shown[0]}: refused",
        f"{shown[1]}: no route",
        f"{shown[2]}: {last}",
    ]
    assert type(error) is ReqlDriverError
    assert error.__cause__ is last


def test_when_none_answers_it_is_a_timeout() -> None:
    error, _ = failed(*(ReqlTimeoutError("c", 3) for _ in HOSTS))
    assert type(error) is ReqlTimeoutError


def test_a_wrong_password_is_told_at_once() -> None:
    with pytest.raises(ReqlAuthError):
        failed(*(ReqlAuthError("no") for _ in HOSTS))


def test_an_adapter_that_connects_by_itself_refuses_several_hosts() -> None:
    class Older(AwaitingReach, WiredConnection[Any]):
        def _init_loop(self) -> None:
            """Nothing to take."""

        async def _connect(self, timeout: float) -> Any:
            """As adapters did before there were several hosts."""

    assert Older("a").host == "a"
    with pytest.raises(ReqlDriverError, match="goes to one host only"):
        Older(hosts=HOSTS)
